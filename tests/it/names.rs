//! How a name becomes a model, who is asking, and configuration that changes while traffic flows.

use serde_json::{Value, json};

use crate::support::{Face, FakeUpstream, Reply, TestRelay, wait_until};

const NAMES: &str = r#"
aliases:
  fast: openai/gpt-fake
  team: { target: fast, tags: [from-alias], description: "through another alias" }
redirects:
  old-name: openai/gpt-fake
  "gpt-old*": openai/gpt-fake
keys:
  - { name: webui, key: "sk-relay-webui-0123456789abcdef", tags: [from-key] }
"#;

fn relay_with(more: &str) -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai();
    let relay = TestRelay::setup().relay_yaml(&yaml(&upstream, more)).start();
    (upstream, relay)
}

fn yaml(upstream: &FakeUpstream, more: &str) -> String {
    // Listed, so that no test has to wait for the provider's own list.
    format!("providers:\n{}{more}", upstream.provider_yaml().replace(" }\n", ", models: [gpt-fake] }\n"))
}

fn ask(relay: &TestRelay, model: &str, headers: &[(&str, &str)]) -> Reply {
    relay.client().post_with(Face::OpenAi.path(), headers, &Face::OpenAi.ask(model, "hi", false))
}

#[test]
fn headers_say_how_a_name_was_resolved() {
    let (upstream, relay) = relay_with(&format!("default_model: openai/gpt-fake\n{NAMES}"));
    for (asked, resolved_by) in [
        ("openai/gpt-fake", "prefix"),
        ("OPENAI/GPT-Fake", "prefix"),
        ("fast", "alias:fast"),
        (" Fast ", "alias:fast"),
        ("fast:latest", "alias:fast"),
        ("fast@night,shift", "alias:fast"),
        ("team", "alias:team"),
        ("old-name", "prefix"),
        ("gpt-old-and-gone", "prefix"),
        ("who-is-this", "default"),
    ] {
        let reply = ask(&relay, asked, &[]);
        assert_eq!(reply.status, 200, "{asked}: {}", reply.text());
        assert_eq!(reply.header("x-llm-relay-resolved-by"), Some(resolved_by), "{asked}");
        assert_eq!(reply.header("x-llm-relay-provider"), Some("openai"), "{asked}");
        assert_eq!(reply.header("x-llm-relay-model"), Some("gpt-fake"), "{asked}");
        assert!(reply.header("x-llm-relay-request-id").is_some_and(|id| !id.is_empty()), "{asked}");
    }
    assert!(upstream.calls().iter().all(|call| call.body["model"] == "gpt-fake"), "{:#?}", upstream.calls());
}

#[test]
fn a_bare_name_is_found_by_search() {
    let upstream = FakeUpstream::openai();
    let relay = TestRelay::setup().relay_yaml(&yaml(&upstream, "")).start();
    let reply = ask(&relay, "gpt-fake", &[]);
    assert_eq!(reply.header("x-llm-relay-resolved-by"), Some("search"), "{}", reply.text());
}

#[test]
fn a_name_in_an_address_may_be_escaped() {
    let (_upstream, relay) = relay_with(NAMES);
    let ask = |name: &str| relay.client().get(&format!("/v1/models/{name}"));
    let plain = ask("openai/gpt-fake");
    assert_eq!((plain.status, &plain.json()["id"]), (200, &json!("openai/gpt-fake")), "{}", plain.text());
    for escaped in ["openai%2Fgpt-fake", "openai%2fgpt-fake", "openai/gpt%2Dfake", "%6Fpenai/gpt-fake"] {
        let reply = ask(escaped);
        assert_eq!((reply.status, reply.json()), (plain.status, plain.json()), "{escaped}");
    }
    // Once is enough: this is a name with a percent sign, and nobody's.
    assert_eq!(ask("openai%252Fgpt-fake").status, 404);
}

#[test]
fn an_unknown_name_is_a_404_with_a_near_one() {
    let (upstream, relay) = relay_with(NAMES);
    for face in Face::ALL {
        let reply = relay.client().post(face.path(), &face.ask("fasst", "hi", true));
        assert_eq!(reply.status, 404, "{face:?}: {}", reply.text());
        let message = face.error(&reply).unwrap_or_default();
        assert!(message.replace("fasst", "").contains("fast"), "{message}");
    }
    assert!(upstream.calls().is_empty());
}

