//! Errors: `{"type":"error","error":{"type","message"}}`, and whatever else stands where an error should.

use serde_json::Value;

use crate::protocol::{ErrorKind, ProviderError};

/// How much of a body that is no JSON is worth showing, in characters.
const SHOWN: usize = 500;

/// Anthropic's error types, their status and their kind.
const TYPES: [(&str, u16, ErrorKind); 9] = [
    ("invalid_request_error", 400, ErrorKind::InvalidRequest),
    ("authentication_error", 401, ErrorKind::Authentication),
    ("billing_error", 402, ErrorKind::Quota),
    ("permission_error", 403, ErrorKind::Permission),
    ("not_found_error", 404, ErrorKind::NotFound),
    ("request_too_large", 413, ErrorKind::TooLarge),
    ("rate_limit_error", 429, ErrorKind::RateLimit),
    ("timeout_error", 504, ErrorKind::Timeout),
    ("overloaded_error", 529, ErrorKind::Overloaded),
];

/// The status of an error inside an answer whose type says nothing: the provider failed.
const UNKNOWN_STATUS: u16 = 500;

/// Reads the body of an answer whose status says failure.
pub(super) fn decode(status: u16, body: &[u8]) -> ProviderError {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = code(&json);
    let kind = code.and_then(known).map_or_else(|| ErrorKind::from_status(status), |(_, kind)| kind);
    let message = message(&json).or_else(|| plain_text(body));
    ProviderError {
        status,
        kind,
        message: message.unwrap_or_else(|| format!("the provider answered with status {status} and no message")),
        code: code.map(str::to_owned),
        param: None,
        retry_after: None,
    }
}

/// Reads an error that came inside an answer of status 200: its type says what the status would have been.
pub(super) fn in_band(body: &[u8]) -> ProviderError {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let status = code(&json).and_then(known).map_or(UNKNOWN_STATUS, |(status, _)| status);
    decode(status, body)
}

fn known(code: &str) -> Option<(u16, ErrorKind)> {
    TYPES.iter().find(|(name, _, _)| *name == code).map(|(_, status, kind)| (*status, *kind))
}

fn code(json: &Value) -> Option<&str> {
    json.pointer("/error/type").and_then(Value::as_str)
}

/// The message, also where compatible servers and proxies put it.
fn message(json: &Value) -> Option<String> {
    ["/error/message", "/error", "/message", "/detail"]
        .iter()
        .filter_map(|place| json.pointer(place)?.as_str())
        .find(|text| !text.trim().is_empty())
        .map(str::to_owned)
}

/// The start of a body that is text and not a page.
fn plain_text(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    (!text.is_empty() && !text.starts_with(['<', '{', '['])).then(|| text.chars().take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_status_type_and_message() {
        let body = br#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"},"request_id":"r"}"#;
        let error = decode(400, body);
        assert_eq!((error.status, error.kind), (400, ErrorKind::InvalidRequest));
        assert_eq!(error.message, "prompt is too long: 9 > 8");
        assert_eq!(error.code.as_deref(), Some("invalid_request_error"));
    }

    #[test]
    fn every_status_of_the_table_has_its_kind() {
        for (code, status, kind) in TYPES {
            let body = format!(r#"{{"type":"error","error":{{"type":"{code}","message":"m"}}}}"#);
            assert_eq!(decode(status, body.as_bytes()).kind, kind);
            assert_eq!(decode(status, b"").kind, kind, "{status} without a body");
            let error = in_band(body.as_bytes());
            assert_eq!((error.status, error.kind), (status, kind));
        }
        assert_eq!(in_band(br#"{"error":{"type":"new_error","message":"m"}}"#).kind, ErrorKind::Upstream);
    }

    #[test]
    fn bodies_that_are_no_errors_become_messages() {
        assert_eq!(decode(529, b"").message, "the provider answered with status 529 and no message");
        assert!(decode(502, b"<html>bad gateway</html>").message.contains("502"));
        assert_eq!(decode(503, b"upstream connect error").message, "upstream connect error");
        assert_eq!(decode(400, br#"{"error":"bad"}"#).message, "bad");
        assert_eq!(decode(422, br#"{"detail":"no"}"#).message, "no");
        assert_eq!(decode(500, b"\xff\xfe").kind, ErrorKind::Upstream);
        assert_eq!(decode(500, "é".repeat(9000).as_bytes()).message.chars().count(), SHOWN);
    }
}
