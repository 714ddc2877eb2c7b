//! How good calls were: one row for each leg that reported, and what an operator asks of them.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _};
use tincan_proto::call::Role;
use tincan_proto::id::CallId;
use tincan_proto::quality::{Cause, Path, Report};
use tincan_proto::time::Millis;

use super::call::{ENDED, EndedCall, int, read_ended, read_id};
use super::{Store, StoreError};

/// Rows of one statement: what waits behind it for the connection waits some milliseconds.
const ROWS: usize = 500;

/// The width of a class of opinion scores, times 100.
pub const MOS_CLASS: u32 = 25;

/// Columns in the statements' order; the last ones, from `samples` on, are what is replaced by a later sum.
const COLUMNS: [&str; 15] = [
    "call_id",
    "role",
    "leg",
    "samples",
    "mos",
    "mos_min",
    "poor",
    "concealed_ppm",
    "lost_ppm",
    "remote_lost_ppm",
    "rtt_ms",
    "jitter_ms",
    "path",
    "cause",
    "reported_at",
];

/// What the reports of one leg come to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LegQuality {
    /// The call.
    pub call: CallId,
    /// The leg's part in it.
    pub role: Role,
    /// `user/device`.
    pub leg: String,
    /// All its reports, as one.
    pub report: Report,
    /// When the last of them came.
    pub reported_at: Millis,
}

/// A call that ended, its place in the history, and how good its legs were: the caller's first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RatedCall {
    /// Grows from call to call, in the order of their ends.
    pub row: i64,
    /// The call.
    pub call: EndedCall,
    /// Those of its legs that reported.
    pub legs: Vec<LegQuality>,
}

/// How many legs were alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Class {
    /// Their scores, times 100, are from 100 + [`MOS_CLASS`] times this, and below 100 + [`MOS_CLASS`] times the next.
    pub mos: u32,
    /// Their way.
    pub path: Path,
    /// How many.
    pub legs: u64,
}

impl Store {
    /// Stores what the reports of legs come to; what was stored of the same leg is replaced.
    ///
    /// # Errors
    /// [`StoreError`]; some of the legs may be stored.
    pub async fn save_quality(&self, legs: &[LegQuality]) -> Result<(), StoreError> {
        for legs in legs.chunks(ROWS) {
            let mut sql = QueryBuilder::new(format!("INSERT INTO call_quality ({}) ", COLUMNS.join(", ")));
            sql.push_values(legs, |mut row, leg| {
                let Report { path, cause, .. } = leg.report;
                let report = &leg.report;
                row.push_bind(leg.call.as_bytes().to_vec()).push_bind(role(leg.role)).push_bind(&leg.leg);
                row.push_bind(report.samples).push_bind(report.mos).push_bind(report.mos_min);
                row.push_bind(report.poor).push_bind(report.concealed_ppm).push_bind(report.lost_ppm);
                row.push_bind(report.remote_lost_ppm).push_bind(report.rtt_ms).push_bind(report.jitter_ms);
                row.push_bind(path.as_str()).push_bind(cause.as_str()).push_bind(int(leg.reported_at.0));
            });
            let replaced: Vec<String> =
                COLUMNS[2..].iter().map(|column| format!("{column} = excluded.{column}")).collect();
            sql.push(format!(" ON CONFLICT (call_id, role) DO UPDATE SET {}", replaced.join(", ")));
            sql.build().persistent(false).execute(&mut *self.connection().await?).await?;
        }
        Ok(())
    }

