//! The page of keys. Finished values; the template decides nothing.

use std::sync::Arc;

use askama::Template;
use http::header::HOST;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::super::api_address::{ApiAddress, Reach};
use super::super::moment::Moment;
use super::super::reply::{self, Reply};
use super::super::requests::list_of;
use super::super::{Request, Shared, names, words};
use super::shown::{Origin, ShownKey, State};
use super::snippets::{self, Snippet};
use crate::auth::AuthMode;
use crate::clock::UnixMillis;

#[derive(Template)]
#[template(path = "keys.html")]
struct Page {
    /// Callers need a key.
    is_needed: bool,
    api: String,
    /// Who can reach it, where that is not everybody.
    reach: &'static str,
    in_use: Vec<Row>,
    revoked: Vec<Row>,
    /// Names and patterns to complete.
    patterns: Vec<String>,
    snippets: Vec<Snippet>,
    /// The same for the script.
    snippets_json: String,
    /// What stands where the key goes.
    place: &'static str,
}

/// One key.
struct Row {
    name: String,
    prefix: String,
    state: Badge,
    /// It was made elsewhere; where.
    locked_at: String,
    tags: Vec<String>,
    models: Vec<String>,
    expires: Moment,
    last_used: Moment,
    revoked: Moment,
    requests: String,
    cost: String,
    /// Its requests.
    address: String,
    /// What was done to it; empty: it was made elsewhere.
    history: String,
    problems: Vec<String>,
    /// What the script needs to change it.
    entry: String,
}

struct Badge {
    words: &'static str,
    class: &'static str,
}

/// The page.
pub(in crate::admin) async fn page(shared: &Arc<Shared>, request: &Request) -> Reply {
    let now = UnixMillis::now();
    let reader = shared.clone();
    let keys = shared.store.run(move |conn| super::all(&reader, conn, now)).await;
    let keys = match keys {
        Ok(keys) => keys,
        Err(error) => return reply::no_database(&error),
    };
    let (revoked, in_use): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.state == State::Revoked);
    let is_needed = shared.policy.auth_mode == AuthMode::Keys;
    let rows = |keys: Vec<ShownKey>| keys.into_iter().map(|key| Row::new(key, is_needed, now)).collect();
    let catalog = shared.catalog.load_full();
    let api = ApiAddress::of(&shared.policy, request.text(HOST.as_str()));
    let model = names::first_to_chat(&catalog).unwrap_or("MODEL");
    let snippets = snippets::snippets(&api, shared.policy.auth_mode, model);
    let for_script =
        snippets.iter().map(|one| json!({ "id": one.id, "tab": one.tab, "note": one.note, "code": one.code }));
    let snippets_json = json!(for_script.collect::<Vec<_>>()).to_string();
    let page = Page {
        is_needed,
        reach: reach_in_words(api.reach),
        api: api.url,
        in_use: rows(in_use),
        revoked: rows(revoked),
        patterns: names::patterns(&catalog),
        snippets,
        snippets_json,
        place: snippets::PLACE,
    };
    reply::page(200, &page)
}

fn reach_in_words(reach: Reach) -> &'static str {
    match reach {
        Reach::ThisMachine => {
            "Only programs on the relay’s own machine reach it; with HOST=0.0.0.0 others do, and then they need a key."
        }
        Reach::OtherMachinesByAnotherName => {
            "That is its address on the relay’s own machine; others write that machine’s name or address instead."
        }
        Reach::Anyone => "",
    }
}

impl Row {
    fn new(key: ShownKey, is_needed: bool, now: UnixMillis) -> Self {
        let entry = json!({
            "id": key.id, "name": key.name, "version": key.version,
            "tags": key.tags, "models": key.models, "expires_ms": key.expires_ms,
            "is_needed": is_needed,
        });
        let sums = key.last_30_days;
        let to_the_hour = key.origin != Origin::Database;
        Self {
            state: badge(&key),
            address: list_of("key", &key.name),
            history: match key.origin {
                Origin::Database => {
                    format!("/history?kind=key&name={}", utf8_percent_encode(&key.name, NON_ALPHANUMERIC))
                }
                Origin::File | Origin::Environment => String::new(),
            },
            prefix: key.shown_prefix.unwrap_or_default(),
            locked_at: key.place.unwrap_or_default(),
            expires: key.expires_ms.map_or_else(Moment::default, |at| Moment::until(at, now)),
            last_used: key.last_used_ms.map_or_else(Moment::default, |at| Moment::since(at, now, to_the_hour)),
            revoked: key.revoked_ms.map_or_else(Moment::default, |at| Moment::since(at, now, false)),
            requests: sums.map(|sums| words::sum(sums.requests)).unwrap_or_default(),
            cost: sums.map(|sums| words::cost_of(&sums, 4)).unwrap_or_default(),
            problems: key.problems.into_iter().map(|problem| problem.message).collect(),
            tags: key.tags,
            models: key.models,
            name: key.name,
            entry: entry.to_string(),
        }
    }
}

fn badge(key: &ShownKey) -> Badge {
    let (words, class) = match key.state {
        State::Revoked => ("revoked", ""),
        State::Expired => ("expired", "bad"),
        State::ExpiresSoon => ("expires soon", "warn"),
        State::Active if key.last_used_ms.is_none() && key.origin == Origin::Database => ("never used", ""),
        State::Active => ("active", "good"),
    };
    Badge { words, class }
}
