//! An answer, piece by piece.

use std::borrow::Cow;

use serde_json::Value;

use super::{Citation, Usage};

/// A piece of a streamed answer. Texts borrow from the upstream's frame where they can.
///
/// Order within one choice: reasoning before text before tool calls is usual but not promised;
/// `Finish` comes once per choice, `Usage` may come at any time and **replaces** what came before (providers repeat it).
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// The upstream's own names for the answer. At most once, before anything else.
    Start(Start<'a>),
    /// Answer text.
    Text {
        /// Index of the alternative answer.
        choice: u32,
        /// The fragment; never empty.
        text: Cow<'a, str>,
    },
    /// Thinking text.
    Reasoning {
        /// Index of the alternative answer.
        choice: u32,
        /// The fragment; never empty.
        text: Cow<'a, str>,
    },
    /// Anthropic's signature of the thinking that came before; ends that block of thinking. Nobody else's, see
    /// [`super::ReasoningPart::signature`].
    ReasoningSignature {
        /// Index of the alternative answer.
        choice: u32,
        /// Opaque.
        signature: Cow<'a, str>,
    },
    /// Thinking the provider does not show, to be replayed as it is.
    RedactedReasoning {
        /// Index of the alternative answer.
        choice: u32,
        /// Opaque.
        data: Cow<'a, str>,
    },
    /// The model declines.
    Refusal {
        /// Index of the alternative answer.
        choice: u32,
        /// The fragment.
        text: Cow<'a, str>,
    },
    /// A tool call begins. `index` counts 0, 1, 2… within the choice.
    ToolCallStart {
        /// Index of the alternative answer.
        choice: u32,
        /// Number of the call within the choice.
        index: u32,
        /// Unique id, never empty.
        id: Cow<'a, str>,
        /// The tool's name.
        name: Cow<'a, str>,
        /// Gemini's thought signature.
        signature: Option<Cow<'a, str>>,
    },
    /// More of a tool call's arguments. Calls may interleave.
    ToolCallArguments {
        /// Index of the alternative answer.
        choice: u32,
        /// Number of the call within the choice.
        index: u32,
        /// Fragment of JSON text; never empty.
        fragment: Cow<'a, str>,
    },
    /// Log probabilities of the tokens just sent, in OpenAI's `content` list shape.
    Logprobs {
        /// Index of the alternative answer.
        choice: u32,
        /// List of `{token, logprob, bytes, top_logprobs}`.
        content: Vec<Value>,
    },
    /// Sources, the complete list so far (a later list replaces it).
    Citations(Vec<Citation>),
    /// The choice is complete.
    Finish {
        /// Index of the alternative answer.
        choice: u32,
        /// Why it ended.
        reason: FinishReason,
        /// The provider's own word, when it says more than `reason`.
        native: Option<Cow<'a, str>>,
    },
    /// What the answer took so far; replaces earlier ones.
    Usage(Box<Usage>),
}

/// The upstream's own names for an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start<'a> {
    /// The answer's id.
    pub id: Option<Cow<'a, str>>,
    /// The model that answers, in the provider's spelling.
    pub model: Option<Cow<'a, str>>,
    /// Unix seconds.
    pub created: Option<i64>,
    /// OpenAI's `system_fingerprint`.
    pub fingerprint: Option<Cow<'a, str>>,
}

/// Why an answer ended. A stream that just stops has no finish reason: that is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done, or met a stop text.
    Stop,
    /// The token limit was reached.
    Length,
    /// The model waits for tool results.
    ToolCalls,
    /// The provider's filter, or a refusal.
    ContentFilter,
}

impl FinishReason {
    /// OpenAI's word for it, also used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
        }
    }
}

/// Where decoders put events: an encoder, an observer, a list, or several of them.
pub trait EventSink {
    /// Takes the next event.
    fn event(&mut self, event: Event<'_>);
}

impl<F: FnMut(Event<'_>)> EventSink for F {
    fn event(&mut self, event: Event<'_>) {
        self(event);
    }
}

impl Event<'_> {
    /// The same event, owning its texts.
    pub fn into_owned(self) -> Event<'static> {
        fn own(text: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(text.into_owned())
        }
        match self {
            Self::Start(start) => Event::Start(Start {
                id: start.id.map(own),
                model: start.model.map(own),
                created: start.created,
                fingerprint: start.fingerprint.map(own),
            }),
            Self::Text { choice, text } => Event::Text { choice, text: own(text) },
            Self::Reasoning { choice, text } => Event::Reasoning { choice, text: own(text) },
            Self::ReasoningSignature { choice, signature } => {
                Event::ReasoningSignature { choice, signature: own(signature) }
            }
            Self::RedactedReasoning { choice, data } => Event::RedactedReasoning { choice, data: own(data) },
            Self::Refusal { choice, text } => Event::Refusal { choice, text: own(text) },
            Self::ToolCallStart { choice, index, id, name, signature } => {
                Event::ToolCallStart { choice, index, id: own(id), name: own(name), signature: signature.map(own) }
            }
            Self::ToolCallArguments { choice, index, fragment } => {
                Event::ToolCallArguments { choice, index, fragment: own(fragment) }
            }
            Self::Logprobs { choice, content } => Event::Logprobs { choice, content },
            Self::Citations(citations) => Event::Citations(citations),
            Self::Finish { choice, reason, native } => Event::Finish { choice, reason, native: native.map(own) },
            Self::Usage(usage) => Event::Usage(usage),
        }
    }
}
