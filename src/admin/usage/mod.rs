//! Usage and cost: who spent what, when, compared with before; and a month as something to print.
//!
//! [`query`] is what is asked, as addresses have it; the page, the API and every link on the page share it. `page` shows
//! the answer, `rows` are its table, `course` is its course over time, `month` is the report.

mod course;
mod month;
mod page;
mod query;
mod rows;

pub(super) use course::{Bar, bars};
pub(super) use month::month;
pub(super) use page::page;
pub(super) use query::Question;
pub(super) use rows::{Row, marks};
