//! The canonical chat model: what every wire format is translated to and from.
//!
//! Plain data, no I/O, no clock, nothing of ours imported but `money`.
//! Start at [`ChatRequest`] (what a client asks), [`Event`] (what comes back piece by piece) and [`Usage`] (what it took).
//! A field that no two protocols share does not belong here: it rides in [`Extra`] and returns only to the protocol it came from.

mod embedding;
mod event;
mod message;
mod request;
mod response;
mod usage;

pub use embedding::{EmbedInput, EmbedRequest, EmbedResponse};
pub use event::{Event, EventSink, FinishReason, Start};
pub use message::{
    CacheControl, Citation, File, FileSource, Image, ImageSource, Message, Part, ReasoningPart, Role, Text, ToolCall,
    ToolResult,
};
pub use request::{
    ChatRequest, Effort, Extra, KeepAlive, OutputFormat, Reasoning, Sampling, Tool, ToolChoice, ToolKind, Unread,
};
pub use response::{ChatResponse, Choice, ResponseBuilder};
pub use usage::{SearchContext, Usage};
