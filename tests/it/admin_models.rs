//! The catalogue on the admin listener: prices that are set and dated, models that are hidden and switched off, and what
//! lists of others say, compared and applied.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};

use crate::support::{Face, FakeUpstream, Reply, TestRelay, call_api, read_api as get, wait_until};

const OVERRIDES: &str = "providers:\n  openai:\n    models:\n      gpt-fake:\n        context_length: 8000\n        price: { input: 1, output: 10 }\n";
const MODEL: &str = "models/openai%2Fgpt-fake";

/// A relay in front of a provider that lists `gpt-fake` and `embed-fake`, with a price list at this address.
fn world(price_list: &str) -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai();
    let relay = TestRelay::setup()
        .upstreams(&[&upstream])
        .overrides_yaml(OVERRIDES)
        .env("PRICE_LIST_URL", price_list)
        .with_admin()
        .start();
    wait_until("the provider's models are known", || listed(&relay).contains(&"openai/embed-fake".to_owned()));
    (upstream, relay)
}

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:9/prices.json";

/// Serves this text to whoever asks, until the test ends.
fn serve(text: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("connections can be accepted");
            let mut head = [0; 4096];
            let read = stream.read(&mut head).expect("a request comes");
            assert!(head[..read].starts_with(b"GET /prices.json "), "{}", String::from_utf8_lossy(&head[..read]));
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len());
            // The relay may have seen enough.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn call(relay: &TestRelay, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    call_api(relay, method, path, more, &body)
}

fn put(relay: &TestRelay, version: Option<&str>, entry: Value) -> Reply {
    let headers: Vec<_> = version.iter().map(|version| ("if-match", *version)).collect();
    call(relay, "PUT", MODEL, &headers, &entry)
}

fn post(relay: &TestRelay, path: &str, body: Value) -> Reply {
    call(relay, "POST", path, &[], &body)
}

fn tag(reply: &Reply) -> String {
    reply.header("etag").unwrap_or_else(|| panic!("no version: {} {}", reply.status, reply.text())).to_owned()
}

fn names(list: &Value, key: &str, name: &str) -> Vec<String> {
    let all = list[key].as_array().expect("a list");
    all.iter().map(|entry| entry[name].as_str().expect("a name").to_owned()).collect()
}

/// The names clients see, by both APIs.
fn listed(relay: &TestRelay) -> Vec<String> {
    let openai = names(&relay.client().get("/v1/models").json(), "data", "id");
    let ollama = names(&relay.client().get("/api/tags").json(), "models", "name");
    let in_both = |name: &String| ollama.iter().any(|other| other.trim_end_matches(":latest") == name);
    openai.into_iter().filter(in_both).collect()
}

/// Asks the model; the id of the request.
fn ask(relay: &TestRelay) -> String {
    let reply = relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask("openai/gpt-fake", "hi", false));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.header("x-llm-relay-request-id").expect("answers have an id").to_owned()
}

/// Everything about a request, as soon as its record and its price row are stored.
fn request(relay: &TestRelay, id: &str) -> Value {
    let mut found = Value::Null;
    wait_until("the record is stored", || {
        let reply = call(relay, "GET", &format!("requests/{id}"), &[], &Value::Null);
        found = if reply.status == 200 { reply.json() } else { Value::Null };
        !found["price"].is_null()
    });
    found
}

/// What the tokens of a record cost at these prices, in pico-dollars per token, rounded once to nano-dollars.
fn cost(record: &Value, input: i64, output: i64) -> i64 {
    let tokens = |key: &str| record["usage"][key].as_i64().unwrap_or(0);
    // Cached tokens and their price are not part of this test.
    assert_eq!(tokens("cache_read"), 0, "{record}");
    (tokens("input") * input + tokens("output") * output + 500) / 1000
}

