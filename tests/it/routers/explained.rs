//! What can be seen of a decision afterwards, and what a changed router would have decided.

use serde_json::{Value, json};

use super::{World, outcome, relay_yaml, with_picture};
use crate::support::{Answer, Face, Reply, call_admin, wait_until};

/// With the admin listener, and prompts kept as said.
fn world(settings: &str, more: &str, keep: &str) -> World {
    World::set_up(settings, more, |setup| setup.with_admin().env("KEEP_PROMPTS", keep))
}

fn admin(world: &World, method: &str, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    call_admin(world.relay.admin(), method, path, &[], &body)
}

/// The newest decisions, as soon as there are so many.
fn decisions(world: &World, query: &str, count: usize) -> Vec<Value> {
    let mut list = Vec::new();
    wait_until(&format!("{count} decisions are stored"), || {
        let reply = admin(world, "GET", &format!("/admin/api/decisions{query}"), &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.text());
        list = reply.json()["decisions"].as_array().cloned().unwrap_or_default();
        list.len() >= count
    });
    list
}

#[test]
fn every_decision_can_be_looked_up_with_its_gates_and_what_was_said() {
    let world = world("    cache_ttl: 0s", "", "routed");
    world.judge.then([Answer::text("well").usage(100, 0, 5), Answer::text("lab/bright").usage(120, 0, 5)]);
    let reply = world.ask("hard question");
    assert_eq!(outcome(&reply), "bright by designator");
    let id = reply.header("x-llm-relay-request-id").expect("answers carry their id").to_owned();
    assert_eq!(outcome(&world.converse(&[], &[with_picture("what is this?")])), "seeing by single");

    let list = decisions(&world, "?router=SMART", 2);
    assert_eq!((&list[0]["cause"], &list[1]["request_id"]), (&json!("single"), &json!(id)), "{list:?}");
    assert_eq!(list[0]["candidates"][0]["gate"], "images");
    assert_eq!(list[0]["candidates"][0]["reason"], "cannot see images");
    let one = admin(&world, "GET", &format!("/admin/api/decisions/{id}"), &Value::Null).json();
    assert_eq!(one, list[1]);
    assert_eq!(
        (&one["choice"], &one["model"], &one["router"]),
        (&json!("lab/bright"), &json!("lab/bright"), &json!("smart"))
    );
    let calls = one["calls"].as_array().expect("calls were made");
    let told =
        |at: usize| (calls[at]["outcome"].as_str(), calls[at]["answer"].as_str(), calls[at]["cost_nano_usd"].as_i64());
    assert_eq!(told(0), (Some("invalid"), Some("well"), Some(110_000)));
    assert_eq!(told(1), (Some("chosen"), Some("lab/bright"), Some(130_000)));

    assert_eq!(decisions(&world, "?limit=1", 1).len(), 1);
    assert!(decisions(&world, "?router=other", 0).is_empty());
    let older = decisions(&world, &format!("?before={}", list[0]["started"]), 1);
    assert!(older.iter().all(|decision| decision["started"].as_i64() < list[0]["started"].as_i64()), "{older:?}");
    for (path, status) in [
        ("/admin/api/decisions/nothing", 404),
        ("/admin/api/decisions?limit=0", 400),
        ("/admin/api/decisions?page=2", 400),
        ("/admin/api/decisions?before=yesterday", 400),
    ] {
        let reply = admin(&world, "GET", path, &Value::Null);
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        assert!(reply.json()["error"]["message"].is_string(), "{path}: {}", reply.text());
    }
}

#[test]
fn a_router_is_tried_out_without_leaving_a_trace_but_the_bill() {
    let world = world("    strategy: per_session", "aliases: { auto: smart }", "routed");
    let path = "/admin/api/routers/smart/resolve";
    world.judge.then([Answer::text("lab/bright").usage(100, 0, 5)]);
    let reply = admin(&world, "POST", path, &json!({ "prompt": "hello" }));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let decision = &reply.json()["decision"];
    assert_eq!((&decision["cause"], &decision["choice"]), (&json!("designator"), &json!("lab/bright")));
    assert_eq!(reply.json()["steps"][0]["stage"], "router");
    // Neither session nor cache know of it.
    world.judge_says(&["lab/seeing"]);
    assert_eq!(outcome(&world.ask("hello")), "seeing by designator");
    let seen = json!({ "request": { "messages": [{ "role": "user", "content": with_picture("what?") }] } });
    let reply = admin(&world, "POST", "/admin/api/routers/auto/resolve", &seen);
    assert_eq!(reply.json()["decision"]["cause"], "single", "{}", reply.text());
    assert_eq!(world.relay.report("router", 1)["rows"][0]["cost_nano_usd"].as_i64(), Some(110_000 + 25_000 + 970_000));

    let long = json!({ "prompt": "word ".repeat(80_000) });
    for (path, body, status, code) in [
        (path, long, 422, "no_candidate"),
        (path, json!({ "prompt": "a", "request": {} }), 400, "unreadable"),
        (path, json!({ "question": "a" }), 400, "unreadable"),
        (path, json!({ "request": { "messages": "hello" } }), 400, "unreadable"),
        ("/admin/api/routers/nobody/resolve", json!({ "prompt": "a" }), 404, "no_such_router"),
        ("/admin/api/routers/lab%2Fplain/resolve", json!({ "prompt": "a" }), 404, "no_such_router"),
    ] {
        let reply = admin(&world, "POST", path, &body);
        assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (status, Some(code)), "{}", reply.text());
    }
}

