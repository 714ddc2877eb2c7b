//! `web/sdk/src/wire.gen.ts`: the wire as TypeScript, written from these types and checked against them.
//!
//! Words and tables come from the types themselves. The shapes of the frames are tables ([`client`], [`server`]): what a
//! client sends is tried on [`super::parse`], and its members are those that serde reads; what the server sends is checked
//! against what it writes. So a change of the Rust side makes a test fail until the tables say it too.
//!
//! `UPDATE=1 cargo test -p tincan-proto --lib wire_gen` writes the file.

mod client;
mod reflect;
mod server;
mod shape;

use std::fmt::Write as _;
use std::path::Path;

use self::reflect::words;
use self::shape::Frame;
use super::payload::HangUpReason;
use super::{CloseCode, DEPTH_MAX, ErrorCode, FRAME_MAX, REQUEST_DATA_MAX, SUBPROTOCOL};
use crate::call::{EndReason, Media, RejectReason, Role, Scope, State};
use crate::id::NAME_MAX;
use crate::quality::{Cause, Path as CallPath};
use crate::session::{WINDOW_BYTES, WINDOW_FRAMES};

const HEAD: &str = "\
/**
 * The frames of protocol v2 as TypeScript types and tables, in the words of docs/PROTOCOL.md.
 *
 * Generated from crates/proto by `make gen`; a test compares. Do not edit.
 */

/** A user's or a device's name: 1–64 characters of `A–Z a–z 0–9 . _ -`. */
export type Name = string;

/** A device of a user, as `user/device`. */
export type Address = string;

/** 16 random bytes as 22 characters of base64url. */
export type CallId = string;

/** What passes from one client to the other and is opaque to the server. */
export interface Opaque {
  request: unknown;
  offer: unknown;
  answer: unknown;
  candidate: unknown;
  candidates: unknown;
}
";

/// A closed list of words: its name, what it is, and the words.
type WordList = (&'static str, &'static str, fn() -> &'static [&'static str]);

const WORDS: &[WordList] = &[
    ("State", "Where a call stands, as the server sees it.", words::<State>),
    ("Role", "The part a device plays in a call.", words::<Role>),
    ("EndReason", "Why a call, or one leg of it, ended.", words::<EndReason>),
    ("HangUpReason", "The end reasons that a client may give.", words::<HangUpReason>),
    ("RejectReason", "Why a callee's device rejects.", words::<RejectReason>),
    ("Scope", "How far a reject reaches: all devices, or only this one.", words::<Scope>),
    ("Media", "What a leg says of its media.", words::<Media>),
    ("CallPath", "The way that a call's sound takes.", words::<CallPath>),
    ("Cause", "What is to blame for a poor call, as its client sees it.", words::<Cause>),
];

/// The words of the list of this name.
fn list(name: &str) -> Vec<&'static str> {
    if name == "ErrorCode" {
        return ErrorCode::ALL.map(ErrorCode::as_str).into();
    }
    let list = WORDS.iter().find(|(list, ..)| *list == name);
    list.unwrap_or_else(|| panic!("no list of words is called {name}")).2().into()
}

