//! Lays rules over what is known of a model: defaults of the provider, patterns in the order of the file, the model.

use crate::config::{CapabilityRules, KindWord, ModelEntry, ModelRules, ProviderRules, ToolIdsWord};
use crate::protocol::{Capabilities, ModelKind, ModelProfile, ToolIds};

/// Which part of a provider's rules says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Defaults,
    /// By what it matches.
    Pattern(&'a str),
    Model,
}

/// The rules that hold for a model, weakest first.
pub(super) fn layers<'a>(rules: &'a ProviderRules, id: &'a str) -> impl Iterator<Item = (Part<'a>, &'a ModelRules)> {
    let patterns = rules.patterns.iter().filter_map(move |rule| {
        let pattern = rule.pattern.as_deref()?;
        matches(pattern.as_bytes(), id.as_bytes()).then_some((Part::Pattern(pattern), rule))
    });
    let model = rules.models.get(id).map(|rule| (Part::Model, rule));
    std::iter::once((Part::Defaults, &rules.defaults)).chain(patterns).chain(model)
}

/// Changes what was said of the model on the admin listener, and leaves the rest.
pub(super) fn apply_stored(entry: &ModelEntry, profile: &mut ModelProfile) {
    profile.capabilities = capabilities(&entry.capabilities).or(profile.capabilities);
    profile.context_length = entry.context_length.or(profile.context_length);
    profile.max_output = entry.max_output.or(profile.max_output);
}

