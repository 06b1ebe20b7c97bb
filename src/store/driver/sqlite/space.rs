//! The room that the database's file takes. Nothing of this is portable: PostgreSQL looks after its own files, and its
//! driver would answer with what its catalogue says and do nothing.

use std::path::Path;

use rusqlite::Connection;

use super::{Conn, statement_error};
use crate::store::StoreError;

/// What the file takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSpace {
    /// All of it, bytes.
    pub total_bytes: u64,
    /// Of that, what was deleted and not given back yet. It is used again for what comes.
    pub free_bytes: u64,
    /// Deleted pages can be given back piece by piece. Files made before that was so need to be compacted once.
    pub shrinks: bool,
}

/// What a table takes, its indexes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpace {
    /// The table.
    pub table: String,
    /// Bytes of the file.
    pub size_bytes: u64,
}

/// A new file shall be able to shrink without being written anew. That is decided before anything is in it, so before
/// WAL, and not asked for where there is something: the statement takes the write lock even if it changes nothing.
pub(super) fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    let pages: i64 = connection.query_row("pragma page_count", [], |row| row.get(0))?;
    if pages == 0 { connection.execute_batch("pragma auto_vacuum = incremental") } else { Ok(()) }
}

impl Conn<'_> {
    /// What the file takes.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn file_space(&mut self) -> Result<FileSpace, StoreError> {
        let page = self.number("pragma page_size")?;
        Ok(FileSpace {
            total_bytes: self.number("pragma page_count")? * page,
            free_bytes: self.number("pragma freelist_count")? * page,
            shrinks: self.number("pragma auto_vacuum")? != 0,
        })
    }

    /// What each table takes. Looks at every page of the file, which takes a second or so where there are a million
    /// records.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn table_space(&mut self) -> Result<Vec<TableSpace>, StoreError> {
        let sql = "select m.tbl_name, sum(s.pgsize) from dbstat s join sqlite_schema m on m.name = s.name
                   where s.aggregate = 1 group by m.tbl_name order by 2 desc";
        self.query(sql, &[], |row| {
            let size_bytes = u64::try_from(row.integer(1)?).unwrap_or(0);
            Ok(TableSpace { table: row.text(0)?, size_bytes })
        })
    }

    /// Gives back so many bytes at most, from the end of the file; nothing where the file does not shrink.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn give_back(&mut self, most_bytes: u64) -> Result<(), StoreError> {
        let pages = most_bytes / self.number("pragma page_size")?.max(1);
        // Each step frees a page, so all of them have to be taken.
        self.query(&format!("pragma incremental_vacuum({pages})"), &[], |_| Ok(()))?;
        // The file becomes shorter when the log is copied into it. Readers are not waited for.
        self.query("pragma wal_checkpoint(passive)", &[], |_| Ok(()))?;
        Ok(())
    }

    /// Writes the file anew without what was deleted. Others can read meanwhile, and not write; it needs as much room on
    /// the disk as the database has.
    ///
    /// # Errors
    /// When the database cannot be written, for want of room too.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        self.execute_batch("pragma auto_vacuum = incremental; vacuum")?;
        self.query("pragma wal_checkpoint(passive)", &[], |_| Ok(()))?;
        Ok(())
    }

    /// Writes a copy of the whole database, of one moment, into a new file. Nobody has to wait for it.
    ///
    /// # Errors
    /// When the file cannot be written, or is there already.
    pub fn copy_to(&mut self, path: &Path) -> Result<(), StoreError> {
        let copied = self.connection.execute("vacuum into ?1", [path.to_string_lossy()]);
        copied.map(|_| ()).map_err(statement_error)
    }

    fn number(&mut self, sql: &str) -> Result<u64, StoreError> {
        let number = self.query(sql, &[], |row| row.integer(0))?.pop().unwrap_or(0);
        Ok(u64::try_from(number).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn fill(conn: &mut Conn<'_>, rows: i64) -> Result<(), StoreError> {
        conn.execute_batch("create table if not exists much (id bigint primary key, said text)")?;
        conn.transaction(|tx| {
            let row = |id| [super::super::Param::from(id), "x".repeat(1000).into()];
            tx.execute_each("insert into much (id, said) values ($1, $2)", (0..rows).map(row))
        })?;
        Ok(())
    }

    #[test]
    fn a_new_file_shrinks_by_what_was_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let store = Store::open(&path).unwrap();
        store
            .blocking(|conn| {
                fill(conn, 3000)?;
                conn.give_back(0)?;
                let before = (conn.file_space()?, std::fs::metadata(&path).unwrap().len());
                assert!(before.0.shrinks && before.0.total_bytes > 3_000_000 && before.1 > 3_000_000, "{before:?}");
                let much = conn.table_space()?.into_iter().find(|table| table.table == "much").unwrap();
                assert!((3_000_000..before.0.total_bytes).contains(&much.size_bytes), "{much:?}");

                conn.execute("delete from much", &[])?;
                assert!(conn.file_space()?.free_bytes > 2_900_000);
                conn.give_back(1_000_000)?;
                let half = conn.file_space()?;
                assert!(half.free_bytes > 1_900_000 && half.free_bytes < 2_500_000, "{half:?}");
                conn.give_back(100_000_000)?;
                assert_eq!(conn.file_space()?.free_bytes, 0);
                assert!(std::fs::metadata(&path).unwrap().len() < before.1 - 2_900_000);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn an_older_file_shrinks_once_it_was_compacted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        Connection::open(&path).unwrap().execute_batch("create table older (a text)").unwrap();
        let store = Store::open(&path).unwrap();
        store
            .blocking(|conn| {
                fill(conn, 2000)?;
                conn.execute("delete from much", &[])?;
                conn.give_back(100_000_000)?;
                let kept = conn.file_space()?;
                assert!(!kept.shrinks && kept.free_bytes > 1_900_000, "{kept:?}");
                conn.compact()?;
                let compacted = conn.file_space()?;
                assert!(compacted.shrinks && compacted.free_bytes == 0, "{compacted:?}");
                assert!(std::fs::metadata(&path).unwrap().len() < 500_000);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_copy_is_a_database_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let copy = folder.path().join("it's a copy.db");
        store.blocking(|conn| fill(conn, 10).and_then(|()| conn.copy_to(&copy))).unwrap();
        assert!(store.blocking(|conn| conn.copy_to(&copy)).is_err(), "it is there already");
        let copied = Store::open(&copy).unwrap();
        let count = copied.blocking(|conn| conn.query("select count(*) from much", &[], |row| row.integer(0)));
        assert_eq!(count.unwrap(), [10]);
    }
}
