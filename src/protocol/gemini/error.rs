//! Errors: `{"error": {code, message, status, details}}`, at times wrapped in an array of one.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::protocol::{ErrorKind, ProviderError};

/// Longest piece of an unreadable body that is quoted, in characters.
const MAX_QUOTE: usize = 300;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fault {
    code: Option<u16>,
    message: String,
    status: Option<String>,
    details: Vec<Value>,
}

/// Reads the body of an answer whose status says failure.
pub(super) fn decode(status: u16, body: &[u8]) -> ProviderError {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let object = parsed.as_ref().map(|value| value.get(0).unwrap_or(value));
    match object.and_then(|object| object.get("error")).map(|error| Fault::deserialize(error).unwrap_or_default()) {
        Some(fault) if !fault.message.is_empty() => fault.into_error(status),
        Some(_) | None => ProviderError {
            status,
            kind: ErrorKind::from_status(status),
            message: quote(status, body),
            code: None,
            param: None,
            retry_after: None,
        },
    }
}

/// Reads the `error` object found in an answer whose status said success.
pub(super) fn from_stream(error: &str) -> ProviderError {
    let fault: Fault = serde_json::from_str(error).unwrap_or_default();
    let status = fault.code.filter(|code| (400..600).contains(code)).unwrap_or(500);
    fault.into_error(status)
}

impl Fault {
    fn into_error(self, status: u16) -> ProviderError {
        // A bad key is a 400 here, while to everyone who decides on it it is a failed authentication.
        let bad_key = self.details.iter().any(|detail| detail["reason"] == "API_KEY_INVALID")
            || self.message.starts_with("API key not valid");
        let (status, kind) = if bad_key {
            (401, ErrorKind::Authentication)
        } else {
            (status, kind(self.status.as_deref().unwrap_or_default(), status))
        };
        let message = if self.message.is_empty() {
            "the provider reported an error without a message".into()
        } else {
            self.message
        };
        let retry_after = self.details.iter().find_map(|detail| seconds(detail["retryDelay"].as_str()?));
        ProviderError { status, kind, message, code: self.status, param: None, retry_after }
    }
}

/// The kind Google's canonical error codes stand for. A refused key is one whatever the body calls it.
fn kind(word: &str, status: u16) -> ErrorKind {
    match word {
        _ if status == 401 || status == 403 => ErrorKind::from_status(status),
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => ErrorKind::InvalidRequest,
        "UNAUTHENTICATED" => ErrorKind::Authentication,
        "PERMISSION_DENIED" => ErrorKind::Permission,
        "NOT_FOUND" => ErrorKind::NotFound,
        "RESOURCE_EXHAUSTED" => ErrorKind::RateLimit,
        "UNAVAILABLE" => ErrorKind::Overloaded,
        "DEADLINE_EXCEEDED" => ErrorKind::Timeout,
        "INTERNAL" | "UNKNOWN" => ErrorKind::Upstream,
        _ => ErrorKind::from_status(status),
    }
}

/// A duration in proto3 JSON: `21s`, `1.5s`.
fn seconds(duration: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(duration.strip_suffix('s')?.parse().ok()?).ok()
}

/// What to say for a body that is not the protocol's.
fn quote(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() {
        format!("the provider answered {status} without a message")
    } else if text.starts_with('<') {
        format!("the provider answered {status} with a web page instead of an error")
    } else {
        text.chars().take(MAX_QUOTE).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: u16, status: &str, details: &str) -> String {
        format!(r#"{{"error":{{"code":{code},"message":"m","status":"{status}","details":[{details}]}}}}"#)
    }

    #[test]
    fn words_decide_the_kind() {
        for (code, word, kind) in [
            (400, "INVALID_ARGUMENT", ErrorKind::InvalidRequest),
            (400, "FAILED_PRECONDITION", ErrorKind::InvalidRequest),
            (403, "PERMISSION_DENIED", ErrorKind::Permission),
            (404, "NOT_FOUND", ErrorKind::NotFound),
            (429, "RESOURCE_EXHAUSTED", ErrorKind::RateLimit),
            (500, "INTERNAL", ErrorKind::Upstream),
            (503, "UNAVAILABLE", ErrorKind::Overloaded),
            (504, "DEADLINE_EXCEEDED", ErrorKind::Timeout),
            (418, "TEAPOT", ErrorKind::InvalidRequest),
        ] {
            let error = decode(code, body(code, word, "").as_bytes());
            assert_eq!((error.status, error.kind, error.code.as_deref()), (code, kind, Some(word)));
            assert_eq!(error.message, "m");
        }
    }

    #[test]
    fn a_bad_key_is_a_failed_authentication_although_it_says_400() {
        let detail = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}"#;
        let error = decode(400, body(400, "INVALID_ARGUMENT", detail).as_bytes());
        assert_eq!((error.status, error.kind), (401, ErrorKind::Authentication));
    }

    #[test]
    fn the_retry_delay_is_read() {
        for (delay, expected) in
            [("21s", Some(21_000)), ("1.5s", Some(1500)), ("soon", None), ("-1s", None), ("1e300s", None)]
        {
            let detail = format!(r#"{{"@type":"x/google.rpc.RetryInfo","retryDelay":"{delay}"}}"#);
            let error = decode(429, body(429, "RESOURCE_EXHAUSTED", &detail).as_bytes());
            assert_eq!(error.retry_after, expected.map(Duration::from_millis), "{delay}");
        }
    }

    #[test]
    fn an_error_in_an_array_is_an_error() {
        let wrapped = format!("[{}]", body(503, "UNAVAILABLE", ""));
        assert_eq!(decode(503, wrapped.as_bytes()).kind, ErrorKind::Overloaded);
    }

    #[test]
    fn bodies_that_are_no_json_become_a_message() {
        assert_eq!(
            decode(502, b"<html>Bad gateway</html>").message,
            "the provider answered 502 with a web page instead of an error"
        );
        assert_eq!(decode(500, b" ").message, "the provider answered 500 without a message");
        assert_eq!(decode(429, b"slow down").message, "slow down");
        assert_eq!(decode(500, br#"{"error":"odd"}"#).message, r#"{"error":"odd"}"#);
        assert_eq!(decode(500, &[b'x'; 9999]).message.len(), MAX_QUOTE);
        assert_eq!(decode(500, b"\xff").kind, ErrorKind::Upstream);
    }
}
