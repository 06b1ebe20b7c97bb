//! Catalogs as configurations make them.

use std::collections::HashMap;

use super::fixture::Fixture;
use super::*;
use crate::config::Problem;
use crate::money::PicoUsd;
use crate::protocol::{Capabilities, ListedModel, ListedPrice, ModelKind, Protocol};

const OPENAI: &[(&str, &str)] = &[("OPENAI_API_KEY", "sk-1")];

fn problems(relay: &str) -> Vec<String> {
    let (_, problems) = Fixture { variables: OPENAI, relay, ..Fixture::default() }.build();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn providers_stand_in_catalogue_order_and_say_what_they_lack() {
    let catalog = Fixture { variables: OPENAI, ..Fixture::default() }.catalog();
    let ids: Vec<_> = catalog.providers().iter().map(|provider| provider.id.as_str()).collect();
    let expected = "anthropic openai gemini deepseek mistral groq xai openrouter perplexity fireworks together \
                    deepinfra cerebras sambanova cohere azure ollama";
    assert_eq!(ids.join(" "), expected);
    assert!(catalog.provider("OpenAI").unwrap().is_ready());
    let lacks = |id| catalog.provider(id).unwrap().state.clone();
    assert_eq!(lacks("anthropic"), ProviderState::NoKey("ANTHROPIC_API_KEY".to_owned()));
    assert_eq!(lacks("gemini"), ProviderState::NoKey("GEMINI_API_KEY".to_owned()));
    assert_eq!(lacks("azure"), ProviderState::NoKey("AZURE_OPENAI_ENDPOINT".to_owned()));
    assert_eq!(lacks("ollama"), ProviderState::NoKey("OLLAMA_BASE_URL".to_owned()));
}

#[test]
fn the_environment_configures_known_providers() {
    let catalog = Fixture {
        variables: &[
            ("GOOGLE_API_KEY", "g"),
            ("GROQ_BASE_URL", "http://127.0.0.1:9/openai/v1/"),
            ("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com/"),
            ("AZURE_OPENAI_API_KEY", "a"),
            ("AZURE_OPENAI_API_VERSION", "2025-01-01"),
            ("OLLAMA_BASE_URL", "192.168.1.5:11434, https://gpu.example.org/ollama/"),
        ],
        ..Fixture::default()
    }
    .catalog();
    let provider = |id| catalog.provider(id).unwrap();
    assert!(provider("gemini").is_ready());
    assert!(provider("groq").is_ready());
    assert_eq!(provider("groq").base_url.as_str(), "http://127.0.0.1:9/openai/v1");
    assert!(provider("azure").is_ready());
    assert_eq!(provider("azure").api, Api::Azure { api_version: "2025-01-01".to_owned() });
    assert_eq!(provider("azure").protocol, Protocol::OpenAi);
    assert_eq!(provider("ollama").base_url.as_str(), "http://192.168.1.5:11434/");
    assert_eq!(provider("ollama-2").base_url.as_str(), "https://gpu.example.org/ollama");
    assert!(provider("ollama-2").is_ready() && provider("ollama-2").local);
}

#[test]
fn azure_needs_its_address_and_its_key() {
    let state = |variables| {
        let catalog = Fixture { variables, ..Fixture::default() }.catalog();
        catalog.provider("azure").unwrap().state.clone()
    };
    assert_eq!(
        state(&[("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com")]),
        ProviderState::NoKey("AZURE_OPENAI_API_KEY".to_owned())
    );
    assert_eq!(state(&[("AZURE_OPENAI_API_KEY", "k")]), ProviderState::NoKey("AZURE_OPENAI_ENDPOINT".to_owned()));
}

#[test]
fn the_file_changes_known_providers_and_adds_own_ones() {
    let catalog = Fixture {
        variables: OPENAI,
        relay: "providers:
  openai: {base_url: 'http://127.0.0.1:9900/v1', api_key: other, headers: {x-a: b}}
  openrouter: {api_key: k, headers: {x-title: Mine}}
  groq: {api_key: k, enabled: false}
  lab: {protocol: openai, base_url: 'http://gpu-box:8000/v1', models: [Qwen3-32B]}
  box: {protocol: ollama, base_url: 'http://box:11434', local: false}",
        ..Fixture::default()
    }
    .catalog();
    let provider = |id| catalog.provider(id).unwrap();
    assert_eq!(provider("openai").api_key.as_ref().unwrap().expose(), "other");
    assert_eq!(provider("openai").headers, [("x-a".to_owned(), "b".to_owned())]);
    assert_eq!(provider("openrouter").headers, [("x-title".to_owned(), "Mine".to_owned())]);
    assert_eq!(provider("groq").state, ProviderState::Disabled);
    assert!(provider("lab").is_ready() && !provider("lab").discover && !provider("lab").local);
    assert!(provider("box").discover && !provider("box").local);
    let model = catalog.model("LAB", "qwen3-32b").unwrap();
    assert_eq!((model.name().as_str(), model.source), ("lab/Qwen3-32B", ModelSource::File));
    assert!(model.price.is_none());
}

#[test]
fn providers_that_cannot_work_are_refused_with_their_place() {
    let text = "providers:\n  lab: {base_url: 'http://x'}\n  9x: {protocol: openai, base_url: x}\n  \
                openai: {base_url: 'ftp://x'}\n  b: {protocol: openai, base_url: 'http://'}\n";
    let found = problems(text);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].starts_with("relay.yaml:4:3 providers.openai: `ftp`"), "{}", found[0]);
    assert!(found[1].starts_with("relay.yaml:2:3 providers.lab: not a provider the relay knows"), "{}", found[1]);
    assert!(found[2].contains("id is a letter"), "{}", found[2]);
    assert!(found[3].contains("providers.b: not an address"), "{}", found[3]);
}

