//! Asking for sums of everything. All times are starts of hours in `from..to`.

use std::sync::LazyLock;

use super::{COUNTER_COLUMNS, Counters, TOTAL};
use crate::clock::UnixMillis;
use crate::store::StoreError;
use crate::store::driver::Conn;

/// The sums of a `select`, in the order in which [`Counters`] are read.
pub(super) static SUMS: LazyLock<String> =
    LazyLock::new(|| COUNTER_COLUMNS.map(|column| format!("cast(coalesce(sum({column}), 0) as bigint)")).join(", "));

/// The hour of the first request there are sums of.
///
/// # Errors
/// When the database cannot be read.
pub fn first_hour(conn: &mut Conn<'_>) -> Result<Option<UnixMillis>, StoreError> {
    let sql = "select min(hour_ms) from usage_by_dimension where dimension = $1";
    let first = conn.query(sql, &[TOTAL.into()], |row| row.optional_integer(0))?.pop().flatten();
    Ok(first.map(UnixMillis))
}

/// Sums of all requests, each counted once.
///
/// # Errors
/// When the database cannot be read.
pub fn total(conn: &mut Conn<'_>, from: UnixMillis, to: UnixMillis) -> Result<Counters, StoreError> {
    let sql =
        format!("select {} from usage_by_dimension where dimension = $1 and hour_ms >= $2 and hour_ms < $3", *SUMS);
    let sums = conn.query(&sql, &[TOTAL.into(), from.into(), to.into()], |row| Counters::read(row, 0))?;
    Ok(sums.into_iter().next().unwrap_or_default())
}
