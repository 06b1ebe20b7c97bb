//! Errors in both directions. Ollama's are `{"error": "text"}`, always a text.

use serde_json::Value;

use crate::protocol::{ApiError, ErrorKind, ProviderError, StreamFault};

use super::response::line::write_json;

/// How much of a body that is not JSON is shown.
const MAX_TEXT_CHARACTERS: usize = 500;

/// An error body; the request id is ours, clients read `error` only.
pub(super) fn encode(error: &ApiError) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + error.message.len());
    out.extend_from_slice(b"{\"error\":");
    write_json(&error.message, &mut out);
    out.extend_from_slice(b",\"request_id\":");
    write_json(&error.request_id, &mut out);
    out.push(b'}');
    out
}

/// The last line of a stream that failed. No `done` line follows.
pub(super) fn encode_line(error: &ApiError, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"error\":");
    write_json(&error.message, out);
    out.extend_from_slice(b"}\n");
}

/// Reads the body of an answer whose status says failure.
pub(super) fn decode(status: u16, body: &[u8]) -> ProviderError {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let message = match serde_json::from_str::<Value>(text) {
        Ok(value) => told(&value).filter(|told| !told.is_empty()).unwrap_or_else(|| shorten(text)),
        Err(_) if text.is_empty() => format!("the Ollama server answered {status} without a message"),
        Err(_) if text.starts_with('<') => format!("the Ollama server answered {status} with a web page"),
        Err(_) => shorten(text),
    };
    ProviderError { status, kind: ErrorKind::from_status(status), message, code: None, param: None, retry_after: None }
}

/// The error inside a 200, from the raw JSON of its `error` key. Nothing says which status it would have been.
pub(super) fn in_stream(raw: &str) -> ProviderError {
    decode(500, raw.as_bytes())
}

pub(super) fn malformed(error: serde_json::Error) -> StreamFault {
    StreamFault::Malformed(error.to_string())
}

/// The message of `"text"`, `{"error": "text"}` or `{"error": {"message": "text"}}` (servers that imitate Ollama).
fn told(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => told(fields.get("error").or_else(|| fields.get("message"))?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> ApiError {
        ApiError {
            status: 429,
            kind: ErrorKind::RateLimit,
            message: "slow \"down\"".to_owned(),
            code: None,
            param: None,
            retry_after: None,
            request_id: "r1".to_owned(),
        }
    }

    #[test]
    fn errors_are_texts() {
        assert_eq!(encode(&error()), br#"{"error":"slow \"down\"","request_id":"r1"}"#);
        let mut out = Vec::new();
        encode_line(&error(), &mut out);
        assert_eq!(out, b"{\"error\":\"slow \\\"down\\\"\"}\n");
    }

    #[test]
    fn every_body_becomes_a_message() {
        let message = |body: &str| decode(404, body.as_bytes()).message;
        assert_eq!(message(r#"{"error":"model 'x' not found"}"#), "model 'x' not found");
        assert_eq!(message(r#"{"error":{"message":"no"}}"#), "no");
        assert_eq!(message("busy\n"), "busy");
        assert_eq!(message(""), "the Ollama server answered 404 without a message");
        assert_eq!(message("<html>"), "the Ollama server answered 404 with a web page");
        assert_eq!(message("[1]"), "[1]");
        assert_eq!(message(&"é".repeat(1000)).chars().count(), 501);
        assert_eq!(decode(503, b"").kind, ErrorKind::Overloaded);
    }
}
