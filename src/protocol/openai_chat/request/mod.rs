//! Requests: reading those of clients, writing those for providers.
//!
//! Reading is strict about types and names the field at fault; writing sends only what was said, never a null,
//! and bends to the quirks of the profile.

mod body;
mod decode;
mod decode_messages;
mod decode_tools;
mod encode;
mod encode_messages;
mod encode_tools;
mod message_out;
#[cfg(test)]
mod tests;
mod tool_results;

pub(super) use body::Body;
pub(super) use decode::{Known, decode, decode_shared, empty_is_eof};
pub(super) use encode::encode;
