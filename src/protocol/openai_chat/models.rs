//! Reading a provider's list of models. OpenAI lists bare ids; others say what a model can do, how much it reads
//! and what it costs, each under names of their own.

use serde_json::Value;

use super::error;
use crate::protocol::{Capabilities, ListedModel, ListedPrice, ModelKind, StreamFault};

const NOT_A_LIST: &str = "JSON that is no list of models";

/// Reads the list, whichever of its shapes it has.
pub(super) fn decode(body: &[u8]) -> Result<Vec<ListedModel>, StreamFault> {
    let value: Value = serde_json::from_slice(body).map_err(|error| StreamFault::Malformed(error.to_string()))?;
    let items = match &value {
        // Together answers with a bare list.
        Value::Array(items) => items.as_slice(),
        Value::Object(fields) => match fields.get("data").or_else(|| fields.get("models")) {
            Some(Value::Array(items)) => items.as_slice(),
            // Ollama without models.
            Some(Value::Null) => &[],
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) | None => {
                return Err(error::no_answer(body, NOT_A_LIST));
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(error::no_answer(body, NOT_A_LIST));
        }
    };
    Ok(items.iter().filter_map(listed).collect())
}

fn listed(item: &Value) -> Option<ListedModel> {
    let id = item.get("id").or_else(|| item.get("name"))?.as_str()?;
    // Gemini's compatible endpoint.
    let id = id.strip_prefix("models/").unwrap_or(id);
    if id.is_empty() {
        return None;
    }
    Some(ListedModel {
        id: id.to_owned(),
        capabilities: capabilities(item),
        kind: kind(id, item),
        context_length: first_count(
            item,
            &[
                "/context_length",
                "/max_context_length",
                "/context_window",
                "/max_model_len",
                "/top_provider/context_length",
            ],
        ),
        max_output: first_count(
            item,
            &["/top_provider/max_completion_tokens", "/max_completion_tokens", "/max_output_length"],
        ),
        created: item.get("created").and_then(Value::as_i64),
        price: price(item),
        ollama: None,
    })
}

fn first_count(item: &Value, places: &[&str]) -> Option<u64> {
    places.iter().find_map(|place| item.pointer(place)?.as_u64()).filter(|count| *count > 0)
}

fn kind(id: &str, item: &Value) -> Option<ModelKind> {
    let says_embedding = item.get("type").and_then(Value::as_str).is_some_and(|word| word.starts_with("embedding"))
        || holds(item, "/architecture/output_modalities", "embeddings") == Some(true);
    let says_chat = flag(item, &["/capabilities/completion_chat", "/supports_chat"]) == Some(true);
    if says_embedding || (!says_chat && id.to_ascii_lowercase().contains("embed")) {
        Some(ModelKind::Embedding)
    } else {
        says_chat.then_some(ModelKind::Chat)
    }
}

/// Mistral and Fireworks state flags, OpenRouter lists modalities and parameters.
fn capabilities(item: &Value) -> Capabilities {
    let modality = |word: &str| holds(item, "/architecture/input_modalities", word);
    let parameter = |word: &str| holds(item, "/supported_parameters", word);
    Capabilities {
        tools: flag(item, &["/capabilities/function_calling", "/supports_tools"]).or_else(|| parameter("tools")),
        vision: flag(item, &["/capabilities/vision", "/supports_image_input"]).or_else(|| modality("image")),
        audio: flag(item, &["/capabilities/audio"]).or_else(|| modality("audio")),
        reasoning: flag(item, &["/capabilities/reasoning"]).or_else(|| parameter("reasoning")),
        json_schema: parameter("structured_outputs"),
        insert: flag(item, &["/capabilities/completion_fim"]),
        sampling: parameter("temperature"),
        ..Capabilities::default()
    }
}

fn flag(item: &Value, places: &[&str]) -> Option<bool> {
    places.iter().find_map(|place| item.pointer(place)?.as_bool())
}

