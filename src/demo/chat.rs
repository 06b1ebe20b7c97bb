//! OpenAI's chat format, the little of it the simulated provider writes.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};

use super::script::Answer;

/// The names every chunk of an answer carries.
pub(super) struct Envelope<'a> {
    /// The answer's id.
    pub(super) id: &'a str,
    /// Unix seconds.
    pub(super) created: i64,
    /// The model, as it was asked for.
    pub(super) model: &'a str,
}

impl Envelope<'_> {
    /// The whole answer.
    pub(super) fn whole(&self, answer: &Answer) -> Value {
        let mut message = json!({ "role": "assistant", "content": answer.text.concat() });
        if !answer.reasoning.is_empty() {
            message["reasoning_content"] = answer.reasoning.concat().into();
        }
        if let Some((name, arguments)) = &answer.call {
            message["tool_calls"] = json!([self.call(name, arguments)]);
        }
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(answer) }],
            "usage": usage(answer),
        })
    }

    /// The answer as server-sent events, one fragment each; usage only for those who asked.
    pub(super) fn frames(&self, answer: &Answer, with_usage: bool) -> VecDeque<Bytes> {
        let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
        deltas.extend(answer.reasoning.iter().map(|text| json!({ "reasoning_content": text })));
        deltas.extend(answer.text.iter().map(|text| json!({ "content": text })));
        if let Some((name, arguments)) = &answer.call {
            let mut call = self.call(name, arguments);
            call["index"] = 0.into();
            deltas.push(json!({ "tool_calls": [call] }));
        }
        let choice = |delta: Value, finish: Value| json!({ "index": 0, "delta": delta, "finish_reason": finish });
        let mut chunks: Vec<Value> =
            deltas.into_iter().map(|delta| self.chunk(json!([choice(delta, Value::Null)]))).collect();
        chunks.push(self.chunk(json!([choice(json!({}), finish_reason(answer).into())])));
        if with_usage {
            let mut last = self.chunk(json!([]));
            last["usage"] = usage(answer);
            chunks.push(last);
        }
        let frames = chunks.iter().map(|chunk| Bytes::from(format!("data: {chunk}\n\n")));
        frames.chain([Bytes::from_static(b"data: [DONE]\n\n")]).collect()
    }

    fn chunk(&self, choices: Value) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": choices,
        })
    }

    /// One call per answer, so the answer's id is unique enough for it.
    fn call(&self, name: &str, arguments: &str) -> Value {
        let id = format!("call_{}", self.id.trim_start_matches("chatcmpl-"));
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
    }
}

fn finish_reason(answer: &Answer) -> &'static str {
    match (answer.cut, &answer.call) {
        (true, _) => "length",
        (false, Some(_)) => "tool_calls",
        (false, None) => "stop",
    }
}

fn usage(answer: &Answer) -> Value {
    let output = answer.output_tokens();
    json!({
        "prompt_tokens": answer.prompt_tokens, "completion_tokens": output,
        "total_tokens": answer.prompt_tokens + output,
        "prompt_tokens_details": { "cached_tokens": answer.cached_tokens },
        "completion_tokens_details": { "reasoning_tokens": answer.reasoning.len() },
    })
}

#[cfg(test)]
mod tests {
    use super::super::script;
    use super::*;

    const ENVELOPE: Envelope<'_> = Envelope { id: "chatcmpl-1", created: 1, model: "demo-thinker" };

    fn chunks(frames: &VecDeque<Bytes>) -> Vec<Value> {
        let texts = frames.iter().map(|frame| std::str::from_utf8(frame).unwrap().trim());
        let data = texts.map(|text| text.strip_prefix("data: ").unwrap()).filter(|data| *data != "[DONE]");
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    #[test]
    fn the_stream_says_what_the_whole_answer_says() {
        let request = json!({ "model": "demo-thinker", "messages": [{ "role": "user", "content": "hi" }] });
        let answer = script::answer(&request);
        let whole = ENVELOPE.whole(&answer);
        let chunks = chunks(&ENVELOPE.frames(&answer, true));
        for field in ["content", "reasoning_content"] {
            let pieces = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"][field].as_str());
            assert_eq!(pieces.collect::<String>(), whole["choices"][0]["message"][field].as_str().unwrap());
        }
        assert_eq!(chunks.last().unwrap()["usage"], whole["usage"]);
    }

    #[test]
    fn usage_is_streamed_only_when_asked_for_and_done_comes_last() {
        let answer = script::answer(&json!({ "model": "demo-small", "messages": [] }));
        let frames = ENVELOPE.frames(&answer, false);
        assert_eq!(frames.back().unwrap().as_ref(), b"data: [DONE]\n\n");
        assert!(chunks(&frames).iter().all(|chunk| chunk.get("usage").is_none()));
    }
}
