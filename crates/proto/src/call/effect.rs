//! What the call machine asks for.

use super::state::End;
use crate::id::{Address, CallId};

/// Something to be told to a device, after the change that caused it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Effect {
    /// The device to tell.
    pub to: Address,
    /// The call it is about.
    pub call: CallId,
    /// What to tell.
    pub notice: Notice,
}

/// What a device is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// To a device of the callee: ring, for at most `ring_ms`.
    Ring {
        /// The calling device.
        from: Address,
        /// Milliseconds until the ring limit.
        ring_ms: u64,
        /// The request's `data`: a JSON text, or empty.
        data: Box<str>,
    },
    /// To the caller: this many devices have the request.
    Delivered {
        /// How many.
        devices: usize,
    },
    /// To the caller: a device alerts its user.
    Ringing {
        /// That device.
        by: Address,
    },
    /// To both: the callee's device accepted; `peer` is the other side, for the receiver.
    Accepted {
        /// The device that accepted.
        by: Address,
        /// Where to send offer, answer and candidates.
        peer: Address,
    },
    /// The call, or this device's leg of it, is over. The last notice of a call to a device.
    Ended {
        /// How.
        end: End,
        /// After glare: the call that goes on instead.
        goes_on: Option<CallId>,
    },
}

/// Effects in the order in which they are to be carried out.
///
/// Dropping them would leave a device ringing, so the compiler asks for their use.
#[must_use = "effects must be carried out after the change is stored"]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// Adds one.
    pub(super) fn tell(&mut self, to: &Address, call: CallId, notice: Notice) {
        self.0.push(Effect { to: to.clone(), call, notice });
    }

    /// Adds all of `more`.
    pub(super) fn append(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Whether there is nothing to carry out.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The effects, first to last.
    pub fn iter(&self) -> std::slice::Iter<'_, Effect> {
        self.0.iter()
    }
}

impl IntoIterator for Effects {
    type Item = Effect;
    type IntoIter = std::vec::IntoIter<Effect>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Effects {
    type Item = &'a Effect;
    type IntoIter = std::slice::Iter<'a, Effect>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
