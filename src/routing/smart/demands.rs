//! What a request asks of the model that answers it.

use serde::{Deserialize, Serialize};

use crate::chat::{ChatRequest, OutputFormat, Part, Reasoning};

/// Bytes of text per token. Less than an estimate for the bill takes, because a candidate whose window is too small
/// fails, while one with too large a window costs nothing.
const BYTES_PER_TOKEN: u64 = 3;
/// Roles and separators around each message.
const TOKENS_PER_MESSAGE: u64 = 8;
/// What the usual vendors count for a picture of middling size.
const TOKENS_PER_IMAGE: u64 = 1_200;
/// A document of a few pages, or some seconds of sound: rough, but not nothing.
const TOKENS_PER_ATTACHMENT: u64 = 1_500;

/// What a request asks of the model that answers it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Demands {
    /// The prompt's length in tokens, estimated.
    pub prompt_tokens: u64,
    /// The longest answer the client wants, tokens.
    pub answer_tokens: Option<u64>,
    /// There are pictures in it.
    pub images: bool,
    /// There is sound in it.
    pub audio: bool,
    /// It offers tools.
    pub tools: bool,
    /// The answer must follow a JSON schema.
    pub json_schema: bool,
    /// The client asks for thinking.
    #[serde(default)]
    pub thinking: bool,
    /// It holds what no translation carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untranslatable: Option<Untranslatable>,
}

/// What of a request can only be sent in the client's own protocol.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Untranslatable {
    /// That protocol.
    pub protocol: String,
    /// Where in the request it stands: `messages[0].content[1]`.
    pub place: String,
}

impl Demands {
    /// Reads them off a request.
    pub fn of(request: &ChatRequest) -> Self {
        let mut demands = Self {
            answer_tokens: request.max_tokens,
            tools: !request.tools.is_empty(),
            json_schema: matches!(request.format, Some(OutputFormat::Schema { .. })),
            thinking: match request.reasoning {
                Some(Reasoning::On | Reasoning::Effort(_) | Reasoning::Budget(_)) => true,
                Some(Reasoning::Off) | None => false,
            },
            untranslatable: request
                .unread
                .as_ref()
                .map(|unread| Untranslatable { protocol: unread.protocol.to_owned(), place: unread.place.clone() }),
            ..Self::default()
        };
        if demands.untranslatable.is_some() {
            demands.prompt_tokens += TOKENS_PER_ATTACHMENT;
        }
        let mut bytes = 0;
        for message in &request.messages {
            demands.prompt_tokens += TOKENS_PER_MESSAGE;
            bytes += demands.read_parts(&message.parts);
        }
        for tool in &request.tools {
            let schema = tool.parameters.as_ref().map_or(0, |schema| schema.to_string().len());
            bytes += tool.name.len() + tool.description.as_ref().map_or(0, String::len) + schema;
        }
        demands.prompt_tokens += (bytes as u64).div_ceil(BYTES_PER_TOKEN);
        demands
    }

    /// Notes what attachments ask for; returns the bytes of text.
    fn read_parts(&mut self, parts: &[Part]) -> usize {
        let mut bytes = 0;
        for part in parts {
            match part {
                Part::Text(text) => bytes += text.text.len(),
                Part::Reasoning(reasoning) => bytes += reasoning.text.len(),
                Part::Refusal(text) => bytes += text.len(),
                Part::ToolCall(call) => bytes += call.name.len() + call.arguments.len(),
                Part::ToolResult(result) => bytes += self.read_parts(&result.content),
                Part::Image(_) => {
                    self.images = true;
                    self.prompt_tokens += TOKENS_PER_IMAGE;
                }
                Part::Audio { .. } => {
                    self.audio = true;
                    self.prompt_tokens += TOKENS_PER_ATTACHMENT;
                }
                Part::File(_) => self.prompt_tokens += TOKENS_PER_ATTACHMENT,
            }
        }
        bytes
    }
}
