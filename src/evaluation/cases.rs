//! Labelled prompts: one JSON object per line, each with a score for every candidate.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::chat::{ChatRequest, Part, Role};
use crate::protocol::ClientFormat;

/// The length of an answer, for its cost, where a line does not say.
const OUTPUT_TOKENS: u64 = 400;
/// More than any model reads today.
const MAX_PADDING_TOKENS: u64 = 4_000_000;
/// Bytes of filler that make one token where a request's length is estimated.
const BYTES_PER_TOKEN: u64 = 3;

/// Who can be chosen: the candidates, and other names a choice may fall on (a fallback outside of them).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    names: Vec<String>,
    candidates: usize,
}

/// A labelled prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it is called in messages.
    pub id: String,
    /// What kind of question it is.
    pub category: String,
    /// The request.
    pub request: ChatRequest,
    /// The expected length of the answer, tokens; no more than the request allows.
    pub output_tokens: u64,
    /// How good each name's answer is, 0 to 1, in the order of [`Field::names`]. Every candidate has a score.
    pub scores: Vec<Option<f64>>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct LineError {
    /// Counted from one, empty lines too.
    pub line: usize,
    /// In words.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<String>,
    category: Option<String>,
    prompt: Option<String>,
    messages: Option<Value>,
    tools: Option<Value>,
    response_format: Option<Value>,
    max_tokens: Option<u64>,
    output_tokens: Option<u64>,
    padding_tokens: Option<u64>,
    scores: BTreeMap<String, f64>,
    /// For people: why the scores are what they are.
    #[serde(rename = "note")]
    _note: Option<String>,
}

impl Field {
    /// `others` that are candidates already, in any case, are left out.
    pub fn new(candidates: Vec<String>, others: impl IntoIterator<Item = String>) -> Self {
        let mut field = Self { candidates: candidates.len(), names: candidates };
        for other in others {
            if field.place(&other).is_none() {
                field.names.push(other);
            }
        }
        field
    }

    /// The candidates in the router's order, then the others.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The place of a name, whatever its case.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other.eq_ignore_ascii_case(name))
    }

    pub(super) fn candidates(&self) -> std::ops::Range<usize> {
        0..self.candidates
    }
}

/// Reads the lines of a file. Empty ones are passed over.
///
/// # Errors
/// Everything that is wrong, line by line.
pub fn read_cases(text: &str, field: &Field) -> Result<Vec<Case>, Vec<LineError>> {
    let mut read: Vec<(usize, Case)> = Vec::new();
    let mut errors = Vec::new();
    for (line, content) in (1..).zip(text.lines()).filter(|(_, content)| !content.trim().is_empty()) {
        match case(line, content, field) {
            Ok(case) => match read.iter().find(|(_, other)| other.id == case.id) {
                Some((first, _)) => {
                    errors
                        .push(LineError { line, problem: format!("the id `{}` stands in line {first} too", case.id) });
                }
                None => read.push((line, case)),
            },
            Err(problem) => errors.push(LineError { line, problem }),
        }
    }
    // Who is no candidate needs no score, but where one line has it the others are compared with it.
    for place in field.candidates..field.names.len() {
        if read.iter().any(|(_, case)| case.scores[place].is_some()) {
            let missing = read.iter().filter(|(_, case)| case.scores[place].is_none());
            errors.extend(missing.map(|(line, _)| {
                let problem = format!("no score for `{}`, which other lines score", field.names[place]);
                LineError { line: *line, problem }
            }));
        }
    }
    if read.is_empty() && errors.is_empty() {
        errors.push(LineError { line: 1, problem: "there is no case in this file".to_owned() });
    }
    errors.sort_by_key(|error| error.line);
    if errors.is_empty() { Ok(read.into_iter().map(|(_, case)| case).collect()) } else { Err(errors) }
}

fn case(number: usize, content: &str, field: &Field) -> Result<Case, String> {
    let line: Line = serde_json::from_str(content).map_err(|error| in_line(&error))?;
    let scores = scores(&line.scores, field)?;
    let id = line.id.clone().unwrap_or_else(|| format!("line {number}"));
    let category = line.category.clone().unwrap_or_else(|| "(none)".to_owned());
    let output_tokens = line.output_tokens.unwrap_or(OUTPUT_TOKENS).min(line.max_tokens.unwrap_or(u64::MAX));
    Ok(Case { id, category, request: request(line)?, output_tokens, scores })
}

/// The line is counted by us; what is left is the column.
fn in_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.replace(" at line 1 column ", " at column ")
}

fn scores(said: &BTreeMap<String, f64>, field: &Field) -> Result<Vec<Option<f64>>, String> {
    let mut scores = vec![None; field.names.len()];
    for (name, score) in said {
        let Some(place) = field.place(name.trim()) else {
            let names: Vec<_> = field.names.iter().map(|name| format!("`{name}`")).collect();
            return Err(format!("scores: the router has no `{name}`; it has {}", names.join(", ")));
        };
        if !(0.0..=1.0).contains(score) {
            return Err(format!("scores: `{name}` has {score}, which is not between 0 and 1"));
        }
        if scores[place].replace(*score).is_some() {
            return Err(format!("scores: `{name}` stands there twice"));
        }
    }
    match field.candidates().find(|place| scores[*place].is_none()) {
        Some(place) => Err(format!("scores: candidate `{}` has none", field.names[place])),
        None => Ok(scores),
    }
}

