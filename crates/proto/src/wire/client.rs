//! Frames that a v2 client sends.

use std::borrow::Cow;
use std::num::NonZeroU64;

use serde::Deserialize;
use serde::de::value::Error as UnknownWord;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::value::RawValue;

use super::payload::{HangUp, IceAsk, Quality, Reject, Update};
use super::strict::{Object, Word, present};
use super::{ErrorCode, REQUEST_DATA_MAX, Relay, too_deep};
use crate::call::{Act, EndReason, Media};
use crate::id::{CallId, DeviceId, UserId};
use crate::quality::Report;

/// Most characters of a frame's `id`.
const ID_MAX: usize = 64;

/// Most characters of an error's sentence: what serde says may quote the frame, and an error is not an echo.
const SENTENCE_MAX: usize = 160;

/// A frame of a v2 client.
#[derive(Debug)]
pub struct ClientFrame<'a> {
    /// The client's own name for it.
    pub id: Option<Cow<'a, str>>,
    /// Its number; `None` only if the type is unnumbered.
    pub seq: Option<u64>,
    /// The highest number up to which the client has everything.
    pub ack: Option<u64>,
    /// What it says.
    pub body: Body<'a>,
}

/// What a client's frame says.
#[derive(Debug)]
pub enum Body<'a> {
    /// Opens or resumes a session. Unnumbered.
    Hello(Box<Hello>),
    /// Nothing but the envelope's `ack`. Unnumbered.
    Ack,
    /// Asks for a `pong`. Unnumbered.
    Ping,
    /// Asks to ring a user.
    CallRequest {
        /// The new call.
        call: CallId,
        /// Whom to ring.
        to: UserId,
        /// For the ringing devices: a JSON text, or empty.
        data: &'a str,
    },
    /// Does something in a call.
    Act {
        /// The call.
        call: CallId,
        /// What is done.
        act: Act,
    },
    /// Goes to the other leg.
    Relay {
        /// The call.
        call: CallId,
        /// Its type.
        relay: Relay,
        /// A JSON text.
        data: &'a str,
        /// For a `call-update`: what it says of the media.
        media: Option<Media>,
    },
    /// Asks for ICE servers.
    IceServersRequest {
        /// For which call; `None` to try them out.
        call: Option<CallId>,
        /// Its user wants the other side to learn no address of theirs.
        relay_only: bool,
    },
    /// Tells how good the call is.
    Quality {
        /// The call.
        call: CallId,
        /// What was measured.
        report: Report,
    },
}

impl Body<'_> {
    /// Whether it takes a number in the session.
    #[must_use]
    pub const fn is_numbered(&self) -> bool {
        !matches!(self, Self::Hello(_) | Self::Ack | Self::Ping)
    }
}

/// How a session is opened.
#[derive(Debug, Deserialize)]
#[serde(try_from = "HelloData")]
pub struct Hello {
    /// Who it is.
    pub identity: Identity,
    /// Which of the user's devices.
    pub device: DeviceId,
    /// The session to resume.
    pub resume: Option<Resume>,
}

#[derive(Deserialize)]
pub(super) struct HelloData {
    token: Option<String>,
    guest: Option<UserId>,
    device: DeviceId,
    resume: Option<Object<Resume>>,
}

impl TryFrom<HelloData> for Hello {
    type Error = &'static str;

    fn try_from(data: HelloData) -> Result<Self, Self::Error> {
        let identity = match (data.token, data.guest) {
            (Some(token), None) => Identity::Token(token),
            (None, Some(guest)) => Identity::Guest(guest),
            (None, None) | (Some(_), Some(_)) => return Err("hello has either `token` or `guest`"),
        };
        Ok(Self { identity, device: data.device, resume: data.resume.map(|Object(resume)| resume) })
    }
}

/// Who opens a session.
pub enum Identity {
    /// A signed access token.
    Token(String),
    /// A name without proof; loopback only.
    Guest(UserId),
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token(…)"),
            Self::Guest(user) => write!(f, "Guest({user})"),
        }
    }
}

/// The session that a client had.
#[derive(Deserialize)]
pub struct Resume {
    /// Its public id.
    pub session: String,
    /// What proves that it was theirs. Good once.
    pub secret: String,
    /// The highest number up to which the client has everything.
    pub ack: u64,
}

impl std::fmt::Debug for Resume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Resume({}, ack {})", self.session, self.ack)
    }
}

/// Why a text is not a frame.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    /// What to answer.
    pub code: ErrorCode,
    /// A sentence for the developer of the client.
    pub message: String,
    /// The frame's `id`, if it could be read.
    pub re: Option<String>,
    /// The frame's number, if it could be read: it is used up all the same.
    pub seq: Option<u64>,
}

/// The members that the server reads. Others are ignored; `from` among them, since the session says who sent it.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(default)]
    call: Option<CallId>,
    #[serde(default)]
    to: Option<UserId>,
    #[serde(default)]
    seq: Option<NonZeroU64>,
    #[serde(default)]
    ack: Option<u64>,
    #[serde(default, borrow, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

