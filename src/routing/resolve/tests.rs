//! Names as clients write them.

use proptest::prelude::*;

use super::*;
use crate::catalog::ModelSource;
use crate::catalog::fixture::Fixture;
use crate::routing::explain;

const VARIABLES: &[(&str, &str)] =
    &[("OPENAI_API_KEY", "k"), ("TOGETHER_API_KEY", "k"), ("OLLAMA_BASE_URL", "http://box:11434")];

const RELAY: &str = "
providers:
  groq: { api_key: k, enabled: false }
aliases:
  fast: openai/gpt-4o-mini
  Writer: { target: fast, tags: [team-a] }
  auto: smart
  keyless: anthropic/claude-opus-5
  lost: nothing-like-it
  'with@sign': openai/gpt-4o
redirects:
  gpt-4: { target: openai/gpt-4o, tags: [moved] }
  'old-*': 'openai/*'
  older: old-gpt-4o
  'legacy-*': openai/gpt-5
routers:
  smart: { designator: fast, candidates: [fast, openai/gpt-5], fallback: fast, tags: [routed] }
";

const LISTED: &[(&str, &[&str])] = &[
    ("together", &["meta-llama/Llama-3.3-70B-Instruct-Turbo", "deepseek-ai/DeepSeek-V3:free", "text-bison@001"]),
    ("ollama", &["llama3.2:latest", "Qwen3:30B-A3B-q4_K_M", "gpt-4o:latest"]),
];

fn catalog() -> Catalog {
    Fixture { variables: VARIABLES, relay: RELAY, listed: LISTED, ..Fixture::default() }.catalog()
}

fn with_default() -> Catalog {
    let relay = format!("{RELAY}\ndefault_model: writer\n");
    Fixture { variables: VARIABLES, relay: &relay, listed: LISTED, ..Fixture::default() }.catalog()
}

