//! Who proves who they are, and who does not.

use proptest::prelude::*;

use super::*;

#[test]
fn a_binding_tells_a_client_its_address_and_is_no_weapon() {
    let mut bench = Bench::new();
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Request, Method::BINDING, TransactionId([1; 12]));
    bench.say(client(ALICE), &out);
    let answer = bench.answer().unwrap();
    let message = Message::parse(&answer).unwrap();
    assert_eq!(message.address(AttributeType::XOR_MAPPED_ADDRESS), Some(addr(ALICE)));
    assert!(answer.len() * 10 <= out.len() * 16, "{} for {}", answer.len(), out.len());
}

#[test]
fn whoever_proves_nothing_is_told_how_to_and_leaves_nothing_behind() {
    let mut bench = Bench::new();
    for method in [Method::ALLOCATE, Method::REFRESH, Method::CREATE_PERMISSION, Method::CHANNEL_BIND] {
        for transport in [false, true] {
            let mut out = Vec::new();
            let mut writer = Writer::new(&mut out, Class::Request, method, TransactionId([1; 12]));
            if transport {
                udp(&mut writer);
            }
            bench.say(client(ALICE), &out);
            let answer = bench.answer().unwrap();
            assert_eq!(code(&Message::parse(&answer).unwrap()), if transport { 401 } else { 400 });
            assert!(answer.len() <= 2 * out.len(), "{} for {}", answer.len(), out.len());
        }
    }
    assert_eq!(bench.server.relays(), 0);
    assert!(bench.server.allocations.is_empty() && bench.server.by_user.is_empty());
}

#[test]
fn a_network_that_proves_nothing_gets_so_many_answers_and_then_silence() {
    let unproven = Rate { per_minute: 60, burst: 10 };
    let mut bench = Bench::with(Limits { unproven, ..Limits::default() });
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Request, Method::BINDING, TransactionId([1; 12]));
    for host in 0..100 {
        bench.say(client(&format!("192.0.2.{host}:1")), &out);
    }
    assert_eq!(bench.sockets.answers.len(), 10);
    bench.say(client("192.0.3.1:1"), &out);
    assert_eq!(bench.sockets.answers.len(), 11, "another network has its own");
}

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

proptest! {
    #[test]
    fn whatever_comes_from_someone_unknown_leaves_no_trace_and_no_long_answer(
        method in 0_u16..16, class in 0_u8..4, body in proptest::collection::vec(any::<u8>(), 0..120), raw: bool,
    ) {
        let mut bench = Bench::new();
        let bytes = if raw {
            body
        } else {
            let mut out = Vec::new();
            let class = [Class::Request, Class::Indication, Class::Success, Class::Error][usize::from(class)];
            let mut writer =
                Writer::new(&mut out, class, Method::new(method).unwrap(), TransactionId([5; 12]));
            for part in body.chunks(12) {
                let [kind, value @ ..] = part else { continue };
                writer.put(AttributeType(u16::from(*kind & 0x3F)), value);
            }
            out
        };
        bench.say(client(ALICE), &bytes);
        prop_assert_eq!(bench.server.relays(), 0);
        prop_assert!(bench.sockets.sent.is_empty());
        for (_, answer) in &bench.sockets.answers {
            prop_assert!(answer.len() <= 2 * bytes.len(), "{} for {}", answer.len(), bytes.len());
        }
    }
}
