//! Requests that must be refused, with the very words clients look for.

use serde_json::Value;

use super::World;

/// A request and the refusal it gets. A message that ends in `…` is the beginning of one; an empty one may be anything.
struct Refusal {
    vector: &'static str,
    method: &'static str,
    path: &'static str,
    body: &'static str,
    status: u16,
    message: &'static str,
}

const fn post(
    vector: &'static str,
    path: &'static str,
    body: &'static str,
    status: u16,
    message: &'static str,
) -> Refusal {
    Refusal { vector, method: "POST", path, body, status, message }
}

const NATIVE: [Refusal; 27] = [
    post("V14", "/api/show", "{}", 400, "model is required"),
    post("V15", "/api/show", r#"{"model":"nope"}"#, 404, "model 'nope:latest' not found"),
    post("V17", "/api/chat", "", 400, "missing request body"),
    post("V18", "/api/chat", "{", 400, "unexpected EOF"),
    post("V19", "/api/chat", "{}", 400, "model is required"),
    post(
        "V20",
        "/api/chat",
        r#"{"model":"nope","messages":[{"role":"user","content":"hi"}]}"#,
        404,
        "model 'nope' not found",
    ),
    post("§5", "/api/generate", "{}", 404, "model '' not found"),
    post(
        "V27",
        "/api/generate",
        r#"{"model":"m","prompt":"hi","raw":true,"system":"x"}"#,
        400,
        "raw mode does not support template, system, or context",
    ),
    post(
        "V28",
        "/api/generate",
        r#"{"model":"m","prompt":"hi","suffix":"x"}"#,
        400,
        "registry.ollama.ai/library/m:latest does not support insert",
    ),
    post(
        "V29",
        "/api/chat",
        r#"{"model":"p","messages":[{"role":"user","content":"hi"}],
            "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]}"#,
        400,
        "registry.ollama.ai/library/p:latest does not support tools",
    ),
    post(
        "V30",
        "/api/chat",
        r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"think":true}"#,
        400,
        r#""m" does not support thinking"#,
    ),
    post(
        "V31",
        "/api/chat",
        r#"{"model":"t:7b","messages":[{"role":"user","content":"hi"}],"think":"extreme"}"#,
        400,
        r#"invalid think value: "extreme"…"#,
    ),
    post(
        "V34",
        "/api/chat",
        r#"{"model":"e","messages":[{"role":"user","content":"hi"}]}"#,
        400,
        r#""e" does not support chat"#,
    ),
    post(
        "V36",
        "/api/chat",
        r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]}"#,
        400,
        "",
    ),
    post(
        "V37",
        "/api/chat",
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#,
        400,
        "",
    ),
    post(
        "V38",
        "/api/chat",
        r#"{"model":"m","messages":[{"role":"user","content":"hi","images":["data:image/png;base64,AAAA"]}]}"#,
        400,
        "",
    ),
    post(
        "V39",
        "/api/chat",
        r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"options":{"temperature":"hot"}}"#,
        500,
        r#"option "temperature" must be of type float32"#,
    ),
    post(
        "V41",
        "/api/chat",
        r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"top_logprobs":21}"#,
        400,
        "top_logprobs must be between 0 and 20",
    ),
    post("V47", "/api/embed", r#"{"model":"e","input":[1,2]}"#, 400, "invalid input type"),
    post(
        "V48",
        "/api/embed",
        r#"{"model":"nope","input":"a"}"#,
        404,
        r#"model "nope" not found, try pulling it first"#,
    ),
    post("§5", "/api/embed", r#"{"input":"a"}"#, 404, "model '' not found"),
    post("§5", "/api/embeddings", r#"{"prompt":"a"}"#, 400, "model is required"),
    Refusal {
        vector: "V50",
        method: "DELETE",
        path: "/api/delete",
        body: r#"{"model":"nope"}"#,
        status: 404,
        message: "model 'nope' not found",
    },
    post("V51", "/api/copy", r#"{"source":"nope","destination":"x"}"#, 404, r#"model "nope" not found"#),
    post("V54", "/api/create", r#"{"model":"n"}"#, 400, "neither 'from' or 'files' was specified"),
    post("§3.4", "/api/pull", "{}", 400, "invalid model name"),
    post("§3.6", "/api/copy", "", 400, "missing request body"),
];

const OPENAI: [Refusal; 6] = [
    Refusal { vector: "V57", method: "GET", path: "/v1/models/nope", body: "", status: 404, message: "" },
    post("V60", "/v1/chat/completions", r#"{"model":"m","messages":[]}"#, 400, "[] is too short - 'messages'"),
    post(
        "V62",
        "/v1/chat/completions",
        r#"{"model":"m","messages":[{"role":"user","content":[
            {"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}"#,
        400,
        "image URLs are not currently supported…",
    ),
    post("V67", "/v1/embeddings", r#"{"model":"e","input":[]}"#, 400, "invalid input"),
    post("§6.1", "/v1/chat/completions", r#"{"messages":[{"role":"user","content":"hi"}]}"#, 400, "model is required"),
    post(
        "§6",
        "/v1/chat/completions",
        r#"{"model":"nope","messages":[{"role":"user","content":"hi"}]}"#,
        404,
        "model 'nope' not found…",
    ),
];

/// The relay may add what helps behind the words (near names, the request's id), never before or inside them.
fn matches(expected: &str, message: &str) -> bool {
    message.starts_with(expected.trim_end_matches('…')) && !message.is_empty()
}

/// Asks everything and reports all differences at once.
fn assert_refused(world: &World, refusals: &[Refusal], message_of: fn(&Value) -> &Value, content_type: &str) {
    let mut differences = Vec::new();
    for refusal in refusals {
        let reply = world.client().request(refusal.method, refusal.path, &[], refusal.body.as_bytes());
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let message = message_of(&body).as_str().unwrap_or_default();
        let typed = reply.header("content-type").is_some_and(|value| value.starts_with(content_type));
        if reply.status != refusal.status || !matches(refusal.message, message) || !typed {
            let (status, text) = (reply.status, reply.text());
            differences.push(format!(
                "{} wants {} {:?}, got {status} {text}",
                refusal.vector, refusal.status, refusal.message
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn native_routes_refuse_in_ollamas_words() {
    assert_refused(&World::new(), &NATIVE, |body| &body["error"], "application/json");
}

#[test]
fn openai_routes_refuse_in_the_openai_envelope() {
    let world = World::new();
    assert_refused(&world, &OPENAI, |body| &body["error"]["message"], "application/json");
    let body = world.client().get("/v1/models/nope").json();
    assert_eq!(body["error"]["type"], "not_found_error", "{body}");
    assert_eq!((&body["error"]["param"], &body["error"]["code"]), (&Value::Null, &Value::Null), "{body}");
    let body = world.post("/v1/chat/completions", &serde_json::json!({ "model": "m", "messages": [] })).json();
    assert_eq!(body["error"]["type"], "invalid_request_error", "{body}");
}
