//! Anthropic: messages and models, as its API reference describes them.

use serde_json::{Value, json};

use super::Recorded;
use super::answer::{Response, Spoken, Tokens};
use super::format::{Frame, FrameKind, Generated, Outcome, no_such_path};

pub(super) fn outcome(request: &Recorded, spoken: &Spoken) -> Outcome {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/v1/models") => Outcome::Fixed(Response::json(&models())),
        ("POST", "/v1/messages") if complaint(request).is_some() => {
            let complaint = complaint(request).unwrap_or_default();
            Outcome::Fixed(Response::json_with_status(400, &error(400, complaint)))
        }
        ("POST", "/v1/messages") => Outcome::Generated(generated(request, spoken)),
        _ => no_such_path(request),
    }
}

/// What the vendor refuses, so that a relay that forgets a rule fails here, too.
fn complaint(request: &Recorded) -> Option<&'static str> {
    let messages = request.body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let misplaced_result = |message: &Value| {
        let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_result = |block: &Value| block["type"] == "tool_result";
        let first_other = blocks.iter().position(|block| !is_result(block)).unwrap_or(blocks.len());
        blocks[first_other..].iter().any(is_result)
    };
    if request.header("anthropic-version").is_none() {
        Some("anthropic-version: header is required")
    } else if request.body["max_tokens"].as_u64().is_none() {
        Some("max_tokens: Field required")
    } else if messages.first().is_none_or(|message| message["role"] != "user") {
        Some("messages: first message must use the \"user\" role")
    } else if messages.iter().any(misplaced_result) {
        Some("tool_result blocks must come first in their message")
    } else {
        None
    }
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_fake" })
}

fn generated(request: &Recorded, spoken: &Spoken) -> Generated {
    let error_body = error(529, "the upstream broke down");
    Generated {
        stream: request.body["stream"] == true,
        stream_type: "text/event-stream; charset=utf-8",
        whole_type: "application/json",
        frames: frames(&request.body["model"], spoken),
        whole: whole(&request.body["model"], spoken),
        error_frame: event(FrameKind::Envelope, &error_body).bytes,
        error_body,
    }
}

fn whole(model: &Value, spoken: &Spoken) -> Value {
    let mut content = Vec::new();
    if !spoken.reasoning.is_empty() {
        let thinking = spoken.reasoning.concat();
        content.push(json!({ "type": "thinking", "thinking": thinking, "signature": "c2lnbmVk" }));
    }
    if !spoken.texts.is_empty() {
        content.push(json!({ "type": "text", "text": spoken.text() }));
    }
    for call in &spoken.calls {
        content.push(json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments }));
    }
    let mut message = message(model, spoken.usage);
    message["content"] = content.into();
    message["stop_reason"] = stop_reason(spoken).into();
    message["usage"]["output_tokens"] = spoken.usage.output.into();
    message
}

fn frames(model: &Value, spoken: &Spoken) -> Vec<Frame> {
    let start = json!({ "type": "message_start", "message": message(model, spoken.usage) });
    let mut frames = vec![event(FrameKind::Envelope, &start), event(FrameKind::Envelope, &json!({ "type": "ping" }))];
    let mut index = 0;
    let mut block = |start: Value, deltas: Vec<(FrameKind, Value)>| {
        let start = json!({ "type": "content_block_start", "index": index, "content_block": start });
        frames.push(event(FrameKind::Envelope, &start));
        for (kind, delta) in deltas {
            frames.push(event(kind, &json!({ "type": "content_block_delta", "index": index, "delta": delta })));
        }
        frames.push(event(FrameKind::Envelope, &json!({ "type": "content_block_stop", "index": index })));
        index += 1;
    };
    if !spoken.reasoning.is_empty() {
        let thinking = |text: &String| (FrameKind::Content, json!({ "type": "thinking_delta", "thinking": text }));
        let mut deltas: Vec<_> = spoken.reasoning.iter().map(thinking).collect();
        deltas.push((FrameKind::Envelope, json!({ "type": "signature_delta", "signature": "c2lnbmVk" })));
        block(json!({ "type": "thinking", "thinking": "", "signature": "" }), deltas);
    }
    if !spoken.texts.is_empty() {
        let delta = |text: &String| (FrameKind::Content, json!({ "type": "text_delta", "text": text }));
        block(json!({ "type": "text", "text": "" }), spoken.texts.iter().map(delta).collect());
    }
    for call in &spoken.calls {
        let arguments = call.arguments.to_string();
        let (left, right) = arguments.split_at(arguments.floor_char_boundary(arguments.len() / 2));
        let delta = |part: &str| (FrameKind::Content, json!({ "type": "input_json_delta", "partial_json": part }));
        let start = json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} });
        block(start, ["", left, right].map(delta).into());
    }
    let delta = json!({ "stop_reason": stop_reason(spoken), "stop_sequence": null });
    let usage = json!({ "output_tokens": spoken.usage.output });
    frames.push(event(FrameKind::End, &json!({ "type": "message_delta", "delta": delta, "usage": usage })));
    frames.push(event(FrameKind::Envelope, &json!({ "type": "message_stop" })));
    frames
}

/// The message as it begins: its input does not include what came from the cache.
fn message(model: &Value, tokens: Tokens) -> Value {
    json!({
        "id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {
            "input_tokens": tokens.input, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": tokens.cached, "output_tokens": 1,
        },
    })
}

fn stop_reason(spoken: &Spoken) -> &'static str {
    if spoken.calls.is_empty() { "end_turn" } else { "tool_use" }
}

fn event(kind: FrameKind, data: &Value) -> Frame {
    let name = data["type"].as_str().unwrap_or_default();
    Frame { bytes: format!("event: {name}\ndata: {data}\n\n").into_bytes(), kind }
}

fn models() -> Value {
    let created = "2026-01-01T00:00:00Z";
    let model = json!({ "type": "model", "id": "claude-fake", "display_name": "Claude Fake", "created_at": created });
    json!({ "data": [model], "has_more": false, "first_id": "claude-fake", "last_id": "claude-fake" })
}
