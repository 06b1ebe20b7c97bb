//! `logprobsResult`, in the shape OpenAI gives log probabilities.

use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LogprobsResult {
    chosen_candidates: Vec<Token>,
    top_candidates: Vec<Alternatives>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Alternatives {
    candidates: Vec<Token>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Token {
    token: String,
    log_probability: f64,
}

/// A list of `{token, logprob, bytes, top_logprobs}`; empty when it cannot be read.
pub(super) fn decode(raw: &str) -> Vec<Value> {
    let Ok(result) = serde_json::from_str::<LogprobsResult>(raw) else { return Vec::new() };
    let mut alternatives = result.top_candidates.iter();
    result
        .chosen_candidates
        .iter()
        .map(|chosen| {
            let top = alternatives.next().map(|top| top.candidates.iter().map(entry).collect::<Vec<_>>());
            let mut content = entry(chosen);
            content["top_logprobs"] = top.unwrap_or_default().into();
            content
        })
        .collect()
}

fn entry(token: &Token) -> Value {
    json!({"token": token.token, "logprob": token.log_probability, "bytes": token.token.as_bytes()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_tokens_and_their_alternatives_take_openais_shape() {
        let content = decode(
            r#"{"chosenCandidates":[{"token":"é","tokenId":7,"logProbability":-0.5}],
                "topCandidates":[{"candidates":[{"token":"é","logProbability":-0.5},{"token":"e","logProbability":-2}]}]}"#,
        );
        let expected = json!([{"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": [
            {"token": "é", "logprob": -0.5, "bytes": [195, 169]},
            {"token": "e", "logprob": -2.0, "bytes": [101]},
        ]}]);
        assert_eq!(Value::Array(content), expected);
    }
}
