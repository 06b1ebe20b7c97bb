//! Who spent what: sums over a period, per tag, model, provider, key, client, alias, router or end user.
//!
//! [`report()`] is what the command line prints. [`usage()`] is what the admin listener shows: the same with filters, a
//! course over time and the period before. [`latency()`] is how long it took, [`forecast()`] where it leads.

mod detail;
mod forecast;
mod latency;
mod period;
mod text;

use serde::Serialize;

pub use detail::{Asked, Detail, DetailRow, Point, Step, usage};
pub use forecast::{Forecast, MonthSoFar, forecast, month_so_far};
pub use latency::{Latency, Percentiles, latency};
pub use period::{Period, PeriodError, moment};

use crate::store::usage::{self, Counters, Dimension, Filters, Group, Span};
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
    let rows_and_total = usage::breakdown(conn, by, &Filters::new(), period.as_one())?;
    let mut rows: Vec<Row> = Vec::new();
    for cell in rows_and_total.cells {
        let key = match cell.group {
            Group::Value(key) => key,
            Group::None => String::new(),
            Group::Others => OTHER_USERS.to_owned(),
        };
        rows.push(Row { key, sums: cell.sums });
    }
    rows.sort_by(|a, b| b.sums.cost_nano_usd.cmp(&a.sums.cost_nano_usd).then_with(|| a.key.cmp(&b.key)));
    Ok(Report { by, period, rows, total: rows_and_total.totals.into_values().next().unwrap_or_default() })
}

/// Stands for end users beyond those that are told apart in an hour.
const OTHER_USERS: &str = "(other users)";

impl Period {
    /// One bucket, compared with nothing. It begins at or before the period, because buckets lie where they lie.
    fn as_one(self) -> Span {
        Span { from: self.from, to: self.to, step_ms: i64::MAX, before: (self.from, self.from) }
    }
}

fn word<S: serde::Serializer>(by: &Dimension, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(by.as_str())
}

#[cfg(test)]
mod tests;
