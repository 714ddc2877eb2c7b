//! A device's session: what outlives its connections.
//!
//! One lock guards it, taken for moments: by its own connection for each frame, by others to say something. Nobody holds
//! two sessions' locks at once.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use parking_lot::{Mutex, MutexGuard};
use tincan_proto::id::{Address, CallId, UserId};
use tincan_proto::limit::Bucket;
use tincan_proto::session::{Incoming, Outgoing};
use tincan_proto::wire::{CloseCode, ServerFrame, V1Type, write_v1};

use super::leg::Leg;
use super::link::{Flush, Link};

/// The language that a session's client speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Version {
    V1,
    V2,
}

/// A device's context.
pub(super) struct Session {
    pub address: Address,
    pub version: Version,
    /// It is its device's in the directory.
    current: AtomicBool,
    state: Mutex<SessionState>,
}

/// What changes in a session.
pub(super) struct SessionState {
    pub link: Option<Arc<Link>>,
    pub legs: Vec<Leg>,
    pub frames: Bucket,
    /// The name by which its client reached this server.
    pub host: Option<Box<str>>,
    /// Numbers and resume; v2 only.
    pub numbers: Option<Box<Numbers>>,
}

/// What makes a v2 session resumable.
pub(super) struct Numbers {
    /// The session's public id.
    pub id: String,
    /// What resumes it. Changes with every welcome.
    pub secret: String,
    /// What resumed it last. Good again until the client says something and so shows that it has the next one: the
    /// welcome may have been lost with its connection.
    pub used: String,
    pub outgoing: Outgoing,
    pub incoming: Incoming,
    /// The number last acknowledged to the client.
    pub acked: u64,
    /// Counts the connections, so that a timer knows whether it is still meant.
    pub connection: u64,
}

impl Session {
    pub(super) fn v1(address: Address, link: Arc<Link>) -> Arc<Self> {
        Self::new(address, Version::V1, Some(link), None)
    }

    /// A v2 session without a connection: what it is told waits in its window.
    pub(super) fn v2(address: Address, id: String) -> Arc<Self> {
        let numbers = Numbers {
            id,
            secret: String::new(),
            used: String::new(),
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            acked: 0,
            connection: 0,
        };
        Self::new(address, Version::V2, None, Some(Box::new(numbers)))
    }

    fn new(
        address: Address,
        version: Version,
        link: Option<Arc<Link>>,
        numbers: Option<Box<Numbers>>,
    ) -> Arc<Self> {
        let state = SessionState { link, legs: Vec::new(), frames: Bucket::default(), host: None, numbers };
        Arc::new(Self { address, version, current: AtomicBool::new(false), state: Mutex::new(state) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock()
    }

    /// Whether it is its device's in the directory. What is sent to another reaches nobody.
    pub(super) fn is_current(&self) -> bool {
        self.current.load(Ordering::Acquire)
    }

    /// The directory took it in, or out.
    pub(super) fn set_current(&self, current: bool) {
        self.current.store(current, Ordering::Release);
    }

    /// Ends its connection, if it has one: a newer one of the device takes over. It is forgotten first, so that its end
    /// is not taken for the device's.
    pub(super) fn send_off(&self) {
        let link = self.lock().link.take();
        if let Some(link) = link {
            link.close(CloseCode::Replaced, "");
        }
    }

    /// Ends its connection, if it has one.
    pub(super) fn close(&self, code: CloseCode, reason: &str) {
        let link = self.lock().link.clone();
        if let Some(link) = link {
            link.close(code, reason);
        }
    }
}

thread_local! {
    /// Where frames are written before they are copied to a link.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Runs `write` on an empty buffer that is kept from one use to the next.
pub(super) fn with_scratch<T>(write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        write(scratch)
    })
}

impl SessionState {
    /// The newest live leg with `user` at the other end: v1 names calls so.
    pub(super) fn leg_with(&mut self, user: &str) -> Option<&mut Leg> {
        self.legs.iter_mut().rev().find(|leg| leg.peer_user.as_str() == user && !leg.leaving)
    }

    /// The leg of a call.
    pub(super) fn leg(&mut self, call: CallId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.call == call)
    }

    /// The leg of a call, made if there is none.
    pub(super) fn leg_or(&mut self, new: Leg) -> &mut Leg {
        let at = self.legs.iter().position(|leg| leg.call == new.call).unwrap_or_else(|| {
            self.legs.push(new);
            self.legs.len() - 1
        });
        &mut self.legs[at]
    }

    /// Forgets a call.
    pub(super) fn drop_leg(&mut self, call: CallId) -> Option<Leg> {
        let at = self.legs.iter().position(|leg| leg.call == call)?;
        let leg = self.legs.remove(at);
        if self.legs.is_empty() {
            self.legs = Vec::new();
        }
        Some(leg)
    }

    /// Says something to a v2 client: now if it is connected, and again after a resume if it has a number.
    pub(super) fn send(&mut self, frame: &ServerFrame<'_>, flush: &mut Flush) {
        let Some(numbers) = &mut self.numbers else { return };
        let link = self.link.as_ref();
        with_scratch(|out| {
            frame.write_open(out);
            if frame.is_numbered() {
                put_number(out, ",\"seq\":", numbers.outgoing.next_seq());
                if numbers.outgoing.push(out.as_slice().into()).is_err() {
                    // It neither reads nor acknowledges. Its window is worth nothing now, and the next hello starts anew.
                    numbers.retire();
                    if let Some(link) = link {
                        link.close(CloseCode::Slow, "");
                    }
                    return;
                }
            }
            if let Some(link) = link {
                numbers.finish(out);
                link.text(out, flush);
            }
        });
    }

    /// Says something to a v1 client.
    pub(super) fn send_v1(&self, kind: V1Type, to: &UserId, from: &UserId, data: &str, flush: &mut Flush) {
        if let Some(link) = &self.link {
            with_scratch(|out| {
                write_v1(out, kind, to, from, data);
                link.text(out, flush);
            });
        }
    }
}

impl Numbers {
    /// From here on nothing resumes the session: not even a hello that has found it already.
    pub(super) fn retire(&mut self) {
        self.id.clear();
    }

    /// Whether `secret` resumes the session.
    pub(super) fn is_proven_by(&self, secret: &str) -> bool {
        let is = |known: &str| {
            !known.is_empty() && verify_slices_are_equal(known.as_bytes(), secret.as_bytes()).is_ok()
        };
        is(&self.secret) || is(&self.used)
    }

    /// Adds the acknowledgement and the last brace.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        let ack = self.incoming.ack();
        if ack > 0 {
            put_number(out, ",\"ack\":", ack);
        }
        self.acked = ack;
        out.push(b'}');
    }
}

fn put_number(out: &mut Vec<u8>, name: &str, number: u64) {
    use std::io::Write as _;
    out.extend_from_slice(name.as_bytes());
    // Writing to memory cannot fail.
    let _ = write!(out, "{number}");
}