#[test]
fn a_price_that_is_set_holds_for_what_comes_and_not_for_what_was() {
    let (_upstream, mut relay) = world(NOWHERE);
    let first = ask(&relay);
    let old = request(&relay, &first);
    let entry = json!({ "price": { "input": 0.123457, "output": "2.000003" } });
    let created = put(&relay, None, entry);
    assert_eq!(created.status, 201, "{}", created.text());
    // No waiting: the row is in force and remembered when the answer comes.
    let about = get(&relay, MODEL);
    let history = about["price_history"].as_array().expect("a list");
    let shown: Vec<_> =
        history.iter().map(|past| json!([past["source"], past["price"]["input"], past["to_ms"].is_null()])).collect();
    assert_eq!(shown, [json!(["admin page", "0.123457", true]), json!(["overrides.yaml", "1", false])]);
    assert_eq!(history[1]["to_ms"], history[0]["from_ms"]);

    let second = ask(&relay);
    let new = request(&relay, &second);
    for (whole, input, output) in [(&old, 1_000_000, 10_000_000), (&new, 123_457, 2_000_003)] {
        let record = &whole["record"];
        assert_eq!(record["cost"].as_i64(), Some(cost(record, input, output)), "{record}");
        assert_eq!(whole["price"]["id"], record["price"]);
    }
    assert_ne!(old["record"]["price"], new["record"]["price"]);
    assert_eq!(new["price"]["valid_from_ms"], history[0]["from_ms"]);

    // Taken back, the file's price is in force again, from now on.
    let deleted = call(&relay, "DELETE", MODEL, &[("if-match", &tag(&created))], &Value::Null);
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    let sources = names(&get(&relay, MODEL), "price_history", "source");
    assert_eq!(sources, ["overrides.yaml", "admin page", "overrides.yaml"]);
    let change = get(&relay, "history?kind=model")["history"][0]["id"].clone();
    let undone = post(&relay, &format!("history/{change}/undo"), Value::Null);
    assert_eq!(undone.status, 200, "{}", undone.text());
    relay.kill_9();
    relay.start_again();
    let about = get(&relay, MODEL);
    assert_eq!(about["price"], json!({ "input": "0.123457", "output": "2.000003" }));
    assert_eq!(about["price_history"].as_array().map(Vec::len), Some(4));
    assert_eq!(request(&relay, &first)["price"], old["price"], "what was is as it was");
}

#[test]
fn a_hidden_model_can_be_called_and_one_that_is_switched_off_cannot() {
    let (_upstream, relay) = world(NOWHERE);
    assert!(listed(&relay).contains(&"openai/gpt-fake".to_owned()));
    let hidden = put(&relay, None, json!({ "hidden": true }));
    assert!(!listed(&relay).contains(&"openai/gpt-fake".to_owned()));
    ask(&relay);
    assert_eq!(names(&get(&relay, "models?is=hidden"), "models", "name"), ["openai/gpt-fake"]);

    let off = put(&relay, Some(&tag(&hidden)), json!({ "disabled": true }));
    assert_eq!(off.status, 200, "{}", off.text());
    for face in [Face::OpenAi, Face::Ollama] {
        let reply = relay.client().post(face.path(), &face.ask("openai/gpt-fake", "hi", false));
        assert_eq!(reply.status, 404);
        assert!(reply.text().contains("openai/gpt-fake") && reply.text().contains("switched off"), "{}", reply.text());
    }
    assert!(!listed(&relay).contains(&"openai/gpt-fake".to_owned()));
    let back = call(&relay, "DELETE", MODEL, &[("if-match", &tag(&off))], &Value::Null);
    assert_eq!(back.status, 204);
    ask(&relay);
}

#[test]
fn each_fact_says_where_it_is_from_and_the_page_has_the_last_word() {
    let (_upstream, relay) = world(NOWHERE);
    let entry = json!({ "context_length": 16000, "capabilities": { "vision": true, "tools": false } });
    let created = put(&relay, None, entry);
    assert_eq!(created.status, 201, "{}", created.text());
    let about = get(&relay, MODEL);
    let fact = |key: &str| {
        let facts = about["facts"].as_array().expect("a list");
        facts.iter().find(|fact| fact["key"] == key).unwrap_or_else(|| panic!("no {key} in {about}"))["said"].clone()
    };
    let context = [
        json!({ "by": "file", "place": "overrides.yaml:4 providers.openai.models.gpt-fake", "value": 8000 }),
        json!({ "by": "page", "value": 16000 }),
    ];
    assert_eq!(fact("context_length"), json!(context));
    assert_eq!(fact("capabilities.vision"), json!([{ "by": "page", "value": true }]));
    assert_eq!((&about["context_length"], &about["known_by"]), (&json!(16000), &json!("file")));
    assert_eq!(about["override"]["version"], tag(&created).trim_matches('"'));
    assert_eq!(names(&get(&relay, "models?is=vision&q=FAKE"), "models", "name"), ["openai/gpt-fake"]);
    assert_eq!(call(&relay, "GET", "models/gpt-fake", &[], &Value::Null).status, 404);
}

