//! Frames of v1: `{type, to, from, data}`, the language of the original pages.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::strict::{Object, present};
use super::{REQUEST_DATA_MAX, too_deep};
use crate::id::{UserId, UserName};

/// The types of v1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum V1Type {
    /// Asks to ring a user.
    CallRequest,
    /// The user accepts.
    CallAccept,
    /// The user rejects; or the call cannot be.
    CallReject,
    /// An SDP offer.
    Offer,
    /// An SDP answer.
    Answer,
    /// One ICE candidate.
    Candidate,
    /// The call is over.
    Hangup,
    /// Asks for ICE servers.
    IceServersRequest,
    /// The ICE servers.
    IceServersResponse,
}

impl V1Type {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CallRequest => "call-request",
            Self::CallAccept => "call-accept",
            Self::CallReject => "call-reject",
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Candidate => "candidate",
            Self::Hangup => "hangup",
            Self::IceServersRequest => "ice-servers-request",
            Self::IceServersResponse => "ice-servers-response",
        }
    }
}

/// A frame of a v1 client.
#[derive(Debug)]
pub struct V1Frame<'a> {
    /// Its type; never [`V1Type::IceServersResponse`].
    pub kind: V1Type,
    /// Whom it names; `None` only for [`V1Type::IceServersRequest`].
    pub to: Option<UserName<'a>>,
    /// A JSON text; empty only where there is nothing to relay.
    pub data: &'a str,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    to: Option<UserName<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

/// Reads a v1 client's frame.
///
/// # Errors
/// A sentence for the close frame: v1 has no word for an error.
pub fn parse_v1(text: &str) -> Result<V1Frame<'_>, String> {
    if too_deep(text) {
        return Err("a frame nests at most 32 deep".into());
    }
    let Object(envelope): Object<Envelope<'_>> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let kind = match &*envelope.kind {
        "candidate" => V1Type::Candidate,
        "offer" => V1Type::Offer,
        "answer" => V1Type::Answer,
        "call-request" => V1Type::CallRequest,
        "call-accept" => V1Type::CallAccept,
        "call-reject" => V1Type::CallReject,
        "hangup" => V1Type::Hangup,
        "ice-servers-request" => V1Type::IceServersRequest,
        _ => return Err("no such type in v1".into()),
    };
    if envelope.to.is_none() && kind != V1Type::IceServersRequest {
        return Err("`to` is missing".into());
    }
    let data = envelope.data.map_or("", RawValue::get);
    if data.is_empty() && matches!(kind, V1Type::Offer | V1Type::Answer | V1Type::Candidate) {
        return Err("`data` is missing".into());
    }
    if kind == V1Type::CallRequest && data.len() > REQUEST_DATA_MAX {
        return Err("the data of a call-request has at most 4 KiB".into());
    }
    Ok(V1Frame { kind, to: envelope.to, data })
}

/// Writes a v1 frame to `out`. `data` is a JSON text, or empty for none.
pub fn write_v1(out: &mut Vec<u8>, kind: V1Type, to: &UserId, from: &UserId, data: &str) {
    // Names and types need no escaping, so the frame is its parts in a row.
    for part in
        ["{\"type\":\"", kind.as_str(), "\",\"to\":\"", to.as_str(), "\",\"from\":\"", from.as_str(), "\""]
    {
        out.extend_from_slice(part.as_bytes());
    }
    if !data.is_empty() {
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(data.as_bytes());
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_passes_through_byte_by_byte() {
        let data = r#"{ "sdp":"v=0\r\n", "x" : [1e2,"\ud83d\ude00"] }"#;
        let frame = format!(r#"{{"type":"offer","to":"b","from":"liar","data":{data}}}"#);
        let frame = parse_v1(&frame).unwrap();
        let mut out = Vec::new();
        write_v1(&mut out, frame.kind, &frame.to.unwrap().to_id(), &"a".parse().unwrap(), frame.data);
        let expected = format!(r#"{{"type":"offer","to":"b","from":"a","data":{data}}}"#);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn bad_frames_are_refused_with_a_sentence() {
        for bad in [
            "",
            "[]",
            "\"x\"",
            "{}",
            "{\"type\":1}",
            "{\"type\":\"offer\"}",
            "{\"type\":\"offer\",\"to\":\"\"}",
            "{\"type\":\"dance\",\"to\":\"b\"}",
            "{\"type\":\"offer\",\"to\":\"b\",\"to\":\"c\"}",
            "{\"type\":\"offer\",\"to\":\"b\"} x",
            "{\"type\":\"offer\",\"to\":\"a\\u0000b\"}",
            "\u{feff}{}",
            "{\"type\":\"offer\",\"to\":\"b\",\"data\":{\"a\":01}}",
        ] {
            assert!(!parse_v1(bad).unwrap_err().is_empty(), "{bad}");
        }
    }
}
