//! Calls: the live ones as a whole, the ended ones as history.

use std::fmt::Write as _;
use std::sync::Arc;

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};
use tincan_proto::call::Call;
use tincan_proto::id::{Address, CallId};
use tincan_proto::time::Millis;

use super::{Store, StoreError};

/// How a live call's body is laid out: its first byte. A call outlives an upgrade of the server, so a change of
/// [`Call`]'s fields is a new number here, and the old layout must still be read.
///
/// 1: postcard. A call takes 150 bytes so, and 450 in JSON; under load, writing pages is what storing costs.
const LAYOUT: u8 = 1;

/// Most rows of a statement: an ended one has 11 parameters, and SQLite takes 32,766.
const ROWS: usize = 1024;

/// What of a transaction a text is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Part {
    /// All of it, from `BEGIN` to `COMMIT`.
    Whole,
    /// Some of what is between them.
    Middle,
}

/// Columns of an ended call, in the statement's order.
pub(super) const ENDED: &str =
    "id, caller, callee, callee_device, requested_at, accepted_at, ended_at, talk_ms, reason, ended_by";

/// A call that ended, as history tells it. Times in milliseconds since the epoch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndedCall {
    /// The call.
    pub id: CallId,
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
    pub async fn save_calls(&self, calls: &[&Call]) -> Result<(), StoreError> {
        let (ended, live): (Vec<&Call>, Vec<&Call>) =
            calls.iter().copied().partition(|call| call.end().is_some());
        let mut connection = self.connection().await?;
        let saved = if live.len().max(ended.len()) <= ROWS {
            self.save_rows(&mut connection, &live, &ended, Part::Whole).await
        } else {
            self.save_parts(&mut connection, &live, &ended).await
        };
        if saved.is_err() {
            // The statements stop at the one that failed, inside the transaction.
            let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        }
        saved
    }

    /// More rows than a statement has room for, in one transaction: all calls may end at once.
    async fn save_parts(
        &self,
        connection: &mut SqliteConnection,
        live: &[&Call],
        ended: &[&Call],
    ) -> Result<(), StoreError> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        for rows in live.chunks(ROWS) {
            self.save_rows(connection, rows, &[], Part::Middle).await?;
        }
        for rows in ended.chunks(ROWS) {
            self.save_rows(connection, &[], rows, Part::Middle).await?;
        }
        sqlx::query("COMMIT").execute(connection).await?;
        Ok(())
    }

    async fn save_rows(
        &self,
        connection: &mut SqliteConnection,
        live: &[&Call],
        ended: &[&Call],
        part: Part,
    ) -> Result<(), StoreError> {
        let (live_room, ended_room) = (room(live.len()), room(ended.len()));
        let mut arguments = SqliteArguments::default();
        arguments.reserve(live_room * 2 + ended_room * 11, 0);
        bind_live(&mut arguments, live, live_room)?;
        bind_ended(&mut arguments, ended, ended_room)?;
        let text = Arc::clone(
            self.texts.lock().entry((live_room, ended_room, part)).or_insert_with_key(|of| save(*of)),
        );
        // The text is made of our own words and numbers.
        sqlx::query_with(AssertSqlSafe(text), arguments).execute(connection).await?;
        Ok(())
    }

    /// The calls that were live when the server last stopped, or stopped being.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn live_calls(&self) -> Result<Vec<Call>, StoreError> {
        let rows = sqlx::query("SELECT body FROM live_call ORDER BY id")
            .fetch_all(&mut *self.connection().await?)
            .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let body: &[u8] = row.try_get(0)?;
            read_body(body)
        };
        rows.iter().map(read).collect()
    }

    /// The newest ended calls, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_calls(&self, most: u32) -> Result<Vec<EndedCall>, StoreError> {
        const SELECT: &str = "SELECT id, caller, callee, callee_device, requested_at, accepted_at, ended_at, talk_ms, \
            reason, ended_by FROM ended_call ORDER BY row DESC LIMIT $1";
        let rows = sqlx::query(SELECT).bind(most).fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(read_ended).collect()
    }

    /// Ids of calls that ended at or after `since`, oldest first, at most 100,000.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_since(&self, since: Millis) -> Result<Vec<CallId>, StoreError> {
        const SELECT: &str = "SELECT id FROM (SELECT row, id, ended_at FROM ended_call ORDER BY row DESC LIMIT 100000) \
            WHERE ended_at >= $1 ORDER BY row";
        let ids: Vec<Vec<u8>> =
            sqlx::query_scalar(SELECT).bind(int(since.0)).fetch_all(&mut *self.connection().await?).await?;
        ids.iter().map(|id| read_id(id)).collect()
    }
}

