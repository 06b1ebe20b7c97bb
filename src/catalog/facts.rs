//! Where everything that is known of a model comes from: for each fact who says what, the one in force last.

use serde::Serialize;
use serde_json::{Map, Value, json};
use serde_with_macros::skip_serializing_none;

use super::quirks::Part;
use super::{Catalog, Model, seed};
use crate::config::{CapabilityRules, KindWord, ModelEntry, ModelRules, PriceEntry};
use crate::money::PicoUsd;
use crate::protocol::{Capabilities, ListedModel, ListedPrice, ModelKind};

/// Something that is known of a model, under the key it has in `overrides.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fact {
    /// `context_length`, `capabilities.tools`, `price`, ….
    pub key: String,
    /// Who says what, weakest first: the last one is in force.
    pub said: Vec<Said>,
}

/// What one source says.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    /// Who says it.
    pub by: Source,
    /// Which table, or where in the file; absent: there is only one.
    pub place: Option<String>,
    /// What.
    pub value: Value,
}

/// Who says something of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The built-in table.
    BuiltIn,
    /// The provider's own list.
    List,
    /// It runs on hardware of one's own.
    Local,
    /// `overrides.yaml`.
    File,
    /// The admin page.
    Page,
}

impl Source {
    /// An operator's word, which no list replaces by itself.
    pub fn is_operator(self) -> bool {
        matches!(self, Self::File | Self::Page)
    }
}

impl Catalog {
    /// Every fact about a model, each with its sources. `listed` is what its provider's list says.
    pub fn facts(&self, model: &Model, listed: Option<&ListedModel>) -> Vec<Fact> {
        let (provider, id) = (model.provider.id.as_str(), model.profile.id.as_str());
        let (prices_of, known_as) = self.book.known_as(provider, id);
        let row = seed::row(prices_of, known_as);
        let table = seed::price_source();
        let mut facts = Facts::default();
        if let Some(listed) = listed {
            facts.all(Source::List, None, of_list(listed));
        }
        if let Some(row) = &row {
            facts.all(Source::BuiltIn, Some(&table), of_rules(row.rules));
            // The list knows better than the row of a name that is only similar.
            if !row.is_exact
                && let Some(price) = listed.and_then(|listed| listed.price.as_ref()).and_then(of_listed_price)
            {
                facts.again(Source::List, "price", &price);
            }
        }
        if model.provider.local {
            facts.said("price", Source::Local, None, json!({ "input": "0", "output": "0" }));
        }
        for (part, rules) in self.book.rules(provider, known_as) {
            let below = match part {
                Part::Defaults => vec![provider, "defaults"],
                Part::Pattern(_) => vec![provider, "patterns"],
                Part::Model => vec![provider, "models", known_as],
            };
            let said = of_rules(rules);
            if said.is_empty() {
                continue;
            }
            let place = self.book.overrides.place(&below);
            let place = if let Part::Pattern(pattern) = part { format!("{place} {pattern}") } else { place };
            facts.all(Source::File, Some(&place), said);
        }
        if let Some(entry) = self.book.stored(provider, id) {
            facts.all(Source::Page, None, of_entry(entry));
        }
        facts.0
    }

    /// What was said of a model on the admin listener.
    pub fn said_of(&self, model: &Model) -> Option<&ModelEntry> {
        self.book.stored(&model.provider.id, &model.profile.id)
    }
}

#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn all(&mut self, by: Source, place: Option<&str>, said: Map<String, Value>) {
        for (key, value) in said {
            self.said(&key, by, place, value);
        }
    }

    fn said(&mut self, key: &str, by: Source, place: Option<&str>, value: Value) {
        let said = Said { by, place: place.map(str::to_owned), value };
        match self.0.iter_mut().find(|fact| fact.key == key) {
            Some(fact) => fact.said.push(said),
            None => self.0.push(Fact { key: key.to_owned(), said: vec![said] }),
        }
    }

    /// Says last what was said before.
    fn again(&mut self, by: Source, key: &str, value: &Value) {
        if let Some(fact) = self.0.iter_mut().find(|fact| fact.key == key) {
            fact.said.retain(|said| said.by != by);
        }
        self.said(key, by, None, value.clone());
    }
}

