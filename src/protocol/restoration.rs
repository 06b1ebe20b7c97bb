//! What was bent on a request's way to the provider is bent back on the answer's way to the client.
//!
//! Codecs that read answers know nothing of the request, so whoever holds both puts a [`Restoration`] between decoder and
//! encoder: one per attempt, for streams and whole answers alike.

use super::think_tags::ThinkTags;
use super::tool_names::ToolNames;
use super::{ModelProfile, Protocol};
use crate::chat::{ChatRequest, ChatResponse, Event, EventSink, Reasoning, ResponseBuilder};

/// Turns a provider's answer into the one the client expects. The default changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Restoration {
    /// Tools get the names the client knows.
    names: ToolNames,
    /// Thinking is taken out of the text.
    think_tags: Option<ThinkTags>,
    /// The client asked for none: some models cannot stop, and their thinking is paid for but not shown.
    hides_thinking: bool,
}

impl Restoration {
    /// What an answer to `request` needs that comes from this model, reached through this protocol.
    pub fn for_request(request: &ChatRequest, protocol: Protocol, profile: &ModelProfile) -> Self {
        let names = protocol.tool_name_rule().map(|rule| ToolNames::for_request(request, rule));
        Self {
            names: names.unwrap_or_default(),
            think_tags: profile.quirks.think_tags.then(ThinkTags::default),
            hides_thinking: request.reasoning == Some(Reasoning::Off),
        }
    }

