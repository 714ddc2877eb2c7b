//! What a session knows of its calls: enough to relay without asking anyone.
//!
//! For a v1 client a leg also holds candidates back. The pages of old drop a candidate that comes before their remote
//! description is set, so it waits until it can be used: on the callee's side until the page sent its answer, on the
//! caller's until the page had time to set the answer. Nothing that a caller's page sends says that it has: its own
//! candidates go on coming while it is still at it.

use std::sync::{Arc, Weak};

use tincan_proto::call::{Role, Snapshot, State};
use tincan_proto::id::{Address, CallId, UserId};
use tincan_proto::wire::Relay;

use super::directory::Directory;
use super::session::Session;

/// Candidates that a leg holds at most; a page has a few dozen.
const HELD_MAX: usize = 128;

/// One call of a session.
#[derive(Debug)]
pub(super) struct Leg {
    pub call: CallId,
    pub role: Role,
    /// The user at the other end.
    pub peer_user: UserId,
    /// The device at the other end, once the call is accepted.
    pub peer: Option<Address>,
    /// This side said that it is over; the call service will confirm.
    pub leaving: bool,
    /// An answer passed.
    pub answered: bool,
    /// It tells nobody an address: only a relay's candidates pass.
    pub is_private: bool,
    /// Where `peer` was found last.
    route: Weak<Session>,
    hold: Hold,
    held: Vec<Box<[u8]>>,
}

/// Whether candidates to a v1 client are held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Hold {
    /// The remote description cannot be set yet.
    Holding,
    /// The answer went out; the page is setting it.
    Settling,
    /// Candidates can be used.
    Open,
}

/// What became of a candidate for a v1 client.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Held {
    /// Send it now.
    Open,
    /// It waits for the answer.
    Waits,
    /// It waits, as the first one, for the page to set the answer: release when the page had its time.
    Settles,
    /// Too many wait.
    TooMany,
}

impl Leg {
    pub(super) const fn new(call: CallId, role: Role, peer_user: UserId) -> Self {
        Self {
            call,
            role,
            peer_user,
            peer: None,
            leaving: false,
            answered: false,
            is_private: false,
            route: Weak::new(),
            hold: Hold::Holding,
            held: Vec::new(),
        }
    }

    /// The leg that a snapshot tells of; `None` if it names no peer, which ours always do.
    pub(super) fn of_snapshot(snapshot: &Snapshot) -> Option<Self> {
        let peer: Option<Address> = snapshot.peer.parse().ok();
        let peer_user =
            peer.as_ref().map_or_else(|| snapshot.peer.parse().ok(), |peer| Some(peer.user.clone()))?;
        let mut leg = Self::new(snapshot.call, snapshot.role, peer_user);
        let accepted = matches!(snapshot.state, State::Negotiating | State::Connected | State::Reconnecting);
        leg.peer = peer.filter(|_| accepted);
        leg.answered = matches!(snapshot.state, State::Connected | State::Reconnecting);
        if leg.answered {
            leg.hold = Hold::Open;
        }
        Some(leg)
    }

    /// The session of `peer`, looked up again only when it is no longer its device's.
    pub(super) fn route(&mut self, directory: &Directory) -> Option<Arc<Session>> {
        if let Some(session) = self.route.upgrade().filter(|session| session.is_current()) {
            return Some(session);
        }
        let session = directory.get(self.peer.as_ref()?);
        self.route = session.as_ref().map(Arc::downgrade).unwrap_or_default();
        session
    }

    /// A candidate, as a v1 frame, is about to go to this leg's client.
    pub(super) fn hold(&mut self, frame: &[u8]) -> Held {
        if self.hold == Hold::Open {
            return Held::Open;
        }
        if self.held.len() >= HELD_MAX {
            return Held::TooMany;
        }
        self.held.push(frame.into());
        if self.hold == Hold::Settling && self.held.len() == 1 { Held::Settles } else { Held::Waits }
    }

    /// This leg's client received `relay`. Returns whether held candidates wait for its page to settle.
    pub(super) fn received(&mut self, relay: Relay) -> bool {
        if relay == Relay::Answer && self.hold == Hold::Holding {
            self.hold = Hold::Settling;
            return !self.held.is_empty();
        }
        false
    }

    /// This leg's client sent `relay`. Returns what can go to it now.
    pub(super) fn sent(&mut self, relay: Relay) -> Vec<Box<[u8]>> {
        if relay == Relay::Answer { self.release() } else { Vec::new() }
    }

    /// The page has had its time. Returns what can go to it now.
    pub(super) fn release(&mut self) -> Vec<Box<[u8]>> {
        self.hold = Hold::Open;
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(role: Role) -> Leg {
        Leg::new(CallId::from_bytes([0; 16]), role, "peer".parse().unwrap())
    }

    #[test]
    fn a_v1_callee_gets_candidates_after_it_sent_its_answer() {
        let mut leg = leg(Role::Callee);
        assert!(!leg.received(Relay::Offer));
        assert_eq!((leg.hold(b"1"), leg.hold(b"2")), (Held::Waits, Held::Waits));
        assert!(leg.sent(Relay::Candidate).is_empty());
        assert_eq!(leg.sent(Relay::Answer), [Box::from(*b"1"), Box::from(*b"2")]);
        assert_eq!(leg.hold(b"3"), Held::Open);
    }

    #[test]
    fn a_v1_caller_gets_candidates_once_its_page_had_time_for_the_answer() {
        let mut caller = leg(Role::Caller);
        assert_eq!(caller.hold(b"0"), Held::Waits);
        assert!(caller.received(Relay::Answer));
        assert_eq!(caller.hold(b"1"), Held::Waits);
        assert_eq!(caller.release(), [Box::from(*b"0"), Box::from(*b"1")]);

        let mut caller = leg(Role::Caller);
        assert!(!caller.received(Relay::Answer));
        assert_eq!((caller.hold(b"1"), caller.hold(b"2")), (Held::Settles, Held::Waits));
        assert!(caller.sent(Relay::Candidate).is_empty(), "its page may still be setting the answer");
        assert_eq!(caller.release(), [Box::from(*b"1"), Box::from(*b"2")]);
        assert_eq!(caller.hold(b"3"), Held::Open);
    }

    #[test]
    fn held_candidates_are_bounded() {
        let mut leg = leg(Role::Callee);
        for _ in 0..HELD_MAX {
            assert_eq!(leg.hold(b"c"), Held::Waits);
        }
        assert_eq!(leg.hold(b"c"), Held::TooMany);
    }
}