#[test]
fn what_cannot_be_is_refused_with_the_place_of_the_mistake() {
    let (_upstream, relay) = world(NOWHERE);
    for (path, body, status, part) in [
        (MODEL, json!({ "price": { "input": -1 } }), 400, "never negative"),
        (MODEL, json!({ "price": { "input": 0.12345678 } }), 400, "0.12345678"),
        (MODEL, json!({ "price": { "inputs": 1 } }), 400, "inputs"),
        (MODEL, json!({ "context_length": 0 }), 422, "models.openai/gpt-fake.context_length"),
        (MODEL, json!({ "price": {} }), 422, "says nothing"),
        ("models/gpt-fake", json!({ "hidden": true }), 422, "openai/gpt-fake"),
        ("models/nobody%2Fx", json!({ "hidden": true }), 422, "no provider `nobody`"),
    ] {
        let reply = call(&relay, "PUT", path, &[], &body);
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.text());
        assert!(reply.text().contains(part), "{path} {body}: {}", reply.text());
    }
    // Others are told of, and do not stand in the way of switching a model off.
    let alias = call(&relay, "PUT", "aliases/fast", &[], &json!("openai/gpt-fake"));
    assert_eq!(alias.status, 201);
    let rehearsed = call(&relay, "PUT", &format!("{MODEL}?dry_run"), &[], &json!({ "disabled": true }));
    let problems = rehearsed.json()["problems"].clone();
    assert_eq!((rehearsed.status, &problems[0]["severity"]), (200, &json!("warning")), "{problems}");
    assert!(problems[0]["message"].as_str().is_some_and(|message| message.contains("alias `fast`")), "{problems}");
    assert_eq!(get(&relay, MODEL)["used_by"], json!([{ "kind": "alias", "name": "fast", "role": "" }]));
    ask(&relay);

    let first = put(&relay, None, json!({ "hidden": true }));
    assert_eq!(put(&relay, Some(&tag(&first)), json!({ "context_length": 9 })).status, 200);
    let late = put(&relay, Some(&tag(&first)), json!({ "hidden": true }));
    assert_eq!((late.status, &late.json()["error"]["current"]["model"]["context_length"]), (412, &json!(9)));
}

/// Prices for the two models of the fake provider; one of them absurd.
const PRICES: &str = r#"{
  "sample_spec": { "mode": "one of chat, embedding, completion" },
  "gpt-fake": { "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.25e-06,
    "output_cost_per_token": 1.0000000000000001e-05, "max_input_tokens": 8000, "max_output_tokens": 4096 },
  "embed-fake": { "litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": -1, "output_cost_per_token": 0 }
}"#;

fn line<'a>(diff: &'a Value, name: &str, what: &str) -> &'a Value {
    let lines = diff["lines"].as_array().expect("a list");
    let found = lines.iter().find(|line| line["name"] == name && line["what"] == what);
    found.unwrap_or_else(|| panic!("no {what} of {name}: {diff:#}"))
}

fn change(line: &Value) -> Value {
    json!({ "name": line["name"], "version": line["version"], "set": line["set"] })
}

