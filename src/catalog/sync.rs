//! What lists say now, against what is in force: lines to choose from. Nothing is changed here.
//!
//! A provider's own list counts more than a public one, and an operator's word is replaced by neither unless somebody
//! chooses so.

mod changes;

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Value, json};
use serde_with_macros::skip_serializing_none;

pub use changes::PriceChange;

use super::price_list::{ListRow, PriceList, tidied};
use super::pricing::{self, Owner};
use super::{Catalog, Model, ModelSource, Source};
use crate::money::PicoUsd;
use crate::protocol::{ListedModel, ModelKind};
use changes::{changes, is_absurd};

/// A price that becomes so many times itself, or so small a part of itself, is taken for a mistake.
const ABSURD_FACTOR: i64 = 1_000;

/// What lists were asked for.
#[derive(Debug)]
pub struct Lists<'a> {
    /// The models that providers list, by provider; one that gave no answer is not there.
    pub providers: &'a HashMap<String, Vec<ListedModel>>,
    /// Names, in lower case, of the models that were known before they were asked.
    pub known_before: &'a HashSet<String>,
    /// A public list, and what it is called as a source of prices.
    pub public: Option<(&'a PriceList, &'a str)>,
}

/// A difference.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The model.
    pub name: String,
    /// What differs.
    pub what: Difference,
    /// In force; `null`: not known.
    pub old: Value,
    /// Listed.
    pub new: Value,
    /// Of prices, each that differs.
    pub prices: Option<Vec<PriceChange>>,
    /// Who lists it.
    pub source: String,
    /// Why one should look twice.
    pub flags: Vec<Flag>,
    /// What is odd about it, in words.
    pub notes: Vec<String>,
    /// Nothing speaks against it.
    pub selected: bool,
    /// What applying it says of the model; absent: there is nothing to apply.
    pub set: Option<Map<String, Value>>,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The provider lists it since it was asked.
    New,
    /// The price is another one, or was not known.
    Price,
    /// The prompt window.
    ContextLength,
    /// The longest answer.
    MaxOutput,
    /// The provider does not list it.
    Gone,
}

/// Why one should look twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// What is in force is an operator's word.
    Operator,
    /// A figure is out of all proportion, or is no price.
    Absurd,
    /// It would cost nothing.
    Free,
}

/// Every difference, in catalogue order.
pub fn compare(catalog: &Catalog, lists: &Lists<'_>) -> Vec<Line> {
    let listed: HashMap<(&str, String), &ListedModel> = lists
        .providers
        .iter()
        .flat_map(|(provider, models)| models.iter().map(move |model| (provider.as_str(), model)))
        .map(|(provider, model)| ((provider, model.id.to_ascii_lowercase()), model))
        .collect();
    let callable = catalog.models().iter().filter(|model| model.is_callable());
    callable
        .flat_map(|model| {
            let key = (model.provider.id.as_str(), model.profile.id.to_ascii_lowercase());
            of_model(catalog, model, listed.get(&key).copied(), lists)
        })
        .collect()
}

fn of_model(catalog: &Catalog, model: &Model, listed: Option<&ListedModel>, lists: &Lists<'_>) -> Vec<Line> {
    let (prices_of, known_as) = catalog.book.known_as(&model.provider.id, &model.profile.id);
    let public = lists.public.and_then(|(list, source)| Some((list.row(prices_of, known_as)?, source)));
    let own = format!("{} list", model.provider.id);
    let mut lines = Vec::new();
    if !lists.known_before.contains(&model.name().to_ascii_lowercase()) {
        lines.push(line(model, Difference::New, Value::Null, Value::Null, own.clone()));
    }
    let is_asked = lists.providers.contains_key(&model.provider.id);
    let is_named_here = matches!(model.source, ModelSource::Seed | ModelSource::File | ModelSource::Stored);
    if is_asked && is_named_here && listed.is_none() {
        let set = Map::from_iter([("disabled".to_owned(), json!(true))]);
        lines.push(Line { set: Some(set), ..line(model, Difference::Gone, Value::Null, Value::Null, own.clone()) });
    }
    if model.provider.local {
        return lines;
    }
    lines.extend(price_line(catalog, model, listed, public.as_ref(), &own));
    let is_embedding = model.profile.kind == ModelKind::Embedding;
    let (own_context, own_output) = listed.map_or((None, None), |listed| (listed.context_length, listed.max_output));
    let row = public.as_ref().map(|(row, _)| row);
    let source = |is_own: bool| if is_own { own.as_str() } else { public.as_ref().map_or("", |(_, source)| source) };
    for (what, in_force, own_value, public_value) in [
        (Difference::ContextLength, model.profile.context_length, own_context, row.and_then(|row| row.context_length)),
        (Difference::MaxOutput, model.profile.max_output, own_output, row.and_then(|row| row.max_output)),
    ] {
        let Some(tokens) = own_value.or(public_value) else { continue };
        if Some(tokens) == in_force || (what == Difference::MaxOutput && is_embedding) {
            continue;
        }
        lines.push(limit_line(catalog, model, listed, what, in_force, tokens, source(own_value.is_some())));
    }
    lines
}

