//! Tools on offer and the choice between them.

use serde_json::Value;

use super::generation::{self, Generation};
use super::schema;
use super::wire::{FunctionCallingConfig, FunctionDeclaration, Parameters, ToolConfig, ToolGroup};
use crate::chat::{ChatRequest, Tool, ToolChoice};
use crate::protocol::tool_names::ToolNames;

/// The tools in one group: the API takes only one group of functions.
pub(super) fn offered<'a>(
    request: &'a ChatRequest,
    generation: Option<Generation>,
    names: &'a ToolNames,
    warnings: &mut Vec<String>,
) -> Vec<ToolGroup<'a>> {
    if request.tools.is_empty() {
        return Vec::new();
    }
    if request.parallel_tool_calls == Some(false) {
        warnings.push("parallel_tool_calls".to_owned());
    }
    if request.tools.iter().any(|tool| tool.strict == Some(true)) {
        warnings.push("strict".to_owned());
    }
    let subset_only = generation.is_some_and(|generation| generation < generation::TWO);
    let function_declarations = request
        .tools
        .iter()
        .map(|tool| FunctionDeclaration {
            name: names.to_wire(&tool.name),
            description: tool.description.as_deref().filter(|text| !text.is_empty()),
            parameters: parameters(tool, subset_only, warnings),
        })
        .collect();
    vec![ToolGroup { function_declarations }]
}

fn parameters<'a>(tool: &'a Tool, subset_only: bool, warnings: &mut Vec<String>) -> Option<Parameters<'a>> {
    // A function without arguments must not have `parameters` at all: an object without properties is refused.
    let wanted = schema::as_object(tool.parameters.as_ref().filter(|parameters| takes_arguments(parameters))?);
    Some(if subset_only {
        Parameters::Parameters(schema::openapi_subset(&wanted, "tools", warnings))
    } else {
        Parameters::ParametersJsonSchema(wanted)
    })
}

/// Whether a schema lets any argument in: properties of its own, or some it gets from elsewhere in the schema.
fn takes_arguments(schema: &Value) -> bool {
    const SOURCES: [&str; 7] =
        ["properties", "$ref", "anyOf", "oneOf", "allOf", "patternProperties", "additionalProperties"];
    SOURCES.iter().any(|key| match schema.get(key) {
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Array(members)) => !members.is_empty(),
        Some(Value::String(_) | Value::Bool(true)) => true,
        Some(Value::Bool(false) | Value::Null | Value::Number(_)) | None => false,
    })
}

/// Which tools may or must be called. A choice without tools says nothing and is left out.
pub(super) fn choice<'a>(request: &'a ChatRequest, names: &'a ToolNames) -> Option<ToolConfig<'a>> {
    if request.tools.is_empty() {
        return None;
    }
    let (mode, allowed_function_names) = match request.tool_choice.as_ref()? {
        ToolChoice::Auto => ("AUTO", vec![]),
        ToolChoice::None => ("NONE", vec![]),
        ToolChoice::Required => ("ANY", vec![]),
        ToolChoice::Function(name) => ("ANY", vec![names.to_wire(name)]),
    };
    Some(ToolConfig { function_calling_config: FunctionCallingConfig { mode, allowed_function_names } })
}
