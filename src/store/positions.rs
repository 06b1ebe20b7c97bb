//! How far each segment of the journal has been copied into the database.

use super::StoreError;
use super::driver::Conn;

/// Bytes of the segment that are in the database already; `None` when nothing of it is.
///
/// # Errors
/// When the database cannot be read.
pub fn get(conn: &mut Conn<'_>, segment: &str) -> Result<Option<u64>, StoreError> {
    let found =
        conn.query("select byte_offset from journal_position where segment = $1", &[segment.into()], |row| {
            row.integer(0)
        })?;
    Ok(found.first().and_then(|offset| u64::try_from(*offset).ok()))
}

/// Remembers the position, in the transaction that writes the records before it.
///
/// # Errors
/// When the database cannot be written.
pub fn set(conn: &mut Conn<'_>, segment: &str, offset: u64) -> Result<(), StoreError> {
    conn.execute(
        "insert into journal_position (segment, byte_offset) values ($1, $2)
         on conflict (segment) do update set byte_offset = excluded.byte_offset",
        &[segment.into(), offset.into()],
    )?;
    Ok(())
}

/// Forgets a segment. Only after its file is gone: the other way round a crash in between would replay it.
///
/// # Errors
/// When the database cannot be written.
pub fn remove(conn: &mut Conn<'_>, segment: &str) -> Result<(), StoreError> {
    conn.execute("delete from journal_position where segment = $1", &[segment.into()])?;
    Ok(())
}

/// Names of all segments with a position.
///
/// # Errors
/// When the database cannot be read.
pub fn segments(conn: &mut Conn<'_>) -> Result<Vec<String>, StoreError> {
    conn.query("select segment from journal_position order by segment", &[], |row| row.text(0))
}
