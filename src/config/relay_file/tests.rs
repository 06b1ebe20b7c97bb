//! `relay.yaml` as operators write it.

use super::*;

fn parse(text: &str) -> Result<RelayFile, Vec<Problem>> {
    RelayFile::parse("relay.yaml", text, &[("KEY", "sk-1")].into_iter().collect())
}

fn first_problem(text: &str) -> String {
    parse(text).unwrap_err()[0].to_string()
}

#[test]
fn aliases_and_redirects_have_a_short_and_a_long_form() {
    let file = parse("aliases:\n  a: x/y\n  b: {target: x/z, tags: [t]}\nredirects: {\"gpt-4*\": a}\n").unwrap();
    assert_eq!(file.aliases.get("A").unwrap().target, "x/y");
    let long = file.aliases.get("b").unwrap();
    assert_eq!((long.target.as_str(), long.tags.as_slice()), ("x/z", ["t".to_owned()].as_slice()));
    assert_eq!(file.redirects.get("gpt-4*").unwrap().target, "a");
}

#[test]
fn routers_are_checked_in_shape() {
    let router = "designator: a, candidates: [b, {model: c, notes: good}], fallback: b";
    let file = parse(&format!("routers: {{s: {{{router}, strategy: per_session, session_ttl: 30m}}}}")).unwrap();
    let entry = file.routers.get("s").unwrap();
    assert_eq!(entry.candidates[1].notes, "good");
    assert_eq!(entry.session_ttl(), Some(Duration::from_secs(1_800)));
    assert!(first_problem(&format!("routers: {{s: {{{router}, session_ttl: 1h}}}}")).contains("per_session"));
    assert!(first_problem(&format!("routers: {{s: {{{router}, session_ttl: soon}}}}")).contains("time span"));
    assert!(first_problem("routers: {s: {designator: a, candidates: [], fallback: b}}").contains("candidates"));
    assert!(first_problem("routers: {s: {designator: a, candidates: [b, B], fallback: b}}").contains("two different"));
    for (setting, complaint) in [
        ("budget: 0s", "budget"),
        ("hard_limit: 10ms", "shorter than budget"),
        ("budget: 2m", "one minute"),
        ("hedge_after: 2s", "hedge_after"),
        ("designator: ' '", "designator"),
    ] {
        let router = router.replace(if setting.starts_with("des") { "designator: a" } else { "" }, "");
        let text = format!("routers: {{s: {{{setting}, {}}}}}", router.trim_start_matches(", "));
        assert!(first_problem(&text).contains(complaint), "{setting}: {}", first_problem(&text));
    }
    assert!(first_problem("routers: {s: {designator: a, candidates: [b]}}").contains("fallback"));
}

#[test]
fn what_a_router_leaves_open_is_as_documented() {
    let file = parse("routers: {s: {designator: a, candidates: [b, c], fallback: b}}").unwrap();
    let entry = file.routers.get("s").unwrap();
    let times = (entry.budget(), entry.hard_limit(), entry.cache_ttl(), entry.session_ttl());
    let expected = (Duration::from_millis(800), Duration::from_millis(1500), Duration::from_secs(300), None);
    assert_eq!(times, expected);
    assert!(entry.enabled && entry.side_calls && entry.candidates.iter().all(|candidate| candidate.enabled));
    let file = parse("routers: {s: {designator: a, candidates: [b, c], fallback: b, budget: 4s}}").unwrap();
    assert_eq!(file.routers.get("s").unwrap().hard_limit(), Duration::from_secs(4));
}

#[test]
fn a_router_is_the_same_in_json() {
    let text = "routers: {s: {designator: a, candidates: [b, {model: c, notes: n, enabled: false}], fallback: b,
        strategy: per_session, session_ttl: 90m, budget: 500ms, cache_ttl: 0s, tags: [t], side_calls: false}}";
    let entry = parse(text).unwrap().routers.get("s").unwrap().clone();
    let json = serde_json::to_string(&entry).unwrap();
    assert!(json.contains(r#""session_ttl":"90m""#) && json.contains(r#""cache_ttl":"0s""#), "{json}");
    assert_eq!(serde_json::from_str::<RouterEntry>(&json).unwrap(), entry);
}

#[test]
fn problems_name_line_column_and_path() {
    assert!(first_problem("aliases:\n  fast:\n    targets: x\n").starts_with("relay.yaml:3:5 aliases.fast"));
    assert!(first_problem("aliasses: {}\n").starts_with("relay.yaml:1:1"));
    assert!(first_problem("providers:\n  a: {protocol: soap}\n").starts_with("relay.yaml:2:"));
    assert!(first_problem("aliases: [\n").starts_with("relay.yaml:"));
    assert_eq!(
        first_problem("providers:\n  openai: {api_key: \"${NONE}\"}\n"),
        "relay.yaml providers.openai.api_key: the variable NONE is not set"
    );
}

#[test]
fn keys_have_a_name_and_a_value_of_their_own() {
    let file = parse("keys: [{name: home, key: \"${KEY}\", tags: [x]}, {name: b, key: in-clear}]").unwrap();
    assert_eq!(file.keys[0].key, Some(Secret::new("sk-1")));
    let shown = format!("{file:?}");
    assert!(!shown.contains("sk-1") && !shown.contains("in-clear"));
    assert!(first_problem("keys: [{name: home, key: \"\"}]").contains("empty"));
    assert!(first_problem("keys: [{name: a, key: x}, {name: a, key: y}]").contains("twice"));
}

#[test]
fn an_absent_file_is_empty_unless_it_was_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.yaml");
    let load = |required| RelayFile::load(&ConfiguredPath { path: path.clone(), required }, &Variables::default());
    assert!(load(false).unwrap().default_model.is_none());
    assert!(load(true).unwrap_err()[0].message.contains("cannot be read"));
    std::fs::write(&path, "default_model: a/b").unwrap();
    assert_eq!(load(true).unwrap().default_model.as_deref(), Some("a/b"));
}

#[test]
fn the_example_shows_every_key_and_can_be_read() {
    let text = include_str!("../../../relay.example.yaml");
    let file = parse(text).unwrap();
    assert!(file.default_model.is_some());
    assert_eq!(file.providers.get("azure").unwrap().deployments.get("team-chat").unwrap(), "gpt-4o-mini");
    assert_eq!(file.routers.get("smart").unwrap().strategy, StrategyWord::PerSession);
    for section in ["providers:", "aliases:", "redirects:", "routers:", "keys:", "default_model:"] {
        assert!(text.lines().any(|line| line.starts_with(section)), "{section}");
    }
}
