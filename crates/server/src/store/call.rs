//! Calls: the live ones as a whole, the ended ones as history.

use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};
use tincan_proto::call::{Call, Limits};
use tincan_proto::id::CallId;
use tincan_proto::time::Millis;

use super::{Store, StoreError};

/// Rows of one statement. Few sizes, so that each statement is prepared once.
const CHUNKS: [usize; 3] = [32, 8, 1];

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
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for chunk in chunks(&live) {
            upsert_live(&mut tx, chunk, limits).await?;
        }
        for chunk in chunks(&ended) {
            delete_live(&mut tx, chunk).await?;
            insert_ended(&mut tx, chunk).await?;
        }
        tx.commit().await?;
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

async fn upsert_live(tx: &mut SqliteConnection, calls: &[&Call], limits: &Limits) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO live_call (id, deadline_at, version, body) ");
    query.push_values(calls, |mut row, call| {
        row.push_bind(call.id().to_string());
        row.push_bind(call.deadline(limits).map(|at| int(at.0)));
        row.push_bind(i64::from(call.version()));
        // Names, numbers and JSON texts only: this cannot fail.
        row.push_bind(serde_json::to_string(call).unwrap_or_default());
    });
    query.push(
        " ON CONFLICT (id) DO UPDATE SET deadline_at = excluded.deadline_at, version = excluded.version, \
         body = excluded.body",
    );
    query.build().execute(tx).await?;
    Ok(())
}

async fn delete_live(tx: &mut SqliteConnection, calls: &[&Call]) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("DELETE FROM live_call WHERE id IN (");
    let mut ids = query.separated(", ");
    for call in calls {
        ids.push_bind(call.id().to_string());
    }
    query.push(")");
    query.build().execute(tx).await?;
    Ok(())
}

async fn insert_ended(tx: &mut SqliteConnection, calls: &[&Call]) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO ended_call (id, caller, callee, callee_device, requested_at, accepted_at, ended_at, talk_ms, \
         reason, ended_by) ",
    );
    let ended = calls.iter().filter_map(|call| call.end().map(|end| (call, end)));
    query.push_values(ended, |mut row, (call, end)| {
        row.push_bind(call.id().to_string());
        row.push_bind(call.caller().to_string());
        row.push_bind(call.callee().to_string());
        row.push_bind(call.accepted().map(|(device, _)| device.to_string()));
        row.push_bind(int(call.requested_at().0));
        row.push_bind(call.accepted().map(|(_, at)| int(at.0)));
        row.push_bind(int(end.at.0));
        row.push_bind(int(end.talk_ms));
        row.push_bind(end.reason.as_str());
        row.push_bind(end.by.as_ref().map(ToString::to_string));
    });
    query.build().execute(tx).await?;
    Ok(())
}

/// Cuts `all` into pieces of the sizes in [`CHUNKS`], largest first.
fn chunks<T>(mut all: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = CHUNKS.into_iter().find(|size| *size <= all.len())?;
        let (chunk, rest) = all.split_at(size);
        all = rest;
        Some(chunk)
    })
}

/// SQL has signed integers only; our times and lengths are far from their end.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunks_come_in_few_sizes_and_leave_nothing_out() {
        let all: Vec<usize> = (0..75).collect();
        let sizes: Vec<usize> = chunks(&all).map(<[usize]>::len).collect();
        assert_eq!(sizes, [32, 32, 8, 1, 1, 1]);
        assert_eq!(chunks(&all).flatten().copied().collect::<Vec<_>>(), all);
    }
}
