//! Error bodies, both ways: OpenAI's four keys towards clients, and every shape providers have been seen to send.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::protocol::envelope::Envelope;
use crate::protocol::{ApiError, ErrorKind, ProviderError, StreamFault};

/// Longest message kept of a body that is not JSON, or of a nested provider's own words.
const MAX_MESSAGE_CHARS: usize = 500;

#[derive(Debug, Serialize)]
struct Body<'a> {
    error: Details<'a>,
    request_id: &'a str,
}

/// OpenAI writes all four keys always.
#[derive(Debug, Serialize)]
struct Details<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

/// The error as an OpenAI client expects it.
pub(super) fn encode(error: &ApiError) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(error, &mut out);
    out
}

/// The error as the last event of a stream that has begun.
pub(super) fn encode_event(error: &ApiError, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    encode_into(error, out);
    out.extend_from_slice(b"\n\n");
}

fn encode_into(error: &ApiError, out: &mut Vec<u8>) {
    let quota = error.kind == ErrorKind::Quota;
    let (kind, usual_code) = match error.status {
        _ if quota => ("insufficient_quota", Some("insufficient_quota")),
        401 => ("invalid_request_error", Some("invalid_api_key")),
        400 | 405 | 413 | 415 | 422 => ("invalid_request_error", None),
        403 => ("permission_error", None),
        404 => ("not_found_error", None),
        429 => ("rate_limit_error", None),
        _ => ("api_error", None),
    };
    let details = Details {
        message: &error.message,
        r#type: kind,
        param: error.param.as_deref(),
        code: error.code.as_deref().or(usual_code),
    };
    super::json::write(out, &Body { error: details, request_id: &error.request_id });
}

/// Reads the body of a failed answer. `status` 200 means that the error came inside a success;
/// then its own words decide which status it amounts to.
pub(super) fn decode(status: u16, body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => from_json(status, &value),
        Err(_) => plain(status, &readable_text(&String::from_utf8_lossy(body))),
    }
}

/// Reads the value of an `error` key.
pub(super) fn decode_inner(status: u16, json: &str) -> ProviderError {
    match serde_json::from_str::<Value>(json) {
        Ok(inner @ Value::Object(_)) => from_object(status, &inner),
        Ok(Value::String(message)) => plain(status, &message),
        Ok(_) | Err(_) => plain(status, json),
    }
}

/// What a 200 is that holds no answer: an error in disguise, or garbage for the reason given.
pub(super) fn no_answer(body: &[u8], why: impl Into<String>) -> StreamFault {
    let says_error = Envelope::parse(body).is_ok_and(|envelope| {
        envelope.get("error").is_some_and(is_error)
            || ["detail", "message"].into_iter().any(|key| envelope.get(key).is_some())
    });
    if says_error { StreamFault::Provider(decode(200, body)) } else { StreamFault::Malformed(why.into()) }
}

/// Whether the value of an `error` key means that there is one: some providers always send the key.
pub(super) fn is_error(json: &str) -> bool {
    !matches!(json, "null" | "false" | "\"\"" | "{}" | "[]")
}

fn from_json(status: u16, value: &Value) -> ProviderError {
    match value {
        // Gemini's compatible endpoint wraps the object into a list.
        Value::Array(items) if !items.is_empty() => from_json(status, &items[0]),
        Value::Object(fields) => match fields.get("error") {
            Some(Value::String(message)) => plain(status, message),
            Some(inner @ Value::Object(_)) => from_object(status, inner),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) | None => {
                from_object(status, value)
            }
        },
        Value::String(message) => plain(status, message),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => plain(status, ""),
    }
}

fn from_object(status: u16, error: &Value) -> ProviderError {
    let word = |key: &str| error.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
    let own_code = word("code").filter(|code| code.parse::<u16>().is_err());
    let code = own_code.or_else(|| word("type").filter(|kind| *kind != "error"));
    let status =
        if status >= 400 { status } else { own_status(error).or_else(|| code.and_then(status_of_word)).unwrap_or(502) };
    ProviderError {
        status,
        kind: kind(status, own_code, word("type")),
        message: message(status, error),
        code: code.map(str::to_owned),
        param: word("param").map(str::to_owned),
        retry_after: retry_after(error),
    }
}

