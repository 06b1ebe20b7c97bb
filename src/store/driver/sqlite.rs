//! SQLite: how a connection is made, and how values cross. `space` is about the file: what it takes, and giving it back.

mod space;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, Transaction, TransactionBehavior, params_from_iter};

use super::Param;
use crate::store::StoreError;
pub use space::{FileSpace, TableSpace};

/// How long a statement waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before WAL is tried again.
const WAL_RETRY: Duration = Duration::from_millis(10);
/// Prepared statements kept per connection: more than the program has.
const STATEMENT_CACHE: usize = 64;

/// Makes connections for the pool.
#[derive(Debug)]
pub(in crate::store) struct SqliteManager {
    path: PathBuf,
}

impl SqliteManager {
    pub(in crate::store) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

impl r2d2::ManageConnection for SqliteManager {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        connect(&self.path)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch("")
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false
    }
}

/// Opens the file, creating it when absent.
pub(in crate::store) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    // The time-out comes first: switching to WAL already needs a lock.
    connection.busy_timeout(BUSY_TIMEOUT)?;
    space::prepare(&connection)?;
    // WAL lets `llm-relay report` read while the server writes. With it, `synchronous=NORMAL` can lose the last
    // transactions to a power cut but never corrupts the file; a mere crash loses nothing.
    switch_to_wal(&connection)?;
    connection.execute_batch("pragma synchronous = normal; pragma foreign_keys = on; pragma temp_store = memory;")?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

/// A new file is switched to WAL once. Two programs that both try are told "locked" at once, without the time-out, because
/// each would wait for the other; whoever comes second finds it done.
fn switch_to_wal(connection: &Connection) -> Result<(), rusqlite::Error> {
    let begun = Instant::now();
    loop {
        match connection.execute_batch("pragma journal_mode = wal") {
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY_TIMEOUT => std::thread::sleep(WAL_RETRY),
            result => return result,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A connection, or a transaction on one, as query functions use it.
#[derive(Debug)]
pub struct Conn<'a> {
    connection: &'a Connection,
}

impl<'a> Conn<'a> {
    pub(in crate::store) fn new(connection: &'a Connection) -> Self {
        Self { connection }
    }

    /// Runs one statement and says how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError::Statement`] with the engine's reason.
    pub fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        let run = || self.connection.prepare_cached(sql)?.execute(params_from_iter(params));
        run().map_err(statement_error)
    }

    /// Runs one statement for each row of parameters and says how many rows each run changed.
    ///
    /// # Errors
    /// [`StoreError::Statement`] with the engine's reason.
    pub fn execute_each<'p, const N: usize>(
        &mut self,
        sql: &str,
        rows: impl Iterator<Item = [Param<'p>; N]>,
    ) -> Result<Vec<usize>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(statement_error)?;
        let mut execute = |params: [Param<'p>; N]| {
            // Many values are null, and what nothing is bound to is null: clearing all is cheaper than binding those.
            statement.clear_bindings();
            for (place, param) in (1..).zip(&params) {
                if *param != Param::Null {
                    statement.raw_bind_parameter(place, param)?;
                }
            }
            statement.raw_execute()
        };
        rows.map(|params| execute(params).map_err(statement_error)).collect()
    }

    /// Runs several statements without parameters, as migrations need.
    ///
    /// # Errors
    /// [`StoreError::Statement`] with the engine's reason.
    pub fn execute_batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(statement_error)
    }

    /// Runs a query and reads every row.
    ///
    /// # Errors
    /// [`StoreError::Statement`] with the engine's reason, or what `read` returns.
    pub fn query<T>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(statement_error)?;
        let mut rows = statement.query(params_from_iter(params)).map_err(statement_error)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(statement_error)? {
            found.push(read(&Row { row })?);
        }
        Ok(found)
    }

    /// Runs `work` in a transaction: all of it happens, or, when it fails or panics, nothing.
    /// The write lock is taken at the start, since one that is asked for half-way does not wait.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError::Statement`] when the transaction cannot begin or end.
    pub fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.within(TransactionBehavior::Immediate, work)
    }

    /// Runs several queries that shall see the same moment; inside a transaction, that transaction's. Takes no write
    /// lock.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError::Statement`] when the transaction cannot begin or end.
    pub fn read<T>(&mut self, work: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.connection.is_autocommit() { self.within(TransactionBehavior::Deferred, work) } else { work(self) }
    }

    fn within<T>(
        &mut self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = Transaction::new_unchecked(self.connection, behavior).map_err(statement_error)?;
        let value = work(&mut Conn { connection: &transaction })?;
        transaction.commit().map_err(statement_error)?;
        Ok(value)
    }
}

/// A row of an answer; columns count from 0.
#[derive(Debug)]
pub struct Row<'a> {
    row: &'a rusqlite::Row<'a>,
}

impl Row<'_> {
    /// A `bigint` that is not null.
    ///
    /// # Errors
    /// When the column is absent or something else.
    pub fn integer(&self, column: usize) -> Result<i64, StoreError> {
        self.row.get(column).map_err(statement_error)
    }

    /// A `bigint` that may be null.
    ///
    /// # Errors
    /// When the column is absent or something else.
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.row.get(column).map_err(statement_error)
    }

    /// A `text` that is not null.
    ///
    /// # Errors
    /// When the column is absent or something else.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        self.row.get(column).map_err(statement_error)
    }

    /// A `text` that is not null, where it lies: for rows that are only summed up.
    ///
    /// # Errors
    /// When the column is absent or something else.
    pub fn text_ref(&self, column: usize) -> Result<&str, StoreError> {
        let value = self.row.get_ref(column).map_err(statement_error)?;
        value.as_str().map_err(|error| statement_error(error.into()))
    }

    /// A `text` that may be null.
    ///
    /// # Errors
    /// When the column is absent or something else.
    pub fn optional_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        self.row.get(column).map_err(statement_error)
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

fn statement_error(error: rusqlite::Error) -> StoreError {
    StoreError::Statement(error.into())
}