#[test]
fn built_in_models_carry_abilities_limits_prices_and_quirks() {
    let catalog = Fixture::default().catalog();
    let model = catalog.model("anthropic", "claude-sonnet-5-5").unwrap();
    let can = model.profile.capabilities;
    assert_eq!((can.vision, can.sampling, can.forced_tool), (Some(true), Some(false), Some(false)));
    assert_eq!((can.adaptive_thinking, can.thinking_off, can.prefill), (Some(true), Some(false), Some(false)));
    assert_eq!((model.profile.context_length, model.profile.max_output), (Some(1_000_000), Some(128_000)));
    let price = model.price.as_ref().unwrap();
    assert_eq!(price.base.cache_write_1h, Some(PicoUsd(4_000_000)));
    assert_eq!(price.source, "seed litellm 2026-10-21");

    let price = |provider, id| catalog.model(provider, id).unwrap().price.clone().unwrap();
    let tier = price("xai", "grok-4.7").tier.clone().unwrap();
    assert_eq!((tier.above, tier.inclusive), (200_000, true));
    assert_eq!(tier.values.cache_read, Some(PicoUsd(1_000_000)));
    assert!(!price("gemini", "gemini-2.5-pro").tier.clone().unwrap().inclusive);
    assert_eq!(price("deepseek", "deepseek-v4-pro").off_peak.clone().unwrap().input, Some(PicoUsd(660_000)));
    let research = price("perplexity", "sonar-deep-research");
    assert_eq!((research.base.citation, research.base.reasoning), (Some(PicoUsd(2_000_000)), Some(PicoUsd(3_000_000))));
    assert_eq!(research.per_search, Some([PicoUsd(5_000_000_000); 3]));

    assert_eq!(catalog.model("openai", "text-embedding-3-small").unwrap().profile.kind, ModelKind::Embedding);
    assert!(catalog.model("openai", "o3").unwrap().profile.quirks.use_max_completion_tokens);
    assert!(catalog.model("openai", "o3-pro").is_none());
}

#[test]
fn what_a_provider_lists_fills_what_is_not_known() {
    let listed = |id: &str| ListedModel {
        id: id.to_owned(),
        capabilities: Capabilities { vision: Some(false), json_schema: Some(true), ..Capabilities::default() },
        context_length: Some(7),
        created: Some(1_700_000_000),
        ..ListedModel::default()
    };
    let discovered =
        HashMap::from([("openai".to_owned(), vec![listed("GPT-4o"), listed("gpt-4o-2024-08-06"), listed("new")])]);
    let (catalog, _) = Fixture { variables: OPENAI, ..Fixture::default() }.build_with(&discovered);
    let known = catalog.model("openai", "gpt-4o").unwrap();
    assert_eq!((known.profile.id.as_str(), known.source), ("GPT-4o", ModelSource::Seed));
    assert_eq!(known.profile.context_length, Some(128_000));
    assert_eq!(known.profile.capabilities.vision, Some(true));
    assert_eq!(known.profile.capabilities.json_schema, Some(true));
    assert_eq!(known.created, Some(1_700_000_000));
    let dated = catalog.model("openai", "gpt-4o-2024-08-06").unwrap();
    assert_eq!(dated.price.as_ref().unwrap().base.input, Some(PicoUsd(2_500_000)));
    let new = catalog.model("openai", "new").unwrap();
    assert_eq!((new.profile.context_length, new.source), (Some(7), ModelSource::Discovered));
    assert!(new.price.is_none());
}

