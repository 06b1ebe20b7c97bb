//! The page with the list: filters that live in the address, and models by provider.

use askama::Template;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::reply::{self, Reply};
use super::super::{Shared, words};
use super::select::{Asked, Is, ListedRow, Selection, Uses, select, uses};
use crate::catalog::{Catalog, ProviderState};
use crate::clock::UnixMillis;
use crate::money::{NanoUsd, PicoUsd};
use crate::protocol::ModelKind;
use crate::store::usage::Counters;

/// What stands for something that is not known.
pub(super) const UNKNOWN: &str = "–";
/// Decimal places of sums.
const PLACES: u32 = 2;
/// A name in an address keeps what may stand in one, so that people can read it.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b':');

#[derive(Template)]
#[template(path = "models.html")]
struct List {
    text: String,
    providers: Vec<Choice>,
    filters: Vec<Choice>,
    /// Also those of providers that cannot be called.
    all: bool,
    is_filtered: bool,
    /// Filters beside text and provider are in use.
    is_detailed: bool,
    /// What is wrong with what was asked; empty when nothing is.
    wrong: String,
    total: String,
    /// No provider can be called.
    is_bare: bool,
    groups: Vec<Group>,
    /// Addresses; empty when there is nothing there.
    first: String,
    next: String,
}

struct Choice {
    value: String,
    words: String,
    is_chosen: bool,
}

/// The models of one provider.
struct Group {
    provider: String,
    /// Why they cannot be called; empty when they can.
    why_not: String,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    address: String,
    /// What it is, when it is not simply ready to chat.
    badges: Vec<Badge>,
    abilities: Vec<&'static str>,
    context: String,
    input: String,
    output: String,
    /// Where the price is from.
    price_source: String,
    requests: String,
    cost: String,
}

/// A word with what it means.
pub(super) struct Badge {
    pub(super) words: &'static str,
    pub(super) class: &'static str,
}

/// The page.
pub(in crate::admin) async fn list(shared: &Shared, query: &str) -> Reply {
    let read = Asked::read(query);
    let uses = match shared.store.run(|conn| uses(conn, UnixMillis::now())).await {
        Ok(uses) => uses,
        Err(error) => return reply::no_database(&error),
    };
    let catalog = shared.catalog.load_full();
    let found = read.clone().and_then(|asked| select(&catalog, &asked, &uses));
    let status = if found.is_ok() { 200 } else { 400 };
    reply::page(status, &page(&catalog, &read.unwrap_or_default(), found, &uses))
}

fn page(catalog: &Catalog, asked: &Asked, found: Result<Selection, String>, uses: &Uses) -> List {
    let (found, wrong) = match found {
        Ok(found) => (found, String::new()),
        Err(wrong) => (Selection { models: Vec::new(), total: 0, next: None }, wrong),
    };
    let providers = catalog
        .providers()
        .iter()
        .filter(|provider| asked.all || provider.is_ready() || provider.id.eq_ignore_ascii_case(&asked.provider));
    let providers = providers.map(|provider| Choice {
        value: provider.id.clone(),
        words: provider.id.clone(),
        is_chosen: provider.id.eq_ignore_ascii_case(&asked.provider),
    });
    let filters = Is::ALL.iter().map(|(word, words, is)| Choice {
        value: (*word).to_owned(),
        words: (*words).to_owned(),
        is_chosen: asked.is.contains(is),
    });
    List {
        text: asked.text.clone(),
        providers: providers.collect(),
        filters: filters.collect(),
        all: asked.all,
        is_filtered: asked.is_filtered(),
        is_detailed: !asked.is.is_empty() || asked.all,
        wrong,
        total: words::counted(i64::try_from(found.total).unwrap_or(i64::MAX), "model"),
        is_bare: !catalog.providers().iter().any(|provider| provider.is_ready()),
        next: found.next.as_ref().map_or_else(String::new, |next| asked.address_after(next)),
        first: if asked.after.is_empty() { String::new() } else { asked.address_after("") },
        groups: groups(catalog, found.models, uses),
    }
}