/// The rows that a statement has room for if it must hold `rows`: few sizes, the powers of four, so that each is prepared
/// once and all of them take little memory. What is left over stays NULL.
const fn room(rows: usize) -> usize {
    if rows == 0 {
        return 0;
    }
    let room = rows.next_power_of_two();
    if room.trailing_zeros().is_multiple_of(2) { room } else { room * 2 }
}

/// A whole transaction in one text: one trip to the database's thread and back is all that a commit costs beside its sync.
/// The parameters are bare: SQLite looks for a numbered one among all others each time.
fn save((live, ended, part): (usize, usize, Part)) -> Arc<str> {
    let mut sql = String::new();
    if part == Part::Whole {
        sql.push_str("BEGIN IMMEDIATE;");
    }
    if live > 0 {
        let rows = list("(?,?)", live);
        let _ = write!(
            sql,
            "INSERT INTO live_call (id, body) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
             ON CONFLICT (id) DO UPDATE SET body = excluded.body;"
        );
    }
    if ended > 0 {
        let (rows, ids) = (list("(?,?,?,?,?,?,?,?,?,?)", ended), list("?", ended));
        let _ = write!(
            sql,
            "INSERT INTO ended_call ({ENDED}) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL;\
             DELETE FROM live_call WHERE id IN ({ids});"
        );
    }
    if part == Part::Whole {
        sql.push_str("COMMIT");
    }
    sql.into()
}

/// `item,item,…`
fn list(item: &str, times: usize) -> String {
    let mut list = format!("{item},").repeat(times);
    list.pop();
    list
}

type Bound = Result<(), StoreError>;

fn bind_live(arguments: &mut SqliteArguments, calls: &[&Call], room: usize) -> Bound {
    let mut bind = Binder(arguments);
    for call in calls {
        bind.add(call.id().as_bytes().to_vec())?;
        bind.add(write_body(call)?)?;
    }
    bind.nothing((room - calls.len()) * 2)
}

fn bind_ended(arguments: &mut SqliteArguments, calls: &[&Call], room: usize) -> Bound {
    let mut bind = Binder(arguments);
    for (call, end) in calls.iter().filter_map(|call| call.end().map(|end| (call, end))) {
        bind.add(call.id().as_bytes().to_vec())?;
        bind.add(text(call.caller()))?;
        bind.add(call.callee().to_string())?;
        bind.add(call.accepted().map(|(device, _)| text(device)))?;
        bind.add(int(call.requested_at().0))?;
        bind.add(call.accepted().map(|(_, at)| int(at.0)))?;
        bind.add(int(end.at.0))?;
        bind.add(int(end.talk_ms))?;
        bind.add(end.reason.as_str())?;
        bind.add(end.by.as_ref().map(text))?;
    }
    bind.nothing((room - calls.len()) * 10)?;
    for call in calls {
        bind.add(call.id().as_bytes().to_vec())?;
    }
    bind.nothing(room - calls.len())
}

/// `user/device`, in one allocation.
fn text(address: &Address) -> String {
    [address.user.as_str(), "/", address.device.as_str()].concat()
}

fn write_body(call: &Call) -> Result<Vec<u8>, StoreError> {
    // Room for most calls at once: it is written byte by byte.
    let mut body = Vec::with_capacity(256);
    body.push(LAYOUT);
    postcard::to_extend(call, body).map_err(StoreError::Unreadable)
}

fn read_body(body: &[u8]) -> Result<Call, StoreError> {
    match body {
        [LAYOUT, rest @ ..] => postcard::from_bytes(rest).map_err(StoreError::Unreadable),
        _ => Err(StoreError::Unreadable(postcard::Error::DeserializeBadEncoding)),
    }
}

/// Reads the columns of [`ENDED`], which are the row's first.
pub(super) fn read_ended(row: &sqlx::sqlite::SqliteRow) -> Result<EndedCall, StoreError> {
    Ok(EndedCall {
        id: read_id(row.try_get(0)?)?,
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
}

pub(super) fn read_id(id: &[u8]) -> Result<CallId, StoreError> {
    let bytes = id.try_into().map_err(|_| StoreError::Unreadable(postcard::Error::DeserializeBadEncoding))?;
    Ok(CallId::from_bytes(bytes))
}

/// Adds a statement's arguments one by one.
struct Binder<'a>(&'a mut SqliteArguments);

impl Binder<'_> {
    fn add<'q, T: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>>(&mut self, value: T) -> Bound {
        self.0.add(value).map_err(|error| StoreError::Database(sqlx::Error::Encode(error)))
    }

    fn nothing(&mut self, times: usize) -> Bound {
        (0..times).try_for_each(|_| self.add(None::<i64>))
    }
}

/// SQL has signed integers only; our times and lengths are far from their end.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
