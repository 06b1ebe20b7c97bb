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
    /// The current frame reported usage.
    frame_has_usage: bool,
}

impl Observation {
    /// A new frame begins.
    pub(super) fn begin_frame(&mut self) {
        self.frame_has_usage = false;
    }

    /// The frame reported usage, perhaps beside other things.
    pub(super) fn frame_has_usage(&self) -> bool {
        self.frame_has_usage
    }

    /// Notes an event without taking it.
    pub(super) fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Text { text, .. } | Event::Reasoning { text, .. } | Event::Refusal { text, .. } => {
                self.content(text);
            }
            Event::ToolCallStart { name, .. } => self.content(name),
            Event::ToolCallArguments { fragment, .. } => self.content(fragment),
            Event::Finish { reason, .. } => self.finish = self.finish.or(Some(*reason)),
            Event::Usage(usage) => {
                self.frame_has_usage = true;
                self.usage = Some(usage.clone());
            }
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
    fn later_usage_replaces_earlier_usage() {
        let mut observation = Observation::default();
        for output in [1, 2] {
            observation.see(&Event::Usage(Box::new(Usage { output: Some(output), ..Usage::default() })));
        }
        assert_eq!(observation.usage.unwrap().output, Some(2));
    }
}
