//! The database: SQLite by default, one set of statements. Only this module knows SQL.
//!
//! [`Store::run`] is the one door for the server: it takes a pooled connection onto a blocking thread.
//! Query functions are plain `fn(&mut Conn, …)`, grouped by table: [`requests`] and [`usage`] (what happened),
//! [`decisions`] (what routers chose), [`prompts`] (bodies, where they are kept), [`positions`] (how far the journal was
//! copied), [`entries`] (what operators made), [`history`] (how it came to be so), [`admin`] (who may use the admin
//! listener), [`sealed_keys`] (keys of providers, encrypted), [`keys`], [`prices`], [`client_names`].
//!
//! Statements keep to what SQLite and PostgreSQL share: `$1` parameters, `on conflict`, ids minted by us,
//! `bigint` for times (Unix milliseconds), money (nano-USD) and truth values, JSON as `text`.

pub mod admin;
pub mod client_names;
pub mod decisions;
mod driver;
pub mod entries;
mod error;
pub mod history;
pub mod keys;
mod migrations;
pub mod positions;
pub mod prices;
pub mod prompts;
pub mod requests;
pub mod sealed_keys;
pub mod usage;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use scheduled_thread_pool::ScheduledThreadPool;

pub use driver::{Conn, FileSpace, Param, Row, TableSpace};
pub use error::StoreError;

/// Connections at most: one writes, the others read pages and reports.
const POOL_SIZE: u32 = 4;
/// An unused connection is closed after this long, and its page cache with it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long work waits for a free connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// The database. Clones share one pool.
#[derive(Debug, Clone)]
pub struct Store {
    pool: r2d2::Pool<driver::SqliteManager>,
}

impl Store {
    /// Opens the database file, creating it and its folder when absent, and brings its tables up to date.
    /// Blocks; connections after this one are made when they are needed.
    ///
    /// # Errors
    /// [`StoreError::Open`] when there is no such place or no right to it, [`StoreError::Newer`] and
    /// [`StoreError::Foreign`] when the tables are not ours to use.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let unopened = |source: error::DriverError| StoreError::Open { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| unopened(error.into()))?;
        }
        // Not through the pool, which would try again and again before it says why.
        let connection = driver::connect(path).map_err(|error| unopened(error.into()))?;
        migrations::migrate(&mut Conn::new(&connection))?;
        let pool = r2d2::Pool::builder()
            .max_size(POOL_SIZE)
            .min_idle(Some(0))
            .idle_timeout(Some(IDLE_TIMEOUT))
            .connection_timeout(CONNECTION_TIMEOUT)
            .test_on_check_out(false)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            // The pool's own default is three threads.
            .thread_pool(Arc::new(ScheduledThreadPool::builder().num_threads(1).build()))
            .build_unchecked(driver::SqliteManager::new(path));
        Ok(Self { pool })
    }

    /// Runs `work` with a connection on a blocking thread.
    ///
    /// # Errors
    /// What `work` returns; [`StoreError::Busy`] when no connection becomes free.
    pub async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        #[expect(clippy::disallowed_methods, reason = "this is the door the lint points to")]
        let task = tokio::task::spawn_blocking(move || store.blocking(work));
        task.await.map_err(StoreError::CutShort)?
    }

    /// Runs `work` with a connection on this thread: for commands that have nothing else to do.
    ///
    /// # Errors
    /// What `work` returns; [`StoreError::Busy`] when no connection becomes free.
    pub fn blocking<T>(&self, work: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.pool.get().map_err(StoreError::Busy)?;
        work(&mut Conn::new(&connection))
    }
}

/// Lower-case hexadecimal digits, the form in which hashes are stored.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// JSON of a list of texts, as `tags` and `models` columns hold it.
fn list_to_json(list: &[impl AsRef<str>]) -> String {
    serde_json::Value::from_iter(list.iter().map(AsRef::as_ref)).to_string()
}

/// The list in a JSON column.
fn list_from_json(text: &str, what: &'static str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable { what, source: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_runs_off_the_runtime_and_a_failed_transaction_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("new").join("relay.db")).unwrap();
        let result = store
            .run(|conn| {
                conn.transaction(|tx| {
                    positions::set(tx, "a", 7)?;
                    tx.execute("no such statement", &[])
                })
            })
            .await;
        assert!(matches!(result, Err(StoreError::Statement(_))));
        assert_eq!(store.run(|conn| positions::get(conn, "a")).await.unwrap(), None);
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_its_connection_is_usable_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        for _ in 0..=POOL_SIZE {
            let result: Result<(), _> =
                store.run(|conn| conn.transaction(|_| -> Result<(), StoreError> { panic!("on purpose") })).await;
            assert!(matches!(result, Err(StoreError::CutShort(_))));
        }
        store.run(|conn| conn.transaction(|tx| positions::set(tx, "a", 7))).await.unwrap();
        assert_eq!(store.run(|conn| positions::get(conn, "a")).await.unwrap(), Some(7));
    }

    #[test]
    fn a_place_that_cannot_be_opened_is_named_at_once() {
        let error = Store::open(Path::new("/proc/no/such/place.db")).unwrap_err();
        assert!(error.to_string().contains("/proc/no/such/place.db"));
    }
}
