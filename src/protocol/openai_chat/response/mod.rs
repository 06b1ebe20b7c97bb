//! Whole answers: reading those of providers, writing those for clients.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub(super) use decode::{decode, observe};
pub(super) use encode::{answer_id, encode, finish_word};
