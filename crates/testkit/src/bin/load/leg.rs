//! What one side of a dialog has to receive, and whether it did.
//!
//! ```text
//! callee's: request, offer, 8 candidates, hangup   = 11
//! caller's: accept, answer, 8 candidates           = 10      together 21 routed messages a dialog
//! ```
//!
//! A message's number is its dialog's number times 16 plus its slot in that list, so that no two messages of a direction
//! share one in a whole run.

use crate::{
    dialect::{Delivery, Dialect, Kind, User, payload},
    envelope, lines,
    tally::{Fault, Tally},
    template::Field,
};

/// Candidates each way in a dialog.
pub(crate) const CANDIDATES: usize = 8;
/// Routed messages of a dialog.
pub(crate) const MESSAGES: u64 = 21;

const SLOTS: u64 = 16;
const FIRST_CANDIDATE: usize = 2;
const HANGUP: usize = FIRST_CANDIDATE + CANDIDATES;
/// One delivery in this many is compared whole.
const SAMPLE: u64 = 64;

/// Who receives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Caller,
    Callee,
}

/// One side's share of a pair's current dialog.
#[derive(Debug)]
pub(crate) struct Leg {
    role: Role,
    /// The user that sends to this side.
    peer: User,
    dialog: u64,
    /// The last dialog that was given up with messages missing.
    given_up: Option<u64>,
    sent: u16,
    seen: u16,
    /// When each slot's message was sent, in nanoseconds of the run.
    sent_ns: [u64; HANGUP + 1],
}

/// What a delivery was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Received {
    /// A message of the dialog, when it was sent, and what is wrong with the way it came: its name or its order.
    Message { kind: Kind, sent_ns: u64, fault: Option<Fault> },
    /// Something the dialect allows besides.
    Aside,
}

impl Leg {
    /// The side of `role`, to which `peer` sends.
    pub(crate) fn new(role: Role, peer: User) -> Self {
        Self { role, peer, dialog: 0, given_up: None, sent: 0, seen: 0, sent_ns: [0; HANGUP + 1] }
    }

    /// Begins the dialog of this number.
    pub(crate) fn begin(&mut self, dialog: u64) {
        (self.dialog, self.sent, self.seen) = (dialog, 0, 0);
    }

    /// Notes that this kind (a candidate: which one) is being sent, and returns the message's number.
    pub(crate) fn send(&mut self, kind: Kind, candidate: usize, now_ns: u64) -> u64 {
        let slot = self.slot(kind).unwrap_or_default() + candidate;
        self.sent |= 1 << slot;
        self.sent_ns[slot] = now_ns;
        self.dialog * SLOTS + slot as u64
    }

    /// Messages sent and not received.
    pub(crate) fn missing(&self) -> u32 {
        (self.sent & !self.seen).count_ones()
    }

    /// Gives up on the current dialog: what still comes of it is late.
    pub(crate) fn give_up(&mut self) {
        self.given_up = Some(self.dialog);
        self.sent = self.seen;
    }

    /// Whether everything before the hangup arrived.
    pub(crate) fn is_set_up(&self) -> bool {
        let all = (1 << HANGUP) - 1;
        self.seen & all == all
    }

    /// How many candidates were sent to this side.
    pub(crate) fn candidates_sent(&self) -> usize {
        ((self.sent >> FIRST_CANDIDATE) & ((1 << CANDIDATES) - 1)).count_ones() as usize
    }

    /// Matches a delivery with what was sent, and notes it.
    ///
    /// # Errors
    /// What it is instead of a message of the dialog that was due.
    pub(crate) fn receive(&mut self, dialect: Dialect, delivery: &Delivery<'_>) -> Result<Received, Fault> {
        if is_refusal(delivery) {
            return Err(Fault::Refused);
        }
        let Some((dialog, slot)) = self.place(dialect, delivery)? else { return Ok(Received::Aside) };
        if self.given_up == Some(dialog) {
            return Err(Fault::Late);
        }
        let bit = 1_u16 << slot;
        if dialog > self.dialog || (dialog == self.dialog && self.sent & bit == 0) {
            return Err(Fault::Unexpected);
        }
        if dialog < self.dialog || self.seen & bit != 0 {
            return Err(Fault::Doubled);
        }
        let kind = self.kind(slot).ok_or(Fault::Damaged)?;
        let overtaken = kind == Kind::Candidate && self.seen & CANDIDATE_BITS >= bit;
        self.seen |= bit;
        let fault = if dialect.is_signed(kind) { misattributed(delivery, &self.peer) } else { None };
        let fault = fault.or(overtaken.then_some(Fault::Reordered));
        Ok(Received::Message { kind, sent_ns: self.sent_ns[slot], fault })
    }