/// Changes what the rules state, and leaves the rest.
pub(super) fn apply(rules: &ModelRules, profile: &mut ModelProfile) {
    profile.capabilities = capabilities(&rules.capabilities).or(profile.capabilities);
    profile.context_length = rules.context_length.or(profile.context_length);
    profile.max_output = rules.max_output.or(profile.max_output);
    set(&mut profile.kind, rules.kind.map(kind));

    let quirks = &mut profile.quirks;
    set(&mut quirks.use_max_completion_tokens, rules.use_max_completion_tokens);
    set(&mut quirks.use_max_tokens, rules.use_max_tokens);
    set(&mut quirks.supports_system_prompt, rules.supports_system_prompt);
    set(&mut quirks.supports_developer_role, rules.supports_developer_role);
    set(&mut quirks.unsupported_params, rules.unsupported_params.clone());
    let renamed = rules.renamed_params.as_ref();
    set(
        &mut quirks.renamed_params,
        renamed.map(|names| names.iter().map(|(ours, theirs)| (ours.to_owned(), theirs.clone())).collect()),
    );
    set(&mut quirks.stream_usage, rules.stream_usage);
    set(&mut quirks.strip_nulls, rules.strip_nulls);
    set(&mut quirks.tool_ids, rules.tool_ids.map(tool_ids));
    set(&mut quirks.text_content_only_string, rules.text_content_only_string);
    set(&mut quirks.merge_roles, rules.merge_roles);
    set(&mut quirks.strip_names, rules.strip_names);
    set(&mut quirks.tool_choice_required, rules.tool_choice_required.clone());
    set(&mut quirks.think_tags, rules.think_tags);
    set(&mut quirks.replay_reasoning, rules.replay_reasoning);
    set(&mut quirks.completions, rules.completions);
    set(&mut quirks.no_json_object, rules.no_json_object);
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

fn kind(word: KindWord) -> ModelKind {
    match word {
        KindWord::Chat => ModelKind::Chat,
        KindWord::Embedding => ModelKind::Embedding,
    }
}

fn tool_ids(word: ToolIdsWord) -> ToolIds {
    match word {
        ToolIdsWord::Any => ToolIds::Any,
        ToolIdsWord::Alnum9 => ToolIds::Alnum9,
    }
}

pub(super) fn capabilities(rules: &CapabilityRules) -> Capabilities {
    Capabilities {
        tools: rules.tools,
        vision: rules.vision,
        audio: rules.audio,
        reasoning: rules.reasoning,
        json_schema: rules.json_schema,
        insert: rules.insert,
        sampling: rules.sampling,
        forced_tool: rules.forced_tool,
        adaptive_thinking: rules.adaptive_thinking,
        thinking_off: rules.thinking_off,
        prefill: rules.prefill,
    }
}

/// Whether `text` has the form of `pattern`: `*` is any text, `?` any one byte; ASCII case does not matter.
/// Goes back to the last `*` only, which is enough and keeps long texts linear in the number of tries.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                last_star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(byte) if *byte == b'?' || byte.eq_ignore_ascii_case(&text[at_text]) => {
                at_pattern += 1;
                at_text += 1;
            }
            Some(_) | None => {
                let Some((star, taken)) = last_star else {
                    return false;
                };
                last_star = Some((star, taken + 1));
                at_pattern = star + 1;
                at_text = taken + 1;
            }
        }
    }
    pattern[at_pattern..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::seed;
    use crate::config::OverridesFile;

    fn profile(file: &OverridesFile, provider: &str, id: &str) -> ModelProfile {
        let mut profile = ModelProfile::default();
        for (_, rules) in layers(file.providers.get(provider).unwrap(), id) {
            apply(rules, &mut profile);
        }
        profile
    }

    #[test]
    fn stars_match_any_text() {
        for (pattern, text, expected) in [
            ("o1*", "o1-mini", true),
            ("o1*", "O1", true),
            ("o1*", "gpt-o1", false),
            ("*-codex*", "gpt-5.1-codex-max", true),
            ("gpt-?o", "gpt-4o", true),
            ("gpt-?o", "gpt-o", false),
            ("*", "", true),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXcXb", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn later_and_more_specific_rules_win_key_by_key() {
        let file = OverridesFile::parse(
            "o.yaml",
            "providers: {x: {defaults: {use_max_tokens: true, merge_roles: true, unsupported_params: [a]},
              patterns: [{match: 'm*', merge_roles: false, context_length: 1}, {match: '*1', context_length: 2}],
              models: {M1: {unsupported_params: [], capabilities: {tools: false}}}}}",
        )
        .unwrap();
        let one = profile(&file, "x", "m1");
        assert!(one.quirks.use_max_tokens && !one.quirks.merge_roles);
        assert_eq!(one.context_length, Some(2));
        assert!(one.quirks.unsupported_params.is_empty());
        assert_eq!(one.capabilities.tools, Some(false));
        assert_eq!(profile(&file, "x", "m2").quirks.unsupported_params, ["a"]);
        assert!(profile(&file, "x", "other").quirks.merge_roles);
    }

    #[test]
    fn the_built_in_quirks_are_those_of_the_vendors() {
        let file = seed::built_in_overrides();
        let quirks = |provider, id| profile(&file, provider, id).quirks;
        let refuses = |provider, id, name: &str| quirks(provider, id).unsupported_params.iter().any(|p| p == name);
        assert!(quirks("openai", "o4-mini").use_max_completion_tokens);
        assert!(refuses("openai", "gpt-6-sol", "temperature") && !refuses("openai", "gpt-5.4-mini", "temperature"));
        assert!(!refuses("openai", "gpt-5-chat-latest", "temperature") && !refuses("openai", "gpt-4o", "temperature"));
        assert!(quirks("azure", "gpt-5").use_max_completion_tokens);
        let mistral = quirks("mistral", "mistral-large-latest");
        assert_eq!(mistral.renamed_params, [("seed".to_owned(), "random_seed".to_owned())]);
        assert_eq!((mistral.tool_ids, mistral.tool_choice_required.as_str()), (ToolIds::Alnum9, "any"));
        assert!(quirks("xai", "grok-4.7").strip_names);
        assert!(quirks("deepseek", "deepseek-v4-pro").replay_reasoning);
        assert!(quirks("perplexity", "sonar").merge_roles && quirks("perplexity", "sonar-reasoning-pro").think_tags);
        assert_eq!(profile(&file, "openai", "text-embedding-3-small").kind, ModelKind::Embedding);
    }
}
