//! SQLite: how a connection is made, and how values cross. `space` is about the file: what it takes, and giving it back.

mod space;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Statement, ToSql, Transaction, TransactionBehavior};

use super::Param;
use crate::store::StoreError;
pub use space::{FileSpace, TableSpace};

/// How long a statement waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before WAL is tried again.
const WAL_RETRY: Duration = Duration::from_millis(10);
/// Pages of the file that a connection keeps for itself. What does not fit is in the system's cache, a microsecond away.
const CACHE_KIB: i32 = 512;
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
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
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
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            bind(&mut statement, params)?;
            statement.raw_execute()
        };
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
        let order = order(&statement, N).map_err(statement_error)?;
        let mut execute = |params: [Param<'p>; N]| {
            // Many values are null, and what nothing is bound to is null: clearing all is cheaper than binding those.
            statement.clear_bindings();
            for (place, &at) in (1..).zip(&order) {
                if params[at] != Param::Null {
                    statement.raw_bind_parameter(place, &params[at])?;
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
        bind(&mut statement, params).map_err(statement_error)?;
        let mut rows = statement.raw_query();
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

/// Gives a statement its values.
fn bind(statement: &mut Statement<'_>, params: &[Param<'_>]) -> rusqlite::Result<()> {
    for (place, at) in (1..).zip(order(statement, params.len())?) {
        statement.raw_bind_parameter(place, &params[at])?;
    }
    Ok(())
}

/// Which of the values goes to the first place of a statement, to the second, and so on.
///
/// SQLite takes `$2` for a name, and numbers names as they come up in the text. What is meant is the second value.
fn order(statement: &Statement<'_>, given: usize) -> rusqlite::Result<Vec<usize>> {
    let named = statement.parameter_count();
    if named != given {
        return Err(rusqlite::Error::InvalidParameterCount(given, named));
    }
    let position = |place| {
        let name = statement.parameter_name(place).unwrap_or("?");
        let number = name.strip_prefix('$').and_then(|number| number.parse().ok());
        let position = number.filter(|number| (1..=given).contains(number)).map(|number| number - 1);
        position.ok_or_else(|| rusqlite::Error::InvalidParameterName(name.to_owned()))
    };
    (1..=named).map(position).collect()
}

fn statement_error(error: rusqlite::Error) -> StoreError {
    StoreError::Statement(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a query with these values answers, or why it cannot be asked.
    fn answer(sql: &str, params: &[Param<'_>]) -> Result<String, String> {
        let connection = Connection::open_in_memory().unwrap();
        let found = Conn::new(&connection).query(sql, params, |row| row.text(0));
        found.map(|rows| rows.concat()).map_err(|error| format!("{:#}", anyhow::Error::from(error)))
    }

    #[test]
    fn values_go_where_their_number_stands_in_whatever_order_and_how_often() {
        let abc = &["a".into(), "b".into(), "c".into()];
        for (sql, expected) in [
            ("select $1 || $2 || $3", "abc"),
            ("select $3 || $1 || $2", "cab"),
            ("select $2 || $2 || $3 || $1 || '$9'", "bbca$9"),
        ] {
            assert_eq!(answer(sql, abc).unwrap(), expected, "{sql}");
        }
        let eleven: Vec<Param<'_>> = (1..=11_u32).map(Into::into).collect();
        let sql = "select '' || $11 || $10 || $9 || $8 || $7 || $6 || $5 || $4 || $3 || $2 || $1";
        assert_eq!(answer(sql, &eleven).unwrap(), "1110987654321");
    }

    #[test]
    fn rows_of_a_batch_and_single_statements_take_their_values_alike() {
        let connection = Connection::open_in_memory().unwrap();
        let mut conn = Conn::new(&connection);
        conn.execute_batch("create table pairs (a text, b text)").unwrap();
        let sql = "insert into pairs (b, a) values ($2, $1)";
        let rows = [["a".into(), "b".into()], ["c".into(), Param::Null]];
        assert_eq!(conn.execute_each(sql, rows.into_iter()).unwrap(), [1, 1]);
        assert_eq!(conn.execute(sql, &["e".into(), "f".into()]).unwrap(), 1);
        let read = |row: &Row<'_>| Ok((row.text(0)?, row.optional_text(1)?.unwrap_or_default()));
        let pairs = conn.query("select a, b from pairs order by a", &[], read).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(pairs, [("a", "b"), ("c", ""), ("e", "f")]);
    }

    #[test]
    fn values_that_no_place_is_for_and_places_without_a_value_are_refused() {
        for sql in [
            "select 'x'",
            "select $1",
            "select $1 || $2 || $3",
            "select $1 || $3",
            "select $0 || $1",
            "select $1 || ?2",
            "select $1 || $b",
        ] {
            let refused = answer(sql, &["a".into(), "b".into()]).unwrap_err();
            assert!(refused.contains("parameter"), "{sql}: {refused}");
        }
    }
}
