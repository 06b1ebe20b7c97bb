//! The page of providers, and that of Ollama instances.

use std::sync::Arc;

use askama::Template;
use serde_json::{Value, json};

use super::api::{self, ShownProvider};
use super::reply::{self, Reply};
use super::{Shared, words};
use crate::catalog::{ProviderState, known_providers};
use crate::clock::UnixMillis;

/// Models that are named where a page cannot ask for them.
const NAMED: usize = 12;

#[derive(Template)]
#[template(path = "providers.html")]
struct Providers {
    cards: Vec<Card>,
    /// Known ones that nobody has configured.
    waiting: Vec<Waiting>,
    /// What the form can add, as JSON.
    vendors: String,
    ready: usize,
}

/// A provider that somebody has configured.
struct Card {
    /// Prefix of the ids in its form.
    form: String,
    name: String,
    badge: &'static str,
    state: String,
    /// Why it is not as it should be; empty when nothing is wrong.
    reason: String,
    protocol: String,
    address: String,
    models: String,
    key: String,
    origin: String,
    is_ours: bool,
    is_enabled: bool,
    can_be_tested: bool,
    can_be_asked: bool,
    warnings: Vec<String>,
    /// What the script needs, as JSON.
    entry: String,
}

/// A known provider without a key.
struct Waiting {
    id: String,
    setting: String,
}

/// The page of providers.
pub(super) async fn page(shared: &Arc<Shared>) -> Reply {
    let owned = shared.clone();
    let all = match shared.store.run(move |conn| api::all_providers(&owned, conn)).await {
        Ok(all) => all,
        Err(error) => return reply::no_database(&error),
    };
    let (waiting, configured): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| one.entry.origin == "built_in" && one.state == "missing");
    let waiting: Vec<_> = waiting
        .into_iter()
        .map(|one| Waiting { id: one.entry.name, setting: one.reason.unwrap_or_default() })
        .collect();
    let page = Providers {
        ready: configured.iter().filter(|one| one.state == "ready" && one.failing.is_none()).count(),
        cards: configured.into_iter().enumerate().map(|(at, one)| Card::new(at, one)).collect(),
        vendors: vendors(&waiting),
        waiting,
    };
    reply::page(200, &page)
}

/// What the form offers: known ones that nobody has configured, by id.
fn vendors(waiting: &[Waiting]) -> String {
    let free = known_providers().filter(|known| waiting.iter().any(|one| one.id == known.id));
    let list: Vec<Value> = free
        .map(|known| {
            json!({
                "id": known.id,
                "protocol": known.protocol,
                "base_url": known.base_url,
                "needs_key": known.needs_key,
            })
        })
        .collect();
    Value::Array(list).to_string()
}

impl Card {
    fn new(at: usize, one: ShownProvider) -> Self {
        let (badge, state) = match (one.state, &one.failing) {
            ("ready", Some(failing)) => ("bad", format!("failing since {}", since(failing.since_ms))),
            ("ready", None) => ("good", "ready".to_owned()),
            ("missing", _) => ("warn", "needs a setting".to_owned()),
            ("disabled", _) => ("", "switched off".to_owned()),
            _ => ("bad", "cannot be used".to_owned()),
        };
        let reason = match (one.state, &one.failing) {
            ("ready", Some(failing)) => failing.reason.clone(),
            ("missing", _) if one.entry.origin == "database" => "It has no key: edit it, and enter one.".to_owned(),
            ("missing", _) => format!("Set {}.", one.reason.as_deref().unwrap_or_default()),
            _ => one.reason.clone().unwrap_or_default(),
        };
        let entry = &one.entry;
        let end = entry.definition.get("key").and_then(|key| key.get("ends_with")?.as_str());
        let place = entry.place.as_deref().unwrap_or_default();
        let known = known_providers().find(|known| known.id.eq_ignore_ascii_case(&entry.name));
        Self {
            form: format!("p{at}"),
            name: entry.name.clone(),
            badge,
            state,
            reason,
            protocol: one.protocol.unwrap_or("unknown").to_owned(),
            address: one.address.clone().unwrap_or_default(),
            models: match one.models {
                0 => "none known yet".to_owned(),
                count => words::counted(i64::try_from(count).unwrap_or(i64::MAX), "model"),
            },
            key: match end {
                Some("") => "set".to_owned(),
                Some(end) => format!("ends with …{end}"),
                None => "none".to_owned(),
            },
            origin: match entry.origin {
                "file" => format!("managed by the file, at {place}"),
                "environment" => format!("comes from the environment: {place}"),
                _ => String::new(),
            },
            is_ours: entry.origin == "database",
            is_enabled: one.state != "disabled",
            can_be_tested: matches!(one.state, "ready" | "disabled"),
            can_be_asked: one.state == "ready",
            warnings: entry.problems.iter().map(|problem| problem.message.clone()).collect(),
            entry: json!({
                "name": entry.name,
                "version": entry.version,
                "provider": entry.definition.get("provider"),
                "key": end,
                "protocol": one.protocol,
                "known": known.map(|known| json!({ "base_url": known.base_url, "protocol": known.protocol })),
            })
            .to_string(),
        }
    }
}

/// The time of today, or the day.
fn since(at: UnixMillis) -> String {
    const DAY_MS: i64 = 86_400_000;
    let pattern = if UnixMillis::now().0 - at.0 < DAY_MS { "%H:%M UTC" } else { "%Y-%m-%d" };
    words::moment(at, pattern)
}

#[derive(Template)]
#[template(path = "ollama.html")]
struct Ollama {
    instances: Vec<Instance>,
}

/// An instance as far as it is known without asking it.
struct Instance {
    form: String,
    name: String,
    address: String,
    /// What is wrong before anybody has asked; empty when it can be asked.
    reason: &'static str,
    models: String,
}

/// The page of Ollama instances. None is asked here: the page's script does, one by one.
pub(super) fn ollama(shared: &Arc<Shared>) -> Reply {
    let catalog = shared.catalog.load();
    let instances = api::instances(shared).into_iter().enumerate().map(|(at, provider)| {
        let ours: Vec<_> = catalog.models().iter().filter(|model| model.provider.id == provider.id).collect();
        let mut models = ours.iter().take(NAMED).map(|model| model.profile.id.clone()).collect::<Vec<_>>().join(", ");
        if ours.len() > NAMED {
            models.push_str(&format!(" and {} more", ours.len() - NAMED));
        }
        Instance {
            form: format!("i{at}"),
            name: provider.id.clone(),
            address: api::shown_address(&provider.base_url),
            reason: match provider.state {
                ProviderState::Ready => "",
                ProviderState::Disabled => "It is switched off.",
                ProviderState::NoKey(_) | ProviderState::Unusable(_) => "It cannot be used as it is configured.",
            },
            models,
        }
    });
    reply::page(200, &Ollama { instances: instances.collect() })
}
