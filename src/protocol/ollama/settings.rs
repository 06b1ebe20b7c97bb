//! Settings that chat and generate share and that have more than one form: `think`, `format`, `keep_alive`.

use serde_json::Value;

use crate::chat::{Effort, KeepAlive, OutputFormat, Reasoning};
use crate::protocol::DecodeError;

use super::go_json::Fields;
use super::keep_alive;

/// The places where settings stand: the top level of a body first, then its options, where Open WebUI puts some of them.
pub(super) struct Settings<'a> {
    fields: &'a Fields<'a>,
    options: Option<Fields<'a>>,
}

impl<'a> Settings<'a> {
    /// The settings of a body.
    ///
    /// # Errors
    /// A 400 when `options` is no object.
    pub(super) fn new(fields: &'a Fields<'a>) -> Result<Self, DecodeError> {
        Ok(Self { fields, options: fields.object("options", "Options")? })
    }

    /// How long the model shall stay loaded.
    pub(super) fn keep_alive(&self) -> Result<Option<KeepAlive>, DecodeError> {
        self.raw("keep_alive").map(keep_alive::parse).transpose()
    }

    /// Whether and how much the model shall think; `None` leaves it to the model.
    pub(super) fn think(&self) -> Result<Option<Reasoning>, DecodeError> {
        self.raw("think").map(think).transpose().map_err(|message| DecodeError::field("think", message))
    }

    /// Constraint on the answer's text.
    ///
    /// # Errors
    /// A **500** for anything but `"json"` and an object, which is Ollama's own status for it.
    pub(super) fn format(&self) -> Result<Option<OutputFormat>, DecodeError> {
        let Some(raw) = self.raw("format") else { return Ok(None) };
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

    fn raw(&self, key: &str) -> Option<&'a str> {
        self.fields.raw(key).or_else(|| self.options.as_ref().and_then(|options| options.raw(key)))
    }
}

fn think(raw: &str) -> Result<Reasoning, String> {
    match serde_json::from_str(raw) {
        Ok(Value::Bool(true)) => Ok(Reasoning::On),
        Ok(Value::Bool(false)) => Ok(Reasoning::Off),
        Ok(Value::String(level)) => match level.as_str() {
            "low" => Ok(Reasoning::Effort(Effort::Low)),
            "medium" => Ok(Reasoning::Effort(Effort::Medium)),
            "high" => Ok(Reasoning::Effort(Effort::High)),
            "max" => Ok(Reasoning::Effort(Effort::Max)),
            other => Err(format!(
                "invalid think value: {other:?} (must be \"high\", \"medium\", \"low\", \"max\", true, or false)"
            )),
        },
        _ => {
            Err("think must be a boolean or string (\"high\", \"medium\", \"low\", \"max\", true, or false)".to_owned())
        }
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
