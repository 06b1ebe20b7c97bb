//! Tools on offer, and which of them must or must not be called.

use std::borrow::Cow;
use std::collections::HashSet;

use super::schema::InputSchema;
use crate::chat::{ChatRequest, Part, Role, Tool, ToolChoice};
use crate::protocol::ModelProfile;
use crate::protocol::anthropic_messages::wire;
use crate::protocol::tool_names::ToolNames;

/// The tools of the request under names Anthropic takes.
///
/// Anthropic refuses calls and results of earlier turns when no tool is on offer, so a client that has stopped offering
/// tools gets bare definitions of those in its history; [`choice`] then forbids to call them.
pub(super) fn definitions<'a>(
    request: &'a ChatRequest,
    names: &'a ToolNames,
    profile: &ModelProfile,
    warnings: &mut Vec<String>,
) -> Vec<wire::ToolDefinition<'a>> {
    if request.tools.is_empty() {
        return called_before(request).map(|name| definition_from_history(name, names)).collect();
    }
    // The flag came with structured outputs; a model that may not have them would refuse it.
    let knows_strict = profile.capabilities.json_schema == Some(true);
    if !knows_strict && request.tools.iter().any(|tool| tool.strict == Some(true)) {
        warnings.push("tools.strict".to_owned());
    }
    request.tools.iter().map(|tool| definition(tool, names, knows_strict)).collect()
}

fn definition<'a>(tool: &'a Tool, names: &'a ToolNames, knows_strict: bool) -> wire::ToolDefinition<'a> {
    wire::ToolDefinition {
        name: Cow::Borrowed(names.to_wire(&tool.name)),
        description: tool.description.as_deref().filter(|text| !text.is_empty()),
        input_schema: InputSchema::new(tool.parameters.as_ref()),
        strict: knows_strict && tool.strict == Some(true),
        cache_control: tool.cache_control.map(Into::into),
    }
}

fn definition_from_history<'a>(name: &'a str, names: &'a ToolNames) -> wire::ToolDefinition<'a> {
    wire::ToolDefinition {
        name: Cow::Borrowed(names.to_wire(name)),
        description: None,
        input_schema: InputSchema::new(None),
        strict: false,
        cache_control: None,
    }
}

/// The names of tools the model called in earlier turns, each once, in order.
fn called_before(request: &ChatRequest) -> impl Iterator<Item = &str> {
    let mut seen = HashSet::new();
    let spoken = request.messages.iter().filter(|message| message.role == Role::Assistant);
    spoken.flat_map(|message| &message.parts).filter_map(move |part| match part {
        Part::ToolCall(call) => seen.insert(call.name.as_str()).then_some(call.name.as_str()),
        Part::Text(_)
        | Part::Image(_)
        | Part::Audio { .. }
        | Part::File(_)
        | Part::Reasoning(_)
        | Part::Refusal(_)
        | Part::ToolResult(_) => None,
    })
}

/// Whether the client wants some tool, or a certain one, to be called.
pub(super) fn is_forced(request: &ChatRequest) -> bool {
    match request.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Function(_)) => !request.tools.is_empty(),
        Some(ToolChoice::Auto | ToolChoice::None) | None => false,
    }
}

/// The choice to send beside `offered` definitions. `unforced`: the model cannot be forced, it decides itself.
pub(super) fn choice<'a>(
    request: &'a ChatRequest,
    names: &'a ToolNames,
    offered: bool,
    unforced: bool,
) -> Option<wire::ToolChoice<'a>> {
    if !offered {
        return None;
    }
    if request.tools.is_empty() {
        return Some(wire::ToolChoice::None);
    }
    let disable_parallel_tool_use = request.parallel_tool_calls == Some(false);
    let auto = wire::ToolChoice::Auto { disable_parallel_tool_use };
    match &request.tool_choice {
        None => disable_parallel_tool_use.then_some(auto),
        Some(ToolChoice::None) => Some(wire::ToolChoice::None),
        Some(ToolChoice::Required | ToolChoice::Function(_)) if unforced => Some(auto),
        Some(ToolChoice::Auto) => Some(auto),
        Some(ToolChoice::Required) => Some(wire::ToolChoice::Any { disable_parallel_tool_use }),
        Some(ToolChoice::Function(name)) => {
            Some(wire::ToolChoice::Tool { name: names.to_wire(name), disable_parallel_tool_use })
        }
    }
}
