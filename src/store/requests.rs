//! The log: one row per upstream answer. What the columns mean is `tracking`'s business; here they are values in order.
//!
//! [`page()`] is how lists of it are read, [`asked()`] sums it by the names that were asked for.

mod asked;
mod page;

use std::sync::LazyLock;

use super::StoreError;
use super::driver::{Conn, Param, Row};
use crate::clock::UnixMillis;
pub use asked::{AskedSums, Look, asked};
pub use page::{Bounds, Condition, Cursor, Page, Place, count, page};

/// Columns of `requests`, in the order in which values are given to [`insert`] and found in a [`Row`].
pub const COLUMNS: [&str; 50] = [
    "id",
    "parent",
    "started_ms",
    "end_user",
    "chat_id",
    "message_id",
    "key_name",
    "tags",
    "client",
    "endpoint",
    "client_protocol",
    "provider_protocol",
    "asked",
    "steps",
    "resolved_by",
    "alias",
    "router",
    "provider",
    "model",
    "status",
    "error",
    "error_message",
    "finish_reason",
    "stream",
    "first_token_ms",
    "total_ms",
    "relay_us",
    "attempts",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "image_input_tokens",
    "searches",
    "search_context",
    "citation_tokens",
    "reported_cost_nano",
    "service_tier",
    "raw_usage",
    "estimated",
    "cost_nano",
    "cost_source",
    "computed_cost_nano",
    "price",
    "formula",
    "connect_us",
];

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let places: Vec<String> = (1..=COLUMNS.len()).map(|number| format!("${number}")).collect();
    format!("insert into requests ({}) values ({}) on conflict (id) do nothing", COLUMNS.join(", "), places.join(", "))
});
static BY_ID: LazyLock<String> =
    LazyLock::new(|| format!("select {} from requests where id = $1 or parent = $1 order by id", COLUMNS.join(", ")));
/// Adds rows and says of each whether it is new: a row whose id is there already stays as it is.
///
/// # Errors
/// When the database cannot be written.
pub fn insert<'p>(
    conn: &mut Conn<'_>,
    rows: impl Iterator<Item = [Param<'p>; COLUMNS.len()]>,
) -> Result<Vec<bool>, StoreError> {
    Ok(conn.execute_each(&INSERT, rows)?.into_iter().map(|changed| changed == 1).collect())
}

/// A request and the calls made for it (a designator's), oldest first.
///
/// # Errors
/// When the database cannot be read, or what `read` returns.
pub fn with_linked<T>(
    conn: &mut Conn<'_>,
    id: &str,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    conn.query(&BY_ID, &[id.into()], read)
}

/// How a call of a provider ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Whom it was sent to.
    pub provider: String,
    /// When its request arrived.
    pub started: UnixMillis,
    /// The kind of failure, as a word.
    pub error: Option<String>,
    /// The failure in words.
    pub message: Option<String>,
}

/// How the latest calls ended that began since a moment, newest first, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub fn endings(conn: &mut Conn<'_>, since: UnixMillis, limit: u32) -> Result<Vec<Ending>, StoreError> {
    conn.query(
        "select provider, started_ms, error, error_message from requests
         where started_ms >= $1 order by started_ms desc, id desc limit $2",
        &[since.into(), limit.into()],
        |row| {
            Ok(Ending {
                provider: row.text(0)?,
                started: UnixMillis(row.integer(1)?),
                error: row.optional_text(2)?,
                message: row.optional_text(3)?,
            })
        },
    )
}

/// Rows deleted at once, so that no other writer waits for long.
const BATCH: i64 = 500;

/// Deletes some of the records of requests that arrived before a moment; `false`: there are no more of them.
///
/// # Errors
/// When the database cannot be written.
pub fn forget_some(conn: &mut Conn<'_>, before: UnixMillis) -> Result<bool, StoreError> {
    let deleted = conn.execute(
        "delete from requests where id in
         (select id from requests where started_ms < $1 order by started_ms limit $2)",
        &[before.into(), BATCH.into()],
    )?;
    Ok(deleted > 0)
}

/// How many there are, and how many of them are of requests that arrived since a moment.
///
/// # Errors
/// When the database cannot be read.
pub fn counts(conn: &mut Conn<'_>, since: UnixMillis) -> Result<(i64, i64), StoreError> {
    let sql = "select (select count(*) from requests), (select count(*) from requests where started_ms >= $1)";
    let found = conn.query(sql, &[since.into()], |row| Ok((row.integer(0)?, row.integer(1)?)))?;
    Ok(found.into_iter().next().unwrap_or_default())
}