fn of_rules(rules: &ModelRules) -> Map<String, Value> {
    let mut said = Map::new();
    let kind = rules.kind.map(|kind| match kind {
        KindWord::Chat => ModelKind::Chat,
        KindWord::Embedding => ModelKind::Embedding,
    });
    put(&mut said, "kind", kind);
    put(&mut said, "disabled", rules.disabled);
    capabilities(&mut said, &rules.capabilities);
    put(&mut said, "context_length", rules.context_length);
    put(&mut said, "max_output", rules.max_output);
    put(&mut said, "price", rules.price.as_ref());
    said
}

fn of_entry(entry: &ModelEntry) -> Map<String, Value> {
    let mut said = Map::new();
    put(&mut said, "hidden", entry.hidden.then_some(true));
    put(&mut said, "disabled", entry.disabled);
    capabilities(&mut said, &entry.capabilities);
    put(&mut said, "context_length", entry.context_length);
    put(&mut said, "max_output", entry.max_output);
    put(&mut said, "price", entry.price.as_ref());
    said
}

fn of_list(listed: &ListedModel) -> Map<String, Value> {
    let mut said = Map::new();
    put(&mut said, "kind", listed.kind);
    capabilities(&mut said, &as_rules(listed.capabilities));
    put(&mut said, "context_length", listed.context_length);
    put(&mut said, "max_output", listed.max_output);
    put(&mut said, "price", listed.price.as_ref().and_then(of_listed_price));
    said
}

/// In the keys of files.
fn of_listed_price(listed: &ListedPrice) -> Option<Value> {
    let price = |text: &str| PicoUsd::from_usd(text).ok().filter(|&price| price >= PicoUsd(0));
    let optional = |text: &Option<String>| text.as_deref().and_then(price);
    let mut entry = PriceEntry::default();
    entry.base.input = Some(price(&listed.input)?);
    entry.base.output = Some(price(&listed.output)?);
    entry.base.cache_read = optional(&listed.cache_read);
    entry.base.cache_write = optional(&listed.cache_write);
    entry.per_request = optional(&listed.request).filter(|&fee| fee > PicoUsd(0));
    serde_json::to_value(entry).ok()
}

fn capabilities(said: &mut Map<String, Value>, rules: &CapabilityRules) {
    if let Ok(Value::Object(stated)) = serde_json::to_value(rules) {
        said.extend(stated.into_iter().map(|(key, value)| (format!("capabilities.{key}"), value)));
    }
}

/// What is known of a model's abilities, in the keys of files.
pub(super) fn as_rules(known: Capabilities) -> CapabilityRules {
    CapabilityRules {
        tools: known.tools,
        vision: known.vision,
        audio: known.audio,
        reasoning: known.reasoning,
        json_schema: known.json_schema,
        insert: known.insert,
        sampling: known.sampling,
        forced_tool: known.forced_tool,
        adaptive_thinking: known.adaptive_thinking,
        thinking_off: known.thinking_off,
        prefill: known.prefill,
    }
}

fn put(said: &mut Map<String, Value>, key: &str, value: Option<impl Serialize>) {
    if let Some(value) = value {
        said.insert(key.to_owned(), json!(value));
    }
}

