//! The configuration of the demo and the traffic it begins with.

use serde_json::{Value, json};

use super::MODELS;

/// A request the demo sends through its own relay at start, so that reports and pages have something to show.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRequest {
    /// Route of the API listener, to be called with POST.
    pub path: &'static str,
    /// Value of the `X-Proxy-Tag` header: who is asking.
    pub tags: &'static str,
    /// The JSON body.
    pub body: Value,
}

/// `relay.yaml` of the demo. `base_url`: where [`super::serve`] listens, such as `http://127.0.0.1:40000/v1`.
pub fn relay_yaml(base_url: &str) -> String {
    let models = MODELS.join(", ");
    format!(
        r#"default_model: demo/demo-small
providers:
  demo: {{ protocol: openai, base_url: "{base_url}", models: [{models}] }}
aliases:
  fast: demo/demo-small
  writer: {{ target: demo/demo-large, tags: [writing], description: "long texts" }}
  small: demo/demo-small
  strong: demo/demo-large
  sight: demo/demo-thinker
routers:
  smart:
    purpose: "general assistant for a small software team"
    designator: demo/demo-small
    candidates:
      - {{ model: strong, notes: "code, functions, queries, maths, proofs, planning, long texts" }}
      - {{ model: small, notes: "short everyday questions" }}
      - {{ model: sight, notes: "pictures, colours, short descriptions" }}
    fallback: small
    tags: [routed]
"#
    )
}

/// `overrides.yaml` of the demo: limits and invented prices in USD per million tokens.
pub fn overrides_yaml() -> &'static str {
    r"providers:
  demo:
    defaults: { context_length: 32768, max_output: 4096 }
    models:
      demo-small: { price: { input: 0.15, output: 0.6, cache_read: 0.075 }, capabilities: { vision: false } }
      demo-large:
        price: { input: 2.5, output: 10, cache_read: 0.25 }
        context_length: 262144
        capabilities: { vision: false }
      demo-thinker: { price: { input: 1, output: 4, cache_read: 0.1 }, capabilities: { vision: true } }
      demo-embed: { price: { input: 0.02, output: 0 } }
"
}

/// A few requests of different people to different models, over both client protocols.
pub fn sample_requests() -> Vec<SampleRequest> {
    let ask = |model: &str, question: &str| json!({ "model": model, "messages": [{ "role": "user", "content": question }], "stream": false });
    let mut follow_up = ask("writer", "Write a short story about a lighthouse that forwards letters to passing ships.");
    if let Some(messages) = follow_up["messages"].as_array_mut() {
        let story = "Once there was a lighthouse on a rock where three currents meet. ".repeat(8);
        messages.push(json!({ "role": "assistant", "content": story }));
        messages.push(json!({ "role": "user", "content": "Lovely. How does it end?" }));
    }
    let request = |path, tags, body| SampleRequest { path, tags, body };
    vec![
        request("/api/chat", "home", ask("fast", "Good morning! What can you do?")),
        request("/api/chat", "home", ask("smart", "Plan a birthday party for nine children and one dog.")),
        request("/v1/chat/completions", "team-a", ask("writer", "Draft release notes for version 1.0.")),
        request("/v1/chat/completions", "team-a,writing", follow_up),
        request("/v1/chat/completions", "team-b", ask("demo/demo-thinker", "Which jug do I fill first?")),
        request("/v1/chat/completions", "team-b", ask("demo-large", "Compare a queue with a stack.")),
        request(
            "/api/generate",
            "scripts",
            json!({ "model": "fast", "prompt": "One line about the weather.", "stream": false }),
        ),
        request("/api/embed", "search", json!({ "model": "demo-embed", "input": ["a relay", "a router"] })),
        request("/v1/embeddings", "search", json!({ "model": "demo/demo-embed", "input": "who spent what" })),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_use_names_the_configuration_knows() {
        let relay = relay_yaml("x");
        for sample in sample_requests() {
            let model = sample.body["model"].as_str().unwrap();
            let name = model.trim_start_matches("demo/");
            assert!(relay.contains(name), "{model}");
        }
    }
}
