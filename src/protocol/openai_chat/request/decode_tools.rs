//! Reading `tools` and `tool_choice`, with the deprecated `functions` and `function_call`.

use serde::Deserialize;
use serde_json::Value;

use super::decode_messages::{WireCacheControl, leave_out};
use crate::chat::{ChatRequest, Tool, ToolChoice, ToolKind, Unread};
use crate::protocol::DecodeError;
use crate::protocol::envelope::Envelope;

#[derive(Deserialize)]
struct WireTool {
    r#type: Option<String>,
    function: Option<WireFunction>,
    custom: Option<WireFunction>,
    cache_control: Option<WireCacheControl>,
    /// Some clients leave the wrapper out.
    #[serde(flatten)]
    flat: WireFlat,
}

#[derive(Deserialize)]
struct WireFlat {
    name: Option<String>,
    description: Option<String>,
    parameters: Option<Value>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct WireFunction {
    name: String,
    description: Option<String>,
    parameters: Option<Value>,
    strict: Option<bool>,
    cache_control: Option<WireCacheControl>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a word or an object")]
enum WireChoice {
    Word(String),
    Object(WireChoiceObject),
}

#[derive(Deserialize)]
struct WireChoiceObject {
    function: Option<WireName>,
    custom: Option<WireName>,
    allowed_tools: Option<WireAllowed>,
    /// The deprecated `function_call`.
    name: Option<String>,
}

#[derive(Deserialize)]
struct WireName {
    name: String,
}

#[derive(Deserialize)]
struct WireAllowed {
    mode: String,
    tools: Vec<WireChoiceObject>,
}

/// Fills `tools` and `tool_choice`. Tools of kinds that are not known are left out, and the first one noted.
pub(super) fn decode_tools(envelope: &Envelope<'_>, request: &mut ChatRequest) -> Result<(), DecodeError> {
    let tools = envelope.read::<Vec<WireTool>>("tools")?.unwrap_or_default();
    for (at, tool) in tools.into_iter().enumerate() {
        request.tools.extend(decode_tool(at, tool, &mut request.unread)?);
    }
    for function in envelope.read::<Vec<WireFunction>>("functions")?.unwrap_or_default() {
        request.tools.push(decode_function(function, ToolKind::Function, None));
    }
    for field in ["function_call", "tool_choice"] {
        if let Some(choice) = envelope.read::<WireChoice>(field)? {
            request.tool_choice = decode_choice(field, choice, &mut request.tools, &mut request.unread)?;
        }
    }
    Ok(())
}

fn decode_tool(at: usize, tool: WireTool, unread: &mut Option<Unread>) -> Result<Option<Tool>, DecodeError> {
    let place = format!("tools[{at}]");
    let kind = match tool.r#type.as_deref() {
        Some("function") | None => ToolKind::Function,
        Some("custom") => ToolKind::Custom,
        Some(other) => {
            leave_out(unread, &place, format!("tools of type {other:?} are not supported"));
            return Ok(None);
        }
    };
    if let Some(function) = tool.function.or(tool.custom) {
        return Ok(Some(decode_function(function, kind, tool.cache_control)));
    }
    let WireFlat { name, description, parameters, strict } = tool.flat;
    let name = name.ok_or_else(|| DecodeError::field(place, "a tool needs `function`"))?;
    let function = WireFunction { name, description, parameters, strict, cache_control: None };
    Ok(Some(decode_function(function, kind, tool.cache_control)))
}

fn decode_function(function: WireFunction, kind: ToolKind, outer_mark: Option<WireCacheControl>) -> Tool {
    Tool {
        name: function.name,
        description: function.description,
        parameters: function.parameters.filter(|schema| !schema.is_null()),
        strict: function.strict,
        kind,
        cache_control: outer_mark.or(function.cache_control).map(|mark| mark.decode()),
    }
}

/// `allowed_tools` leaves the other tools out: the model may not call them either way, and every provider understands it.
/// `None`: a tool of a kind that is not known.
fn decode_choice(
    field: &str,
    choice: WireChoice,
    tools: &mut Vec<Tool>,
    unread: &mut Option<Unread>,
) -> Result<Option<ToolChoice>, DecodeError> {
    let object = match choice {
        WireChoice::Word(word) => return choice_word(field, &word).map(Some),
        WireChoice::Object(object) => object,
    };
    if let Some(allowed) = object.allowed_tools {
        let names: Vec<String> = allowed.tools.into_iter().filter_map(WireChoiceObject::into_name).collect();
        tools.retain(|tool| names.contains(&tool.name));
        return choice_word(field, &allowed.mode).map(Some);
    }
    let name = object.into_name();
    if name.is_none() {
        leave_out(unread, field, format!("`{field}` names no tool"));
    }
    Ok(name.map(ToolChoice::Function))
}

fn choice_word(field: &str, word: &str) -> Result<ToolChoice, DecodeError> {
    match word {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        // Mistral's word for it.
        "required" | "any" => Ok(ToolChoice::Required),
        other => Err(DecodeError::field(field, format!("`{field}` cannot be {other:?}"))),
    }
}

impl WireChoiceObject {
    fn into_name(self) -> Option<String> {
        self.function.or(self.custom).map(|named| named.name).or(self.name)
    }
}
