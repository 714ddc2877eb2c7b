//! Story: two people whose networks keep them apart get through all the same, and nobody else gets anywhere.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tincan_server::config::MediaMode;
use tincan_testkit::device::Device;
use tincan_testkit::turn::{Credentials, TurnClient};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::tls::Secure;
use crate::util::{Server, accepted, call_id, end, refused, roomy, two};

/// What `device` is told for a call.
pub(crate) async fn servers(device: &mut Device, call: &str) -> Value {
    device.send(json!({ "type": "ice-servers-request", "id": "i", "call": call })).await.unwrap();
    device.expect("ice-servers-response").await.unwrap()["data"].clone()
}

/// What it is told to try its network with, before there is a call.
pub(crate) async fn before_a_call(device: &mut Device) -> Value {
    device.send(json!({ "type": "ice-servers-request", "id": "i" })).await.unwrap();
    device.expect("ice-servers-response").await.unwrap()["data"].clone()
}

/// Where STUN and TURN are.
pub(crate) fn place(servers: &Value) -> SocketAddr {
    let url = servers["iceServers"][0]["urls"][0].as_str().unwrap();
    let port = url.strip_prefix("stun:localhost:").unwrap().parse().unwrap();
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub(crate) fn credentials(servers: &Value) -> Credentials {
    Credentials::of(servers).unwrap()
}

/// A client of the relay that these lead to.
pub(crate) async fn by_udp(servers: &Value) -> TurnClient {
    TurnClient::by_udp(place(servers), credentials(servers)).await.unwrap()
}

/// Both hear each other through their relays.
async fn talk(one: &mut TurnClient, other: &mut TurnClient) {
    let (at_one, at_other) =
        (one.allocate().await.unwrap().unwrap(), other.allocate().await.unwrap().unwrap());
    assert_eq!((one.bind(at_other).await.unwrap(), other.bind(at_one).await.unwrap()), (0, 0));
    // Lengths that a stream has to pad, and one that it has not.
    for data in [&b"a"[..], b"hello", b"even", &[7; 1200]] {
        one.send(data).await.unwrap();
        assert_eq!(other.hear().await.unwrap(), data);
        other.send(data).await.unwrap();
        assert_eq!(one.hear().await.unwrap(), data);
    }
}

#[tokio::test]
async fn each_side_of_a_call_gets_a_relay_of_its_own_kind() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    let (for_alice, for_bob) =
        (servers(&mut alice, &call_id('c')).await, servers(&mut bob, &call_id('c')).await);
    let mut relayed = by_udp(&for_alice).await;
    let tcp = TcpStream::connect(place(&for_bob)).await.unwrap();
    talk(&mut relayed, &mut TurnClient::by_stream(tcp, credentials(&for_bob))).await;
    // Nothing but the web server's port may be open.
    let mut relayed = by_udp(&for_alice).await;
    let tcp = TcpStream::connect(server.addr).await.unwrap();
    talk(&mut relayed, &mut TurnClient::by_stream(tcp, credentials(&for_bob))).await;
}

#[tokio::test]
async fn a_relay_is_reached_by_tls_on_the_port_of_the_pages() {
    let secure = Secure::start().await;
    let mut alice = secure.guest("alice", "web", secure.connect().await).await;
    let servers = before_a_call(&mut alice).await;
    let url = format!("turns:localhost:{}?transport=tcp", secure.server.addr.port());
    assert_eq!(servers["iceServers"][1]["urls"][2], url.as_str());
    let mut one = TurnClient::by_stream(secure.stream().await, credentials(&servers));
    let mut other = TurnClient::by_stream(secure.stream().await, credentials(&servers));
    talk(&mut one, &mut other).await;
    // Without TLS it is the same port.
    let mut plain = TurnClient::by_stream(secure.connect().await, credentials(&servers));
    plain.allocate().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_relay_ends_with_its_call_and_no_credentials_outlive_it() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    let for_alice = servers(&mut alice, &call_id('c')).await;
    let mut relayed = by_udp(&for_alice).await;
    let at = relayed.allocate().await.unwrap().unwrap();
    alice.call("hangup", &call_id('c'), Value::Null).await.unwrap();
    end(&mut alice, &call_id('c'), "hung_up").await;
    // A new one is refused from the moment in which the old one ends.
    let refused = loop {
        let mut late = by_udp(&for_alice).await;
        if let Err(code) = late.allocate().await.unwrap() {
            break code;
        }
    };
    assert!([403, 486].contains(&refused), "{refused}");
    while relayed.bind(at).await.unwrap() == 0 {}
}

