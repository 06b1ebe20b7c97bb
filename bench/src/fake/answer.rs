//! Answers of the fake provider, rendered once: serving one is copying bytes.

use serde_json::{Value, json};

use super::format::Format;
use crate::script::{PICK_TOKENS, PROMPT_TOKENS, Script};

/// Everything that decides the bytes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) format: Format,
    pub(super) script: Script,
    pub(super) stream: bool,
    /// OpenAI's format only: the stream ends with the usage.
    pub(super) include_usage: bool,
}

/// One write.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// Which token it carries; other events leave together with the one before.
    pub(super) token: Option<usize>,
    /// Where the time goes.
    pub(super) stamp_at: Option<usize>,
}

/// The writes of an answer, head and framing included.
pub(super) fn render(request: &Request) -> Vec<Piece> {
    if !request.stream {
        let body = whole(request).to_string();
        return vec![Piece { bytes: sized("200 OK", "application/json", &body), token: None, stamp_at: None }];
    }
    let mut pieces: Vec<Piece> =
        events(request).into_iter().map(|(token, event)| piece(request, token, &event)).collect();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n",
        request.format.stream_content_type()
    );
    // As servers do: the head leaves with the first event, the end of the framing with the last.
    if let Some(first) = pieces.first_mut() {
        first.stamp_at = first.stamp_at.map(|at| at + head.len());
        first.bytes.splice(..0, head.into_bytes());
    }
    if let Some(last) = pieces.last_mut() {
        last.bytes.extend_from_slice(b"0\r\n\r\n");
    }
    if request.script.joined {
        let bytes = pieces.into_iter().flat_map(|piece| piece.bytes).collect();
        return vec![Piece { bytes, token: None, stamp_at: None }];
    }
    pieces
}

/// An answer with a length.
pub(super) fn sized(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn piece(request: &Request, token: Option<usize>, event: &str) -> Piece {
    let bytes = format!("{:x}\r\n{event}\r\n", event.len()).into_bytes();
    let stamp_at = token.filter(|_| request.script.pace_ms > 0).and_then(|_| memchr::memchr(b'@', &bytes));
    Piece { bytes, token, stamp_at }
}

/// A whole answer's body.
fn whole(request: &Request) -> Value {
    let model = request.script.to_string();
    let text = request.script.text();
    let tokens = request.script.n_tokens;
    match request.format {
        Format::OpenAi => openai(&model, &text, tokens as u64),
        Format::Anthropic => json!({
            "id": "msg_bench", "type": "message", "role": "assistant", "model": model,
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": tokens},
        }),
        Format::Gemini => gemini(&text, tokens, Some("STOP"), &model),
        Format::Ollama => json!({
            "model": model, "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": text}, "done": true, "done_reason": "stop",
            "total_duration": 2_000_000, "load_duration": 1000, "prompt_eval_count": PROMPT_TOKENS,
            "prompt_eval_duration": 500_000, "eval_count": tokens, "eval_duration": 1_000_000,
        }),
    }
}

/// The body of what a designator says.
pub(super) fn verdict(model: &str, text: &str) -> String {
    openai(model, text, PICK_TOKENS).to_string()
}

fn openai(model: &str, text: &str, tokens: u64) -> Value {
    json!({
        "id": "chatcmpl-bench", "object": "chat.completion", "created": 1_700_000_000, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": null},
            "logprobs": null, "finish_reason": "stop"}],
        "usage": openai_usage(tokens), "system_fingerprint": "fp_bench",
    })
}

