//! How good a call is: what each leg's client reports, and what is kept of it.
//!
//! A client samples its statistics each second, makes an opinion score of each sample (ITU-T G.107, from the share of
//! sound that had to be made up), and sends a [`Report`] now and then. A [`Summary`] adds up the reports of one leg.
//!
//! Not here: samples and their score; they are the client's (`web/sdk/src/quality.ts`).

use serde::{Deserialize, Serialize};

/// Most one-second samples in one report.
pub const SAMPLES_MAX: u32 = 600;

/// Opinion scores, times 100: from bad to as good as a voice call gets.
const MOS: std::ops::RangeInclusive<u32> = 100..=450;

/// More than this is no time that a packet takes.
const MS_MAX: u32 = 60_000;

const PPM_MAX: u32 = 1_000_000;

/// The way that a call's sound takes, as its client sees it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// From browser to browser.
    Direct,
    /// Through a relay on either side; this side reaches its own by UDP, or has none.
    RelayUdp,
    /// Through a relay, which this side reaches by TCP.
    RelayTcp,
    /// Through a relay, which this side reaches by TLS.
    RelayTls,
    /// The browser does not tell.
    #[default]
    Unknown,
}

impl Path {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Direct, Self::RelayUdp, Self::RelayTcp, Self::RelayTls, Self::Unknown];

    /// The word on the wire and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::RelayUdp => "relay_udp",
            Self::RelayTcp => "relay_tcp",
            Self::RelayTls => "relay_tls",
            Self::Unknown => "unknown",
        }
    }
}

/// What is to blame for a poor call, as its client sees it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nothing is wrong.
    #[default]
    None,
    /// Packets are lost or late on this side's network.
    OwnNetwork,
    /// Packets are lost or late on the other side's.
    PeerNetwork,
    /// The way through the relay is long.
    Relay,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::OwnNetwork, Self::PeerNetwork, Self::Relay];

    /// The word on the wire and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OwnNetwork => "own_network",
            Self::PeerNetwork => "peer_network",
            Self::Relay => "relay",
        }
    }
}

/// What a leg's client measured since its last report. What its browser does not tell is `None`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Report {
    /// One-second samples in it: 1 to [`SAMPLES_MAX`].
    pub samples: u32,
    /// Mean opinion score of the samples, times 100: 100 to 450.
    pub mos: u32,
    /// The lowest score of a sample, times 100.
    pub mos_min: u32,
    /// Samples whose score was below 3.
    pub poor: u32,
    /// The share of played sound that was made up, in millionths.
    pub concealed_ppm: Option<u32>,
    /// The share of the other side's packets that did not arrive, in millionths.
    pub lost_ppm: Option<u32>,
    /// The share of this side's packets that the other side did not get, in millionths.
    pub remote_lost_ppm: Option<u32>,
    /// Mean round trip, in milliseconds.
    pub rtt_ms: Option<u32>,
    /// Mean interarrival jitter, in milliseconds.
    pub jitter_ms: Option<u32>,
    /// The way.
    pub path: Path,
    /// What is to blame for poor samples.
    pub cause: Cause,
}

impl Report {
    /// Whether each number can be what it says it is.
    ///
    /// # Errors
    /// A sentence that names the number.
    pub fn check(&self) -> Result<(), &'static str> {
        let ppm = [self.concealed_ppm, self.lost_ppm, self.remote_lost_ppm];
        let ms = [self.rtt_ms, self.jitter_ms];
        if !(1..=SAMPLES_MAX).contains(&self.samples) {
            return Err("`samples` is from 1 to 600");
        }
        if !MOS.contains(&self.mos) || !MOS.contains(&self.mos_min) || self.mos_min > self.mos {
            return Err("`mos` and `mos_min` are from 100 to 450, and `mos_min` is not above `mos`");
        }
        if self.poor > self.samples {
            return Err("`poor` is not above `samples`");
        }
        if ppm.iter().flatten().any(|share| *share > PPM_MAX) {
            return Err("a share is at most 1000000");
        }
        if ms.iter().flatten().any(|ms| *ms > MS_MAX) {
            return Err("`rtt_ms` and `jitter_ms` are at most 60000");
        }
        Ok(())
    }
}

/// The reports of one leg, added up.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// One-second samples in all.
    pub samples: u32,
    mos: Mean,
    /// The lowest score of a sample, times 100; 0 before there is one.
    pub mos_min: u32,
    /// Samples whose score was below 3.
    pub poor: u32,
    concealed: Mean,
    lost: Mean,
    remote_lost: Mean,
    rtt: Mean,
    jitter: Mean,
    /// The way of the latest report that knew it.
    pub path: Path,
    /// What the latest poor report blamed.
    pub cause: Cause,
}

/// A mean over samples.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Mean {
    sum: u64,
    samples: u32,
}

impl Mean {
    fn add(&mut self, value: Option<u32>, samples: u32) {
        if let Some(value) = value {
            self.sum += u64::from(value) * u64::from(samples);
            self.samples = self.samples.saturating_add(samples);
        }
    }

    fn get(self) -> Option<u32> {
        u32::try_from(self.sum.checked_div(self.samples.into())?).ok()
    }
}

