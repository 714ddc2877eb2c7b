//! The shape of a frame or a payload: written as TypeScript, made up as a sample, and held against a JSON value.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::list;
use crate::id::{Address, CallId, UserId};
use crate::wire::ErrorCode;

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Count,
    /// A count of which not every value is taken: this one is.
    Number(u32),
    Flag,
    Name,
    Address,
    /// An address, or the name of a user.
    Peer,
    Call,
    /// One of the words of this list.
    Word(&'static str),
    /// This member of `Opaque`.
    Opaque(&'static str),
    Of(&'static Interface),
    /// One of the ways to say hello.
    Hello(&'static Interface),
    ListOf(&'static Interface),
    IceServers,
}

/// A member of a frame or a payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) optional: bool,
}

/// A member that is always there.
pub(super) const fn always(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, optional: false }
}

/// A member that may be left out.
pub(super) const fn maybe(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, optional: true }
}

/// A payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    pub(super) members: &'static [Member],
}

/// A frame, without `id`, `seq` and `ack`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) kind: &'static str,
    pub(super) members: &'static [Member],
}

impl Kind {
    fn typescript(self) -> String {
        match self {
            Self::Text => "string".into(),
            Self::Count | Self::Number(_) => "number".into(),
            Self::Flag => "boolean".into(),
            Self::Name => "Name".into(),
            Self::Address => "Address".into(),
            Self::Peer => "Address | Name".into(),
            Self::Call => "CallId".into(),
            Self::Word(list) => list.into(),
            Self::Opaque(what) => format!("O['{what}']"),
            Self::Of(interface) => interface.reference(),
            Self::Hello(_) => "Hello".into(),
            Self::ListOf(interface) => format!("{}[]", interface.reference()),
            Self::IceServers => "RTCIceServer[]".into(),
        }
    }

    /// A value of this kind; with every member, or only with those that are always there.
    pub(super) fn sample(self, full: bool) -> Value {
        match self {
            Self::Text => json!("any text: \"\u{e9}\" \\ \0"),
            Self::Count => json!(7),
            Self::Number(sample) => json!(sample),
            Self::Flag => json!(true),
            Self::Name => json!("bob"),
            Self::Address | Self::Peer => json!("bob/phone"),
            Self::Call => json!(CallId::from_bytes([7; 16])),
            Self::Word(name) => json!(list(name)[0]),
            Self::Opaque(_) => json!({"opaque": [1, null]}),
            Self::Of(interface) | Self::Hello(interface) => object(interface.members, full),
            Self::ListOf(interface) => json!([object(interface.members, full)]),
            Self::IceServers => json!([]),
        }
    }

    /// Whether `value` is of this kind.
    fn admits(self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Text => text.is_some(),
            Self::Count | Self::Number(_) => value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::Name => text.is_some_and(|text| text.parse::<UserId>().is_ok()),
            Self::Address => text.is_some_and(|text| text.parse::<Address>().is_ok()),
            Self::Peer => Self::Address.admits(value) || Self::Name.admits(value),
            Self::Call => text.is_some_and(|text| text.parse::<CallId>().is_ok()),
            Self::Word(name) => text.is_some_and(|text| list(name).contains(&text)),
            Self::Opaque(_) => true,
            Self::Of(interface) | Self::Hello(interface) => fits(interface.members, value),
            Self::ListOf(interface) => {
                value.as_array().is_some_and(|list| list.iter().all(|value| fits(interface.members, value)))
            }
            Self::IceServers => value.is_array(),
        }
    }

    /// A value that is not of this kind, if there is one.
    pub(super) fn wrong(self) -> Option<Value> {
        let values = [json!([[]]), json!("no such word"), json!({"a": 1}), json!(-1.5)];
        values.into_iter().find(|value| !self.admits(value))
    }
}

impl Interface {
    fn reference(&self) -> String {
        let generic = if self.is_generic() { "<O>" } else { "" };
        format!("{}{generic}", self.name)
    }

    fn is_generic(&self) -> bool {
        self.members.iter().any(|member| match member.kind {
            Kind::Opaque(_) => true,
            Kind::Of(inner) | Kind::ListOf(inner) => inner.is_generic(),
            _ => false,
        })
    }

    pub(super) fn typescript(&self) -> String {
        let generic = if self.is_generic() { "<O extends Opaque = Opaque>" } else { "" };
        let mut out = format!("\n/** {} */\nexport interface {}{generic} {{\n", self.doc, self.name);
        for member in self.members {
            let _ = writeln!(out, "  {};", member.typescript());
        }
        out + "}\n"
    }
}

impl Member {
    fn typescript(&self) -> String {
        let mark = if self.optional { "?" } else { "" };
        format!("{}{mark}: {}", self.name, self.kind.typescript())
    }
}

impl Frame {
    pub(super) fn typescript(&self) -> String {
        let members = self.members.iter().map(|member| format!("; {}", member.typescript()));
        format!("{{ type: '{}'{} }}", self.kind, members.collect::<String>())
    }

    /// A frame of this shape; with every member, or only with those that are always there.
    pub(super) fn sample(&self, full: bool) -> Value {
        let mut frame = object(self.members, full);
        frame["type"] = json!(self.kind);
        frame
    }

    /// Whether `frame` has this shape, `id`, `seq` and `ack` aside.
    pub(super) fn fits(&self, frame: &Value) -> bool {
        let Value::Object(members) = frame else { return false };
        let own = |name: &str| self.members.iter().any(|member| member.name == name);
        let rest = members
            .iter()
            .filter(|(name, _)| *name != "type" && (*name != "ack" || own("ack")) && *name != "seq");
        let rest: Map<String, Value> = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
        members["type"] == self.kind && fits(self.members, &Value::Object(rest))
    }

    /// Whether a frame of this type takes a number.
    pub(super) fn is_numbered(&self) -> bool {
        !matches!(self.kind, "hello" | "welcome" | "ack" | "ping" | "pong" | "goaway")
    }
}

fn object(members: &[Member], full: bool) -> Value {
    let there = members.iter().filter(|member| full || !member.optional);
    Value::Object(there.map(|member| (member.name.to_owned(), member.kind.sample(full))).collect())
}

/// Whether `value` is an object with these members and no others.
fn fits(members: &[Member], value: &Value) -> bool {
    let Value::Object(object) = value else { return false };
    let known = |name: &String| members.iter().any(|member| member.name == name);
    let good = |member: &Member| match object.get(member.name) {
        Some(value) => member.kind.admits(value),
        None => member.optional,
    };
    object.keys().all(known) && members.iter().all(good)
}

#[test]
fn a_value_fits_a_shape_with_its_members_and_no_others() {
    const SHAPE: &[Member] = &[always("n", Kind::Count), maybe("code", Kind::Word("ErrorCode"))];
    assert!(
        fits(SHAPE, &json!({"n": 1})) && fits(SHAPE, &json!({"n": 1, "code": ErrorCode::BadFrame.as_str()}))
    );
    for bad in
        [json!({}), json!({"n": "1"}), json!({"n": 1, "code": "other"}), json!({"n": 1, "x": 1}), json!([1])]
    {
        assert!(!fits(SHAPE, &bad), "{bad}");
    }
}
