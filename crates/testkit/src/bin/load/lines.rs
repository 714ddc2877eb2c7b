//! Puts messages on the wire and reads them off it, in the server's dialect.
//!
//! For v2 it also keeps each client's session: numbers out, numbers in, acknowledgements. Every frame carries one; a client
//! that only listens acknowledges every eighth frame. Nothing is ever sent again: on loopback a hole is a loss.

use crate::{
    dialect::{Delivery, Dialect, Kind, user},
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
    /// By client.
    sessions: Vec<Session>,
}

#[derive(Clone, Default)]
struct Session {
    sent: u64,
    seen: u64,
    acked: u64,
}

/// Frames a v2 client takes before it acknowledges them on their own.
const UNACKED: u64 = 8;

impl Lines {
    /// For `clients` freshly opened ones.
    pub(crate) fn new(dialect: Dialect, clients: usize) -> Self {
        let ack = Template::new(&format!(r#"{{"type":"ack","ack":{}}}"#, Field::Ack.mark()));
        let templates = Kind::ALL.map(|kind| Template::new(&dialect.text(kind)));
        let sessions = if dialect == Dialect::V2 { vec![Session::default(); clients] } else { Vec::new() };
        Self { dialect, templates, ack, sessions }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, net: &mut Net, message: Message) {
        let Message { from, to, kind, number, dialog } = message;
        let template = &mut self.templates[kind as usize];
        template.number(Field::Number, number, b'0');
        template.text(Field::To, &user(to));
        if let Some(session) = self.sessions.get_mut(from) {
            session.sent += 1;
            session.acked = session.seen;
            template.number(Field::Seq, session.sent, b' ');
            template.number(Field::Ack, session.seen, b' ');
            template.text(Field::Call, &call(from.min(to), dialog));
        }
        net.send(from, template.bytes());
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

/// The id of a call: 16 bytes in base64url, spelt by the first client's number and the dialog's.
fn call(first: usize, dialog: u64) -> [u8; 22] {
    let mut id = [b'A'; 22];
    id[..6].copy_from_slice(&digits::<6>(first as u64, b'0'));
    id[6..16].copy_from_slice(&digits::<10>(dialog, b'0'));
    id
}
