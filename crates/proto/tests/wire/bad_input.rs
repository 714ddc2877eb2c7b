//! What a client must not send, each with the exact code it is answered by, and whether the answer can still name the
//! frame (`re`) and use up its number (`seq`).

use tincan_proto::wire::{Body, ErrorCode, FrameError, Identity, parse, parse_v1};

const CALL: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// The code, `re` and `seq` of the error for `text`.
fn refused(text: &str) -> (ErrorCode, Option<String>, Option<u64>) {
    let FrameError { code, message, re, seq } =
        parse(text).err().unwrap_or_else(|| panic!("this was taken: {text:.200}"));
    assert!((1..=160).contains(&message.chars().count()), "{} characters: {message:.200}", message.len());
    (code, re, seq)
}

/// A good frame of this type with id `i` and number 7, and `members` as well.
fn frame(kind: &str, members: &str) -> String {
    format!(r#"{{"type":"{kind}","id":"i","seq":7,"call":"{CALL}"{members}}}"#)
}

fn nested(depth: usize) -> String {
    // The frame's own object is the first level.
    let depth = depth - 1;
    frame("offer", &format!(r#","data":{}{}"#, "[".repeat(depth), "]".repeat(depth)))
}

#[test]
fn what_is_not_one_json_object_is_bad_and_has_no_name_or_number() {
    let texts = [
        "",
        " ",
        "null",
        "1",
        "true",
        r#""ping""#,
        "[]",
        r#"["ping"]"#,
        r#"[{"type":"ping"}]"#,
        r#"["offer","i","AAAAAAAAAAAAAAAAAAAAAA",null,7,0,{}]"#,
        "{",
        r#"{"type":"ping""#,
        r#"{"type":"ping"}}"#,
        r#"{"type":"ping","seq":7} x"#,
        r#"{"type":"ping"}{"type":"ping"}"#,
        "{\"type\":\"ping\"}\0",
        "\u{feff}{\"type\":\"ping\"}",
        "{'type':'ping'}",
        r#"{type:"ping"}"#,
        r#"{"type":"ping",}"#,
        "{\"type\":\"pi\nng\"}",
        r#"{"type":"ping"/* */}"#,
        r#"{"type":"candidate","data":01,"seq":7}"#,
        r#"{"type":"candidate","data":NaN,"seq":7}"#,
        r#"{"type":"candidate","data":{"a" 1},"seq":7}"#,
    ];
    for text in texts {
        assert_eq!(refused(text), (ErrorCode::BadFrame, None, None), "{text:?}");
    }
}

#[test]
fn a_member_of_the_wrong_type_is_bad_and_the_frame_keeps_its_name_and_number() {
    let names = ["1", "true", "{}", "[]", "1.5", r#"{"a":"bob"}"#, r#"["bob"]"#];
    for wrong in names {
        for member in ["type", "to", "call"] {
            let mut frame =
                r#"{"type":"call-request","id":"i","seq":7,"to":"bob","call":"C"}"#.replace('C', CALL);
            let start = frame.find(&format!("\"{member}\":")).unwrap() + member.len() + 3;
            let end = start + frame[start..].find([',', '}']).unwrap();
            frame.replace_range(start..end, wrong);
            assert_eq!(refused(&frame), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{frame}");
        }
        if wrong != "1" {
            let frame = frame("call-accept", &format!(r#","ack":{wrong}"#));
            assert_eq!(refused(&frame), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{frame}");
        }
    }
}

#[test]
fn a_frame_without_a_type_is_bad_whatever_else_it_has() {
    for text in
        [r#"{"id":"i","seq":7}"#, r#"{"type":null,"id":"i","seq":7}"#, r#"{"Type":"ping","id":"i","seq":7}"#]
    {
        assert_eq!(refused(text), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{text}");
    }
}

#[test]
fn an_id_that_is_not_a_short_text_cannot_be_named() {
    let long = format!("\"{}\"", "x".repeat(65));
    let long_in_bytes = format!("\"{}\"", "é".repeat(65));
    for id in ["1", "{}", "[\"i\"]", "true", r#""\ud800""#, r#""\udc00\ud800""#, &long, &long_in_bytes] {
        let text = format!(r#"{{"type":"call-accept","id":{id},"seq":7,"call":"{CALL}"}}"#);
        assert_eq!(refused(&text), (ErrorCode::BadFrame, None, Some(7)), "{text}");
    }
}

#[test]
fn a_number_that_is_not_a_whole_number_from_1_is_bad_and_none() {
    for seq in ["\"7\"", "-1", "0", "1e3", "1.0", "7.5", "18446744073709551616", "1e999", "true", "[7]", "{}"]
    {
        let text = format!(r#"{{"type":"call-accept","id":"i","seq":{seq},"call":"{CALL}"}}"#);
        assert_eq!(refused(&text), (ErrorCode::BadFrame, Some("i".into()), None), "{text}");
        let text = frame("call-accept", &format!(r#","ack":{seq}"#));
        if seq != "0" {
            assert_eq!(refused(&text), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{text}");
        }
    }
}

#[test]
fn a_frame_of_the_session_without_a_number_is_bad() {
    let members = r#""call":"AAAAAAAAAAAAAAAAAAAAAA","to":"bob","data":{}"#;
    let numbered = [
        "call-request",
        "call-ringing",
        "call-accept",
        "call-reject",
        "call-cancel",
        "hangup",
        "offer",
        "answer",
        "candidate",
        "candidates",
        "call-update",
        "ice-servers-request",
    ];
    for kind in numbered {
        for seq in ["", r#","seq":null"#] {
            let text = format!(r#"{{"type":"{kind}","id":"i",{members}{seq}}}"#);
            assert_eq!(refused(&text), (ErrorCode::BadFrame, Some("i".into()), None), "{text}");
        }
        assert!(parse(&format!(r#"{{"type":"{kind}",{members},"seq":7}}"#)).is_ok(), "{kind}");
    }
}

#[test]
fn a_member_that_appears_twice_makes_the_frame_bad() {
    for twice in [
        r#""type":"call-accept","type":"call-accept","call":"C","id":"i","seq":7"#,
        r#""type":"call-accept","call":"C","call":"C","id":"i","seq":7"#,
        r#""type":"call-accept","call":"C","c\u0061ll":"C","id":"i","seq":7"#,
        r#""type":"call-request","call":"C","to":"bob","to":"eve","id":"i","seq":7"#,
        r#""type":"call-accept","call":"C","ack":1,"ack":1,"id":"i","seq":7"#,
        r#""type":"offer","call":"C","data":{},"data":{},"id":"i","seq":7"#,
        r#""type":"call-reject","call":"C","data":{"scope":"here","scope":"all"},"id":"i","seq":7"#,
        r#""type":"call-update","call":"C","data":{"muted":true,"muted":false},"id":"i","seq":7"#,
    ] {
        let text = format!("{{{twice}}}").replace('C', CALL);
        assert_eq!(refused(&text), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{text}");
    }
    let id = r#"{"type":"ping","id":"i","id":"j","seq":7}"#;
    assert_eq!(refused(id), (ErrorCode::BadFrame, None, Some(7)));
    let seq = r#"{"type":"ping","id":"i","seq":7,"seq":8}"#;
    assert_eq!(refused(seq), (ErrorCode::BadFrame, Some("i".into()), None));
}

#[test]
fn a_type_that_is_not_the_client_s_is_unknown() {
    for kind in [
        "",
        "PING",
        "ping ",
        "p\\u0000ing",
        "welcome",
        "error",
        "pong",
        "goaway",
        "call-delivered",
        "call-ended",
        "ice-servers-response",
        "__proto__",
        "constructor",
    ] {
        let text = frame(kind, "");
        assert_eq!(refused(&text), (ErrorCode::UnknownType, Some("i".into()), Some(7)), "{text}");
    }
}

#[test]
fn a_frame_nests_at_most_32_deep() {
    for depth in [33, 200, 30_000] {
        assert_eq!(refused(&nested(depth)), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{depth}");
    }
    assert!(parse(&nested(32)).is_ok());
}

#[test]
fn a_name_is_1_to_64_plain_characters() {
    let (most, long) = ("x".repeat(64), "x".repeat(65));
    for to in [
        "",
        " ",
        "a b",
        "a/b",
        "bob/phone",
        "é",
        "bob\\n",
        "\\u0000",
        "bob\\u0000",
        "\\u202ebob",
        "bob\\u200d",
        "<b>",
        "\\ud800",
        "../x",
        "bob\\\"",
        &long,
    ] {
        let text = frame("call-request", &format!(r#","to":"{to}""#));
        assert_eq!(refused(&text), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{text}");
        let guest = format!(r#"{{"type":"hello","id":"i","data":{{"guest":"{to}","device":"web"}}}}"#);
        assert_eq!(refused(&guest), (ErrorCode::BadFrame, Some("i".into()), None), "{guest}");
        let device = format!(r#"{{"type":"hello","id":"i","data":{{"guest":"bob","device":"{to}"}}}}"#);
        assert_eq!(refused(&device), (ErrorCode::BadFrame, Some("i".into()), None), "{device}");
    }
    assert!(parse(&frame("call-request", &format!(r#","to":"{most}""#))).is_ok());
}

#[test]
fn a_call_id_is_22_characters_of_base64url_and_nothing_else() {
    for call in [
        "",
        "AAAA",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAB",
        "AAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAA==",
        "+AAAAAAAAAAAAAAAAAAAAA",
        "/AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAA A",
        "ÀÀÀÀÀÀÀÀÀÀÀ",
        "6f1ed002-ab5a-4d0e-8a5d-1b1a1e3d1c2a",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ] {
        let text = format!(r#"{{"type":"call-accept","id":"i","seq":7,"call":"{call}"}}"#);
        assert_eq!(refused(&text), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{text}");
    }
}

#[test]
fn what_a_type_needs_must_be_there() {
    for text in [
        r#"{"type":"call-request","id":"i","seq":7,"call":"AAAAAAAAAAAAAAAAAAAAAA"}"#,
        r#"{"type":"call-request","id":"i","seq":7,"to":"bob"}"#,
        r#"{"type":"call-accept","id":"i","seq":7}"#,
        r#"{"type":"call-accept","id":"i","seq":7,"call":null}"#,
        r#"{"type":"hangup","id":"i","seq":7,"data":{}}"#,
        r#"{"type":"offer","id":"i","seq":7,"data":{}}"#,
        r#"{"type":"offer","id":"i","seq":7,"call":"AAAAAAAAAAAAAAAAAAAAAA"}"#,
        r#"{"type":"call-update","id":"i","seq":7,"call":"AAAAAAAAAAAAAAAAAAAAAA"}"#,
        r#"{"type":"call-update","id":"i","seq":7,"data":{}}"#,
    ] {
        assert_eq!(refused(text), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{text}");
    }
}

#[test]
fn a_payload_that_the_server_reads_has_its_shape_and_its_words() {
    for (kind, data) in [
        ("call-reject", r#""declined""#),
        ("call-reject", r#"["declined","here"]"#),
        ("call-reject", r#"{"reason":"hung_up"}"#),
        ("call-reject", r#"{"reason":{"declined":null}}"#),
        ("call-reject", r#"{"reason":"Declined"}"#),
        ("call-reject", r#"{"reason":0}"#),
        ("call-reject", r#"{"scope":"everywhere"}"#),
        ("call-reject", r#"{"scope":null}"#),
        ("hangup", r#"{"reason":"declined"}"#),
        ("hangup", r#"{"reason":"busy"}"#),
        ("hangup", r#"{"reason":"cancelled"}"#),
        ("hangup", r#"{"reason":"no_answer"}"#),
        ("hangup", r#"{"reason":"answered_elsewhere"}"#),
        ("hangup", r#"{"reason":"glare"}"#),
        ("hangup", r#"{"reason":"replaced"}"#),
        ("hangup", r#"{"reason":["hung_up"]}"#),
        ("hangup", r#"[]"#),
        ("call-update", "null"),
        ("call-update", r#"["connected",true]"#),
        ("call-update", r#"{"media":"up"}"#),
        ("call-update", r#"{"media":{"connected":null}}"#),
        ("call-update", r#"{"muted":"yes"}"#),
        ("call-update", r#"{"muted":1}"#),
    ] {
        let text = frame(kind, &format!(r#","data":{data}"#));
        assert_eq!(refused(&text), (ErrorCode::BadFrame, Some("i".into()), Some(7)), "{text}");
    }
}

#[test]
fn a_hello_has_one_identity_and_a_device() {
    for data in [
        "null",
        "{}",
        r#"{"device":"web"}"#,
        r#"{"guest":"bob"}"#,
        r#"{"token":"t","guest":"bob","device":"web"}"#,
        r#"{"token":1,"device":"web"}"#,
        r#"{"token":"\ud800","device":"web"}"#,
        r#"{"guest":"bob","guest":"eve","device":"web"}"#,
        r#"[null,"bob","web",null]"#,
        r#"{"guest":"bob","device":"web","resume":"b2Zmc2V0"}"#,
        r#"{"guest":"bob","device":"web","resume":["s","x",1]}"#,
        r#"{"guest":"bob","device":"web","resume":{"session":"s","ack":1}}"#,
        r#"{"guest":"bob","device":"web","resume":{"session":"s","secret":"x","ack":-1}}"#,
        r#"{"guest":"bob","device":"web","resume":{"session":"s","secret":"x","ack":"1"}}"#,
        r#"{"guest":"bob","device":"web","resume":{"session":1,"secret":"x","ack":1}}"#,
        r#"{"__proto__":{"guest":"bob"},"device":"web"}"#,
    ] {
        let text = format!(r#"{{"type":"hello","id":"i","data":{data}}}"#);
        assert_eq!(refused(&text), (ErrorCode::BadFrame, Some("i".into()), None), "{text}");
    }
}

#[test]
fn the_data_of_a_request_is_at_most_4_kib() {
    let request =
        |len: usize| frame("call-request", &format!(r#","to":"bob","data":"{}""#, "x".repeat(len - 2)));
    assert!(parse(&request(4096)).is_ok());
    assert_eq!(refused(&request(4097)), (ErrorCode::TooLarge, Some("i".into()), Some(7)));
    let v1 = |len: usize| format!(r#"{{"type":"call-request","to":"bob","data":"{}"}}"#, "x".repeat(len - 2));
    assert!(parse_v1(&v1(4096)).is_ok());
    assert!(parse_v1(&v1(4097)).is_err());
}

#[test]
fn an_error_is_no_echo_of_what_was_sent() {
    let long = "\\u0001".repeat(10_000);
    let text = frame("call-reject", &format!(r#","data":{{"reason":"{long}"}}"#));
    assert_eq!(refused(&text), (ErrorCode::BadFrame, Some("i".into()), Some(7)));
}

#[test]
fn what_is_odd_but_within_the_rules_is_taken() {
    let spoofed = frame("call-accept", r#","from":"eve/phone","exp":1,"re":{},"v":9"#);
    assert!(parse(&spoofed).is_ok(), "from is the session's; unknown members are ignored, even twice");
    assert!(
        parse(&frame("call-accept", r#","x":1,"x":2,"__proto__":{"type":"ping"},"constructor":1"#)).is_ok()
    );
    assert!(parse(" \t\r\n{ \"type\" : \"p\\u0069ng\" } ").is_ok(), "white space and escapes are JSON");
    let ping = parse(r#"{"type":"ping","seq":7}"#).unwrap();
    assert_eq!(ping.seq, None, "an unnumbered type has no number, whatever the frame says");
    let named = parse(r#"{"type":"ping","id":"\u202e\u0000é"}"#).unwrap();
    assert_eq!(
        named.id.as_deref(),
        Some("\u{202e}\0é"),
        "the client's own name for a frame is its own affair"
    );
    assert!(parse(&format!(r#"{{"type":"ping","id":"{}"}}"#, "é".repeat(64))).is_ok());
    for data in
        ["null", "1e999", "18446744073709551616", r#""\ud800""#, r#"{"__proto__":1,"a":1,"a":2}"#, r#"[""]"#]
    {
        let text = frame("candidate", &format!(r#","data": {data} "#));
        let Body::Relay { data: taken, .. } = parse(&text).unwrap().body else { panic!("{text}") };
        assert_eq!(taken, data, "opaque data goes as it is");
    }
    for data in ["", r#","data":null"#, r#","data":{}"#, r#","data":{"x":1}"#] {
        assert!(parse(&frame("hangup", data)).is_ok(), "{data}");
        assert!(parse(&frame("call-reject", data)).is_ok(), "{data}");
    }
}

#[test]
fn a_token_and_a_secret_are_never_shown() {
    let text = r#"{"type":"hello","data":{"token":"geheim","device":"web",
        "resume":{"session":"s","secret":"geheim","ack":1}}}"#;
    let frame = parse(text).unwrap();
    assert!(!format!("{frame:?}").contains("geheim"), "{frame:?}");
    let Body::Hello(hello) = frame.body else { panic!("{frame:?}") };
    assert!(matches!(hello.identity, Identity::Token(token) if token == "geheim"));
}

#[test]
fn v1_takes_an_object_with_a_type_and_a_name() {
    for text in [
        r#"["offer","b",{}]"#,
        r#"["ice-servers-request"]"#,
        r#"{"type":"offer","to":null,"data":{}}"#,
        r#"{"type":"offer","to":"b"}"#,
        r#"{"type":"answer","to":"b"}"#,
        r#"{"type":"candidate","to":"b"}"#,
        r#"{"type":["hangup"],"to":"b"}"#,
        r#"{"type":"ice-servers-response","to":"b"}"#,
        r#"{"type":"hello","to":"b"}"#,
        r#"{"type":"call-cancel","to":"b"}"#,
        r#"{"type":"offer","to":"b","data":{},"data":{}}"#,
        r#"{"type":"hangup","to":"\u202eb"}"#,
        r#"{"type":"hangup","to":"b/web"}"#,
        &nested(33),
    ] {
        assert!(parse_v1(text).is_err(), "{text}");
    }
    let spoofed = parse_v1(r#"{"type":"candidate","to":"b","from":"eve","data":null}"#).unwrap();
    assert_eq!(spoofed.data, "null", "null is data");
}
