//! What providers send, whole answers and stream chunks alike: the two differ in little but `message` and `delta`.
//!
//! Everything borrows from the body or frame. Parts that are rare, or whose shape varies between providers, stay raw text
//! until somebody needs them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::lenient::Scalar;

/// `chat.completion`, `chat.completion.chunk` or `text_completion`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) id: Scalar<'a>,
    #[serde(borrow)]
    pub(super) object: Scalar<'a>,
    #[serde(borrow)]
    pub(super) model: Scalar<'a>,
    #[serde(borrow)]
    pub(super) created: Scalar<'a>,
    #[serde(borrow)]
    pub(super) system_fingerprint: Scalar<'a>,
    #[serde(borrow)]
    pub(super) service_tier: Scalar<'a>,
    #[serde(borrow)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    /// Providers report failures inside a 200 here.
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    /// Groq's own corner.
    #[serde(borrow)]
    pub(super) x_groq: Option<Groq<'a>>,
    /// Perplexity: list of addresses, repeated on every chunk.
    #[serde(borrow)]
    pub(super) citations: Option<&'a RawValue>,
    /// Perplexity: list of `{title, url, …}`.
    #[serde(borrow)]
    pub(super) search_results: Option<&'a RawValue>,
}

/// Groq reports usage and failures here, on the first and last chunk.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Groq<'a> {
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// One of the alternative answers, or a piece of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice<'a> {
    #[serde(borrow)]
    pub(super) index: Scalar<'a>,
    #[serde(borrow)]
    pub(super) delta: Option<Said<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Said<'a>>,
    /// Prompt completions.
    #[serde(borrow)]
    pub(super) text: Scalar<'a>,
    #[serde(borrow)]
    pub(super) finish_reason: Scalar<'a>,
    /// OpenRouter: the word of the provider behind it.
    #[serde(borrow)]
    pub(super) native_finish_reason: Scalar<'a>,
    #[serde(borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
    /// OpenRouter.
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// What was said: a `message` or a `delta`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    pub(super) content: Content<'a>,
    #[serde(borrow)]
    pub(super) reasoning_content: Scalar<'a>,
    #[serde(borrow)]
    pub(super) reasoning: Scalar<'a>,
    #[serde(borrow)]
    pub(super) refusal: Scalar<'a>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<Call<'a>>>,
    /// The form before `tool_calls`.
    #[serde(borrow)]
    pub(super) function_call: Option<Function<'a>>,
    #[serde(borrow)]
    pub(super) annotations: Option<&'a RawValue>,
}

/// A tool call or a fragment of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Call<'a> {
    #[serde(borrow)]
    pub(super) index: Scalar<'a>,
    #[serde(borrow)]
    pub(super) id: Scalar<'a>,
    #[serde(borrow)]
    pub(super) function: Option<Function<'a>>,
    /// A tool whose input is free text.
    #[serde(borrow)]
    pub(super) custom: Option<Function<'a>>,
    pub(super) extra_content: ExtraContent,
}

/// Name and arguments of a call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Scalar<'a>,
    /// Text, or an object (Mistral).
    #[serde(borrow, alias = "input")]
    pub(super) arguments: Option<&'a RawValue>,
}

/// Where Gemini's OpenAI-compatible endpoint puts the thought signature of a call.
#[derive(Debug, Default)]
pub(super) struct ExtraContent {
    pub(super) thought_signature: Option<String>,
}

impl<'de> Deserialize<'de> for ExtraContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let signature = value.pointer("/google/thought_signature").and_then(Value::as_str);
        Ok(Self { thought_signature: signature.filter(|signature| !signature.is_empty()).map(str::to_owned) })
    }
}

/// `content`: a text, or a list of chunks (Mistral).
#[derive(Debug, Default)]
pub(super) enum Content<'a> {
    /// `null`, missing, or of a type nobody knows.
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Chunks(Vec<Chunk<'a>>),
}

/// A piece of list-form content; kinds other than text and thinking say nothing we could pass on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) text: Scalar<'a>,
    #[serde(borrow)]
    pub(super) thinking: Content<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of chunks")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Content::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut chunks = Vec::new();
        while let Some(chunk) = list.next_element()? {
            chunks.push(chunk);
        }
        Ok(Content::Chunks(chunks))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Content::Absent)
    }
}

/// The text a raw JSON value stands for: a string's content, nothing for `null`, else the JSON itself.
pub(super) fn text_or_json(raw: &RawValue) -> Cow<'_, str> {
    match raw.get() {
        "null" => Cow::Borrowed(""),
        json if json.starts_with('"') => match serde_json::from_str::<Scalar<'_>>(json) {
            Ok(Scalar::Text(text)) => text,
            Ok(Scalar::Absent | Scalar::Integer(_) | Scalar::Float(_) | Scalar::Bool(_)) | Err(_) => Cow::Borrowed(""),
        },
        json => Cow::Borrowed(json),
    }
}
