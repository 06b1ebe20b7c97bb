//! Inputs as clients and providers send them, made here rather than stored: they are the same on every run.

mod answers;
mod catalog;
mod prose;
mod records;
mod requests;
mod streams;

pub(crate) use answers::answer;
pub(crate) use catalog::{ROUTER, catalog, model_of};
pub(crate) use prose::prose;
pub(crate) use records::{decision, journal_record, usage};
pub(crate) use requests::{Size, request};
pub(crate) use streams::{EVENTS, stream, wire_events};