#[tokio::test]
async fn a_relay_of_another_call_is_not_reached() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = two(&server).await;
    let (mut carol, mut dave) = (server.guest("carol", "web").await, server.guest("dave", "web").await);
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    accepted(&mut carol, &mut dave, &call_id('d')).await;
    let (for_alice, for_carol) =
        (servers(&mut alice, &call_id('c')).await, servers(&mut carol, &call_id('d')).await);
    let mut one = by_udp(&for_alice).await;
    let mut other = by_udp(&for_carol).await;
    let (at_one, at_other) =
        (one.allocate().await.unwrap().unwrap(), other.allocate().await.unwrap().unwrap());
    assert_eq!((one.bind(at_other).await.unwrap(), other.bind(at_one).await.unwrap()), (403, 403));
}

#[tokio::test]
async fn where_calls_hide_addresses_none_but_a_relay_s_passes() {
    let server = Server::start_with(|config| config.media.relay_only = true).await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    assert_eq!(servers(&mut alice, &call_id('c')).await["relay_only"], true);
    hides(&mut alice, &mut bob).await;
    hides(&mut bob, &mut alice).await;
}

#[tokio::test]
async fn who_wants_to_hide_their_address_does_so_and_the_other_need_not() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    let asks = json!({ "type": "ice-servers-request", "id": "i", "call": call_id('c'), "data": { "relay_only": true } });
    alice.send(asks).await.unwrap();
    assert_eq!(alice.expect("ice-servers-response").await.unwrap()["data"]["relay_only"], true);
    hides(&mut alice, &mut bob).await;
    bob.call("candidate", &call_id('c'), json!({ "candidate": HOST })).await.unwrap();
    assert_eq!(alice.expect("candidate").await.unwrap()["data"]["candidate"], HOST);
}

const HOST: &str = "candidate:1 1 udp 2122260223 192.168.1.2 54400 typ host";
const RELAY: &str = "candidate:1 1 udp 41885439 198.51.100.1 50000 typ relay raddr 0.0.0.0 rport 0";

/// What names an address of `from`'s is refused and not passed on; what names a relay is.
async fn hides(from: &mut Device, to: &mut Device) {
    let sdp = |candidate: &str| json!({ "type": "offer", "sdp": format!("v=0\r\na={candidate}\r\n") });
    let told = [
        ("candidate", json!({ "candidate": HOST })),
        ("candidates", json!([{ "candidate": RELAY }, { "candidate": HOST }])),
        ("offer", sdp(HOST)),
        ("answer", sdp(HOST)),
    ];
    for (kind, data) in told {
        let frame = json!({ "type": kind, "id": kind, "call": call_id('c'), "data": data });
        from.send(frame).await.unwrap();
        refused(from, kind, "forbidden").await;
    }
    from.call("candidates", &call_id('c'), json!([{ "candidate": RELAY }, null])).await.unwrap();
    assert_eq!(to.expect("candidates").await.unwrap()["data"][0]["candidate"], RELAY);
    from.call("offer", &call_id('c'), sdp(RELAY)).await.unwrap();
    to.expect("offer").await.unwrap();
}

#[tokio::test]
async fn stun_alone_tells_addresses_and_relays_nothing_and_off_is_off() {
    let server = Server::start_with(|config| config.media.mode = MediaMode::Stun).await;
    let mut alice = server.guest("alice", "web").await;
    let told = before_a_call(&mut alice).await;
    assert_eq!(told["iceServers"].as_array().unwrap().len(), 1, "{told}");
    let server = Server::start_with(|config| config.media.mode = MediaMode::Off).await;
    let mut alice = server.guest("alice", "web").await;
    assert_eq!(before_a_call(&mut alice).await["iceServers"], json!([]));
}

#[tokio::test]
async fn who_speaks_neither_stun_nor_http_is_sent_away_and_harms_nobody() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    let for_alice = servers(&mut alice, &call_id('c')).await;
    for (at, bytes) in [
        (server.addr, &b"\x00\x01\x00\x03"[..]), // a length that no message has
        (server.addr, b"\x03\xff\xff\xff rubbish"),
        (place(&for_alice), b"\x00\x01\x00\x08\x21\x12\xa4\x42abcdefghijkl\xff\xff\xff\xffrubb\x40\x00"),
        (place(&for_alice), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut said = Vec::new();
        // It may be closed with what it had not read.
        let _ = stream.read_to_end(&mut said).await;
        assert!(!said.windows(6).any(|word| word == b"200 OK"), "{bytes:?}");
    }
    let mut relayed = by_udp(&for_alice).await;
    relayed.allocate().await.unwrap().unwrap();
    alice.call("offer", &call_id('c'), json!({})).await.unwrap();
    bob.expect("offer").await.unwrap();
}
