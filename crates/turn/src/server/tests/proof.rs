//! Who proves who they are, and who does not.

use super::*;

#[test]
fn bad_proofs_are_told_apart_only_as_far_as_it_helps() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (String::new(), String::new());
    let mut alice = bench.credentials(ALICE, &mut a, "alice");
    let bob = bench.credentials(BOB, &mut b, "bob");
    alice.nonce.clone_from(&bob.nonce);
    assert_eq!(bench.ask(&alice, Method::ALLOCATE, udp), 438, "a nonce is for one address");
    let mut name = String::new();
    let mut alice = bench.credentials(ALICE, &mut name, "alice");
    alice.key = bob.key.clone();
    assert_eq!(bench.ask(&alice, Method::ALLOCATE, udp), 401);
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.now = bench.now + Duration::from_secs(600);
    assert_eq!(bench.ask(&alice, Method::ALLOCATE, udp), 401, "it has expired");
    bench.now = bench.now + Duration::from_secs(3600);
    assert_eq!(bench.ask(&alice, Method::ALLOCATE, udp), 438, "and now its nonce too");
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn credentials_that_are_not_ours_open_nothing() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    let expires = START.0 / 1000 + 600;
    let (username, password) = Secrets::new(b"another server's", []).mint(expires, "call", "alice");
    let (_, own) = bench.secrets.mint(expires, "call", "alice");
    let longer = alice.username.replacen('1', "2", 1);
    let cases = [
        ("another server's", username.as_str(), REALM, password.as_str()),
        ("of another realm", alice.username, "elsewhere", own.as_str()),
        ("that expire later than they were made to", &longer, REALM, &own),
        ("of no form", "alice", REALM, "alice"),
        ("of nobody", "", REALM, ""),
    ];
    for (what, username, realm, password) in cases {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Class::Request, Method::ALLOCATE, TransactionId([1; 12]));
        udp(&mut writer);
        names(&mut writer, username, realm, &alice.nonce).sign(&Key::long_term(username, realm, password));
        assert_eq!(bench.refusal(alice.client, &out), 401, "{what}");
    }
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn a_signed_request_is_worth_nothing_to_whoever_says_it_again_from_elsewhere() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    let request = bench.signed(&alice, Method::ALLOCATE, udp);
    bench.say(alice.client, &request);
    for from in [BOB, "192.0.2.1:1001"] {
        assert_eq!(bench.refusal(client(from), &request), 438, "{from}");
    }
    assert_eq!(bench.server.relays(), 1);
}

#[test]
fn a_relay_outlives_the_credentials_that_made_it_and_they_make_no_other() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    bench.pass(599);
    assert_eq!(bench.ask(&alice, Method::REFRESH, |_| {}), 0);
    bench.pass(2);
    assert_eq!((bench.ask(&alice, Method::REFRESH, |_| {}), bench.permit(&alice, PEER)), (0, 0));
    let mut another = String::new();
    let late = bench.credentials(BOB, &mut another, "alice");
    let late = Asks { username: alice.username, key: alice.key.clone(), ..late };
    assert_eq!(bench.ask(&late, Method::ALLOCATE, udp), 401);
}

#[test]
fn a_signature_of_the_wrong_length_is_none() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    for length in [0, 4, 16, 19, 21, 24, 32] {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Class::Request, Method::ALLOCATE, TransactionId([1; 12]));
        udp(&mut writer);
        names(&mut writer, alice.username, REALM, &alice.nonce)
            .put(AttributeType::MESSAGE_INTEGRITY, &[0; 32][..length]);
        assert_eq!(bench.refusal(alice.client, &out), 401, "{length} bytes");
    }
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn a_signature_without_what_it_needs_is_a_bad_request() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    let whole = [
        (AttributeType::USERNAME, alice.username.as_bytes()),
        (AttributeType::REALM, REALM.as_bytes()),
        (AttributeType::NONCE, alice.nonce.as_bytes()),
    ];
    for without in 0..whole.len() {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Class::Request, Method::ALLOCATE, TransactionId([1; 12]));
        udp(&mut writer);
        for (_, (kind, value)) in whole.iter().enumerate().filter(|(at, _)| *at != without) {
            writer.put(*kind, value);
        }
        writer.sign(&alice.key);
        assert_eq!(bench.refusal(alice.client, &out), 400, "without {:?}", whole[without].0);
    }
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn what_is_said_behind_the_signature_is_not_said() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    for (signed, expected) in [(Some(PEER), 0), (None, 400)] {
        let (mut out, id) = (Vec::new(), bench.transaction());
        let mut writer = Writer::new(&mut out, Class::Request, Method::CREATE_PERMISSION, id);
        if let Some(peer) = signed {
            writer.address(AttributeType::XOR_PEER_ADDRESS, addr(peer));
        }
        names(&mut writer, alice.username, REALM, &alice.nonce)
            .sign(&alice.key)
            .address(AttributeType::XOR_PEER_ADDRESS, addr("9.9.9.9:9"));
        assert_eq!(bench.refusal(alice.client, &out), expected);
    }
    assert!(bench.peer_says(0, PEER, b"hi").is_some());
    assert_eq!(bench.peer_says(0, "9.9.9.9:9", b"hi"), None);
}

#[test]
fn a_relay_listens_only_to_those_who_made_it() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (String::new(), String::new());
    let alice = bench.credentials(ALICE, &mut a, "alice");
    bench.allocate(&alice);
    let mallory = bench.credentials(BOB, &mut b, "mallory");
    let from_alice = Asks { client: alice.client, nonce: alice.nonce.clone(), ..mallory };
    assert_eq!(bench.ask(&from_alice, Method::REFRESH, |_| {}), 441);
    assert_eq!(bench.server.relays(), 1);
}
