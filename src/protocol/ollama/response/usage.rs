//! What an answer of an Ollama server took.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::chat::Usage;

/// The metrics of an answer's last line. Ollama leaves zeros out, so an absent count is zero.
#[derive(Serialize, Deserialize)]
struct WireMetrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    total_duration: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load_duration: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_eval_count: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_eval_duration: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eval_count: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eval_duration: Option<Number>,
}

impl WireMetrics {
    fn read(json: &[u8]) -> Result<(Self, Option<String>), serde_json::Error> {
        let metrics: Self = serde_json::from_slice(json)?;
        let raw = serde_json::to_string(&metrics)?;
        Ok((metrics, Some(raw)))
    }
}

/// The usage of a chat or generate answer, from the JSON of its last line.
pub(in crate::protocol::ollama) fn of_answer(json: &[u8]) -> Result<Usage, serde_json::Error> {
    let (metrics, raw) = WireMetrics::read(json)?;
    Ok(Usage {
        input: Some(count(metrics.prompt_eval_count.as_ref())),
        output: Some(count(metrics.eval_count.as_ref())),
        raw,
        ..Usage::default()
    })
}

/// The usage of an embeddings answer, which generates nothing.
pub(in crate::protocol::ollama) fn of_embedding(json: &[u8]) -> Result<Usage, serde_json::Error> {
    let (metrics, raw) = WireMetrics::read(json)?;
    Ok(Usage { input: Some(count(metrics.prompt_eval_count.as_ref())), raw, ..Usage::default() })
}

/// Servers that imitate Ollama may write `12.0`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are small; what is negative or out of range saturates"
)]
fn count(number: Option<&Number>) -> u64 {
    number.map_or(0, |number| number.as_u64().unwrap_or_else(|| number.as_f64().unwrap_or(0.0) as u64))
}

/// Unix seconds of an RFC 3339 time; `None` when it is none.
pub(in crate::protocol::ollama) fn seconds(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}
