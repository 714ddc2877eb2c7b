//! Bytes as a STUN message: whatever is taken can be written again and reads the same, and nothing in it reaches past
//! its end.

use tincan_turn::stun::{AttributeType, Key, Message, Writer, looks_like_stun};

/// Takes one datagram and panics if a rule is broken.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else { return };
    assert!(looks_like_stun(bytes));
    assert_ne!(message.is_signed_with(&Key::short_term("nobody's")), Some(true));
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, message.class(), message.method(), message.transaction());
    let own = [AttributeType::MESSAGE_INTEGRITY, AttributeType::FINGERPRINT];
    let kept = || message.attributes().filter(|(kind, _)| !own.contains(kind));
    for (kind, value) in kept() {
        writer.put(kind, value);
    }
    let key = Key::long_term("user", "realm", "password");
    writer.sign(&key).fingerprint();
    let again = Message::parse(&out).unwrap();
    assert_eq!(again.is_signed_with(&key), Some(true));
    assert_eq!((again.class(), again.method()), (message.class(), message.method()));
    assert_eq!(again.transaction(), message.transaction());
    let reread = again.attributes().filter(|(kind, _)| !own.contains(kind));
    assert!(reread.eq(kept()));
    for (kind, _) in kept() {
        let written = message.addresses(kind).eq(again.addresses(kind));
        assert!(written && message.address(kind) == message.addresses(kind).next().flatten());
    }
}
