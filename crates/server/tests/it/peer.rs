//! One end of a call with sound, as a browser would be: for calls whose other end is the server itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId};
use str0m::media::{Direction, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};
use tokio::net::UdpSocket;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A packet of sound that was heard.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) at: Instant,
    /// In samples, 48 000 a second.
    pub(crate) time: u64,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Peer {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    mid: Option<Mid>,
    pending: Option<SdpPendingOffer>,
    /// The data channel of the SDK, once it is open.
    pub(crate) ctl: Option<ChannelId>,
    pub(crate) heard: Vec<Sound>,
    pub(crate) is_connected: bool,
}

impl Peer {
    pub(crate) async fn new() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let local = socket.local_addr().unwrap();
        let mut rtc = Rtc::builder().clear_codecs().enable_opus(true, false).build(Instant::now());
        rtc.add_local_candidate(Candidate::host(local, "udp").unwrap());
        let (mid, pending, ctl, heard) = (None, None, None, Vec::new());
        Self { rtc, socket, local, mid, pending, ctl, heard, is_connected: false }
    }

    /// The SDP of an offer: sound both ways and the data channel of the SDK the first time, then a restart of ICE.
    pub(crate) fn offer(&mut self) -> String {
        let mut changes = self.rtc.sdp_api();
        if self.mid.is_some() {
            changes.ice_restart(true);
        } else {
            self.mid = Some(changes.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None));
            let negotiated = Some(0);
            changes.add_channel_with_config(ChannelConfig { negotiated, ..ChannelConfig::default() });
        }
        let (offer, pending) = changes.apply().unwrap();
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub(crate) fn take_answer(&mut self, sdp: &str) {
        let answer = SdpAnswer::from_sdp_string(sdp).unwrap();
        self.rtc.sdp_api().accept_answer(self.pending.take().unwrap(), answer).unwrap();
    }

    /// Says a packet.
    pub(crate) async fn say(&mut self, time: u64, payload: &[u8]) {
        let writer = self.rtc.writer(self.mid.unwrap()).unwrap();
        let pt = writer.payload_params().next().unwrap().pt();
        writer
            .write(
                pt,
                Instant::now(),
                MediaTime::new(time, str0m::media::Frequency::FORTY_EIGHT_KHZ),
                payload,
            )
            .unwrap();
        self.drain().await;
    }

    /// Says it on the data channel.
    pub(crate) async fn tell(&mut self, text: &str) {
        let mut channel = self.ctl.and_then(|ctl| self.rtc.channel(ctl)).unwrap();
        assert!(channel.write(false, text.as_bytes()).unwrap());
        self.drain().await;
    }

    /// Goes on until it is so.
    pub(crate) async fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !so(self) {
            assert!(started.elapsed() < PATIENCE, "in vain: {what}; heard {}", self.heard.len());
            self.step().await;
        }
    }

    /// One datagram, or one deadline.
    async fn step(&mut self) {
        let deadline = self.drain().await;
        let mut buffer = [0; 2048];
        let came = tokio::time::timeout_at(deadline.into(), self.socket.recv_from(&mut buffer)).await;
        let now = Instant::now();
        let input = match came {
            Ok(received) => {
                let (length, from) = received.unwrap();
                Input::Receive(now, Receive::new(Protocol::Udp, from, self.local, &buffer[..length]).unwrap())
            }
            Err(_) => Input::Timeout(now),
        };
        self.rtc.handle_input(input).unwrap();
    }

    /// Sends and notes what there is. Returns when there will be more.
    async fn drain(&mut self) -> Instant {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => return at,
                Output::Transmit(transmit) => {
                    self.socket.send_to(&transmit.contents, transmit.destination).await.unwrap();
                }
                Output::Event(Event::Connected) => self.is_connected = true,
                Output::Event(Event::ChannelOpen(ctl, _)) => self.ctl = Some(ctl),
                Output::Event(Event::MediaData(sound)) => {
                    let (time, payload) = (sound.time.numer(), sound.data.to_vec());
                    self.heard.push(Sound { at: Instant::now(), time, payload });
                }
                Output::Event(_) => {}
            }
        }
    }
}
