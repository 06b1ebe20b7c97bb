//! Requests: a list to search in, and a page for each. The API shows the same, see [`Texts`] and [`Whole`].

mod bill;
mod facts;
mod list;
mod one;
mod query;
mod row;
mod time_line;
mod whole;

pub(super) use facts::list_of;
pub(super) use list::list;
pub(super) use one::one;
pub(super) use query::Texts;
pub(super) use row::RequestRow;
pub(super) use whole::Whole;
