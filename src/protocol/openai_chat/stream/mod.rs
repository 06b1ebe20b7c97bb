//! Streamed answers: reading those of providers, writing those for clients.

mod decode;
mod encode;
mod frame;
#[cfg(test)]
mod tests;

pub(super) use decode::StreamDecoder;
pub use decode::is_usage_chunk;
pub(super) use encode::ChatEncoder;
pub(super) use frame::{ChunkFrame, DONE};
