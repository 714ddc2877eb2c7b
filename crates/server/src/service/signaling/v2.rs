//! What a v2 client says.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

use tincan_proto::call::{Act, Role};
use tincan_proto::id::CallId;
use tincan_proto::quality::Report;
use tincan_proto::time::{Millis, whole_ms};
use tincan_proto::wire::{Body, ClientFrame, CloseCode, ErrorCode, FrameError, ServerFrame, parse};

use super::Shared;
use super::leg::Leg;
use super::link::Flush;
use super::relay::Of;
use super::session::Session;
use crate::bus::{CommandKind, Reported};

/// Frames after which the server acknowledges, if it has nothing else to say.
const ACK_EVERY: u64 = 16;

/// What became of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Received {
    /// It was carried out, or refused for what it asked.
    Good,
    /// It is not a frame of the protocol.
    Bad,
    /// It came too soon after the others.
    TooMany,
}

/// An `error` to be sent.
struct Refusal<'a> {
    re: Option<&'a str>,
    call: Option<CallId>,
    code: ErrorCode,
    message: &'a str,
    retry_ms: Option<u64>,
}

/// Carries out one frame. `Break` closes the connection.
pub(super) fn receive(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    now: Millis,
    text: &str,
    flush: &mut Flush,
) -> ControlFlow<(CloseCode, String), Received> {
    let parsed = parse(text);
    let (seq, ack) = match &parsed {
        Ok(frame) => (frame.seq, frame.ack),
        Err(error) => (error.seq, None),
    };
    if !number(session, seq, ack, flush)? {
        return Continue(Received::Good);
    }
    let frame = match parsed {
        Ok(frame) => frame,
        Err(error) => {
            bad_frame(session, &error, flush);
            return Continue(Received::Bad);
        }
    };
    let re = frame.id.as_deref();
    // In a statement of its own: the lock must be free again when the refusal takes it.
    let taken = session.lock().frames.take(now, shared.settings.frames);
    if let Err(wait) = taken {
        let retry_ms = Some(whole_ms(wait));
        let message = "too many frames";
        refuse(session, &Refusal { re, call: None, code: ErrorCode::RateLimited, message, retry_ms }, flush);
        return Continue(Received::TooMany);
    }
    carry_out(shared, session, &frame, flush);
    Continue(Received::Good)
}

/// Takes note of a frame's number and acknowledgement. Returns whether it is new.
fn number(
    session: &Session,
    seq: Option<u64>,
    ack: Option<u64>,
    flush: &mut Flush,
) -> ControlFlow<(CloseCode, String), bool> {
    let mut state = session.lock();
    let Some(numbers) = &mut state.numbers else { return Continue(true) };
    numbers.used.clear();
    if let Some(Err(fault)) = ack.map(|ack| numbers.outgoing.ack(ack)) {
        return Break((CloseCode::Gap, fault.to_string()));
    }
    let Some(seq) = seq else { return Continue(true) };
    let is_new = match numbers.incoming.take(seq) {
        Ok(is_new) => is_new,
        Err(fault) => return Break((CloseCode::Gap, fault.to_string())),
    };
    if numbers.incoming.ack() >= numbers.acked + ACK_EVERY {
        state.send(&ServerFrame::Ack, flush);
    }
    Continue(is_new)
}

fn carry_out(shared: &Arc<Shared>, session: &Arc<Session>, frame: &ClientFrame<'_>, flush: &mut Flush) {
    let re = frame.id.as_deref();
    match &frame.body {
        Body::Hello(_) => {
            let message = "this session is open already";
            refuse(
                session,
                &Refusal { re, call: None, code: ErrorCode::BadState, message, retry_ms: None },
                flush,
            );
        }
        Body::Ack => {}
        Body::Ping => session.lock().send(&ServerFrame::Pong, flush),
        Body::CallRequest { call, to, data } => {
            if let Err(wait) = shared.may_request(&session.address.user, to) {
                let retry_ms = Some(whole_ms(wait));
                let (code, message) = (ErrorCode::RateLimited, "too many call requests");
                refuse(session, &Refusal { re, call: Some(*call), code, message, retry_ms }, flush);
                return;
            }
            let is_another = {
                let mut state = session.lock();
                let leg = state.leg_or(Leg::new(*call, Role::Caller, to.clone()));
                leg.role != Role::Caller || leg.peer_user != *to
            };
            if is_another {
                // Here and not by the call service: what it refuses does not exist, and this call does.
                let (code, message) = (ErrorCode::BadState, "a call with that id is live");
                refuse(session, &Refusal { re, call: Some(*call), code, message, retry_ms: None }, flush);
                return;
            }
            let kind =
                CommandKind::Request { call: *call, to: to.clone(), data: (*data).into(), moves_on: false };
            shared.command(&session.address, re, kind);
        }
        Body::Act { call, act } => shared.act(&session.address, re, *call, act.clone()),
        Body::Relay { call, relay, data, media } => {
            let relayed = super::relay::relay(shared, session, &Of::Call(*call), *relay, data, flush);
            // A refused frame has one answer; but that the other device is away says nothing against the media.
            if let (Some(media), Ok(()) | Err(ErrorCode::Unavailable)) = (media, relayed) {
                shared.act(&session.address, re, *call, Act::Media(*media));
            }
            if let Err(code) = relayed {
                refuse_call(session, re, Some(*call), code, flush);
            }
        }
        Body::IceServersRequest { call, relay_only } => {
            if let Err(code) = super::ice::answer(shared, session, re, *call, *relay_only, flush) {
                refuse_call(session, re, *call, code, flush);
            }
        }
        Body::Quality { call, report } => {
            if let Err(code) = quality(shared, session, re, *call, *report) {
                refuse_call(session, re, Some(*call), code, flush);
            }
        }
    }
}

/// Hands a report on. Of a call that is over here, others know whether this device was in it.
fn quality(
    shared: &Shared,
    session: &Session,
    re: Option<&str>,
    call: CallId,
    report: Report,
) -> Result<(), ErrorCode> {
    if session.lock().leg(call).is_some_and(|leg| leg.peer.is_none()) {
        return Err(ErrorCode::BadState);
    }
    let reported = Reported { from: session.address.clone(), re: re.map(Into::into), call, report };
    if shared.bus.quality.publish(&(), &reported) == 0 { Err(ErrorCode::NoSuchCall) } else { Ok(()) }
}

/// Refuses a frame of a call.
fn refuse_call(
    session: &Session,
    re: Option<&str>,
    call: Option<CallId>,
    code: ErrorCode,
    flush: &mut Flush,
) {
    let message = match code {
        ErrorCode::NoSuchCall => "no live call of this device has that id",
        ErrorCode::BadState => "the call was not accepted yet",
        ErrorCode::Forbidden => "this call hides addresses: only candidates of a relay may pass",
        _ => "the other device is not here",
    };
    refuse(session, &Refusal { re, call, code, message, retry_ms: None }, flush);
}

fn bad_frame(session: &Session, error: &FrameError, flush: &mut Flush) {
    let FrameError { code, message, re, .. } = error;
    refuse(session, &Refusal { re: re.as_deref(), call: None, code: *code, message, retry_ms: None }, flush);
}

fn refuse(session: &Session, refusal: &Refusal<'_>, flush: &mut Flush) {
    let Refusal { re, call, code, message, retry_ms } = *refusal;
    session.lock().send(&ServerFrame::Error { re, call, code, message, retry_ms }, flush);
}
