//! Reads back what a provider was asked, from its own format into one that all share.

use serde_json::Value;

use crate::support::{Format, Recorded};

/// A conversation without a wire format.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) turns: Vec<Turn>,
    /// Name, description and the only required parameter of each tool.
    pub(super) tools: Vec<(String, String, String)>,
}

/// One piece of a conversation.
#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    System(String),
    User(String),
    Assistant(String),
    /// Name and arguments.
    Call(String, Value),
    /// Name of the tool and what it returned.
    Result(String, String),
}

/// Reads a provider's request.
pub(super) fn read(format: Format, call: &Recorded) -> Asked {
    let body = &call.body;
    let turns = match format {
        Format::OpenAi | Format::Ollama => messages(body),
        Format::Anthropic => anthropic(body),
        Format::Gemini => gemini(body),
    };
    let described: Vec<(&Value, &Value)> = match format {
        Format::OpenAi | Format::Ollama => {
            list(&body["tools"]).map(|tool| (&tool["function"], &tool["function"]["parameters"])).collect()
        }
        Format::Anthropic => list(&body["tools"]).map(|tool| (tool, &tool["input_schema"])).collect(),
        Format::Gemini => {
            let declared = list(&body["tools"]).flat_map(|tool| list(&tool["functionDeclarations"]));
            declared.map(|tool| (tool, first(&tool["parameters"], &tool["parametersJsonSchema"]))).collect()
        }
    };
    let tools = described
        .into_iter()
        .map(|(tool, schema)| (text(&tool["name"]), text(&tool["description"]), text(&schema["required"][0])));
    Asked { turns, tools: tools.collect() }
}

/// OpenAI's and Ollama's messages, which differ in how arguments are written and results are named.
fn messages(body: &Value) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut names: Vec<(&Value, &Value)> = Vec::new();
    for message in list(&body["messages"]) {
        let content = text(&message["content"]);
        match message["role"].as_str() {
            Some("system" | "developer") => turns.push(Turn::System(content)),
            Some("user") => turns.push(Turn::User(content)),
            Some("tool") => {
                let by_id = names.iter().find(|(id, _)| **id == message["tool_call_id"]);
                let name = by_id.map_or_else(|| text(&message["tool_name"]), |(_, name)| text(name));
                turns.push(Turn::Result(name, content));
            }
            _ => {
                if !content.is_empty() {
                    turns.push(Turn::Assistant(content));
                }
                for call in list(&message["tool_calls"]) {
                    let function = &call["function"];
                    names.push((&call["id"], &function["name"]));
                    let arguments = match &function["arguments"] {
                        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
                        object => object.clone(),
                    };
                    turns.push(Turn::Call(text(&function["name"]), arguments));
                }
            }
        }
    }
    turns
}

fn anthropic(body: &Value) -> Vec<Turn> {
    let mut turns = vec![Turn::System(text(&body["system"]))];
    let mut names: Vec<(&Value, &Value)> = Vec::new();
    for message in list(&body["messages"]) {
        let is_user = message["role"] == "user";
        let said = |words: String| if is_user { Turn::User(words) } else { Turn::Assistant(words) };
        if message["content"].is_string() {
            turns.push(said(text(&message["content"])));
        }
        for block in list(&message["content"]) {
            turns.push(match block["type"].as_str() {
                Some("tool_use") => {
                    names.push((&block["id"], &block["name"]));
                    Turn::Call(text(&block["name"]), block["input"].clone())
                }
                Some("tool_result") => {
                    let call = names.iter().find(|(id, _)| **id == block["tool_use_id"]);
                    let name = call.map(|(_, name)| text(name)).unwrap_or_default();
                    Turn::Result(name, text(&block["content"]))
                }
                _ => said(text(&block["text"])),
            });
        }
    }
    turns
}

fn gemini(body: &Value) -> Vec<Turn> {
    let system = first(&body["systemInstruction"], &body["system_instruction"]);
    let mut turns = vec![Turn::System(text(&system["parts"]))];
    for content in list(&body["contents"]) {
        for part in list(&content["parts"]) {
            let (call, result) = (&part["functionCall"], &part["functionResponse"]);
            turns.push(if call.is_object() {
                Turn::Call(text(&call["name"]), call["args"].clone())
            } else if result.is_object() {
                // The vendor wants an object; which key the text stands under is the relay's choice.
                let values = result["response"].as_object().into_iter().flatten();
                Turn::Result(text(&result["name"]), values.map(|(_, value)| text(value)).collect())
            } else if content["role"] == "user" {
                Turn::User(text(&part["text"]))
            } else {
                Turn::Assistant(text(&part["text"]))
            });
        }
    }
    turns
}

/// A text that may be a string, or a list of parts with `text` in them.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| text(&part["text"])).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Both spellings of a field are legal.
fn first<'a>(left: &'a Value, right: &'a Value) -> &'a Value {
    if left.is_null() { right } else { left }
}
