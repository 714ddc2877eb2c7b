//! Who gets a relay, for how long, and how many.

use super::*;

#[test]
fn a_call_that_is_over_gets_no_new_relay() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials_for(OVER, ALICE, &mut name, "alice");
    assert_eq!(bench.ask(&alice, Method::ALLOCATE, udp), 403);
    assert_eq!((bench.server.relays(), bench.server.totals().refused), (0, 1));
}

#[test]
fn a_request_whose_answer_was_lost_gets_the_same_answer() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    let request = bench.signed(&alice, Method::ALLOCATE, udp);
    bench.say(alice.client, &request);
    let first = bench.answer().unwrap();
    bench.say(alice.client, &request);
    assert_eq!(bench.answer().unwrap(), first);
    assert_eq!(bench.ask(&alice, Method::ALLOCATE, udp), 437, "another request is another wish");
    assert_eq!(bench.server.relays(), 1);
}

#[test]
fn a_relay_lives_as_long_as_it_is_refreshed() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    bench.pass(599);
    assert_eq!(bench.ask(&alice, Method::REFRESH, |_| {}), 0, "although its credential has all but expired");
    bench.pass(599);
    assert_eq!(bench.server.relays(), 1);
    bench.pass(1);
    assert_eq!((bench.server.relays(), &bench.sockets.closed[..]), (0, &[RelayId(0)][..]));
    assert!(bench.server.by_user.is_empty() && bench.server.deadline().is_none());
}

#[test]
fn a_relay_that_is_given_back_is_gone_and_its_number_is_used_again() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    for _ in 0..3 {
        bench.allocate(&alice);
        let code = bench.ask(&alice, Method::REFRESH, |writer| {
            writer.number(AttributeType::LIFETIME, 0);
        });
        assert_eq!((code, bench.server.relays()), (0, 0));
    }
    assert_eq!(bench.server.allocations.len(), 1);
}

#[test]
fn the_relays_of_a_call_end_with_it() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (String::new(), String::new());
    let alice = bench.credentials(ALICE, &mut a, "alice");
    let bob = bench.credentials(BOB, &mut b, "bob");
    bench.allocate(&alice);
    bench.allocate(&bob);
    bench.server.end("another", &mut bench.sockets);
    assert_eq!(bench.server.relays(), 2);
    bench.server.end("call", &mut bench.sockets);
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn quotas_disturb_nobody_else() {
    let limits = Limits { allocations_per_user: 2, allocations: 4, ..Limits::default() };
    let mut bench = Bench::with(limits);
    let mut codes = Vec::new();
    for (user, port) in [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("b", 5), ("c", 6)] {
        let mut name = String::new();
        let who = bench.credentials(&format!("192.0.2.1:{port}"), &mut name, user);
        codes.push(bench.ask(&who, Method::ALLOCATE, udp));
    }
    assert_eq!(codes, [0, 0, 486, 0, 0, 508]);
    let mut bench = Bench::new();
    bench.sockets.most = 0;
    let mut name = String::new();
    let who = bench.credentials(ALICE, &mut name, "a");
    assert_eq!(bench.ask(&who, Method::ALLOCATE, udp), 508, "no port is left");
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn what_an_allocation_asks_for_is_checked() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    type Attribute = (AttributeType, &'static [u8]);
    let udp: Attribute = (AttributeType::REQUESTED_TRANSPORT, &UDP);
    let cases: [(&[Attribute], u16); 6] = [
        (&[], 400),
        (&[(AttributeType::REQUESTED_TRANSPORT, &[6, 0, 0, 0])], 442),
        (&[(AttributeType::REQUESTED_TRANSPORT, &[17])], 400),
        (&[udp, (AttributeType::DONT_FRAGMENT, &[])], 420),
        (&[udp, (AttributeType::EVEN_PORT, &[0x80])], 508),
        (&[udp, (AttributeType::REQUESTED_ADDRESS_FAMILY, &[3, 0, 0, 0])], 440),
    ];
    for (attributes, expected) in cases {
        let code = bench.ask(&alice, Method::ALLOCATE, |writer| {
            for (kind, value) in attributes {
                writer.put(*kind, value);
            }
        });
        assert_eq!(code, expected, "{attributes:?}");
    }
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn an_even_port_is_given_to_who_asks_for_one() {
    let mut bench = Bench::new();
    for port in 1..4 {
        let mut name = String::new();
        let who = bench.credentials(&format!("192.0.2.1:{port}"), &mut name, "alice");
        let code = bench.ask(&who, Method::ALLOCATE, |writer| {
            udp(writer);
            writer.put(AttributeType::EVEN_PORT, &[0]);
        });
        let answer = bench.answer().unwrap();
        let relay = Message::parse(&answer).unwrap().address(AttributeType::XOR_RELAYED_ADDRESS).unwrap();
        assert_eq!((code, relay.port() % 2), (0, 0));
    }
}
