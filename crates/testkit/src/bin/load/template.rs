//! Frames that are masked once and patched in place for every send.
//!
//! Building and masking 2.5 KB a message would cost the load as much as routing it costs the server. A frame's length
//! never changes here: every field has a fixed width, and only the bytes of the fields are masked again.

use crate::ws::{self, MASK, Opcode};

/// What changes from one send to the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Field {
    /// The receiving user's name.
    To,
    /// The message's number, in `data`: ten digits.
    Number,
    /// v2: the call's id.
    Call,
    /// v2: the frame's number in its session, padded with blanks.
    Seq,
    /// v2: what arrived, padded with blanks.
    Ack,
}

impl Field {
    const ALL: [Self; 5] = [Self::To, Self::Number, Self::Call, Self::Seq, Self::Ack];

    /// Stands in a template's text for the field, at its width.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::To => "@to@@@@@@@@",
            Self::Number => "@number@@@",
            Self::Call => "@call@@@@@@@@@@@@@@@@@",
            Self::Seq => "@seq@@@@@@",
            Self::Ack => "@ack@@@@@@",
        }
    }
}

/// A masked text frame with fields to fill.
pub(crate) struct Template {
    bytes: Vec<u8>,
    payload: usize,
    /// Where each of [`Field::ALL`] starts in the payload.
    fields: [Option<usize>; Field::ALL.len()],
}

impl Template {
    /// A frame of `text`, in which a field stands as its [mark](Field::mark), at most once.
    pub(crate) fn new(text: &str) -> Self {
        let (bytes, payload) = ws::frame(Opcode::Text, text.as_bytes());
        Self { bytes, payload, fields: Field::ALL.map(|field| text.find(field.mark())) }
    }

    /// Writes `value`, as wide as the field; does nothing in a template without the field.
    pub(crate) fn text(&mut self, field: Field, value: &[u8]) {
        debug_assert_eq!(value.len(), field.mark().len());
        let Some(start) = self.fields[field as usize] else { return };
        for (at, byte) in (start..).zip(value) {
            self.bytes[self.payload + at] = byte ^ MASK[at & 3];
        }
    }

    /// Writes `value` in decimal digits, padded to the field's width with `pad` on the left.
    pub(crate) fn number(&mut self, field: Field, value: u64, pad: u8) {
        self.text(field, &digits::<10>(value, pad));
    }

    /// The whole frame, as it goes to the socket.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// `value` in decimal, right-aligned; digits that do not fit are cut off on the left.
pub(crate) fn digits<const WIDTH: usize>(mut value: u64, pad: u8) -> [u8; WIDTH] {
    let mut text = [pad; WIDTH];
    for byte in text.iter_mut().rev() {
        *byte = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmask(template: &Template) -> String {
        let (head, body) = template.bytes().split_at(template.payload);
        assert_eq!(head[template.payload - 4..], MASK);
        String::from_utf8(body.iter().enumerate().map(|(i, byte)| byte ^ MASK[i & 3]).collect()).unwrap()
    }

    #[test]
    fn a_patched_frame_reads_as_if_it_had_been_built_with_its_values() {
        // Every offset against the four bytes of the mask.
        for shift in 0..4 {
            let pad = " ".repeat(shift);
            let text = format!(r#"{{{pad}"to":"@to@@@@@@@@","seq":@seq@@@@@@,"data":{{"n":"@number@@@"}}}}"#);
            let mut template = Template::new(&text);
            for (to, seq, number) in
                [(b"c0001000001", 1, 0), (b"c9999014999", 4_000_000_000, 12_345), (b"c0001000002", 7, 9)]
            {
                template.text(Field::To, to);
                template.number(Field::Seq, seq, b' ');
                template.number(Field::Number, number, b'0');
                template.text(Field::Call, &[b'x'; 22]);
                let read: serde_json::Value = serde_json::from_str(&unmask(&template)).unwrap();
                assert_eq!(read["to"].as_str().unwrap().as_bytes(), to);
                assert_eq!(read["seq"], seq);
                assert_eq!(read["data"]["n"], format!("{number:010}"));
                assert_eq!(unmask(&template).len(), text.len());
            }
        }
    }

    #[test]
    fn every_mark_is_as_wide_as_what_is_written_there() {
        let widths = Field::ALL.map(|field| field.mark().len());
        assert_eq!(widths, [11, 10, 22, 10, 10]);
    }
}
