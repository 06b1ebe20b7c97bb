//! Requests in both directions.

mod decoded;
mod encoded;

use super::{decode, encode};
use crate::chat::ChatRequest;
use crate::protocol::{DecodeError, Encoded, ModelProfile, whole};

fn read(fields: &str) -> ChatRequest {
    try_read(fields).unwrap()
}

fn try_read(fields: &str) -> Result<ChatRequest, DecodeError> {
    whole(decode(format!("{{\"model\":\"m\",{fields}}}").as_bytes())?)
}

/// A request with these messages.
fn messages(json: &str) -> ChatRequest {
    read(&format!("\"messages\":{json}"))
}

fn user(fields: &str) -> ChatRequest {
    read(&format!("\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}],{fields}"))
}

fn sent(request: &ChatRequest, profile: &ModelProfile) -> (String, Vec<String>) {
    let Encoded { body, warnings } = encode(request, profile).unwrap();
    (String::from_utf8(body).unwrap(), warnings)
}
