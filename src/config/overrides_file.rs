//! `overrides.yaml`: where providers and models differ from the protocol they speak, and what they cost. The built-in
//! price table has the same form.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_with_macros::skip_serializing_none;

use super::locate::Locator;
use super::relay_file::read;
use super::{ConfiguredPath, Entries, PriceEntry, Problem, yaml};

/// `overrides.yaml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OverridesFile {
    /// Rules by provider id.
    pub providers: Entries<ProviderRules>,
    #[serde(skip)]
    locator: Locator,
}

/// The rules of a provider, applied in this order: later and more specific ones win, key by key.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderRules {
    /// For every model.
    pub defaults: ModelRules,
    /// For models whose id matches, in the order of the file.
    pub patterns: Vec<ModelRules>,
    /// For single models; naming one also adds it to the catalog.
    pub models: Entries<ModelRules>,
}

/// Rules for models. An absent key leaves things as they are.
///
/// The keys are explained in `overrides.yaml` itself and named after the fields of [`crate::protocol::Quirks`] and [`crate::protocol::ModelProfile`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of `Quirks` and `ModelProfile`, documented there")]
pub struct ModelRules {
    /// Patterns only: the ids it is for; `*` is any text, `?` any one character, case does not matter.
    #[serde(rename = "match")]
    pub pattern: Option<String>,
    /// For the readers of the file.
    pub reason: Option<IgnoredAny>,
    /// Switches the model off, or on again.
    pub disabled: Option<bool>,
    /// Chat or embedding.
    pub kind: Option<KindWord>,
    pub capabilities: CapabilityRules,
    pub context_length: Option<u64>,
    pub max_output: Option<u64>,
    /// Replaces the whole price.
    pub price: Option<PriceEntry>,
    pub use_max_completion_tokens: Option<bool>,
    pub use_max_tokens: Option<bool>,
    pub supports_system_prompt: Option<bool>,
    pub supports_developer_role: Option<bool>,
    pub unsupported_params: Option<Vec<String>>,
    pub renamed_params: Option<Entries<String>>,
    pub stream_usage: Option<bool>,
    pub strip_nulls: Option<bool>,
    pub tool_ids: Option<ToolIdsWord>,
    pub text_content_only_string: Option<bool>,
    pub merge_roles: Option<bool>,
    pub strip_names: Option<bool>,
    pub tool_choice_required: Option<String>,
    pub think_tags: Option<bool>,
    pub replay_reasoning: Option<bool>,
    pub completions: Option<bool>,
    pub no_json_object: Option<bool>,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KindWord {
    /// Answers conversations.
    Chat,
    /// Turns texts into vectors.
    Embedding,
}

/// Form of tool call ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolIdsWord {
    /// Anything.
    Any,
    /// Exactly nine letters and digits.
    Alnum9,
}

/// What a model can do; the fields are those of [`crate::protocol::Capabilities`].
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of `Capabilities`, documented there")]
pub struct CapabilityRules {
    pub tools: Option<bool>,
    pub vision: Option<bool>,
    pub audio: Option<bool>,
    pub reasoning: Option<bool>,
    pub json_schema: Option<bool>,
    pub insert: Option<bool>,
    pub sampling: Option<bool>,
    pub forced_tool: Option<bool>,
    pub adaptive_thinking: Option<bool>,
    pub thinking_off: Option<bool>,
    pub prefill: Option<bool>,
}

impl OverridesFile {
    /// Reads the file. `None`: it does not exist, and need not; the built-in copy is meant then.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn load(file: &ConfiguredPath) -> Result<Option<Self>, Vec<Problem>> {
        let name = file.path.display().to_string();
        let text = read(file).map_err(|problem| vec![problem])?;
        text.map(|text| Self::parse(&name, &text)).transpose()
    }

    /// Reads the text of the file; `name` stands in front of every place.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut file: Self = yaml::parse(name, text).map_err(|problem| vec![problem])?;
        file.locator = Locator::new(name, text);
        let mut problems = Vec::new();
        for (id, rules) in file.providers.iter() {
            let place = |part: &str| format!("{name} providers.{id}.{part}");
            for (index, rule) in rules.patterns.iter().enumerate() {
                if rule.pattern.is_none() {
                    problems.push(Problem::error(place(&format!("patterns[{index}]")), "a pattern needs `match`"));
                }
            }
            let others = std::iter::once(("defaults", &rules.defaults)).chain(rules.models.iter());
            for (part, rule) in others {
                if rule.pattern.is_some() {
                    problems.push(Problem::error(place(part), "`match` belongs to patterns"));
                }
            }
        }
        if problems.is_empty() { Ok(file) } else { Err(problems) }
    }
}

impl OverridesFile {
    /// The place of an entry below `providers`: `overrides.yaml:41 providers.openai.models.gpt-4o`.
    pub fn place(&self, below: &[&str]) -> String {
        self.locator.place_below(&[&["providers"], below].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::PicoUsd;

    fn rules(text: &str) -> Result<ModelRules, Vec<Problem>> {
        let text = format!("providers: {{ openai: {{ models: {{ m: {{ {text} }} }} }} }}");
        let file = OverridesFile::parse("o.yaml", &text)?;
        Ok(file.providers.get("OpenAI").unwrap().models.get("M").unwrap().clone())
    }

    #[test]
    fn a_price_is_exact_and_may_have_a_tier() {
        let price =
            rules("price: {input: 0.075, cache_write_1h: 4, tier: {above: 200000, inclusive: true, input: 0.15}}")
                .unwrap()
                .price
                .unwrap();
        assert_eq!(price.base.input, Some(PicoUsd(75_000)));
        assert_eq!(price.base.output, None);
        assert_eq!(price.base.cache_write_1h, Some(PicoUsd(4_000_000)));
        let tier = price.tier.unwrap();
        assert_eq!((tier.above, tier.inclusive, tier.values.input), (200_000, true, Some(PicoUsd(150_000))));
    }

    #[test]
    fn unknown_keys_are_refused_at_every_depth() {
        for text in [
            "prize: 1",
            "price: {inputs: 1}",
            "price: {tier: {above: 1, inputs: 1}}",
            "price: {off_peak: {inputs: 1}}",
            "price: {tier: {input: 1}}",
            "capabilities: {seeing: true}",
            "kind: image",
        ] {
            let problems = rules(text).unwrap_err();
            assert!(problems[0].place.starts_with("o.yaml:1:"), "{text}: {}", problems[0]);
        }
    }

    #[test]
    fn a_pattern_says_what_it_matches_and_nothing_else_does() {
        let problems = OverridesFile::parse(
            "o.yaml",
            "providers: {x: {defaults: {match: a}, patterns: [{disabled: true}], models: {m: {match: b}}}}",
        )
        .unwrap_err();
        let places: Vec<_> = problems.iter().map(|problem| problem.place.as_str()).collect();
        assert_eq!(places, ["o.yaml providers.x.patterns[0]", "o.yaml providers.x.defaults", "o.yaml providers.x.m"]);
    }
}
