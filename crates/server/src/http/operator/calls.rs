//! `GET /calls`: live calls as they are reported, and ended ones as they were, a page at a time.
//!
//! Its TypeScript type is `Calls` in `web/app/src/operator/calls.ts`; `tests/it/operator.rs` and that file's test hold the
//! same sample.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tincan_proto::call::Role;
use tincan_proto::quality::{Path, Report};
use tincan_proto::time::Millis;

use super::Operator;
use crate::service::media;
use crate::store::{Class, LegQuality, MOS_CLASS, RatedCall, StoreError};

/// Live calls that are told, the worst first.
const LIVE_MOST: usize = 200;

/// Ended calls of a page.
const PAGE_MOST: u32 = 200;
const PAGE: u32 = 50;

/// How far back the distribution goes.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Classes of opinion scores: from 1 to 4.5.
const CLASSES: usize = 14;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Ended calls from below this `row`; the newest without it.
    before: Option<i64>,
    /// How many: with 0 there are only live ones.
    ended: Option<u32>,
}

/// The answer. Times are in milliseconds since the epoch, scores times 100.
#[derive(Debug, Serialize)]
pub struct Calls {
    /// The server's clock.
    pub now: u64,
    /// How many calls are live.
    pub live_total: usize,
    /// Some of them, the worst first.
    pub live: Vec<Live>,
    /// Ended ones, newest first.
    pub ended: Vec<Ended>,
    /// Ask with it as `before` for the next ones; null at the end.
    pub next: Option<i64>,
    /// Of legs that ended within a day; only with the newest page.
    pub day: Option<Day>,
}

/// A live call.
#[derive(Debug, Serialize)]
pub struct Live {
    /// Its id.
    pub call: String,
    /// When it was accepted.
    pub accepted_at: u64,
    /// The caller's first.
    pub legs: [LiveLeg; 2],
}

/// One leg of a live call.
#[derive(Debug, Serialize)]
pub struct LiveLeg {
    /// `user/device`.
    pub leg: String,
    /// What it last reported.
    pub latest: Option<Measured>,
    /// When, and the score, of its latest reports; oldest first.
    pub recent: Vec<(u64, u32)>,
}

/// A call that ended.
#[derive(Debug, Serialize)]
pub struct Ended {
    /// Its place in the history.
    pub row: i64,
    /// Its id.
    pub call: String,
    /// `user/device`.
    pub caller: String,
    /// The user who was called.
    pub callee: String,
    /// When it was requested.
    pub requested_at: i64,
    /// When it ended.
    pub ended_at: i64,
    /// How long it was connected.
    pub talk_ms: i64,
    /// Why it ended.
    pub reason: String,
    /// Those that reported, the caller's first.
    pub legs: Vec<EndedLeg>,
}

/// One leg of a call that ended.
#[derive(Debug, Serialize)]
pub struct EndedLeg {
    /// `user/device`.
    pub leg: String,
    /// Its part.
    pub role: Role,
    /// All that it reported.
    pub measured: Measured,
}

/// What was measured: as in `call-quality` of PROTOCOL.md.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// All of it.
    #[serde(flatten)]
    pub report: Report,
    /// When the last of it came.
    pub reported_at: u64,
}

/// The legs that ended within a day.
#[derive(Debug, Serialize)]
pub struct Day {
    /// The width of a class of scores.
    pub mos_class: u32,
    /// How many were in each class from 100 on.
    pub mos: Vec<u64>,
    /// How many went each way.
    pub paths: BTreeMap<&'static str, u64>,
}

/// `GET /calls`.
pub(super) async fn calls(
    State(operator): State<Operator>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = asked else {
        let sentence = "ask for /calls?before=<row>&ended=<number>; both may be left out\n";
        return (StatusCode::BAD_REQUEST, sentence).into_response();
    };
    match answer(&operator, &asked).await {
        Ok(calls) => ([(header::CACHE_CONTROL, "no-store")], Json(calls)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the operator's page cannot be served");
            (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be read; see the log\n").into_response()
        }
    }
}

async fn answer(operator: &Operator, asked: &Asked) -> Result<Calls, StoreError> {
    let now = operator.clock.now();
    let live = operator.live.live(LIVE_MOST);
    let most = asked.ended.unwrap_or(PAGE).min(PAGE_MOST);
    let (mut ended, mut day) = (Vec::new(), None);
    if most > 0 {
        ended = operator.store.rated_calls(asked.before, most).await?;
        if asked.before.is_none() {
            day = Some(Day::new(&operator.store.quality_since(now - DAY).await?));
        }
    }
    let is_full = most > 0 && ended.len() == most as usize;
    Ok(Calls {
        now: now.0,
        live_total: live.total,
        live: live.calls.into_iter().map(Live::new).collect(),
        next: ended.last().filter(|_| is_full).map(|last| last.row),
        ended: ended.into_iter().map(Ended::new).collect(),
        day,
    })
}

impl Live {
    /// As it is told.
    #[must_use]
    pub fn new(call: media::LiveCall) -> Self {
        let legs = call.legs.map(|leg| LiveLeg {
            leg: leg.leg,
            latest: leg.latest.map(|(report, at)| Measured::new(report, at)),
            recent: leg.recent.into_iter().map(|(at, mos)| (at.0, mos)).collect(),
        });
        Self { call: call.call.to_string(), accepted_at: call.accepted_at.0, legs }
    }
}

impl Ended {
    /// As it is told.
    #[must_use]
    pub fn new(rated: RatedCall) -> Self {
        let RatedCall { row, call, legs } = rated;
        let leg = |leg: LegQuality| EndedLeg {
            measured: Measured::new(leg.report, leg.reported_at),
            leg: leg.leg,
            role: leg.role,
        };
        Self {
            row,
            call: call.id.to_string(),
            caller: call.caller,
            callee: call.callee,
            requested_at: call.requested_at,
            ended_at: call.ended_at,
            talk_ms: call.talk_ms,
            reason: call.reason,
            legs: legs.into_iter().map(leg).collect(),
        }
    }
}

impl Measured {
    const fn new(report: Report, reported_at: Millis) -> Self {
        Self { report, reported_at: reported_at.0 }
    }
}

impl Day {
    /// Adds up what the store counted.
    #[must_use]
    pub fn new(classes: &[Class]) -> Self {
        let mut mos = vec![0; CLASSES];
        let mut paths: BTreeMap<_, _> = Path::ALL.iter().map(|path| (path.as_str(), 0)).collect();
        for class in classes {
            // The best score is the end of the last class.
            mos[(class.mos as usize).min(CLASSES - 1)] += class.legs;
            *paths.entry(class.path.as_str()).or_default() += class.legs;
        }
        Self { mos_class: MOS_CLASS, mos, paths }
    }
}
