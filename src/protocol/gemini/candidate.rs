//! One of an answer's alternatives, as far as it has come.

use std::borrow::Cow;

use super::ids::CallIds;
use super::wire::{self, AnswerCall, AnswerPart, Text};
use super::{finish, grounding, logprobs};
use crate::chat::{Event, EventSink};
use crate::protocol::StreamFault;

/// Answer text kept to turn the byte offsets of grounding into characters. Answers that are longer, which no model
/// gives, have sources without places.
const MAX_TEXT_BYTES: usize = 4 << 20;

/// One of an answer's alternatives, as far as it has come.
#[derive(Debug)]
pub(super) struct Candidate {
    choice: u32,
    calls: u32,
    /// The answer's text so far; `None` once it has passed [`MAX_TEXT_BYTES`].
    text: Option<String>,
    queries: Option<u64>,
    finish: Option<String>,
}

impl Candidate {
    pub(super) fn new(choice: u32) -> Self {
        Self { choice, calls: 0, text: Some(String::new()), queries: None, finish: None }
    }

    pub(super) fn choice(&self) -> u32 {
        self.choice
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Web searches the answer rests on; `None` when it is not grounded.
    pub(super) fn queries(&self) -> Option<u64> {
        self.queries
    }

    /// Takes what is new.
    pub(super) fn read(
        &mut self,
        news: wire::Candidate<'_>,
        ids: &mut CallIds,
        out: &mut dyn EventSink,
    ) -> Result<(), StreamFault> {
        for part in news.content.and_then(|content| content.parts).into_iter().flatten() {
            self.part(part, ids, out)?;
        }
        if let Some(raw) = news.logprobs_result {
            let content = logprobs::decode(raw.get());
            if !content.is_empty() {
                out.event(Event::Logprobs { choice: self.choice, content });
            }
        }
        if let Some(raw) = news.grounding_metadata {
            let grounding = grounding::decode(raw.get(), self.text.as_deref().unwrap_or_default());
            if grounding.queries.is_some() {
                self.queries = grounding.queries;
            }
            if !grounding.citations.is_empty() {
                out.event(Event::Citations(grounding.citations));
            }
        }
        // Old versions say STOP on every frame, so the last word counts and is handed out at the end.
        if let Some(reason) = news.finish_reason.filter(|reason| !reason.0.is_empty()) {
            self.finish = Some(reason.0.into_owned());
        }
        Ok(())
    }

    fn part(&mut self, part: AnswerPart<'_>, ids: &mut CallIds, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        let choice = self.choice;
        if let Some(call) = part.function_call {
            return self.call(call, part.thought_signature, ids, out);
        }
        let text = part.text.filter(|text| !text.0.is_empty());
        if part.thought == Some(true) {
            if let Some(text) = text {
                out.event(Event::Reasoning { choice, text: text.0 });
            }
            return Ok(());
        }
        // A signature that stands on no call is optional to return. It is left out, because reasoning in the chat model
        // carries Anthropic's signatures only.
        if let Some(Text(text)) = text {
            self.say(text, out);
        }
        if let Some(program) = part.executable_code {
            let language = program.language.map(|language| language.0.to_ascii_lowercase()).unwrap_or_default();
            let code = program.code.map(|code| code.0).unwrap_or_default();
            self.say(format!("\n```{language}\n{}\n```\n", code.trim_end()).into(), out);
        }
        if let Some(output) = part.code_execution_result.and_then(|result| result.output) {
            self.say(format!("\n```\n{}\n```\n", output.0.trim_end()).into(), out);
        }
        Ok(())
    }

    fn say(&mut self, text: Cow<'_, str>, out: &mut dyn EventSink) {
        if let Some(so_far) = &mut self.text {
            so_far.push_str(&text);
        }
        self.text.take_if(|so_far| so_far.len() > MAX_TEXT_BYTES);
        out.event(Event::Text { choice: self.choice, text });
    }

    /// Calls come whole.
    fn call(
        &mut self,
        call: AnswerCall<'_>,
        signature: Option<Text<'_>>,
        ids: &mut CallIds,
        out: &mut dyn EventSink,
    ) -> Result<(), StreamFault> {
        let Some(Text(name)) = call.name.filter(|name| !name.0.is_empty()) else {
            return Err(StreamFault::Malformed("a function call without a name".to_owned()));
        };
        let arguments = match call.args.map(|raw| raw.get()) {
            None | Some("null") => "{}".into(),
            Some(raw) => compact(raw),
        };
        let id = ids.next(call.id.map(|id| id.0), &name, &arguments);
        let (choice, index) = (self.choice, self.calls);
        self.calls += 1;
        let signature = signature.map(|signature| signature.0);
        out.event(Event::ToolCallStart { choice, index, id: id.into(), name, signature });
        out.event(Event::ToolCallArguments { choice, index, fragment: arguments });
        Ok(())
    }

    /// Hands out why the answer ended; nothing if it has not.
    pub(super) fn finish(&self, out: &mut dyn EventSink) {
        if let Some(word) = &self.finish {
            let (reason, native) = finish::decode(word, self.calls > 0);
            out.event(Event::Finish { choice: self.choice, reason, native: native.map(Into::into) });
        }
    }
}

/// The same JSON without the white space between its tokens: whole answers come indented.
fn compact(json: &str) -> Cow<'_, str> {
    let mut in_string = false;
    let mut escaped = false;
    let mut is_kept = |character: char| {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            true
        } else {
            in_string = character == '"';
            !character.is_ascii_whitespace()
        }
    };
    match json.find(|character| !is_kept(character)) {
        None => json.into(),
        Some(first) => {
            let rest = json[first + 1..].chars().filter(|character| is_kept(*character));
            json[..first].chars().chain(rest).collect::<String>().into()
        }
    }
}
