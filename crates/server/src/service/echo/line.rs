//! One call: what it says by the bus, its connection, and the delay.
//!
//! ```text
//! new: rings, accepts --> offer: a connection --> connected: says back --> hang_up --> (the call's end comes by the bus)
//! ```
//!
//! Not here: which calls there are, sockets, and when to come back (`exchange`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::{MediaKind, Mid, Pt};
use str0m::net::Receive;
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcError};
use tincan_proto::call::{Act, EndReason, Media};
use tincan_proto::id::{Address, CallId};
use tincan_proto::wire::Relay;

use super::delay::{Delay, Numbers};
use super::description::{OfferError, answered};
use super::exchange::Outside;
use crate::bus::{Event as Told, Relayed};

/// How long the other side may be without a path to us. It looks for one, and its own patience is longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is said back.
struct Packet {
    pt: Pt,
    seq: u64,
    time: u32,
    marker: bool,
    level: ExtensionValues,
    payload: Arc<[u8]>,
}

pub(super) struct Line {
    call: CallId,
    /// Ours, in this call.
    own: Address,
    peer: Address,
    rtc: Option<Rtc>,
    /// Where its sound is in the session description.
    sound: Option<Mid>,
    numbers: Numbers,
    delay: Delay<Packet>,
    /// What we last said of ourselves in this call, to be said again should it not have been stored.
    said: Act,
    is_up: bool,
    /// Since when there is no path.
    lost_at: Option<Instant>,
    /// When we hang up.
    until: Instant,
    /// When something is to be done.
    wake: Instant,
}

impl Line {
    /// Rings, and accepts.
    pub(super) fn new(
        now: Instant,
        call: CallId,
        own: Address,
        peer: Address,
        limit: Duration,
        outside: &Outside,
    ) -> Self {
        let line = Self {
            call,
            own,
            peer,
            rtc: None,
            sound: None,
            numbers: Numbers::new(),
            delay: Delay::new(),
            said: Act::Accept,
            is_up: false,
            lost_at: None,
            until: now + limit,
            wake: now + limit,
        };
        outside.act(&line.own, call, Act::Ringing);
        line.say_again(outside);
        line
    }

    /// When something is to be done.
    pub(super) const fn wake(&self) -> Instant {
        self.wake
    }

    /// Whether a datagram is of this call.
    pub(super) fn accepts(&self, input: &Input<'_>) -> bool {
        self.rtc.as_ref().is_some_and(|rtc| rtc.accepts(input))
    }

    /// What we said was not stored.
    pub(super) fn say_again(&self, outside: &Outside) {
        outside.act(&self.own, self.call, self.said.clone());
    }

    /// Ends the call, unless that was said already.
    pub(super) fn hang_up(&mut self, reason: EndReason, outside: &Outside) {
        if !self.is_over() {
            self.rtc = None;
            self.delay = Delay::new();
            self.say(Act::HangUp { reason }, outside);
        }
    }

    /// Only its end by the bus is missing.
    const fn is_over(&self) -> bool {
        matches!(self.said, Act::HangUp { .. })
    }

    /// Answers an offer of the other side.
    pub(super) fn offer(&mut self, now: Instant, from: &Address, data: &str, outside: &Outside) {
        if *from != self.peer || self.is_over() {
            return;
        }
        let (relay, is_first) = (Relay::Answer, self.rtc.is_none());
        match self.answer(now, data, outside) {
            Ok(data) => {
                let (to, from) = (self.peer.clone(), self.own.clone());
                let relayed = Relayed { to, from, call: self.call, relay, data };
                outside.bus.users.publish(&self.peer.user, &Told::Relayed(relayed));
            }
            Err(error) => {
                tracing::debug!(call.id = %self.call, %error, "the echo cannot take an offer");
                if is_first {
                    self.hang_up(EndReason::MediaFailed, outside);
                }
            }
        }
    }

    fn answer(&mut self, now: Instant, data: &str, outside: &Outside) -> Result<Box<str>, OfferError> {
        let rtc = self.rtc.get_or_insert_with(|| connection(now, outside));
        let answer = answered(data, |offer| rtc.sdp_api().accept_offer(offer));
        self.advance(now, outside);
        answer
    }

    /// Takes a datagram of this call.
    pub(super) fn receive(&mut self, now: Instant, datagram: Receive<'_>, outside: &Outside) {
        self.input(Input::Receive(now, datagram), now, outside);
    }

    /// Does what time has brought.
    pub(super) fn tick(&mut self, now: Instant, outside: &Outside) {
        if now >= self.until {
            self.hang_up(EndReason::HungUp, outside);
        }
        if self.lost_at.is_some_and(|at| now >= at + PATIENCE) {
            self.hang_up(EndReason::ConnectionLost, outside);
        }
        while let Some(packet) = self.delay.take(now) {
            self.say_back(now, packet);
            self.advance(now, outside);
        }
        self.advance(now, outside);
    }

