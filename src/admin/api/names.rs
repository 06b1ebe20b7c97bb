//! Every name that can be asked for: for completion, and to find one's way.

use serde::Serialize;
use serde_json::json;
use serde_with_macros::skip_serializing_none;
use url::form_urlencoded;

use super::super::Shared;
use super::super::reply::Reply;
use super::error::ApiError;
use crate::catalog::{Catalog, Listed, ListedKind};
use crate::entry_kind::EntryKind;

/// How many are given at most.
const MOST: usize = 5_000;

/// A name and what it is.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
struct Name {
    name: String,
    /// `router`, `alias`, `redirect` or `model`.
    kind: &'static str,
    /// The model it leads to, as `provider/model`; a router's is its fallback. Absent: none at the moment.
    model: Option<String>,
    description: Option<String>,
}

/// Routers, aliases and models that can be called, then redirects: those that have `q` in them, of a `kind`, at most
/// `limit`.
pub(super) fn list(shared: &Shared, query: &str) -> Result<Reply, ApiError> {
    let (mut part, mut kind, mut limit) = (String::new(), None, MOST);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let wrong = |expected: &str| ApiError::new(400, "query", format!("`{key}` is {expected}, not `{value}`"));
        match &*key {
            "q" => part = value.trim().to_lowercase(),
            "kind" => {
                let known = ["router", "alias", "model", "redirect"].into_iter().find(|word| *word == value);
                kind = Some(known.ok_or_else(|| wrong("`router`, `alias`, `model` or `redirect`"))?);
            }
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=MOST).contains(number));
                limit = number.ok_or_else(|| wrong("a number from 1 to 5000"))?;
            }
            _ => return Err(ApiError::new(400, "query", format!("there is `q`, `kind` and `limit`, not `{key}`"))),
        }
    }
    let catalog = shared.catalog.load();
    let listed = catalog.listing().iter().map(|listed| shown(&catalog, listed));
    let redirects = catalog.redirects().iter().map(|redirect| Name {
        name: redirect.name.clone(),
        kind: EntryKind::Redirect.word(),
        model: None,
        description: Some(format!("→ {}", redirect.entry.target)),
    });
    let fits = |name: &Name| kind.is_none_or(|kind| kind == name.kind) && name.name.to_lowercase().contains(&part);
    let names: Vec<_> = listed.chain(redirects).filter(fits).take(limit).collect();
    Ok(super::json(200, &json!({ "names": names })))
}

fn shown(catalog: &Catalog, listed: &Listed) -> Name {
    let (kind, description) = match listed.kind {
        ListedKind::Router => {
            let router = catalog.routers().get(&listed.name);
            ("router", router.and_then(|router| router.entry.description.clone()))
        }
        ListedKind::Alias => {
            let alias = catalog.aliases().get(&listed.name);
            ("alias", alias.and_then(|alias| alias.entry.description.clone()))
        }
        ListedKind::Model => ("model", None),
    };
    Name { name: listed.name.clone(), kind, model: listed.model.as_ref().map(|model| model.name()), description }
}
