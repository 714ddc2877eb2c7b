//! What the bus says to a user's devices, put into the language of each.

use std::sync::Arc;

use tincan_proto::call::{Effect, End, EndReason, Notice, Role};
use tincan_proto::id::{CallId, UserId};
use tincan_proto::wire::{ErrorCode, ServerFrame, V1Type};

use super::Shared;
use super::leg::Leg;
use super::link::Flush;
use super::session::{Session, SessionState, Version};
use crate::bus::{DeviceState, Event, Refused, Reply};

/// Hears what `user` is told. Runs in the publisher's context.
pub(super) fn hear(
    shared: &Arc<Shared>,
    user: &UserId,
    event: &Event,
    reply: Option<Reply<Vec<DeviceState>>>,
) {
    let mut flush = Flush::default();
    match event {
        Event::Effect(effect) => {
            if let Some(session) = shared.directory.get(&effect.to) {
                tell(&session, effect, &mut flush);
            }
        }
        Event::Refused(refused) => {
            if let Some(session) = shared.directory.get(&refused.to) {
                tell_refused(&session, refused, &mut flush);
            }
        }
        Event::Relayed(relayed) => {
            if let Some(session) = shared.directory.get(&relayed.to) {
                super::relay::arrived(shared, &session, relayed, &mut flush);
            }
        }
        Event::Devices => {
            let state = |session: &Arc<Session>| DeviceState {
                device: session.address.clone(),
                rings_at_once: session.version == Version::V1,
                takes_many: false,
            };
            if let Some(reply) = reply {
                reply.send(shared.directory.of_user(user).iter().map(state).collect());
            }
        }
    }
    flush.run();
}

fn tell(session: &Session, Effect { to, call, notice }: &Effect, flush: &mut Flush) {
    let call = *call;
    let mut state = session.lock();
    match notice {
        Notice::Ring { from, ring_ms, data } => {
            state.leg_or(Leg::new(call, Role::Callee, from.user.clone()));
            match session.version {
                Version::V1 => state.send_v1(V1Type::CallRequest, &to.user, &from.user, data, flush),
                Version::V2 => {
                    state.send(&ServerFrame::CallRequest { call, from, data, exp: *ring_ms }, flush);
                }
            }
        }
        Notice::Delivered { devices } => {
            state.send(&ServerFrame::CallDelivered { call, devices: *devices }, flush);
        }
        Notice::Ringing { by } => state.send(&ServerFrame::CallRinging { call, from: by }, flush),
        Notice::Accepted { by, peer } => {
            let role = if by == to { Role::Callee } else { Role::Caller };
            state.leg_or(Leg::new(call, role, peer.user.clone())).peer = Some(peer.clone());
            match (session.version, role) {
                (Version::V1, Role::Caller) => {
                    state.send_v1(V1Type::CallAccept, &to.user, &by.user, "", flush);
                }
                // A v1 callee knows that it accepted.
                (Version::V1, Role::Callee) => {}
                (Version::V2, _) => state.send(&ServerFrame::CallAccept { call, from: by, peer }, flush),
            }
        }
        Notice::Ended { end, goes_on } => ended(session, &mut state, call, end, *goes_on, flush),
    }
}

fn ended(
    session: &Session,
    state: &mut SessionState,
    call: CallId,
    end: &End,
    goes_on: Option<CallId>,
    flush: &mut Flush,
) {
    let leg = state.drop_leg(call);
    if session.version == Version::V2 {
        let End { reason, ref by, talk_ms, .. } = *end;
        state.send(&ServerFrame::CallEnded { call, reason, by: by.as_ref(), talk_ms, goes_on }, flush);
        return;
    }
    // A v1 client that ended the call knows; it was never told of an echo, and would take one for the other's.
    let Some(leg) = leg.filter(|_| end.by.as_ref() != Some(&session.address)) else { return };
    let own = &session.address.user;
    let unanswered = leg.role == Role::Caller && leg.peer.is_none();
    match v1_reject(end.reason) {
        Some(reason) if unanswered => {
            state.send_v1(
                V1Type::CallReject,
                own,
                &leg.peer_user,
                &format!("{{\"reason\":\"{reason}\"}}"),
                flush,
            );
        }
        _ if end.reason == EndReason::Glare => {}
        _ => state.send_v1(V1Type::Hangup, own, &leg.peer_user, "", flush),
    }
}

/// The reason that a v1 caller hears in a `call-reject`; `None` where it hears a `hangup`.
const fn v1_reject(reason: EndReason) -> Option<&'static str> {
    match reason {
        EndReason::Declined => Some("declined"),
        EndReason::Busy => Some("busy"),
        EndReason::NoAnswer => Some("timeout"),
        EndReason::Unreachable => Some("unavailable"),
        EndReason::HungUp
        | EndReason::Cancelled
        | EndReason::AnsweredElsewhere
        | EndReason::DeclinedElsewhere
        | EndReason::Glare
        | EndReason::Replaced
        | EndReason::MediaFailed
        | EndReason::UserMediaFailed
        | EndReason::ConnectionLost => None,
    }
}

fn tell_refused(session: &Session, refused: &Refused, flush: &mut Flush) {
    let Refused { call, code, message, re, request, .. } = refused;
    let mut state = session.lock();
    let over = *request || *code == ErrorCode::NoSuchCall;
    let leg = if over { state.drop_leg(*call) } else { None };
    match session.version {
        Version::V2 => {
            let (re, call) = (re.as_deref(), Some(*call));
            state.send(&ServerFrame::Error { re, call, code: *code, message, retry_ms: None }, flush);
        }
        Version::V1 => {
            let Some(leg) = leg else { return };
            let kind = if *request { V1Type::CallReject } else { V1Type::Hangup };
            let reason = format!("{{\"reason\":\"{}\"}}", code.as_str());
            state.send_v1(kind, &session.address.user, &leg.peer_user, &reason, flush);
        }
    }
}