    fn advance(&mut self, now: Instant, outside: &Outside) {
        self.input(Input::Timeout(now), now, outside);
    }

    /// Gives the connection something, takes what comes out of it, and notes when to come back.
    fn input(&mut self, input: Input<'_>, now: Instant, outside: &Outside) {
        let taken = self.rtc.as_mut().map_or(Ok(()), |rtc| rtc.handle_input(input));
        let next = taken.and_then(|()| self.drain(now, outside)).unwrap_or_else(|error| {
            tracing::debug!(call.id = %self.call, %error, "a connection of the echo has failed");
            self.hang_up(self.failed(), outside);
            None
        });
        let lost = self.lost_at.filter(|_| !self.is_over()).map(|at| at + PATIENCE);
        // A line that is over waits for the bus alone.
        let until = if self.is_over() { now + PATIENCE } else { self.until };
        self.wake = [next, lost, self.delay.due()].into_iter().flatten().fold(until, Instant::min);
    }

    /// Takes everything that the connection has; returns when it wants to be woken.
    fn drain(&mut self, now: Instant, outside: &Outside) -> Result<Option<Instant>, RtcError> {
        while let Some(rtc) = &mut self.rtc {
            match rtc.poll_output()? {
                Output::Timeout(at) => return Ok(Some(at)),
                Output::Transmit(transmit) => outside.sockets.send(&transmit),
                Output::Event(event) => self.event(now, event, outside),
            }
        }
        Ok(None)
    }

    fn event(&mut self, now: Instant, event: Event, outside: &Outside) {
        match event {
            Event::Connected => {
                self.is_up = true;
                self.say(Act::Media(Media::Connected), outside);
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) if self.is_up => {
                self.lost_at = Some(now);
                self.say(Act::Media(Media::Lost), outside);
            }
            Event::IceConnectionStateChange(state) if state.is_connected() && self.lost_at.is_some() => {
                self.lost_at = None;
                self.say(Act::Media(Media::Connected), outside);
            }
            Event::MediaAdded(added) if added.kind == MediaKind::Audio => {
                self.sound.get_or_insert(added.mid);
            }
            Event::RtpPacket(packet) => self.hear(now, packet),
            Event::Closed => self.hang_up(self.failed(), outside),
            // Of no concern: data channels, statistics, states on the way.
            _ => {}
        }
    }

    /// A packet of sound begins to wait.
    fn hear(&mut self, now: Instant, packet: RtpPacket) {
        let RtpPacket { header, seq_no, payload, .. } = packet;
        let stream = self.rtc.as_mut().and_then(|rtc| {
            let mid = rtc.direct_api().stream_rx(&header.ssrc)?.mid();
            (Some(mid) == self.sound).then_some(*header.ssrc)
        });
        let Some(stream) = stream else { return };
        let (seq, time) = self.numbers.next(stream, (*seq_no, header.timestamp));
        let ExtensionValues { audio_level, voice_activity, .. } = header.ext_vals;
        let level = ExtensionValues { audio_level, voice_activity, ..ExtensionValues::default() };
        let packet = Packet { pt: header.payload_type, seq, time, marker: header.marker, level, payload };
        self.delay.put(now, packet);
    }

    fn say_back(&mut self, now: Instant, packet: Packet) {
        let (Some(rtc), Some(mid)) = (&mut self.rtc, self.sound) else { return };
        let Packet { pt, seq, time, marker, level, payload } = packet;
        if let Some(stream) = rtc.direct_api().stream_tx_by_mid(mid, None) {
            let write = RtpWrite::new(pt, seq.into(), time, now, payload);
            stream.write_rtp(write.marker(marker).ext_vals(level));
        }
    }

    fn say(&mut self, act: Act, outside: &Outside) {
        self.said = act;
        self.say_again(outside);
    }

    /// Why a call ends whose connection is over.
    const fn failed(&self) -> EndReason {
        if self.is_up { EndReason::ConnectionLost } else { EndReason::MediaFailed }
    }
}

/// A connection that waits to be found at our addresses. It looks for nobody (ICE lite), and knows Opus alone.
fn connection(now: Instant, outside: &Outside) -> Rtc {
    let config = Rtc::builder().set_ice_lite(true).set_rtp_mode(true).clear_codecs().enable_opus(true, false);
    let mut rtc = config.build(now);
    for address in outside.sockets.addresses() {
        match Candidate::host(address, "udp") {
            Ok(candidate) => drop(rtc.add_local_candidate(candidate)),
            Err(error) => tracing::warn!(%error, "the echo cannot be reached at one of its addresses"),
        }
    }
    rtc
}
