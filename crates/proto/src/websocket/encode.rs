//! Writing frames.

use super::{Opcode, mask};
use crate::wire::CloseCode;

/// Appends an unmasked frame with the whole of `payload`: what a server sends.
pub fn write_server(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    header(out, opcode, payload.len(), 0);
    out.extend_from_slice(payload);
}

/// Appends a masked frame with the whole of `payload`: what a client sends. `key` should be random (RFC 6455 §10.3).
pub fn write_client(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    header(out, opcode, payload.len(), 0x80);
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    mask(&mut out[start..], key);
}

/// Appends a server's close frame. `reason` is cut to what a control frame holds.
pub fn write_close(out: &mut Vec<u8>, code: CloseCode, reason: &str) {
    let (number, name) = code.parts();
    let mut payload = number.to_be_bytes().to_vec();
    let reason = if reason.is_empty() { name } else { reason };
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    write_server(out, Opcode::Close, &payload);
}

fn header(out: &mut Vec<u8>, opcode: Opcode, len: usize, mask_bit: u8) {
    // Two bytes, eight of length, four of mask: room for the whole frame at once.
    out.reserve(len + 14);
    out.push(0x80 | opcode.nibble());
    // The shortest form is required (RFC 6455 §5.2).
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ 0..=125), _) => out.push(mask_bit | len),
        (_, Ok(len)) => {
            out.push(mask_bit | 126);
            out.extend_from_slice(&len.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(mask_bit | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}
