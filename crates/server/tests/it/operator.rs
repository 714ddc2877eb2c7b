//! Story: the operator sees how the server and its calls do, nobody else does, and no metric names anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path as File, PathBuf};

use serde_json::{Value, json};
use tincan_proto::call::Role;
use tincan_proto::id::CallId;
use tincan_proto::quality::{Cause, Path, Report};
use tincan_proto::time::Millis;
use tincan_server::config::Config;
use tincan_server::http::operator::{Calls, Day, Ended, Live};
use tincan_server::metrics::{ALL, Kind};
use tincan_server::service::media::{LiveCall, LiveLeg};
use tincan_server::store::{Class, EndedCall, LegQuality, RatedCall};

use crate::doors::{ask, get, status};
use crate::util::{Server, accepted, call_id, connected, end, roomy, two, until_decided};
use crate::ways::{by_udp, servers};

/// Read as often as a test likes.
fn watched(config: &mut Config) {
    roomy(config);
    config.metrics.listen = Some(([127, 0, 0, 1], 0).into());
}

/// What is read: the number of each series.
pub(crate) async fn read(addr: SocketAddr) -> BTreeMap<String, f64> {
    let (head, body) = get(addr, "/metrics").await;
    assert_eq!(status(&head), 200, "{head}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(of, n)| (of.into(), n.parse().unwrap())).collect()
}

/// What is read once the relay has been tried out, as it is at each start.
pub(crate) async fn read_at_rest(addr: SocketAddr) -> BTreeMap<String, f64> {
    loop {
        let read = read(addr).await;
        if read["tincan_relay_allocations_opened_total"] >= 2.0 && read["tincan_relay_allocations"] == 0.0 {
            return read;
        }
    }
}

/// Packets and bytes that passed relays, each to peers and to clients.
fn relayed(read: &BTreeMap<String, f64>, carrying: &str) -> [f64; 4] {
    [("packets", "to_peer"), ("packets", "to_client"), ("bytes", "to_peer"), ("bytes", "to_client")].map(
        |(what, direction)| {
            read[&format!("tincan_relay_{what}_total{{direction=\"{direction}\",carrying=\"{carrying}\"}}")]
        },
    )
}

#[tokio::test]
async fn a_direct_call_leaves_the_relay_alone_and_a_relayed_one_is_counted() {
    let server = Server::start_with(watched).await;
    let before = read_at_rest(server.metrics()).await;
    let (mut alice, mut bob) = two(&server).await;
    connected(&mut alice, &mut bob, &call_id('d')).await;
    alice.call("hangup", &call_id('d'), Value::Null).await.unwrap();
    end(&mut alice, &call_id('d'), "hung_up").await;
    end(&mut bob, &call_id('d'), "hung_up").await;
    let direct = read(server.metrics()).await;
    assert_eq!(relayed(&direct, "media"), [0.0; 4]);
    assert_eq!(relayed(&direct, "other"), relayed(&before, "other"));

    accepted(&mut alice, &mut bob, &call_id('r')).await;
    let mut hers = by_udp(&servers(&mut alice, &call_id('r')).await).await;
    let mut his = by_udp(&servers(&mut bob, &call_id('r')).await).await;
    let (at_alice, at_bob) =
        (hers.allocate().await.unwrap().unwrap(), his.allocate().await.unwrap().unwrap());
    assert_eq!((hers.bind(at_bob).await.unwrap(), his.bind(at_alice).await.unwrap()), (0, 0));
    // The first bytes of a check and of sound (RFC 7983 §7).
    for packet in [&[0; 100][..], &[128; 160]] {
        hers.send(packet).await.unwrap();
        assert_eq!(his.hear().await.unwrap(), packet);
    }
    // It is counted when the turn is over in which it was done.
    loop {
        let after = read(server.metrics()).await;
        let [media, other] = ["media", "other"].map(|carrying| relayed(&after, carrying));
        if media == [1.0, 1.0, 160.0, 160.0] {
            let before = relayed(&before, "other");
            let checks = other.iter().zip(before).map(|(after, before)| after - before);
            assert_eq!(checks.collect::<Vec<_>>(), [1.0, 1.0, 100.0, 100.0]);
            assert_eq!(after["tincan_relay_allocations"], 2.0);
            break;
        }
        assert!(media.iter().all(|part| [0.0, 1.0, 160.0].contains(part)), "{media:?}");
    }
}

#[tokio::test]
async fn what_becomes_of_calls_is_counted_and_names_nobody() {
    let server = Server::start_with(watched).await;
    let (mut alice, mut bob) = two(&server).await;
    let read = async || read(server.metrics()).await;
    connected(&mut alice, &mut bob, &call_id('c')).await;
    // Of the media both are told by each other, and the call service hears it a moment later.
    until_decided(&mut alice).await;
    until_decided(&mut bob).await;
    let during = read().await;
    assert_eq!((during["tincan_sessions"], during["tincan_connections"]), (2.0, 2.0));
    assert_eq!(
        (during["tincan_calls{state=\"connected\"}"], during["tincan_calls{state=\"ringing\"}"]),
        (1.0, 0.0)
    );
    assert!(during["process_resident_memory_bytes"] > 1e6 && during["process_open_fds"] > 5.0);
    alice.call("hangup", &call_id('c'), Value::Null).await.unwrap();
    for device in [&mut alice, &mut bob] {
        end(device, &call_id('c'), "hung_up").await;
        let data = json!({ "samples": 5, "mos": 432, "mos_min": 432, "poor": 0, "concealed_ppm": 2000, "rtt_ms": 48, "path": "relay_tcp", "cause": "none" });
        device.call("call-quality", &call_id('c'), data).await.unwrap();
    }
    let after = loop {
        let after = read().await;
        if after["tincan_leg_mos_count{path=\"relay_tcp\"}"] == 2.0 {
            break after;
        }
    };
    assert_eq!(after["tincan_calls_ended_total{reason=\"hung_up\"}"], 1.0);
    assert_eq!(after["tincan_calls{state=\"connected\"}"], 0.0);
    assert_eq!(
        (after["tincan_call_ring_seconds_count"], after["tincan_call_setup_seconds_count"]),
        (1.0, 1.0)
    );
    assert_eq!(after["tincan_call_duration_seconds_count"], 1.0);
    let series = |name: &str| after[&format!("tincan_leg_{name}{{path=\"relay_tcp\"}}")];
    assert_eq!(
        (series("mos_sum"), series("concealed_ratio_sum"), series("round_trip_seconds_sum")),
        (8.64, 0.004, 0.096)
    );
    assert_eq!(series("jitter_seconds_count"), 0.0, "nobody told it");
    for series in after.keys() {
        for named in ["alice", "bob", "127.0", &call_id('c')] {
            assert!(!series.contains(named), "{series}");
        }
    }
}

#[tokio::test]
async fn the_page_has_the_live_calls_with_their_curves_and_then_the_ended_ones() {
    let server = Server::start_with(watched).await;
    let calls = async |query: &str| {
        let (head, body) = get(server.metrics(), &format!("/calls{query}")).await;
        assert_eq!(status(&head), 200, "{head}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let (mut alice, mut bob) = two(&server).await;
    for letter in ['a', 'b', 'c'] {
        let call = call_id(letter);
        connected(&mut alice, &mut bob, &call).await;
        for mos in [400, 300] {
            let data = json!({ "samples": 5, "mos": mos, "mos_min": mos, "poor": 0, "path": "direct", "cause": "none" });
            bob.call("call-quality", &call, data).await.unwrap();
        }
        until_decided(&mut bob).await;
        let live = calls("?ended=0").await;
        let leg = &live["live"][0]["legs"][1];
        assert_eq!(
            (&live["live_total"], &live["live"][0]["call"], &leg["leg"]),
            (&json!(1), &json!(call), &json!("bob/phone"))
        );
        let scores: Vec<_> = leg["recent"].as_array().unwrap().iter().map(|point| point[1].clone()).collect();
        assert_eq!((scores, &leg["latest"]["mos"]), (vec![json!(400), json!(300)], &json!(300)));
        assert_eq!((&live["ended"], &live["day"]), (&json!([]), &Value::Null));
        alice.call("hangup", &call, Value::Null).await.unwrap();
        end(&mut alice, &call, "hung_up").await;
        end(&mut bob, &call, "hung_up").await;
    }
    let first = calls("?ended=2").await;
    let second = calls(&format!("?ended=2&before={}", first["next"])).await;
    let ids = |page: &Value| {
        page["ended"].as_array().unwrap().iter().map(|call| call["call"].clone()).collect::<Vec<_>>()
    };
    assert_eq!([ids(&first), ids(&second)].concat(), ['c', 'b', 'a'].map(|letter| json!(call_id(letter))));
    assert_eq!(
        (&second["next"], &second["day"], first["day"].is_object()),
        (&Value::Null, &Value::Null, true)
    );
    let (head, sentence) = get(server.metrics(), "/calls?before=yesterday").await;
    assert_eq!((status(&head), sentence.contains("before=<row>")), (400, true));
}

#[tokio::test]
async fn nothing_of_it_is_on_the_public_listener_or_anywhere_unless_it_is_switched_on() {
    assert_eq!(Config::default().metrics.listen, None);
    let server = Server::start_with(watched).await;
    for path in ["/metrics", "/calls", "/operator.html"] {
        let (head, _) = get(server.addr, path).await;
        assert_eq!(status(&head), 404, "{path}");
    }
    // Where the pages were built at all.
    if status(&get(server.addr, "/").await.0) == 200 {
        for (path, expected) in [("/", 200), ("/operator.html", 200), ("/callerA.html", 404), ("/ws", 404)] {
            assert_eq!(status(&get(server.metrics(), path).await.0), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn on_this_machine_it_is_read_by_this_machines_name_only() {
    let server = Server::start_with(watched).await;
    for (host, expected) in
        [("localhost:PORT", 200), ("127.0.0.1:PORT", 200), ("[::1]:PORT", 200), ("evil.example:PORT", 403)]
    {
        for path in ["/metrics", "/calls"] {
            let headers = [&format!("Host: {host}"), "Connection: close"];
            let (head, _) = ask(server.metrics(), &format!("GET {path}"), &headers).await;
            assert_eq!(status(&head), expected, "{path} {host}");
        }
    }
}

#[tokio::test]
async fn with_a_token_only_who_shows_it_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "a-word-of-this-test\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::start_with(|config| {
        watched(config);
        config.metrics.token_file = Some(file);
    })
    .await;
    let shown = [
        ("X-Nothing: here", 401),
        ("Authorization: Bearer a-word-of-this-tesT", 401),
        ("Authorization: Bearer", 401),
        ("Authorization: Basic a-word-of-this-test", 401),
        ("Authorization: Bearer a-word-of-this-test", 200),
    ];
    for (header, expected) in shown {
        for path in ["/metrics", "/calls"] {
            // Behind another name too: the token is proof enough.
            let headers = ["Host: tincan.example", "Connection: close", header];
            let (head, _) = ask(server.metrics(), &format!("GET {path}"), &headers).await;
            assert_eq!(status(&head), expected, "{path} {header}");
        }
    }
}

fn project() -> PathBuf {
    File::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("tincan_") || word.starts_with("process_")).collect()
}

#[tokio::test]
async fn each_metric_is_written_documented_and_drawn_and_there_is_no_other() {
    let all: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
    let server = Server::start_with(watched).await;
    let (_, body) = get(server.metrics(), "/metrics").await;
    let types: Vec<&str> = body.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let expected: Vec<_> =
        ALL.iter().map(|metric| format!("{} {}", metric.name, metric.kind.as_str())).collect();
    assert_eq!(types, expected);

    let operations = std::fs::read_to_string(project().join("docs/OPERATIONS.md")).unwrap();
    assert_eq!(named(&operations), all);

    let dashboard = std::fs::read_to_string(project().join("docs/grafana/tincan.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let (mut exprs, mut datasources) = (Vec::new(), Vec::new());
    collect(&dashboard, "expr", &mut exprs);
    collect(&dashboard, "datasource", &mut datasources);
    let of_histogram = |name: &str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let known = base
            .and_then(|base| ALL.iter().find(|metric| metric.name == base && metric.kind == Kind::Histogram));
        known.map_or(name.to_owned(), |metric| metric.name.to_owned())
    };
    let drawn: BTreeSet<String> =
        exprs.iter().flat_map(|expr| named(expr.as_str().unwrap())).map(of_histogram).collect();
    assert_eq!(drawn.iter().map(String::as_str).collect::<BTreeSet<_>>(), all);
    assert!(exprs.len() >= all.len() && datasources.len() > 10);
    for datasource in datasources {
        assert_eq!(datasource, json!({ "type": "prometheus", "uid": "${datasource}" }));
    }
}

/// All values of members called `name`.
fn collect(value: &Value, name: &str, found: &mut Vec<Value>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if key == name {
                    found.push(value.clone());
                }
                collect(value, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The page's test reads this file with the types that the page is written in. `UPDATE=1` writes it.
#[test]
fn the_pages_sample_is_what_the_server_writes() {
    let file = project().join("web/app/test/operator-sample.json");
    let written = serde_json::to_value(sample()).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, format!("{written:#}\n")).unwrap();
    }
    let read: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(read, written, "run it with UPDATE=1");
}

const GOOD: Report = Report {
    samples: 30,
    mos: 431,
    mos_min: 412,
    poor: 0,
    concealed_ppm: Some(1200),
    lost_ppm: Some(8000),
    remote_lost_ppm: Some(0),
    rtt_ms: Some(48),
    jitter_ms: Some(4),
    path: Path::Direct,
    cause: Cause::None,
};

/// One of everything: with and without reports, ways and causes of all kinds.
fn sample() -> Calls {
    const NOW: u64 = 1_795_700_000_000;
    let id = |number| CallId::from_bytes([number; 16]);
    let bare = Report {
        concealed_ppm: None,
        lost_ppm: None,
        remote_lost_ppm: None,
        rtt_ms: None,
        jitter_ms: None,
        ..GOOD
    };
    let poor = Report {
        mos: 262,
        mos_min: 140,
        poor: 21,
        concealed_ppm: Some(98_000),
        cause: Cause::OwnNetwork,
        ..GOOD
    };
    let live = LiveCall {
        call: id(1),
        accepted_at: Millis(NOW - 95_000),
        legs: [
            LiveLeg {
                leg: "alice/web".into(),
                latest: Some((poor, Millis(NOW - 4000))),
                recent: vec![
                    (Millis(NOW - 64_000), 431),
                    (Millis(NOW - 34_000), 380),
                    (Millis(NOW - 4000), 262),
                ],
            },
            LiveLeg { leg: "bob/phone".into(), latest: None, recent: Vec::new() },
        ],
    };
    let call = |number: u8, reason: &str, talk_ms| EndedCall {
        id: id(number),
        caller: "carol/web".into(),
        callee: "dave".into(),
        callee_device: Some("dave/desk".into()),
        requested_at: 1_795_699_000_000,
        accepted_at: Some(1_795_699_004_000),
        ended_at: 1_795_699_100_000,
        talk_ms,
        reason: reason.into(),
        ended_by: None,
    };
    let leg = |number, role, leg: &str, report| LegQuality {
        call: id(number),
        role,
        leg: leg.into(),
        report,
        reported_at: Millis(1_795_699_101_000),
    };
    let relayed = Report { path: Path::RelayTls, cause: Cause::Relay, ..poor };
    let told = Report { path: Path::RelayUdp, cause: Cause::PeerNetwork, ..poor };
    let ended = [
        RatedCall { row: 9, call: call(4, "no_answer", 0), legs: Vec::new() },
        RatedCall {
            row: 8,
            call: call(3, "hung_up", 95_000),
            legs: vec![leg(3, Role::Caller, "carol/web", relayed), leg(3, Role::Callee, "dave/desk", told)],
        },
        RatedCall {
            row: 7,
            call: call(2, "connection_lost", 61_000),
            legs: vec![leg(2, Role::Callee, "dave/desk", Report { path: Path::Unknown, ..bare })],
        },
    ];
    let classes = [
        Class { mos: 6, path: Path::RelayTls, legs: 2 },
        Class { mos: 13, path: Path::Direct, legs: 40 },
        Class { mos: 14, path: Path::RelayTcp, legs: 1 },
    ];
    Calls {
        now: NOW,
        live_total: 1,
        live: vec![Live::new(live)],
        ended: ended.into_iter().map(Ended::new).collect(),
        next: Some(7),
        day: Some(Day::new(&classes)),
    }
}
