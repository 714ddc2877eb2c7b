//! What passes a relay, and what does not.

use super::*;

#[test]
fn what_a_client_sends_reaches_its_peer_and_what_the_peer_sends_comes_back() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    let relayed = bench.allocate(&alice);
    assert_eq!(bench.permit(&alice, PEER), 0);
    bench.say(alice.client, &send_indication(PEER, b"hello"));
    assert_eq!(bench.sockets.sent.pop(), Some((RelayId(0), addr(PEER), b"hello".to_vec())));
    let back = bench.peer_says(0, PEER, b"hi").unwrap();
    let data = Message::parse(&back).unwrap();
    assert_eq!((data.class(), data.method()), (Class::Indication, Method::DATA));
    assert_eq!(data.address(AttributeType::XOR_PEER_ADDRESS), Some(addr(PEER)));
    assert_eq!(data.get(AttributeType::DATA), Some(&b"hi"[..]));
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    bench.say(alice.client, &channel_data(0x4000, b"again"));
    assert_eq!(bench.sockets.sent.pop(), Some((RelayId(0), addr(PEER), b"again".to_vec())));
    assert_eq!(bench.peer_says(0, PEER, b"too"), Some(channel_data(0x4000, b"too")));
    assert_ne!(relayed, addr(PEER));
}

#[test]
fn a_peer_that_was_not_let_through_is_not_heard_and_not_reached() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.peer_says(0, PEER, b"hi"), None);
    bench.say(alice.client, &send_indication(PEER, b"hello"));
    bench.say(alice.client, &channel_data(0x4000, b"hello"));
    assert!(bench.sockets.sent.is_empty());
    assert_eq!(bench.permit(&alice, PEER), 0);
    assert!(
        bench.peer_says(0, "8.8.8.8:99", b"hi").is_some(),
        "a permission is for an address, whatever the port"
    );
    assert_eq!(bench.peer_says(0, "8.8.4.4:53", b"hi"), None);
    bench.pass(301);
    assert_eq!(bench.peer_says(0, PEER, b"hi"), None, "it is over after five minutes");
}

#[test]
fn a_bound_peer_is_let_through_for_as_long_as_it_is_bound() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    bench.pass(500);
    assert!(bench.peer_says(0, PEER, b"hi").is_some());
    let code = bench.ask(&alice, Method::REFRESH, |_| {});
    assert_eq!(code, 0);
    bench.pass(101);
    assert_eq!(bench.peer_says(0, PEER, b"hi"), None);
}

#[test]
fn special_addresses_are_refused_and_relays_of_ours_are_not() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (String::new(), String::new());
    let alice = bench.credentials(ALICE, &mut a, "alice");
    let bob = bench.credentials(BOB, &mut b, "bob");
    let (at_alice, at_bob) = (bench.allocate(&alice), bench.allocate(&bob));
    for special in ["127.0.0.1:80", "10.0.0.1:80", "169.254.169.254:80", "0.0.0.0:80", "192.168.1.1:80"] {
        assert_eq!(bench.permit(&alice, special), 403, "{special}");
        assert_eq!(bench.bind(&alice, 0x4000, special), 403, "{special}");
    }
    assert_eq!(bench.permit(&alice, &format!("{}:1", at_bob.ip())), 403, "our own address is not a relay");
    assert_eq!(bench.bind(&alice, 0x4000, &at_bob.to_string()), 0);
    assert_eq!(bench.bind(&bob, 0x4001, &at_alice.to_string()), 0);
    bench.sockets.answers.clear();
    bench.say(alice.client, &channel_data(0x4000, b"hello"));
    assert!(bench.sockets.sent.is_empty(), "no socket lies between two relays of ours");
    assert_eq!(bench.sockets.answers.pop(), Some((bob.client, channel_data(0x4001, b"hello"))));
}

#[test]
fn a_permission_for_a_relay_of_ours_opens_nothing_else_at_its_address() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (String::new(), String::new());
    let alice = bench.credentials(ALICE, &mut a, "alice");
    let bob = bench.credentials(BOB, &mut b, "bob");
    bench.allocate(&alice);
    let at_bob = bench.allocate(&bob);
    assert_eq!(bench.permit(&alice, &at_bob.to_string()), 0);
    bench.say(alice.client, &send_indication(&format!("{}:22", at_bob.ip()), b"hello"));
    bench.server.gone(bob.client, &mut bench.sockets);
    bench.say(alice.client, &send_indication(&at_bob.to_string(), b"hello"));
    assert!(bench.sockets.sent.is_empty(), "{:?}", bench.sockets.sent);
}