fn plain(status: u16, message: &str) -> ProviderError {
    let status = if status >= 400 { status } else { 502 };
    let message = if message.trim().is_empty() { nothing_said(status) } else { shortened(message.trim()) };
    ProviderError { status, kind: ErrorKind::from_status(status), message, code: None, param: None, retry_after: None }
}

fn nothing_said(status: u16) -> String {
    format!("the provider answered with status {status} and no explanation")
}

/// The status an error inside a 200 states: `code` (OpenRouter, vLLM), `status` (Azure), `statusCode`.
fn own_status(error: &Value) -> Option<u16> {
    ["code", "status", "statusCode", "status_code"]
        .into_iter()
        .filter_map(|key| error.get(key))
        .filter_map(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()))
        .filter_map(|number| u16::try_from(number).ok())
        .find(|status| (400..600).contains(status))
}

fn status_of_word(word: &str) -> Option<u16> {
    let status = match word {
        "invalid_request_error" | "context_length_exceeded" | "content_filter" | "BadRequestError" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "permission_error" => 403,
        "not_found_error" | "model_not_found" | "NotFoundError" => 404,
        "insufficient_quota" | "rate_limit_error" | "rate_limit_exceeded" | "requests" | "tokens" => 429,
        "overloaded_error" | "engine_overloaded" => 503,
        _ => return None,
    };
    Some(status)
}

/// The status decides, unless the words know better: an exhausted account is a 429 too, but waiting does not help.
fn kind(status: u16, code: Option<&str>, r#type: Option<&str>) -> ErrorKind {
    for word in [code, r#type].into_iter().flatten() {
        match word {
            "insufficient_quota" | "billing_hard_limit_reached" => return ErrorKind::Quota,
            "rate_limit_exceeded" => return ErrorKind::RateLimit,
            "engine_overloaded" | "overloaded_error" => return ErrorKind::Overloaded,
            "model_not_found" => return ErrorKind::NotFound,
            _ => {}
        }
    }
    ErrorKind::from_status(status)
}

fn message(status: u16, error: &Value) -> String {
    let said = ["message", "detail", "error", "msg"]
        .into_iter()
        .filter_map(|key| error.get(key))
        .find_map(|value| Some(sentence(value)).filter(|text| !text.is_empty()));
    let Some(said) = said else { return nothing_said(status) };
    // OpenRouter says "Provider returned error" and keeps the reason here.
    match error.pointer("/metadata/raw").map(sentence).filter(|raw| !raw.is_empty()) {
        Some(raw) => format!("{said}: {}", shortened(&raw)),
        None => said,
    }
}

/// A message that may be a text, an object holding one, or a list of validation faults `{loc, msg}`.
fn sentence(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(items) => {
            items.iter().map(sentence).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
        }
        Value::Object(fields) => match (fields.get("loc"), fields.get("msg")) {
            (Some(Value::Array(place)), Some(Value::String(fault))) => {
                let place: Vec<String> =
                    place.iter().map(|step| step.to_string().trim_matches('"').to_owned()).collect();
                format!("{}: {fault}", place.join("."))
            }
            _ => ["message", "detail", "msg"]
                .into_iter()
                .filter_map(|key| fields.get(key))
                .map(sentence)
                .find(|text| !text.is_empty())
                .unwrap_or_else(|| shortened(&value.to_string())),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

/// Google's `RetryInfo` among the details: `"retryDelay": "13.5s"`.
fn retry_after(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
}

/// What a person would read of a body that is not JSON: the title of an HTML page, else the text.
fn readable_text(body: &str) -> String {
    let title = body.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| title);
    match title {
        Some(title) => title.to_owned(),
        None if body.trim_start().starts_with('<') => String::new(),
        None => body.to_owned(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
