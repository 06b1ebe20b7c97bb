//! In which hours something happened, so that whoever looks for its records need not look at the others.

use super::Dimension;
use crate::store::StoreError;
use crate::store::driver::Conn;

/// The starts of the hours in which requests had this value, oldest first, of all that touch `from_ms..to_ms`.
///
/// # Errors
/// When the database cannot be read.
pub fn hours_with(
    conn: &mut Conn<'_>,
    dimension: Dimension,
    value: &str,
    (from_ms, to_ms): (i64, i64),
) -> Result<Vec<i64>, StoreError> {
    let sql = "select hour_ms from usage_by_dimension
               where dimension = $1 and hour_ms > $2 and hour_ms < $3 and dimension_value = $4 order by hour_ms";
    let before = from_ms.saturating_sub(super::HOUR_MS);
    let params = [dimension.as_str().into(), before.into(), to_ms.into(), value.into()];
    conn.query(sql, &params, |row| row.integer(0))
}
