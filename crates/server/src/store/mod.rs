//! The record: what was acknowledged is here, synced to disk.
//!
//! SQLite in WAL mode with `synchronous = FULL`: a commit is on disk when it returns. There is one connection, so writers
//! never meet; whoever has several changes hands them over together and pays for one sync. It is no pool's: a pool asks
//! after each use whether its connection is still alive, and that is a trip to the database's thread and back.
//!
//! Not here: decisions. The store keeps calls as the call machine left them.

mod call;
mod quality;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqlSafeStr as _};
use tokio::sync::{MappedMutexGuard, Mutex as AsyncMutex, MutexGuard};

use call::Part;

pub use call::EndedCall;
pub use quality::{Class, LegQuality, MOS_CLASS, RatedCall};

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A newer Tincan made it.
    #[error(
        "the database {path} was made by a newer version of Tincan; start that version, or restore a backup"
    )]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// Another process has it.
    #[error("the database {path} is in use by another Tincan; stop that one, or choose another --data-dir")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A stored call cannot be read.
    #[error("the database holds a call that cannot be read ({0}); restore a backup")]
    Unreadable(postcard::Error),
    /// The server stops.
    #[error("the database was closed, since the server stops")]
    Closed,
    /// Anything else that the database says.
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    /// The tables cannot be brought up to date.
    #[error("the database cannot be brought up to date: {0}")]
    Migrate(MigrateError),
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    /// Nothing once it was closed.
    connection: Arc<AsyncMutex<Option<SqliteConnection>>>,
    texts: Arc<Mutex<Texts>>,
}

/// The statements that save calls, by the rows of live and ended calls that they have room for.
type Texts = HashMap<(usize, usize, Part), Arc<str>>;

impl Store {
    /// Opens the database file, making it if it is not there, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`], with a sentence that says what to do.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // One Tincan for one database: the lock is held as long as it runs.
            .pragma("locking_mode", "EXCLUSIVE")
            .busy_timeout(Duration::from_secs(2))
            // Or it would complain of the wait for another Tincan's lock, before we say in one sentence what it means.
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(|error| in_use(error, path))?;
        connection.execute("BEGIN IMMEDIATE; COMMIT").await.map_err(|error| in_use(error, path))?;
        migrator().run(&mut connection).await.map_err(|error| match error {
            MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => {
                StoreError::Newer { path: path.to_owned() }
            }
            error => StoreError::Migrate(error),
        })?;
        Ok(Self { connection: Arc::new(AsyncMutex::new(Some(connection))), texts: Arc::default() })
    }

    /// Writes everything to the database file and lets go of it.
    pub async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database could not be closed; its next start reads what is left");
        }
    }

    /// The connection, of nobody else as long as this is held.
    async fn connection(&self) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
        let connection = self.connection.lock().await;
        MutexGuard::try_map(connection, Option::as_mut).map_err(|_| StoreError::Closed)
    }
}

fn in_use(error: sqlx::Error, path: &Path) -> StoreError {
    const BUSY: &str = "5";
    match error.as_database_error().and_then(|error| error.code()) {
        Some(code) if code == BUSY => StoreError::InUse { path: path.to_owned() },
        _ => error.into(),
    }
}

/// The migrations, numbered, forward only.
fn migrator() -> Migrator {
    Migrator::with_migrations(migrations().into())
}

fn migrations() -> [Migration; 2] {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    [
        migration(1, "calls", include_str!("migrations/sqlite/0001_calls.sql")),
        migration(2, "call quality", include_str!("migrations/sqlite/0002_call_quality.sql")),
    ]
}
