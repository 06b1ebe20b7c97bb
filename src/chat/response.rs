//! A whole answer, and how the pieces of a stream fold into one.

use serde_json::Value;

use super::{Citation, Event, EventSink, Extra, FinishReason, Part, ReasoningPart, Start, Text, ToolCall, Usage};

/// A whole answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChatResponse {
    /// The upstream's id for the answer.
    pub id: Option<String>,
    /// The model that answered, in the provider's spelling.
    pub model: Option<String>,
    /// Unix seconds.
    pub created: Option<i64>,
    /// OpenAI's `system_fingerprint`.
    pub fingerprint: Option<String>,
    /// Alternative answers; usually one.
    pub choices: Vec<Choice>,
    /// Sources the answer rests on.
    pub citations: Vec<Citation>,
    /// What it took.
    pub usage: Usage,
    /// Fields of the provider's protocol that the model above does not know.
    pub extra: Extra,
}

/// One of the alternative answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice {
    /// Reasoning, text, refusal and tool calls in the order they came; neighbouring texts are one part.
    pub parts: Vec<Part>,
    /// Why it ended; `None` when the provider gave no reason.
    pub finish: Option<FinishReason>,
    /// The provider's own word, when it says more than `finish`.
    pub native_finish: Option<String>,
    /// Log probabilities in OpenAI's `content` list shape; empty when not asked for.
    pub logprobs: Vec<Value>,
}

impl Choice {
    /// All answer text joined.
    pub fn text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Text(text) => Some(text.text.as_str()),
                Part::Image(_)
                | Part::Audio { .. }
                | Part::File(_)
                | Part::Reasoning(_)
                | Part::Refusal(_)
                | Part::ToolCall(_)
                | Part::ToolResult(_) => None,
            })
            .collect()
    }

    /// All thinking text joined.
    pub fn reasoning(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Reasoning(reasoning) => Some(reasoning.text.as_str()),
                Part::Image(_)
                | Part::Audio { .. }
                | Part::File(_)
                | Part::Text(_)
                | Part::Refusal(_)
                | Part::ToolCall(_)
                | Part::ToolResult(_) => None,
            })
            .collect()
    }

    /// The tool calls, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            Part::Image(_)
            | Part::Audio { .. }
            | Part::File(_)
            | Part::Text(_)
            | Part::Refusal(_)
            | Part::Reasoning(_)
            | Part::ToolResult(_) => None,
        })
    }
}

/// Folds events into a [`ChatResponse`]; the law is that the result equals the non-streamed answer.
#[derive(Debug, Default)]
pub struct ResponseBuilder {
    response: ChatResponse,
    /// Per choice: where in `parts` each tool call stands.
    calls: Vec<Vec<usize>>,
}

impl ResponseBuilder {
    /// The folded answer.
    pub fn finish(self) -> ChatResponse {
        self.response
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let index = index as usize;
        if self.response.choices.len() <= index {
            self.response.choices.resize_with(index + 1, Choice::default);
            self.calls.resize_with(index + 1, Vec::new);
        }
        &mut self.response.choices[index]
    }

    fn open_reasoning(&mut self, choice: u32) -> &mut ReasoningPart {
        let parts = &mut self.choice(choice).parts;
        let open =
            matches!(parts.last(), Some(Part::Reasoning(last)) if last.signature.is_none() && last.redacted.is_none());
        if !open {
            parts.push(Part::Reasoning(ReasoningPart::default()));
        }
        match parts.last_mut() {
            Some(Part::Reasoning(reasoning)) => reasoning,
            _ => unreachable!("a reasoning part was just pushed"),
        }
    }
}

impl EventSink for ResponseBuilder {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(start) => {
                self.response.id = start.id.map(Into::into);
                self.response.model = start.model.map(Into::into);
                self.response.created = start.created;
                self.response.fingerprint = start.fingerprint.map(Into::into);
            }
            Event::Text { choice, text } => {
                let parts = &mut self.choice(choice).parts;
                match parts.last_mut() {
                    Some(Part::Text(last)) => last.text.push_str(&text),
                    _ => parts.push(Part::text(text)),
                }
            }
            Event::Reasoning { choice, text } => self.open_reasoning(choice).text.push_str(&text),
            Event::ReasoningSignature { choice, signature } => {
                self.open_reasoning(choice).signature = Some(signature.into_owned());
            }
            Event::RedactedReasoning { choice, data } => {
                self.choice(choice).parts.push(Part::Reasoning(ReasoningPart {
                    redacted: Some(data.into_owned()),
                    ..ReasoningPart::default()
                }));
            }
            Event::Refusal { choice, text } => {
                let parts = &mut self.choice(choice).parts;
                match parts.last_mut() {
                    Some(Part::Refusal(last)) => last.push_str(&text),
                    _ => parts.push(Part::Refusal(text.into_owned())),
                }
            }
            Event::ToolCallStart { choice, index: _, id, name, signature } => {
                let parts = &mut self.choice(choice).parts;
                parts.push(Part::ToolCall(ToolCall {
                    id: id.into_owned(),
                    name: name.into_owned(),
                    arguments: String::new(),
                    signature: signature.map(Into::into),
                }));
                let at = parts.len() - 1;
                self.calls[choice as usize].push(at);
            }
            Event::ToolCallArguments { choice, index, fragment } => {
                let at = self.calls.get(choice as usize).and_then(|calls| calls.get(index as usize)).copied();
                if let Some(Part::ToolCall(call)) = at.and_then(|at| self.choice(choice).parts.get_mut(at)) {
                    call.arguments.push_str(&fragment);
                }
            }
            Event::Logprobs { choice, content } => self.choice(choice).logprobs.extend(content),
            Event::Citations(citations) => self.response.citations = citations,
            Event::Finish { choice, reason, native } => {
                let choice = self.choice(choice);
                choice.finish = Some(reason);
                choice.native_finish = native.map(Into::into);
            }
            Event::Usage(usage) => self.response.usage = *usage,
        }
    }
}

