//! The JSON of Anthropic Messages: first what is sent, then what comes back.
//!
//! Requests borrow from the chat request, so a long prompt is copied once, into the JSON; absent means absent, nothing
//! is sent as `null`. In answers everything is optional and nested values stay raw text until their kind is known, so
//! fields, blocks and events of tomorrow never fail an answer.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::request::InputSchema;
use crate::chat::CacheControl;
use crate::protocol::lenient::{self, Fields, Scalar};

/// The body of `POST /v1/messages`.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    pub(super) model: &'a str,
    pub(super) max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<System<'a>>,
    pub(super) messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<ToolDefinition<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_config: Option<OutputConfig<'a>>,
    #[serde(flatten)]
    pub(super) sampling: Sampling,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) stream: bool,
    #[serde(flatten)]
    pub(super) extra: Option<&'a Map<String, Value>>,
}

/// The three sampling parameters the format knows.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Sampling {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_k: Option<i64>,
}

/// The operator's instructions.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum System<'a> {
    Text(String),
    Blocks(Vec<Block<'a>>),
}

/// One turn of the conversation.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    pub(super) role: TurnRole,
    pub(super) content: Vec<Block<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TurnRole {
    User,
    Assistant,
}

/// A content block.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheMark>,
    },
    Image {
        source: Source<'a>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolUse {
        id: String,
        name: Cow<'a, str>,
        input: Cow<'a, RawValue>,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheMark>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
}

/// Where the bytes of an image or a document are.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: &'static str, data: &'a str },
    Text { media_type: &'static str, data: String },
    Url { url: &'a str },
}

/// A mark that everything up to here may be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "ephemeral")]
pub(super) struct CacheMark {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ttl: Option<&'static str>,
}

impl From<CacheControl> for CacheMark {
    fn from(mark: CacheControl) -> Self {
        // Five minutes is the default and is not said, as older compatible servers do not know `ttl`.
        Self { ttl: mark.one_hour.then_some("1h") }
    }
}

/// A tool on offer.
#[derive(Debug, Serialize)]
pub(super) struct ToolDefinition<'a> {
    pub(super) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    pub(super) input_schema: InputSchema<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) strict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<CacheMark>,
}

/// Which tool must or must not be called.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToolChoice<'a> {
    Auto {
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        disable_parallel_tool_use: bool,
    },
    Any {
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        disable_parallel_tool_use: bool,
    },
    Tool {
        name: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        disable_parallel_tool_use: bool,
    },
    None,
}

/// Whether and how much the model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Enabled {
        budget_tokens: u64,
    },
    /// `display` defaults to `omitted` on models that know only this kind, and clients want to see the thinking.
    Adaptive {
        display: &'static str,
    },
    Disabled,
}

/// Effort and shape of the answer.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<Format<'a>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Format<'a> {
    JsonSchema { schema: &'a Value },
}

#[derive(Debug, Serialize)]
pub(super) struct Metadata<'a> {
    pub(super) user_id: &'a str,
}

/// A frame of a stream, or a whole body: which fields are there depends on `kind`.
#[derive(Debug, Default)]
pub(super) struct AnswerFrame<'a> {
    pub(super) kind: Option<BorrowedText<'a>>,
    pub(super) index: Option<&'a RawValue>,
    pub(super) message: Option<&'a RawValue>,
    pub(super) content_block: Option<&'a RawValue>,
    pub(super) delta: Option<Piece<'a>>,
    pub(super) usage: Option<&'a RawValue>,
    pub(super) error: Option<&'a RawValue>,
}

impl<'de> Fields<'de> for AnswerFrame<'de> {
    fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "type" => self.kind = map.next_value()?,
            "index" => self.index = map.next_value()?,
            "message" => self.message = map.next_value()?,
            "content_block" => self.content_block = map.next_value()?,
            "delta" => lenient::next_object(map, &mut self.delta)?,
            "usage" => self.usage = map.next_value()?,
            "error" => self.error = map.next_value()?,
            _ => lenient::skip(map)?,
        }
        Ok(())
    }
}

/// The message itself: without content in `message_start`, with all of it in a whole answer.
#[derive(Debug, Deserialize)]
pub(super) struct AnswerMessage<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<BorrowedText<'a>>,
    #[serde(borrow, default)]
    pub(super) model: Option<BorrowedText<'a>>,
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) stop_reason: Option<BorrowedText<'a>>,
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
}

/// A content block or a delta of one: the fields of all known kinds.
#[derive(Debug, Default)]
pub(super) struct Piece<'a> {
    pub(super) kind: Scalar<'a>,
    pub(super) text: Scalar<'a>,
    pub(super) thinking: Scalar<'a>,
    pub(super) signature: Scalar<'a>,
    pub(super) data: Scalar<'a>,
    pub(super) id: Scalar<'a>,
    pub(super) name: Scalar<'a>,
    pub(super) input: Option<&'a RawValue>,
    pub(super) partial_json: Scalar<'a>,
    pub(super) citation: Option<&'a RawValue>,
    pub(super) citations: Option<&'a RawValue>,
    pub(super) stop_reason: Scalar<'a>,
}

impl<'de> Fields<'de> for Piece<'de> {
    fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "type" => self.kind = map.next_value()?,
            "text" => self.text = map.next_value()?,
            "thinking" => self.thinking = map.next_value()?,
            "signature" => self.signature = map.next_value()?,
            "data" => self.data = map.next_value()?,
            "id" => self.id = map.next_value()?,
            "name" => self.name = map.next_value()?,
            "input" => self.input = map.next_value()?,
            "partial_json" => self.partial_json = map.next_value()?,
            "citation" => self.citation = map.next_value()?,
            "citations" => self.citations = map.next_value()?,
            "stop_reason" => self.stop_reason = map.next_value()?,
            _ => lenient::skip(map)?,
        }
        Ok(())
    }
}

/// A source of a text block; only those with an address can be shown to clients.
#[derive(Debug, Deserialize)]
pub(super) struct CitedSource {
    #[serde(default)]
    pub(super) url: Option<String>,
    /// The address of a `search_result_location`.
    #[serde(default)]
    pub(super) source: Option<String>,
    #[serde(default)]
    pub(super) title: Option<String>,
}

/// A string that borrows where it has no escapes (serde does not do this inside an `Option` by itself).
#[derive(Debug, Deserialize)]
pub(super) struct BorrowedText<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);
