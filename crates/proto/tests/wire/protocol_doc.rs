//! `docs/PROTOCOL.md` is normative, so it is read: every example is parsed or written byte for byte, and every table lists
//! exactly what the code has, in the code's order.

use tincan_proto::call::{EndReason, Role, Snapshot, State};
use tincan_proto::id::{Address, CallId};
use tincan_proto::wire::{self, CloseCode, ErrorCode, Relay, Remedy, ServerFrame, Welcome};

const TEXT: &str = include_str!("../../../../docs/PROTOCOL.md");

/// The bodies of the fenced blocks that open with ```` ```json {side} ````.
fn examples(side: &str) -> Vec<String> {
    let fence = format!("```json {side}\n");
    TEXT.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

/// The rows of the table whose head starts with this cell, without the backticks around a whole cell.
fn table(first_head_cell: &str) -> Vec<Vec<String>> {
    let is_head = |line: &&str| line.starts_with(&format!("| {first_head_cell} |"));
    let rows =
        TEXT.lines().skip_while(|line| !is_head(line)).skip(2).take_while(|line| line.starts_with('|'));
    let cell = |cell: &str| {
        let whole = cell.trim().strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        whole.filter(|cell| !cell.contains('`')).unwrap_or(cell.trim()).to_owned()
    };
    let rows: Vec<Vec<String>> =
        rows.map(|row| row.trim_matches('|').split('|').map(cell).collect()).collect();
    assert!(!rows.is_empty(), "no table starts with {first_head_cell}");
    rows
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn written(frame: &ServerFrame<'_>, seq: u64) -> String {
    let mut out = Vec::new();
    frame.write_open(&mut out);
    let numbered = frame.is_numbered();
    String::from_utf8(out).unwrap() + &if numbered { format!(",\"seq\":{seq}}}") } else { "}".into() }
}

#[test]
fn every_client_example_is_a_frame() {
    let examples = examples("client");
    assert!(examples.len() >= 14, "only {} examples were found", examples.len());
    for example in examples {
        let frame = wire::parse(&example).unwrap_or_else(|error| panic!("{example}\n{error}"));
        assert_eq!(frame.seq.is_some(), frame.body.is_numbered(), "{example}");
    }
}

#[test]
fn every_server_example_is_what_the_server_writes() {
    let call = CallId::from_bytes([0; 16]);
    let other = CallId::from_bytes([1; 16]);
    let (alice, bob) = (address("alice/web"), address("bob/phone"));
    let ringing = Snapshot {
        call,
        role: Role::Callee,
        peer: "bob".into(),
        state: State::Ringing,
        age_ms: 1200,
        ring_ms: Some(43_800),
        data: r#"{"media":"audio"}"#.into(),
    };
    let welcome = Welcome {
        user: &alice.user,
        device: &alice.device,
        session: "b2Zmc2V0",
        secret: "bmV3",
        resumed: false,
        ack: 0,
        resume_s: 60,
        calls: &[ringing],
    };
    let ended = |reason, by, talk_ms, goes_on| ServerFrame::CallEnded { call, reason, by, talk_ms, goes_on };
    let (code, message) = (ErrorCode::AlreadyAnswered, "another device answered this call");
    // In the order of the text.
    let frames = [
        (ServerFrame::Welcome(welcome), 0),
        (ServerFrame::CallDelivered { call, devices: 2 }, 1),
        (ServerFrame::CallRinging { call, from: &bob }, 2),
        (ServerFrame::CallRequest { call, from: &alice, data: r#"{"media":"audio"}"#, exp: 45000 }, 1),
        (ServerFrame::CallAccept { call, from: &bob, peer: &bob }, 3),
        (ended(EndReason::Glare, None, 0, Some(other)), 2),
        (
            ServerFrame::Relay {
                relay: Relay::Answer,
                call,
                from: &bob,
                data: r#"{"type":"answer","sdp":"v=0\r\n"}"#,
            },
            4,
        ),
        (ServerFrame::Relay { relay: Relay::Update, call, from: &bob, data: r#"{"muted":true}"# }, 5),
        (ended(EndReason::HungUp, Some(&bob), 61000, None), 6),
        (ServerFrame::Error { re: Some("b2"), call: Some(call), code, message, retry_ms: None }, 7),
        (ServerFrame::Pong, 0),
        (ServerFrame::Goaway { reconnect_in_ms: 420 }, 0),
        (
            ServerFrame::IceServers {
                re: Some("i1"),
                servers: r#"[{"urls":["stun:tincan.example:3478"]},{"urls":["turn:tincan.example:3478"],"username":"1700000000:AAAAAAAAAAAAAAAAAAAAAA:alice","credential":"c2VjcmV0"}]"#,
                relay_only: false,
                ttl_s: 600,
            },
            8,
        ),
    ];
    let written: Vec<String> = frames.iter().map(|(frame, seq)| written(frame, *seq)).collect();
    assert_eq!(examples("server"), written);
}

#[test]
fn the_table_of_end_reasons_is_the_code_s() {
    let rows: Vec<String> = table("reason").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(rows, EndReason::ALL.map(EndReason::as_str));
}

#[test]
fn the_table_of_error_codes_is_the_code_s() {
    let rows: Vec<(String, String)> =
        table("code").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let codes = ErrorCode::ALL.map(|code| (code.as_str().to_owned(), code.meaning().to_owned()));
    assert_eq!(rows, codes);
}

#[test]
fn the_table_of_close_codes_is_the_code_s() {
    let remedy = |cell: &str| match cell {
        "mend" => Remedy::Mend,
        "do not reconnect" => Remedy::Stop,
        "new token, then reconnect" => Remedy::NewToken,
        cell if cell.starts_with("reconnect") => Remedy::Reconnect,
        cell => panic!("what should a client do on: {cell}"),
    };
    let rows: Vec<(u16, String, Remedy)> = table("close code")
        .into_iter()
        .map(|row| (row[0].parse().unwrap(), row[1].clone(), remedy(&row[3])))
        .collect();
    // 1000 only answers a client that closes: nothing has to be said about it.
    let spoken = CloseCode::ALL.into_iter().filter(|code| *code != CloseCode::Normal);
    let codes: Vec<_> =
        spoken.map(|code| (code.parts().0, code.parts().1.to_owned(), code.remedy())).collect();
    assert_eq!(rows, codes);
}

#[test]
fn a_close_code_from_4500_on_asks_not_to_reconnect_with_what_the_client_has() {
    for code in CloseCode::ALL {
        let number = code.parts().0;
        if number >= 4000 {
            assert_eq!(number < 4500, code.remedy() == Remedy::Reconnect, "{code:?}");
        }
    }
}
