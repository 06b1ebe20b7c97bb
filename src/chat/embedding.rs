//! Embeddings: a second, small canonical value beside chat.

use super::{Extra, Usage};

/// Texts to be turned into vectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbedRequest {
    /// In the client's order.
    pub inputs: Vec<EmbedInput>,
    /// Wanted vector length.
    pub dimensions: Option<u32>,
    /// Ollama: cut texts that are too long (the default) instead of failing.
    pub truncate: Option<bool>,
    /// The client's own name for the person behind the request.
    pub end_user: Option<String>,
    /// Fields of the client's protocol that the model above does not know.
    pub extra: Extra,
}

/// One thing to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbedInput {
    /// A text.
    Text(String),
    /// Token ids of the model's own vocabulary: only OpenAI-format servers take them.
    Tokens(Vec<u32>),
}

/// The vectors, one per input in the same order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbedResponse {
    /// As the provider gave them, not normalised.
    pub vectors: Vec<Vec<f32>>,
    /// The model that answered, in the provider's spelling.
    pub model: Option<String>,
    /// What it took.
    pub usage: Usage,
}
