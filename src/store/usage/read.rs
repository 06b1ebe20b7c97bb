//! Asking for sums of everything. All times are starts of hours in `from..to`.

use std::sync::LazyLock;

use super::{COUNTER_COLUMNS, Counters, Dimension, TOTAL};
use crate::clock::UnixMillis;
use crate::store::StoreError;
use crate::store::driver::Conn;

static SUMS: LazyLock<String> =
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

/// The last hour with a request of each value of the dimension, in no particular order.
///
/// # Errors
/// When the database cannot be read.
pub fn last_hours_by(
    conn: &mut Conn<'_>,
    by: Dimension,
    from: UnixMillis,
    to: UnixMillis,
) -> Result<Vec<(String, UnixMillis)>, StoreError> {
    conn.query(
        "select dimension_value, max(hour_ms) from usage_by_dimension
         where dimension = $1 and hour_ms >= $2 and hour_ms < $3 group by dimension_value",
        &[by.as_str().into(), from.into(), to.into()],
        |row| Ok((row.text(0)?, UnixMillis(row.integer(1)?))),
    )
}

/// Sums per value of the dimension, in no particular order. Requests without one are under the empty text.
///
/// # Errors
/// When the database cannot be read.
pub fn sums_by(
    conn: &mut Conn<'_>,
    by: Dimension,
    from: UnixMillis,
    to: UnixMillis,
) -> Result<Vec<(String, Counters)>, StoreError> {
    let sql = format!(
        "select dimension_value, {} from usage_by_dimension
         where dimension = $1 and hour_ms >= $2 and hour_ms < $3 group by dimension_value",
        *SUMS
    );
    conn.query(&sql, &[by.as_str().into(), from.into(), to.into()], |row| Ok((row.text(0)?, Counters::read(row, 1)?)))
}

/// Sums of one value of the dimension per hour, in order; hours without are left out.
///
/// # Errors
/// When the database cannot be read.
pub fn series(
    conn: &mut Conn<'_>,
    (dimension, value): (Dimension, &str),
    from: UnixMillis,
    to: UnixMillis,
) -> Result<Vec<(UnixMillis, Counters)>, StoreError> {
    let sql = format!(
        "select hour_ms, {} from usage_by_dimension
         where dimension = $1 and hour_ms >= $2 and hour_ms < $3 and dimension_value = $4 order by hour_ms",
        COUNTER_COLUMNS.join(", ")
    );
    conn.query(&sql, &[dimension.as_str().into(), from.into(), to.into(), value.into()], |row| {
        Ok((UnixMillis(row.integer(0)?), Counters::read(row, 1)?))
    })
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
