//! Aliases, redirects and routers as pages: what there is, where it leads, what it was used for; and what was changed.
//!
//! The pages show; every change goes through the API, from `static/js/entries.js`.

mod difference;
mod history;
mod list;
mod router;
mod row;

pub(super) use history::history;
pub(super) use list::{Names, list};