    /// What was stored of the legs of calls that are live: their sums go on from there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quality_of_live_calls(&self) -> Result<Vec<LegQuality>, StoreError> {
        let columns = COLUMNS.join(", ");
        let mut sql = QueryBuilder::new(format!(
            "SELECT {columns} FROM call_quality WHERE call_id IN (SELECT id FROM live_call)"
        ));
        let rows = sql.build().fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(|row| read_leg(row, 0)).collect()
    }

    /// The newest ended calls whose row is below `before`, newest first, with the quality of their legs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rated_calls(&self, before: Option<i64>, most: u32) -> Result<Vec<RatedCall>, StoreError> {
        let legs: Vec<String> = COLUMNS.iter().map(|column| format!("q.{column}")).collect();
        let mut sql = QueryBuilder::new(format!(
            "SELECT c.*, {} FROM (SELECT {ENDED}, row FROM ended_call WHERE row < ",
            legs.join(", ")
        ));
        sql.push_bind(before.unwrap_or(i64::MAX))
            .push(" ORDER BY row DESC LIMIT ")
            .push_bind(i64::from(most));
        sql.push(") AS c LEFT JOIN call_quality AS q ON q.call_id = c.id ORDER BY c.row DESC, q.role DESC");
        let mut calls: Vec<RatedCall> = Vec::new();
        for row in sql.build().fetch_all(&mut *self.connection().await?).await? {
            let number: i64 = row.try_get("row")?;
            if calls.last().is_none_or(|last| last.row != number) {
                calls.push(RatedCall { row: number, call: read_ended(&row)?, legs: Vec::new() });
            }
            // Behind the call's own columns and its row. A call without a rated leg comes once, with none.
            let first = ENDED.split(',').count() + 1;
            if row.try_get::<Option<&str>, _>(first + 1)?.is_some()
                && let Some(last) = calls.last_mut()
            {
                last.legs.push(read_leg(&row, first)?);
            }
        }
        Ok(calls)
    }

    /// How good the legs were whose last report came at or after `since`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quality_since(&self, since: Millis) -> Result<Vec<Class>, StoreError> {
        let class = format!("(mos - 100) / {MOS_CLASS}");
        let mut sql = QueryBuilder::new(format!(
            "SELECT {class}, path, COUNT(*) FROM call_quality WHERE reported_at >= "
        ));
        sql.push_bind(int(since.0)).push(format!(" GROUP BY {class}, path ORDER BY {class}, path"));
        let read = |row: &SqliteRow| {
            Ok(Class {
                mos: row.try_get(0)?,
                path: path(row.try_get(1)?),
                legs: u64::try_from(row.try_get::<i64, _>(2)?).unwrap_or(0),
            })
        };
        sql.build().fetch_all(&mut *self.connection().await?).await?.iter().map(read).collect()
    }
}

/// Reads [`COLUMNS`] from the one numbered `first` on.
fn read_leg(row: &SqliteRow, first: usize) -> Result<LegQuality, StoreError> {
    let number = |at: usize| row.try_get::<Option<u32>, _>(first + at);
    let counted = |at: usize| row.try_get::<u32, _>(first + at);
    let report = Report {
        samples: counted(3)?,
        mos: counted(4)?,
        mos_min: counted(5)?,
        poor: counted(6)?,
        concealed_ppm: number(7)?,
        lost_ppm: number(8)?,
        remote_lost_ppm: number(9)?,
        rtt_ms: number(10)?,
        jitter_ms: number(11)?,
        path: path(row.try_get(first + 12)?),
        cause: cause(row.try_get(first + 13)?),
    };
    let is_caller = row.try_get::<&str, _>(first + 1)? == role(Role::Caller);
    Ok(LegQuality {
        call: read_id(row.try_get(first)?)?,
        role: if is_caller { Role::Caller } else { Role::Callee },
        leg: row.try_get(first + 2)?,
        report,
        reported_at: Millis(u64::try_from(row.try_get::<i64, _>(first + 14)?).unwrap_or(0)),
    })
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Caller => "caller",
        Role::Callee => "callee",
    }
}

fn path(word: &str) -> Path {
    Path::ALL.into_iter().find(|path| path.as_str() == word).unwrap_or_default()
}

fn cause(word: &str) -> Cause {
    Cause::ALL.into_iter().find(|cause| cause.as_str() == word).unwrap_or_default()
}