/// Whether a list of words holds `word`; `None` when there is no list.
fn holds(item: &Value, place: &str, word: &str) -> Option<bool> {
    let words = item.pointer(place)?.as_array()?;
    Some(words.iter().any(|one| one.as_str() == Some(word)))
}

/// OpenRouter's prices are decimal texts per single token; −1 means "depends" and is no price.
fn price(item: &Value) -> Option<ListedPrice> {
    let text = |name: &str| {
        let text = item.pointer("/pricing")?.get(name)?.as_str()?;
        (!text.is_empty() && !text.starts_with('-')).then(|| text.to_owned())
    };
    Some(ListedPrice {
        input: text("prompt")?,
        output: text("completion")?,
        cache_read: text("input_cache_read"),
        cache_write: text("input_cache_write"),
        request: text("request"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openai_lists_ids_and_embedding_models_are_known_by_name() {
        let body = br#"{"object":"list","data":[{"id":"gpt-x","object":"model","created":7,"owned_by":"o"},
            {"id":"text-embedding-3-small"},{"id":"models/gemini-x"},{"id":""},{"object":"model"}]}"#;
        let models = decode(body).unwrap();
        let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids, ["gpt-x", "text-embedding-3-small", "gemini-x"]);
        assert_eq!((models[0].created, models[0].kind), (Some(7), None));
        assert_eq!(models[1].kind, Some(ModelKind::Embedding));
    }

    #[test]
    fn openrouter_states_windows_prices_and_abilities() {
        let body = br#"{"data":[{"id":"a/b","created":1,"context_length":200000,
            "architecture":{"input_modalities":["text","image"],"output_modalities":["text"]},
            "pricing":{"prompt":"0.000003","completion":"0.000015","input_cache_read":"0.0000003","request":"0"},
            "top_provider":{"context_length":200000,"max_completion_tokens":64000},
            "supported_parameters":["tools","temperature"]},
            {"id":"auto","pricing":{"prompt":"-1","completion":"-1"}}]}"#;
        let models = decode(body).unwrap();
        assert_eq!((models[0].context_length, models[0].max_output), (Some(200_000), Some(64_000)));
        let abilities = models[0].capabilities;
        assert_eq!((abilities.tools, abilities.vision, abilities.audio), (Some(true), Some(true), Some(false)));
        assert_eq!((abilities.json_schema, abilities.sampling), (Some(false), Some(true)));
        let price = models[0].price.clone().unwrap();
        assert_eq!((price.input.as_str(), price.cache_read.as_deref()), ("0.000003", Some("0.0000003")));
        assert_eq!(models[1].price, None);
    }

    #[test]
    fn mistral_and_groq_have_names_of_their_own() {
        let body = br#"{"data":[{"id":"m","max_context_length":32768,"capabilities":
            {"completion_chat":true,"function_calling":true,"vision":false,"completion_fim":true}},
            {"id":"g","context_window":8192,"max_completion_tokens":4096}]}"#;
        let models = decode(body).unwrap();
        assert_eq!((models[0].kind, models[0].context_length), (Some(ModelKind::Chat), Some(32_768)));
        assert_eq!((models[0].capabilities.vision, models[0].capabilities.insert), (Some(false), Some(true)));
        assert_eq!((models[1].context_length, models[1].max_output), (Some(8192), Some(4096)));
    }

    #[test]
    fn bare_lists_and_null_are_lists_and_other_json_is_not() {
        assert_eq!(decode(br#"[{"id":"a","type":"embedding"}]"#).unwrap()[0].kind, Some(ModelKind::Embedding));
        assert_eq!(decode(br#"{"object":"list","data":null}"#), Ok(Vec::new()));
        assert!(matches!(decode(b"{}"), Err(StreamFault::Malformed(_))));
        assert!(matches!(decode(b"<html>"), Err(StreamFault::Malformed(_))));
        assert!(matches!(decode(br#"{"error":{"message":"no"}}"#), Err(StreamFault::Provider(_))));
    }
}