#[test]
fn a_changed_router_is_replayed_over_kept_prompts() {
    let world = world("    cache_ttl: 0s", "", "routed");
    // 11 tokens in and 7 out: 2,500 micro-USD at `bright`, 250 at `plain`, 970 at `seeing`; asking costs 25.
    world.judge_says(&["lab/bright", "lab/bright", "lab/plain"]);
    for question in ["first", "second", "third"] {
        assert!(outcome(&world.ask(question)).ends_with("by designator"));
    }
    let ollama = world.relay.client().post("/api/chat", &Face::Ollama.ask("lab/plain", "not routed", false));
    assert_eq!(ollama.status, 200);
    decisions(&world, "", 3);
    world.relay.report("router", 4);

    let changed = relay_yaml(&world.judge, &world.lab, "", "").replace("hard ones", "hard ones, enabled: false");
    std::fs::write(world.relay.path("changed.yaml"), changed).expect("the folder can be written to");
    // The newest comes first.
    world.judge_says(&["lab/plain", "lab/seeing", "lab/plain"]);
    let replay =
        world.relay.run(&["router", "replay", "smart", "--last", "10", "--format", "json", "--config", "changed.yaml"]);
    let replay: Value = serde_json::from_str(&replay).expect("the replay is JSON");
    assert_eq!((&replay["requests"], &replay["moved"]), (&json!(3), &json!(2)), "{replay}");
    let moves: Vec<_> = replay["moves"].as_array().expect("moves are a list").iter().collect();
    let told =
        |at: usize| (&moves[at]["from"], &moves[at]["to"], &moves[at]["requests"], &moves[at]["difference_nano_usd"]);
    assert_eq!(told(0), (&json!("lab/bright"), &json!("lab/plain"), &json!(1), &json!(-2_250_000)));
    assert_eq!(told(1), (&json!("lab/bright"), &json!("lab/seeing"), &json!(1), &json!(-1_530_000)));
    let (then, now) = (2 * 2_500_000 + 250_000 + 3 * 25_000, 2 * 250_000 + 970_000 + 3 * 25_000);
    assert_eq!(replay["cost"], json!({ "requests": 3, "then_nano_usd": then, "now_nano_usd": now }), "{replay}");

    let table = world.relay.run(&["router", "replay", "smart", "--last", "1"]);
    assert!(table.contains("of 1 requests would move"), "{table}");
}

#[test]
fn without_kept_prompts_a_replay_says_how_to_keep_them() {
    let world = World::new("");
    world.ask("hello");
    world.relay.report("router", 1);
    let output = world.relay.run_to_end(&["router", "replay", "smart"]);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && complaint.contains("KEEP_PROMPTS=routed"), "{complaint}");
}

#[test]
fn commands_know_the_routers_of_the_database() {
    let world = world("", "", "routed");
    let router =
        json!({ "designator": "judge/judge", "candidates": ["lab/plain", "lab/bright"], "fallback": "lab/plain" });
    let created = admin(&world, "PUT", "/admin/api/routers/made-here", &router);
    assert_eq!(created.status, 201, "{}", created.text());
    world.judge_says(&["lab/bright"]);
    let text = world.relay.run(&["resolve", "made-here", "--prompt", "hello"]);
    assert!(text.contains("designator") && text.contains("lab/bright"), "{text}");
    assert!(world.relay.run(&["resolve", "made-here"]).contains("judge/judge"));
    let yaml = relay_yaml(&world.judge, &world.lab, "", "").replace("  smart:", "  made-here:");
    std::fs::write(world.relay.path("clash.yaml"), yaml).expect("the folder can be written to");
    let output = world.relay.run_to_end(&["check", "--config", "clash.yaml"]);
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(!output.status.success() && said.contains("made-here") && said.contains("database"), "{said}");
}

#[test]
fn prompts_are_kept_as_the_setting_says_and_large_ones_never() {
    let long = "word ".repeat(220_000);
    for (keep, expected) in [("off", [false, false]), ("routed", [true, false]), ("all", [true, true])] {
        let world = world("    cache_ttl: 0s", "", keep);
        world.judge_says(&["lab/bright"]);
        let ask = |model: &str, text: &str| {
            let reply = world.relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask(model, text, false));
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.header("x-llm-relay-request-id").expect("answers carry their id").to_owned()
        };
        let ids = [ask("smart", "hello"), ask("lab/bright", "hello"), ask("lab/bright", &long)];
        world.relay.report("model", 3);
        let is_kept = ids.map(|id| {
            let one = admin(&world, "GET", &format!("/admin/api/requests/{id}"), &Value::Null);
            assert_eq!(one.status, 200, "{}", one.text());
            !one.json()["prompt"].is_null()
        });
        assert_eq!(is_kept, [expected[0], expected[1], false], "{keep}");
    }
}
