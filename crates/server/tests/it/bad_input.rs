//! Story: whatever a client sends, it harms at most its own session, and hears what was wrong.

use serde_json::{Value, json};
use tincan_testkit::socket::{Event, Socket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::util::{Neighbours, SHORT, Server, call_id, roomy};

/// What is no frame of v2, what it is answered with, and whether its number was used up.
fn bad_frames() -> Vec<(String, &'static str, bool)> {
    let call = call_id('c');
    let deep = |n: usize| {
        format!(r#"{{"type":"offer","call":"{call}","seq":1,"data":{}{}}}"#, "[".repeat(n), "]".repeat(n))
    };
    let request = |data: usize| {
        let data = "x".repeat(data - 2);
        format!(r#"{{"type":"call-request","call":"{call}","to":"bob","seq":1,"data":"{data}"}}"#)
    };
    let mut rows = vec![
        (deep(32), "bad_frame", true),
        (deep(100), "bad_frame", true),
        (request(4097), "too_large", true),
        (format!(r#"{{"type":"hangup","call":"{call}"}}"#), "bad_frame", false),
        (format!("\u{feff}{{\"type\":\"hangup\",\"call\":\"{call}\",\"seq\":1}}"), "bad_frame", false),
    ];
    for unreadable in [
        "",
        " ",
        "{",
        "[]",
        "7",
        "null",
        "\"x\"",
        "{}",
        "{}{}",
        r#"{"type":"ping"} x"#,
        "{'type':'ping'}",
        "nul",
    ] {
        rows.push((unreadable.into(), "bad_frame", false));
    }
    for (members, code) in [
        (r#""type":"dance""#, "unknown_type"),
        (r#""type":"Ping""#, "unknown_type"),
        (r#""type":"ping\u0000""#, "unknown_type"),
        (r#""type":"__proto__""#, "unknown_type"),
        (r#""type":1"#, "bad_frame"),
        (r#""type":null"#, "bad_frame"),
        (r#""type":["ping"]"#, "bad_frame"),
        (r#""no":"type""#, "bad_frame"),
        (r#""type":"hangup""#, "bad_frame"),
        (r#""type":"hangup","type":"call-cancel","call":"C""#, "bad_frame"),
        (r#""type":"hangup","call":"C","call":"C""#, "bad_frame"),
        (r#""type":"call-request","call":"C","to":"bob","data":1,"data":2"#, "bad_frame"),
        (r#""type":"hangup","call":7"#, "bad_frame"),
        (r#""type":"hangup","call":"short""#, "bad_frame"),
        (r#""type":"hangup","call":"cccccccccccccccccccccB""#, "bad_frame"),
        (r#""type":"hangup","call":"\u0000ccccccccccccccccccccA""#, "bad_frame"),
        (r#""type":"hangup","call":"C","data":7"#, "bad_frame"),
        (r#""type":"hangup","call":"C","data":{"reason":"bored"}"#, "bad_frame"),
        (r#""type":"hangup","call":"C","data":{"reason":"no_answer"}"#, "bad_frame"),
        (r#""type":"hangup","call":"C","ack":"1""#, "bad_frame"),
        (r#""type":"hangup","call":"C","ack":-1"#, "bad_frame"),
        (r#""type":"hangup","call":"C","ack":1e999"#, "bad_frame"),
        (r#""type":"call-reject","call":"C","data":{"scope":"everywhere"}"#, "bad_frame"),
        (r#""type":"call-request","call":"C""#, "bad_frame"),
        (r#""type":"call-request","call":"C","to":"""#, "bad_frame"),
        (r#""type":"call-request","call":"C","to":"bob/phone""#, "bad_frame"),
        (r#""type":"call-request","call":"C","to":"bob\u0000""#, "bad_frame"),
        (r#""type":"call-request","call":"C","to":"b\u202eob""#, "bad_frame"),
        (r#""type":"call-request","call":"C","to":"bób""#, "bad_frame"),
        (r#""type":"call-request","call":"C","to":["bob"]"#, "bad_frame"),
        (r#""type":"call-update","call":"C""#, "bad_frame"),
        (r#""type":"call-update","call":"C","data":{"media":"loud"}"#, "bad_frame"),
        (r#""type":"call-update","call":"C","data":{"muted":"yes"}"#, "bad_frame"),
        (r#""type":"offer","call":"C""#, "bad_frame"),
        (r#""type":"offer","call":"C","data":{"a":01}"#, "bad_frame"),
        (r#""type":"offer","call":"C","data":{]}"#, "bad_frame"),
    ] {
        let used = !members.contains("01") && !members.contains("{]}");
        rows.push((
            format!("{{\"seq\":1,{}}}", members.replace("\"C\"", &format!("\"{call}\""))),
            code,
            used,
        ));
    }
    for seq in ["0", "-1", "1.5", "\"1\"", "null", "[1]", "99999999999999999999", "1,\"seq\":1"] {
        rows.push((format!(r#"{{"type":"hangup","call":"{call}","seq":{seq}}}"#), "bad_frame", false));
    }
    rows
}

#[tokio::test]
async fn what_is_no_frame_is_answered_and_the_session_goes_on() {
    let server = Server::start_with(roomy).await;
    let mut neighbours = Neighbours::new(&server).await;
    for (text, code, used) in bad_frames() {
        let mut socket = server.guest("mallory", "web").await.socket;
        socket.text(&text).await.unwrap();
        let answer = next(&mut socket).await;
        assert_eq!(
            (&answer["type"], &answer["data"]["code"]),
            (&json!("error"), &json!(code)),
            "{text:.200}"
        );
        let sentence = answer["data"]["message"].as_str().unwrap();
        assert!(!sentence.is_empty() && sentence.len() < 200, "{text:.200}: {sentence}");
        // The next number says whether the server counted it.
        let seq = if used { 2 } else { 1 };
        let hangup = json!({ "type": "hangup", "id": "h", "call": call_id('r'), "seq": seq });
        socket.text(&hangup.to_string()).await.unwrap();
        let answer = next(&mut socket).await;
        assert_eq!((&answer["re"], &answer["ack"]), (&json!("h"), &json!(seq)), "{text:.200}");
        neighbours.talk().await;
    }
}

async fn next(socket: &mut Socket) -> Value {
    match socket.next().await.unwrap() {
        Event::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn ten_bad_frames_within_ten_seconds_are_enough() {
    let server = Server::start_with(roomy).await;
    let mut neighbours = Neighbours::new(&server).await;
    let mut mallory = server.guest("mallory", "web").await;
    for _ in 0..11 {
        mallory.socket.text("{").await.unwrap();
    }
    for _ in 0..10 {
        assert_eq!(mallory.expect("error").await.unwrap()["data"]["code"], "bad_frame");
    }
    let mut errors = 0;
    let code = loop {
        match mallory.socket.next().await.unwrap() {
            Event::Close(code) => break code,
            Event::Text(_) => errors += 1,
            Event::Gone => panic!("without a word"),
        }
    };
    assert_eq!((code, errors), (Some(4520), 1));
    neighbours.talk().await;
}

#[tokio::test]
async fn what_is_no_frame_of_v1_closes_the_connection_with_a_sentence() {
    let server = Server::start_with(roomy).await;
    let mut neighbours = Neighbours::new(&server).await;
    let deep = format!(r#"{{"type":"offer","to":"b","data":{}{}}}"#, "[".repeat(32), "]".repeat(32));
    let large = json!({ "type": "call-request", "to": "b", "data": "x".repeat(4096) }).to_string();
    for text in [
        "",
        "{",
        "[]",
        "{}",
        "\u{feff}{}",
        r#"{"type":"dance","to":"b"}"#,
        r#"{"type":"call-cancel","to":"b"}"#,
        r#"{"type":"hello","to":"b"}"#,
        r#"{"type":"ice-servers-response","to":"b"}"#,
        r#"{"type":"offer"}"#,
        r#"{"type":"offer","to":""}"#,
        r#"{"type":"offer","to":"a\u0000b"}"#,
        r#"{"type":"offer","to":"b\u202e"}"#,
        r#"{"type":"offer","to":"b","to":"c"}"#,
        r#"{"type":"offer","type":"answer","to":"b"}"#,
        r#"{"type":1,"to":"b"}"#,
        r#"{"type":"offer","to":"b","data":01}"#,
        r#"{"type":"offer","to":"b"} x"#,
        &deep,
        &large,
    ] {
        let mut page = server.v1("mallory").await;
        page.socket.text(text).await.unwrap();
        assert_eq!(page.socket.closed().await.unwrap(), 1007, "{text:.100}");
        neighbours.talk().await;
    }
}

#[tokio::test]
async fn half_a_request_and_a_silent_socket_are_not_waited_for() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.limits.header_timeout = SHORT;
    })
    .await;
    let mut neighbours = Neighbours::new(&server).await;
    for sent in ["", "GET /ws", "GET /ws?id=a HTTP/1.1\r\nHost: localhost\r\nUpgrade: webso", "\r\n\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut heard = String::new();
        let ended = tokio::time::timeout(tincan_testkit::socket::PATIENCE, stream.read_to_string(&mut heard));
        let _ = ended.await.unwrap();
        assert!(!heard.contains("101"), "{sent:?}: {heard}");
    }
    for broken in [
        "GET / HTTP/9.9\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET /\0 HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(broken.as_bytes()).await.unwrap();
        let mut heard = String::new();
        let _ = stream.read_to_string(&mut heard).await;
        assert!(heard.starts_with("HTTP/1.1 400") || heard.is_empty(), "{broken:?}: {heard}");
    }
    neighbours.talk().await;
}