#[test]
fn a_relay_of_ours_is_reached_from_within_its_call_only() {
    let mut bench = Bench::new();
    let (mut name, mut other) = (String::new(), String::new());
    let alice = bench.credentials(ALICE, &mut name, "alice");
    let mallory = bench.credentials_for("another", BOB, &mut other, "mallory");
    let (at_alice, at_mallory) = (bench.allocate(&alice), bench.allocate(&mallory));
    assert_eq!(bench.bind(&mallory, 0x4000, &at_alice.to_string()), 403);
    assert_eq!(bench.permit(&mallory, &at_alice.to_string()), 403);
    // Not even with a permission for the address that both relays share.
    assert_eq!((bench.permit(&alice, ECHO), bench.permit(&mallory, ECHO)), (0, 0));
    bench.sockets.answers.clear();
    bench.say(mallory.client, &send_indication(&at_alice.to_string(), b"hello"));
    bench.say(alice.client, &send_indication(&at_mallory.to_string(), b"hello"));
    assert_eq!((bench.sockets.answers.len(), bench.sockets.sent.len()), (0, 0));
}

#[test]
fn a_neighbour_is_reached_although_it_is_an_address_of_ours() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, ECHO), 0);
    bench.say(alice.client, &channel_data(0x4000, b"hello"));
    assert_eq!(bench.sockets.sent, [(RelayId(0), addr(ECHO), b"hello".to_vec())]);
    bench.say(alice.client, &send_indication("198.51.100.1:8", b"hello"));
    assert_eq!(bench.sockets.sent.len(), 1, "the port beside it is not");
}

#[test]
fn what_passed_is_counted_for_each_relay_and_for_all_sound_apart() {
    // By the first byte (RFC 7983 §7): RTP and RTCP, and beside them STUN, DTLS and nothing at all.
    let (lowest, highest) = ([128; 5], [191; 2]);
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    for data in [&lowest[..], &[127; 7], &[192; 9], &[]] {
        bench.say(alice.client, &channel_data(0x4000, data));
    }
    bench.say(alice.client, &send_indication(PEER, &highest));
    bench.peer_says(0, PEER, &lowest).unwrap();
    bench.peer_says(0, PEER, b"good morning").unwrap();
    bench.peer_says(0, "9.9.9.9:1", &lowest);
    let media = Used { to_peers: 2, bytes_to_peers: 7, to_client: 1, bytes_to_client: 5 };
    let other = Used { to_peers: 3, bytes_to_peers: 16, to_client: 1, bytes_to_client: 12 };
    assert_eq!(bench.server.totals(), Totals { media, other, opened: 1, ..Totals::default() });
    bench.server.end("call", &mut bench.sockets);
    let all = Used { to_peers: 5, bytes_to_peers: 23, to_client: 2, bytes_to_client: 17 };
    assert_eq!(bench.sockets.used, [all]);
}

#[test]
fn a_list_of_peers_is_let_through_whole_or_not_at_all() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    let both = |bench: &mut Bench, peers: [&str; 2]| {
        bench.ask(&alice, Method::CREATE_PERMISSION, |writer| {
            for peer in peers {
                writer.address(AttributeType::XOR_PEER_ADDRESS, addr(peer));
            }
        })
    };
    assert_eq!(both(&mut bench, [PEER, "127.0.0.1:1"]), 403);
    assert_eq!(bench.peer_says(0, PEER, b"hi"), None);
    assert_eq!(both(&mut bench, [PEER, "[2606:4700::1111]:1"]), 443);
    assert_eq!(both(&mut bench, [PEER, "9.9.9.9:1"]), 0);
    assert!(bench.peer_says(0, PEER, b"hi").is_some());
    assert_eq!(bench.ask(&alice, Method::CREATE_PERMISSION, |_| {}), 400);
    let empty = bench.ask(&alice, Method::CREATE_PERMISSION, |writer| {
        writer.put(AttributeType::XOR_PEER_ADDRESS, &[]);
    });
    assert_eq!(empty, 400);
}

#[test]
fn a_channel_is_one_peer_s_and_a_peer_has_one_channel() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 437, "there is no relay yet");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0, "the same again goes on");
    assert_eq!(bench.bind(&alice, 0x4000, "9.9.9.9:1"), 400);
    assert_eq!(bench.bind(&alice, 0x4001, PEER), 400);
    for number in [0x3FFF, 0x5000, 0xFFFF] {
        assert_eq!(bench.bind(&alice, number, "9.9.9.9:1"), 400);
    }
}

#[test]
fn a_relay_passes_so_much_and_no_more() {
    let mut bench = Bench::with(Limits { bytes_per_s: 1000, ..Limits::default() });
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    for _ in 0..100 {
        bench.say(alice.client, &channel_data(0x4000, &[0; 100]));
    }
    assert_eq!(bench.sockets.sent.len(), 20, "two seconds' worth at once");
    bench.pass(1);
    bench.say(alice.client, &channel_data(0x4000, &[0; 100]));
    assert_eq!(bench.sockets.sent.len(), 21);
}
