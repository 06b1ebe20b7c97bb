//! What happened: one [`UsageRecord`] per upstream answer, its cost, and its way through the journal into the store.
//!
//! ```text
//! Recording (one answer) -> Journal (a line in a file) -> Recorder (a task) -> store (rows and hourly sums) -> report
//! ```
//!
//! [`Recording`] makes sure that there is exactly one record; [`cost()`] says what it cost; [`Journal`] survives a
//! crash; [`Recorder`] copies each record exactly once; [`report()`] reads the sums.

mod beside;
mod columns;
mod cost;
pub mod estimate;
mod health;
mod journal;
mod record;
mod recorder;
mod recording;
mod report;
mod rollup;
mod search;

pub use beside::{MadeDecision, PastRequest, decision, past_requests, recent_decisions};
pub use cost::{Cost, CostLine, cost, cost_lines};
pub use health::{Health, health};
pub use journal::Journal;
pub use record::{CostSource, ErrorClass, UsageRecord};
pub use recorder::Recorder;
pub use recording::{Outcome, Recording};
pub use report::{
    Asked, Detail, DetailRow, Forecast, Latency, MonthSoFar, Percentiles, Period, PeriodError, Point, Report, Row,
    Step, forecast, latency, moment, month_so_far, report, usage,
};
pub use search::{Search, cursor_from_text, cursor_to_text, search};

pub use crate::store::requests::{Cursor, Page, Place};
pub use crate::store::usage::{Counters, Dimension, Filters, Group, UnknownDimension};

use crate::store::{Conn, StoreError, requests};

/// A request and the calls made for it (a designator's), oldest first.
///
/// # Errors
/// When the database cannot be read.
pub fn find(conn: &mut Conn<'_>, id: &str) -> Result<Vec<UsageRecord>, StoreError> {
    requests::with_linked(conn, id, columns::record)
}
