//! What pages ask of the API while somebody types: names to complete, where a name leads, what the traffic says of an
//! edit, and what would be wrong with it, field by field.

use serde_json::{Value, json};

use crate::support::{Answer, Face, FakeUpstream, TestRelay, call_api as call, read_api as get, wait_until};

const PRICES: &str = "providers:
  openai:
    models:
      gpt-fake: { price: { input: 1, output: 10 } }
      gpt-dear: { price: { input: 2, output: 20 } }
";

fn world(names: &str) -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai().answer(Answer::text("Hello").usage(100, 0, 20));
    let models = ", models: [gpt-fake, gpt-dear, gpt-chooser] }\n";
    let yaml = format!("providers:\n{}{names}", upstream.provider_yaml().replace(" }\n", models));
    let relay = TestRelay::setup().relay_yaml(&yaml).overrides_yaml(PRICES).with_admin().start();
    (upstream, relay)
}

fn post(relay: &TestRelay, path: &str, body: &Value) -> Value {
    let reply = call(relay, "POST", path, &[], &body.to_string());
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

fn put(relay: &TestRelay, path: &str, body: &Value) {
    let reply = call(relay, "PUT", path, &[("if-none-match", "*")], &body.to_string());
    assert_eq!(reply.status, 201, "{path}: {}", reply.text());
}

fn ask(relay: &TestRelay, name: &str) {
    let reply = relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask(name, "hi", false));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn router() -> Value {
    json!({
        "designator": "openai/gpt-chooser",
        "candidates": ["openai/gpt-fake", "openai/gpt-dear"],
        "fallback": "openai/gpt-dear",
    })
}

#[test]
fn every_name_can_be_completed_and_followed() {
    let (_upstream, relay) =
        world("aliases: { fast: { target: openai/gpt-fake, tags: [home], description: quick } }\n");
    put(&relay, "redirects/old%2A", &json!("fast"));
    put(&relay, "routers/smart", &router());
    let names = get(&relay, "names");
    let shown = |value: &Value| {
        let list = value["names"].as_array().expect("a list").iter();
        list.map(|name| format!("{} {}", name["kind"], name["name"]).replace('"', "")).collect::<Vec<_>>()
    };
    let all = shown(&names);
    assert_eq!(all[..2], ["router smart", "alias fast"]);
    assert!(
        all.contains(&"model openai/gpt-dear".to_owned()) && all.last().is_some_and(|last| last == "redirect old*")
    );
    assert_eq!(names["names"][1]["model"], "openai/gpt-fake");
    assert_eq!(names["names"][1]["description"], "quick");
    assert_eq!(shown(&get(&relay, "names?q=FAS")), ["alias fast"]);
    assert_eq!(shown(&get(&relay, "names?kind=router&limit=5")), ["router smart"]);
    let key = call(&relay, "POST", "keys", &[], &json!({ "name": "laptop" }).to_string());
    assert_eq!(key.status, 201, "{}", key.text());
    assert_eq!(shown(&get(&relay, "names?kind=key,provider")), ["provider openai", "key laptop"]);
    assert_eq!(shown(&get(&relay, "names?kind=alias,key&q=a")), ["alias fast", "key laptop"]);
    assert_eq!(call(&relay, "DELETE", "keys/laptop", &[], "").status, 204);
    assert_eq!(shown(&get(&relay, "names?kind=key")), [""; 0], "it is revoked");
    for query in ["names?kind=token", "names?kind=", "names?limit=0", "names?x=1", "resolve"] {
        assert_eq!(call(&relay, "GET", query, &[], "").json()["error"]["code"], "query", "{query}");
    }

    // The same steps as the command prints.
    let way = get(&relay, "resolve?name=Old-thing%40team");
    assert_eq!(way["model"], "openai/gpt-fake");
    assert_eq!(way["resolved_by"], "alias:fast");
    assert_eq!(way["tags"], json!(["team", "home"]));
    let told = relay.run(&["resolve", "Old-thing@team"]);
    for step in way["steps"].as_array().expect("a list") {
        let line = format!("{} -> {}", step["from"], step["to"]).replace('"', "");
        assert!(told.contains(&line), "{line} is not in {told}");
    }
    let way = get(&relay, "resolve?name=smart");
    assert_eq!((&way["router"], &way["fallback"]), (&json!("smart"), &json!("openai/gpt-dear")));
    assert_eq!(way["choices"], json!(["openai/gpt-fake", "openai/gpt-dear"]));
    let way = get(&relay, "resolve?name=fasd");
    assert!(way["error"].as_str().is_some_and(|error| error.contains("did you mean `fast`")), "{way}");

    // As it would be.
    let change = |entry| json!({ "name": "old-1", "with": { "kind": "redirect", "name": "OLD*", "entry": entry } });
    assert_eq!(post(&relay, "resolve", &change(json!("openai/gpt-dear")))["model"], "openai/gpt-dear");
    assert!(post(&relay, "resolve", &change(Value::Null))["error"].is_string());
    assert_eq!(get(&relay, "resolve?name=old-1")["model"], "openai/gpt-fake", "nothing was changed");
    let reply =
        call(&relay, "POST", "resolve", &[], r#"{"name": "x", "with": {"kind": "alias", "name": "x", "entry": 7}}"#);
    assert_eq!(reply.status, 400, "{}", reply.text());
}

#[test]
fn the_traffic_says_what_an_edit_would_change() {
    let (_upstream, relay) = world("aliases: { house: openai/gpt-fake }\n");
    put(&relay, "aliases/fast", &json!("openai/gpt-fake"));
    put(&relay, "redirects/old%2A", &json!("fast"));
    for name in ["fast", "FAST", "fast@team", "old-one", "openai/gpt-dear"] {
        ask(&relay, name);
    }
    let mut impact = Value::Null;
    wait_until("five requests are in the log", || {
        impact = get(&relay, "aliases/fast/impact");
        impact["looked_at"] == 5
    });
    // 100 × 1 + 20 × 10 USD per million tokens.
    let one = 300_000;
    assert_eq!((&impact["requests"], &impact["moved"], &impact["complete"]), (&json!(4), &json!(0), &json!(true)));
    assert_eq!(impact["cost_nano_usd"], 4 * one);
    assert_eq!(impact["names"][0]["asked"].as_str().map(str::to_lowercase).as_deref(), Some("fast"));
    assert_eq!(impact["names"][0]["requests"], 2, "upper and lower case are one name");

    let edit = post(&relay, "aliases/fast/impact", &json!("openai/gpt-dear"));
    assert_eq!((&edit["requests"], &edit["moved"]), (&json!(4), &json!(4)));
    let name = &edit["names"][0];
    assert_eq!(
        (&name["now"]["model"], &name["then"]["model"], &name["went"][0]["model"]),
        (&json!("openai/gpt-fake"), &json!("openai/gpt-dear"), &json!("openai/gpt-fake"))
    );
    assert_eq!((&name["cost_nano_usd"], &name["then_cost_nano_usd"]), (&json!(2 * one), &json!(4 * one)));

    let gone = post(&relay, "redirects/old%2A/impact", &Value::Null);
    assert_eq!(
        (&gone["requests"], &gone["moved"], gone["names"][0]["asked"].as_str()),
        (&json!(1), &json!(1), Some("old-one"))
    );
    assert!(gone["names"][0]["then"]["error"].is_string(), "{gone}");

    // A router that may still choose who answered moves nobody for certain.
    let new = post(&relay, "routers/openai%2Fgpt-dear/impact", &router());
    assert_eq!((&new["requests"], &new["moved"]), (&json!(1), &json!(0)), "{new}");
    let new = post(&relay, "redirects/openai%2Fgpt-d%2A/impact", &json!("fast"));
    assert_eq!((&new["requests"], &new["moved"]), (&json!(1), &json!(1)), "{new}");
    assert_eq!(get(&relay, "aliases/other/impact")["requests"], 0);
    assert_eq!(get(&relay, "aliases/house/impact")["requests"], 0);
    let refused = call(&relay, "POST", "aliases/house/impact", &[], "null");
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (409, &json!("managed_by_file")));
}

#[test]
fn a_rehearsal_says_what_is_wrong_with_which_field() {
    let (_upstream, relay) = world("");
    put(&relay, "aliases/fast", &json!("openai/gpt-fake"));
    let dry = |path: &str, more: &[(&str, &str)], body: &Value| {
        call(&relay, "PUT", &format!("{path}?dry_run=true"), more, &body.to_string())
    };
    let with = |key: &str, value: Value| {
        let mut router = router();
        router[key] = value;
        router
    };
    for (path, body, field, part) in [
        ("aliases/a%40b", json!("openai/gpt-fake"), "name", "no `@`"),
        ("aliases/x", json!(" "), "target", "missing"),
        ("aliases/x", json!("x"), "target", "circle"),
        ("aliases/x", json!("anthropic/claude-3-haiku"), "target", "set ANTHROPIC_API_KEY"),
        ("aliases/gpt-dear", json!("openai/gpt-fake"), "name", "comes before the model"),
        ("aliases/openai", json!("openai/gpt-fake"), "name", "id of a provider"),
        ("redirects/a%2Ab", json!("fast"), "name", "at the end only"),
        ("redirects/a", json!("fast*"), "target", "must too"),
        ("redirects/a", json!("A"), "target", "changes nothing"),
        ("redirects/f%2A", json!("openai/gpt-fake"), "name", "hides `fast`"),
        ("routers/r", with("designator", json!("")), "designator", "needs a `designator`"),
        ("routers/r", with("candidates", json!(["openai/gpt-fake"])), "candidates", "two different"),
        ("routers/r", with("candidates", json!(["openai/gpt-fake", "nobody/x"])), "candidates.1", "no provider"),
        ("routers/r", with("side_call_model", json!("r")), "side_call_model", "leads to a router"),
        ("routers/r", with("session_ttl", json!("1h")), "session_ttl", "per_session"),
    ] {
        let reply = dry(path, &[], &body).json();
        let problems = if reply["error"].is_object() { &reply["error"]["problems"] } else { &reply["problems"] };
        let is_it = |problem: &Value| {
            problem["field"] == field && problem["message"].as_str().is_some_and(|message| message.contains(part))
        };
        assert!(problems.as_array().is_some_and(|list| list.iter().any(is_it)), "{path} {body}: {reply}");
    }
    // A rehearsal that says what it expects is told of a clash, and still changes nothing.
    let clash = dry("aliases/FAST", &[("if-none-match", "*")], &json!("openai/gpt-dear"));
    assert_eq!((clash.status, &clash.json()["error"]["code"]), (412, &json!("exists")));
    let clash = dry("aliases/fast", &[("if-match", "\"0\"")], &json!("openai/gpt-dear"));
    assert_eq!((clash.status, &clash.json()["error"]["current"]["alias"]["target"]), (412, &json!("openai/gpt-fake")));
    assert_eq!(dry("aliases/none", &[("if-match", "*")], &json!("fast")).json()["error"]["code"], "gone");
    assert_eq!(dry("aliases/new", &[("if-none-match", "*")], &json!("fast")).status, 200);
    assert_eq!(get(&relay, "aliases")["aliases"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_router_can_be_tried_before_it_is_saved() {
    let (upstream, relay) = world("");
    upstream.then([Answer::text(r#"{"model":"m1"}"#)]);
    let trial = json!({ "prompt": "Prove it.", "router": router() });
    let tried = post(&relay, "routers/new/resolve", &trial);
    assert_eq!(tried["decision"]["router"], "new");
    assert_eq!(tried["decision"]["candidates"].as_array().map(Vec::len), Some(2));
    let mut lone = router();
    lone["candidates"] = json!(["openai/gpt-fake"]);
    let refused =
        call(&relay, "POST", "routers/new/resolve", &[], &json!({ "prompt": "x", "router": lone }).to_string());
    assert_eq!((refused.status, &refused.json()["error"]["problems"][0]["field"]), (422, &json!("candidates")));
    assert_eq!(get(&relay, "routers")["routers"], json!([]));
}
