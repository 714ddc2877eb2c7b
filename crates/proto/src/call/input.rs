//! What can happen to a call.

use serde::{Deserialize, Serialize};

use super::state::{EndReason, RejectReason};
use crate::id::Address;

/// What enters the call machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    /// A device did something. The address is that of its session, never taken from a frame.
    Act {
        /// The device.
        from: Address,
        /// What it did.
        act: Act,
    },
    /// A device of the callee has a connection and can be rung, or a device of the call is back.
    Online {
        /// The device.
        device: Address,
        /// It rings as soon as it has the request (a v1 device has no word for ringing).
        rings_at_once: bool,
    },
    /// The connection of a device is lost. A session may yet resume.
    Gone {
        /// The device.
        device: Address,
        /// No session can resume: a v1 connection was closed.
        for_good: bool,
    },
    /// A newer call between the same two users takes this one's place.
    Replaced,
    /// [`super::Call::deadline`] has come.
    Deadline,
}

/// What a device can do in a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// It alerts its user.
    Ringing,
    /// Its user accepts.
    Accept,
    /// Its user rejects.
    Reject {
        /// Why.
        reason: RejectReason,
        /// On this device or on all.
        scope: Scope,
    },
    /// Its user cancels or hangs up, or its media gave up. One of `hung_up`, `media_failed`, `user_media_failed`, `connection_lost`.
    HangUp {
        /// What to record if the call was accepted.
        reason: EndReason,
    },
    /// Its media path came up or was lost.
    Media(Media),
}

/// What a leg says of its media.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// Packets arrive.
    Connected,
    /// Packets stopped arriving.
    Lost,
}

/// How far a reject reaches.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The call ends, on all devices.
    #[default]
    All,
    /// This device falls silent; the others ring on.
    Here,
}

impl Input {
    /// `from` does `act`.
    #[must_use]
    pub const fn act(from: Address, act: Act) -> Self {
        Self::Act { from, act }
    }
}
