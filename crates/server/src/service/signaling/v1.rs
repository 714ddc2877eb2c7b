//! What a v1 client says: the language of the original pages.

use std::sync::Arc;

use tincan_proto::call::{Act, EndReason, RejectReason, Role, Scope};
use tincan_proto::id::{UserId, UserName};
use tincan_proto::time::Millis;
use tincan_proto::wire::{CloseCode, ErrorCode, REQUEST_DATA_MAX, Relay, V1Frame, V1Type, parse_v1};

use super::Shared;
use super::connection::Next;
use super::leg::Leg;
use super::link::Flush;
use super::relay::Of;
use super::session::{Session, SessionState};
use crate::bus::CommandKind;

/// Carries out one frame. v1 has no word for an error, so a frame that is none closes the connection with a sentence.
pub(super) fn receive(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    now: Millis,
    text: &str,
    flush: &mut Flush,
) -> Next {
    let frame = match parse_v1(text) {
        Ok(frame) => frame,
        Err(sentence) => return Next::Break((CloseCode::NotText, sentence)),
    };
    if session.lock().frames.take(now, shared.settings.frames).is_err() {
        return Next::Break((CloseCode::RateLimited, "too many frames".into()));
    }
    let own = &session.address.user;
    let V1Frame { kind, to: Some(to), data } = frame else {
        super::ice::answer_v1(shared, session, flush);
        return Next::Continue(());
    };
    let mut relay = |relay| {
        if data.is_empty() {
            return Ok(());
        }
        super::relay::relay(shared, session, &Of::User(to.as_str()), relay, data, &mut *flush)
    };
    let outcome = match kind {
        V1Type::Candidate => relay(Relay::Candidate),
        V1Type::Offer => relay(Relay::Offer),
        V1Type::Answer => relay(Relay::Answer),
        V1Type::CallRequest => return request(shared, session, &to.to_id(), data, flush),
        V1Type::CallAccept => act(shared, session, &to, Act::Accept),
        V1Type::CallReject => {
            act(shared, session, &to, Act::Reject { reason: RejectReason::Declined, scope: Scope::All })
        }
        // A hang-up for a call that is over already is what both pages send when both hang up.
        V1Type::Hangup => act(shared, session, &to, Act::HangUp { reason: EndReason::HungUp }).or(Ok(())),
        V1Type::IceServersRequest | V1Type::IceServersResponse => Ok(()),
    };
    if let Err(code) = outcome {
        let reason = format!("{{\"reason\":\"{}\"}}", code.as_str());
        session.lock().send_v1(V1Type::Hangup, own, &to.to_id(), &reason, flush);
    }
    Next::Continue(())
}

fn request(shared: &Arc<Shared>, session: &Arc<Session>, to: &UserId, data: &str, flush: &mut Flush) -> Next {
    let own = &session.address.user;
    let refuse = |state: &SessionState, code: &str, flush: &mut Flush| {
        state.send_v1(V1Type::CallReject, own, to, &format!("{{\"reason\":\"{code}\"}}"), flush);
    };
    let mut state = session.lock();
    let rings = |leg: &mut Leg| leg.role == Role::Caller && leg.peer.is_none();
    if state.leg_with(to.as_str()).is_some_and(rings) {
        // The button was pressed twice: it is one call.
        return Next::Continue(());
    }
    if data.len() > REQUEST_DATA_MAX {
        refuse(&state, "too_large", flush);
        return Next::Continue(());
    }
    if shared.may_request(own, to).is_err() {
        refuse(&state, "rate_limited", flush);
        return Next::Continue(());
    }
    let call = super::identity::random_call();
    state.legs.push(Leg::new(call, Role::Caller, to.clone()));
    drop(state);
    let kind = CommandKind::Request { call, to: to.clone(), data: data.into(), moves_on: true };
    shared.command(&session.address, None, kind);
    Next::Continue(())
}

fn act(shared: &Shared, session: &Session, to: &UserName<'_>, act: Act) -> Result<(), ErrorCode> {
    let call = {
        let mut state = session.lock();
        let leg = state.leg_with(to.as_str()).ok_or(ErrorCode::NoSuchCall)?;
        leg.leaving = matches!(act, Act::HangUp { .. } | Act::Reject { .. });
        leg.call
    };
    shared.act(&session.address, None, call, act);
    Ok(())
}
