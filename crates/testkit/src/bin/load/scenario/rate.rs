//! Open loop: candidates in established calls at a given rate, whatever the server makes of it.
//!
//! Arrivals are Poisson, and a latency counts from the instant a message was due, not from when the load got round to
//! sending it: a server that stalls pays for everything that was due meanwhile (no coordinated omission).

use std::collections::VecDeque;

use anyhow::Result;

use super::{Aim, SPIN, dialogs};
use crate::{
    dialect::Kind,
    leg::{compare, misattributed},
    lines::{Lines, Message},
    net::{Net, Sink},
    report::Report,
    scenario::{
        pairs::{Pairs, Then},
        quiet::Slices,
        watch::Watch,
    },
    tally::{Fault, Tally},
};

/// Numbers from here on, clear of those of the dialogs that set up the calls.
const FIRST_NUMBER: u64 = 1_000_000_000;
/// Runs this long before anything is recorded.
const WARM_UP_NS: u64 = if cfg!(test) { 50_000_000 } else { 500_000_000 };
/// What is not delivered this long after the last message was sent is lost.
const DRAIN_NS: u64 = 2_000_000_000;
/// Messages sent before the load looks at what arrived.
const AT_ONCE: usize = 16;

/// Measures at `per_second` messages over each number of clients in turn, each with fresh connections. With one number the
/// figures bear plain names, otherwise they end in `_` and the number.
pub(crate) fn run(aim: &Aim, clients: &[usize], per_second: f64, seconds: f64) -> Result<Report> {
    let mut report = Report::new(if clients.len() == 1 { "rate" } else { "grow" });
    for &count in clients {
        let suffix = if clients.len() == 1 { String::new() } else { format!("_{count}") };
        one(aim, count, per_second, seconds, &suffix, &mut report)?;
    }
    Ok(report)
}

fn one(aim: &Aim, clients: usize, rate: f64, seconds: f64, suffix: &str, report: &mut Report) -> Result<()> {
    let (mut net, _) = aim.open(clients)?;
    let lines = Lines::new(aim.dialect, clients);
    let mut calls = Pairs::new(&net, lines, Then::Stay, false);
    dialogs::all_once(&mut net, &mut calls)?;

    let start = net.now_ns();
    let from = start + WARM_UP_NS;
    let end = from + (seconds * 1e9) as u64;
    let slices = Slices::start(&aim.server)?;
    let mut stream = Stream::new(&mut calls.lines, clients, from..end, slices);
    let mut random = Random(0x5eed_0000_71c4_2b01);
    let mut due = start;
    let mut watch = None;
    while net.now_ns() < end {
        stream.slices.look(net.now_ns());
        if watch.is_none() && net.now_ns() >= from {
            watch = Some(Watch::start(net.moment(), aim.server)?);
        }
        for _ in 0..AT_ONCE {
            if due > net.now_ns() || due >= end {
                break;
            }
            stream.send(&mut net, random.below(clients), due);
            due += random.wait_ns(rate);
        }
        net.turn(SPIN, &mut stream)?;
    }
    let watched = watch.map(|watch| watch.stop(net.moment())).transpose()?;
    while stream.in_flight > 0 && net.now_ns() < end + DRAIN_NS {
        net.turn(SPIN, &mut stream)?;
    }
    stream.lose_the_rest();

    let messages = stream.recorded as f64;
    report.figure(&format!("offered_per_s{suffix}"), rate, "");
    report.figure(&format!("delivered_per_s{suffix}"), messages / seconds, "");
    stream.slices.report(report, suffix);
    if let Some(watched) = watched {
        watched.report(report, suffix, messages);
    }
    report.tally(&stream.tally);
    calls.hang_up(&mut net);
    dialogs::finish(&mut net, &mut calls)?;
    report.tally(&calls.tally);
    Ok(())
}

