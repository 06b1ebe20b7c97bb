//! Forward or translate: the one place that decides it.

use crate::protocol::{ClientFormat, ModelProfile, Protocol};
use crate::providers::Operation;

/// How a request crosses from the client's format to the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Both speak the same format: the bytes go through, with edits at the top level only.
    Forward(Operation),
    /// Through the chat model.
    Translate,
}

/// Forwarding keeps unknown fields and costs nothing, so it is taken whenever the formats agree
/// and no quirk asks for rewritten messages.
pub(super) fn plan(format: ClientFormat, protocol: Protocol, profile: &ModelProfile, stream: bool) -> Plan {
    if format.protocol() != protocol {
        return Plan::Translate;
    }
    match format {
        ClientFormat::OpenAiChat | ClientFormat::OllamaChat if profile.quirks.reshapes_messages() => Plan::Translate,
        ClientFormat::OpenAiChat | ClientFormat::OllamaChat => Plan::Forward(Operation::Chat { stream }),
        ClientFormat::OpenAiCompletions if !profile.quirks.completions => Plan::Translate,
        ClientFormat::OpenAiCompletions | ClientFormat::OllamaGenerate => Plan::Forward(Operation::Completion),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Quirks;

    fn plan_for(format: ClientFormat, protocol: Protocol, quirks: Quirks) -> Plan {
        plan(format, protocol, &ModelProfile { quirks, ..ModelProfile::default() }, true)
    }

    #[test]
    fn equal_formats_forward_and_different_ones_translate() {
        let chat = Plan::Forward(Operation::Chat { stream: true });
        assert_eq!(plan_for(ClientFormat::OpenAiChat, Protocol::OpenAi, Quirks::default()), chat);
        assert_eq!(plan_for(ClientFormat::OllamaChat, Protocol::Ollama, Quirks::default()), chat);
        for protocol in [Protocol::Ollama, Protocol::Anthropic, Protocol::Gemini] {
            assert_eq!(plan_for(ClientFormat::OpenAiChat, protocol, Quirks::default()), Plan::Translate);
        }
    }

    #[test]
    fn a_quirk_that_rewrites_messages_translates() {
        let quirks = Quirks { merge_roles: true, ..Quirks::default() };
        assert_eq!(plan_for(ClientFormat::OpenAiChat, Protocol::OpenAi, quirks), Plan::Translate);
        let quirks = Quirks { supports_system_prompt: false, ..Quirks::default() };
        assert_eq!(plan_for(ClientFormat::OllamaChat, Protocol::Ollama, quirks), Plan::Translate);
    }

    #[test]
    fn prompts_are_forwarded_only_where_the_provider_takes_prompts() {
        let quirks = Quirks { completions: true, ..Quirks::default() };
        let forward = Plan::Forward(Operation::Completion);
        assert_eq!(plan_for(ClientFormat::OpenAiCompletions, Protocol::OpenAi, quirks), forward);
        let plain = plan_for(ClientFormat::OpenAiCompletions, Protocol::OpenAi, Quirks::default());
        assert_eq!(plain, Plan::Translate);
        assert_eq!(plan_for(ClientFormat::OllamaGenerate, Protocol::Ollama, Quirks::default()), forward);
    }
}
