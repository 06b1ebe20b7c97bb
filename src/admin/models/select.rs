//! Which models are asked for, and a page of them.

use std::collections::HashMap;

use serde::Serialize;
use serde_with_macros::skip_serializing_none;
use url::form_urlencoded;

use crate::catalog::{Catalog, Model, ModelSource, ProviderState};
use crate::clock::UnixMillis;
use crate::config::{CapabilityRules, PriceEntry};
use crate::protocol::ModelKind;
use crate::store::usage::{self, Counters, Dimension};
use crate::store::{Conn, StoreError};
use crate::tracking::Period;

/// Rows of a page when nobody says, and at most.
const USUAL: usize = 100;
const MOST: usize = 1_000;
/// Characters of a value, at most.
const MAX_CHARS: usize = 300;
/// The days of use that are shown.
const USE: &str = "30d";

/// What a model can be asked to be, by the word of `is`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin) enum Is {
    Tools,
    Vision,
    Audio,
    Reasoning,
    JsonSchema,
    Chat,
    Embedding,
    Priced,
    Unpriced,
    Hidden,
    Disabled,
    Changed,
    Used,
}

impl Is {
    /// Every word, with what people are told it is.
    pub(in crate::admin) const ALL: [(&'static str, &'static str, Self); 13] = [
        ("vision", "sees images", Self::Vision),
        ("tools", "calls tools", Self::Tools),
        ("reasoning", "thinks", Self::Reasoning),
        ("json_schema", "JSON schema", Self::JsonSchema),
        ("audio", "hears", Self::Audio),
        ("chat", "chat", Self::Chat),
        ("embedding", "embedding", Self::Embedding),
        ("priced", "price known", Self::Priced),
        ("unpriced", "price unknown", Self::Unpriced),
        ("hidden", "hidden", Self::Hidden),
        ("disabled", "switched off", Self::Disabled),
        ("changed", "changed here", Self::Changed),
        ("used", "used in 30 days", Self::Used),
    ];
}

/// What is asked for, as it stands in the address.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::admin) struct Asked {
    /// Parts of the name, all of which it has.
    pub(in crate::admin) text: String,
    /// Those of one provider.
    pub(in crate::admin) provider: String,
    /// What they all are.
    pub(in crate::admin) is: Vec<Is>,
    /// Also those of providers that cannot be called.
    pub(in crate::admin) all: bool,
    /// Those behind the one of this name.
    pub(in crate::admin) after: String,
    limit: Option<usize>,
}

impl Asked {
    /// Reads an address. The error says what is wrong.
    pub(in crate::admin) fn read(query: &str) -> Result<Self, String> {
        let mut asked = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.chars().count() > MAX_CHARS {
                return Err(format!("`{key}` has more than {MAX_CHARS} characters"));
            }
            match &*key {
                "q" => asked.text = value.to_owned(),
                "provider" => asked.provider = value.to_owned(),
                "is" => {
                    for word in value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
                        let known = Is::ALL.iter().find(|(known, _, _)| *known == word);
                        let words = || Is::ALL.map(|(word, _, _)| format!("`{word}`")).join(", ");
                        let (_, _, is) = known.ok_or_else(|| format!("`is` is one of {}, not `{word}`", words()))?;
                        if !asked.is.contains(is) {
                            asked.is.push(*is);
                        }
                    }
                }
                "all" => {
                    asked.all = match value {
                        "true" | "1" => true,
                        "" | "false" | "0" => false,
                        _ => return Err(format!("`all` is `true` or `false`, not `{value}`")),
                    }
                }
                "after" => asked.after = value.to_owned(),
                "limit" if value.is_empty() => {}
                "limit" => {
                    let number = value.parse().ok().filter(|number| (1..=MOST).contains(number));
                    let number =
                        number.ok_or_else(|| format!("`limit` is a number from 1 to {MOST}, not `{value}`"))?;
                    asked.limit = Some(number);
                }
                _ => {
                    let keys = "`q`, `provider`, `is`, `all`, `after` and `limit`";
                    return Err(format!("there is {keys}, not `{key}`"));
                }
            }
        }
        Ok(asked)
    }

    /// Something narrows the list.
    pub(in crate::admin) fn is_filtered(&self) -> bool {
        !self.text.is_empty() || !self.provider.is_empty() || !self.is.is_empty()
    }

    /// The address of the same list behind this one.
    pub(in crate::admin) fn address_after(&self, after: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let texts = [("q", self.text.as_str()), ("provider", &self.provider), ("after", after)];
        query.extend_pairs(texts.into_iter().filter(|(_, value)| !value.is_empty()));
        for (word, _, is) in Is::ALL {
            if self.is.contains(&is) {
                query.append_pair("is", word);
            }
        }
        if self.all {
            query.append_pair("all", "true");
        }
        if let Some(limit) = self.limit {
            query.append_pair("limit", &limit.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "/models".to_owned() } else { format!("/models?{query}") }
    }
}

