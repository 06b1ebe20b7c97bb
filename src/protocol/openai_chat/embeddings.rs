//! Embeddings, both ways. Providers are always asked for floats; base64 is what clients may want
//! (OpenAI's own SDKs ask for it unless told otherwise).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::quirks::{Fate, fate};
use super::request::{Body, empty_is_eof};
use super::{error, json, usage};
use crate::chat::{EmbedInput, EmbedRequest, EmbedResponse, Extra};
use crate::protocol::envelope::Envelope;
use crate::protocol::lenient::Scalar;
use crate::protocol::{
    DecodeError, EncodeError, Encoded, ModelProfile, Protocol, ReplyContext, StreamFault, VectorEncoding,
};

const KNOWN: [&str; 5] = ["model", "input", "dimensions", "encoding_format", "user"];

#[derive(Deserialize)]
#[serde(untagged)]
enum WireInput {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

/// Reads `POST /v1/embeddings`, and how the client wants its vectors written.
///
/// # Errors
/// A 400 that names the field; Ollama's words where it has some.
pub fn decode_embed_request(body: &[u8]) -> Result<(EmbedRequest, VectorEncoding), DecodeError> {
    empty_is_eof(body)?;
    let envelope = Envelope::parse(body)?;
    let mut fields = Map::new();
    for key in envelope.keys().filter(|key| !KNOWN.contains(key)) {
        if let Some(value) = envelope.read::<Value>(key)? {
            fields.insert(key.to_owned(), value);
        }
    }
    let request = EmbedRequest {
        inputs: decode_inputs(&envelope)?,
        dimensions: envelope.read("dimensions")?,
        truncate: None,
        end_user: envelope.read("user")?,
        extra: Extra { protocol: if fields.is_empty() { "" } else { Protocol::OpenAi.as_str() }, fields },
    };
    Ok((request, decode_encoding(&envelope)?))
}

fn decode_inputs(envelope: &Envelope<'_>) -> Result<Vec<EmbedInput>, DecodeError> {
    let input = envelope.read::<WireInput>("input").map_err(|_| DecodeError::field("input", "invalid input type"))?;
    let inputs: Vec<EmbedInput> = match input {
        Some(WireInput::Text(text)) => vec![EmbedInput::Text(text)],
        Some(WireInput::Texts(texts)) => texts.into_iter().map(EmbedInput::Text).collect(),
        Some(WireInput::Tokens(tokens)) => vec![EmbedInput::Tokens(tokens)],
        Some(WireInput::TokenLists(lists)) => lists.into_iter().map(EmbedInput::Tokens).collect(),
        None => Vec::new(),
    };
    if inputs.is_empty() { Err(DecodeError::field("input", "invalid input")) } else { Ok(inputs) }
}

fn decode_encoding(envelope: &Envelope<'_>) -> Result<VectorEncoding, DecodeError> {
    let Some(word) = envelope.read::<String>("encoding_format")? else { return Ok(VectorEncoding::Float) };
    match word.to_ascii_lowercase().as_str() {
        "float" => Ok(VectorEncoding::Float),
        "base64" => Ok(VectorEncoding::Base64),
        _ => Err(DecodeError::field("encoding_format", "`encoding_format` must be \"float\" or \"base64\"")),
    }
}

/// Writes `POST /embeddings` for a provider.
pub(super) fn encode_request(request: &EmbedRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
    let mut body = Body::new(profile);
    let texts: Option<Vec<&str>> = request.inputs.iter().map(as_text).collect();
    let tokens: Option<Vec<&[u32]>> = request.inputs.iter().map(as_tokens).collect();
    match (texts, tokens) {
        _ if request.inputs.is_empty() => return Err(EncodeError::new("input", "there is nothing to embed")),
        (Some(texts), _) => body.field("input", &texts),
        (None, Some(tokens)) => body.field("input", &tokens),
        (None, None) => return Err(EncodeError::new("input", "texts and token ids cannot be mixed in one request")),
    }
    if request.dimensions.is_some() && !matches!(fate(profile, "dimensions"), Fate::Sent(_)) {
        return Err(EncodeError::new("dimensions", format!("`{}` has vectors of one length only", profile.id)));
    }
    body.optional("dimensions", request.dimensions);
    body.optional("user", request.end_user.as_ref());
    if request.extra.protocol == Protocol::OpenAi.as_str() {
        for (name, value) in &request.extra.fields {
            body.field(name, value);
        }
    }
    Ok(body.finish())
}

fn as_text(input: &EmbedInput) -> Option<&str> {
    match input {
        EmbedInput::Text(text) => Some(text),
        EmbedInput::Tokens(_) => None,
    }
}

fn as_tokens(input: &EmbedInput) -> Option<&[u32]> {
    match input {
        EmbedInput::Tokens(tokens) => Some(tokens),
        EmbedInput::Text(_) => None,
    }
}

#[derive(Deserialize)]
struct WireAnswer<'a> {
    #[serde(borrow)]
    data: Vec<WireVector<'a>>,
    #[serde(borrow, default)]
    model: Scalar<'a>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireVector<'a> {
    embedding: Vector,
    #[serde(borrow, default)]
    index: Scalar<'a>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a vector is neither a list of numbers nor base64")]
enum Vector {
    Floats(Vec<f32>),
    Base64(String),
}

/// Reads a provider's vectors; they come in the order of their `index`.
pub(super) fn decode_response(body: &[u8]) -> Result<EmbedResponse, StreamFault> {
    let answer: WireAnswer<'_> =
        serde_json::from_slice(body).map_err(|fault| error::no_answer(body, fault.to_string()))?;
    let mut vectors = Vec::with_capacity(answer.data.len());
    for (at, vector) in answer.data.into_iter().enumerate() {
        let index = vector.index.count().unwrap_or(at as u64);
        vectors.push((index, vector.embedding.decode()?));
    }
    // Stable, so entries without an index keep their place.
    vectors.sort_by_key(|(index, _)| *index);
    Ok(EmbedResponse {
        vectors: vectors.into_iter().map(|(_, vector)| vector).collect(),
        model: answer.model.text().map(str::to_owned),
        usage: answer.usage.and_then(|raw| usage::decode(raw, None)).unwrap_or_default(),
    })
}

impl Vector {
    fn decode(self) -> Result<Vec<f32>, StreamFault> {
        let text = match self {
            Self::Floats(floats) => return Ok(floats),
            Self::Base64(text) => text,
        };
        let bytes = STANDARD.decode(text).map_err(|error| StreamFault::Malformed(error.to_string()))?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(StreamFault::Malformed("a base64 vector that is no list of 32-bit floats".to_owned()));
        }
        Ok(numbers.iter().copied().map(f32::from_le_bytes).collect())
    }
}

#[derive(Serialize)]
struct AnswerOut<'a> {
    object: &'static str,
    data: Vec<VectorOut<'a>>,
    model: &'a str,
    usage: EmbedUsageOut,
}