/// Candidates on their way.
struct Stream<'a> {
    lines: &'a mut Lines,
    /// By receiving client: number and due time of what it has yet to get, oldest first.
    flights: Vec<VecDeque<(u64, u64)>>,
    /// By receiving client: the highest number it got.
    highest: Vec<u64>,
    next_number: u64,
    in_flight: u64,
    /// Messages due in this span are recorded.
    span: std::ops::Range<u64>,
    recorded: u64,
    slices: Slices,
    tally: Tally,
}

impl<'a> Stream<'a> {
    fn new(lines: &'a mut Lines, clients: usize, span: std::ops::Range<u64>, slices: Slices) -> Self {
        Self {
            lines,
            flights: vec![VecDeque::new(); clients],
            highest: vec![0; clients],
            next_number: FIRST_NUMBER,
            in_flight: 0,
            span,
            recorded: 0,
            slices,
            tally: Tally::default(),
        }
    }

    /// Sends a candidate that was due at `due_ns` to the other end of `from`'s call, which is its pair's first dialog.
    fn send(&mut self, net: &mut Net, from: usize, due_ns: u64) {
        let (to, number) = (from ^ 1, self.next_number);
        self.next_number += 1;
        self.in_flight += 1;
        self.flights[to].push_back((number, due_ns));
        self.lines.send(net, Message { from, to, kind: Kind::Candidate, number, dialog: 1 });
    }

    fn receive(&mut self, net: &mut Net, client: usize, text: &[u8]) -> Result<(), Fault> {
        let now = net.event_ns();
        let delivery = self.lines.read(net, client, text)?;
        let dialect = self.lines.dialect();
        if delivery.kind != dialect.delivered_as(Kind::Candidate).as_bytes() {
            return if dialect.is_aside(delivery.kind) { Ok(()) } else { Err(Fault::Unexpected) };
        }
        let number = delivery.number.ok_or(Fault::Damaged)?;
        let flights = &mut self.flights[client];
        let Some(at) = flights.iter().position(|(sent, _)| *sent == number) else {
            return Err(if number < self.next_number { Fault::Doubled } else { Fault::Unexpected });
        };
        let Some((_, due_ns)) = flights.remove(at) else { return Err(Fault::Unexpected) };
        self.in_flight -= 1;
        let whole = compare(&self.tally, Kind::Candidate, &delivery);
        self.tally.delivered += 1;
        self.tally.compared += u64::from(whole.is_some());
        if self.span.contains(&due_ns) {
            self.recorded += 1;
            self.slices.record(due_ns, now.saturating_sub(due_ns));
        }
        let highest = &mut self.highest[client];
        let overtaken = (number < *highest).then_some(Fault::Reordered);
        *highest = number.max(*highest);
        let damaged = (whole == Some(false)).then_some(Fault::Damaged);
        misattributed(&delivery, &net.user(client ^ 1)).or(damaged).or(overtaken).map_or(Ok(()), Err)
    }

    fn lose_the_rest(&mut self) {
        for (client, flights) in self.flights.iter().enumerate() {
            self.tally.faults(Fault::Lost, flights.len() as u64, || format!("to client {client}"));
        }
    }
}

impl Sink for Stream<'_> {
    fn text(&mut self, net: &mut Net, client: usize, text: &[u8]) {
        if let Err(fault) = self.receive(net, client, text) {
            self.tally.fault(fault, text);
        }
    }

    fn closed(&mut self, _net: &mut Net, _client: usize, why: &str) {
        self.tally.fault(Fault::Closed, why.as_bytes());
    }
}

/// SplitMix64: every run draws the same arrivals.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// The time to the next arrival of a Poisson process, in nanoseconds.
    fn wait_ns(&mut self, per_second: f64) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (-(1.0 - uniform).ln() / per_second * 1e9) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_come_at_the_rate_asked_for() {
        let mut random = Random(1);
        let sum: u64 = (0..100_000).map(|_| random.wait_ns(10_000.0)).sum();
        let mean_us = sum as f64 / 100_000.0 / 1000.0;
        assert!((99.0..101.0).contains(&mean_us), "{mean_us}");
    }
}