#[test]
fn prices_come_from_the_operator_then_the_table_then_the_list() {
    let listed = |id: &str| ListedModel {
        id: id.to_owned(),
        price: Some(ListedPrice { input: "0.000001".into(), output: "0.000002".into(), ..ListedPrice::default() }),
        ..ListedModel::default()
    };
    let ids = ["gpt-4o", "gpt-4o-2024-08-06", "gpt-5"];
    let discovered = HashMap::from([("openai".to_owned(), ids.map(listed).to_vec())]);
    let overrides = Some("providers: {openai: {models: {gpt-5: {price: {input: 9}}}}}");
    let (catalog, _) = Fixture { overrides, ..Fixture::default() }.build_with(&discovered);
    let price = |id| catalog.model("openai", id).unwrap().price.clone().unwrap();
    assert_eq!(price("gpt-4o").base.input, Some(PicoUsd(2_500_000)));
    assert_eq!(price("gpt-4o-2024-08-06").base.input, Some(PicoUsd(1_000_000)));
    assert_eq!(price("gpt-4o-2024-08-06").source, "openai list");
    assert_eq!(price("gpt-5").base, TokenPrices { input: Some(PicoUsd(9_000_000)), ..TokenPrices::default() });
    assert_eq!(price("gpt-5").source, "overrides.yaml");
}

#[test]
fn models_on_own_hardware_cost_zero_which_is_not_unknown() {
    let catalog = Fixture {
        variables: &[("OLLAMA_BASE_URL", "http://box:11434")],
        relay: "providers: {lab: {protocol: openai, base_url: 'http://x/v1', local: true, models: [m]}}",
        listed: &[("ollama", &["llama3.2:latest"])],
        ..Fixture::default()
    }
    .catalog();
    for (provider, id) in [("ollama", "llama3.2:latest"), ("lab", "m")] {
        let price = catalog.model(provider, id).unwrap().price.clone().unwrap();
        assert_eq!((price.base.input, price.source.as_str()), (Some(PicoUsd(0)), "local"));
    }
    assert_eq!(catalog.model("ollama", "llama3.2").unwrap().profile.id, "llama3.2:latest");
}

#[test]
fn azure_deployments_cost_and_behave_as_the_models_behind_them() {
    let catalog = Fixture {
        variables: &[("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com"), ("AZURE_OPENAI_API_KEY", "a")],
        relay: "providers: {azure: {models: [gpt-4o], deployments: {my-thinker: o3}}}",
        ..Fixture::default()
    }
    .catalog();
    assert_eq!(catalog.provider("azure").unwrap().api, Api::Azure { api_version: "2024-10-21".to_owned() });
    let thinker = catalog.model("azure", "my-thinker").unwrap();
    assert_eq!(thinker.profile.id, "my-thinker");
    assert!(thinker.profile.quirks.use_max_completion_tokens);
    assert_eq!(thinker.price.as_ref().unwrap().base.input, Some(PicoUsd(2_000_000)));
    assert!(catalog.model("azure", "gpt-4o").unwrap().price.is_some());
    assert!(catalog.model("azure", "gpt-4o-mini").is_none());
}

#[test]
fn overrides_add_models_and_switch_others_off() {
    let catalog = Fixture {
        variables: OPENAI,
        overrides: Some(
            "providers: {openai: {patterns: [{match: 'gpt-3*', disabled: true}], models: {mine: {context_length: 5}}}}",
        ),
        ..Fixture::default()
    }
    .catalog();
    assert_eq!(catalog.model("openai", "mine").unwrap().profile.context_length, Some(5));
    assert!(!catalog.model("openai", "gpt-3.5-turbo").unwrap().enabled);
    assert!(catalog.listing().iter().all(|listed| listed.name != "openai/gpt-3.5-turbo"));
}

#[test]
fn lists_show_routers_then_aliases_then_callable_models() {
    let catalog = Fixture {
        variables: OPENAI,
        relay: "aliases: {a: smart, Lost: anthropic/claude-opus-5, b: openai/brand-new}
routers:
  smart: {designator: gpt-4o, candidates: [gpt-5, gpt-4o], fallback: openai/gpt-4o-mini}
  off: {designator: gpt-4o, candidates: [gpt-5, gpt-4o], fallback: gpt-4o, enabled: false}",
        ..Fixture::default()
    }
    .catalog();
    let lines: Vec<_> = catalog.listing().iter().collect();
    let heads: Vec<_> = lines[..4].iter().map(|l| (l.name.as_str(), l.model.as_ref().map(|m| m.name()))).collect();
    let mini = Some("openai/gpt-4o-mini".to_owned());
    assert_eq!(
        heads,
        [("smart", mini.clone()), ("a", mini), ("Lost", None), ("b", Some("openai/brand-new".to_owned()))]
    );
    assert!(lines[4..].iter().all(|line| line.kind == ListedKind::Model && line.name.starts_with("openai/")));
}

