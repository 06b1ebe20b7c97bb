//! API keys: what is shown of each, what may be said of one, and the page that makes them. `api::keys` changes them.

mod page;
mod shown;
mod snippets;
mod terms;

pub(super) use page::page;
pub(super) use shown::{ShownKey, all, one, version};
pub(super) use terms::{Terms, judge, problem_of_name, problems_of_models};
