//! The wire contract of Ollama, vector by vector (V01 to V74), with an Ollama behind the relay that holds
//! `m:latest` (chat, tools), `t:7b` (chat, tools, thinking), `p:latest` (chat) and `e:latest` (embeddings).

mod chat;
mod embeddings;
mod lists;
mod openai;
mod refusals;
mod translated;
mod transport;

use serde_json::{Value, json};

use crate::support::{Answer, Client, FakeUpstream, Reply, TestRelay};

const NATIVE_JSON: &str = "application/json; charset=utf-8";
const NDJSON: &str = "application/x-ndjson";

/// A relay in front of the Ollama every vector assumes.
struct World {
    upstream: FakeUpstream,
    relay: TestRelay,
}

impl World {
    fn new() -> Self {
        Self::answering(Answer::text("Hello there, friend."))
    }

    fn answering(answer: Answer) -> Self {
        let upstream = FakeUpstream::ollama().answer(answer);
        let relay = TestRelay::in_front_of(&[&upstream]);
        let world = Self { upstream, relay };
        // Models are discovered in the background; vectors are about what comes after.
        crate::support::wait_until("the models are discovered", || {
            let tags = world.client().get("/api/tags").text();
            ["m:latest", "t:7b", "p:latest", "e:latest"].iter().all(|name| tags.contains(name))
        });
        world
    }

    fn client(&self) -> Client {
        self.relay.client()
    }

    /// POST of a JSON body.
    fn post(&self, path: &str, body: &Value) -> Reply {
        self.client().post(path, body)
    }

    /// A chat with one question, and what else the request says.
    fn chat(&self, more: Value) -> Reply {
        self.post("/api/chat", &with(json!({ "messages": [{ "role": "user", "content": "hi" }] }), more))
    }

    /// The same on the OpenAI route.
    fn completion(&self, more: Value) -> Reply {
        self.post("/v1/chat/completions", &with(json!({ "messages": [{ "role": "user", "content": "hi" }] }), more))
    }
}

/// `base` with the fields of `more` added or replaced.
fn with(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}

fn tools() -> Value {
    let parameters = json!({ "type": "object", "properties": { "a": { "type": "integer" } } });
    json!([{ "type": "function", "function": { "name": "f", "description": "F", "parameters": parameters } }])
}

/// Tokens, durations and the like are there and are whole numbers.
fn assert_integers(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value[key].is_u64(), "{key} in {value}");
    }
}

/// An embedding answer holds `count` vectors of length one, and a token count.
fn assert_unit_vectors(answer: &Value, count: usize) {
    let vectors = answer["embeddings"].as_array().unwrap_or_else(|| panic!("no list in {answer}"));
    assert_eq!(vectors.len(), count, "{answer}");
    for vector in vectors {
        let numbers: Vec<f64> = vector.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        assert_eq!(numbers.len(), 4, "{answer}");
        let norm = numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
        assert!((norm - 1.0).abs() < 1e-3, "{norm}");
    }
    assert_integers(answer, &["prompt_eval_count"]);
}
