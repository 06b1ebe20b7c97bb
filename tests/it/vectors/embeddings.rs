//! Vectors of texts, in both protocols.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{World, assert_unit_vectors};

#[test]
fn v45_embed_answers_unit_vectors() {
    let answer = World::new().post("/api/embed", &json!({ "model": "e", "input": ["a", "b"] })).json();
    assert_unit_vectors(&answer, 2);
}

#[test]
fn v46_nothing_to_embed_is_an_empty_list() {
    let answer = World::new().post("/api/embed", &json!({ "model": "e", "input": "" })).json();
    assert_eq!(answer, json!({ "model": "e", "embeddings": [] }));
}

#[test]
fn v49_the_older_route_answers_one_flat_vector() {
    let answer = World::new().post("/api/embeddings", &json!({ "model": "e", "prompt": "a" })).json();
    let keys: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["embedding"]);
    assert!(answer["embedding"].as_array().is_some_and(|vector| vector.iter().all(Value::is_number)), "{answer}");
}

#[test]
fn v66_base64_holds_four_bytes_per_dimension() {
    let body = json!({ "model": "e", "input": "a", "encoding_format": "base64" });
    let answer = World::new().post("/v1/embeddings", &body).json();
    let text = answer["data"][0]["embedding"].as_str().unwrap_or_else(|| panic!("no text in {answer}"));
    assert_eq!(STANDARD.decode(text).expect("base64").len(), 4 * 4);
}
