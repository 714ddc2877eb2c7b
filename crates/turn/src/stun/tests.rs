use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

/// Bytes written as in a specification: hexadecimal, spaces and line ends where they please.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// RFC 5769 §2.1.
const REQUEST: &str = "
    00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74
    00 24 00 04 6e 00 01 ff
    80 29 00 08 93 2f f9 b1 51 26 3b 36
    00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20
    00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2
    80 28 00 04 e5 7a 3b cf";

/// RFC 5769 §2.2.
const RESPONSE_V4: &str = "
    01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 08 00 01 a1 47 e1 12 a6 43
    00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7
    80 28 00 04 c0 7d 4c 96";

/// RFC 5769 §2.3.
const RESPONSE_V6: &str = "
    01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 14 00 02 a1 47 01 13 a9 fa a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9
    00 08 00 14 a3 82 95 4e 4b e6 7b f1 17 84 c9 7c 82 92 c2 75 bf e3 ed 41
    80 28 00 04 c8 fb 0b 4c";

/// RFC 5769 §2.4.
const LONG_TERM: &str = "
    00 01 00 60 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e
    00 06 00 12 e3 83 9e e3 83 88 e3 83 aa e3 83 83 e3 82 af e3 82 b9 00 00
    00 15 00 1c 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46 53 54 76 79 36 34 73 41
    00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00
    00 08 00 14 f6 70 24 65 6d d6 4a 3e 02 b8 e0 71 2e 85 c9 a2 8c a8 96 66";

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

#[test]
fn the_request_of_rfc_5769_is_read_and_its_proof_holds() {
    let bytes = hex(REQUEST);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Request, Method::BINDING));
    assert_eq!(message.text(AttributeType::SOFTWARE), Some("STUN test client"));
    assert_eq!(message.text(AttributeType::USERNAME), Some("evtj:h6vY"));
    assert_eq!(message.is_signed_with(&Key::short_term(PASSWORD)), Some(true));
    assert_eq!(message.is_signed_with(&Key::short_term("wrong")), Some(false));
}

#[test]
fn the_responses_of_rfc_5769_name_the_addresses_they_should() {
    for (text, address) in
        [(RESPONSE_V4, "192.0.2.1:32853"), (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
    {
        let bytes = hex(text);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.class(), message.method()), (Class::Success, Method::BINDING));
        assert_eq!(message.address(AttributeType::XOR_MAPPED_ADDRESS), Some(address.parse().unwrap()));
        assert_eq!(message.is_signed_with(&Key::short_term(PASSWORD)), Some(true));
    }
}

#[test]
fn the_long_term_request_of_rfc_5769_is_signed_as_we_would() {
    let bytes = hex(LONG_TERM);
    let message = Message::parse(&bytes).unwrap();
    let user = message.text(AttributeType::USERNAME).unwrap();
    let realm = message.text(AttributeType::REALM).unwrap();
    assert_eq!((user, realm), ("マトリックス", "example.org"));
    assert_eq!(message.text(AttributeType::NONCE), Some("f//499k954d6OL34oL9FSTvy64sA"));
    assert_eq!(message.is_signed_with(&Key::long_term(user, realm, "TheMatrIX")), Some(true));
    assert_eq!(message.is_signed_with(&Key::long_term(user, "example.com", "TheMatrIX")), Some(false));
}

#[test]
fn a_message_of_ours_is_read_as_it_was_written() {
    let key = Key::long_term("user", "realm", "password");
    let (mut out, id) = (b"before".to_vec(), TransactionId(*b"transaction!"));
    let peer: SocketAddr = "198.51.100.7:9".parse().unwrap();
    Writer::new(&mut out, Class::Error, Method::CHANNEL_BIND, id)
        .address(AttributeType::XOR_PEER_ADDRESS, peer)
        .number(AttributeType::LIFETIME, 600)
        .put(AttributeType::NONCE, b"odd")
        .error(438, "Stale Nonce")
        .sign(&key)
        .fingerprint();
    let message = Message::parse(&out[6..]).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Error, Method::CHANNEL_BIND));
    assert_eq!(message.transaction(), id);
    assert_eq!(message.address(AttributeType::XOR_PEER_ADDRESS), Some(peer));
    assert_eq!(message.number(AttributeType::LIFETIME), Some(600));
    assert_eq!(message.get(AttributeType::ERROR_CODE), Some(&b"\0\0\x04\x26Stale Nonce"[..]));
    assert_eq!(message.is_signed_with(&key), Some(true));
}

#[test]
fn padding_is_zero_whatever_the_buffer_held() {
    let mut out = vec![0xFF; 64];
    out.clear();
    Writer::new(&mut out, Class::Request, Method::BINDING, TransactionId([0; 12]))
        .put(AttributeType::USERNAME, b"u");
    assert_eq!(out[HEADER..], [0, 6, 0, 1, b'u', 0, 0, 0]);
}

#[test]
fn what_is_behind_the_signature_counts_as_not_there() {
    let key = Key::short_term("p");
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Request, Method::SEND, TransactionId([1; 12]))
        .put(AttributeType::USERNAME, b"signed")
        .sign(&key)
        .put(AttributeType::USERNAME, b"added")
        .number(AttributeType::LIFETIME, 1)
        .fingerprint();
    let message = Message::parse(&out).unwrap();
    assert_eq!(message.attributes().count(), 2);
    assert_eq!(message.text(AttributeType::USERNAME), Some("signed"));
    assert_eq!(message.number(AttributeType::LIFETIME), None);
    assert_eq!(message.is_signed_with(&key), Some(true));
}

