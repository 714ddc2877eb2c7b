//! Story: five hundred clients stop reading, and nobody else notices.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tincan_testkit::device::{Device, Proof};
use tincan_testkit::socket::{Event, PATIENCE, Socket};
use tincan_testkit::v1::V1;
use tokio::net::TcpSocket;

use crate::process::{Process, ROOMY};
use crate::util::{accepted, call_id, numbered_call, pair};

const STALLED: usize = 500;

/// What a stalled client may cost: its window, and what waits for it before it is cut.
const COST: u64 = 300 * 1024;

/// A connection whose own buffer takes next to nothing.
async fn narrow(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Socket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(addr).await.unwrap();
    Socket::over(Box::new(stream), path, &[&[("Host", "localhost")], headers].concat()).await.unwrap()
}

async fn narrow_guest(addr: SocketAddr, user: &str) -> Device {
    let socket = narrow(addr, "/ws", &[("Sec-WebSocket-Protocol", "tincan.v2")]).await;
    Device::open_over(socket, addr, Proof::Guest(user.into()), "phone").await.unwrap()
}

/// The slowest of some rounds of two who talk.
async fn slowest_round(alice: &mut Device, bob: &mut Device) -> Duration {
    let mut slowest = Duration::ZERO;
    for i in 0..50 {
        let start = Instant::now();
        alice.call("candidate", &call_id('c'), json!(i)).await.unwrap();
        assert_eq!(bob.expect("candidate").await.unwrap()["data"], i);
        bob.call("candidate", &call_id('c'), json!(i)).await.unwrap();
        alice.expect("candidate").await.unwrap();
        slowest = slowest.max(start.elapsed());
    }
    slowest
}

#[tokio::test]
async fn a_slow_reader_is_cut_off_and_nobody_else_notices() {
    let data_dir = tempfile::tempdir().unwrap();
    let process =
        Process::start(data_dir.path(), &[&ROOMY[..], &[("TINCAN_CALL__SETUP_TIMEOUT_S", "120")]].concat());
    let (mut alice, mut bob) = pair(process.addr).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    let mut pairs = Vec::new();
    for hundred in (0..STALLED).step_by(100) {
        // At once, so that they share the disk's syncs.
        let talking = (hundred..hundred + 100).map(async |i| {
            let mut talker = Device::guest(process.addr, &format!("talker{i}"), "web").await.unwrap();
            let mut stalled = narrow_guest(process.addr, &format!("stalled{i}")).await;
            accepted(&mut talker, &mut stalled, &numbered_call(i)).await;
            (talker, stalled)
        });
        pairs.extend(futures_util::future::join_all(talking).await);
    }
    let before = process.resident();
    let data = "x".repeat(60_000);
    for (i, (talker, _)) in pairs.iter_mut().enumerate() {
        for n in 0..5 {
            talker.call("candidate", &numbered_call(i), json!([n, data])).await.unwrap();
        }
        if i % 100 == 0 {
            let slowest = slowest_round(&mut alice, &mut bob).await;
            assert!(slowest < Duration::from_secs(2), "neighbours waited {slowest:?}");
        }
    }
    for (talker, _) in &mut pairs {
        talker.expect_silence().await.unwrap();
    }
    let grown = process.resident().saturating_sub(before);
    assert!(grown <= STALLED as u64 * COST, "{grown} bytes for {STALLED} clients that do not read");
    for (_, stalled) in &mut pairs {
        // Whatever fits into its buffers comes, and then the end; a close frame may not have fitted.
        let mut heard = 0;
        while stalled.next().await.is_ok() {
            heard += 1;
        }
        assert!(heard <= 5, "{heard} frames came through a window of four");
    }
    assert!(slowest_round(&mut alice, &mut bob).await < Duration::from_secs(2));
    let (talker, stalled) = pairs.last_mut().unwrap();
    assert!(!stalled.come_back().await.unwrap());
    stalled.call("hangup", &numbered_call(STALLED - 1), Value::Null).await.unwrap();
    stalled.expect("call-ended").await.unwrap();
    talker.expect("call-ended").await.unwrap();
}

#[tokio::test]
async fn a_page_of_old_that_stops_reading_is_cut_off_too() {
    let data_dir = tempfile::tempdir().unwrap();
    let process =
        Process::start(data_dir.path(), &[&ROOMY[..], &[("TINCAN_SESSION__WRITE_STALL_S", "1")]].concat());
    let mut talker = Device::guest(process.addr, "talker", "web").await.unwrap();
    let socket = narrow(process.addr, "/ws?id=page", &[]).await;
    let mut page = V1::over(socket, "page");
    page.expect_silence().await.unwrap();
    let call = call_id('c');
    talker.ring("page", &call).await.unwrap();
    page.expect("call-request", "talker").await.unwrap();
    page.send("call-accept", "talker").await.unwrap();
    for kind in ["call-delivered", "call-ringing", "call-accept"] {
        talker.expect(kind).await.unwrap();
    }
    let data = json!("x".repeat(60_000));
    let start = Instant::now();
    // v1 has no window: the system's buffers fill first, then the server's, and then it is cut off.
    let error = loop {
        talker.call("offer", &call, data.clone()).await.unwrap();
        talker.socket.text(r#"{"type":"ping"}"#).await.unwrap();
        let answer = talker.next().await.unwrap();
        if answer["type"] == "error" {
            break answer;
        }
        assert!(start.elapsed() < PATIENCE, "it was not cut off");
    };
    assert_eq!(error["data"]["code"], "unavailable");
    let end = loop {
        match page.socket.next().await.unwrap() {
            Event::Text(_) => {}
            end => break end,
        }
    };
    assert!(matches!(end, Event::Close(Some(4008)) | Event::Gone), "{end:?}");
}