#[derive(Serialize)]
struct VectorOut<'a> {
    object: &'static str,
    index: usize,
    embedding: NumbersOut<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum NumbersOut<'a> {
    Floats(&'a [f32]),
    Base64(String),
}

/// OpenAI requires the object; an unknown count is written as zero here, while records keep it unknown.
#[derive(Serialize)]
struct EmbedUsageOut {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// Writes the answer to `POST /v1/embeddings`.
pub fn encode_embed_response(context: &ReplyContext, response: &EmbedResponse, encoding: VectorEncoding) -> Vec<u8> {
    let data = response.vectors.iter().enumerate().map(|(index, vector)| VectorOut {
        object: "embedding",
        index,
        embedding: match encoding {
            VectorEncoding::Float => NumbersOut::Floats(vector),
            VectorEncoding::Base64 => {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                NumbersOut::Base64(STANDARD.encode(bytes))
            }
        },
    });
    let prompt_tokens = response.usage.prompt_total().unwrap_or(0);
    let answer = AnswerOut {
        object: "list",
        data: data.collect(),
        model: &context.model,
        usage: EmbedUsageOut { prompt_tokens, total_tokens: prompt_tokens },
    };
    let mut out = Vec::new();
    json::write(&mut out, &answer);
    out
}

#[cfg(test)]
mod tests;
