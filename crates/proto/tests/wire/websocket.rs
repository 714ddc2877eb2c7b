//! RFC 6455's own examples (§5.7), since a codec that only reads what it wrote may be wrong both ways.

use proptest::prelude::*;
use tincan_proto::websocket::{Decoder, End, Item, Opcode, Step, write_client, write_server};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn written(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_server(&mut out, opcode, payload);
    out
}

fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_client(&mut out, opcode, payload, KEY);
    out
}

#[test]
fn the_rfc_s_examples_are_written_as_printed() {
    assert_eq!(written(Opcode::Text, b"Hello"), [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(masked(Opcode::Text, b"Hello"), hello);
    assert_eq!(written(Opcode::Ping, b"Hello"), [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(masked(Opcode::Pong, b"Hello"), pong);
    assert_eq!(written(Opcode::Binary, &[0; 256])[..4], [0x82, 0x7e, 0x01, 0x00]);
    assert_eq!(written(Opcode::Binary, &[0; 65536])[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn the_rfc_s_examples_are_read_as_meant() {
    let mut hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let mut decoder = Decoder::new(End::Server, 1024);
    assert_eq!(decoder.step(&mut hello), Ok(Step::Item { item: Item::Text("Hello"), used: 11 }));
    let (mut first, mut second) = ([0x01, 0x03, 0x48, 0x65, 0x6c], [0x80, 0x02, 0x6c, 0x6f]);
    let mut decoder = Decoder::new(End::Client, 1024);
    assert_eq!(decoder.step(&mut first), Ok(Step::Fragment { used: 5 }));
    assert_eq!(decoder.step(&mut second), Ok(Step::Item { item: Item::Text("Hello"), used: 4 }));
}

proptest! {
    #[test]
    fn the_mask_goes_byte_by_byte_round_the_key(payload in proptest::collection::vec(any::<u8>(), 0..40)) {
        let wire = masked(Opcode::Binary, &payload);
        let by_hand: Vec<u8> = payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        prop_assert_eq!(&wire[6..], &*by_hand);
    }
}