fn request(line: Line) -> Result<ChatRequest, String> {
    let messages = match (line.prompt, line.messages) {
        (Some(prompt), None) => json!([{ "role": "user", "content": prompt }]),
        (None, Some(messages)) => messages,
        (Some(_), Some(_)) => return Err("it has both `prompt` and `messages`".to_owned()),
        (None, None) => return Err("it has neither `prompt` nor `messages`".to_owned()),
    };
    let mut body = json!({ "messages": messages });
    let settings = [("tools", line.tools), ("response_format", line.response_format)];
    for (name, value) in settings.into_iter().chain([("max_tokens", line.max_tokens.map(Value::from))]) {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    let body = body.to_string();
    let decoded = ClientFormat::OpenAiChat.codec().decode_request(body.as_bytes());
    let mut request = decoded.map_err(|error| error.message)?;
    if request.messages.is_empty() {
        return Err("`messages` is empty".to_owned());
    }
    let padding = line.padding_tokens.unwrap_or(0);
    if padding > MAX_PADDING_TOKENS {
        return Err(format!("padding_tokens is {MAX_PADDING_TOKENS} at most"));
    }
    if padding > 0 {
        let last = request.messages.iter_mut().rfind(|message| message.role == Role::User);
        let last = last.ok_or("padding_tokens needs a message of the user to stand in")?;
        last.parts.insert(0, Part::text(filler(padding)));
    }
    Ok(request)
}

/// So many tokens of plain text, as a request's length is estimated: minutes of meetings nobody attended.
fn filler(tokens: u64) -> String {
    let length = usize::try_from(tokens * BYTES_PER_TOKEN).unwrap_or(usize::MAX);
    let mut text = String::with_capacity(length + 100);
    for item in 1_u64.. {
        if text.len() >= length {
            break;
        }
        let (room, clerk) = (item * 7 % 23 + 1, item * 11 % 17 + 1);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Item {item}: clerk {clerk} read the minutes of room {room}; no one objected, and they were filed."
        );
    }
    // Plain ASCII, so every byte is the end of a character.
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::smart::Demands;

    fn field() -> Field {
        Field::new(vec!["small".into(), "strong".into()], ["Small".into(), "spare".into()])
    }

    fn problems(text: &str) -> Vec<String> {
        read_cases(text, &field()).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_prompt_is_a_request_of_one_message() {
        let text = r#"{"id":"a","category":"maths","prompt":"1+1?","scores":{"Small":1,"strong":0.5}}"#;
        let read = read_cases(&format!("\n{text}\n\n"), &field()).unwrap();
        assert_eq!(field().names(), ["small", "strong", "spare"]);
        assert_eq!((read.len(), read[0].output_tokens), (1, 400));
        assert_eq!(read[0].scores, [Some(1.0), Some(0.5), None]);
        assert_eq!(Demands::of(&read[0].request).prompt_tokens, 8 + 2);
    }

    #[test]
    fn messages_tools_and_limits_reach_the_request() {
        let text = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"what?"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}],
            "tools":[{"type":"function","function":{"name":"f"}}],"max_tokens":50,
            "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}},
            "scores":{"small":0,"strong":1}}"#
            .replace('\n', "");
        let read = read_cases(&text, &field()).unwrap().remove(0);
        let demands = Demands::of(&read.request);
        assert!(demands.images && demands.tools && demands.json_schema);
        assert_eq!((demands.answer_tokens, read.output_tokens), (Some(50), 50));
        assert_eq!((read.id.as_str(), read.category.as_str()), ("line 1", "(none)"));
    }

    #[test]
    fn padding_makes_a_prompt_exactly_so_much_longer() {
        let text = r#"{"prompt":"1+1?..","padding_tokens":5000,"scores":{"small":1,"strong":1}}"#;
        let read = read_cases(text, &field()).unwrap().remove(0);
        assert_eq!(Demands::of(&read.request).prompt_tokens, 8 + 2 + 5_000);
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let fine = r#"{"id":"a","prompt":"x","scores":{"small":1,"strong":1}}"#;
        let wrong = [
            (
                r#"{"prompt":"x","scores":{"small":1,"strong":1,"huge":1}}"#,
                "line 2: scores: the router has no `huge`; it has `small`, `strong`, `spare`",
            ),
            (r#"{"prompt":"x","scores":{"small":1}}"#, "line 2: scores: candidate `strong` has none"),
            (
                r#"{"prompt":"x","scores":{"small":1.1,"strong":1}}"#,
                "line 2: scores: `small` has 1.1, which is not between 0 and 1",
            ),
            (
                r#"{"prompt":"x","scores":{"small":-0.1,"strong":1}}"#,
                "line 2: scores: `small` has -0.1, which is not between 0 and 1",
            ),
            (
                r#"{"prompt":"x","scores":{"small":1,"SMALL":1,"strong":1}}"#,
                "line 2: scores: `small` stands there twice",
            ),
            (r#"{"prompt":"x","scores":{"small":1,"strong":1}"#, "line 2: EOF while parsing an object at column 45"),
            (r#"{"prompt":"x","score":{}}"#, "line 2: unknown field `score`"),
            (r#"{"prompt":"x"}"#, "line 2: missing field `scores` at column 14"),
            (r#"{"scores":{"small":1,"strong":1}}"#, "line 2: it has neither `prompt` nor `messages`"),
            (
                r#"{"prompt":"x","messages":[],"scores":{"small":1,"strong":1}}"#,
                "line 2: it has both `prompt` and `messages`",
            ),
            (r#"{"id":"a","prompt":"x","scores":{"small":1,"strong":1}}"#, "line 2: the id `a` stands in line 1 too"),
            (
                r#"{"prompt":"x","scores":{"small":1,"strong":1,"spare":1}}"#,
                "line 1: no score for `spare`, which other lines score",
            ),
        ];
        for (line, expected) in wrong {
            let problems = problems(&format!("{fine}\n{line}\n"));
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with(expected), "{problems:?}");
        }
        assert!(problems("{}\n[]\n").len() == 2);
        assert_eq!(problems(" \n\n"), ["line 1: there is no case in this file"]);
    }
}
