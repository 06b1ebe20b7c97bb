//! Settings that chat and generate share and that have more than one form: `think`, `format`, `keep_alive`, log probabilities.
//!
//! Each is looked for at the top level first and then among the options, where Open WebUI puts them.

use serde_json::Value;

use crate::chat::{Effort, KeepAlive, OutputFormat, Reasoning};
use crate::protocol::DecodeError;

use super::go_json::Fields;
use super::keep_alive as duration;

/// The options, for settings that stand there by mistake.
pub(super) fn misplaced<'a>(fields: &Fields<'a>) -> Result<Option<Fields<'a>>, DecodeError> {
    fields.object("options", "Options")
}

fn raw<'a>(key: &str, fields: &Fields<'a>, misplaced: &Option<Fields<'a>>) -> Option<&'a str> {
    fields.raw(key).or_else(|| misplaced.as_ref().and_then(|options| options.raw(key)))
}

/// How long the model shall stay loaded.
pub(super) fn keep_alive(
    fields: &Fields<'_>,
    misplaced: &Option<Fields<'_>>,
) -> Result<Option<KeepAlive>, DecodeError> {
    raw("keep_alive", fields, misplaced).map(duration::parse).transpose()
}

/// Whether and how much the model shall think; `None` leaves it to the model.
pub(super) fn think(fields: &Fields<'_>, misplaced: &Option<Fields<'_>>) -> Result<Option<Reasoning>, DecodeError> {
    let Some(raw) = raw("think", fields, misplaced) else { return Ok(None) };
    let refuse = |message: String| DecodeError::field("think", message);
    match serde_json::from_str(raw) {
        Ok(Value::Bool(on)) => Ok(Some(if on { Reasoning::On } else { Reasoning::Off })),
        Ok(Value::String(level)) => match level.as_str() {
            "low" => Ok(Some(Reasoning::Effort(Effort::Low))),
            "medium" => Ok(Some(Reasoning::Effort(Effort::Medium))),
            "high" => Ok(Some(Reasoning::Effort(Effort::High))),
            "max" => Ok(Some(Reasoning::Effort(Effort::Max))),
            other => Err(refuse(format!(
                "invalid think value: {other:?} (must be \"high\", \"medium\", \"low\", \"max\", true, or false)"
            ))),
        },
        _ => Err(refuse(
            "think must be a boolean or string (\"high\", \"medium\", \"low\", \"max\", true, or false)".to_owned(),
        )),
    }
}

/// Constraint on the answer's text.
///
/// # Errors
/// A **500** for anything but `"json"` and an object, which is Ollama's own status for it.
pub(super) fn format(fields: &Fields<'_>, misplaced: &Option<Fields<'_>>) -> Result<Option<OutputFormat>, DecodeError> {
    let Some(raw) = raw("format", fields, misplaced) else { return Ok(None) };
    match serde_json::from_str(raw) {
        Ok(Value::String(text)) if text.is_empty() => Ok(None),
        Ok(Value::String(text)) if text == "json" => Ok(Some(OutputFormat::Json)),
        Ok(schema @ Value::Object(_)) => {
            Ok(Some(OutputFormat::Schema { name: None, description: None, schema, strict: None }))
        }
        _ => Err(DecodeError {
            status: 500,
            message: format!("invalid format: {raw}; expected \"json\" or a valid JSON Schema object"),
            param: Some("format".to_owned()),
        }),
    }
}

/// The number of alternatives per token, whether or not log probabilities were asked for.
///
/// # Errors
/// A 400 when it is not between 0 and 20.
pub(super) fn top_logprobs(fields: &Fields<'_>) -> Result<u8, DecodeError> {
    let top = fields.integer("top_logprobs")?.unwrap_or(0);
    u8::try_from(top)
        .ok()
        .filter(|top| *top <= 20)
        .ok_or_else(|| DecodeError::field("top_logprobs", "top_logprobs must be between 0 and 20"))
}