    /// The dialog and slot of a delivery, by its number or, where the server may remake it, by its kind.
    fn place(&self, dialect: Dialect, delivery: &Delivery<'_>) -> Result<Option<(u64, usize)>, Fault> {
        if let Some(number) = delivery.number {
            let slot = (number % SLOTS) as usize;
            let kind = self.kind(slot).ok_or(Fault::Damaged)?;
            let is_right = dialect.delivered_as(kind).as_bytes() == delivery.kind;
            return if is_right { Ok(Some((number / SLOTS, slot))) } else { Err(Fault::Damaged) };
        }
        for kind in Kind::ALL {
            if dialect.delivered_as(kind).as_bytes() == delivery.kind
                && let Some(slot) = self.slot(kind)
            {
                let dialog = self.dialog_of(delivery.call).ok_or(Fault::Damaged)?;
                let may_be = dialect.may_be_remade(kind);
                return if may_be { Ok(Some((dialog, slot))) } else { Err(Fault::Damaged) };
            }
        }
        if dialect.is_aside(delivery.kind) { Ok(None) } else { Err(Fault::Unexpected) }
    }

    /// The dialog that a call's id names; without an id, the current one.
    fn dialog_of(&self, call: Option<&[u8]>) -> Option<u64> {
        match call {
            None => Some(self.dialog),
            Some(id) => lines::dialog_of(id),
        }
    }

    fn kind(&self, slot: usize) -> Option<Kind> {
        match (self.role, slot) {
            (Role::Callee, 0) => Some(Kind::Request),
            (Role::Callee, 1) => Some(Kind::Offer),
            (Role::Caller, 0) => Some(Kind::Accept),
            (Role::Caller, 1) => Some(Kind::Answer),
            (_, FIRST_CANDIDATE..HANGUP) => Some(Kind::Candidate),
            (Role::Callee, HANGUP) => Some(Kind::Hangup),
            _ => None,
        }
    }

    fn slot(&self, kind: Kind) -> Option<usize> {
        match (self.role, kind) {
            (Role::Callee, Kind::Request) | (Role::Caller, Kind::Accept) => Some(0),
            (Role::Callee, Kind::Offer) | (Role::Caller, Kind::Answer) => Some(1),
            (_, Kind::Candidate) => Some(FIRST_CANDIDATE),
            (Role::Callee, Kind::Hangup) => Some(HANGUP),
            (Role::Caller, Kind::Request | Kind::Offer | Kind::Hangup)
            | (Role::Callee, Kind::Accept | Kind::Answer) => None,
        }
    }
}

const CANDIDATE_BITS: u16 = ((1 << CANDIDATES) - 1) << FIRST_CANDIDATE;

/// What is wrong with the name a delivery is under, if `peer` sent it.
pub(crate) fn misattributed(delivery: &Delivery<'_>, peer: &User) -> Option<Fault> {
    match delivery.from {
        None | Some(b"") => Some(Fault::NoFrom),
        Some(from) => (from != peer).then_some(Fault::WrongFrom),
    }
}

/// A frame that says no: an error, a reject, or a hangup whose reason is an error code.
fn is_refusal(delivery: &Delivery<'_>) -> bool {
    match delivery.kind {
        b"error" | b"ERROR" | b"EXPIRE" | b"call-reject" => true,
        b"hangup" => {
            envelope::member(delivery.data, "reason").is_some_and(|reason| reason != br#""hung_up""#)
        }
        b"call-ended" => envelope::member(delivery.data, "reason") != Some(br#""hung_up""#),
        _ => false,
    }
}

/// Whether the payload is what was sent, member by member; a server may add members. `None` if it is not this one's turn
/// to be compared.
pub(crate) fn compare(tally: &Tally, kind: Kind, delivery: &Delivery<'_>) -> Option<bool> {
    let number = delivery.number?;
    tally.delivered.is_multiple_of(SAMPLE).then(|| {
        let sent = payload(kind).replace(Field::Number.mark(), &format!("{number:010}"));
        let parse =
            |text: &[u8]| serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(text).ok();
        match (parse(sent.as_bytes()), parse(delivery.data)) {
            (Some(sent), Some(got)) => sent.iter().all(|(key, value)| got.get(key) == Some(value)),
            _ => false,
        }
    })
}
