//! The `options` object: what the chat model knows becomes its fields, the rest is kept for another Ollama server.

use serde_json::{Map, Value};

use crate::chat::ChatRequest;
use crate::protocol::DecodeError;

/// Options of whole numbers the chat model does not know. Any JSON number is accepted for them.
const INTEGERS: [&str; 8] =
    ["num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread", "repeat_last_n", "draft_num_predict"];
/// Settings that Open WebUI puts among the options although they belong beside them.
pub(super) const MISPLACED: [&str; 3] = ["think", "format", "keep_alive"];

/// Fills the request from the options and returns those it has no field for.
/// `null` means "not given"; unknown options are kept unchecked, as Ollama ignores them.
///
/// # Errors
/// A **500** for a known option of the wrong type: that is Ollama's own status for it.
pub(super) fn decode(
    options: Map<String, Value>,
    request: &mut ChatRequest,
) -> Result<Map<String, Value>, DecodeError> {
    let sampling = &mut request.sampling;
    let mut others = Map::new();
    for (key, value) in options {
        if value.is_null() || MISPLACED.contains(&key.as_str()) {
            continue;
        }
        match key.as_str() {
            "temperature" => sampling.temperature = Some(float(&key, &value)?),
            "top_p" => sampling.top_p = Some(float(&key, &value)?),
            "min_p" => sampling.min_p = Some(float(&key, &value)?),
            "repeat_penalty" => sampling.repeat_penalty = Some(float(&key, &value)?),
            "presence_penalty" => sampling.presence_penalty = Some(float(&key, &value)?),
            "frequency_penalty" => sampling.frequency_penalty = Some(float(&key, &value)?),
            "top_k" => sampling.top_k = Some(integer(&key, &value)?),
            // -1 asks for a random seed, which is what no seed means.
            "seed" => sampling.seed = Some(integer(&key, &value)?).filter(|seed| *seed != -1),
            // -1 is "no limit" and -2 "until the context is full": both mean that the client sets none.
            "num_predict" => {
                request.max_tokens = u64::try_from(integer(&key, &value)?).ok().filter(|limit| *limit > 0);
            }
            "stop" => request.stop = texts(&key, value)?,
            _ => {
                check(&key, &value)?;
                others.insert(key, value);
            }
        }
    }
    Ok(others)
}

fn check(key: &str, value: &Value) -> Result<(), DecodeError> {
    match key {
        "typical_p" => float(key, value).map(drop),
        "use_mmap" if !value.is_boolean() => Err(wrong_type(key, "boolean")),
        _ if INTEGERS.contains(&key) => integer(key, value).map(drop),
        _ => Ok(()),
    }
}

fn float(key: &str, value: &Value) -> Result<f64, DecodeError> {
    value.as_f64().ok_or_else(|| wrong_type(key, "float32"))
}

/// Fractions are cut off, as Ollama does.
#[allow(clippy::cast_possible_truncation, reason = "cutting off is the rule; values beyond the range saturate")]
fn integer(key: &str, value: &Value) -> Result<i64, DecodeError> {
    value.as_i64().or_else(|| value.as_f64().map(|float| float as i64)).ok_or_else(|| wrong_type(key, "integer"))
}

fn texts(key: &str, value: Value) -> Result<Vec<String>, DecodeError> {
    serde_json::from_value(value).map_err(|_| wrong_type(key, "array"))
}

fn wrong_type(key: &str, expected: &str) -> DecodeError {
    DecodeError {
        status: 500,
        message: format!("option \"{key}\" must be of type {expected}"),
        param: Some(format!("options.{key}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &str) -> Result<(ChatRequest, Map<String, Value>), DecodeError> {
        let mut request = ChatRequest::default();
        let others = decode(serde_json::from_str(options).unwrap(), &mut request)?;
        Ok((request, others))
    }

    #[test]
    fn known_options_become_fields_and_the_rest_is_kept() {
        let (request, others) = read(
            r#"{"temperature":0,"top_k":40.9,"seed":1.0,"min_p":0.1,"num_predict":7,"stop":["a"],"num_ctx":8192,"mirostat":2}"#,
        )
        .unwrap();
        assert_eq!(request.sampling.temperature, Some(0.0));
        assert_eq!((request.sampling.top_k, request.sampling.seed), (Some(40), Some(1)));
        assert_eq!((request.max_tokens, request.stop), (Some(7), vec!["a".to_owned()]));
        assert_eq!(Value::Object(others), serde_json::json!({"num_ctx": 8192, "mirostat": 2}));
    }

    #[test]
    fn null_and_the_words_for_unlimited_mean_not_given() {
        for limit in [-2, -1, 0] {
            assert_eq!(read(&format!("{{\"num_predict\":{limit}}}")).unwrap().0.max_tokens, None);
        }
        let (request, others) = read(r#"{"seed":-1,"temperature":null,"num_ctx":null}"#).unwrap();
        assert_eq!(request, ChatRequest::default());
        assert!(others.is_empty());
    }

    #[test]
    fn a_wrong_type_is_a_500_that_names_the_option() {
        for (options, message) in [
            (r#"{"temperature":"hot"}"#, "option \"temperature\" must be of type float32"),
            (r#"{"num_ctx":"8192"}"#, "option \"num_ctx\" must be of type integer"),
            (r#"{"stop":"x"}"#, "option \"stop\" must be of type array"),
            (r#"{"use_mmap":1}"#, "option \"use_mmap\" must be of type boolean"),
        ] {
            let error = read(options).unwrap_err();
            assert_eq!((error.status, error.message.as_str()), (500, message));
        }
    }
}
