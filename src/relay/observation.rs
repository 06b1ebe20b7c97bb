//! What an answer's events tell about it, gathered while they pass.

use crate::chat::{ChatResponse, Event, EventSink, FinishReason, Usage};

/// Gathers usage, finish reason and size of an answer. It stores no text.
#[derive(Debug, Default)]
pub(super) struct Observation {
    /// The last usage reported.
    pub usage: Option<Box<Usage>>,
    /// Why the first choice ended.
    pub finish: Option<FinishReason>,
    /// Bytes of text, thinking and tool arguments that passed: what an estimate rests on.
    pub answer_bytes: u64,
    /// Anything of the answer itself has come.
    pub has_content: bool,
    /// What the current frame held.
    frame: FrameContent,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum FrameContent {
    #[default]
    Nothing,
    UsageOnly,
    More,
}

impl Observation {
    /// A new frame begins.
    pub(super) fn begin_frame(&mut self) {
        self.frame = FrameContent::Nothing;
    }

    /// The frame held usage and nothing else: the chunk OpenAI sends only to those who asked for it.
    pub(super) fn frame_is_usage_only(&self) -> bool {
        self.frame == FrameContent::UsageOnly
    }

    /// Notes an event without taking it.
    pub(super) fn see(&mut self, event: &Event<'_>) {
        self.frame = match event {
            Event::Usage(_) if self.frame != FrameContent::More => FrameContent::UsageOnly,
            // Finish reasons may be held back until the usage is known.
            Event::Finish { .. } => self.frame,
            Event::Usage(_)
            | Event::Start(_)
            | Event::Text { .. }
            | Event::Reasoning { .. }
            | Event::ReasoningSignature { .. }
            | Event::RedactedReasoning { .. }
            | Event::Refusal { .. }
            | Event::ToolCallStart { .. }
            | Event::ToolCallArguments { .. }
            | Event::Logprobs { .. }
            | Event::Citations(_) => FrameContent::More,
        };
        match event {
            Event::Text { text, .. } | Event::Reasoning { text, .. } | Event::Refusal { text, .. } => {
                self.content(text);
            }
            Event::ToolCallStart { name, .. } => self.content(name),
            Event::ToolCallArguments { fragment, .. } => self.content(fragment),
            Event::Finish { reason, .. } => self.finish = self.finish.or(Some(*reason)),
            Event::Usage(usage) => self.usage = Some(usage.clone()),
            Event::Start(_)
            | Event::ReasoningSignature { .. }
            | Event::RedactedReasoning { .. }
            | Event::Logprobs { .. }
            | Event::Citations(_) => {}
        }
    }

    /// What a whole answer tells.
    pub(super) fn of_response(response: &ChatResponse) -> Self {
        let mut observation = Self::default();
        response.emit(&mut observation);
        observation
    }

    fn content(&mut self, text: &str) {
        self.has_content = true;
        self.answer_bytes += text.len() as u64;
    }
}

impl EventSink for Observation {
    fn event(&mut self, event: Event<'_>) {
        self.see(&event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_with_text_beside_its_usage_is_not_usage_only() {
        let usage = || Event::Usage(Box::default());
        let mut observation = Observation::default();
        observation.begin_frame();
        observation.see(&usage());
        assert!(observation.frame_is_usage_only());
        observation.begin_frame();
        observation.see(&Event::Text { choice: 0, text: "x".into() });
        observation.see(&usage());
        assert!(!observation.frame_is_usage_only());
        observation.begin_frame();
        assert!(!observation.frame_is_usage_only());
    }

    #[test]
    fn later_usage_replaces_earlier_usage() {
        let mut observation = Observation::default();
        for output in [1, 2] {
            observation.see(&Event::Usage(Box::new(Usage { output: Some(output), ..Usage::default() })));
        }
        assert_eq!(observation.usage.unwrap().output, Some(2));
    }
}
