//! Story: somebody alone calls `echo` and hears themselves a second later. For everyone else it is a call like any other.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tincan_server::config::{MediaMode, V1Access};
use tincan_testkit::device::Device;
use tincan_testkit::socket::{Event, Socket};

use crate::peer::{Peer, Sound};
use crate::process::Process;
use crate::util::{Server, call_id, end, history, numbered_call, roomy, until_decided};
use crate::ways::{by_udp, servers};

/// One frame of 20 ms, in samples.
const FRAME: u64 = 960;

/// Rings the echo. Returns the device that accepted.
async fn accepted(device: &mut Device, call: &str) -> String {
    device.ring("echo", call).await.unwrap();
    assert_eq!(device.expect("call-delivered").await.unwrap()["data"]["devices"], 1);
    let rings = device.expect("call-ringing").await.unwrap();
    let accept = device.expect("call-accept").await.unwrap();
    assert_eq!(accept["data"]["peer"], rings["from"]);
    rings["from"].as_str().unwrap().to_owned()
}

/// Offers, with this number, and takes the answer.
async fn negotiate(device: &mut Device, peer: &mut Peer, call: &str, n: u64) -> Value {
    let offer = json!({ "type": "offer", "sdp": peer.offer(), "n": n });
    device.call("offer", call, offer).await.unwrap();
    let answer = device.expect("answer").await.unwrap();
    assert_eq!((&answer["data"]["type"], &answer["data"]["n"]), (&json!("answer"), &json!(n)));
    peer.take_answer(answer["data"]["sdp"].as_str().unwrap());
    answer
}

/// Takes a call with the echo to sound.
async fn connected(device: &mut Device, call: &str) -> Peer {
    let mut peer = Peer::new().await;
    let echo = accepted(device, call).await;
    let answer = negotiate(device, &mut peer, call, 1).await;
    assert_eq!(answer["from"], echo.as_str());
    peer.until("a connection", |peer| peer.is_connected).await;
    device.call("call-update", call, json!({ "media": "connected" })).await.unwrap();
    peer
}

/// Says `count` packets that start with `word`, and waits until as many came back.
async fn talk(peer: &mut Peer, word: &[u8], count: usize) -> Vec<Sound> {
    let before = peer.heard.len();
    for n in 0..count {
        peer.say(n as u64 * FRAME, &[word, &n.to_be_bytes()].concat()).await;
    }
    peer.until("an echo", |peer| peer.heard.len() >= before + count).await;
    peer.heard.split_off(before)
}

#[tokio::test]
async fn who_calls_the_echo_hears_themselves_after_a_second() {
    let server = Server::start().await;
    let (mut alice, call) = (server.guest("alice", "web").await, call_id('c'));
    let mut peer = connected(&mut alice, &call).await;
    let said_at = Instant::now();
    let heard = talk(&mut peer, b"hello", 50).await;
    for (n, sound) in heard.iter().enumerate() {
        assert_eq!(sound.payload, [&b"hello"[..], &n.to_be_bytes()].concat());
        assert_eq!(sound.time - heard[0].time, n as u64 * FRAME);
    }
    let after = heard[0].at - said_at;
    assert!(after >= Duration::from_secs(1) && after < Duration::from_secs(5), "after {after:?}");
    alice.call("hangup", &call, Value::Null).await.unwrap();
    assert_eq!(end(&mut alice, &call, "hung_up").await, "alice/web");
    let rows = server.history().await;
    assert_eq!((rows.len(), rows[0].callee.as_str(), rows[0].reason.as_str()), (1, "echo", "hung_up"));
    assert!(rows[0].talk_ms >= 1000, "both sides said that they are connected: {}", rows[0].talk_ms);
}

#[tokio::test]
async fn a_pause_is_a_pause_in_the_echo_too() {
    let server = Server::start().await;
    let mut alice = server.guest("alice", "web").await;
    let mut peer = connected(&mut alice, &call_id('c')).await;
    let times = [0, FRAME, 2 * FRAME, 400 * FRAME, 401 * FRAME];
    for (n, time) in times.into_iter().enumerate() {
        peer.say(time, &[n as u8; 40]).await;
    }
    peer.until("an echo", |peer| peer.heard.len() >= times.len()).await;
    let heard: Vec<u64> = peer.heard.iter().map(|sound| sound.time - peer.heard[0].time).collect();
    assert_eq!(heard, times);
    server.stop().await;
}

