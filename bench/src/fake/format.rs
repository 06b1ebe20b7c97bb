//! The four wire formats: how a request says what it wants, and how a text is found in an answer.

use anyhow::Context;
use serde_json::Value;

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    /// OpenAI's chat completions.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Gemini's `generateContent`.
    Gemini,
    /// Ollama's `/api/chat`.
    Ollama,
}

impl Format {
    /// The format of the requests on a path.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        if path.ends_with("/chat/completions") {
            Some(Self::OpenAi)
        } else if path.ends_with("/messages") {
            Some(Self::Anthropic)
        } else if path.ends_with("enerateContent") {
            Some(Self::Gemini)
        } else {
            path.ends_with("/api/chat").then_some(Self::Ollama)
        }
    }

    pub(super) fn stream_content_type(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Anthropic | Self::Gemini => "text/event-stream",
            Self::Ollama => "application/x-ndjson",
        }
    }

    /// The text of an answer.
    pub(crate) fn text(self, body: &str, stream: bool) -> anyhow::Result<String> {
        if !stream {
            return self.text_of(&serde_json::from_str(body).context("the answer is not JSON")?);
        }
        let mut text = String::new();
        for line in body.lines() {
            let data = match self {
                Self::Ollama => line,
                Self::OpenAi | Self::Anthropic | Self::Gemini => match line.strip_prefix("data:") {
                    Some(data) => data.trim_start(),
                    None => continue,
                },
            };
            if !data.is_empty() && data != "[DONE]" {
                let event: Value = serde_json::from_str(data).with_context(|| format!("not JSON: {data}"))?;
                text.push_str(&self.text_of(&event)?);
            }
        }
        Ok(text)
    }

    /// The text in one whole answer, or in one event.
    fn text_of(self, value: &Value) -> anyhow::Result<String> {
        anyhow::ensure!(value.get("error").is_none_or(Value::is_null), "the answer is an error: {value}");
        let text = match self {
            Self::OpenAi => {
                let choice = &value["choices"][0];
                choice["message"]["content"].as_str().or_else(|| choice["delta"]["content"].as_str())
            }
            Self::Anthropic => value["content"][0]["text"].as_str().or_else(|| value["delta"]["text"].as_str()),
            Self::Gemini => value["candidates"][0]["content"]["parts"][0]["text"].as_str(),
            Self::Ollama => value["message"]["content"].as_str(),
        };
        Ok(text.unwrap_or_default().to_owned())
    }
}

/// What stands behind a key that occurs once, without parsing the JSON around it. Within a text its quotes would be
/// escaped, so only a key can match.
pub(super) fn value_after<'a>(body: &'a [u8], quoted_key: &str) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(body, quoted_key.as_bytes())?;
    body[at + quoted_key.len()..].trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start)
}

/// The text behind a key.
pub(super) fn text_after<'a>(body: &'a [u8], quoted_key: &str) -> Option<&'a str> {
    let text = value_after(body, quoted_key)?.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', text)?;
    std::str::from_utf8(&text[..end]).ok()
}

/// Whether a key is `true`; if the key is absent, `absent`.
pub(super) fn flag_after(body: &[u8], quoted_key: &str, absent: bool) -> bool {
    value_after(body, quoted_key).map_or(absent, |value| value.starts_with(b"true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_without_parsing() {
        let body = br#"{ "messages": [{"content": "say \"model\" \"stream\""}], "model" : "a/b", "stream": true }"#;
        assert_eq!(text_after(body, "\"model\""), Some("a/b"));
        assert!(flag_after(body, "\"stream\"", false));
        assert!(flag_after(body, "\"absent\"", true));
        assert!(!flag_after(br#"{"stream":false}"#, "\"stream\"", true));
    }
}
