//! What is in the `data` of a client's frames, where the server reads it.

use serde::Deserialize;

use super::strict::Word;
use crate::call::{EndReason, Media, RejectReason, Scope};
use crate::quality::{Cause, Path, Report};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Reject {
    pub(super) reason: Word<RejectReason>,
    pub(super) scope: Word<Scope>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct HangUp {
    pub(super) reason: Word<HangUpReason>,
}

/// The reasons that a client may give; the others are the server's to find.
#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HangUpReason {
    #[default]
    HungUp,
    MediaFailed,
    UserMediaFailed,
    ConnectionLost,
}

impl From<HangUpReason> for EndReason {
    fn from(reason: HangUpReason) -> Self {
        match reason {
            HangUpReason::HungUp => Self::HungUp,
            HangUpReason::MediaFailed => Self::MediaFailed,
            HangUpReason::UserMediaFailed => Self::UserMediaFailed,
            HangUpReason::ConnectionLost => Self::ConnectionLost,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Update {
    #[serde(default)]
    pub(super) media: Option<Word<Media>>,
    #[serde(default)]
    #[expect(dead_code, reason = "only its type is checked; the other leg reads it")]
    pub(super) muted: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IceAsk {
    pub(super) relay_only: Option<bool>,
}

/// [`Report`], as it is written.
#[derive(Deserialize)]
pub(super) struct Quality {
    samples: u32,
    mos: u32,
    mos_min: u32,
    poor: u32,
    #[serde(default)]
    concealed_ppm: Option<u32>,
    #[serde(default)]
    lost_ppm: Option<u32>,
    #[serde(default)]
    remote_lost_ppm: Option<u32>,
    #[serde(default)]
    rtt_ms: Option<u32>,
    #[serde(default)]
    jitter_ms: Option<u32>,
    path: Word<Path>,
    cause: Word<Cause>,
}

impl From<Quality> for Report {
    fn from(written: Quality) -> Self {
        let Quality { samples, mos, mos_min, poor, concealed_ppm, lost_ppm, remote_lost_ppm, .. } = written;
        let Quality { rtt_ms, jitter_ms, path: Word(path), cause: Word(cause), .. } = written;
        Self {
            samples,
            mos,
            mos_min,
            poor,
            concealed_ppm,
            lost_ppm,
            remote_lost_ppm,
            rtt_ms,
            jitter_ms,
            path,
            cause,
        }
    }
}
