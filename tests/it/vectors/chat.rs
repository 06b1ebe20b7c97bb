//! `/api/chat` and `/api/generate`.

use serde_json::{Value, json};

use super::{NATIVE_JSON, NDJSON, World, assert_integers, tools};
use crate::support::{Answer, FakeUpstream, Fault, Format, TestRelay};

const METRICS: [&str; 6] =
    ["total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"];

#[test]
fn v21_a_chat_streams_unless_told_otherwise() {
    let reply = World::new().chat(json!({ "model": "m" }));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some(NDJSON)));
    let lines = reply.lines();
    assert!(lines.len() >= 2, "{}", reply.text());
    for line in &lines {
        assert_eq!(line["message"]["role"], "assistant", "{line}");
        assert!(line["message"]["content"].is_string(), "{line}");
    }
    let (last, before) = lines.split_last().expect("there are lines");
    assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")), "{last}");
    assert!(before.iter().all(|line| line["done"] == false), "{}", reply.text());
}

#[test]
fn v22_v74_a_whole_chat_echoes_the_model_and_has_metrics() {
    let world = World::new();
    for model in ["m", "registry.ollama.ai/library/m:latest"] {
        let reply = world.chat(json!({ "model": model, "stream": false }));
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(NATIVE_JSON)), "{}", reply.text());
        let answer = reply.json();
        assert_eq!((&answer["model"], &answer["done"]), (&json!(model), &json!(true)), "{answer}");
        assert_integers(&answer, &METRICS);
    }
}

#[test]
fn v23_v24_v25_saying_nothing_loads_and_unloads() {
    let world = World::new();
    let loaded = world.post("/api/chat", &json!({ "model": "m", "messages": [] })).json();
    assert_eq!(loaded["done_reason"], "load", "{loaded}");
    assert_eq!(loaded["message"], json!({ "role": "assistant", "content": "" }));
    assert!(METRICS.iter().all(|metric| loaded.get(metric).is_none()), "{loaded}");

    let unloaded = world.post("/api/chat", &json!({ "model": "m", "messages": [], "keep_alive": 0 })).json();
    assert_eq!(unloaded["done_reason"], "unload", "{unloaded}");
    assert_eq!(world.client().get("/api/ps").json(), json!({ "models": [] }));

    let unloaded = world.post("/api/generate", &json!({ "model": "m", "prompt": "", "keep_alive": "0s" })).json();
    assert_eq!((&unloaded["done_reason"], &unloaded["response"]), (&json!("unload"), &json!("")), "{unloaded}");
}

#[test]
fn v26_generate_answers_in_response() {
    let reply = World::new().post("/api/generate", &json!({ "model": "m", "prompt": "hi" }));
    assert_eq!(reply.header("content-type"), Some(NDJSON));
    let lines = reply.lines();
    assert!(lines.iter().all(|line| line["response"].is_string() && line.get("message").is_none()), "{}", reply.text());
    let last = lines.last().expect("there are lines");
    assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")), "{last}");
    assert_integers(last, &["total_duration", "eval_duration"]);
}

#[test]
fn v32_v33_thinking_comes_first_and_can_be_switched_off() {
    let world = World::answering(Answer::text("Forty two.").reasoning("Let me count. "));
    let lines = world.chat(json!({ "model": "t:7b" })).lines();
    let thinks = |line: &Value| line["message"].get("thinking").is_some();
    let spoken = |line: &Value| line["message"]["content"].as_str().is_some_and(|text| !text.is_empty());
    let first_word = lines.iter().position(spoken).expect("something is said");
    let last_thought = lines.iter().rposition(thinks).expect("something is thought");
    assert!(last_thought < first_word, "{lines:?}");
    assert!(lines.iter().filter(|line| thinks(line)).all(|line| line["message"]["content"] == ""), "{lines:?}");

    let lines = world.chat(json!({ "model": "t:7b", "think": false })).lines();
    assert!(!lines.iter().any(thinks), "{lines:?}");
}

#[test]
fn v35_tool_calls_come_whole_with_object_arguments() {
    let answer = || Answer::text("").tool_call("call_abcd1234", "f", json!({ "a": 1 }));
    // Once as Ollama writes them itself, once translated.
    let ollama = FakeUpstream::ollama().answer(answer());
    let openai = FakeUpstream::openai().answer(answer());
    let relay = TestRelay::in_front_of(&[&ollama, &openai]);
    for model in [Format::Ollama.model(), Format::OpenAi.model()] {
        let messages = json!([{ "role": "user", "content": "hi" }]);
        let reply =
            relay.client().post("/api/chat", &json!({ "model": model, "messages": messages, "tools": tools() }));
        let lines = reply.lines();
        let line = lines.iter().find(|line| line["message"].get("tool_calls").is_some());
        let message = &line.unwrap_or_else(|| panic!("no call in {}", reply.text()))["message"];
        assert_eq!(message["content"], "", "{message}");
        let call = &message["tool_calls"][0];
        let id = call["id"].as_str().and_then(|id| id.strip_prefix("call_")).unwrap_or_default();
        assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{call}");
        assert_eq!(call["function"], json!({ "index": 0, "name": "f", "arguments": { "a": 1 } }), "{call}");
        let last = lines.last().expect("there are lines");
        assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")), "{last}");
    }
}

#[test]
fn v40_options_of_other_versions_and_null_are_ignored() {
    let options = json!({ "mirostat": 2, "num_ctx": null, "seed": 1.0 });
    let reply = World::new().chat(json!({ "model": "m", "options": options, "stream": false }));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn v43_an_error_before_the_first_token_keeps_its_status() {
    let world = World::answering(Answer::status(429, "application/json", r#"{"error":"slow down"}"#));
    let reply = world.chat(json!({ "model": "m", "stream": true }));
    assert_eq!(reply.status, 429);
    assert!(reply.header("content-type").is_some_and(|value| value.starts_with("application/json")));
    assert!(reply.json()["error"].as_str().is_some_and(|text| text.contains("slow down")), "{}", reply.text());
}

#[test]
fn v44_an_error_after_two_tokens_is_a_line_and_no_end() {
    let world = World::answering(Answer::text("one two three").fault(Fault::ErrorEvent(2)));
    let reply = world.chat(json!({ "model": "m", "stream": true }));
    assert_eq!(reply.status, 200);
    let lines = reply.lines();
    assert_eq!(lines.len(), 3, "{}", reply.text());
    assert_eq!((&lines[0]["message"]["content"], &lines[1]["message"]["content"]), (&json!("one "), &json!("two ")));
    assert!(lines[2]["error"].is_string(), "{}", reply.text());
    assert!(lines.iter().all(|line| line["done"] != true), "{}", reply.text());
}
