//! Puts messages on the wire and reads them off it, in the server's dialect.
//!
//! For v2 it also keeps each client's session: numbers out, numbers in, acknowledgements. Every frame carries one; a client
//! that only listens acknowledges every eighth frame. Nothing is ever sent again: on loopback a hole is a loss.

use crate::{
    dialect::{Delivery, Dialect, Kind},
    envelope,
    net::Net,
    tally::Fault,
    template::{Field, Template, digits},
};

/// A message to send, besides what its kind says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kind: Kind,
    /// Goes into `data`; see [`crate::leg`].
    pub(crate) number: u64,
    /// The dialog, and so the call, it belongs to.
    pub(crate) dialog: u64,
}

/// The templates of a dialect, and v2's sessions.
pub(crate) struct Lines {
    dialect: Dialect,
    /// By [`Kind`].
    templates: [Template; Kind::ALL.len()],
    ack: Template,
    connected: Template,
    /// By client.
    sessions: Vec<Session>,
}

#[derive(Clone, Default)]
struct Session {
    sent: u64,
    seen: u64,
    acked: u64,
}

impl Session {
    /// Makes `template` the session's next frame, in the call of this id.
    fn stamp(&mut self, template: &mut Template, call: &[u8; 22]) {
        self.sent += 1;
        self.acked = self.seen;
        template.number(Field::Seq, self.sent, b' ');
        template.number(Field::Ack, self.seen, b' ');
        template.text(Field::Call, call);
    }
}

/// Frames a v2 client takes before it acknowledges them on their own.
const UNACKED: u64 = 8;

impl Lines {
    /// For `clients` freshly opened ones.
    pub(crate) fn new(dialect: Dialect, clients: usize) -> Self {
        let (call, seq, ack) = (Field::Call.mark(), Field::Seq.mark(), Field::Ack.mark());
        let connected = format!(
            r#"{{"type":"call-update","call":"{call}","data":{{"media":"connected"}},"seq":{seq},"ack":{ack}}}"#
        );
        let ack = Template::new(&format!(r#"{{"type":"ack","ack":{ack}}}"#));
        let connected = Template::new(&connected);
        let templates = Kind::ALL.map(|kind| Template::new(&dialect.text(kind)));
        let sessions = if dialect == Dialect::V2 { vec![Session::default(); clients] } else { Vec::new() };
        Self { dialect, templates, ack, connected, sessions }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, net: &mut Net, message: Message) {
        let Message { from, to, kind, number, dialog } = message;
        let template = &mut self.templates[kind as usize];
        template.number(Field::Number, number, b'0');
        template.text(Field::To, &net.user(to));
        if let Some(session) = self.sessions.get_mut(from) {
            session.stamp(template, &call(from / 2, dialog, net.run()));
        }
        net.send(from, template.bytes());
    }

    /// v2: says that `from` hears the other side. Without it, the server ends a call after 20 s.
    pub(crate) fn send_connected(&mut self, net: &mut Net, from: usize, dialog: u64) {
        if let Some(session) = self.sessions.get_mut(from) {
            session.stamp(&mut self.connected, &call(from / 2, dialog, net.run()));
            net.send(from, self.connected.bytes());
        }
    }

    /// Reads what `client` got.
    ///
    /// # Errors
    /// [`Fault::Damaged`] for what is no JSON object; in v2 [`Fault::Lost`] and [`Fault::Doubled`] for what breaks the
    /// numbering.
    pub(crate) fn read<'a>(
        &mut self,
        net: &mut Net,
        client: usize,
        text: &'a [u8],
    ) -> Result<Delivery<'a>, Fault> {
        let delivery = self.dialect.read(text).map_err(|_| Fault::Damaged)?;
        if let (Some(seq), Some(session)) = (delivery.seq, self.sessions.get_mut(client)) {
            if seq <= session.seen {
                return Err(Fault::Doubled);
            }
            let gap = seq > session.seen + 1;
            session.seen = seq;
            if gap {
                return Err(Fault::Lost);
            }
            if session.seen - session.acked >= UNACKED {
                session.acked = session.seen;
                self.ack.number(Field::Ack, session.seen, b' ');
                net.send(client, self.ack.bytes());
            }
        }
        Ok(delivery)
    }
}

/// The id of a call: 16 bytes in base64url, spelt by the pair's number, the dialog's and the run's.
fn call(pair: usize, dialog: u64, run: u64) -> [u8; 22] {
    let mut id = [b'A'; 22];
    id[..5].copy_from_slice(&digits::<5>(pair as u64, b'0'));
    id[5..11].copy_from_slice(&digits::<6>(dialog, b'0'));
    id[11..21].copy_from_slice(&digits::<10>(run, b'0'));
    id
}

/// The dialog in a call's id.
pub(crate) fn dialog_of(call: &[u8]) -> Option<u64> {
    envelope::number(call.get(5..11)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_is_canonical_base64url_of_16_bytes_and_tells_its_dialog() {
        let id = call(49_999, 123_456, 1_790_000_000_123);
        assert_eq!(&id, b"499991234560000000123A");
        assert_eq!(dialog_of(&id), Some(123_456));
        assert_eq!(dialog_of(b"short"), None);
    }
}
