//! Asking for sums. All times are starts of hours in `from..to`.

use std::sync::LazyLock;

use super::{COUNTER_COLUMNS, Counters, Dimension, TOTAL};
use crate::clock::UnixMillis;
use crate::store::StoreError;
use crate::store::driver::{Conn, Param};

static SUMS: LazyLock<String> =
    LazyLock::new(|| COUNTER_COLUMNS.map(|column| format!("cast(coalesce(sum({column}), 0) as bigint)")).join(", "));

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
    grouped(conn, &sql, &[by.as_str().into(), from.into(), to.into()])
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

/// Sums per value of a dimension among the requests that have one value in another: which models a team used.
///
/// # Errors
/// When the database cannot be read.
pub fn sums_within(
    conn: &mut Conn<'_>,
    by: Dimension,
    (within, value): (Dimension, &str),
    from: UnixMillis,
    to: UnixMillis,
) -> Result<Vec<(String, Counters)>, StoreError> {
    // Each side joins the tags for itself: grouping by tag within a tag shows the tags it is used together with.
    let sql = format!(
        "select {}, {} from usage_hourly
         left join tag_set_members grouped on grouped.tag_set = {}
         left join tag_set_members narrowed on narrowed.tag_set = {}
         where hour_ms >= $1 and hour_ms < $2 and {} = $3 group by 1",
        value_of(by, "grouped"),
        *SUMS,
        joined_tags(by),
        joined_tags(within),
        value_of(within, "narrowed"),
    );
    grouped(conn, &sql, &[from.into(), to.into(), value.into()])
}

fn grouped(conn: &mut Conn<'_>, sql: &str, params: &[Param<'_>]) -> Result<Vec<(String, Counters)>, StoreError> {
    conn.query(sql, params, |row| Ok((row.text(0)?, Counters::read(row, 1)?)))
}

/// The value of a combination in a dimension, given the name under which its tags are joined.
fn value_of(dimension: Dimension, tags: &str) -> String {
    match dimension {
        Dimension::Tag => format!("coalesce({tags}.tag, '')"),
        Dimension::Model => "case when model = '' then '' else provider || '/' || model end".to_owned(),
        Dimension::Provider => "provider".to_owned(),
        Dimension::Key => "key_name".to_owned(),
        Dimension::Client => "client".to_owned(),
        Dimension::Alias => "alias".to_owned(),
        Dimension::Router => "router".to_owned(),
    }
}

/// Which tag set to join: none where tags do not matter, or each row would be there once per tag.
fn joined_tags(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Tag => "usage_hourly.tag_set",
        Dimension::Model
        | Dimension::Provider
        | Dimension::Key
        | Dimension::Client
        | Dimension::Alias
        | Dimension::Router => "null",
    }
}
