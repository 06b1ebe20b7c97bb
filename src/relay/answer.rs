//! What the relay hands back to the server.

use super::AnswerStream;
use crate::money::NanoUsd;
use crate::providers::RateHeaders;
use bytes::Bytes;

/// An answer to a client, in the client's own format.
pub struct Answer {
    /// Who answered.
    pub provider: String,
    /// The model that answered, in the provider's spelling.
    pub model: String,
    /// `Content-Type` of the body.
    pub content_type: &'static str,
    /// What could not be carried to the provider.
    pub warnings: Vec<String>,
    /// How much of the allowance at the provider is left, in the provider's own words.
    pub rate_headers: RateHeaders,
    /// What it cost, where that is known before the headers go out.
    pub cost: Option<NanoUsd>,
    /// The body.
    pub body: AnswerBody,
}

/// The body of an answer.
pub enum AnswerBody {
    /// All of it.
    Whole(Bytes),
    /// Piece by piece. Its end, or its being dropped, writes the record.
    Stream(Box<AnswerStream>),
}
