//! What the simulated models say: a pure function of the request.

use serde_json::Value;

use super::{choice, example};

/// Prompts are cached in blocks of so many tokens, as the large providers do with larger blocks.
const CACHE_BLOCK: usize = 64;

/// An answer, before it is put in a wire format. Fragments are what one streamed chunk carries, and count as one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Thinking, in fragments.
    pub(super) reasoning: Vec<String>,
    /// Text, in fragments.
    pub(super) text: Vec<String>,
    /// A tool to call instead of ending: its name and its arguments as JSON text.
    pub(super) call: Option<(String, String)>,
    /// The token limit cut the answer short.
    pub(super) cut: bool,
    /// Tokens of the prompt.
    pub(super) prompt_tokens: usize,
    /// Those of them that came from the cache.
    pub(super) cached_tokens: usize,
}

impl Answer {
    /// Tokens of the answer, thinking included.
    pub(super) fn output_tokens(&self) -> usize {
        let call = self.call.as_ref().map_or(0, |(name, arguments)| estimate_tokens(name) + estimate_tokens(arguments));
        self.reasoning.len() + self.text.len() + call
    }
}

/// The answer to the body of a chat request.
pub(super) fn answer(request: &Value) -> Answer {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let model = request["model"].as_str().unwrap_or_default();
    let question = messages.iter().rev().find(|message| message["role"] == "user").map(text_of).unwrap_or_default();
    let last_is_result = messages.last().is_some_and(|message| message["role"] == "tool");

    let prompt_tokens: usize = messages.iter().map(|message| 4 + estimate_tokens(&text_of(message))).sum();
    // The first turn of a conversation is new to the cache; later ones begin with what was sent before.
    let is_later_turn = messages.iter().any(|message| message["role"] == "assistant");
    let cached_tokens = if is_later_turn { prompt_tokens / CACHE_BLOCK * CACHE_BLOCK } else { 0 };

    let call = if last_is_result { None } else { wanted_call(request, &question) };
    let text = match (&call, wanted_json(request, &question)) {
        (Some((name, _)), _) => format!("Let me ask {name}."),
        (None, Some(json)) => json,
        (None, None) if last_is_result => {
            let result = messages.last().map(text_of).unwrap_or_default();
            format!("The tool says: {result}. That is all this simulated model needed to know, thank you.")
        }
        (None, None) => prose(model, &question),
    };
    let reasoning = if model == "demo-thinker" { thoughts(&question) } else { String::new() };
    let answer = Answer {
        reasoning: fragments(&reasoning),
        text: fragments(&text),
        call,
        cut: false,
        prompt_tokens,
        cached_tokens,
    };
    cut_to_limit(answer, request)
}

/// Roughly four characters to a token, and never none for a text that says something.
pub(super) fn estimate_tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