    /// Hands an event on as the client shall see it: usually as it is, sometimes as several or none.
    pub fn pass(&mut self, event: Event<'_>, out: &mut dyn EventSink) {
        let Self { names, think_tags, hides_thinking } = self;
        match think_tags {
            Some(tags) => tags.pass(event, &mut |event: Event<'_>| show(names, *hides_thinking, event, out)),
            None => show(names, *hides_thinking, event, out),
        }
    }

    /// Hands out what was held back. Called once, after the last event.
    pub fn finish(&mut self, out: &mut dyn EventSink) {
        let Self { names, think_tags, hides_thinking } = self;
        if let Some(tags) = think_tags {
            tags.finish(&mut |event: Event<'_>| show(names, *hides_thinking, event, out));
        }
    }

    /// Does the same to a whole answer. Instead of events, not beside them.
    pub fn restore(&mut self, answer: &mut ChatResponse) {
        if self.names.is_empty() && self.think_tags.is_none() && !self.hides_thinking {
            return;
        }
        let mut builder = ResponseBuilder::default();
        answer.emit(&mut |event: Event<'_>| self.pass(event, &mut builder));
        self.finish(&mut builder);
        let mut restored = builder.finish().choices.into_iter();
        for choice in &mut answer.choices {
            choice.parts = restored.next().unwrap_or_default().parts;
        }
    }
}

fn show(names: &ToolNames, hides_thinking: bool, event: Event<'_>, out: &mut dyn EventSink) {
    if !(hides_thinking && is_thinking(&event)) {
        out.event(names.name_call(event));
    }
}

fn is_thinking(event: &Event<'_>) -> bool {
    match event {
        Event::Reasoning { .. } | Event::ReasoningSignature { .. } | Event::RedactedReasoning { .. } => true,
        Event::Start(_)
        | Event::Text { .. }
        | Event::Refusal { .. }
        | Event::ToolCallStart { .. }
        | Event::ToolCallArguments { .. }
        | Event::Logprobs { .. }
        | Event::Citations(_)
        | Event::Finish { .. }
        | Event::Usage(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Choice, FinishReason, Part, ReasoningPart, Tool, ToolCall, ToolKind};
    use crate::protocol::Quirks;

    fn offering(name: &str) -> ChatRequest {
        let tool = Tool {
            name: name.to_owned(),
            description: None,
            parameters: None,
            strict: None,
            kind: ToolKind::Function,
            cache_control: None,
        };
        ChatRequest { tools: vec![tool], ..ChatRequest::default() }
    }

    fn with_tags() -> ModelProfile {
        ModelProfile { quirks: Quirks { think_tags: true, ..Quirks::default() }, ..ModelProfile::default() }
    }

    fn call(name: &str) -> Part {
        Part::ToolCall(ToolCall { id: "c".into(), name: name.into(), arguments: "{}".into(), signature: None })
    }

    fn thought(text: &str) -> Part {
        Part::Reasoning(ReasoningPart { text: text.into(), ..ReasoningPart::default() })
    }

    fn answer(parts: Vec<Part>) -> ChatResponse {
        let choice = Choice { parts, finish: Some(FinishReason::ToolCalls), ..Choice::default() };
        ChatResponse { id: Some("a".into()), choices: vec![choice], ..ChatResponse::default() }
    }

    #[test]
    fn streams_and_whole_answers_are_restored_alike() {
        let request = offering("a.b");
        let wire = ToolNames::for_request(&request, crate::protocol::tool_names::NameRule::ANTHROPIC);
        let sent = answer(vec![Part::text("<think>hm</think>so"), call(wire.to_wire("a.b")), call("never_offered")]);
        let restoration = Restoration::for_request(&request, Protocol::Anthropic, &with_tags());

        let mut builder = ResponseBuilder::default();
        let mut streaming = restoration.clone();
        sent.emit(&mut |event: Event<'_>| streaming.pass(event, &mut builder));
        streaming.finish(&mut builder);

        let mut whole = sent.clone();
        restoration.clone().restore(&mut whole);
        assert_eq!(whole, answer(vec![thought("hm"), Part::text("so"), call("a.b"), call("never_offered")]));
        assert_eq!(builder.finish(), whole);
    }

    #[test]
    fn nothing_is_restored_where_nothing_was_bent() {
        let sent = answer(vec![Part::text("<think>hm</think>so"), call("f")]);
        let mut whole = sent.clone();
        Restoration::for_request(&offering("f"), Protocol::Gemini, &ModelProfile::default()).restore(&mut whole);
        assert_eq!(whole, sent);
    }

    #[test]
    fn thinking_is_hidden_from_those_who_asked_for_none() {
        let signed =
            ReasoningPart { signature: Some("s".into()), redacted: Some("r".into()), ..ReasoningPart::default() };
        let parts = vec![thought("hm"), Part::Reasoning(signed), Part::text("<think>so</think>yes<thi")];
        for (reasoning, expected) in [
            (Some(Reasoning::Off), vec![Part::text("yes<thi")]),
            (None, vec![parts[0].clone(), parts[1].clone(), Part::text("<think>so</think>yes<thi")]),
        ] {
            let request = ChatRequest { reasoning, ..ChatRequest::default() };
            let profile = if reasoning.is_some() { with_tags() } else { ModelProfile::default() };
            let mut whole = answer(parts.clone());
            Restoration::for_request(&request, Protocol::OpenAi, &profile).restore(&mut whole);
            assert_eq!(whole, answer(expected));
        }
        let request = ChatRequest { reasoning: Some(Reasoning::Off), ..ChatRequest::default() };
        let mut cut = answer(vec![Part::text("<think>cut </thi")]);
        Restoration::for_request(&request, Protocol::OpenAi, &with_tags()).restore(&mut cut);
        assert_eq!(cut, answer(vec![]));
    }

    #[test]
    fn choices_keep_their_places() {
        let mut whole = answer(vec![]);
        whole.choices.push(Choice { parts: vec![Part::text("<think>x</think>y")], ..Choice::default() });
        whole.choices.push(Choice::default());
        Restoration::for_request(&ChatRequest::default(), Protocol::OpenAi, &with_tags()).restore(&mut whole);
        assert_eq!(whole.choices.len(), 3);
        assert_eq!((whole.choices[1].reasoning().as_str(), whole.choices[1].text().as_str()), ("x", "y"));
    }
}