#[test]
fn names_that_go_in_circles_or_nowhere_are_refused() {
    for (text, expected) in [
        ("aliases:\n  a: b\n  b: A\n", "relay.yaml:2:3 aliases.a: goes round in a circle: a -> b -> A"),
        ("aliases: {a: a}", "relay.yaml aliases.a: goes round in a circle: a -> a"),
        ("aliases: {a: nowhere/x}", "there is no provider `nowhere`"),
        (
            "aliases: {s: gpt-4o}\nrouters: {S: {designator: gpt-4o, candidates: [gpt-4o, gpt-5], fallback: gpt-4o}}",
            "`S` is an alias too",
        ),
        (
            "aliases: {a: r}\nrouters: {r: {designator: gpt-4o, candidates: [gpt-4o, gpt-5], fallback: a}}",
            "fallback: `a` leads to a router",
        ),
        ("routers: {r: {designator: no/x, candidates: [gpt-4o, gpt-5], fallback: gpt-4o}}", "designator: `no/x`"),
        (
            "routers: {r: {designator: r, candidates: [gpt-4o, gpt-5], fallback: gpt-4o}}",
            "designator: `r` leads to a router",
        ),
        (
            "routers: {r: {designator: groq/x, candidates: [gpt-4o, gpt-5], fallback: gpt-4o}}",
            "designator: `groq` is not configured: set GROQ_API_KEY",
        ),
        (
            "aliases: {g: groq/x}\nrouters: {r: {designator: g, candidates: [gpt-4o, gpt-5], fallback: gpt-4o}}",
            "designator: `groq` is not configured: set GROQ_API_KEY",
        ),
        ("redirects: {a: b, b: a}", "more than 8 hops: a -> b -> a"),
        ("redirects: {'gpt-*': 'gpt-x-*'}", "more than 8 hops"),
        ("redirects: {a: 'b*'}", "the target ends in `*`"),
        ("redirects: {'a*b': openai/gpt-4o}", "at the end only"),
        ("default_model: no/x", "default_model: `no/x`"),
    ] {
        let found = problems(text);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{text}: {found:?}");
        let (_, list) = Fixture { variables: OPENAI, relay: text, ..Fixture::default() }.build();
        assert!(list.iter().any(Problem::is_error), "{text}");
    }
}

#[test]
fn what_may_still_turn_out_well_is_a_warning() {
    for (text, expected) in [
        ("aliases: {a: anthropic/claude-opus-5}", "set ANTHROPIC_API_KEY"),
        ("aliases: {a-b: gpt-4o}\nredirects: {'a-*': gpt-4o}", "the redirect `a-*` makes it `gpt-4o`"),
        ("aliases: {a: qwen3}", "not a model any provider is known to have"),
        ("aliases: {a: openai/o3-pro}", "switched off"),
        ("providers: {groq: {api_key: k, enabled: false}}\naliases: {a: groq/x}", "`groq` is switched off"),
    ] {
        let (_, list) = Fixture { variables: OPENAI, relay: text, ..Fixture::default() }.build();
        assert_eq!(list.len(), 1, "{text}: {list:?}");
        assert!(!list[0].is_error() && list[0].message.contains(expected), "{text}: {list:?}");
    }
}

#[test]
fn a_redirect_that_carries_the_rest_over_is_sound() {
    assert_eq!(problems("redirects: {'gpt-4*': openai/gpt-4o, 'oa-*': 'openai/*', 'old*': 'oa-*'}"), [""; 0]);
}

#[test]
fn the_table_has_a_row_for_each_callable_model() {
    let catalog = Fixture { variables: OPENAI, listed: &[("openai", &["new"])], ..Fixture::default() }.catalog();
    let text = table(&catalog);
    let line =
        |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(
        line("openai/gpt-4o-mini "),
        ["openai/gpt-4o-mini", "chat", "128000", "0.15", "0.6", "seed", "litellm", "2026-10-21"]
    );
    assert_eq!(line("openai/new "), ["openai/new", "chat", "-", "-", "-", "unknown"]);
    assert!(!text.contains("anthropic/"));
}

#[test]
fn the_example_configuration_is_without_errors() {
    let relay = include_str!("../../relay.example.yaml");
    Fixture { variables: OPENAI, relay, ..Fixture::default() }.catalog();
}

#[test]
fn every_provider_of_the_environment_example_is_a_known_one() {
    let text = include_str!("../../.env.example");
    let named = text.lines().filter_map(|line| line.strip_prefix('#')?.strip_suffix("_API_KEY="));
    let mut named: Vec<_> = named.map(str::to_ascii_lowercase).collect();
    assert_eq!(named.pop().as_deref(), Some("ollama"));
    let catalog = Fixture::default().catalog();
    assert!(named.iter().all(|id| catalog.provider(id.trim_end_matches("_openai")).is_some()), "{named:?}");
    assert_eq!(named.len() + 1, catalog.providers().len());
}
