//! Asking for sums of one thing. All times are starts of hours in `from..to`.

use std::sync::LazyLock;

use super::{COUNTER_COLUMNS, Counters, Dimension, TOTAL};
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
    let hours = series(conn, None, from, to)?;
    Ok(hours.iter().fold(Counters::default(), |mut sum, (_, counters)| {
        sum.add(counters);
        sum
    }))
}

/// Sums per hour, of one value of a dimension or of all requests, in order; hours without requests are left out.
///
/// # Errors
/// When the database cannot be read.
pub fn series(
    conn: &mut Conn<'_>,
    of: Option<(Dimension, &str)>,
    from: UnixMillis,
    to: UnixMillis,
) -> Result<Vec<(UnixMillis, Counters)>, StoreError> {
    let (dimension, value) = of.map_or((TOTAL, ""), |(dimension, value)| (dimension.as_str(), value));
    let sql = format!(
        "select hour_ms, {} from usage_by_dimension
         where dimension = $1 and hour_ms >= $2 and hour_ms < $3 and dimension_value = $4 order by hour_ms",
        COUNTER_COLUMNS.join(", ")
    );
    conn.query(&sql, &[dimension.into(), from.into(), to.into(), value.into()], |row| {
        Ok((UnixMillis(row.integer(0)?), Counters::read(row, 1)?))
    })
}