/// The text of a message, whether it is a string or a list of parts.
fn text_of(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// A call of the first offered tool whose name the question mentions.
fn wanted_call(request: &Value, question: &str) -> Option<(String, String)> {
    let question = question.to_lowercase();
    let offered = request["tools"].as_array()?.iter().map(|tool| &tool["function"]);
    let mut mentioned = offered.filter_map(|function| Some((function["name"].as_str()?, &function["parameters"])));
    let (name, schema) = mentioned.find(|(name, _)| question.contains(&name.to_lowercase()))?;
    Some((name.to_owned(), example::fitting(schema, &question).to_string()))
}

/// JSON text, when the request insists on it.
fn wanted_json(request: &Value, question: &str) -> Option<String> {
    let format = &request["response_format"];
    match format["type"].as_str()? {
        "json_schema" => {
            let mut schema = format["json_schema"]["schema"].clone();
            choose(&mut schema, &instructions(request), question);
            Some(example::fitting(&schema, question).to_string())
        }
        "json_object" => Some(r#"{"simulated": true, "answer": "hello"}"#.to_owned()),
        _ => None,
    }
}

/// What the client tells the model, apart from the conversation.
fn instructions(request: &Value) -> String {
    let messages = request["messages"].as_array().into_iter().flatten();
    let texts = messages.filter(|message| message["role"] == "system" || message["role"] == "developer").map(text_of);
    texts.collect::<Vec<_>>().join("\n")
}

/// Where a property is one of several things that the instructions describe, leaves the one that fits.
fn choose(schema: &mut Value, instructions: &str, question: &str) {
    for property in schema["properties"].as_object_mut().into_iter().flat_map(|properties| properties.values_mut()) {
        let ids = property["enum"].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(best) = choice::best(ids, instructions, question).cloned() {
            property["enum"] = vec![best].into();
        }
    }
}

fn prose(model: &str, question: &str) -> String {
    let quoted: String = question.chars().take(80).collect();
    let opening = if quoted.trim().is_empty() {
        "You have not asked anything yet, and I would have answered all the same.".to_owned()
    } else {
        format!("You asked: \"{}\".", quoted.trim())
    };
    let middle = match model {
        "demo-large" => {
            "A real model would now weigh the question, write a few careful paragraphs and perhaps a list. \
             I am a simulation that lives in the same process as the relay, so I can only show you how it feels: \
             the words arrive one by one, the tokens are counted as they pass, and the price of this very answer \
             is already on its way into the report."
        }
        "demo-thinker" => {
            "I have thought about it, as you may have seen, and since I am simulated my conclusion is simple: \
             put a real provider's key in the environment, and ask again."
        }
        _ => {
            "This is a simulated answer, made without a key and without a network. \
             Everything around it is real: the route, the stream, the tokens and the cost."
        }
    };
    format!("{opening} {middle}")
}

fn thoughts(question: &str) -> String {
    let words = question.split_whitespace().count();
    format!("The question has {words} words. A simulated mind need not hurry. What would a helpful answer look like?")
}

/// Words with the space that follows them.
fn fragments(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

/// Obeys `max_completion_tokens` or `max_tokens`; thinking counts first, as it does at real providers.
fn cut_to_limit(mut answer: Answer, request: &Value) -> Answer {
    let limit = request["max_completion_tokens"].as_u64().or_else(|| request["max_tokens"].as_u64());
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else { return answer };
    if answer.output_tokens() > limit {
        answer.reasoning.truncate(limit);
        answer.text.truncate(limit - answer.reasoning.len());
        answer.call = None;
        answer.cut = true;
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(model: &str, question: &str) -> Value {
        json!({ "model": model, "messages": [{ "role": "user", "content": question }] })
    }

    #[test]
    fn an_answer_quotes_the_question_and_says_it_is_simulated() {
        let text = answer(&ask("demo-small", "What is a relay?")).text.concat();
        assert!(text.contains("What is a relay?") && text.contains("simulated"), "{text}");
    }

    #[test]
    fn only_the_thinker_thinks() {
        assert!(answer(&ask("demo-small", "hi")).reasoning.is_empty());
        assert!(!answer(&ask("demo-thinker", "hi")).reasoning.is_empty());
    }

    #[test]
    fn a_tool_is_called_when_the_question_names_it_and_its_result_is_used() {
        let mut request = ask("demo-small", "Please use get_weather for Oslo");
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
        request["tools"] = json!([
            { "type": "function", "function": { "name": "add", "parameters": {} } },
            { "type": "function", "function": { "name": "get_weather", "parameters": schema } },
        ]);
        let (name, arguments) = answer(&request).call.unwrap();
        assert_eq!(name, "get_weather");
        assert!(serde_json::from_str::<Value>(&arguments).unwrap()["city"].is_string());

        let messages = request["messages"].as_array_mut().unwrap();
        messages.push(json!({ "role": "assistant", "content": null, "tool_calls": [] }));
        messages.push(json!({ "role": "tool", "tool_call_id": "call_1", "content": "4 degrees" }));
        let answer = answer(&request);
        assert_eq!(answer.call, None);
        assert!(answer.text.concat().contains("4 degrees"));
    }

    #[test]
    fn a_schema_is_obeyed() {
        let mut request = ask("demo-small", "choose");
        let schema = json!({ "type": "object", "properties": { "model": { "enum": ["a", "b"] } } });
        request["response_format"] = json!({ "type": "json_schema", "json_schema": { "schema": schema } });
        let chosen: Value = serde_json::from_str(&answer(&request).text.concat()).unwrap();
        assert!(chosen["model"] == "a" || chosen["model"] == "b");
    }

    #[test]
    fn of_described_things_the_fitting_one_is_chosen() {
        let mut request = ask("demo-small", "Plan my week");
        let messages = request["messages"].as_array_mut().unwrap();
        messages.insert(0, json!({ "role": "system", "content": "a: short answers\nb: planning\nc: long texts" }));
        let schema = json!({ "type": "object", "properties": { "pick": { "enum": ["a", "b", "c"] } } });
        request["response_format"] = json!({ "type": "json_schema", "json_schema": { "schema": schema } });
        assert_eq!(answer(&request).text.concat(), r#"{"pick":"b"}"#);
    }

    #[test]
    fn later_turns_read_whole_blocks_from_the_cache() {
        let long = "word ".repeat(200);
        assert_eq!(answer(&ask("demo-small", &long)).cached_tokens, 0);
        let mut request = ask("demo-small", &long);
        let messages = request["messages"].as_array_mut().unwrap();
        messages.push(json!({ "role": "assistant", "content": "yes" }));
        messages.push(json!({ "role": "user", "content": "go on" }));
        let answer = answer(&request);
        assert!(answer.cached_tokens > 0 && answer.cached_tokens <= answer.prompt_tokens);
        assert_eq!(answer.cached_tokens % CACHE_BLOCK, 0);
    }

    #[test]
    fn the_token_limit_cuts_the_answer() {
        let mut request = ask("demo-thinker", "hi");
        request["max_tokens"] = 3.into();
        let answer = answer(&request);
        assert!(answer.cut);
        assert_eq!(answer.output_tokens(), 3);
    }
}
