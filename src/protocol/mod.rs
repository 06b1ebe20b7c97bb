//! Wire formats, as pure translation: no I/O, no clock, not async.
//!
//! One folder per format, each with the same files: `wire.rs` (serde types), `request.rs`, `response.rs`, `stream.rs`, `error.rs`.
//! A format spoken by clients implements [`ServerCodec`], a format spoken by providers implements [`ClientCodec`];
//! OpenAI's and Ollama's are spoken by both. [`ClientFormat::codec`] and [`Protocol::codec`] are the registry.
//!
//! `framing` turns bytes into [`framing::Frame`]s, `envelope` edits the top level of a JSON body without touching the rest (`scan` finds it),
//! `system_text` fits a request to a model without system prompt, `tool_names` maps names a provider would refuse, `offered_tools` refuses tools that cannot be carried, and
//! [`Restoration`] makes of a provider's answer the one the client expects.

pub mod anthropic_messages;
mod codec;
pub mod envelope;
mod error;
mod format;
pub mod framing;
pub mod gemini;
mod lenient;
mod listed;
mod offered_tools;
pub mod ollama;
pub mod openai_chat;
mod profile;
mod restoration;
mod scan;
mod sniff;
pub mod system_text;
mod think_tags;
pub mod tool_names;

pub use codec::{
    ClientCodec, ContentTypes, Encoded, EventDecoder, EventEncoder, ReasoningField, ReplyContext, ServerCodec,
    VectorEncoding, whole,
};
pub use error::{ApiError, DecodeError, EncodeError, ErrorKind, ProviderError, StreamFault};
pub use format::{ClientFormat, EmbedFormat, Protocol};
pub use listed::{ListedModel, ListedPrice};
pub use profile::{Capabilities, ModelKind, ModelProfile, Quirks, ToolIds};
pub use restoration::Restoration;