fn groups(catalog: &Catalog, models: Vec<ListedRow>, uses: &Uses) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for model in models {
        if groups.last().is_none_or(|group| group.provider != model.provider) {
            let state = catalog.provider(&model.provider).map(|provider| &provider.state);
            let why_not = match state {
                Some(ProviderState::NoKey(setting)) => format!("needs {setting}"),
                Some(ProviderState::Unusable(_)) => "cannot be used".to_owned(),
                Some(ProviderState::Disabled) => "switched off".to_owned(),
                Some(ProviderState::Ready) | None => String::new(),
            };
            groups.push(Group { provider: model.provider.clone(), why_not, rows: Vec::new() });
        }
        let row = row(&model, uses.get(&model.name));
        if let Some(group) = groups.last_mut() {
            group.rows.push(row);
        }
    }
    groups
}

fn row(model: &ListedRow, used: Option<&Counters>) -> Row {
    let price = model.price.as_ref();
    let dollars = |price: Option<PicoUsd>| price.map_or_else(|| UNKNOWN.to_owned(), PicoUsd::to_usd_per_million);
    Row {
        id: model.id.clone(),
        address: address(&model.name),
        badges: badges(model),
        abilities: abilities(model),
        context: model.context_length.map_or_else(|| UNKNOWN.to_owned(), tokens),
        input: dollars(price.and_then(|price| price.base.input)),
        output: dollars(price.and_then(|price| price.base.output)),
        price_source: model.price_source.clone().unwrap_or_default(),
        requests: used.map_or_else(String::new, |used| words::sum(used.requests)),
        cost: used.map_or_else(String::new, |used| {
            if used.unpriced_requests > 0 {
                words::cost_of(used, PLACES)
            } else {
                words::usd(NanoUsd(used.cost_nano_usd), PLACES)
            }
        }),
    }
}

/// Where a model's page is.
pub(super) fn address(name: &str) -> String {
    format!("/models/{}", utf8_percent_encode(name, IN_PATH))
}

pub(super) fn badges(model: &ListedRow) -> Vec<Badge> {
    let state = match model.state {
        "hidden" => Some(Badge { words: "hidden", class: "warn" }),
        "disabled" => Some(Badge { words: "switched off", class: "bad" }),
        _ => None,
    };
    let kind = (model.kind == ModelKind::Embedding).then_some(Badge { words: "embedding", class: "" });
    let changed = model.changed.then_some(Badge { words: "changed here", class: "good" });
    state.into_iter().chain(kind).chain(changed).collect()
}

pub(super) fn abilities(model: &ListedRow) -> Vec<&'static str> {
    let can = &model.capabilities;
    let all = [
        ("vision", can.vision),
        ("tools", can.tools),
        ("thinking", can.reasoning),
        ("JSON", can.json_schema),
        ("audio", can.audio),
    ];
    all.into_iter().filter(|(_, can)| *can == Some(true)).map(|(word, _)| word).collect()
}

/// As people say it: `128 K`, `1 M`, `1.05 M`; exactly where that would be another number.
pub(super) fn tokens(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        _ if count.is_multiple_of(1_000_000) => format!("{} M", words::count(count / 1_000_000)),
        1_000_000.. if count.is_multiple_of(10_000) => {
            format!("{}.{:02} M", count / 1_000_000, count % 1_000_000 / 10_000)
        }
        _ if count.is_multiple_of(1_000) => format!("{} K", words::count(count / 1_000)),
        _ => words::count(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_tokens_are_short_and_exact() {
        let shown = [512, 8_000, 128_000, 131_072, 1_000_000, 1_050_000, 1_048_576, 2_000_000].map(tokens);
        assert_eq!(shown, ["512", "8 K", "128 K", "131,072", "1 M", "1.05 M", "1,048,576", "2 M"]);
    }

    #[test]
    fn a_models_address_can_be_read_and_goes_back_to_its_name() {
        let name = "lab/org/x:7b@q4 ü?#";
        let address = address(name);
        assert_eq!(address, "/models/lab/org/x:7b%40q4%20%C3%BC%3F%23");
        let path = address.strip_prefix("/models/").unwrap();
        assert_eq!(percent_encoding::percent_decode_str(path).decode_utf8().unwrap(), name);
    }
}