/// Reads a v2 client's frame.
///
/// # Errors
/// [`FrameError`] with `bad_frame`, `unknown_type` or `too_large`.
pub fn parse(text: &str) -> Result<ClientFrame<'_>, FrameError> {
    if too_deep(text) {
        return Err(FrameError::salvaged(text, "a frame nests at most 32 deep"));
    }
    let Object(envelope): Object<Envelope<'_>> =
        serde_json::from_str(text).map_err(|error| FrameError::salvaged(text, &error.to_string()))?;
    let (seq, ack) = (envelope.seq.map(NonZeroU64::get), envelope.ack);
    if envelope.id.as_deref().is_some_and(too_long) {
        return Err(FrameError::salvaged(text, "an id has at most 64 characters"));
    }
    match body(&envelope) {
        Ok(body) if !body.is_numbered() => Ok(ClientFrame { id: envelope.id, seq: None, ack, body }),
        Ok(_) if seq.is_none() => Err(FrameError::salvaged(text, "`seq` is missing")),
        Ok(body) => Ok(ClientFrame { id: envelope.id, seq, ack, body }),
        Err((code, message)) => Err(FrameError { code, ..FrameError::salvaged(text, &message) }),
    }
}

fn too_long(id: &str) -> bool {
    id.chars().nth(ID_MAX).is_some()
}

impl FrameError {
    /// A bad frame, with its `id` and its number if they alone can be read: a client that sent one wrong member should
    /// hear which frame it was, and must not find a hole in its numbers.
    fn salvaged(text: &str, message: &str) -> Self {
        #[derive(Deserialize)]
        struct Id {
            id: String,
        }
        #[derive(Deserialize)]
        struct Seq {
            seq: NonZeroU64,
        }
        let id = serde_json::from_str(text).ok().map(|Object(Id { id })| id);
        let seq = serde_json::from_str(text).ok().map(|Object(Seq { seq })| seq.get());
        Self {
            code: ErrorCode::BadFrame,
            message: message.chars().take(SENTENCE_MAX).collect(),
            re: id.filter(|id| !too_long(id)),
            seq,
        }
    }
}

fn body<'a>(envelope: &Envelope<'a>) -> Result<Body<'a>, (ErrorCode, String)> {
    let bad = |message: &str| (ErrorCode::BadFrame, message.to_owned());
    let call = || envelope.call.ok_or_else(|| bad("`call` is missing"));
    let data = envelope.data.map_or("", RawValue::get);
    let act = |act| Ok(Body::Act { call: call()?, act });
    let relay = |relay| {
        if data.is_empty() {
            return Err(bad("`data` is missing"));
        }
        Ok(Body::Relay { call: call()?, relay, data, media: None })
    };
    let unknown = |_: UnknownWord| (ErrorCode::UnknownType, "no such type in tincan.v2".to_owned());
    match ClientType::deserialize((*envelope.kind).into_deserializer()).map_err(unknown)? {
        ClientType::Hello => Ok(Body::Hello(Box::new(payload(data)?))),
        ClientType::Ack if envelope.ack.is_none() => Err(bad("`ack` is missing")),
        ClientType::Ack => Ok(Body::Ack),
        ClientType::Ping => Ok(Body::Ping),
        ClientType::CallRequest => {
            if data.len() > REQUEST_DATA_MAX {
                return Err((ErrorCode::TooLarge, "the data of a call-request has at most 4 KiB".into()));
            }
            let to = envelope.to.clone().ok_or_else(|| bad("`to` is missing"))?;
            Ok(Body::CallRequest { call: call()?, to, data })
        }
        ClientType::CallRinging => act(Act::Ringing),
        ClientType::CallAccept => act(Act::Accept),
        ClientType::CallReject => {
            let Reject { reason: Word(reason), scope: Word(scope) } = payload_or_default(data)?;
            act(Act::Reject { reason, scope })
        }
        ClientType::CallCancel => act(Act::HangUp { reason: EndReason::HungUp }),
        ClientType::Hangup => {
            let HangUp { reason: Word(reason) } = payload_or_default(data)?;
            act(Act::HangUp { reason: reason.into() })
        }
        ClientType::Offer => relay(Relay::Offer),
        ClientType::Answer => relay(Relay::Answer),
        ClientType::Candidate => relay(Relay::Candidate),
        ClientType::Candidates => relay(Relay::Candidates),
        ClientType::CallUpdate => {
            let Update { media, muted: _ } = payload(data)?;
            Ok(Body::Relay {
                call: call()?,
                relay: Relay::Update,
                data,
                media: media.map(|Word(media)| media),
            })
        }
        ClientType::IceServersRequest => {
            let IceAsk { relay_only } = payload_or_default(data)?;
            Ok(Body::IceServersRequest { call: envelope.call, relay_only: relay_only.unwrap_or(false) })
        }
        ClientType::CallQuality => {
            let report = Report::from(payload::<Quality>(data)?);
            report.check().map_err(bad)?;
            Ok(Body::Quality { call: call()?, report })
        }
    }
}

/// The types that a client sends.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ClientType {
    Hello,
    Ack,
    Ping,
    CallRequest,
    CallRinging,
    CallAccept,
    CallReject,
    CallCancel,
    Hangup,
    Offer,
    Answer,
    Candidate,
    Candidates,
    CallUpdate,
    IceServersRequest,
    CallQuality,
}

fn payload<T: DeserializeOwned>(data: &str) -> Result<T, (ErrorCode, String)> {
    let Object(payload) =
        serde_json::from_str(data).map_err(|error| (ErrorCode::BadFrame, format!("`data`: {error}")))?;
    Ok(payload)
}

fn payload_or_default<T: DeserializeOwned + Default>(data: &str) -> Result<T, (ErrorCode, String)> {
    if data.is_empty() || data == "null" { Ok(T::default()) } else { payload(data) }
}
