//! Simulated embeddings: unit vectors made from the words of a text, so that texts that share words lie close.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::script::estimate_tokens;

/// Length of a vector unless the request asks for another.
const DIMENSIONS: usize = 64;

/// The most a request may ask for.
const MAX_DIMENSIONS: usize = 4096;

/// The answer to the body of an embedding request; `None` when its input is neither a text nor a list of texts.
pub(super) fn answer(request: &Value) -> Option<Value> {
    let texts: Vec<&str> = match &request["input"] {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().map(Value::as_str).collect::<Option<_>>()?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    let asked = request["dimensions"].as_u64().and_then(|dimensions| usize::try_from(dimensions).ok());
    let dimensions = asked.unwrap_or(DIMENSIONS).clamp(1, MAX_DIMENSIONS);
    let as_base64 = request["encoding_format"] == "base64";
    let entry = |(index, text): (usize, &&str)| {
        let vector = vector(text, dimensions);
        let embedding = if as_base64 { encoded(&vector).into() } else { Value::from(vector) };
        json!({ "object": "embedding", "index": index, "embedding": embedding })
    };
    let data: Vec<Value> = texts.iter().enumerate().map(entry).collect();
    let tokens: usize = texts.iter().map(|text| estimate_tokens(text)).sum();
    Some(json!({
        "object": "list", "model": request["model"], "data": data,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    }))
}

/// The sum of a direction per word, at length one. A text without words points along the first axis.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; dimensions];
    for word in text.split_whitespace() {
        let mut state = word
            .to_lowercase()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        for value in &mut sum {
            // A linear congruential step per axis; its upper bits are even enough for a simulation.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let [.., high, low] = state.to_le_bytes();
            *value += f32::from(i16::from_le_bytes([high, low])) / 32_768.0;
        }
    }
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length == 0.0 {
        sum[0] = 1.0;
        return sum;
    }
    sum.iter().map(|value| value / length).collect()
}

/// OpenAI's compact form: little-endian floats in base64.
fn encoded(vector: &[f32]) -> String {
    STANDARD.encode(vector.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(left: &[f32], right: &[f32]) -> f32 {
        left.iter().zip(right).map(|(left, right)| left * right).sum()
    }

    #[test]
    fn vectors_have_length_one_and_are_the_same_each_time() {
        for text in ["", "hello", "a few more words"] {
            let made = vector(text, 64);
            assert!((product(&made, &made) - 1.0).abs() < 1e-3, "{text:?}");
            assert_eq!(made, vector(text, 64));
        }
    }

    #[test]
    fn texts_that_share_words_lie_closer() {
        let relay = vector("the relay counts tokens", 64);
        let near = vector("the relay counts cents", 64);
        let far = vector("bananas ripen slowly upstairs", 64);
        assert!(product(&relay, &near) > product(&relay, &far));
    }

    #[test]
    fn base64_holds_four_bytes_per_dimension() {
        let request = json!({ "input": ["a", "b"], "dimensions": 8, "encoding_format": "base64" });
        let answer = answer(&request).unwrap();
        let text = answer["data"][1]["embedding"].as_str().unwrap();
        assert_eq!(STANDARD.decode(text).unwrap().len(), 32);
    }

    #[test]
    fn token_arrays_are_refused() {
        assert_eq!(answer(&json!({ "input": [1, 2] })), None);
    }
}