impl Model {
    /// What it can do, in the keys of files; what is not known is left out.
    pub fn abilities(&self) -> CapabilityRules {
        as_rules(self.profile.capabilities)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::catalog::fixture::Fixture;
    use crate::entry_kind::EntryKind;

    const OVERRIDES: &str = "providers:\n  openai:\n    defaults: { max_output: 5 }\n    patterns:\n      - match: 'gpt-4*'\n        capabilities: { tools: false }\n    models:\n      gpt-4o:\n        context_length: 7\n        price: { input: 9, output: 9 }\n";

    fn said(facts: &[Fact], key: &str) -> Vec<String> {
        let fact = facts.iter().find(|fact| fact.key == key);
        let said = fact.into_iter().flat_map(|fact| &fact.said);
        said.map(|said| format!("{:?} {} {}", said.by, said.place.as_deref().unwrap_or("-"), said.value)).collect()
    }

    #[test]
    fn each_fact_names_everybody_who_says_something_and_the_last_word_counts() {
        let stored = [(
            EntryKind::Model,
            "OpenAI/GPT-4o",
            r#"{"context_length":8,"hidden":true,"price":{"input":1.5,"output":"2"}}"#,
        )];
        let fixture = Fixture {
            variables: &[("OPENAI_API_KEY", "k")],
            overrides: Some(OVERRIDES),
            stored: &stored,
            ..Fixture::default()
        };
        let listed = ListedModel { id: "gpt-4o".into(), context_length: Some(6), ..ListedModel::default() };
        let lists = HashMap::from([("openai".to_owned(), vec![listed.clone()])]);
        let (catalog, _) = fixture.build_with(&lists);
        let model = catalog.model("openai", "gpt-4o").unwrap();
        let facts = catalog.facts(model, Some(&listed));
        assert_eq!(
            said(&facts, "context_length"),
            [
                "List - 6",
                "BuiltIn seed litellm 2026-10-21 128000",
                "File overrides.yaml:8 providers.openai.models.gpt-4o 7",
                "Page - 8"
            ]
        );
        assert_eq!(
            said(&facts, "capabilities.tools").last().unwrap(),
            "File overrides.yaml:4 providers.openai.patterns gpt-4* false"
        );
        assert_eq!(said(&facts, "price").last().unwrap(), r#"Page - {"input":"1.5","output":"2"}"#);
        assert_eq!(said(&facts, "hidden"), ["Page - true"]);
        assert_eq!((model.hidden, model.profile.context_length), (true, Some(8)));
        assert_eq!(model.price.as_ref().unwrap().base.input, Some(PicoUsd(1_500_000)));
        assert_eq!(model.price.as_ref().unwrap().source, "admin page");
        assert!(!catalog.listing().iter().any(|listed| listed.name == "openai/gpt-4o"));
        assert!(catalog.find("gpt-4o").unwrap().0.is_callable(), "hidden is not switched off");
    }

    #[test]
    fn the_last_word_is_what_is_in_force_for_every_built_in_model() {
        let variables = [("OPENAI_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k"), ("DEEPSEEK_API_KEY", "k")];
        let catalog = Fixture { variables: &variables, ..Fixture::default() }.catalog();
        for model in catalog.models() {
            let facts = catalog.facts(model, None);
            let last = |key: &str| {
                facts.iter().find(|fact| fact.key == key).map(|fact| fact.said.last().unwrap().value.clone())
            };
            assert_eq!(last("context_length"), model.profile.context_length.map(|tokens| json!(tokens)));
            assert_eq!(last("max_output"), model.profile.max_output.map(|tokens| json!(tokens)));
            assert_eq!(last("capabilities.tools"), model.profile.capabilities.tools.map(|known| json!(known)));
            let input = model.price.as_ref().and_then(|price| price.base.input).map(PicoUsd::to_usd_per_million);
            assert_eq!(last("price").map(|price| price["input"].clone()), input.map(Value::from), "{}", model.name());
        }
    }

    #[test]
    fn a_model_that_only_the_page_names_is_in_the_catalogue_and_a_strange_provider_is_told_of() {
        let stored = [(EntryKind::Model, "openai/brand-new", "{}"), (EntryKind::Model, "nobody/x", "{}")];
        let fixture = Fixture { variables: &[("OPENAI_API_KEY", "k")], stored: &stored, ..Fixture::default() };
        let (catalog, problems) = fixture.build();
        assert_eq!(catalog.model("openai", "brand-new").unwrap().source, crate::catalog::ModelSource::Stored);
        let said: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["database models.nobody/x: warning: no such provider: this entry is for nothing"]);
    }
}
