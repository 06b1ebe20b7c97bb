//! Requests in both directions: what clients ask us ([`mod@decode`]), what we ask an Ollama server ([`mod@encode`]).

mod decode;
mod encode;
mod messages;
#[cfg(test)]
mod tests;
mod wire;

pub(super) use decode::{chat, generate};
pub(super) use encode::encode;
