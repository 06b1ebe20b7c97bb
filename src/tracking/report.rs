//! Who spent what: sums over a period, per tag, model, provider, key, client, alias or router.

mod period;
mod text;

use serde::Serialize;

pub use period::{Period, PeriodError, moment};

use crate::store::usage::{self, Counters, Dimension};
use crate::store::{Conn, StoreError};

/// Sums over a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What the rows are.
    #[serde(serialize_with = "word")]
    pub by: Dimension,
    /// The hours counted: from the start of the first to the end of the last, as RFC 3339 in UTC.
    #[serde(flatten)]
    pub period: Period,
    /// Dearest first, then by key. A request with two tags is in both their rows.
    pub rows: Vec<Row>,
    /// Each request counted once, whatever the rows do.
    pub total: Counters,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The tag, model, …; empty for requests that have none.
    pub key: String,
    /// Its sums.
    #[serde(flatten)]
    pub sums: Counters,
}

/// Makes a report. The grain is the hour: a request counts in the hour in which it arrived.
///
/// # Errors
/// When the database cannot be read.
pub fn report(conn: &mut Conn<'_>, by: Dimension, period: Period) -> Result<Report, StoreError> {
    // One transaction, so that rows and total speak of the same moment while a server goes on writing.
    conn.read(|tx| {
        let mut rows: Vec<Row> =
            usage::sums_by(tx, by, period.from, period.to)?.into_iter().map(|(key, sums)| Row { key, sums }).collect();
        rows.sort_by(|a, b| b.sums.cost_nano_usd.cmp(&a.sums.cost_nano_usd).then_with(|| a.key.cmp(&b.key)));
        Ok(Report { by, period, rows, total: usage::total(tx, period.from, period.to)? })
    })
}

fn word<S: serde::Serializer>(by: &Dimension, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(by.as_str())
}

#[cfg(test)]
mod tests;
