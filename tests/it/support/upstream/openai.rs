//! OpenAI: chat completions, the older completions, embeddings and models, as its API reference describes them.

use serde_json::{Map, Value, json};

use super::Recorded;
use super::answer::{Response, Spoken, ToolCall};
use super::format::{Frame, FrameKind, Generated, Outcome, data_frame, embedding, no_such_path, texts};

const CREATED: i64 = 1_700_000_000;

pub(super) fn outcome(request: &Recorded, spoken: &Spoken) -> Outcome {
    let body = &request.body;
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/v1/models") => Outcome::Fixed(Response::json(&models())),
        // The vendor insists, so a relay that asks for usage on a whole answer must fail here, too.
        ("POST", _) if body.get("stream_options").is_some_and(Value::is_object) && body["stream"] != true => {
            let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
            Outcome::Fixed(Response::json_with_status(400, &error(message)))
        }
        ("POST", "/v1/chat/completions") => Outcome::Generated(generated(request, chat(request, spoken))),
        ("POST", "/v1/completions") => Outcome::Generated(generated(request, completion(request, spoken))),
        ("POST", "/v1/embeddings") => Outcome::Fixed(Response::json(&embeddings(&request.body))),
        _ => no_such_path(request),
    }
}

pub(super) fn error(message: &str) -> Value {
    json!({ "error": { "message": message, "type": "server_error", "param": null, "code": null } })
}

fn generated(request: &Recorded, (whole, mut frames): (Value, Vec<Frame>)) -> Generated {
    frames.push(Frame { bytes: b"data: [DONE]\n\n".to_vec(), kind: FrameKind::Envelope });
    let error_body = error("the upstream broke down");
    Generated {
        stream: request.body["stream"] == true,
        stream_type: "text/event-stream",
        whole_type: "application/json",
        frames,
        whole,
        error_frame: data_frame(FrameKind::Envelope, &error_body).bytes,
        error_body,
    }
}

fn chat(request: &Recorded, spoken: &Spoken) -> (Value, Vec<Frame>) {
    let finish = if spoken.calls.is_empty() { "stop" } else { "tool_calls" };
    let mut message = json!({ "role": "assistant", "content": spoken.text(), "refusal": null });
    if !spoken.reasoning.is_empty() {
        message["reasoning_content"] = spoken.reasoning.concat().into();
    }
    if !spoken.calls.is_empty() {
        message["tool_calls"] = spoken.calls.iter().map(whole_call).collect();
    }
    let whole = json!({
        "id": "chatcmpl-fake", "object": "chat.completion", "created": CREATED, "model": request.body["model"],
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
        "usage": usage(spoken),
    });

    let chunk = Chunk { object: "chat.completion.chunk", id: "chatcmpl-fake", request };
    let delta = |delta: Value| json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": null });
    let mut frames =
        vec![chunk.frame(FrameKind::Envelope, delta(json!({ "role": "assistant", "content": "", "refusal": null })))];
    let content = |value: Value| chunk.frame(FrameKind::Content, delta(value));
    frames.extend(spoken.reasoning.iter().map(|text| content(json!({ "reasoning_content": text }))));
    frames.extend(spoken.texts.iter().map(|text| content(json!({ "content": text }))));
    for (index, call) in spoken.calls.iter().enumerate() {
        let mut start = whole_call(call);
        start["index"] = index.into();
        start["function"]["arguments"] = "".into();
        frames.push(content(json!({ "tool_calls": [start] })));
        let arguments = call.arguments.to_string();
        let (left, right) = arguments.split_at(arguments.floor_char_boundary(arguments.len() / 2));
        for part in [left, right] {
            frames.push(content(json!({ "tool_calls": [{ "index": index, "function": { "arguments": part } }] })));
        }
    }
    let end = json!({ "index": 0, "delta": {}, "logprobs": null, "finish_reason": finish });
    frames.push(chunk.frame(FrameKind::End, end));
    frames.extend(chunk.usage_frame(spoken));
    (whole, frames)
}

fn completion(request: &Recorded, spoken: &Spoken) -> (Value, Vec<Frame>) {
    let whole = json!({
        "id": "cmpl-fake", "object": "text_completion", "created": CREATED, "model": request.body["model"],
        "choices": [{ "index": 0, "text": spoken.text(), "logprobs": null, "finish_reason": "stop" }],
        "usage": usage(spoken),
    });
    let chunk = Chunk { object: "text_completion", id: "cmpl-fake", request };
    let choice =
        |text: &str, finish: Value| json!({ "index": 0, "text": text, "logprobs": null, "finish_reason": finish });
    let texts = spoken.texts.iter().map(|text| chunk.frame(FrameKind::Content, choice(text, Value::Null)));
    let mut frames: Vec<Frame> = texts.collect();
    frames.push(chunk.frame(FrameKind::End, choice("", "stop".into())));
    frames.extend(chunk.usage_frame(spoken));
    (whole, frames)
}

/// What all chunks of a stream share.
struct Chunk<'a> {
    object: &'a str,
    id: &'a str,
    request: &'a Recorded,
}

impl Chunk<'_> {
    fn frame(&self, kind: FrameKind, choice: Value) -> Frame {
        data_frame(kind, &self.value(vec![choice], &Value::Null))
    }

    /// The usage chunk, which only exists for those who asked for it.
    fn usage_frame(&self, spoken: &Spoken) -> Option<Frame> {
        let wanted = self.wants_usage();
        wanted.then(|| data_frame(FrameKind::Envelope, &self.value(Vec::new(), &usage(spoken))))
    }

    fn value(&self, choices: Vec<Value>, usage: &Value) -> Value {
        let mut chunk = Map::new();
        chunk.insert("id".to_owned(), self.id.into());
        chunk.insert("object".to_owned(), self.object.into());
        chunk.insert("created".to_owned(), CREATED.into());
        chunk.insert("model".to_owned(), self.request.body["model"].clone());
        chunk.insert("choices".to_owned(), choices.into());
        if self.wants_usage() {
            chunk.insert("usage".to_owned(), usage.clone());
        }
        chunk.into()
    }

    fn wants_usage(&self) -> bool {
        self.request.body["stream_options"]["include_usage"] == true
    }
}

fn whole_call(call: &ToolCall) -> Value {
    let function = json!({ "name": call.name, "arguments": call.arguments.to_string() });
    json!({ "id": call.id, "type": "function", "function": function })
}

/// The prompt includes what came from the cache.
fn usage(spoken: &Spoken) -> Value {
    let tokens = spoken.usage;
    let prompt = tokens.input + tokens.cached;
    json!({
        "prompt_tokens": prompt, "completion_tokens": tokens.output, "total_tokens": prompt + tokens.output,
        "prompt_tokens_details": { "cached_tokens": tokens.cached, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": 0, "audio_tokens": 0 },
    })
}

fn models() -> Value {
    let model = |id: &str| json!({ "id": id, "object": "model", "created": CREATED, "owned_by": "fake" });
    json!({ "object": "list", "data": [model("gpt-fake"), model("embed-fake")] })
}

fn embeddings(body: &Value) -> Value {
    let inputs = texts(&body["input"]);
    let entry =
        |(index, text): (usize, &&str)| json!({ "object": "embedding", "index": index, "embedding": embedding(text) });
    let data: Vec<Value> = inputs.iter().enumerate().map(entry).collect();
    let tokens = 3 * inputs.len();
    json!({
        "object": "list", "model": body["model"], "data": data,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    })
}
