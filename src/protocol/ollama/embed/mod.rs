//! Embeddings in both directions: `/api/embed`, and the older `/api/embeddings` that clients still call.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::{EmbedInput, EmbedRequest, EmbedResponse, Extra};
use crate::clock::Timing;
use crate::protocol::{DecodeError, EncodeError, Encoded, ModelProfile, Protocol, ReplyContext, StreamFault};

use super::go_json::{self, Fields};
use super::head::Endpoint;
use super::response::line::{Metrics, write_json};
use super::response::usage;
use super::{error, keep_alive, options};

/// Keys that are read into the canonical request.
const MODELLED: [&str; 6] = ["model", "name", "input", "prompt", "truncate", "dimensions"];

/// Reads the body of `/api/embed`.
///
/// # Errors
/// A 400 for a body or an input that is not what Ollama takes, a 500 for options of a wrong type.
pub fn decode_embed_request(body: &[u8]) -> Result<EmbedRequest, DecodeError> {
    let text = go_json::text(body)?;
    let fields = Fields::parse(text, Endpoint::Embed.go_type())?;
    let dimensions = fields.integer("dimensions")?.and_then(|length| u32::try_from(length).ok());
    Ok(EmbedRequest {
        inputs: inputs(&fields)?,
        dimensions: dimensions.filter(|length| *length > 0),
        truncate: fields.boolean("truncate")?,
        end_user: None,
        extra: extra(&fields)?,
    })
}

/// Reads the body of `/api/embeddings`, which takes one `prompt`.
///
/// # Errors
/// As [`decode_embed_request`].
pub fn decode_legacy_embed_request(body: &[u8]) -> Result<EmbedRequest, DecodeError> {
    let text = go_json::text(body)?;
    let fields = Fields::parse(text, Endpoint::Embeddings.go_type())?;
    let prompt = fields.filled("prompt")?.map(|prompt| EmbedInput::Text(prompt.into_owned()));
    Ok(EmbedRequest { inputs: prompt.into_iter().collect(), extra: extra(&fields)?, ..EmbedRequest::default() })
}

fn inputs(fields: &Fields<'_>) -> Result<Vec<EmbedInput>, DecodeError> {
    let invalid = || DecodeError::field("input", "invalid input type");
    match fields.value("input")? {
        None => Ok(Vec::new()),
        Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![EmbedInput::Text(text)]),
        Some(Value::Array(texts)) => texts
            .into_iter()
            .map(|text| match text {
                Value::String(text) => Ok(EmbedInput::Text(text)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(invalid()),
            })
            .collect(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Null) => Err(invalid()),
    }
}

/// `keep_alive`, `options` and whatever else only an Ollama server understands; checked, but kept as they are.
fn extra(fields: &Fields<'_>) -> Result<Extra, DecodeError> {
    if let Some(raw) = fields.raw("keep_alive") {
        keep_alive::parse(raw)?;
    }
    options::decode(fields.map("options")?.unwrap_or_default(), &mut crate::chat::ChatRequest::default())?;
    Ok(Extra { protocol: Protocol::Ollama.as_str(), fields: fields.others(&MODELLED)? })
}

/// Writes the answer of `/api/embed`. Vectors get length one, whatever the provider gave: clients compare by dot product.
pub fn encode_embed_response(context: &ReplyContext, response: &EmbedResponse, timing: Timing) -> Vec<u8> {
    let floats: usize = response.vectors.iter().map(Vec::len).sum();
    let mut out = Vec::with_capacity(128 + floats * 12);
    out.extend_from_slice(b"{\"model\":");
    write_json(&context.model, &mut out);
    out.extend_from_slice(b",\"embeddings\":[");
    for (at, vector) in response.vectors.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_json(&unit_length(vector), &mut out);
    }
    out.push(b']');
    Metrics::of_embedding(timing, response.usage.prompt_total()).write(&mut out);
    out.push(b'}');
    out
}

/// Writes the answer of `/api/embeddings`: the one vector, as the provider gave it.
pub fn encode_legacy_embed_response(response: &EmbedResponse) -> Vec<u8> {
    let mut out = b"{\"embedding\":".to_vec();
    write_json(response.vectors.first().map_or(&[][..], Vec::as_slice), &mut out);
    out.push(b'}');
    out
}

/// The vector divided by its length; a vector of length zero stays as it is.
#[allow(clippy::cast_possible_truncation, reason = "vectors are 32-bit floats on the wire; only the sum needs more")]
fn unit_length(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 { vector.iter().map(|x| (f64::from(*x) / length) as f32).collect() } else { vector.to_vec() }
}

#[derive(Serialize)]
struct WireRequest<'a> {
    model: &'a str,
    input: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncate: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    #[serde(flatten)]
    extra: Option<&'a Map<String, Value>>,
}

/// Writes a request for an Ollama server's `/api/embed`.
pub(super) fn encode(request: &EmbedRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
    let input = request.inputs.iter().map(|input| match input {
        EmbedInput::Text(text) => Ok(text.as_str()),
        EmbedInput::Tokens(_) => Err(EncodeError::new("input", "an Ollama server takes texts, not token ids")),
    });
    let body = WireRequest {
        model: &profile.id,
        input: input.collect::<Result<_, _>>()?,
        truncate: request.truncate,
        dimensions: request.dimensions,
        extra: (request.extra.protocol == Protocol::Ollama.as_str()).then_some(&request.extra.fields),
    };
    let body = serde_json::to_vec(&body).expect("a request always serialises into memory");
    Ok(Encoded { body, warnings: Vec::new() })
}

#[derive(Deserialize)]
struct WireResponse {
    model: Option<String>,
    embeddings: Option<Vec<Vec<f32>>>,
    /// The older endpoint's one vector.
    embedding: Option<Vec<f32>>,
    error: Option<Value>,
}

/// Reads an Ollama server's embeddings answer.
pub(super) fn decode(body: &[u8]) -> Result<EmbedResponse, StreamFault> {
    let wire: WireResponse = serde_json::from_slice(body).map_err(error::malformed)?;
    if let Some(told) = wire.error {
        return Err(StreamFault::Provider(error::in_stream(&told.to_string())));
    }
    let vectors = match (wire.embeddings, wire.embedding) {
        (Some(vectors), _) => vectors,
        (None, Some(vector)) => vec![vector],
        (None, None) => return Err(StreamFault::Malformed("no `embeddings`".to_owned())),
    };
    Ok(EmbedResponse { vectors, model: wire.model, usage: usage::of_embedding(body).map_err(error::malformed)? })
}

#[cfg(test)]
mod tests;
