//! The catalogue: every model, what is known of it and where from, what it costs and who uses it.
//!
//! `select` is what one may ask the list by and what it answers, for the page and the API alike; `about` gathers
//! everything about one model; `list` and `one` are the pages, `form` is where one says
//! something of a model, `price_words` writes prices for people.

mod about;
mod form;
mod list;
mod one;
mod price_words;
mod select;

use askama::Template;

use super::Shared;
use super::reply::{self, Reply};
pub(super) use about::About;
pub(super) use list::list;
pub(super) use one::one;
pub(super) use select::{Asked, select, uses};

/// The page that compares the catalogue with lists of others; its script asks the API.
#[derive(Template)]
#[template(path = "models_sync.html")]
struct Sync {
    price_list: String,
}

/// The page.
pub(super) fn sync(shared: &Shared) -> Reply {
    let price_list = shared.lists.as_ref().map_or_else(String::new, |lists| lists.price_list_url().to_owned());
    reply::page(200, &Sync { price_list })
}
