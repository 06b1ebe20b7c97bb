//! The list of models (`GET /v1/models`), one page of it.

use serde::Deserialize;
use serde_json::Value;

use super::answer::malformed;
use crate::protocol::{Capabilities, ListedModel, StreamFault};

#[derive(Deserialize)]
struct List {
    data: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    max_input_tokens: Option<u64>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(default)]
    capabilities: Value,
}

/// Reads a page of the list.
///
/// # Errors
/// When it is no list of models.
pub(super) fn decode(body: &[u8]) -> Result<Vec<ListedModel>, StreamFault> {
    let list: List = serde_json::from_slice(body).map_err(malformed)?;
    Ok(list.data.into_iter().map(listed).collect())
}

fn listed(entry: Entry) -> ListedModel {
    let created = entry.created_at.and_then(|time| time.parse::<jiff::Timestamp>().ok());
    ListedModel {
        id: entry.id,
        capabilities: capabilities(&entry.capabilities),
        context_length: entry.max_input_tokens.filter(|tokens| *tokens > 0),
        max_output: entry.max_tokens.filter(|tokens| *tokens > 0),
        // "May be set to an epoch value if the release date is unknown."
        created: created.map(jiff::Timestamp::as_second).filter(|seconds| *seconds > 0),
        ..ListedModel::default()
    }
}

fn capabilities(listed: &Value) -> Capabilities {
    let supported = |path: &str| listed.pointer(&format!("{path}/supported")).and_then(Value::as_bool);
    Capabilities {
        vision: supported("/image_input"),
        reasoning: supported("/thinking"),
        json_schema: supported("/structured_outputs"),
        adaptive_thinking: supported("/thinking/types/adaptive"),
        thinking_off: supported("/thinking/types/disabled"),
        ..Capabilities::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_say_limits_and_capabilities() {
        let body = br#"{"data":[{"type":"model","id":"claude-x","display_name":"X","created_at":"2026-02-04T00:00:00Z",
            "max_input_tokens":1000000,"max_tokens":128000,"capabilities":{"image_input":{"supported":true},
            "structured_outputs":{"supported":false},"thinking":{"supported":true,"types":{
            "adaptive":{"supported":true},"disabled":{"supported":false},"enabled":{"supported":false}}}}},
            {"type":"model","id":"old","created_at":"1970-01-01T00:00:00Z","max_tokens":0,"capabilities":null}],
            "has_more":false}"#;
        let models = decode(body).unwrap();
        assert_eq!(models[0].context_length, Some(1_000_000));
        assert_eq!((models[0].max_output, models[0].created), (Some(128_000), Some(1_770_163_200)));
        let known = models[0].capabilities;
        assert_eq!((known.vision, known.json_schema, known.reasoning), (Some(true), Some(false), Some(true)));
        assert_eq!((known.adaptive_thinking, known.thinking_off), (Some(true), Some(false)));
        assert_eq!(models[1], ListedModel { id: "old".into(), ..ListedModel::default() });
    }

    #[test]
    fn what_is_no_list_is_a_fault() {
        assert!(decode(b"<html>").is_err());
        assert!(decode(br#"{"models":[]}"#).is_err());
    }
}
