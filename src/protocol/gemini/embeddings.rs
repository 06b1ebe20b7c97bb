//! `batchEmbedContents`: many texts, one vector each.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::response::faultless;
use super::usage;
use crate::chat::{EmbedInput, EmbedRequest, EmbedResponse, Usage};
use crate::protocol::{EncodeError, Encoded, ModelProfile, StreamFault};

/// Most texts of one request.
const MAX_INPUTS: usize = 100;

#[derive(Debug, Serialize)]
struct Batch<'a> {
    requests: Vec<Item<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    /// Each item repeats the model of the address.
    model: &'a str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    parts: [Text<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    embeddings: Vec<Embedding>,
    #[serde(borrow)]
    usage_metadata: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Embedding {
    values: Vec<f32>,
}

/// Writes the batch.
pub(super) fn encode(request: &EmbedRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
    if request.inputs.len() > MAX_INPUTS {
        return Err(EncodeError::new("input", format!("Gemini embeds at most {MAX_INPUTS} texts at once")));
    }
    let model = if profile.id.contains('/') { profile.id.clone() } else { format!("models/{}", profile.id) };
    let requests = request.inputs.iter().map(|input| match input {
        EmbedInput::Text(text) => Ok(Item {
            model: &model,
            content: Content { parts: [Text { text }] },
            output_dimensionality: request.dimensions,
        }),
        EmbedInput::Tokens(_) => Err(EncodeError::new("input", "Gemini embeds texts, not token ids")),
    });
    let requests = requests.collect::<Result<_, _>>()?;
    let body = serde_json::to_vec(&Batch { requests }).expect("texts and numbers always serialise");
    Ok(Encoded { body, warnings: Vec::new() })
}

/// Reads the vectors. The API rarely counts tokens here, so usage is mostly unknown.
pub(super) fn decode(body: &[u8]) -> Result<EmbedResponse, StreamFault> {
    let answer: Answer<'_> = faultless(body)?;
    let usage = match answer.usage_metadata {
        // There is no output to be counted.
        Some(raw) => usage::decode(raw.get(), false)?,
        None => Usage::default(),
    };
    let vectors = answer.embeddings.into_iter().map(|embedding| embedding.values).collect();
    Ok(EmbedResponse { vectors, model: None, usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(inputs: Vec<EmbedInput>) -> Result<String, EncodeError> {
        let request = EmbedRequest { inputs, dimensions: Some(256), ..EmbedRequest::default() };
        let profile = ModelProfile { id: "gemini-embedding-001".into(), ..ModelProfile::default() };
        encode(&request, &profile).map(|encoded| String::from_utf8(encoded.body).unwrap())
    }

    #[test]
    fn each_text_is_a_request_of_its_own() {
        let body = encoded(vec![EmbedInput::Text("a".into()), EmbedInput::Text("b".into())]).unwrap();
        let item = |text| {
            let parts = format!(r#"{{"parts":[{{"text":"{text}"}}]}}"#);
            format!(r#"{{"model":"models/gemini-embedding-001","content":{parts},"outputDimensionality":256}}"#)
        };
        assert_eq!(body, format!(r#"{{"requests":[{},{}]}}"#, item("a"), item("b")));
    }

    #[test]
    fn token_ids_and_too_many_texts_are_refused() {
        assert_eq!(encoded(vec![EmbedInput::Tokens(vec![1])]).unwrap_err().param, "input");
        assert_eq!(encoded(vec![EmbedInput::Text("a".into()); 101]).unwrap_err().param, "input");
    }

    #[test]
    fn vectors_come_back_in_order_and_missing_usage_stays_unknown() {
        let answer = decode(br#"{"embeddings":[{"values":[0.5,-1]},{"values":[2]}]}"#).unwrap();
        assert_eq!(answer.vectors, [vec![0.5, -1.0], vec![2.0]]);
        assert!(answer.usage.is_unknown());
        let answer = decode(br#"{"embeddings":[],"usageMetadata":{"promptTokenCount":4}}"#).unwrap();
        assert_eq!((answer.usage.input, answer.usage.output), (Some(4), None));
        assert!(matches!(decode(b"{}"), Err(StreamFault::Malformed(_))));
        assert!(matches!(decode(br#"{"error":{"code":500,"message":"m"}}"#), Err(StreamFault::Provider(_))));
    }
}