/// `model by stage,stage… #tag#tag`, or the error.
fn show(catalog: &Catalog, asked: &str) -> String {
    match settle(catalog, asked) {
        Ok(found) => {
            let stages: Vec<_> = found.steps.iter().map(|step| step.stage.as_str()).collect();
            let tags: String = found.tags.iter().map(|tag| format!(" #{tag}")).collect();
            format!("{} {} {}{tags}", found.route.first.name(), found.resolved_by, stages.join(","))
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_name_becomes_a_model() {
    let catalog = catalog();
    for (asked, expected) in [
        // Prefix and search, in any case; the provider's own spelling is kept.
        ("openai/gpt-4o", "openai/gpt-4o prefix prefix"),
        (" OpenAI/GPT-4o ", "openai/gpt-4o prefix prefix"),
        ("openai-gpt-4o-mini", "openai/gpt-4o-mini prefix prefix"),
        ("gpt-5", "openai/gpt-5 search search"),
        ("gpt-4o", "openai/gpt-4o search search"),
        (
            "together/meta-llama/llama-3.3-70b-instruct-turbo",
            "together/meta-llama/Llama-3.3-70B-Instruct-Turbo prefix prefix",
        ),
        ("META-LLAMA/llama-3.3-70b-instruct-turbo", "together/meta-llama/Llama-3.3-70B-Instruct-Turbo search search"),
        ("deepseek-ai/deepseek-v3:free", "together/deepseek-ai/DeepSeek-V3:free search search"),
        ("qwen3:30b-a3b-Q4_K_M", "ollama/Qwen3:30B-A3B-q4_K_M search search"),
        // An unknown id behind a known prefix goes through as it is.
        ("openai/gpt-9@team", "openai/gpt-9 prefix tags,prefix #team"),
        ("openai/ft:gpt-4o:org::id", "openai/ft:gpt-4o:org::id prefix prefix"),
        ("ollama/gemma3:270m", "ollama/gemma3:270m prefix prefix"),
        // `:latest` is part of the name at Ollama, and an ornament elsewhere.
        ("llama3.2:latest", "ollama/llama3.2:latest search search"),
        ("llama3.2", "ollama/llama3.2:latest search search"),
        ("ollama/llama3.2", "ollama/llama3.2:latest prefix prefix"),
        ("gpt-5:latest", "openai/gpt-5 search latest,search"),
        ("openai/gpt-4o:LATEST", "openai/gpt-4o prefix latest,prefix"),
        ("openai-gpt-4o:latest", "openai/gpt-4o prefix latest,prefix"),
        ("gpt-4o:latest", "ollama/gpt-4o:latest search search"),
        // Tags stand behind the last `@`, unless the `@` belongs to the name.
        ("gpt-5@a,b , ,c", "openai/gpt-5 search tags,search #a #b #c"),
        ("gpt-5:latest@a", "openai/gpt-5 search tags,latest,search #a"),
        ("gpt-5@a:latest", "openai/gpt-5 search tags,search #a"),
        ("text-bison@001", "together/text-bison@001 search search"),
        ("text-bison@001@a", "together/text-bison@001 search tags,search #a"),
        ("text-bison@001:latest", "together/text-bison@001 search latest,search"),
        ("with@sign", "openai/gpt-4o alias:with@sign alias,prefix"),
        // Aliases, routers, redirects.
        ("FAST", "openai/gpt-4o-mini alias:fast alias,prefix"),
        ("writer@x", "openai/gpt-4o-mini alias:Writer tags,alias,alias,prefix #x #team-a"),
        ("smart", "openai/gpt-4o-mini router:smart router,alias,prefix #routed"),
        ("auto", "openai/gpt-4o-mini router:smart alias,router,alias,prefix #routed"),
        ("gpt-4", "openai/gpt-4o prefix redirect,prefix #moved"),
        ("gpt-4:latest@a", "openai/gpt-4o prefix tags,latest,redirect,prefix #a #moved"),
        ("older", "openai/gpt-4o prefix redirect,redirect,prefix"),
        ("old-o3", "openai/o3 prefix redirect,prefix"),
        ("old-o3@a", "openai/o3 prefix redirect,tags,prefix #a"),
        ("legacy-x:latest@a", "openai/gpt-5 prefix tags,redirect,prefix #a"),
    ] {
        assert_eq!(show(&catalog, asked), expected, "{asked}");
    }
}

#[test]
fn what_is_known_but_cannot_be_called_says_so_and_never_becomes_the_default() {
    let catalog = with_default();
    let no_key = "cannot be used: provider `anthropic` is not configured, set ANTHROPIC_API_KEY";
    for (asked, expected) in [
        ("anthropic/claude-opus-5", no_key),
        ("anthropic/claude-99", no_key),
        ("claude-opus-5", no_key),
        ("claude-opus-5@x", no_key),
        ("keyless", no_key),
        ("openai/o3-pro", "model `openai/o3-pro` is switched off"),
        ("groq/anything", "provider `groq` is switched off"),
        ("lost", "alias `lost` leads to `nothing-like-it`, which does not exist"),
    ] {
        let shown = show(&catalog, asked);
        assert!(shown.contains(expected), "{asked}: {shown}");
        assert!(!shown.contains("default"), "{asked}: {shown}");
    }
}

#[test]
fn an_unknown_name_becomes_the_default_and_the_answer_says_so() {
    let found = settle(&with_default(), "who-knows@x").unwrap();
    assert_eq!(found.resolved_by, ResolvedBy::Default);
    assert_eq!(found.route.first.name(), "openai/gpt-4o-mini");
    assert_eq!(found.alias.as_deref(), Some("Writer"));
    assert_eq!(found.tags, ["x", "team-a"]);
    assert_eq!(settle(&with_default(), "").unwrap().resolved_by, ResolvedBy::Default);
}

#[test]
fn without_a_default_an_unknown_name_is_not_found() {
    let catalog = catalog();
    let RouteError::NotFound { asked, near } = settle(&catalog, "gpt4o-mini").unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(asked, "gpt4o-mini");
    assert_eq!(near[0], "openai/gpt-4o-mini");
    assert!(near.len() <= 3);
    assert_eq!(show(&catalog, "writr"), "model `writr` not found; did you mean `Writer`?");
    assert_eq!(show(&catalog, "zzzzzzzzzz"), "model `zzzzzzzzzz` not found");
    for asked in ["", "/", "openai/", "@", ":latest", "@a", "unknown/thing"] {
        assert!(matches!(settle(&catalog, asked), Err(RouteError::NotFound { .. })), "{asked}");
    }
}

#[test]
fn a_bare_name_goes_to_the_first_provider_that_can_be_called() {
    let catalog = Fixture {
        variables: &[("GROQ_API_KEY", "k"), ("TOGETHER_API_KEY", "k")],
        listed: &[("openai", &["shared"]), ("together", &["shared"]), ("groq", &["shared"])],
        ..Fixture::default()
    }
    .catalog();
    assert_eq!(show(&catalog, "shared"), "groq/shared search search");
    // The id begins with the name of a provider that is not configured.
    assert_eq!(show(&catalog, "openai/gpt-oss-20b"), "groq/openai/gpt-oss-20b search search");
    assert!(show(&catalog, "openai/gpt-4o").contains("set OPENAI_API_KEY"));
}

#[test]
fn what_nobody_listed_has_the_quirks_and_prices_of_its_family() {
    let catalog = catalog();
    let model = settle(&catalog, "openai/gpt-5-2025-08-07").unwrap().route.first;
    assert_eq!(model.source, ModelSource::PassedThrough);
    assert!(model.profile.quirks.use_max_completion_tokens);
    assert!(model.price.is_some());
    assert!(settle(&catalog, "openai/brand-new").unwrap().route.first.price.is_none());
}

#[test]
fn circles_end_with_their_hops_even_in_a_refused_configuration() {
    let relay = "aliases: {a: b, b: a}\nredirects: {x: y, y: x, 'grow*': 'growing*'}";
    let (catalog, problems) = Fixture { relay, ..Fixture::default() }.build();
    assert!(!problems.is_empty());
    let RouteError::RedirectLoop { hops } = settle(&catalog, "x").unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(hops[..3], ["x", "y", "x"]);
    assert!(matches!(settle(&catalog, "grow"), Err(RouteError::RedirectLoop { .. })));
    assert!(matches!(settle(&catalog, "a"), Err(RouteError::RedirectLoop { .. })));
}

#[test]
fn eight_redirects_are_followed_and_no_more() {
    let chain = |length: usize| {
        let hop = |index| {
            let to = if index == length { "openai/gpt-4o".to_owned() } else { format!("n{}", index + 1) };
            format!("  n{index}: {to}\n")
        };
        format!("redirects:\n{}", (1..=length).map(hop).collect::<String>())
    };
    let resolved = |length| {
        let (catalog, _) = Fixture { variables: VARIABLES, relay: &chain(length), ..Fixture::default() }.build();
        settle(&catalog, "n1").map(|found| found.route.first.name())
    };
    assert_eq!(resolved(8).as_deref(), Ok("openai/gpt-4o"));
    assert!(matches!(resolved(9), Err(RouteError::RedirectLoop { .. })));
}

#[test]
fn the_explanation_numbers_the_steps_and_ends_at_the_model() {
    let catalog = catalog();
    let text = explain(&settle(&catalog, "writer@x"));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "1. tags      writer@x -> writer");
    assert_eq!(lines[1], "2. alias     writer -> fast");
    assert_eq!(lines[3], "4. prefix    openai/gpt-4o-mini -> openai/gpt-4o-mini");
    assert_eq!(lines[4], "model        openai/gpt-4o-mini");
    assert_eq!(lines[5], "resolved by  alias:Writer");
    assert!(
        text.contains("in 0.15, out 0.6, cache read 0.075 USD per million tokens; 0.025/0.025/0.025 USD per search")
    );
    assert!(text.ends_with("tags         x, team-a\n"));
    assert_eq!(explain(&settle(&catalog, "zzzzzzzzzz")), "model `zzzzzzzzzz` not found\n");
}

proptest! {
    #[test]
    fn no_name_makes_it_panic(name in "\\PC{0,40}", tail in "(@|:latest|/|-|gpt-4|old-|openai/|é){0,4}") {
        let catalog = CATALOG.get_or_init(catalog);
        let _ = settle(catalog, &name);
        let _ = settle(catalog, &format!("{tail}{name}"));
        let _ = settle(catalog, &format!("{name}{tail}"));
        let _ = settle(catalog, &tail);
    }
}

static CATALOG: std::sync::OnceLock<Catalog> = std::sync::OnceLock::new();