/// What models were used for, by `provider/model`.
pub(in crate::admin) type Uses = HashMap<String, Counters>;

/// What every model was used for in the last thirty days.
pub(in crate::admin) fn uses(conn: &mut Conn<'_>, now: UnixMillis) -> Result<Uses, StoreError> {
    let period = period(now);
    Ok(usage::sums_by(conn, Dimension::Model, period.from, period.to)?.into_iter().collect())
}

pub(super) fn period(now: UnixMillis) -> Period {
    Period::parse(Some(USE), None, now).unwrap_or(Period { from: now, to: now })
}

/// A page of models.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Selection {
    pub(in crate::admin) models: Vec<ListedRow>,
    /// How many there are, over all pages.
    pub(in crate::admin) total: usize,
    /// Where the next page begins: send it as `after`.
    pub(in crate::admin) next: Option<String>,
}

/// A model, in short.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub(in crate::admin) struct ListedRow {
    pub(in crate::admin) name: String,
    pub(in crate::admin) provider: String,
    pub(in crate::admin) id: String,
    pub(in crate::admin) kind: ModelKind,
    /// `ready`, `hidden`, `disabled`, `provider_disabled`, `provider_unusable` or `needs_key`.
    pub(in crate::admin) state: &'static str,
    /// How it is known: `built_in`, `file`, `list` or `page`.
    pub(in crate::admin) known_by: &'static str,
    pub(in crate::admin) capabilities: CapabilityRules,
    pub(in crate::admin) context_length: Option<u64>,
    pub(in crate::admin) max_output: Option<u64>,
    /// USD per million tokens; absent: not known.
    pub(in crate::admin) price: Option<PriceEntry>,
    /// Where the price is from.
    pub(in crate::admin) price_source: Option<String>,
    /// Something is said of it on the admin listener.
    pub(in crate::admin) changed: bool,
    /// Of the last thirty days; absent: it was not used.
    #[serde(rename = "use")]
    pub(in crate::admin) used: Option<Counters>,
}

impl ListedRow {
    pub(in crate::admin) fn new(catalog: &Catalog, model: &Model, uses: &Uses) -> Self {
        let name = model.name();
        Self {
            provider: model.provider.id.clone(),
            id: model.profile.id.clone(),
            kind: model.profile.kind,
            state: state(model),
            known_by: known_by(model.source),
            capabilities: model.abilities(),
            context_length: model.profile.context_length,
            max_output: model.profile.max_output,
            price: model.price.as_ref().map(|price| price.to_entry()),
            price_source: model.price.as_ref().map(|price| price.source.clone()),
            changed: catalog.said_of(model).is_some(),
            used: uses.get(&name).copied(),
            name,
        }
    }
}

fn state(model: &Model) -> &'static str {
    match &model.provider.state {
        _ if !model.enabled => "disabled",
        ProviderState::Disabled => "provider_disabled",
        ProviderState::NoKey(_) => "needs_key",
        ProviderState::Unusable(_) => "provider_unusable",
        ProviderState::Ready if model.hidden => "hidden",
        ProviderState::Ready => "ready",
    }
}

fn known_by(source: ModelSource) -> &'static str {
    match source {
        ModelSource::Seed => "built_in",
        ModelSource::File => "file",
        ModelSource::Discovered => "list",
        ModelSource::Stored => "page",
        ModelSource::PassedThrough => "name",
    }
}

