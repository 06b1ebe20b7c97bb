//! `GET models`: the provider's list.

use serde::Deserialize;

use super::response::faultless;
use super::wire::tokens;
use crate::protocol::{Capabilities, ListedModel, ModelKind, StreamFault};

#[derive(Debug, Deserialize)]
struct List {
    #[serde(default)]
    models: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    #[serde(default)]
    supported_generation_methods: Vec<String>,
    #[serde(default, deserialize_with = "tokens")]
    input_token_limit: Option<u64>,
    #[serde(default, deserialize_with = "tokens")]
    output_token_limit: Option<u64>,
    thinking: Option<bool>,
}

/// Reads the list. Models that neither chat nor embed (pictures, films, question answering) are left out.
pub(super) fn decode(body: &[u8]) -> Result<Vec<ListedModel>, StreamFault> {
    let list: List = faultless(body)?;
    Ok(list.models.into_iter().filter_map(listed).collect())
}

fn listed(entry: Entry) -> Option<ListedModel> {
    let can = |method: &str| entry.supported_generation_methods.iter().any(|name| name == method);
    let kind = if can("generateContent") {
        ModelKind::Chat
    } else if can("embedContent") || can("batchEmbedContents") {
        ModelKind::Embedding
    } else {
        return None;
    };
    Some(ListedModel {
        id: entry.name.strip_prefix("models/").unwrap_or(&entry.name).to_owned(),
        capabilities: Capabilities { reasoning: entry.thinking, ..Capabilities::default() },
        kind: Some(kind),
        context_length: entry.input_token_limit,
        max_output: entry.output_token_limit,
        ..ListedModel::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_and_embedding_models_are_listed_and_others_left_out() {
        let models = decode(
            br#"{"models":[
                {"name":"models/gemini-2.5-flash","inputTokenLimit":1048576,"outputTokenLimit":65536,
                 "supportedGenerationMethods":["generateContent","countTokens"],"thinking":true},
                {"name":"models/gemini-embedding-001","inputTokenLimit":2048,"outputTokenLimit":1,
                 "supportedGenerationMethods":["embedContent"]},
                {"name":"models/imagen-4.0","supportedGenerationMethods":["predict"]}],"nextPageToken":"x"}"#,
        )
        .unwrap();
        assert_eq!(models.len(), 2);
        assert_eq!((models[0].id.as_str(), models[0].kind), ("gemini-2.5-flash", Some(ModelKind::Chat)));
        assert_eq!((models[0].context_length, models[0].max_output), (Some(1_048_576), Some(65_536)));
        assert_eq!(models[0].capabilities.reasoning, Some(true));
        assert_eq!((models[1].id.as_str(), models[1].kind), ("gemini-embedding-001", Some(ModelKind::Embedding)));
        assert_eq!(models[1].capabilities.reasoning, None);
    }

    #[test]
    fn an_empty_list_is_an_empty_object_and_garbage_is_no_list() {
        assert_eq!(decode(b"{}"), Ok(vec![]));
        assert!(matches!(decode(b"<html>"), Err(StreamFault::Malformed(_))));
        let error = br#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#;
        assert!(matches!(decode(error), Err(StreamFault::Provider(_))));
    }
}
