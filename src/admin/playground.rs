//! The playground: a form that asks any name, as a client would. What happens in it is the script's; the page has the
//! names and the addresses.

use std::sync::Arc;

use askama::Template;
use http::header::HOST;
use serde_json::json;

use super::api_address::ApiAddress;
use super::reply::{self, Reply};
use super::{Request, Shared, names};
use crate::auth::AuthMode;

#[derive(Template)]
#[template(path = "playground.html")]
struct Page {
    names: Vec<String>,
    /// Nothing can be asked yet.
    is_empty: bool,
    /// What the script cannot know.
    setting: String,
}

/// The page.
pub(super) fn page(shared: &Arc<Shared>, request: &Request) -> Reply {
    let catalog = shared.catalog.load_full();
    let api = ApiAddress::of(&shared.policy, request.text(HOST.as_str()));
    let setting = json!({
        "api": api.url,
        "needs_key": shared.policy.auth_mode == AuthMode::Keys,
        "first": names::first_to_chat(&catalog),
    });
    let names = names::all(&catalog);
    reply::page(200, &Page { is_empty: names.is_empty(), names, setting: setting.to_string() })
}
