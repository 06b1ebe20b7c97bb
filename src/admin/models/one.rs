//! One model's page. Finished values; the template decides nothing.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use super::super::reply::{self, Reply};
use super::super::{Shared, words};
use super::about::{About, Day};
use super::form::{ABILITIES, Fields, fields};
use super::list::{Badge, badges};
use super::price_words::price_lines;
use crate::catalog::{Fact, Said, Source, User};
use crate::clock::UnixMillis;
use crate::entry_kind::EntryKind;
use crate::money::NanoUsd;

const MOMENT: &str = "%Y-%m-%d %H:%M UTC";
/// Days of the little chart.
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

#[derive(Template)]
#[template(path = "model.html")]
struct One {
    name: String,
    provider: String,
    badges: Vec<Badge>,
    /// Why it cannot be called; empty when it can.
    why_not: String,
    known_by: &'static str,
    /// The name, for addresses.
    encoded: String,
    playground: String,
    new_alias: String,
    is_hidden: bool,
    is_disabled: bool,
    /// Something is said of it here.
    is_changed: bool,
    changed: String,
    /// For the script: name, version and entry, and what switches it on again.
    data: String,
    facts: Vec<ShownFact>,
    prices: Vec<(String, String)>,
    price_source: String,
    past: Vec<Past>,
    users: Vec<ShownUser>,
    used: Option<Used>,
    fields: Fields,
}

#[derive(Template)]
#[template(path = "no_model.html")]
struct NoModel {
    name: String,
}

/// What is known of it, and who says so.
struct ShownFact {
    label: String,
    value: String,
    by: String,
    /// What others say, which is not in force.
    instead: Vec<String>,
}

/// A price it has had.
struct Past {
    from: String,
    to: String,
    source: String,
    id: String,
    prices: String,
}

struct ShownUser {
    what: String,
    name: String,
    address: String,
}

/// The last thirty days.
struct Used {
    requests: String,
    errors: String,
    input: String,
    output: String,
    cost: String,
    bars: Vec<Bar>,
}

/// A day of the chart.
struct Bar {
    x: i64,
    y: i64,
    height: i64,
    words: String,
}

/// The page; `path` is its name as the address has it.
pub(in crate::admin) async fn one(shared: &Shared, path: &str) -> Reply {
    let Ok(name) = percent_decode_str(path).decode_utf8() else {
        return reply::text(404, "There is no such page.\n");
    };
    let catalog = shared.catalog.load_full();
    let known = catalog.split_prefix(&name).and_then(|(provider, id)| catalog.model(&provider.id, id)).cloned();
    let Some(model) = known else {
        return reply::page(404, &NoModel { name: name.into_owned() });
    };
    let listed = shared.listed(&model);
    let read = shared.store.run(move |conn| About::read(&catalog, &model, listed.as_ref(), conn, UnixMillis::now()));
    match read.await {
        Ok(about) => reply::page(200, &page(about, UnixMillis::now())),
        Err(error) => reply::no_database(&error),
    }
}

fn page(about: About, now: UnixMillis) -> One {
    let row = &about.row;
    let in_address = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let encoded = in_address(&row.name);
    let said = about.entry.as_ref();
    let entry = said.map_or_else(|| json!({}), |said| said.model.clone());
    // Where the file switches it off it has to be said that it is on.
    let is_off_by_file = about.facts.iter().any(|fact| {
        fact.key == "disabled" && fact.said.iter().any(|said| said.by == Source::File && said.value == json!(true))
    });
    let data = json!({
        "name": row.name,
        "version": said.map(|said| &said.version),
        "entry": entry,
        "in_force": { "context_length": row.context_length, "max_output": row.max_output, "price": row.price },
        "on": if is_off_by_file { json!(false) } else { Value::Null },
    });
    One {
        provider: row.provider.clone(),
        badges: badges(row),
        why_not: match row.state {
            "provider_disabled" => format!("The provider {} is switched off.", row.provider),
            "provider_unusable" => {
                format!(
                    "The provider {} cannot be used: {}.",
                    row.provider,
                    about.missing.as_deref().unwrap_or_default()
                )
            }
            "needs_key" => format!(
                "The provider {} cannot be called: set {}.",
                row.provider,
                about.missing.as_deref().unwrap_or("its key")
            ),
            _ => String::new(),
        },
        known_by: match row.known_by {
            "built_in" => "the built-in table",
            "file" => "relay.yaml or overrides.yaml",
            "list" => "the provider’s own list",
            _ => "this page",
        },
        encoded: encoded.clone(),
        playground: format!("/playground?model={encoded}"),
        new_alias: format!("/aliases?new=&target={encoded}"),
        is_hidden: entry["hidden"] == json!(true),
        is_disabled: row.state == "disabled",
        is_changed: said.is_some(),
        changed: said.map_or_else(String::new, |said| words::moment(said.updated_ms, MOMENT)),
        data: data.to_string(),
        facts: about.facts.iter().filter(|fact| fact.key != "price").map(shown_fact).collect(),
        prices: row.price.as_ref().map(price_lines).unwrap_or_default(),
        price_source: row.price_source.clone().unwrap_or_default(),
        past: about
            .price_history
            .iter()
            .map(|past| Past {
                from: words::moment(past.from_ms, MOMENT),
                to: past.to_ms.map_or_else(String::new, |to| words::moment(to, MOMENT)),
                source: past.source.clone(),
                id: past.id.clone(),
                prices: price_lines(&past.price)
                    .into_iter()
                    .map(|(kind, price)| format!("{kind} {price}"))
                    .collect::<Vec<_>>()
                    .join(", "),
            })
            .collect(),
        users: about.used_by.iter().map(shown_user).collect(),
        used: row.used.as_ref().map(|used| Used {
            requests: words::counted(used.requests, "request"),
            errors: words::counted(used.errors, "error"),
            input: words::sum(used.input_tokens + used.cache_read_tokens + used.cache_write_tokens),
            output: words::sum(used.output_tokens),
            cost: words::cost_of(used, 4),
            bars: bars(&about.days, now),
        }),
        fields: fields(&about, &entry),
        name: about.row.name,
    }
}