impl Summary {
    /// Adds a report.
    pub fn add(&mut self, report: &Report) {
        let samples = report.samples;
        self.mos_min = if self.samples == 0 { report.mos_min } else { self.mos_min.min(report.mos_min) };
        self.samples = self.samples.saturating_add(samples);
        self.poor = self.poor.saturating_add(report.poor);
        self.mos.add(Some(report.mos), samples);
        self.concealed.add(report.concealed_ppm, samples);
        self.lost.add(report.lost_ppm, samples);
        self.remote_lost.add(report.remote_lost_ppm, samples);
        self.rtt.add(report.rtt_ms, samples);
        self.jitter.add(report.jitter_ms, samples);
        if report.path != Path::Unknown {
            self.path = report.path;
        }
        if report.cause != Cause::None {
            self.cause = report.cause;
        }
    }

    /// All of it as one report, which is how it is kept; `None` without a sample. Added to an empty summary, it is this
    /// one again, but that a number which some reports had not told weighs as if all had.
    #[must_use]
    pub fn as_report(&self) -> Option<Report> {
        Some(Report {
            samples: self.samples,
            mos: self.mos()?,
            mos_min: self.mos_min,
            poor: self.poor,
            concealed_ppm: self.concealed_ppm(),
            lost_ppm: self.lost_ppm(),
            remote_lost_ppm: self.remote_lost_ppm(),
            rtt_ms: self.rtt_ms(),
            jitter_ms: self.jitter_ms(),
            path: self.path,
            cause: self.cause,
        })
    }

    /// Mean opinion score, times 100; `None` without a sample.
    #[must_use]
    pub fn mos(&self) -> Option<u32> {
        self.mos.get()
    }

    /// The share of played sound that was made up, in millionths.
    #[must_use]
    pub fn concealed_ppm(&self) -> Option<u32> {
        self.concealed.get()
    }

    /// The share of the other side's packets that did not arrive, in millionths.
    #[must_use]
    pub fn lost_ppm(&self) -> Option<u32> {
        self.lost.get()
    }

    /// The share of this side's packets that the other side did not get, in millionths.
    #[must_use]
    pub fn remote_lost_ppm(&self) -> Option<u32> {
        self.remote_lost.get()
    }

    /// Mean round trip, in milliseconds.
    #[must_use]
    pub fn rtt_ms(&self) -> Option<u32> {
        self.rtt.get()
    }

    /// Mean interarrival jitter, in milliseconds.
    #[must_use]
    pub fn jitter_ms(&self) -> Option<u32> {
        self.jitter.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Report = Report {
        samples: 30,
        mos: 430,
        mos_min: 410,
        poor: 0,
        concealed_ppm: Some(1000),
        lost_ppm: Some(2000),
        remote_lost_ppm: None,
        rtt_ms: Some(40),
        jitter_ms: Some(3),
        path: Path::Direct,
        cause: Cause::None,
    };

    #[test]
    fn a_report_with_impossible_numbers_is_refused() {
        assert_eq!(GOOD.check(), Ok(()));
        for bad in [
            Report { samples: 0, ..GOOD },
            Report { samples: 601, ..GOOD },
            Report { mos: 99, mos_min: 99, ..GOOD },
            Report { mos: 451, ..GOOD },
            Report { mos_min: 431, ..GOOD },
            Report { poor: 31, ..GOOD },
            Report { lost_ppm: Some(1_000_001), ..GOOD },
            Report { rtt_ms: Some(60_001), ..GOOD },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_summary_weighs_each_report_by_its_samples() {
        let mut summary = Summary::default();
        assert_eq!((summary.mos(), summary.rtt_ms()), (None, None));
        summary.add(&GOOD);
        summary.add(&Report {
            samples: 10,
            mos: 230,
            mos_min: 150,
            poor: 9,
            rtt_ms: None,
            path: Path::Unknown,
            cause: Cause::OwnNetwork,
            ..GOOD
        });
        assert_eq!((summary.samples, summary.mos(), summary.mos_min, summary.poor), (40, Some(380), 150, 9));
        summary.add(&GOOD);
        assert_eq!(
            (summary.mos_min, summary.cause),
            (150, Cause::OwnNetwork),
            "what was poor once is not forgotten"
        );
        assert_eq!((summary.rtt_ms(), summary.remote_lost_ppm()), (Some(40), None));
        assert_eq!(summary.path, Path::Direct);
    }

    #[test]
    fn a_summary_that_was_kept_goes_on_where_it_was() {
        let (mut whole, mut first) = (Summary::default(), Summary::default());
        assert_eq!(first.as_report(), None);
        first.add(&GOOD);
        let mut later = Summary::default();
        later.add(&first.as_report().unwrap());
        let poor = Report { samples: 10, mos: 230, mos_min: 150, poor: 9, ..GOOD };
        later.add(&poor);
        whole.add(&GOOD);
        whole.add(&poor);
        assert_eq!(later, whole);
    }

    #[test]
    fn words_are_those_of_the_wire() {
        for path in Path::ALL {
            assert_eq!(serde_json::to_value(path).unwrap(), path.as_str());
        }
        for cause in Cause::ALL {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
        }
    }
}
