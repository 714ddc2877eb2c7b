//! Calls: the live ones as a whole, the ended ones as history.

use serde::Serialize;
use sqlx::Row as _;
use tincan_proto::call::{Call, Limits};
use tincan_proto::id::CallId;
use tincan_proto::time::Millis;

use super::{Store, StoreError};

/// Stores any number of calls in one go: `$1` is the live ones, `$2` the ended ones, each a JSON array of rows. One text for
/// all sizes is prepared once, and one trip to the database's thread and back is all that a commit costs beside its sync.
const SAVE: &str = "
    BEGIN IMMEDIATE;
    INSERT INTO live_call (id, deadline_at, version, body)
        SELECT value ->> 0, value ->> 1, value ->> 2, value -> 3 FROM json_each($1) WHERE true
        ON CONFLICT (id) DO UPDATE
        SET deadline_at = excluded.deadline_at, version = excluded.version, body = excluded.body;
    DELETE FROM live_call WHERE id IN (SELECT value ->> 0 FROM json_each($2));
    INSERT INTO ended_call (id, caller, callee, callee_device, requested_at, accepted_at, ended_at, talk_ms, reason,
            ended_by)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
            value ->> 8, value ->> 9
        FROM json_each($2) WHERE true;
    COMMIT";

/// A call that ended, as history tells it. Times in milliseconds since the epoch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndedCall {
    /// The call.
    pub id: String,
    /// `user/device`.
    pub caller: String,
    /// The user who was called.
    pub callee: String,
    /// `user/device` that accepted.
    pub callee_device: Option<String>,
    /// When it was requested.
    pub requested_at: i64,
    /// When it was accepted.
    pub accepted_at: Option<i64>,
    /// When it ended.
    pub ended_at: i64,
    /// How long it was connected.
    pub talk_ms: i64,
    /// Why it ended.
    pub reason: String,
    /// `user/device` that ended it.
    pub ended_by: Option<String>,
}

impl Store {
    /// Stores calls as they now stand, all or none: live ones replace what was there, ended ones become history.
    /// On disk when it returns.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was stored.
    pub async fn save_calls(&self, calls: &[&Call], limits: &Limits) -> Result<(), StoreError> {
        let (ended, live): (Vec<&Call>, Vec<&Call>) = calls.iter().copied().partition(|call| call.end().is_some());
        let live = rows(live.into_iter().map(|call| (call.id(), call.deadline(limits), call.version(), call)));
        let ended = rows(ended.into_iter().filter_map(|call| {
            let (end, accepted) = (call.end()?, call.accepted());
            let who = (call.caller(), call.callee(), accepted.map(|(device, _)| device));
            let when = (call.requested_at(), accepted.map(|(_, at)| at), end.at, end.talk_ms);
            // Flat, as the statement reads it.
            Some((call.id(), who.0, who.1, who.2, when.0, when.1, when.2, when.3, end.reason, &end.by))
        }));
        let saved = sqlx::query(SAVE).bind(live).bind(ended).execute(&self.writer).await;
        if saved.is_err() {
            // The statements stop at the one that failed, inside the transaction.
            let _ = sqlx::query("ROLLBACK").execute(&self.writer).await;
        }
        saved?;
        Ok(())
    }

    /// The calls that were live when the server last stopped, or stopped being.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn live_calls(&self) -> Result<Vec<Call>, StoreError> {
        let rows = sqlx::query("SELECT body FROM live_call ORDER BY id").fetch_all(&self.writer).await?;
        let read = |row: sqlx::sqlite::SqliteRow| {
            let body: String = row.try_get(0)?;
            serde_json::from_str(&body).map_err(StoreError::Unreadable)
        };
        rows.into_iter().map(read).collect()
    }

    /// The newest ended calls, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_calls(&self, most: u32) -> Result<Vec<EndedCall>, StoreError> {
        const SELECT: &str = "SELECT id, caller, callee, callee_device, requested_at, accepted_at, ended_at, talk_ms, \
            reason, ended_by FROM ended_call ORDER BY row DESC LIMIT $1";
        let rows = sqlx::query(SELECT).bind(most).fetch_all(&self.writer).await?;
        let read = |row: sqlx::sqlite::SqliteRow| {
            Ok(EndedCall {
                id: row.try_get(0)?,
                caller: row.try_get(1)?,
                callee: row.try_get(2)?,
                callee_device: row.try_get(3)?,
                requested_at: row.try_get(4)?,
                accepted_at: row.try_get(5)?,
                ended_at: row.try_get(6)?,
                talk_ms: row.try_get(7)?,
                reason: row.try_get(8)?,
                ended_by: row.try_get(9)?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Ids of calls that ended at or after `since`, oldest first, at most 100,000.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_since(&self, since: Millis) -> Result<Vec<CallId>, StoreError> {
        const SELECT: &str = "SELECT id FROM (SELECT row, id, ended_at FROM ended_call ORDER BY row DESC LIMIT 100000) \
            WHERE ended_at >= $1 ORDER BY row";
        let ids: Vec<String> = sqlx::query_scalar(SELECT).bind(int(since.0)).fetch_all(&self.writer).await?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }
}

/// A JSON array of `rows`.
fn rows<T: Serialize>(rows: impl Iterator<Item = T>) -> String {
    // Names, numbers and JSON texts only: this cannot fail.
    serde_json::to_string(&rows.collect::<Vec<_>>()).unwrap_or_default()
}

/// SQL has signed integers only; our times and lengths are far from their end.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
