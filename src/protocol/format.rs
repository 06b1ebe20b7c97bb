//! The formats there are, and who reads and writes each: the registry.

use serde::{Deserialize, Serialize};

use super::tool_names::NameRule;
use super::{
    ClientCodec, DecodeError, ReplyContext, ServerCodec, VectorEncoding, anthropic_messages, gemini, ollama,
    openai_chat,
};
use crate::chat::{EmbedRequest, EmbedResponse};
use crate::clock::Timing;

/// A wire format providers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OpenAI Chat Completions and everything compatible with it.
    OpenAi,
    /// Ollama's native API.
    Ollama,
    /// Anthropic Messages.
    Anthropic,
    /// Google's `generateContent`.
    Gemini,
}

/// A request format clients speak; each belongs to one face (OpenAI's or Ollama's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientFormat {
    /// `POST /v1/chat/completions`.
    OpenAiChat,
    /// `POST /v1/completions`.
    OpenAiCompletions,
    /// `POST /api/chat`.
    OllamaChat,
    /// `POST /api/generate`.
    OllamaGenerate,
}

/// An embeddings format clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EmbedFormat {
    /// `POST /v1/embeddings`.
    OpenAi,
    /// `POST /api/embed`.
    Ollama,
    /// `POST /api/embeddings`, the older one.
    OllamaLegacy,
}

impl Protocol {
    /// The word used in configuration, records and [`crate::chat::Extra`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Ollama => "ollama",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// The codec towards providers that speak this format.
    pub fn codec(self) -> &'static dyn ClientCodec {
        match self {
            Self::OpenAi => &openai_chat::Client,
            Self::Ollama => &ollama::Client,
            Self::Anthropic => &anthropic_messages::Client,
            Self::Gemini => &gemini::Client,
        }
    }

    /// What its providers accept as the name of a tool, where they are strict about it.
    pub fn tool_name_rule(self) -> Option<NameRule> {
        match self {
            Self::OpenAi | Self::Ollama => None,
            Self::Anthropic => Some(NameRule::ANTHROPIC),
            Self::Gemini => Some(NameRule::GEMINI),
        }
    }
}

impl ClientFormat {
    /// The format of bodies that come to a path, as records keep it.
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            "/v1/chat/completions" | "/api/chat/completions" => Some(Self::OpenAiChat),
            "/v1/completions" => Some(Self::OpenAiCompletions),
            "/api/chat" => Some(Self::OllamaChat),
            "/api/generate" => Some(Self::OllamaGenerate),
            _ => None,
        }
    }

    /// The protocol whose bytes the client speaks; where the provider speaks it too, bytes can be forwarded.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions => Protocol::OpenAi,
            Self::OllamaChat | Self::OllamaGenerate => Protocol::Ollama,
        }
    }

    /// The codec towards clients that speak this format.
    pub fn codec(self) -> &'static dyn ServerCodec {
        match self {
            Self::OpenAiChat => &openai_chat::ChatServer,
            Self::OpenAiCompletions => &openai_chat::CompletionsServer,
            Self::OllamaChat => &ollama::ChatServer,
            Self::OllamaGenerate => &ollama::GenerateServer,
        }
    }

    /// What keeps a silent stream alive between two events: a comment, where the format has comments. Lines of JSON have
    /// none, and Ollama's clients parse every line.
    pub fn keep_alive(self) -> Option<&'static [u8]> {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions => Some(b": keep-alive\n\n"),
            Self::OllamaChat | Self::OllamaGenerate => None,
        }
    }

    /// What ends a stream beyond its last event. A forwarded stream gets it when the provider left it out.
    pub fn stream_terminator(self) -> &'static [u8] {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions => b"data: [DONE]\n\n",
            Self::OllamaChat | Self::OllamaGenerate => b"",
        }
    }
}

impl EmbedFormat {
    /// The protocol whose bytes the client speaks.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::OpenAi => Protocol::OpenAi,
            Self::Ollama | Self::OllamaLegacy => Protocol::Ollama,
        }
    }

    /// The chat codec of the same face: for error bodies and content types.
    pub fn face(self) -> &'static dyn ServerCodec {
        match self {
            Self::OpenAi => ClientFormat::OpenAiChat.codec(),
            Self::Ollama | Self::OllamaLegacy => ClientFormat::OllamaChat.codec(),
        }
    }

    /// Reads a request. The second value is how the client wants its vectors.
    ///
    /// # Errors
    /// [`DecodeError`] with the status and text the protocol prescribes.
    pub fn decode_request(self, body: &[u8]) -> Result<(EmbedRequest, VectorEncoding), DecodeError> {
        match self {
            Self::OpenAi => openai_chat::decode_embed_request(body),
            Self::Ollama => Ok((ollama::decode_embed_request(body)?, VectorEncoding::Float)),
            Self::OllamaLegacy => Ok((ollama::decode_legacy_embed_request(body)?, VectorEncoding::Float)),
        }
    }

    /// Writes the answer.
    pub fn encode_response(
        self,
        context: &ReplyContext,
        response: &EmbedResponse,
        encoding: VectorEncoding,
        timing: Timing,
    ) -> Vec<u8> {
        match self {
            Self::OpenAi => openai_chat::encode_embed_response(context, response, encoding),
            Self::Ollama => ollama::encode_embed_response(context, response, timing),
            Self::OllamaLegacy => ollama::encode_legacy_embed_response(response),
        }
    }
}
