//! Packets on their way: when each is due, and what became of it.

use std::{io, ops::Range};

use anyhow::{Result, bail};
use nix::sys::socket::SockaddrIn;
use tincan_turn::channel;

use super::{
    net::{BATCH, Net, Sink},
    packet::{self, Stamp},
};
use crate::{
    scenario::quiet::Slices,
    tally::{Fault, Tally},
};

/// Runs this long before anything is recorded.
pub(super) const WARM_UP_NS: u64 = if cfg!(test) { 50_000_000 } else { 500_000_000 };

/// Who sends a flow.
#[derive(Clone, Copy)]
pub(super) enum From {
    /// This client, on its channel.
    Client(usize),
    /// The peer, to this relay.
    Peer(SockaddrIn),
}

/// One direction of one call.
struct Flow {
    from: From,
    /// Where it arrives: a client, or the peer.
    to: usize,
    sent: u32,
    /// One more than the highest number that arrived.
    next: u32,
    /// A bit for each number that arrived.
    arrived: Vec<u64>,
}

/// All flows, at one rate: each sends at equal distances, and where its first falls is left to chance, as it is with
/// people who talk.
pub(super) struct Flows {
    flows: Vec<Flow>,
    /// When each flow is due within a period, in order.
    due: Vec<(u64, u32)>,
    period_ns: u64,
    /// Packets sent so far, and when the first was due.
    turn: u64,
    start_ns: u64,
    /// The peer's number.
    peer: usize,
    /// Flows whose turn it is to be sent from the peer.
    from_peer: Vec<u32>,
    /// What arrives in this span is recorded.
    span: Range<u64>,
    pub(super) recorded: u64,
    pub(super) slices: Slices,
    pub(super) tally: Tally,
}

impl Flows {
    /// `ways`: who sends, and where it arrives; together `per_second` packets, recorded in `span`, after a while of warming up.
    pub(super) fn new(
        ways: impl IntoIterator<Item = (From, usize)>,
        peer: usize,
        per_second: f64,
        span: Range<u64>,
        slices: Slices,
    ) -> Self {
        let flow = |(from, to)| Flow { from, to, sent: 0, next: 0, arrived: Vec::new() };
        let flows: Vec<_> = ways.into_iter().map(flow).collect();
        let period_ns = (flows.len() as f64 * 1e9 / per_second) as u64;
        let mut due: Vec<_> =
            (0_u32..).take(flows.len()).map(|flow| (scatter(flow) % period_ns, flow)).collect();
        due.sort_unstable();
        Self {
            flows,
            due,
            period_ns,
            turn: 0,
            start_ns: span.start - WARM_UP_NS,
            peer,
            from_peer: Vec::with_capacity(BATCH),
            span,
            recorded: 0,
            slices,
            tally: Tally::default(),
        }
    }

    /// Sends what is due, up to a batch: then the load has to look at what arrived.
    pub(super) fn send_due(&mut self, net: &Net) -> Result<()> {
        for _ in 0..BATCH {
            let (round, at) = (self.turn / self.due.len() as u64, self.turn % self.due.len() as u64);
            let (phase_ns, flow) = self.due[at as usize];
            let now_ns = net.now_ns();
            if self.start_ns + round * self.period_ns + phase_ns > now_ns {
                break;
            }
            self.turn += 1;
            match self.flows[flow as usize].from {
                From::Client(client) => {
                    let packet = self.packet(flow, now_ns);
                    match net.send(client, &packet) {
                        Ok(()) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.unsend(flow),
                        Err(error) => bail!("the server cannot be reached any more: {error}"),
                    }
                }
                From::Peer(_) => self.from_peer.push(flow),
            }
        }
        self.send_from_peer(net)
    }

    fn send_from_peer(&mut self, net: &Net) -> Result<()> {
        let flows = std::mem::take(&mut self.from_peer);
        if !flows.is_empty() {
            let now_ns = net.now_ns();
            let packets: Vec<_> = flows.iter().map(|flow| self.packet(*flow, now_ns)).collect();
            let address = |flow: &u32| match self.flows[*flow as usize].from {
                From::Peer(relay) => Some(relay),
                From::Client(_) => None,
            };
            let to: Vec<_> = flows.iter().map(address).collect();
            let taken = net.send_from_peer(&packets, &to)?;
            flows[taken..].iter().for_each(|flow| self.unsend(*flow));
        }
        self.from_peer = flows;
        self.from_peer.clear();
        Ok(())
    }

    /// The next packet of a flow.
    fn packet(&mut self, flow: u32, sent_ns: u64) -> packet::Wrapped {
        let sent = &mut self.flows[flow as usize].sent;
        *sent += 1;
        packet::write(Stamp { flow, number: *sent - 1, sent_ns })
    }

    /// Our own system did not take it: it is as if it had never been due.
    fn unsend(&mut self, flow: u32) {
        self.flows[flow as usize].sent -= 1;
    }

    fn arrive(&mut self, at: usize, bytes: &[u8], now_ns: u64) -> Result<(), Fault> {
        let packet = if at == self.peer { bytes } else { on_channel(bytes).ok_or(Fault::Unexpected)? };
        let stamp = packet::read(packet).ok_or(Fault::Damaged)?;
        let flow = self.flows.get_mut(stamp.flow as usize).ok_or(Fault::Unexpected)?;
        if flow.to != at || stamp.number >= flow.sent {
            return Err(Fault::Unexpected);
        }
        let (word, bit) = (stamp.number as usize / 64, 1 << (stamp.number % 64));
        if flow.arrived.len() <= word {
            flow.arrived.resize(word + 1, 0);
        }
        if flow.arrived[word] & bit != 0 {
            return Err(Fault::Doubled);
        }
        flow.arrived[word] |= bit;
        self.tally.delivered += 1;
        self.tally.compared += 1;
        if self.span.contains(&now_ns) {
            self.recorded += 1;
            self.slices.record(stamp.sent_ns, now_ns.saturating_sub(stamp.sent_ns));
        }
        let is_overtaken = stamp.number < flow.next;
        flow.next = flow.next.max(stamp.number + 1);
        if is_overtaken { Err(Fault::Reordered) } else { Ok(()) }
    }

    /// Packets sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.flows.iter().map(|flow| u64::from(flow.sent)).sum()
    }
}

impl Sink for Flows {
    fn datagram(&mut self, at: usize, bytes: &[u8], now_ns: u64) {
        if let Err(fault) = self.arrive(at, bytes, now_ns) {
            self.tally.fault(fault, format!("{} bytes at {at}", bytes.len()).as_bytes());
        }
    }
}

/// What a client was sent on its channel.
fn on_channel(bytes: &[u8]) -> Option<&[u8]> {
    channel::read(bytes).filter(|(channel, _)| channel.number() == packet::CHANNEL).map(|(_, packet)| packet)
}

/// Spreads numbers evenly over 64 bits, alike in every run.
fn scatter(number: u32) -> u64 {
    let mixed = u64::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 8
}
