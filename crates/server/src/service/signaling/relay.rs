//! Offers, answers, candidates: from one leg of an accepted call to the other, as they are.
//!
//! Each side's session knows the other's address since the accept, so this asks neither the call service nor the store.

use std::sync::Arc;

use serde_json::value::RawValue;
use tincan_proto::call::{Act, Media, Role};
use tincan_proto::id::{Address, CallId};
use tincan_proto::wire::{CloseCode, ErrorCode, Relay, ServerFrame, V1Type, tells_an_address, write_v1};

use super::Shared;
use super::leg::Held;
use super::link::Flush;
use super::session::{Session, SessionState, Version, with_scratch};
use crate::bus::{Event, Relayed};

/// How a client names the call that a frame belongs to.
pub(super) enum Of<'a> {
    /// By its id: v2.
    Call(CallId),
    /// By the user at the other end: v1.
    User(&'a str),
}

/// Hands `data` to the other leg.
///
/// # Errors
/// `no_such_call`; `bad_state` before accept; `forbidden` if it tells an address that is to stay private; `unavailable` if
/// the other device has no session.
pub(super) fn relay(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    of: &Of<'_>,
    relay: Relay,
    data: &str,
    flush: &mut Flush,
) -> Result<(), ErrorCode> {
    let (call, peer, to, first_answer) = {
        let mut state = session.lock();
        let leg = match of {
            Of::Call(call) => state.leg(*call),
            Of::User(user) => state.leg_with(user),
        };
        let leg = leg.ok_or(ErrorCode::NoSuchCall)?;
        if leg.peer.is_none() {
            return Err(ErrorCode::BadState);
        }
        if (leg.is_private || shared.settings.relay_only) && tells_an_address(data) {
            return Err(ErrorCode::Forbidden);
        }
        let peer = leg.route(&shared.directory);
        let to = if peer.is_none() { leg.peer.clone() } else { None };
        let first_answer = relay == Relay::Answer && !leg.answered;
        leg.answered |= first_answer;
        let call = leg.call;
        if session.version == Version::V1 {
            // With its answer its page can use what was held for it.
            let held = leg.sent(relay);
            send_held(&state, &held, flush);
        }
        (call, peer, to, first_answer)
    };
    match peer {
        Some(peer) => receive(shared, &peer, &session.address, call, relay, data, flush),
        None => elsewhere(shared, &session.address, to.ok_or(ErrorCode::Unavailable)?, call, relay, data)?,
    }
    if first_answer {
        connected(shared, session, call);
    }
    Ok(())
}

/// Sends a frame to a session that is not here: another service, or another node, may have it.
fn elsewhere(
    shared: &Shared,
    from: &Address,
    to: Address,
    call: CallId,
    relay: Relay,
    data: &str,
) -> Result<(), ErrorCode> {
    let user = to.user.clone();
    // Whoever has a device here hears it from here, and knows that this one is not.
    let own = usize::from(!shared.directory.of_user(&user).is_empty());
    let relayed = Relayed { to, from: from.clone(), call, relay, data: data.into() };
    let heard = shared.bus.users.publish(&user, &Event::Relayed(relayed));
    if heard > own { Ok(()) } else { Err(ErrorCode::Unavailable) }
}

/// Takes a frame for a session that is here from a leg that is not.
pub(super) fn arrived(shared: &Shared, session: &Arc<Session>, relayed: &Relayed, flush: &mut Flush) {
    let Relayed { from, call, relay, data, .. } = relayed;
    let is_peer = session.lock().leg(*call).is_some_and(|leg| leg.peer.as_ref() == Some(from));
    if is_peer {
        receive(shared, session, from, *call, *relay, data, flush);
    }
}

/// A v1 leg has no word for "connected": a relayed answer must do.
fn connected(shared: &Shared, session: &Session, call: CallId) {
    if session.version == Version::V1 {
        shared.act(&session.address, None, call, Act::Media(Media::Connected));
    }
}

fn receive(
    shared: &Shared,
    session: &Arc<Session>,
    from: &Address,
    call: CallId,
    relay: Relay,
    data: &str,
    flush: &mut Flush,
) {
    if relay == Relay::Answer {
        connected(shared, session, call);
    }
    let mut state = session.lock();
    if session.version == Version::V2 {
        state.send(&ServerFrame::Relay { relay, call, from, data }, flush);
        return;
    }
    match relay {
        Relay::Offer => state.send_v1(V1Type::Offer, &session.address.user, &from.user, data, flush),
        Relay::Answer => {
            state.send_v1(V1Type::Answer, &session.address.user, &from.user, data, flush);
            if state.leg(call).is_some_and(|leg| leg.role == Role::Caller && leg.received(relay)) {
                settle(shared, session, &mut state, call, flush);
            }
        }
        Relay::Candidate => candidate(shared, session, &mut state, from, call, data, flush),
        Relay::Candidates => {
            let list: Vec<&RawValue> = serde_json::from_str(data).unwrap_or_default();
            for one in list.into_iter().map(RawValue::get).filter(|one| *one != "null") {
                candidate(shared, session, &mut state, from, call, one, flush);
            }
        }
        Relay::Update => {}
    }
}

/// One candidate for a v1 client: sent if it can be used, else held.
fn candidate(
    shared: &Shared,
    session: &Arc<Session>,
    state: &mut SessionState,
    from: &Address,
    call: CallId,
    data: &str,
    flush: &mut Flush,
) {
    let link = state.link.clone();
    let Some(leg) = state.leg(call) else { return };
    let settles = with_scratch(|out| {
        write_v1(out, V1Type::Candidate, &session.address.user, &from.user, data);
        match (leg.hold(out), link) {
            (Held::Open, Some(link)) => link.text(out, flush),
            (Held::Settles, _) => return true,
            (Held::TooMany, Some(link)) => {
                link.close(CloseCode::Slow, "too many candidates wait for an answer")
            }
            (Held::Open | Held::Waits | Held::TooMany, _) => {}
        }
        false
    });
    if settles {
        settle(shared, session, state, call, flush);
    }
}

/// Releases what a v1 caller's leg holds, after its page had time to set the answer.
fn settle(
    shared: &Shared,
    session: &Arc<Session>,
    state: &mut SessionState,
    call: CallId,
    flush: &mut Flush,
) {
    let time = shared.settings.v1_settle;
    if time.is_zero() {
        return release(state, call, flush);
    }
    let session = Arc::clone(session);
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        release(&mut session.lock(), call, &mut Flush::default());
    });
}

fn release(state: &mut SessionState, call: CallId, flush: &mut Flush) {
    let held = state.leg(call).map(super::leg::Leg::release).unwrap_or_default();
    send_held(state, &held, flush);
}

fn send_held(state: &SessionState, held: &[Box<[u8]>], flush: &mut Flush) {
    if let Some(link) = &state.link {
        for frame in held {
            link.text(frame, flush);
        }
    }
}