#[test]
fn a_sync_shows_what_differs_and_changes_what_was_chosen_only() {
    let address = serve(PRICES.to_owned());
    let (_upstream, mut relay) = world(&format!("http://{address}/prices.json"));
    let reply = post(&relay, "models/sync", Value::Null);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let diff = reply.json();
    assert_eq!(
        diff["sources"][0],
        json!({ "name": format!("http://{address}/prices.json"), "models": 2, "error": null })
    );
    assert_eq!(diff["sources"][1], json!({ "name": "openai", "models": 2, "error": null }));
    let price = line(&diff, "openai/gpt-fake", "price");
    assert_eq!(price["prices"], json!([{ "key": "input", "old": "1", "new": "1.25", "percent": "+25" }]));
    assert_eq!((&price["flags"], &price["selected"]), (&json!(["operator"]), &json!(false)), "the file said so");
    let output = line(&diff, "openai/gpt-fake", "max_output");
    assert_eq!((&output["old"], &output["new"], &output["selected"]), (&Value::Null, &json!(4096), &json!(true)));
    let absurd = line(&diff, "openai/embed-fake", "price");
    assert_eq!(
        (&absurd["flags"], &absurd["selected"], &absurd["set"]),
        (&json!(["absurd"]), &json!(false), &Value::Null)
    );
    assert_eq!(get(&relay, MODEL)["price"]["input"], "1", "nothing was changed by looking");

    // Only the price is chosen.
    let applied = post(&relay, "models/apply", json!({ "changes": [change(price)] }));
    assert_eq!((applied.status, &applied.json()["applied"]), (200, &json!(1)), "{}", applied.text());
    let about = get(&relay, MODEL);
    assert_eq!((&about["price"]["input"], &about["max_output"]), (&json!("1.25"), &Value::Null));
    let source = about["price_source"].as_str().expect("a source");
    assert!(source.starts_with("litellm 20"), "{source}");
    assert_eq!(about["price_history"][0]["source"], source);
    let record = request(&relay, &ask(&relay))["record"].clone();
    assert_eq!(record["cost"].as_i64(), Some(cost(&record, 1_250_000, 10_000_000)));

    // Somebody was quicker: nothing of it is applied.
    let other = json!({ "name": "openai/embed-fake", "model": { "hidden": true } });
    let stale = post(&relay, "models/apply", json!({ "changes": [other, change(output)] }));
    assert_eq!((stale.status, &stale.json()["error"]["names"]), (412, &json!(["openai/gpt-fake"])), "{}", stale.text());
    assert_eq!(get(&relay, "models?is=hidden")["total"], 0);
    // Taken from a list, the price is no operator's word any more, and there is nothing new.
    let again = post(&relay, "models/sync", Value::Null).json();
    assert!(
        again["lines"]
            .as_array()
            .is_some_and(|lines| lines.iter().all(|line| line["what"] != "price" || line["name"] != "openai/gpt-fake"))
    );
    let both =
        post(&relay, "models/apply", json!({ "changes": [change(line(&again, "openai/gpt-fake", "max_output"))] }));
    assert_eq!(both.status, 200, "{}", both.text());
    relay.kill_9();
    relay.start_again();
    assert_eq!(
        (get(&relay, MODEL)["max_output"].clone(), get(&relay, MODEL)["price"]["input"].clone()),
        (json!(4096), json!("1.25"))
    );
    let undone = post(&relay, "models/apply", both.json()["undo"].clone());
    assert_eq!(undone.status, 200, "{}", undone.text());
    let undone = post(&relay, "models/apply", applied.json()["undo"].clone());
    assert_eq!(undone.status, 200, "{}", undone.text());
    let about = get(&relay, MODEL);
    assert_eq!((&about["override"], &about["price"]["input"]), (&Value::Null, &json!("1")));
}

#[test]
fn without_the_list_the_reason_is_said_and_a_list_can_be_given() {
    let (_upstream, relay) = world(NOWHERE);
    let diff = post(&relay, "models/sync", Value::Null).json();
    let error = diff["sources"][0]["error"].as_str().expect("a reason");
    assert!(error.contains("127.0.0.1:9/prices.json") && error.contains("refused"), "{error}");
    let list: Value = serde_json::from_str(PRICES).expect("it is JSON");
    let diff = post(&relay, "models/sync", json!({ "price_list": list })).json();
    assert_eq!(diff["sources"][0], json!({ "name": "the list you gave", "models": 2, "error": null }));
    assert_eq!(line(&diff, "openai/gpt-fake", "price")["prices"][0]["new"], "1.25");
    let wrong = post(&relay, "models/sync", json!({ "price_list": { "data": [] } })).json();
    assert!(wrong["sources"][0]["error"].as_str().is_some_and(|error| error.contains("is no price list")), "{wrong}");
    assert_eq!(post(&relay, "models/sync", json!({ "list": 1 })).status, 400);
    assert_eq!(post(&relay, "models/apply", json!({ "changes": [] })).status, 400);
    let twice = json!({ "changes": [{ "name": "openai/gpt-fake", "set": {}, "model": {} }] });
    assert_eq!(post(&relay, "models/apply", twice).status, 422);
}
