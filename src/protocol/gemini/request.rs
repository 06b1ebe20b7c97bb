//! Chat request to `generateContent` body.

use super::generation::Generation;
use super::{contents, settings, tools, wire};
use crate::chat::ChatRequest;
use crate::protocol::tool_names::{NameRule, ToolNames};
use crate::protocol::{EncodeError, Encoded, ModelProfile, Protocol, offered_tools};

/// Writes the body. The model's id stands in the address, not here.
pub(super) fn encode(request: &ChatRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
    if request.suffix.is_some() {
        return Err(EncodeError::new("suffix", "Gemini cannot fill in the middle"));
    }
    offered_tools::check(request, profile)?;
    let names = ToolNames::for_request(request, NameRule::GEMINI);
    let generation = Generation::of(&profile.id);
    let mut warnings = Vec::new();
    let conversation = contents::encode(request, profile, generation, &names, &mut warnings)?;
    let body = wire::Request {
        system_instruction: conversation.system_instruction,
        contents: conversation.contents,
        tools: tools::offered(request, generation, &names, &mut warnings),
        tool_config: tools::choice(request, &names),
        generation_config: settings::encode(request, profile, generation, &mut warnings)?,
        extra: (request.extra.protocol == Protocol::Gemini.as_str()).then_some(&request.extra.fields),
    };
    let body = serde_json::to_vec(&body).expect("texts, numbers and JSON values always serialise");
    Ok(Encoded { body, warnings })
}

#[cfg(test)]
mod tests;