/// The events of a stream, framed as the format frames them.
fn events(request: &Request) -> Vec<(Option<usize>, String)> {
    let script = &request.script;
    let model = script.to_string();
    let tokens = script.n_tokens;
    let mut events = Vec::with_capacity(tokens + 6);
    match request.format {
        Format::OpenAi => {
            let chunk = |choices: Value, usage: Value| {
                let mut chunk = json!({
                    "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000,
                    "model": model, "system_fingerprint": "fp_bench", "choices": choices,
                });
                if request.include_usage {
                    chunk["usage"] = usage;
                }
                format!("data: {chunk}\n\n")
            };
            let delta = |delta: Value, finish: Value| {
                let choice = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
                chunk(choice, Value::Null)
            };
            events.push((None, delta(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)));
            for index in 0..tokens {
                events.push((Some(index), delta(json!({"content": script.token(index)}), Value::Null)));
            }
            events.push((None, delta(json!({}), json!("stop"))));
            if request.include_usage {
                events.push((None, chunk(json!([]), openai_usage(tokens as u64))));
            }
            events.push((None, "data: [DONE]\n\n".to_owned()));
        }
        Format::Anthropic => {
            let event = |data: Value| {
                let name = data["type"].as_str().unwrap_or_default().to_owned();
                format!("event: {name}\ndata: {data}\n\n")
            };
            let message = json!({
                "id": "msg_bench", "type": "message", "role": "assistant", "model": model, "content": [],
                "stop_reason": null, "stop_sequence": null,
                "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": 1},
            });
            events.push((None, event(json!({"type": "message_start", "message": message}))));
            let block = json!({"type": "text", "text": ""});
            events.push((None, event(json!({"type": "content_block_start", "index": 0, "content_block": block}))));
            for index in 0..tokens {
                let delta = json!({"type": "text_delta", "text": script.token(index)});
                let data = json!({"type": "content_block_delta", "index": 0, "delta": delta});
                events.push((Some(index), event(data)));
            }
            events.push((None, event(json!({"type": "content_block_stop", "index": 0}))));
            events.push((
                None,
                event(json!({
                    "type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                    "usage": {"output_tokens": tokens},
                })),
            ));
            events.push((None, event(json!({"type": "message_stop"}))));
        }
        Format::Gemini => {
            for index in 0..tokens {
                let finish = (index + 1 == tokens).then_some("STOP");
                let data = gemini(&script.token(index), index + 1, finish, &model);
                events.push((Some(index), format!("data: {data}\r\n\r\n")));
            }
        }
        Format::Ollama => {
            let created_at = "2026-01-01T00:00:00Z";
            for index in 0..tokens {
                let message = json!({"role": "assistant", "content": script.token(index)});
                let line = json!({"model": model, "created_at": created_at, "message": message, "done": false});
                events.push((Some(index), format!("{line}\n")));
            }
            let line = json!({
                "model": model, "created_at": created_at, "message": {"role": "assistant", "content": ""},
                "done": true, "done_reason": "stop", "total_duration": 2_000_000, "load_duration": 1000,
                "prompt_eval_count": PROMPT_TOKENS, "prompt_eval_duration": 500_000,
                "eval_count": tokens, "eval_duration": 1_000_000,
            });
            events.push((None, format!("{line}\n")));
        }
    }
    events
}

fn openai_usage(tokens: u64) -> Value {
    json!({
        "prompt_tokens": PROMPT_TOKENS, "completion_tokens": tokens, "total_tokens": PROMPT_TOKENS + tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}

fn gemini(text: &str, tokens: usize, finish: Option<&str>, model: &str) -> Value {
    let mut candidate = json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = json!(finish);
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": PROMPT_TOKENS, "candidatesTokenCount": tokens,
            "totalTokenCount": PROMPT_TOKENS + tokens as u64},
        "modelVersion": model, "responseId": "bench",
    })
}

/// A list of models in OpenAI's format.
pub(super) fn models(n_models: usize) -> String {
    let model =
        |index: usize| json!({"id": format!("model-{index:04}"), "object": "model", "created": 1, "owned_by": "bench"});
    json!({"object": "list", "data": (0..n_models).map(model).collect::<Vec<_>>()}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::{Progress, Reader, Side};

    fn body(request: &Request) -> String {
        let mut reader = Reader::new(Side::Response);
        let mut body = Vec::new();
        let pieces = render(request);
        for (index, piece) in pieces.iter().enumerate() {
            let progress = reader.push(&piece.bytes, |bytes| body.extend_from_slice(bytes)).unwrap();
            assert_eq!(progress != Progress::Pending, index + 1 == pieces.len());
        }
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn every_format_carries_the_text_and_the_usage() {
        for format in [Format::OpenAi, Format::Anthropic, Format::Gemini, Format::Ollama] {
            for (stream, joined) in [(false, false), (true, false), (true, true)] {
                let script = Script { joined, ..Script::burst(37) };
                let body = body(&Request { format, script, stream, include_usage: true });
                assert!(body.contains("37"), "{format:?} reports no usage: {body}");
                assert!(body.contains("100"), "{format:?} reports no usage: {body}");
                assert_eq!(format.text(&body, stream).unwrap(), script.text(), "{format:?}, stream: {stream}");
            }
        }
    }

    #[test]
    fn what_a_designator_says_is_an_answer_with_its_usage() {
        let body = verdict("picks-m1-w0", "m1");
        assert_eq!(Format::OpenAi.text(&body, false).unwrap(), "m1");
        let usage = &serde_json::from_str::<Value>(&body).unwrap()["usage"];
        assert_eq!(
            (&usage["prompt_tokens"], &usage["completion_tokens"]),
            (&json!(PROMPT_TOKENS), &json!(PICK_TOKENS))
        );
    }

    #[test]
    fn each_token_at_a_pace_has_a_place_for_its_time() {
        for format in [Format::OpenAi, Format::Anthropic, Format::Gemini, Format::Ollama] {
            let pieces = render(&Request { format, script: Script::paced(4, 10), stream: true, include_usage: true });
            for piece in pieces.iter().filter(|piece| piece.token.is_some()) {
                let at = piece.stamp_at.unwrap();
                assert_eq!(crate::script::read_stamp(&piece.bytes[at..]), Some(0), "{format:?}");
            }
        }
    }

    #[test]
    fn usage_comes_only_when_asked_for() {
        let request = Request { format: Format::OpenAi, script: Script::burst(2), stream: true, include_usage: false };
        assert!(!body(&request).contains("usage"));
    }
}