#[tokio::test]
async fn what_is_said_on_the_data_channel_disturbs_nothing() {
    let server = Server::start().await;
    let mut alice = server.guest("alice", "web").await;
    let mut peer = connected(&mut alice, &call_id('c')).await;
    peer.until("a data channel", |peer| peer.ctl.is_some()).await;
    for text in
        [r#"{"type":"update","update":{"muted":true}}"#, "", r#"{"type":"hangup","reason":"hung_up"}"#]
    {
        peer.tell(text).await;
        talk(&mut peer, text.as_bytes(), 5).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_new_offer_is_answered_and_the_sound_goes_on() {
    let server = Server::start().await;
    let (mut alice, call) = (server.guest("alice", "web").await, call_id('c'));
    let mut peer = connected(&mut alice, &call).await;
    talk(&mut peer, b"before", 10).await;
    negotiate(&mut alice, &mut peer, &call, 2).await;
    let heard = talk(&mut peer, b"after", 10).await;
    assert!(heard.iter().all(|sound| sound.payload.starts_with(b"after")));
    server.stop().await;
}

#[tokio::test]
async fn everyone_has_an_echo_of_their_own_until_all_are_taken() {
    let server = Server::start_with(|config| config.echo.calls = 2).await;
    let (mut alice, mut bob) = (server.guest("alice", "web").await, server.guest("bob", "web").await);
    let mut of_alice = connected(&mut alice, &call_id('a')).await;
    let mut of_bob = connected(&mut bob, &call_id('b')).await;
    let (mine, theirs) = tokio::join!(talk(&mut of_alice, b"alice", 20), talk(&mut of_bob, b"bob", 20));
    assert!(mine.iter().all(|sound| sound.payload.starts_with(b"alice")));
    assert!(theirs.iter().all(|sound| sound.payload.starts_with(b"bob")));

    let mut carol = server.guest("carol", "web").await;
    carol.ring("echo", &call_id('x')).await.unwrap();
    carol.expect("call-delivered").await.unwrap();
    end(&mut carol, &call_id('x'), "busy").await;
    alice.call("hangup", &call_id('a'), Value::Null).await.unwrap();
    end(&mut alice, &call_id('a'), "hung_up").await;
    accepted(&mut carol, &call_id('y')).await;
    server.stop().await;
}

#[tokio::test]
async fn who_calls_again_has_the_new_call_and_not_the_old_one() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.echo.calls = 2;
    })
    .await;
    let mut alice = server.guest("alice", "web").await;
    for n in 0..5 {
        if n > 0 {
            alice.ring("echo", &numbered_call(n)).await.unwrap();
            end(&mut alice, &numbered_call(n - 1), "replaced").await;
            alice.expect("call-delivered").await.unwrap();
            alice.expect("call-ringing").await.unwrap();
            alice.expect("call-accept").await.unwrap();
        } else {
            accepted(&mut alice, &numbered_call(n)).await;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn it_hangs_up_when_its_time_is_over() {
    let server = Server::start_with(|config| config.echo.call_limit = Duration::from_millis(1500)).await;
    let (mut alice, call) = (server.guest("alice", "web").await, call_id('c'));
    let echo = accepted(&mut alice, &call).await;
    assert_eq!(end(&mut alice, &call, "hung_up").await, echo.as_str());
    let rows = server.history().await;
    assert_eq!(rows[0].ended_by.as_deref(), Some(echo.as_str()));
}

#[tokio::test]
async fn an_offer_that_cannot_be_met_ends_the_call_and_no_other() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = (server.guest("alice", "web").await, server.guest("bob", "web").await);
    let mut peer = connected(&mut alice, &call_id('a')).await;
    for (n, data) in [
        json!(null),
        json!("v=0"),
        json!({ "type": "offer" }),
        json!({ "type": "offer", "sdp": "hello" }),
        json!({ "type": "offer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" }),
    ]
    .into_iter()
    .enumerate()
    {
        let call = numbered_call(n);
        accepted(&mut bob, &call).await;
        bob.call("offer", &call, data).await.unwrap();
        end(&mut bob, &call, "media_failed").await;
    }
    talk(&mut peer, b"still here", 10).await;
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_old_is_answered_in_its_own_words() {
    let server = Server::start().await;
    let (mut page, mut peer) = (server.v1("clientA").await, Peer::new().await);
    page.send("call-request", "echo").await.unwrap();
    page.expect("call-accept", "echo").await.unwrap();
    let offer = json!({ "type": "offer", "sdp": peer.offer() });
    page.send_data("offer", "echo", &offer).await.unwrap();
    let answer = page.expect("answer", "echo").await.unwrap();
    assert!(answer.get("n").is_none(), "it gave no number: {answer}");
    peer.take_answer(answer["sdp"].as_str().unwrap());
    peer.until("a connection", |peer| peer.is_connected).await;
    talk(&mut peer, b"hello", 10).await;
    page.send("hangup", "echo").await.unwrap();
    page.expect_silence().await.unwrap();
    assert_eq!(server.history().await[0].reason, "hung_up");
}

#[tokio::test]
async fn nobody_else_has_its_name() {
    let server = Server::start_with(|config| config.server.v1 = V1Access::Open).await;
    let mut socket =
        Socket::open(server.addr, "/ws", &[("sec-websocket-protocol", "tincan.v2")]).await.unwrap();
    let hello = json!({ "type": "hello", "data": { "guest": "echo", "device": "web" } });
    socket.text(&hello.to_string()).await.unwrap();
    let Event::Text(error) = socket.next().await.unwrap() else { panic!("no error") };
    let error: Value = serde_json::from_str(&error).unwrap();
    assert_eq!(error["data"]["code"], "forbidden");
    assert!(error["data"]["message"].as_str().unwrap().contains("belongs to this server itself"), "{error}");
    assert_eq!(socket.closed().await.unwrap(), 4503);
    let mut page = Socket::open(server.addr, "/ws?id=echo", &[]).await.unwrap();
    assert_eq!(page.closed().await.unwrap(), 4503);
    // It was never theirs: the echo still answers.
    accepted(&mut server.guest("alice", "web").await, &call_id('c')).await;
    server.stop().await;
}

#[tokio::test]
async fn switched_off_there_is_no_such_user_and_the_name_is_free() {
    let server = Server::start_with(|config| config.echo.enabled = false).await;
    let mut alice = server.guest("alice", "web").await;
    // A server that has just started waits for users to come back; one that is there shows that nobody else is.
    let mut person = server.guest("echo", "web").await;
    alice.ring("echo", &call_id('c')).await.unwrap();
    assert_eq!(person.expect("call-request").await.unwrap()["from"], "alice/web");
    assert_eq!(alice.expect("call-delivered").await.unwrap()["data"]["devices"], 1);
    server.stop().await;
}

#[tokio::test]
async fn it_needs_neither_stun_nor_turn() {
    let server = Server::start_with(|config| config.media.mode = MediaMode::Off).await;
    let mut alice = server.guest("alice", "web").await;
    let mut peer = connected(&mut alice, &call_id('c')).await;
    talk(&mut peer, b"hello", 5).await;
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_hangs_up_first() {
    let server = Server::start().await;
    let (mut alice, call) = (server.guest("alice", "web").await, call_id('c'));
    let echo = accepted(&mut alice, &call).await;
    let data_dir = server.stop().await;
    assert_eq!(end(&mut alice, &call, "hung_up").await, echo.as_str());
    assert_eq!(history(&data_dir).await[0].reason, "hung_up");
}

#[tokio::test]
async fn a_call_that_a_dead_server_left_is_over_when_it_is_back() {
    let data_dir = tempfile::tempdir().unwrap();
    let process = Process::start(data_dir.path(), &[]);
    let mut alice = Device::guest(process.addr, "alice", "web").await.unwrap();
    let echo = accepted(&mut alice, &call_id('c')).await;
    process.kill();
    let process = Process::start(data_dir.path(), &[]);
    alice.move_to(process.addr).await.unwrap();
    // It was over before she was back, or she hears it now; the notice of an end may come behind the list as well.
    let heard = until_decided(&mut alice).await;
    assert!(heard.iter().all(|frame| frame["data"]["reason"] == "connection_lost"), "{heard:?}");
    assert!(alice.welcome["calls"] == json!([]) || heard.len() == 1, "{}, then {heard:?}", alice.welcome);
    assert!(process.stop().success());
    let rows = history(&data_dir).await;
    assert_eq!(
        (rows[0].reason.as_str(), rows[0].ended_by.as_deref()),
        ("connection_lost", Some(echo.as_str()))
    );
}

#[tokio::test]
async fn who_cannot_send_udp_reaches_it_through_the_relay() {
    let server = Server::start().await;
    let (mut alice, mut peer, call) = (server.guest("alice", "web").await, Peer::new().await, call_id('c'));
    accepted(&mut alice, &call).await;
    let answer = negotiate(&mut alice, &mut peer, &call, 1).await;
    let echo = candidate(answer["data"]["sdp"].as_str().unwrap());
    let mut turn = by_udp(&servers(&mut alice, &call).await).await;
    turn.allocate().await.unwrap().unwrap();
    assert_eq!(turn.permit(echo).await.unwrap(), 0);
    assert_eq!(turn.permit(server.addr).await.unwrap(), 403, "and nothing else of this machine");
    server.stop().await;
}

/// The address in the one candidate of a description.
fn candidate(sdp: &str) -> SocketAddr {
    let lines: Vec<&str> = sdp.lines().filter(|line| line.starts_with("a=candidate:")).collect();
    let words: Vec<&str> = lines[0].split(' ').collect();
    assert_eq!((words[2], words[7]), ("udp", "host"), "{lines:?}");
    SocketAddr::new(words[4].parse().unwrap(), words[5].parse().unwrap())
}
