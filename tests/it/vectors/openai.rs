//! The OpenAI routes as Ollama has them.

use serde_json::{Value, json};

use super::{World, tools};
use crate::support::Answer;

#[test]
fn v56_models_are_listed() {
    let reply = World::new().client().get("/v1/models");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let list = reply.json();
    assert_eq!(list["object"], "list");
    for model in list["data"].as_array().expect("data is a list") {
        assert!(model["id"].as_str().is_some_and(|id| id.contains(':')), "{model}");
        assert!(model["created"].is_i64(), "{model}");
        assert_eq!(model["owned_by"], "library", "{model}");
    }
}

#[test]
fn v58_a_whole_answer_adds_up() {
    let answer = World::new().completion(json!({ "model": "m" })).json();
    assert_eq!(answer["object"], "chat.completion", "{answer}");
    assert_eq!(answer["system_fingerprint"], "fp_ollama", "{answer}");
    assert!(answer["id"].as_str().is_some_and(|id| id.starts_with("chatcmpl-")), "{answer}");
    assert_eq!(answer["model"], "m");
    let count = |key: &str| answer["usage"][key].as_u64().unwrap_or_else(|| panic!("{key} in {answer}"));
    assert_eq!(count("prompt_tokens") + count("completion_tokens"), count("total_tokens"));
}

#[test]
fn v59_a_stream_has_one_role_an_empty_last_delta_and_done() {
    let reply = World::new().completion(json!({ "model": "m", "stream": true }));
    assert!(reply.header("content-type").is_some_and(|value| value.starts_with("text/event-stream")));
    assert_eq!(reply.events().last().map(String::as_str), Some("[DONE]"));
    let chunks = reply.chunks();
    let roles = chunks.iter().map(|chunk| chunk["choices"][0]["delta"].get("role").is_some());
    assert!(roles.enumerate().all(|(index, has_role)| has_role == (index == 0)), "{}", reply.text());
    let last = chunks.last().expect("there are chunks");
    assert_eq!((&last["choices"][0]["delta"], &last["choices"][0]["finish_reason"]), (&json!({}), &json!("stop")));
    // A null would do no harm, but nobody asked.
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none_or(Value::is_null)), "{}", reply.text());
}

#[test]
fn v61_tool_arguments_are_a_string() {
    let world = World::answering(Answer::text("").tool_call("call_abcd1234", "f", json!({ "a": 1 })));
    let answer = world.completion(json!({ "model": "m", "tools": tools() })).json();
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls", "{answer}");
    assert_eq!(choice["message"]["content"].as_str().unwrap_or_default(), "", "{answer}");
    let arguments = choice["message"]["tool_calls"][0]["function"]["arguments"].as_str();
    let arguments = arguments.unwrap_or_else(|| panic!("no text in {answer}"));
    assert_eq!(serde_json::from_str::<Value>(arguments).expect("JSON"), json!({ "a": 1 }));
}

#[test]
fn v63_unset_sampling_is_openais_default_and_not_ollamas() {
    let world = World::new();
    assert_eq!(world.completion(json!({ "model": "m" })).status, 200);
    let seen = world.upstream.only_call();
    assert_eq!(seen.path, "/api/chat", "the native route hears everything");
    assert_eq!(seen.body["options"]["temperature"].as_f64(), Some(1.0), "{}", seen.body);
    assert_eq!(seen.body["options"]["top_p"].as_f64(), Some(1.0), "{}", seen.body);
}

#[test]
fn v64_thinking_stands_in_reasoning() {
    let world = World::answering(Answer::text("Forty two.").reasoning("Let me count. "));
    let whole = world.completion(json!({ "model": "t:7b" })).json();
    let message = &whole["choices"][0]["message"];
    assert_eq!(message["reasoning"], "Let me count. ", "{whole}");
    assert!(message.get("reasoning_content").is_none(), "{whole}");
    let chunks = world.completion(json!({ "model": "t:7b", "stream": true })).chunks();
    let reasoning: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["reasoning"].as_str()).collect();
    assert_eq!(reasoning, "Let me count. ", "{chunks:?}");
}

#[test]
fn v65_older_completions_stream_text() {
    let reply = World::new().post("/v1/completions", &json!({ "model": "m", "prompt": "hi", "stream": true }));
    let chunks = reply.chunks();
    assert!(chunks.iter().all(|chunk| chunk["object"] == "text_completion"), "{}", reply.text());
    let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
    assert_eq!(text, "Hello there, friend.");
    let finished = chunks.iter().filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop").count();
    assert_eq!(finished, 1, "{}", reply.text());
    assert_eq!(reply.events().last().map(String::as_str), Some("[DONE]"));
}
