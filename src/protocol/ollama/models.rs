//! The list of models an Ollama server has (`/api/tags`).

use serde::Deserialize;
use serde_json::Value;

use crate::protocol::{Capabilities, ListedModel, ModelKind, StreamFault};

use super::error;
use super::response::usage;

#[derive(Deserialize)]
struct WireList {
    models: Option<Vec<Value>>,
}

/// Reads the list. Entries without a name are passed over.
pub(super) fn decode(body: &[u8]) -> Result<Vec<ListedModel>, StreamFault> {
    let list: WireList = serde_json::from_slice(body).map_err(error::malformed)?;
    Ok(list.models.unwrap_or_default().into_iter().filter_map(model).collect())
}

fn model(entry: Value) -> Option<ListedModel> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let listed: Option<Vec<&str>> = entry
        .get("capabilities")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty())
        .map(|list| list.iter().filter_map(Value::as_str).collect());
    let has = |name: &str| listed.as_ref().map(|list| list.contains(&name));
    Some(ListedModel {
        id: text("model").or_else(|| text("name"))?.to_owned(),
        capabilities: Capabilities {
            tools: has("tools"),
            vision: has("vision"),
            audio: has("audio"),
            reasoning: has("thinking"),
            insert: has("insert"),
            ..Capabilities::default()
        },
        kind: match (has("completion"), has("embedding")) {
            (Some(true), _) => Some(ModelKind::Chat),
            (_, Some(true)) => Some(ModelKind::Embedding),
            (_, Some(false) | None) => None,
        },
        context_length: entry.pointer("/details/context_length").and_then(Value::as_u64).filter(|length| *length > 0),
        max_output: None,
        created: text("modified_at").and_then(usage::seconds),
        price: None,
        ollama: Some(entry),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_say_what_a_model_is_and_can_do() {
        let body = br#"{"models":[
            {"name":"a:7b","model":"a:7b","modified_at":"2026-01-01T01:00:00+01:00","capabilities":["completion","tools"],
             "details":{"family":"x","context_length":8192}},
            {"name":"e:latest","capabilities":["embedding"]},
            {"name":"old:latest","details":{}},
            {"size":1}]}"#;
        let models = decode(body).unwrap();
        let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids, ["a:7b", "e:latest", "old:latest"]);
        assert_eq!(
            (models[0].kind, models[1].kind, models[2].kind),
            (Some(ModelKind::Chat), Some(ModelKind::Embedding), None)
        );
        assert_eq!((models[0].capabilities.tools, models[0].capabilities.reasoning), (Some(true), Some(false)));
        assert_eq!(models[2].capabilities, Capabilities::default());
        assert_eq!((models[0].context_length, models[0].created), (Some(8192), Some(1_767_225_600)));
        assert_eq!(models[0].ollama.as_ref().unwrap()["details"]["family"], "x");
    }

    #[test]
    fn no_models_is_an_empty_list() {
        assert_eq!(decode(br#"{"models":null}"#), Ok(vec![]));
        assert!(decode(b"404").is_err());
    }
}