#[test]
fn of_two_attributes_of_a_type_the_first_counts() {
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Request, Method::SEND, TransactionId([1; 12]))
        .number(AttributeType::LIFETIME, 1)
        .number(AttributeType::LIFETIME, 2);
    assert_eq!(Message::parse(&out).unwrap().number(AttributeType::LIFETIME), Some(1));
}

#[test]
fn a_required_attribute_that_is_not_known_is_named() {
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Request, Method::BINDING, TransactionId([1; 12]))
        .put(AttributeType(0x7FFF), b"?")
        .put(AttributeType(0x8001), b"?")
        .number(AttributeType::LIFETIME, 2);
    let message = Message::parse(&out).unwrap();
    let unknown: Vec<_> = message.unknown(&[AttributeType::LIFETIME]).collect();
    assert_eq!(unknown, [AttributeType(0x7FFF)]);
}

#[test]
fn bad_messages_are_told_apart() {
    let good = hex(REQUEST);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let cases = [
        (Vec::new(), Malformed::Header),
        (good[..19].to_vec(), Malformed::Header),
        (with(0, 0x40), Malformed::Header),
        (with(4, 0x20), Malformed::Header),
        (with(3, 0x59), Malformed::Length),
        (with(3, 0x54), Malformed::Length),
        (with(2, 0xFF), Malformed::Length),
        (good[..good.len() - 4].to_vec(), Malformed::Length),
        ([&good[..], &[0; 4]].concat(), Malformed::Length),
        (with(23, 0xF0), Malformed::Attribute),
        (with(good.len() - 1, 0), Malformed::Fingerprint),
        (with(24, b's'), Malformed::Fingerprint),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Message::parse(&bytes).unwrap_err(), expected, "{bytes:02x?}");
    }
}

#[test]
fn a_fingerprint_that_is_not_last_is_wrong() {
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Request, Method::BINDING, TransactionId([1; 12]))
        .fingerprint()
        .number(AttributeType::LIFETIME, 1);
    assert_eq!(Message::parse(&out).unwrap_err(), Malformed::Fingerprint);
}

#[test]
fn an_address_of_the_wrong_length_or_family_is_none() {
    for value in [&b"\0\x01ab"[..], b"\0\x01abcde", b"\0\x02abcdef", b"\0\x03abcdef", b""] {
        let mut out = Vec::new();
        Writer::new(&mut out, Class::Request, Method::SEND, TransactionId([1; 12]))
            .put(AttributeType::XOR_PEER_ADDRESS, value);
        let message = Message::parse(&out).unwrap();
        assert_eq!(message.address(AttributeType::XOR_PEER_ADDRESS), None);
        assert_eq!(message.addresses(AttributeType::XOR_PEER_ADDRESS).collect::<Vec<_>>(), [None]);
    }
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Request), Just(Class::Indication), Just(Class::Success), Just(Class::Error)]
}

proptest! {
    #[test]
    fn class_and_method_come_back_from_the_bits_they_share(class in class(), number in 0_u16..0x1000) {
        let method = Method::new(number).unwrap();
        prop_assert_eq!(unkind(kind(class, method)), (class, method));
        prop_assert!(kind(class, method) < 0x4000);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::parse(&bytes) {
            let _ = (message.attributes().count(), message.is_signed_with(&Key::short_term("p")));
        }
    }

    #[test]
    fn one_flipped_bit_is_always_noticed(at in 0_usize..108, bit in 0_u8..8) {
        let mut bytes = hex(REQUEST);
        bytes[at] ^= 1 << bit;
        let noticed = match Message::parse(&bytes) {
            Err(_) => true,
            // It hid the signature, or it was behind it: in the fingerprint's own type.
            Ok(message) => message.is_signed_with(&Key::short_term(PASSWORD)) != Some(true) || at >= 100,
        };
        prop_assert!(noticed);
    }

    #[test]
    fn attributes_come_back_in_order(
        values in proptest::collection::vec((1_u16..0x7FFF, proptest::collection::vec(any::<u8>(), 0..40)), 0..10),
        address in any::<(std::net::IpAddr, u16)>().prop_map(|(ip, port)| SocketAddr::new(ip, port)),
    ) {
        let taken = [AttributeType::MESSAGE_INTEGRITY.0, AttributeType::XOR_RELAYED_ADDRESS.0];
        let values: Vec<_> = values.into_iter().filter(|(kind, _)| !taken.contains(kind)).collect();
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Class::Request, Method::SEND, TransactionId([7; 12]));
        for (kind, value) in &values {
            writer.put(AttributeType(*kind), value);
        }
        writer.address(AttributeType::XOR_RELAYED_ADDRESS, address).fingerprint();
        let message = Message::parse(&out).unwrap();
        let read: Vec<_> = message.attributes().map(|(kind, value)| (kind.0, value.to_vec())).collect();
        prop_assert_eq!(&read[..values.len()], &values[..]);
        prop_assert_eq!(message.address(AttributeType::XOR_RELAYED_ADDRESS), Some(address));
    }
}
