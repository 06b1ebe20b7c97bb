//! Writing `tools` and `tool_choice`.

use serde::Serialize;
use serde_json::Value;

use crate::chat::{ChatRequest, Tool, ToolChoice, ToolKind};
use crate::protocol::ModelProfile;

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ToolOut<'a> {
    Function { function: FunctionOut<'a> },
    Custom { custom: FunctionOut<'a> },
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// The tools in the client's order: prompt caches depend on it.
/// Cache marks are left out; only requests forwarded as they are reach providers that know them.
pub(super) fn encode_tools(tools: &[Tool]) -> Vec<ToolOut<'_>> {
    tools
        .iter()
        .map(|tool| {
            let function = FunctionOut {
                name: &tool.name,
                description: tool.description.as_deref(),
                parameters: tool.parameters.as_ref(),
                strict: tool.strict,
            };
            match tool.kind {
                ToolKind::Function => ToolOut::Function { function },
                ToolKind::Custom => {
                    ToolOut::Custom { custom: FunctionOut { parameters: None, strict: None, ..function } }
                }
            }
        })
        .collect()
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ChoiceOut<'a> {
    Word(&'a str),
    Tool(NamedTool<'a>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum NamedTool<'a> {
    Function { function: Name<'a> },
    Custom { custom: Name<'a> },
}

#[derive(Debug, Serialize)]
pub(super) struct Name<'a> {
    name: &'a str,
}

/// Which tool must be called, in the provider's words.
pub(super) fn encode_choice<'a>(
    choice: &'a ToolChoice,
    request: &ChatRequest,
    profile: &'a ModelProfile,
) -> ChoiceOut<'a> {
    match choice {
        ToolChoice::Auto => ChoiceOut::Word("auto"),
        ToolChoice::None => ChoiceOut::Word("none"),
        ToolChoice::Required => ChoiceOut::Word(&profile.quirks.tool_choice_required),
        ToolChoice::Function(name) if is_custom(name, request) => {
            ChoiceOut::Tool(NamedTool::Custom { custom: Name { name } })
        }
        ToolChoice::Function(name) => ChoiceOut::Tool(NamedTool::Function { function: Name { name } }),
    }
}

/// Whether the tool takes free text instead of JSON arguments.
pub(super) fn is_custom(name: &str, request: &ChatRequest) -> bool {
    request.tools.iter().any(|tool| tool.name == name && tool.kind == ToolKind::Custom)
}
