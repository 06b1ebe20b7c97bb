//! The same contract for models that are not Ollama's: cloud models must be indistinguishable from installed ones.

use serde_json::{Value, json};

use super::{NATIVE_JSON, NDJSON, assert_integers, assert_unit_vectors};
use crate::support::{Answer, FakeUpstream, Format, TestRelay};

/// A relay that knows no Ollama, only OpenAI, and calls one of its models `cloud`.
fn world() -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai().answer(Answer::text("Hello there, friend."));
    let yaml = format!("providers:\n{}aliases: {{ cloud: openai/gpt-fake }}\n", upstream.provider_yaml());
    let limits = "providers: { openai: { models: { gpt-fake: { context_length: 8192 } } } }\n";
    let relay = TestRelay::setup().relay_yaml(&yaml).overrides_yaml(limits).start();
    (upstream, relay)
}

fn question() -> Value {
    json!([{ "role": "user", "content": "hi" }])
}

#[test]
fn v09_cloud_models_are_listed_with_what_strict_clients_demand() {
    let (_upstream, relay) = world();
    let tags = relay.client().get("/api/tags").json();
    let models = tags["models"].as_array().expect("models are a list");
    assert!(models.iter().any(|model| model["name"].as_str().is_some_and(|name| name.starts_with("cloud"))), "{tags}");
    models.iter().for_each(super::lists::assert_entry);
}

#[test]
fn v12_cloud_models_can_be_shown() {
    let (_upstream, relay) = world();
    for name in ["cloud", "openai/gpt-fake"] {
        let reply = relay.client().post("/api/show", &json!({ "model": name }));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let shown = reply.json();
        assert!(shown["model_info"].is_object() && shown["details"].is_object(), "{shown}");
        assert!(shown["capabilities"].as_array().is_some_and(|list| list.contains(&"completion".into())), "{shown}");
        let architecture = shown["model_info"]["general.architecture"].as_str().unwrap_or_default();
        assert_integers(&shown["model_info"], &[&format!("{architecture}.context_length")]);
    }
}

#[test]
fn v21_v22_v26_cloud_models_chat_and_generate_as_ollama_would() {
    let (_upstream, relay) = world();
    let streamed = relay.client().post("/api/chat", &json!({ "model": "cloud", "messages": question() }));
    assert_eq!((streamed.status, streamed.header("content-type")), (200, Some(NDJSON)), "{}", streamed.text());
    let lines = streamed.lines();
    for line in &lines {
        assert_eq!(line["model"], "cloud", "the name the client wrote comes back");
        assert_eq!(line["message"]["role"], "assistant", "{line}");
        assert!(line["message"]["content"].is_string() && line["created_at"].is_string(), "{line}");
    }
    let last = lines.last().expect("there are lines");
    assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")), "{last}");
    assert_eq!((&last["prompt_eval_count"], &last["eval_count"]), (&json!(11), &json!(7)), "{last}");
    assert_integers(last, &["total_duration", "eval_duration"]);

    let body = json!({ "model": "cloud", "messages": question(), "stream": false });
    let whole = relay.client().post("/api/chat", &body);
    assert_eq!(whole.header("content-type"), Some(NATIVE_JSON));
    assert_eq!(whole.json()["message"]["content"], "Hello there, friend.");

    let lines = relay.client().post("/api/generate", &json!({ "model": "cloud", "prompt": "hi" })).lines();
    let text: String = lines.iter().filter_map(|line| line["response"].as_str()).collect();
    assert_eq!(text, "Hello there, friend.");
    assert!(lines.iter().all(|line| line.get("message").is_none()), "{lines:?}");
}

#[test]
fn v23_v24_loading_a_cloud_model_costs_nothing() {
    let (upstream, relay) = world();
    let load = |more| super::with(json!({ "model": "cloud", "messages": [] }), more);
    let loaded = relay.client().post("/api/chat", &load(json!({}))).json();
    assert_eq!((&loaded["done"], &loaded["done_reason"]), (&json!(true), &json!("load")), "{loaded}");
    let unloaded = relay.client().post("/api/chat", &load(json!({ "keep_alive": 0 }))).json();
    assert_eq!((&unloaded["done"], &unloaded["done_reason"]), (&json!(true), &json!("unload")), "{unloaded}");
    assert!(upstream.calls().is_empty(), "{:#?}", upstream.calls());
}

#[test]
fn v45_v49_cloud_embeddings_answer_both_routes() {
    let (_upstream, relay) = world();
    let body = json!({ "model": "openai/embed-fake", "input": ["a", "b"] });
    assert_unit_vectors(&relay.client().post("/api/embed", &body).json(), 2);
    let body = json!({ "model": "openai/embed-fake", "prompt": "a" });
    let answer = relay.client().post("/api/embeddings", &body).json();
    assert_eq!(answer["embedding"].as_array().map(Vec::len), Some(4), "{answer}");
}

#[test]
fn v65_older_completions_work_with_providers_that_only_chat() {
    for format in [Format::Anthropic, Format::Gemini] {
        let upstream = FakeUpstream::start(format).answer(Answer::text("Hello there, friend."));
        let relay = TestRelay::in_front_of(&[&upstream]);
        for stream in [false, true] {
            let body = json!({ "model": format.model(), "prompt": "hi", "stream": stream });
            let reply = relay.client().post("/v1/completions", &body);
            assert_eq!(reply.status, 200, "{format:?}: {}", reply.text());
            let chunks = if stream { reply.chunks() } else { vec![reply.json()] };
            let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
            assert_eq!(text, "Hello there, friend.", "{format:?}: {}", reply.text());
            assert!(chunks.iter().all(|chunk| chunk["object"] == "text_completion"), "{format:?}: {}", reply.text());
        }
    }
}