fn shown_fact(fact: &Fact) -> ShownFact {
    let (last, others) = match fact.said.split_last() {
        Some((last, others)) => (Some(last), others),
        None => (None, &[][..]),
    };
    ShownFact {
        label: label(&fact.key),
        value: last.map_or_else(String::new, |said| value(&fact.key, &said.value)),
        by: last.map_or_else(String::new, source),
        instead: others
            .iter()
            .rev()
            .map(|said| format!("{}: {}", source(said), value(&fact.key, &said.value)))
            .collect(),
    }
}

fn label(key: &str) -> String {
    match key {
        "kind" => "Kind".to_owned(),
        "context_length" => "Context".to_owned(),
        "max_output" => "Longest answer".to_owned(),
        "disabled" => "Switched off".to_owned(),
        "hidden" => "Hidden from lists".to_owned(),
        _ => {
            let ability = key.trim_start_matches("capabilities.");
            ABILITIES.iter().find(|(known, _)| *known == ability).map_or(key, |(_, label)| label).to_owned()
        }
    }
}

pub(super) fn value(key: &str, value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) if key == "context_length" || key == "max_output" => {
            number.as_u64().map_or_else(|| number.to_string(), |count| format!("{} tokens", words::count(count)))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn source(said: &Said) -> String {
    let place = said.place.as_deref().unwrap_or_default();
    match said.by {
        Source::BuiltIn => format!("built-in table, {place}"),
        Source::List => "the provider’s list".to_owned(),
        Source::Local => "your own hardware".to_owned(),
        Source::File => place.to_owned(),
        Source::Page => "this page".to_owned(),
    }
}

fn shown_user(user: &User) -> ShownUser {
    let (what, path) = match user.kind {
        Some(EntryKind::Alias) => ("alias", "aliases"),
        Some(EntryKind::Redirect) => ("redirect", "redirects"),
        Some(EntryKind::Router) => ("router", "routers"),
        Some(EntryKind::Provider | EntryKind::Model | EntryKind::Setting) | None => ("default model", "settings"),
    };
    let what = if user.role.is_empty() { what.to_owned() } else { format!("{what}, as {}", user.role) };
    let query = utf8_percent_encode(&user.name, NON_ALPHANUMERIC);
    ShownUser { what, name: user.name.clone(), address: format!("/{path}?q={query}") }
}

/// A bar for each of the last thirty days; its height is what was spent, or asked where nothing was.
fn bars(days: &[Day], now: UnixMillis) -> Vec<Bar> {
    let today = now.0.div_euclid(DAY_MS);
    let is_priced = days.iter().any(|day| day.sums.cost_nano_usd > 0);
    let size = |day: &Day| if is_priced { day.sums.cost_nano_usd } else { day.sums.requests };
    let most = days.iter().map(size).max().unwrap_or(0).max(1);
    let bar = |day: &Day| {
        let x = DAYS - 1 - (today - day.from_ms.0.div_euclid(DAY_MS));
        // One that was used at all shows.
        let height = i64::try_from(i128::from(size(day)) * 60 / i128::from(most)).unwrap_or(0).max(2);
        let words = format!(
            "{}: {}, {}",
            words::moment(day.from_ms, "%Y-%m-%d"),
            words::counted(day.sums.requests, "request"),
            words::usd(NanoUsd(day.sums.cost_nano_usd), 4)
        );
        Bar { x: x * 10, y: 60 - height, height, words }
    };
    // The thirtieth day before today began before the first hour that is counted.
    days.iter().map(bar).filter(|bar| bar.x >= 0).collect()
}
