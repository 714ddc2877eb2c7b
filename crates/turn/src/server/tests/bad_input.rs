//! What no honest client says: it is answered as the RFCs have it, or dropped, and nothing else comes of it.

use proptest::prelude::*;

use super::*;

/// A message of this kind.
fn message(class: Class, method: Method, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut Writer::new(&mut out, class, method, TransactionId([8; 12])));
    out
}

fn binding(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    message(Class::Request, Method::BINDING, write)
}

/// The same, with one of its bytes changed.
fn with(mut bytes: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    bytes[at] = byte;
    bytes
}

/// Alice has a relay, with one peer on a channel.
fn bound<'a>(bench: &mut Bench, name: &'a mut String) -> Asks<'a> {
    let alice = bench.credentials(ALICE, name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    bench.sockets.answers.clear();
    alice
}

#[test]
fn what_is_no_message_is_dropped() {
    let (mut bench, mut name) = (Bench::new(), String::new());
    let alice = bound(&mut bench, &mut name);
    let lifetime = || {
        binding(|writer| {
            writer.number(AttributeType::LIFETIME, 1);
        })
    };
    let sealed = || {
        binding(|writer| {
            writer.fingerprint();
        })
    };
    let cases = [
        ("nothing", Vec::new()),
        ("less than a header", binding(|_| {})[..19].to_vec()),
        ("no magic cookie", with(binding(|_| {}), 4, 0)),
        ("a length that is no multiple of four", [with(lifetime(), 3, 7), vec![0]].concat()[..27].to_vec()),
        ("a length behind its end", with(binding(|_| {}), 3, 4)),
        ("a length before its end", with(lifetime(), 3, 4)),
        ("an attribute that goes on behind its end", with(lifetime(), 23, 5)),
        ("half an attribute", [with(binding(|_| {}), 3, 2), vec![0; 2]].concat()),
        ("a fingerprint of something else", with(sealed(), 27, sealed()[27] ^ 1)),
        ("a fingerprint that is not last", [with(sealed(), 3, 12), vec![0x80, 0x22, 0, 0]].concat()),
        ("ChannelData that is shorter than it says", channel_data(0x4000, b"hello")[..8].to_vec()),
        ("ChannelData that has no length", channel_data(0x4000, b"")[..3].to_vec()),
        ("ChannelData below the channels", with(channel_data(0x4000, b"hello"), 0, 0x3F)),
        ("ChannelData above the channels", with(channel_data(0x4000, b"hello"), 0, 0x50)),
        ("ChannelData of a channel that is not bound", channel_data(0x4001, b"hello")),
    ];
    for (what, bytes) in cases {
        bench.say(alice.client, &bytes);
        assert_eq!((bench.answer(), bench.sockets.sent.pop()), (None, None), "{what}");
    }
    bench.say(alice.client, &channel_data(0x4000, b"hello"));
    assert_eq!(bench.sockets.sent.len(), 1, "and her channel is as it was");
}

#[test]
fn what_nobody_may_answer_is_dropped() {
    let (mut bench, mut name) = (Bench::new(), String::new());
    let alice = bound(&mut bench, &mut name);
    let peer = |writer: &mut Writer<'_>| {
        writer.address(AttributeType::XOR_PEER_ADDRESS, addr(PEER));
    };
    let data = |writer: &mut Writer<'_>| {
        writer.put(AttributeType::DATA, b"hello");
    };
    let send = |write: &dyn Fn(&mut Writer<'_>)| message(Class::Indication, Method::SEND, write);
    let cases = [
        ("a Send of nothing", send(&peer)),
        ("a Send to nobody", send(&data)),
        (
            "a Send to an address without a length",
            send(&|writer| {
                writer.put(AttributeType::XOR_PEER_ADDRESS, &[]);
                data(writer);
            }),
        ),
        (
            "a Send that wants something unknown",
            send(&|writer| {
                peer(writer);
                data(writer);
                writer.put(AttributeType::DONT_FRAGMENT, &[]);
            }),
        ),
        ("a Data indication", message(Class::Indication, Method::DATA, data)),
        ("a Binding indication", message(Class::Indication, Method::BINDING, |_| {})),
        ("an answer to nothing", message(Class::Success, Method::ALLOCATE, udp)),
        ("a refusal of nothing", message(Class::Error, Method::ALLOCATE, udp)),
    ];
    for (what, bytes) in cases {
        bench.say(alice.client, &bytes);
        assert_eq!((bench.answer(), bench.sockets.sent.pop()), (None, None), "{what}");
    }
    bench.say(client("192.0.2.1:0"), &binding(|_| {}));
    assert_eq!(bench.answer(), None, "a question from where no answer can go");
}

