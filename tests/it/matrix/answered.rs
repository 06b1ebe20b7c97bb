//! Reads back what a client got, from its own format into one that both share.

use serde_json::Value;

use crate::support::{Face, Reply};

/// An answer without a wire format.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answered {
    pub(super) text: String,
    /// Name and arguments.
    pub(super) calls: Vec<(String, Value)>,
    pub(super) finish: String,
    pub(super) prompt_tokens: u64,
    pub(super) cached_tokens: u64,
    pub(super) output_tokens: u64,
}

/// Reads an answer, streamed or whole.
pub(super) fn read(face: Face, reply: &Reply) -> Answered {
    let values = face.values(reply);
    let mut answered = Answered {
        text: face.text(reply),
        calls: calls(face, reply).into_iter().map(|call| (call.name, parsed(&call.arguments))).collect(),
        ..Answered::default()
    };
    for value in &values {
        let (finish, prompt, cached, output) = match face {
            Face::OpenAi => {
                let usage = &value["usage"];
                let cached = &usage["prompt_tokens_details"]["cached_tokens"];
                (&value["choices"][0]["finish_reason"], &usage["prompt_tokens"], cached, &usage["completion_tokens"])
            }
            Face::Ollama => (&value["done_reason"], &value["prompt_eval_count"], &Value::Null, &value["eval_count"]),
        };
        if let Some(finish) = finish.as_str() {
            answered.finish = finish.to_owned();
        }
        for (place, count) in [
            (&mut answered.prompt_tokens, prompt),
            (&mut answered.cached_tokens, cached),
            (&mut answered.output_tokens, output),
        ] {
            if let Some(count) = count.as_u64() {
                *place = count;
            }
        }
    }
    answered
}

/// The ids of the calls, in order.
pub(super) fn call_ids(face: Face, reply: &Reply) -> Vec<String> {
    calls(face, reply).into_iter().map(|call| call.id).collect()
}

/// The thinking, wherever the client's protocol has it.
pub(super) fn thinking(face: Face, reply: &Reply) -> String {
    let values = face.values(reply);
    let pieces = values.iter().filter_map(|value| match face {
        Face::OpenAi => {
            let choice = &value["choices"][0];
            let place = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
            place["reasoning_content"].as_str().or_else(|| place["reasoning"].as_str())
        }
        Face::Ollama => value["message"]["thinking"].as_str(),
    });
    pieces.collect()
}

#[derive(Default)]
struct Call {
    id: String,
    name: String,
    arguments: String,
}

fn calls(face: Face, reply: &Reply) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for value in face.values(reply) {
        let place = match face {
            Face::OpenAi if value["choices"][0]["delta"].is_object() => &value["choices"][0]["delta"],
            Face::OpenAi => &value["choices"][0]["message"],
            Face::Ollama => &value["message"],
        };
        for piece in place["tool_calls"].as_array().into_iter().flatten() {
            let function = &piece["function"];
            // Fragments of one call share an index; whole answers have one entry per call and need none.
            let known = piece["index"].as_u64().and_then(|index| usize::try_from(index).ok());
            let index = known.unwrap_or(calls.len());
            while calls.len() <= index {
                calls.push(Call::default());
            }
            let call = &mut calls[index];
            call.id.push_str(piece["id"].as_str().unwrap_or_default());
            call.name.push_str(function["name"].as_str().unwrap_or_default());
            match &function["arguments"] {
                Value::String(fragment) => call.arguments.push_str(fragment),
                Value::Null => {}
                object => call.arguments = object.to_string(),
            }
        }
    }
    calls
}

fn parsed(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|error| panic!("{error} in arguments {arguments:?}"))
}