#[test]
fn an_unknown_id_behind_a_prefix_is_passed_through() {
    let (upstream, relay) = relay_with("");
    let reply = ask(&relay, "openai/Brand-New", &[]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(upstream.only_call().body["model"], "Brand-New");
    let report = relay.report("model", 1);
    assert_eq!(report["total"]["unpriced_requests"], 1, "{report}");
    assert_eq!(report["rows"][0]["cost_nano_usd"], Value::Null, "{report}");
}

#[test]
fn tags_come_from_every_source_and_are_counted_once_each() {
    let upstream = FakeUpstream::openai();
    let relay = TestRelay::setup().relay_yaml(&yaml(&upstream, NAMES)).env("AUTH_MODE", "keys").start();
    let headers =
        [("authorization", "Bearer sk-relay-webui-0123456789abcdef"), ("x-proxy-tag", "from-header, from-alias")];
    let reply = ask(&relay, "team@from-suffix", &headers);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let report = relay.report("tag", 1);
    assert_eq!(tags(&report), ["from-alias", "from-header", "from-key", "from-suffix"], "{report}");
    assert_eq!(report["total"]["requests"], 1, "totals are over requests, not over tags: {report}");
}

#[test]
fn in_open_mode_the_bearer_value_is_a_list_of_tags_unless_it_looks_secret() {
    let (_upstream, relay) = relay_with(NAMES);
    ask(&relay, "fast", &[("authorization", "Bearer kitchen, lab")]);
    ask(&relay, "fast", &[("authorization", "Bearer sk-live-0123456789")]);
    let report = relay.report("tag", 2);
    let tags = tags(&report);
    assert_eq!(tags.len(), 3, "{report}");
    assert!(tags.contains(&"kitchen") && tags.contains(&"lab"), "{report}");
    assert!(tags.iter().any(|tag| tag.len() == 12 && tag.starts_with("key:")), "{report}");
    assert!(!report.to_string().contains("sk-live"), "{report}");
    assert!(!relay.log().concat().contains("sk-live"));
}

#[test]
fn too_many_tags_are_refused() {
    let (upstream, relay) = relay_with(NAMES);
    let many: Vec<String> = (0..17).map(|number| format!("tag-{number}")).collect();
    assert_eq!(ask(&relay, "fast", &[("x-proxy-tag", &many.join(","))]).status, 400);
    assert_eq!(ask(&relay, "fast", &[("x-proxy-tag", &"x".repeat(65))]).status, 400);
    assert!(upstream.calls().is_empty());
}

#[test]
fn an_edit_acts_without_a_restart() {
    let (upstream, relay) = relay_with("");
    assert_eq!(ask(&relay, "fresh", &[]).status, 404);
    relay.edit_relay_yaml(&yaml(&upstream, "aliases: { fresh: openai/gpt-fake }\n"));
    wait_until("the new alias answers", || ask(&relay, "fresh", &[]).status == 200);
    assert!(relay.client().get("/v1/models").text().contains("fresh"));
}

#[test]
fn a_broken_edit_keeps_the_old_configuration_and_says_where_it_is_wrong() {
    let (upstream, relay) = relay_with(NAMES);
    for broken in ["aliases: { fast: nobody/knows }\n", "alliases: {}\n", "aliases: [\n"] {
        let before = relay.log().len();
        relay.edit_relay_yaml(&yaml(&upstream, broken));
        wait_until("the problem is logged", || {
            relay.log()[before..].iter().any(|line| line.contains("relay.yaml") && is_warning(line))
        });
        assert_eq!(ask(&relay, "fast", &[]).status, 200, "{broken}");
    }
    relay.edit_relay_yaml(&yaml(&upstream, "aliases: { mended: openai/gpt-fake }\n"));
    wait_until("the mended file acts", || ask(&relay, "mended", &[]).status == 200);
}

fn is_warning(line: &str) -> bool {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    line["level"] == json!("WARN") || line["level"] == json!("ERROR")
}

fn tags(report: &Value) -> Vec<&str> {
    let mut tags: Vec<&str> =
        report["rows"].as_array().into_iter().flatten().filter_map(|row| row["key"].as_str()).collect();
    tags.sort_unstable();
    tags
}

#[test]
fn the_ids_open_webui_sends_are_in_the_record() {
    let (_upstream, relay) = relay_with(NAMES);
    let headers = [
        ("x-openwebui-user-email", "ada@example.org"),
        ("x-openwebui-user-id", "u1"),
        ("x-openwebui-chat-id", "c1"),
        ("x-openwebui-message-id", "m1"),
    ];
    assert_eq!(ask(&relay, "fast", &headers).status, 200);
    relay.report("tag", 1);
    let database = rusqlite::Connection::open(relay.path("data/relay.db")).expect("the database is there");
    let sql = "select end_user, chat_id, message_id from requests";
    let ids: [String; 3] =
        database.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).expect("there is one request");
    assert_eq!(ids, ["ada@example.org", "c1", "m1"]);
}