fn line(model: &Model, what: Difference, old: Value, new: Value, source: String) -> Line {
    Line {
        name: model.name(),
        what,
        old,
        new,
        prices: None,
        source,
        flags: Vec::new(),
        notes: Vec::new(),
        selected: false,
        set: None,
    }
}

fn limit_line(
    catalog: &Catalog,
    model: &Model,
    listed: Option<&ListedModel>,
    what: Difference,
    old: Option<u64>,
    new: u64,
    source: &str,
) -> Line {
    let key = if what == Difference::ContextLength { "context_length" } else { "max_output" };
    let set = Map::from_iter([(key.to_owned(), json!(new)), ("limits_source".to_owned(), json!(source))]);
    let mut line = Line { set: Some(set), ..line(model, what, json!(old), json!(new), source.to_owned()) };
    if is_operators(catalog, model, listed, key) {
        line.flags.push(Flag::Operator);
    }
    let factor = ABSURD_FACTOR.unsigned_abs();
    if old.is_some_and(|old| new / factor >= old.max(1) || old / factor >= new.max(1)) {
        line.flags.push(Flag::Absurd);
    }
    line.selected = line.flags.is_empty();
    line
}

fn price_line(
    catalog: &Catalog,
    model: &Model,
    listed: Option<&ListedModel>,
    public: Option<&(ListRow, &str)>,
    own: &str,
) -> Option<Line> {
    let is_embedding = model.profile.kind == ModelKind::Embedding;
    let owner = Owner { provider: &model.provider.id, model: &model.profile.id };
    let from_own = listed.and_then(|listed| pricing::from_list(owner, listed.price.as_ref()?));
    let (new, source, absurd) = match (from_own, public) {
        (Some(price), _) => (Some(pricing::to_entry(&price)), own, &[][..]),
        (None, Some((row, source))) => (row.price.clone(), *source, row.absurd.as_slice()),
        (None, None) => return None,
    };
    let new = new.map(|price| tidied(price, is_embedding));
    let old = model.price.as_ref().map(|price| tidied(pricing::to_entry(price), is_embedding));
    // A list that says nothing takes nothing back.
    if new == old || (new.is_none() && absurd.is_empty()) {
        return None;
    }
    let changes = changes(old.as_ref(), new.as_ref());
    let mut flags = Vec::new();
    if is_operators(catalog, model, listed, "price") {
        flags.push(Flag::Operator);
    }
    if !absurd.is_empty() || changes.iter().any(is_absurd) {
        flags.push(Flag::Absurd);
    }
    let zero = Some(PicoUsd(0));
    if new.as_ref().is_some_and(|price| price.base.input == zero || (price.base.output == zero && !is_embedding)) {
        flags.push(Flag::Free);
    }
    let notes = absurd.iter().map(|figure| format!("{figure} is no price, so nothing of this can be applied"));
    let set = new
        .as_ref()
        .filter(|_| absurd.is_empty())
        .map(|price| Map::from_iter([("price".to_owned(), json!(price)), ("price_source".to_owned(), json!(source))]));
    Some(Line {
        prices: Some(changes),
        notes: notes.collect(),
        selected: flags.is_empty() && set.is_some(),
        flags,
        set,
        ..line(model, Difference::Price, json!(old), json!(new), source.to_owned())
    })
}

/// Whether what is in force was said by an operator, and not taken from a list.
fn is_operators(catalog: &Catalog, model: &Model, listed: Option<&ListedModel>, key: &str) -> bool {
    let facts = catalog.facts(model, listed);
    let last = facts.iter().find(|fact| fact.key == key).and_then(|fact| fact.said.last());
    last.is_some_and(|said| {
        said.by.is_operator() && !(said.by == Source::Page && came_from_a_list(catalog, model, key))
    })
}

