//! The catalogue: every model, what is known of it and where from, what it costs and who uses it.
//!
//! `select` is what one may ask the list by and what it answers, for the page and the API alike; `about` gathers
//! everything about one model.

mod about;
mod select;

pub(in crate::admin) use about::About;
pub(in crate::admin) use select::{Asked, Is, ListedRow, Selection, Uses, select, uses};
