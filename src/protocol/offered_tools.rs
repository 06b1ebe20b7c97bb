//! What is refused of the tools a client offers, whatever the provider's format.

use super::{EncodeError, ModelProfile};
use crate::chat::{ChatRequest, ToolKind};

/// Called by every codec before it writes a request.
///
/// # Errors
/// When the model cannot call tools, or a tool takes free text. Only OpenAI's own format has such tools, and a client
/// that offers one waits for a call of the same kind: as a function it would come back as something else. They reach
/// providers to which bodies are forwarded as they are.
pub(super) fn check(request: &ChatRequest, profile: &ModelProfile) -> Result<(), EncodeError> {
    if request.tools.is_empty() {
        return Ok(());
    }
    let model = &profile.id;
    if profile.capabilities.tools == Some(false) {
        return Err(EncodeError::new("tools", format!("model `{model}` cannot call tools")));
    }
    let free_text = request.tools.iter().find(|tool| match tool.kind {
        ToolKind::Custom => true,
        ToolKind::Function => false,
    });
    match free_text {
        Some(tool) => {
            let message =
                format!("tool `{}` is `custom`, which model `{model}` has no word for: offer a function", tool.name);
            Err(EncodeError::new("tools", message))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Message, Role, Tool};
    use crate::protocol::{Capabilities, Protocol};

    fn refused(kind: ToolKind, tools: Option<bool>) -> [Option<String>; 4] {
        let tool =
            Tool { name: "patch".into(), description: None, parameters: None, strict: None, kind, cache_control: None };
        let request = ChatRequest {
            messages: vec![Message::text(Role::User, "hi")],
            tools: vec![tool],
            ..ChatRequest::default()
        };
        let profile =
            ModelProfile { capabilities: Capabilities { tools, ..Capabilities::default() }, ..ModelProfile::default() };
        [Protocol::OpenAi, Protocol::Ollama, Protocol::Anthropic, Protocol::Gemini]
            .map(|protocol| protocol.codec().encode_request(&request, &profile).err().map(|error| error.param))
    }

    #[test]
    fn free_text_tools_are_refused_by_every_codec() {
        assert!(refused(ToolKind::Custom, Some(true)).iter().all(|param| param.as_deref() == Some("tools")));
        assert!(refused(ToolKind::Function, Some(true)).iter().all(Option::is_none));
    }

    #[test]
    fn models_without_tools_are_offered_none() {
        assert!(refused(ToolKind::Function, Some(false)).iter().all(Option::is_some));
        assert!(refused(ToolKind::Function, None).iter().all(Option::is_none));
    }
}