fn came_from_a_list(catalog: &Catalog, model: &Model, key: &str) -> bool {
    catalog.said_of(model).is_some_and(|entry| match key {
        "price" => entry.price_source.is_some(),
        _ => entry.limits_source.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::Fixture;
    use crate::entry_kind::EntryKind;

    fn compared(fixture: &Fixture<'_>, listed: &[&str], rows: &str) -> Vec<Line> {
        let models = listed.iter().map(|id| ListedModel { id: (*id).to_owned(), ..ListedModel::default() });
        let providers = HashMap::from([("openai".to_owned(), models.collect::<Vec<_>>())]);
        let (before, _) = fixture.build();
        let known_before = before.models().iter().map(|model| model.name().to_ascii_lowercase()).collect();
        let (catalog, _) = fixture.build_with(&providers);
        let list = PriceList::parse(format!("{{{rows}}}").as_bytes()).ok();
        let public = list.as_ref().map(|list| (list, "litellm 2026-11-21"));
        compare(&catalog, &Lists { providers: &providers, known_before: &known_before, public })
    }

    fn row(id: &str, input: &str, output: &str, more: &str) -> String {
        format!(
            "\"{id}\": {{\"litellm_provider\": \"openai\", \"input_cost_per_token\": {input}, \"output_cost_per_token\": {output}{more}}}"
        )
    }

    const KEY: &[(&str, &str)] = &[("OPENAI_API_KEY", "k")];

    fn all() -> Vec<&'static str> {
        let mut ids: Vec<&str> = super::super::seed::model_ids("openai").collect();
        ids.push("brand-new");
        ids
    }

    #[test]
    fn a_changed_price_is_told_with_its_percentage_and_applies_as_a_whole() {
        let fixture = Fixture { variables: KEY, ..Fixture::default() };
        let more = ", \"cache_read_input_token_cost\": 7.5e-08, \"max_input_tokens\": 200000, \"search_context_cost_per_query\": {\"search_context_size_low\": 0.025, \"search_context_size_medium\": 0.025, \"search_context_size_high\": 0.025}";
        let lines = compared(&fixture, &all(), &row("gpt-4o-mini", "2e-07", "6e-07", more));
        let of = |what| lines.iter().filter(|line| line.what == what).collect::<Vec<_>>();
        let [price] = of(Difference::Price)[..] else { panic!("{lines:#?}") };
        let change = PriceChange {
            key: "input".into(),
            old: Some("0.15".into()),
            new: Some("0.2".into()),
            percent: Some("+33.3".into()),
        };
        assert_eq!(price.prices, Some(vec![change]));
        assert!(price.selected && price.flags.is_empty());
        assert_eq!(price.set.as_ref().unwrap()["price"]["input"], "0.2");
        assert_eq!(price.set.as_ref().unwrap()["price_source"], "litellm 2026-11-21");
        let [context] = of(Difference::ContextLength)[..] else { panic!("{lines:#?}") };
        assert_eq!((context.old.clone(), context.new.clone()), (json!(128_000), json!(200_000)));
        let new: Vec<_> = of(Difference::New).iter().map(|line| line.name.as_str()).collect();
        assert_eq!(new, ["openai/brand-new"]);
        assert!(of(Difference::Gone).is_empty());
    }

    #[test]
    fn what_is_absurd_free_or_an_operators_word_is_not_chosen_by_itself() {
        let stored = [(EntryKind::Model, "openai/gpt-4o", r#"{"price":{"input":1,"output":2}}"#)];
        let fixture = Fixture { variables: KEY, stored: &stored, ..Fixture::default() };
        for (id, input, output, expected, can_be_applied) in [
            ("gpt-4o", "2.5e-6", "1e-5", vec![Flag::Operator], true),
            ("gpt-4o-mini", "2e-4", "6e-7", vec![Flag::Absurd], true),
            ("gpt-4o-mini", "1e-10", "6e-7", vec![Flag::Absurd], true),
            ("gpt-4o-mini", "0", "6e-7", vec![Flag::Free], true),
            ("gpt-4o-mini", "-1e-6", "6e-7", vec![Flag::Absurd], false),
            ("gpt-4o-mini", "1.5", "6e-7", vec![Flag::Absurd], false),
        ] {
            let lines = compared(&fixture, &all(), &row(id, input, output, ""));
            let price = lines.iter().find(|line| line.what == Difference::Price).unwrap();
            assert_eq!(
                (&price.flags, price.selected, price.set.is_some()),
                (&expected, false, can_be_applied),
                "{input}"
            );
        }
    }

    #[test]
    fn what_came_from_a_list_is_replaced_by_a_newer_one() {
        let stored = [(
            EntryKind::Model,
            "openai/gpt-4o",
            r#"{"price":{"input":1,"output":2},"price_source":"litellm 2026-11-20"}"#,
        )];
        let fixture = Fixture { variables: KEY, stored: &stored, ..Fixture::default() };
        let lines = compared(&fixture, &all(), &row("gpt-4o", "2e-6", "2e-6", ""));
        let price = lines.iter().find(|line| line.what == Difference::Price).unwrap();
        assert!(price.selected && price.flags.is_empty());
    }

    #[test]
    fn a_model_that_is_not_listed_any_more_can_be_switched_off() {
        let fixture = Fixture { variables: KEY, ..Fixture::default() };
        let lines = compared(&fixture, &["gpt-4o"], "");
        let gone = lines.iter().find(|line| line.name == "openai/gpt-4o-mini").unwrap();
        assert_eq!((gone.what, gone.selected), (Difference::Gone, false));
        assert_eq!(gone.set.as_ref().unwrap()["disabled"], true);
        assert!(lines.iter().all(|line| line.name != "openai/gpt-4o"));
    }
}