/// The models that are asked for: by provider in catalogue order, then by id. The error says what is wrong.
pub(in crate::admin) fn select(catalog: &Catalog, asked: &Asked, uses: &Uses) -> Result<Selection, String> {
    let positions: HashMap<&str, usize> =
        catalog.providers().iter().enumerate().map(|(at, provider)| (provider.id.as_str(), at)).collect();
    let place = |provider: &str, id: &str| {
        let at = positions.get(provider).copied().unwrap_or(usize::MAX);
        (at, id.to_ascii_lowercase())
    };
    let start = match catalog.split_prefix(&asked.after) {
        Some((provider, id)) => Some(place(&provider.id, id)),
        None if asked.after.is_empty() => None,
        None => return Err(format!("`after` is the `next` of a page, not `{}`", asked.after)),
    };
    if !asked.provider.is_empty() && catalog.provider(&asked.provider).is_none() {
        return Err(format!("there is no provider `{}`", asked.provider));
    }
    let words: Vec<String> = asked.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let is_asked = |model: &&Model| {
        let is_of = if asked.provider.is_empty() {
            asked.all || model.provider.is_ready()
        } else {
            model.provider.id.eq_ignore_ascii_case(&asked.provider)
        };
        is_of && {
            let name = model.name();
            let lower = name.to_lowercase();
            words.iter().all(|word| lower.contains(word.as_str()))
                && asked.is.iter().all(|is| holds(catalog, model, &name, *is, uses))
        }
    };
    let mut found: Vec<&Model> = catalog.models().iter().map(AsRef::as_ref).filter(is_asked).collect();
    found.sort_by_cached_key(|model| place(&model.provider.id, &model.profile.id));
    let total = found.len();
    let first =
        start.map_or(0, |start| found.partition_point(|model| place(&model.provider.id, &model.profile.id) <= start));
    let limit = asked.limit.unwrap_or(USUAL);
    let page = &found[first..total.min(first.saturating_add(limit))];
    let next = (first + page.len() < total).then(|| page.last().map(|model| model.name())).flatten();
    let models = page.iter().map(|model| ListedRow::new(catalog, model, uses)).collect();
    Ok(Selection { models, total, next })
}

fn holds(catalog: &Catalog, model: &Model, name: &str, is: Is, uses: &Uses) -> bool {
    let can = &model.profile.capabilities;
    match is {
        Is::Tools => can.tools == Some(true),
        Is::Vision => can.vision == Some(true),
        Is::Audio => can.audio == Some(true),
        Is::Reasoning => can.reasoning == Some(true),
        Is::JsonSchema => can.json_schema == Some(true),
        Is::Chat => model.profile.kind == ModelKind::Chat,
        Is::Embedding => model.profile.kind == ModelKind::Embedding,
        Is::Priced => model.price.is_some(),
        Is::Unpriced => model.price.is_none(),
        Is::Hidden => model.hidden,
        Is::Disabled => !model.enabled,
        Is::Changed => catalog.said_of(model).is_some(),
        Is::Used => uses.contains_key(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::Fixture;

    fn openai() -> Catalog {
        Fixture { variables: &[("OPENAI_API_KEY", "k")], ..Fixture::default() }.catalog()
    }

    fn names(selection: &Selection) -> Vec<&str> {
        selection.models.iter().map(|row| row.name.as_str()).collect()
    }

    fn found(query: &str) -> Selection {
        let uses = Uses::from([("openai/gpt-4o".to_owned(), Counters { requests: 3, ..Counters::default() })]);
        select(&openai(), &Asked::read(query).unwrap(), &uses).unwrap()
    }

    #[test]
    fn filters_combine_and_words_are_parts_of_the_name() {
        assert_eq!(names(&found("q=4O+Mini")), ["openai/gpt-4o-mini"]);
        assert_eq!(names(&found("is=used")), ["openai/gpt-4o"]);
        assert_eq!(names(&found("is=used,embedding")), [""; 0]);
        assert!(found("is=vision&is=tools").models.iter().all(|row| row.capabilities.vision == Some(true)));
        assert!(found("provider=anthropic").total > 5 && found("").models.iter().all(|row| row.provider == "openai"));
        assert!(found("all=true&limit=1000").models.iter().any(|row| row.state == "needs_key"));
    }

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let whole = found("limit=1000");
        let (mut seen, mut address) = (Vec::new(), "limit=7".to_owned());
        loop {
            let page = found(&address);
            assert_eq!(page.total, whole.total);
            seen.extend(page.models.iter().map(|row| row.name.clone()));
            let Some(next) = page.next else { break };
            let of_page = Asked::read("limit=7").unwrap().address_after(&next);
            address = of_page.split_once('?').unwrap().1.to_owned();
        }
        assert_eq!(seen, names(&whole));
        assert!(seen.is_sorted());
        // The one the page ended at may be gone meanwhile.
        assert_eq!(found("after=openai/gpt-4o-m&limit=1").models[0].name, "openai/gpt-4o-mini");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = format!("q={}", "x".repeat(301));
        for (query, part) in [
            ("is=clever", "`vision`"),
            ("all=maybe", "`true` or `false`"),
            ("limit=0", "1 to 1000"),
            ("page=2", "not `page`"),
            (long.as_str(), "300 characters"),
        ] {
            let message = Asked::read(query).unwrap_err();
            assert!(message.contains(part), "{query}: {message}");
        }
        let refused = |query| select(&openai(), &Asked::read(query).unwrap(), &Uses::new()).unwrap_err();
        assert!(refused("after=x").contains("`next`") && refused("provider=nobody").contains("no provider"));
    }
}