impl ChatResponse {
    /// Hands the answer out as the events a stream would have carried: for a client that asked for a stream
    /// when the upstream answered in one piece.
    pub fn emit(&self, out: &mut dyn EventSink) {
        out.event(Event::Start(Start {
            id: self.id.as_deref().map(Into::into),
            model: self.model.as_deref().map(Into::into),
            created: self.created,
            fingerprint: self.fingerprint.as_deref().map(Into::into),
        }));
        for (index, choice) in (0_u32..).zip(&self.choices) {
            emit_choice(index, choice, out);
        }
        if !self.citations.is_empty() {
            out.event(Event::Citations(self.citations.clone()));
        }
        out.event(Event::Usage(Box::new(self.usage.clone())));
    }
}

fn emit_choice(choice: u32, answer: &Choice, out: &mut dyn EventSink) {
    let mut calls = 0;
    for part in &answer.parts {
        match part {
            Part::Text(Text { text, .. }) => {
                if !text.is_empty() {
                    out.event(Event::Text { choice, text: text.into() });
                }
            }
            Part::Reasoning(reasoning) => {
                if !reasoning.text.is_empty() {
                    out.event(Event::Reasoning { choice, text: (&reasoning.text).into() });
                }
                if let Some(signature) = &reasoning.signature {
                    out.event(Event::ReasoningSignature { choice, signature: signature.into() });
                }
                if let Some(data) = &reasoning.redacted {
                    out.event(Event::RedactedReasoning { choice, data: data.into() });
                }
            }
            Part::Refusal(text) => out.event(Event::Refusal { choice, text: text.into() }),
            Part::ToolCall(call) => {
                out.event(Event::ToolCallStart {
                    choice,
                    index: calls,
                    id: (&call.id).into(),
                    name: (&call.name).into(),
                    signature: call.signature.as_deref().map(Into::into),
                });
                if !call.arguments.is_empty() {
                    out.event(Event::ToolCallArguments { choice, index: calls, fragment: (&call.arguments).into() });
                }
                calls += 1;
            }
            // Answers of chat models hold none of these.
            Part::Image(_) | Part::Audio { .. } | Part::File(_) | Part::ToolResult(_) => {}
        }
    }
    if !answer.logprobs.is_empty() {
        out.event(Event::Logprobs { choice, content: answer.logprobs.clone() });
    }
    if let Some(reason) = answer.finish {
        out.event(Event::Finish { choice, reason, native: answer.native_finish.as_deref().map(Into::into) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_the_events_of_an_answer_gives_the_answer() {
        let answer = ChatResponse {
            id: Some("a".into()),
            model: Some("m".into()),
            created: Some(7),
            choices: vec![Choice {
                parts: vec![
                    Part::Reasoning(ReasoningPart {
                        text: "hm".into(),
                        signature: Some("s".into()),
                        ..ReasoningPart::default()
                    }),
                    Part::text("hello"),
                    Part::ToolCall(ToolCall {
                        id: "c1".into(),
                        name: "f".into(),
                        arguments: "{}".into(),
                        signature: None,
                    }),
                    Part::ToolCall(ToolCall {
                        id: "c2".into(),
                        name: "g".into(),
                        arguments: String::new(),
                        signature: Some("t".into()),
                    }),
                ],
                finish: Some(FinishReason::ToolCalls),
                native_finish: None,
                logprobs: vec![],
            }],
            usage: Usage { input: Some(3), output: Some(4), ..Usage::default() },
            ..ChatResponse::default()
        };
        let mut builder = ResponseBuilder::default();
        answer.emit(&mut builder);
        assert_eq!(builder.finish(), answer);
    }

    #[test]
    fn interleaved_tool_arguments_reach_their_own_call() {
        let mut builder = ResponseBuilder::default();
        for (index, id) in [(0, "a"), (1, "b")] {
            builder.event(Event::ToolCallStart { choice: 0, index, id: id.into(), name: "f".into(), signature: None });
        }
        for (index, fragment) in [(1, "{\"y\""), (0, "{\"x\""), (1, ":2}"), (0, ":1}")] {
            builder.event(Event::ToolCallArguments { choice: 0, index, fragment: fragment.into() });
        }
        let arguments: Vec<_> = builder.finish().choices[0].tool_calls().map(|call| call.arguments.clone()).collect();
        assert_eq!(arguments, ["{\"x\":1}", "{\"y\":2}"]);
    }
}
