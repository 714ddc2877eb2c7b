//! Story: what is not RFC 6455 ends its own connection, with the code that says why.

use tincan_proto::websocket::{Opcode, write_client, write_server};
use tincan_testkit::socket::Socket;

use crate::util::{Neighbours, Server, quiet, roomy};

fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_client(&mut out, opcode, payload, [1, 2, 3, 4]);
    out
}

fn with_first_byte(mut frame: Vec<u8>, flip: u8) -> Vec<u8> {
    frame[0] ^= flip;
    frame
}

/// What breaks RFC 6455, and the close code it earns.
fn violations() -> Vec<(&'static str, Vec<u8>, u16)> {
    let text = || masked(Opcode::Text, b"{}");
    let mut unmasked = Vec::new();
    write_server(&mut unmasked, Opcode::Text, b"{}");
    let too_big = vec![b' '; 64 * 1024 + 1];
    let half = |n: usize| with_first_byte(masked(Opcode::Text, &vec![b' '; n]), 0x80);
    vec![
        ("a frame over 64 KiB", masked(Opcode::Text, &too_big), 1009),
        ("only the head of one", masked(Opcode::Text, &too_big)[..14].to_vec(), 1009),
        ("a length of 2^63", [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0].to_vec(), 1009),
        (
            "over 64 KiB in parts",
            [half(40_000), masked(Opcode::Continuation, &[b' '; 30_000])].concat(),
            1009,
        ),
        ("not masked", unmasked, 1002),
        ("RSV1, as if it were compressed", with_first_byte(text(), 0x40), 1002),
        ("RSV2", with_first_byte(text(), 0x20), 1002),
        ("RSV3", with_first_byte(text(), 0x10), 1002),
        ("an opcode that is none", with_first_byte(text(), 0x02), 1002),
        ("a control frame in parts", with_first_byte(masked(Opcode::Ping, b""), 0x80), 1002),
        ("a long control frame", masked(Opcode::Ping, &[0; 126]), 1002),
        ("nothing to go on with", masked(Opcode::Continuation, b"x"), 1002),
        ("a text within a text", [half(10), text()].concat(), 1002),
        ("half a close code", masked(Opcode::Close, &[3]), 1002),
        ("a close code that is none", masked(Opcode::Close, &1005_u16.to_be_bytes()), 1002),
        ("not UTF-8", masked(Opcode::Text, b"{\"type\":\"\xFF\"}"), 1007),
        ("a surrogate in UTF-8", masked(Opcode::Text, b"\xED\xA0\x80"), 1007),
        ("binary", masked(Opcode::Binary, b"{}"), 1003),
        ("a close is answered", masked(Opcode::Close, &1000_u16.to_be_bytes()), 1000),
    ]
}

#[tokio::test]
async fn what_is_no_websocket_ends_its_own_connection_and_no_other() {
    let server = Server::start_with(roomy).await;
    let mut neighbours = Neighbours::new(&server).await;
    for (what, bytes, code) in violations() {
        let mut v2 = server.guest("mallory", "web").await.socket;
        let mut v1 = server.v1("mallory1").await.socket;
        let protocol = [("Sec-WebSocket-Protocol", "tincan.v2")];
        let mut before_hello = Socket::open(server.addr, "/ws", &protocol).await.unwrap();
        for socket in [&mut v2, &mut v1, &mut before_hello] {
            socket.raw(&bytes).await.unwrap();
            assert_eq!(socket.closed().await.unwrap(), code, "{what}");
        }
        neighbours.talk().await;
    }
}

#[tokio::test]
async fn a_frame_byte_by_byte_or_in_fragments_is_a_frame() {
    let server = Server::start_with(roomy).await;
    let mut alice = server.guest("alice", "web").await;
    for byte in masked(Opcode::Text, br#"{"type":"ping"}"#) {
        alice.socket.raw(&[byte]).await.unwrap();
    }
    alice.expect("pong").await.unwrap();
    let text = br#"{"type":"ping"}"#;
    for (i, byte) in text.iter().enumerate() {
        let opcode = if i == 0 { Opcode::Text } else { Opcode::Continuation };
        let not_last = if i + 1 == text.len() { 0 } else { 0x80 };
        alice.socket.raw(&with_first_byte(masked(opcode, &[*byte]), not_last)).await.unwrap();
        alice.socket.raw(&masked(Opcode::Ping, b"between")).await.unwrap();
    }
    alice.expect("pong").await.unwrap();
    quiet(&mut alice).await;
}
