//! One model's page. Finished values; the template decides nothing.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::super::reply::{self, Reply};
use super::super::{Shared, words};
use super::about::{About, Day};
use super::list::{Badge, badges, tokens};
use crate::catalog::{Fact, Said, Source, User};
use crate::clock::UnixMillis;
use crate::config::{PriceEntry, TokenPrices};
use crate::entry_kind::EntryKind;
use crate::money::{NanoUsd, PicoUsd};

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

/// The form, filled in with what is in force.
struct Fields {
    context_length: Field,
    max_output: Field,
    prices: Vec<Field>,
    tier: Vec<Field>,
    is_inclusive: bool,
    off_peak: Vec<Field>,
    fees: Vec<Field>,
    abilities: Vec<Ability>,
    description: String,
}

struct Field {
    name: String,
    label: &'static str,
    value: String,
    hint: String,
}

struct Ability {
    name: String,
    label: &'static str,
    /// What is said here: `true`, `false` or nothing.
    said: String,
    /// What holds without that.
    otherwise: String,
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

fn value(key: &str, value: &Value) -> String {
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

fn source(said: &Said) -> String {
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

/// Every price with its kind, as people read it.
fn price_lines(price: &PriceEntry) -> Vec<(String, String)> {
    let mut lines = of_tokens("", &price.base);
    if let Some(tier) = &price.tier {
        let sign = if tier.inclusive { "from" } else { "above" };
        lines.extend(of_tokens(&format!(", prompt {sign} {}", tokens(tier.above)), &tier.values));
    }
    if let Some(off_peak) = &price.off_peak {
        lines.extend(of_tokens(", off-peak", &off_peak.values));
    }
    let fee = |fee: PicoUsd| format!("${}", fee.to_usd());
    lines.extend(price.per_request.map(|price| ("per request".to_owned(), fee(price))));
    lines.extend(
        price.search_per_query.map(|fees| ("per search (low / medium / high)".to_owned(), fees.map(fee).join(" / "))),
    );
    lines
}

fn of_tokens(suffix: &str, prices: &TokenPrices) -> Vec<(String, String)> {
    let shown = |(_, label, price): (&str, &str, Option<PicoUsd>)| {
        price.map(|price| (format!("{label}{suffix}"), format!("${}", price.to_usd_per_million())))
    };
    kinds(prices).into_iter().filter_map(shown).collect()
}

/// Key, label and price of each kind of token.
fn kinds(prices: &TokenPrices) -> [(&'static str, &'static str, Option<PicoUsd>); 10] {
    [
        ("input", "input", prices.input),
        ("output", "output", prices.output),
        ("cache_read", "cache read", prices.cache_read),
        ("cache_write", "cache write", prices.cache_write),
        ("cache_write_1h", "cache write, 1 h", prices.cache_write_1h),
        ("reasoning", "thinking", prices.reasoning),
        ("audio_input", "audio in", prices.audio_input),
        ("audio_output", "audio out", prices.audio_output),
        ("image_input", "image in", prices.image_input),
        ("citation", "citation", prices.citation),
    ]
}

const ABILITIES: [(&str, &str); 11] = [
    ("vision", "Sees images"),
    ("tools", "Calls tools"),
    ("reasoning", "Thinks"),
    ("json_schema", "Follows a JSON schema"),
    ("audio", "Hears"),
    ("insert", "Fills in the middle"),
    ("sampling", "Takes temperature, top_p, top_k"),
    ("forced_tool", "Can be forced to call a tool"),
    ("adaptive_thinking", "Adaptive thinking"),
    ("thinking_off", "Thinking can be switched off"),
    ("prefill", "Continues a trailing answer"),
];

/// Abilities that are offered in the form; the others are quirks of one vendor, and stay with the file.
const OFFERED: usize = 7;

fn fields(about: &About, entry: &Value) -> Fields {
    let row = &about.row;
    let number = |name: &str, label, in_force: Option<u64>| Field {
        name: name.to_owned(),
        label,
        value: in_force.map_or_else(String::new, |count| count.to_string()),
        hint: otherwise(&about.facts, name)
            .map_or_else(|| "tokens; not known otherwise".to_owned(), |said| format!("tokens; otherwise {said}")),
    };
    let nothing = PriceEntry::default();
    let price = row.price.as_ref().unwrap_or(&nothing);
    let of_kinds = |prefix: &str, prices: &TokenPrices| -> Vec<Field> {
        let field = |(key, label, price): (&str, &'static str, Option<PicoUsd>)| Field {
            name: format!("{prefix}{key}"),
            label,
            value: price.map_or_else(String::new, PicoUsd::to_usd_per_million),
            hint: String::new(),
        };
        kinds(prices).into_iter().map(field).collect()
    };
    let none = TokenPrices::default();
    let above = Field {
        name: "price.tier.above".to_owned(),
        label: "prompt longer than",
        value: price.tier.as_ref().map_or_else(String::new, |tier| tier.above.to_string()),
        hint: "tokens".to_owned(),
    };
    let tier_values = price.tier.as_ref().map_or(&none, |tier| &tier.values);
    let off_peak = price.off_peak.as_ref().map_or(&none, |off_peak| &off_peak.values);
    let fee = |name: String, label, fee: Option<PicoUsd>| Field {
        name,
        label,
        value: fee.map_or_else(String::new, PicoUsd::to_usd),
        hint: String::new(),
    };
    let search = ["per search, low", "per search, medium", "per search, high"];
    let searches = search.into_iter().enumerate().map(|(at, label)| {
        fee(format!("price.search_per_query.{at}"), label, price.search_per_query.map(|fees| fees[at]))
    });
    let empty = Map::new();
    let said = entry["capabilities"].as_object().unwrap_or(&empty);
    Fields {
        context_length: number("context_length", "Context", row.context_length),
        max_output: number("max_output", "Longest answer", row.max_output),
        prices: of_kinds("price.", &price.base),
        is_inclusive: price.tier.as_ref().is_some_and(|tier| tier.inclusive),
        tier: std::iter::once(above).chain(of_kinds("price.tier.", tier_values)).collect(),
        off_peak: of_kinds("price.off_peak.", off_peak),
        fees: std::iter::once(fee("price.per_request".to_owned(), "per request", price.per_request))
            .chain(searches)
            .collect(),
        abilities: ABILITIES
            .iter()
            .take(OFFERED)
            .map(|(key, label)| Ability {
                name: format!("capabilities.{key}"),
                label,
                said: said.get(*key).map_or_else(String::new, Value::to_string),
                otherwise: unsaid(&about.facts, &format!("capabilities.{key}"))
                    .map_or_else(|| "not known".to_owned(), |said| value(key, &said.value)),
            })
            .collect(),
        description: entry["description"].as_str().unwrap_or_default().to_owned(),
    }
}

/// What holds for a key where this page says nothing.
fn unsaid<'a>(facts: &'a [Fact], key: &str) -> Option<&'a Said> {
    let fact = facts.iter().find(|fact| fact.key == key)?;
    fact.said.iter().rev().find(|said| said.by != Source::Page)
}

/// The same in words, with who says it.
fn otherwise(facts: &[Fact], key: &str) -> Option<String> {
    let said = unsaid(facts, key)?;
    let count = said.value.as_u64().map_or_else(|| said.value.to_string(), words::count);
    Some(format!("{count} ({})", source(said)))
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
