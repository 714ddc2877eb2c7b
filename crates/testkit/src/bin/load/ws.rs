//! The client's half of RFC 6455 that a load needs: the upgrade, frames out, frames in.
//!
//! Not here: fragments, extensions, binary messages. No signaling server sends them to these clients; one that does is
//! reported as damage.

/// The largest message a server may send; more is damage.
const LARGEST: usize = 1 << 20;

/// The key of every upgrade and what a server must make of it: the example of RFC 6455 §1.3. A fixed pair lets a client
/// check the answer without a hash.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The mask of every frame. Masking keeps intermediaries from being fooled (RFC 6455 §10.3); on loopback there are none,
/// so one mask will do, and frames can be masked before they are needed. None of its bytes is zero, or the server's work
/// would not be real.
pub(crate) const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The opcodes a client here sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Opcode {
    Text = 1,
    Pong = 10,
}

/// A message from the server.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Incoming<'a> {
    Text(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    /// The close code, if the frame gave one.
    Close(Option<u16>),
}

/// What a server may not send to these clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a whole unmasked text or control frame of at most 1 MiB")]
pub(crate) struct Violation;

/// A whole masked frame, and where its payload starts in it.
pub(crate) fn frame(opcode: Opcode, payload: &[u8]) -> (Vec<u8>, usize) {
    let mut bytes = vec![0x80 | opcode as u8];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | short as u8),
        medium @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    let at = bytes.len();
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ MASK[i & 3]));
    (bytes, at)
}

/// The first message in `bytes` and how many of them it takes; `None` until a whole one is there.
///
/// # Errors
/// [`Violation`] for whatever is not a whole unmasked text or control frame.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Incoming<'_>, usize)>, Violation> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    let (length, at) = match second {
        0..126 => (usize::from(second), 2),
        126 => match bytes.get(2..4) {
            Some(field) => (usize::from(u16::from_be_bytes([field[0], field[1]])), 4),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10).and_then(|field| field.try_into().ok()) {
            Some(field) => (usize::try_from(u64::from_be_bytes(field)).map_err(|_| Violation)?, 10),
            None => return Ok(None),
        },
        // Masked, which only a client may do.
        128.. => return Err(Violation),
    };
    if length > LARGEST {
        return Err(Violation);
    }
    let Some(payload) = bytes.get(at..at + length) else { return Ok(None) };
    let incoming = match first {
        0x81 => Incoming::Text(payload),
        0x88 => Incoming::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
        0x89 => Incoming::Ping(payload),
        0x8a => Incoming::Pong,
        _ => return Err(Violation),
    };
    Ok(Some((incoming, at + length)))
}

/// The request that opens a WebSocket at `path`.
pub(crate) fn upgrade(host: &str, path: &str, protocol: Option<&str>) -> String {
    let protocol = protocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{protocol}\r\n"
    )
}

/// How many bytes the server's answer to [`upgrade`] takes; `None` until its head is complete.
///
/// # Errors
/// The status line (or the missing header) of an answer that opens no WebSocket.
pub(crate) fn upgraded(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = &bytes[..end];
    let status = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    if !status.starts_with(b"HTTP/1.1 101") {
        return Err(String::from_utf8_lossy(status).into_owned());
    }
    if !head.windows(ACCEPT.len()).any(|window| window == ACCEPT) {
        return Err("101 without the right Sec-WebSocket-Accept".into());
    }
    Ok(Some(end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_parsed_only_when_it_is_whole() {
        for length in [0, 5, 125, 126, 300, 65_535, 65_536] {
            let text = vec![b'x'; length];
            let mut bytes = vec![0x81];
            match length {
                0..126 => bytes.push(length as u8),
                126..=0xffff => bytes.extend([&[126], &(length as u16).to_be_bytes()[..]].concat()),
                _ => bytes.extend([&[127], &(length as u64).to_be_bytes()[..]].concat()),
            }
            bytes.extend(&text);
            for cut in [0, 1, 2, 3, 9, bytes.len() - 1] {
                if cut < bytes.len() {
                    assert_eq!(parse(&bytes[..cut]), Ok(None), "{length} cut at {cut}");
                }
            }
            bytes.push(0x81);
            assert_eq!(parse(&bytes), Ok(Some((Incoming::Text(&text), bytes.len() - 1))));
        }
    }

    #[test]
    fn what_a_server_may_not_send_is_a_violation() {
        for bytes in [
            &[0x81, 0x80, 1, 2, 3, 4][..],        // masked
            &[0x01, 0][..],                       // a fragment
            &[0x80, 0][..],                       // its end
            &[0x82, 0][..],                       // binary
            &[0xc1, 0][..],                       // compressed
            &[0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0], // a terabyte
        ] {
            assert_eq!(parse(bytes), Err(Violation), "{bytes:x?}");
        }
        assert_eq!(parse(&[0x88, 2, 0x11, 0x9d]), Ok(Some((Incoming::Close(Some(4509)), 4))));
        assert_eq!(parse(&[0x88, 0]), Ok(Some((Incoming::Close(None), 2))));
    }

    #[test]
    fn an_outgoing_frame_unmasks_to_its_payload() {
        for length in [0, 125, 126, 65_536] {
            let payload: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let (bytes, at) = frame(Opcode::Text, &payload);
            assert_eq!(bytes[at - 4..at], MASK);
            let unmasked: Vec<u8> =
                bytes[at..].iter().enumerate().map(|(i, byte)| byte ^ MASK[i & 3]).collect();
            assert_eq!(unmasked, payload);
        }
    }

    #[test]
    fn only_a_complete_101_with_the_right_accept_opens() {
        let good =
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert_eq!(upgraded(good.as_bytes()), Ok(Some(good.len())));
        assert_eq!(upgraded(&good.as_bytes()[..good.len() - 1]), Ok(None));
        assert_eq!(upgraded(b"HTTP/1.1 403 Forbidden\r\n\r\n"), Err("HTTP/1.1 403 Forbidden".into()));
        assert!(upgraded(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").is_err());
    }
}
