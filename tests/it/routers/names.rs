//! Where a router may stand among names, and what is refused before it is in force.

use serde_json::json;

use super::{World, outcome, relay_yaml};
use crate::support::{Face, FakeUpstream, TestRelay};

fn check(change: impl Fn(String) -> String) -> (bool, String) {
    let (judge, lab) = (FakeUpstream::openai(), FakeUpstream::openai());
    let yaml = change(relay_yaml(&judge, &lab, "", ""));
    let output = TestRelay::setup().relay_yaml(&yaml).command("check").run();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), text)
}

#[test]
fn mistakes_are_refused_with_what_to_do() {
    assert!(check(|yaml| yaml).0);
    for (from, to, expected) in [
        ("lab/bright, notes", "auto, notes", "candidate: `auto` leads to a router; name a model, or an alias of one"),
        ("fallback: lab/plain", "fallback: smart", "fallback: `smart` leads to a router"),
        ("designator: judge/judge", "designator: nowhere/x", "designator: `nowhere/x`: there is no provider `nowhere`"),
        ("designator: judge/judge", "designator: groq/x", "designator: `groq` is not configured: set GROQ_API_KEY"),
        ("notes: pictures }", "notes: pictures, sees: true }", "unknown field `sees`"),
        ("fallback: lab/plain", "fallback: lab/plain\n    budget: soon", "`soon` is not a time span"),
        (
            "fallback: lab/plain",
            "fallback: lab/plain\n    session_ttl: 1h",
            "session_ttl needs `strategy: per_session`",
        ),
    ] {
        let (sound, text) = check(|yaml| format!("aliases: {{ auto: smart }}\n{}", yaml.replace(from, to)));
        assert!(!sound && text.contains(expected), "{to}: {text}");
    }
    let (sound, text) = check(|yaml| {
        let lines = yaml.lines().filter(|line| !line.contains("lab/bright,") && !line.contains("lab/seeing,"));
        lines.collect::<Vec<_>>().join("\n")
    });
    assert!(!sound && text.contains("at least two different candidates"), "{text}");
}

#[test]
fn aliases_redirects_and_the_default_lead_to_a_router() {
    let more =
        "default_model: smart\naliases: { auto: { target: smart, tags: [by-alias] } }\nredirects: { gpt-4: auto }";
    let world = World::set_up("", more, |setup| setup);
    world.judge_says(&["lab/bright"; 4]);
    for name in ["auto", "gpt-4", "Smart@team", "smart:latest"] {
        let reply = world.relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask(name, name, false));
        assert_eq!(outcome(&reply), "bright by designator", "{name}");
    }
    world.judge_says(&["lab/bright"]);
    let reply = world.relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask("whatever", "hello", false));
    assert_eq!(reply.header("x-llm-relay-resolved-by"), Some("default"));
    assert_eq!(reply.header("x-llm-relay-router-cause"), Some("designator"));
    let report = world.relay.report("alias", 5);
    assert_eq!(report["rows"].as_array().map(Vec::len), Some(2), "{report}");
}

#[test]
fn a_router_that_is_switched_off_says_so_and_is_not_listed() {
    let world = World::new("    enabled: false");
    let reply = world.ask("hi");
    assert_eq!((reply.status, &reply.json()["error"]["message"]), (404, &json!("router `smart` is switched off")));
    assert!(!world.relay.client().get("/v1/models").text().contains("smart"));
    assert!(World::new("").relay.client().get("/v1/models").text().contains("\"smart\""));
}
