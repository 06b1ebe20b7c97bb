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

use crate::protocol::lenient::{self, Fields, Scalar};

/// `chat.completion`, `chat.completion.chunk` or `text_completion`.
#[derive(Debug, Default)]
pub(super) struct Answer<'a> {
    pub(super) id: Scalar<'a>,
    pub(super) object: Scalar<'a>,
    pub(super) model: Scalar<'a>,
    pub(super) created: Scalar<'a>,
    pub(super) system_fingerprint: Scalar<'a>,
    pub(super) service_tier: Scalar<'a>,
    pub(super) choices: Option<Vec<Choice<'a>>>,
    pub(super) usage: Option<&'a RawValue>,
    /// Providers report failures inside a 200 here.
    pub(super) error: Option<&'a RawValue>,
    /// Groq's own corner.
    pub(super) x_groq: Option<Groq<'a>>,
    /// Perplexity: list of addresses, repeated on every chunk.
    pub(super) citations: Option<&'a RawValue>,
    /// Perplexity: list of `{title, url, …}`.
    pub(super) search_results: Option<&'a RawValue>,
}

impl<'de> Fields<'de> for Answer<'de> {
    fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = map.next_value()?,
            "object" => self.object = map.next_value()?,
            "model" => self.model = map.next_value()?,
            "created" => self.created = map.next_value()?,
            "system_fingerprint" => self.system_fingerprint = map.next_value()?,
            "service_tier" => self.service_tier = map.next_value()?,
            "choices" => lenient::next_list(map, &mut self.choices)?,
            "usage" => self.usage = map.next_value()?,
            "error" => self.error = map.next_value()?,
            "x_groq" => self.x_groq = map.next_value()?,
            "citations" => self.citations = map.next_value()?,
            "search_results" => self.search_results = map.next_value()?,
            _ => lenient::skip(map)?,
        }
        Ok(())
    }
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
#[derive(Debug, Default)]
pub(super) struct Choice<'a> {
    pub(super) index: Scalar<'a>,
    pub(super) delta: Option<Said<'a>>,
    pub(super) message: Option<Said<'a>>,
    /// Prompt completions.
    pub(super) text: Scalar<'a>,
    pub(super) finish_reason: Scalar<'a>,
    /// OpenRouter: the word of the provider behind it.
    pub(super) native_finish_reason: Scalar<'a>,
    pub(super) logprobs: Option<&'a RawValue>,
    /// OpenRouter.
    pub(super) error: Option<&'a RawValue>,
}

impl<'de> Fields<'de> for Choice<'de> {
    fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "index" => self.index = map.next_value()?,
            "delta" => lenient::next_object(map, &mut self.delta)?,
            "message" => lenient::next_object(map, &mut self.message)?,
            "text" => self.text = map.next_value()?,
            "finish_reason" => self.finish_reason = map.next_value()?,
            "native_finish_reason" => self.native_finish_reason = map.next_value()?,
            "logprobs" => self.logprobs = map.next_value()?,
            "error" => self.error = map.next_value()?,
            _ => lenient::skip(map)?,
        }
        Ok(())
    }
}

/// What was said: a `message` or a `delta`.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) content: Content<'a>,
    pub(super) reasoning_content: Scalar<'a>,
    pub(super) reasoning: Scalar<'a>,
    pub(super) refusal: Scalar<'a>,
    pub(super) tool_calls: Option<Vec<Call<'a>>>,
    /// The form before `tool_calls`.
    pub(super) function_call: Option<Function<'a>>,
    pub(super) annotations: Option<&'a RawValue>,
}

impl<'de> Fields<'de> for Said<'de> {
    fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "content" => self.content = map.next_value()?,
            "reasoning_content" => self.reasoning_content = map.next_value()?,
            "reasoning" => self.reasoning = map.next_value()?,
            "refusal" => self.refusal = map.next_value()?,
            "tool_calls" => self.tool_calls = map.next_value()?,
            "function_call" => self.function_call = map.next_value()?,
            "annotations" => self.annotations = map.next_value()?,
            _ => lenient::skip(map)?,
        }
        Ok(())
    }
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