#[test]
fn a_required_attribute_that_is_not_known_is_named_in_the_refusal() {
    let (mut bench, mut name) = (Bench::new(), String::new());
    let alice = bound(&mut bench, &mut name);
    let odd = |writer: &mut Writer<'_>| {
        writer.put(AttributeType(0x7FFF), b"?").put(AttributeType(0xFFFF), b"? may be ignored");
    };
    bench.say(alice.client, &binding(odd));
    let signed = bench.signed(&alice, Method::REFRESH, odd);
    bench.say(alice.client, &signed);
    for answer in [bench.answer(), bench.answer()] {
        let answer = answer.unwrap();
        let message = Message::parse(&answer).unwrap();
        assert_eq!(code(&message), 420);
        assert_eq!(message.get(AttributeType::UNKNOWN_ATTRIBUTES), Some(&[0x7F, 0xFF][..]));
    }
}

#[test]
fn an_address_or_a_number_of_the_wrong_length_is_a_bad_request() {
    let (mut bench, mut name) = (Bench::new(), String::new());
    let alice = bound(&mut bench, &mut name);
    type Attribute = (AttributeType, &'static [u8]);
    let nowhere: [Attribute; 3] = [
        (AttributeType::XOR_PEER_ADDRESS, &[]),
        (AttributeType::XOR_PEER_ADDRESS, &[0, 1, 0, 80, 8, 8, 8]),
        (AttributeType::XOR_PEER_ADDRESS, &[0, 3, 0, 80, 8, 8, 8, 8]),
    ];
    for (kind, value) in nowhere {
        for method in [Method::CREATE_PERMISSION, Method::CHANNEL_BIND] {
            let code = bench.ask(&alice, method, |writer| {
                writer.put(AttributeType::CHANNEL_NUMBER, &[0x40, 1, 0, 0]).put(kind, value);
            });
            assert_eq!(code, 400, "{method:?} {value:?}");
        }
    }
    for number in [&[][..], &[0x40, 1], &[0x40, 1, 0], &[0x40, 1, 0, 0, 0]] {
        let code = bench.ask(&alice, Method::CHANNEL_BIND, |writer| {
            writer
                .put(AttributeType::CHANNEL_NUMBER, number)
                .address(AttributeType::XOR_PEER_ADDRESS, addr("9.9.9.9:9"));
        });
        assert_eq!(code, 400, "{number:?}");
    }
    assert_eq!(bench.ask(&alice, Method::new(0xF).unwrap(), |_| {}), 400, "nobody knows what that is");
}

#[test]
fn of_two_peers_the_first_is_meant() {
    let (mut bench, mut name) = (Bench::new(), String::new());
    let alice = bound(&mut bench, &mut name);
    let both = |writer: &mut Writer<'_>| {
        for peer in ["9.9.9.9:9", "8.8.4.4:8"] {
            writer.address(AttributeType::XOR_PEER_ADDRESS, addr(peer));
        }
    };
    let code = bench.ask(&alice, Method::CHANNEL_BIND, |writer| {
        writer.put(AttributeType::CHANNEL_NUMBER, &[0x40, 1, 0, 0]);
        both(writer);
    });
    assert_eq!((code, bench.permit(&alice, "8.8.4.4:8")), (0, 0));
    bench.say(alice.client, &channel_data(0x4001, b"hello"));
    let indication = message(Class::Indication, Method::SEND, |writer| {
        both(writer);
        writer.put(AttributeType::DATA, b"hello");
    });
    bench.say(alice.client, &indication);
    let peers: Vec<_> = bench.sockets.sent.iter().map(|(_, peer, _)| *peer).collect();
    assert_eq!(peers, [addr("9.9.9.9:9"); 2]);
}

proptest! {
    #[test]
    fn a_changed_byte_leads_to_nobody_who_was_not_let_through(at in 0_usize..200, byte: u8) {
        let (mut bench, mut name) = (Bench::new(), String::new());
        let alice = bound(&mut bench, &mut name);
        let peer = addr(PEER);
        let request = bench.signed(&alice, Method::CREATE_PERMISSION, |writer| {
            writer.address(AttributeType::XOR_PEER_ADDRESS, peer);
        });
        for mut bytes in [request, send_indication(PEER, b"hello"), channel_data(0x4000, b"hello")] {
            let at = at % bytes.len();
            bytes[at] = byte;
            bench.say(alice.client, &bytes);
        }
        prop_assert_eq!(bench.server.relays(), 1);
        prop_assert!(bench.sockets.sent.iter().all(|(_, to, _)| to.ip() == peer.ip()));
    }
}
