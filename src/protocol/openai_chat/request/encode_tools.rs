//! Writing `tools` and `tool_choice`.

use serde::Serialize;
use serde_json::Value;

use crate::chat::{Tool, ToolChoice};
use crate::protocol::ModelProfile;

/// A function; the other kind of tool has been refused.
#[derive(Debug, Serialize)]
pub(super) struct ToolOut<'a> {
    r#type: &'static str,
    function: FunctionOut<'a>,
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
        .map(|tool| ToolOut {
            r#type: "function",
            function: FunctionOut {
                name: &tool.name,
                description: tool.description.as_deref(),
                parameters: tool.parameters.as_ref(),
                strict: tool.strict,
            },
        })
        .collect()
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ChoiceOut<'a> {
    Word(&'a str),
    Tool { r#type: &'static str, function: Name<'a> },
}

#[derive(Debug, Serialize)]
pub(super) struct Name<'a> {
    name: &'a str,
}

/// Which tool must be called, in the provider's words.
pub(super) fn encode_choice<'a>(choice: &'a ToolChoice, profile: &'a ModelProfile) -> ChoiceOut<'a> {
    match choice {
        ToolChoice::Auto => ChoiceOut::Word("auto"),
        ToolChoice::None => ChoiceOut::Word("none"),
        ToolChoice::Required => ChoiceOut::Word(&profile.quirks.tool_choice_required),
        ToolChoice::Function(name) => ChoiceOut::Tool { r#type: "function", function: Name { name } },
    }
}
