//! Answers in both directions: what we write to clients ([`encode`]), what an Ollama server writes to us ([`decode`]).
//!
//! A whole answer is the last line of a stream with the texts filled in, so streams and whole answers share their code.

pub(super) mod decode;
pub(super) mod encode;
pub(super) mod line;
#[cfg(test)]
mod tests;
pub(super) mod usage;