/// The whole file.
fn typescript() -> String {
    let mut out = HEAD.to_owned();
    let _ = writeln!(
        out,
        "\n/** The subprotocol a v2 client asks for. */\nexport const SUBPROTOCOL = '{SUBPROTOCOL}';"
    );
    limits(&mut out);
    for (name, doc, words) in WORDS {
        let words: Vec<String> = words().iter().map(|word| format!("'{word}'")).collect();
        let line = format!(" {};", words.join(" | "));
        let lines = || format!("\n  | {};", words.join("\n  | "));
        let words = if line.len() <= 80 { line } else { lines() };
        let _ = writeln!(out, "\n/** {doc} */\nexport type {name} ={words}");
    }
    codes(&mut out);
    for interface in client::INTERFACES.iter().chain(server::INTERFACES) {
        out.push_str(&interface.typescript());
    }
    out.push_str("\n/** How a session is opened. */\nexport type Hello = TokenHello | GuestHello;\n");
    let of = |frames: &[Frame], numbered| -> Vec<Frame> {
        frames.iter().filter(|frame| frame.is_numbered() == numbered).copied().collect()
    };
    union(
        &mut out,
        "ClientFrame",
        "A client's frame of the session, before it is numbered.",
        &of(client::FRAMES, true),
    );
    union(
        &mut out,
        "ClientConnectionFrame",
        "A client's frame of the connection, unnumbered.",
        &of(client::FRAMES, false),
    );
    union(
        &mut out,
        "ServerFrame",
        "A server's frame of the session, without its number.",
        &of(server::FRAMES, true),
    );
    union(
        &mut out,
        "ServerConnectionFrame",
        "A server's frame of the connection, unnumbered.",
        &of(server::FRAMES, false),
    );
    out.push_str(
        "\n/** What a frame of the session has besides: its number, and what arrived from the other side. */\n\
         export interface Numbers {\n  seq: number;\n  ack?: number;\n}\n\n\
         /** What a client may call a frame, so that an `error` can name it. At most 64 characters. */\n\
         export interface Named {\n  id?: string;\n}\n",
    );
    out
}

fn limits(out: &mut String) {
    out.push_str("\n/** What a server takes at most. */\nexport const LIMITS = {\n");
    for (name, limit) in [
        ("frameBytes", FRAME_MAX),
        ("requestDataBytes", REQUEST_DATA_MAX),
        ("depth", DEPTH_MAX),
        ("nameCharacters", NAME_MAX),
        ("windowFrames", WINDOW_FRAMES),
        ("windowBytes", WINDOW_BYTES),
    ] {
        let _ = writeln!(out, "  {name}: {limit},");
    }
    out.push_str("} as const;\n");
}

fn codes(out: &mut String) {
    out.push_str("\n/** What an `error` frame says, and what to do about it, for the developer. */\n");
    out.push_str("export const ERROR_CODES = {\n");
    for code in ErrorCode::ALL {
        let quote = if code.meaning().contains('\'') { '"' } else { '\'' };
        let _ = writeln!(out, "  {}: {quote}{}{quote},", code.as_str(), code.meaning());
    }
    out.push_str("} as const;\n\nexport type ErrorCode = keyof typeof ERROR_CODES;\n");
    out.push_str("\n/** The close codes by name. */\nexport const CLOSE = {\n");
    for (number, name) in CloseCode::ALL.map(CloseCode::parts) {
        let _ = writeln!(out, "  {}: {number},", camel_case(name));
    }
    out.push_str("} as const;\n\n/** What a client does after a close. */\nexport const REMEDIES = {\n");
    for code in CloseCode::ALL {
        let _ = writeln!(out, "  {}: '{}',", code.parts().0, code.remedy().as_str());
    }
    out.push_str("} as const;\n\nexport type CloseCode = keyof typeof REMEDIES;\n");
    out.push_str("export type Remedy = (typeof REMEDIES)[CloseCode];\n");
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |out, word| out + &word[..1].to_uppercase() + &word[1..])
}

fn union(out: &mut String, name: &str, doc: &str, frames: &[Frame]) {
    let mut members: Vec<String> = frames.iter().map(Frame::typescript).collect();
    members.dedup();
    let is_generic = |member: &String| member.contains("O['") || member.contains("<O>");
    let generic = if members.iter().any(is_generic) { "<O extends Opaque = Opaque>" } else { "" };
    let _ = write!(out, "\n/** {doc} */\nexport type {name}{generic} =");
    for member in members {
        let _ = write!(out, "\n  | {member}");
    }
    out.push_str(";\n");
}

#[test]
fn wire_gen_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/sdk/src/wire.gen.ts");
    let typescript = typescript();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &typescript).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(file == typescript, "{} is out of date: make gen", path.display());
}
