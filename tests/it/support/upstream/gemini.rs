//! Google Gemini: `generateContent` whole and streamed, embeddings and models, as its API reference describes them.

use serde_json::{Value, json};

use super::Recorded;
use super::answer::{Response, Spoken, Tokens};
use super::format::{Frame, FrameKind, Generated, Outcome, data_frame, embedding, no_such_path};

pub(super) fn outcome(request: &Recorded, spoken: &Spoken) -> Outcome {
    let Some(rest) = request.path.strip_prefix("/v1beta/models") else { return no_such_path(request) };
    if rest.is_empty() && request.method == "GET" {
        return Outcome::Fixed(Response::json(&models()));
    }
    if let Some(unknown) = unknown_field(&request.body) {
        let message = format!("Invalid JSON payload received. Unknown name \"{unknown}\": Cannot find field.");
        return Outcome::Fixed(Response::json_with_status(400, &error(400, &message)));
    }
    match rest.rsplit_once(':').map(|(_, action)| action) {
        Some("generateContent") => Outcome::Generated(generated(false, spoken)),
        // Without `alt=sse` the vendor sends one growing JSON array, which nobody wants.
        Some("streamGenerateContent") if request.query.contains("alt=sse") => {
            Outcome::Generated(generated(true, spoken))
        }
        Some("batchEmbedContents") => Outcome::Fixed(Response::json(&embeddings(&request.body))),
        Some(_) | None => no_such_path(request),
    }
}

/// The vendor refuses fields it does not know, so a relay that sends another protocol's must fail here, too.
fn unknown_field(body: &Value) -> Option<&String> {
    const KNOWN: [&str; 9] = [
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "safetySettings",
        "generationConfig",
        "cachedContent",
        "labels",
        "requests",
    ];
    body.as_object()?.keys().find(|key| !KNOWN.contains(&key.as_str()))
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        429 => "RESOURCE_EXHAUSTED",
        503 | 529 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    json!({ "error": { "code": status, "message": message, "status": name } })
}

fn generated(stream: bool, spoken: &Spoken) -> Generated {
    let error_body = error(503, "the upstream broke down");
    Generated {
        stream,
        stream_type: "text/event-stream",
        whole_type: "application/json",
        frames: frames(spoken),
        whole: whole(spoken),
        error_frame: data_frame(FrameKind::Envelope, &error_body).bytes,
        error_body,
    }
}

fn whole(spoken: &Spoken) -> Value {
    let mut parts = Vec::new();
    if !spoken.reasoning.is_empty() {
        parts.push(json!({ "text": spoken.reasoning.concat(), "thought": true }));
    }
    if !spoken.texts.is_empty() {
        parts.push(json!({ "text": spoken.text() }));
    }
    parts.extend(calls(spoken));
    response(parts, Some("STOP"), spoken.usage)
}

fn frames(spoken: &Spoken) -> Vec<Frame> {
    let thoughts = spoken.reasoning.iter().map(|text| json!({ "text": text, "thought": true }));
    let texts = spoken.texts.iter().map(|text| json!({ "text": text }));
    let content = |part: Value| data_frame(FrameKind::Content, &response(vec![part], None, spoken.usage));
    let mut frames: Vec<Frame> = thoughts.chain(texts).chain(calls(spoken)).map(content).collect();
    let end = response(vec![json!({ "text": "" })], Some("STOP"), spoken.usage);
    frames.push(data_frame(FrameKind::End, &end));
    frames
}

/// Calls come whole; the first of a step is signed.
fn calls(spoken: &Spoken) -> impl Iterator<Item = Value> {
    spoken.calls.iter().enumerate().map(|(index, call)| {
        let mut part = json!({ "functionCall": { "id": call.id, "name": call.name, "args": call.arguments } });
        if index == 0 {
            part["thoughtSignature"] = "c2lnbmVk".into();
        }
        part
    })
}

/// The prompt includes what came from the cache; zero counts are left out, as proto3 does.
fn response(parts: Vec<Value>, finish: Option<&str>, tokens: Tokens) -> Value {
    let mut candidate = json!({ "content": { "role": "model", "parts": parts }, "index": 0 });
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    let prompt = tokens.input + tokens.cached;
    let mut usage = json!({
        "promptTokenCount": prompt, "candidatesTokenCount": tokens.output, "totalTokenCount": prompt + tokens.output,
    });
    if tokens.cached > 0 {
        usage["cachedContentTokenCount"] = tokens.cached.into();
    }
    json!({
        "candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-fake", "responseId": "fake",
    })
}

fn models() -> Value {
    json!({ "models": [{
        "name": "models/gemini-fake", "displayName": "Gemini Fake", "inputTokenLimit": 100_000,
        "outputTokenLimit": 8_192, "supportedGenerationMethods": ["generateContent", "countTokens"],
    }, {
        "name": "models/embed-fake", "displayName": "Embed Fake", "inputTokenLimit": 2_048,
        "outputTokenLimit": 1, "supportedGenerationMethods": ["embedContent"],
    }] })
}

fn embeddings(body: &Value) -> Value {
    let requests = body["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |request: &Value| request["content"]["parts"][0]["text"].as_str().unwrap_or_default().to_owned();
    let vectors: Vec<Value> = requests.iter().map(|request| json!({ "values": embedding(&text(request)) })).collect();
    json!({ "embeddings": vectors })
}
