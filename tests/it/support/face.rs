//! The two faces of the relay, as a client sees them.

use serde_json::{Value, json};

use super::Reply;

/// A client protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    OpenAi,
    Ollama,
}

impl Face {
    /// The protocols.
    pub(crate) const ALL: [Self; 2] = [Self::OpenAi, Self::Ollama];

    /// The chat route.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Ollama => "/api/chat",
        }
    }

    /// A chat request of one question.
    pub(crate) fn ask(self, model: &str, question: &str, stream: bool) -> Value {
        json!({ "model": model, "messages": [{ "role": "user", "content": question }], "stream": stream })
    }

    /// The text of an answer, streamed or whole.
    pub(crate) fn text(self, reply: &Reply) -> String {
        let pieces = self.values(reply);
        let text = |value: &Value| match self {
            Self::OpenAi => {
                let choice = &value["choices"][0];
                choice["delta"]["content"].as_str().or_else(|| choice["message"]["content"].as_str()).map(str::to_owned)
            }
            Self::Ollama => value["message"]["content"].as_str().map(str::to_owned),
        };
        pieces.iter().filter_map(text).collect()
    }

    /// How the protocol says that an answer is complete, if this one says so.
    pub(crate) fn end(self, reply: &Reply) -> Option<String> {
        if self == Self::OpenAi && reply.events().iter().any(|data| data == "[DONE]") {
            return Some("[DONE]".to_owned());
        }
        self.values(reply).iter().find_map(|value| match self {
            Self::OpenAi => value["choices"][0]["finish_reason"].as_str().map(str::to_owned),
            Self::Ollama => (value["done"] == true).then(|| "done".to_owned()),
        })
    }

    /// The message of the protocol's own error, if the answer is one or ends in one.
    pub(crate) fn error(self, reply: &Reply) -> Option<String> {
        let values = self.values(reply);
        let error = &values.last()?["error"];
        match self {
            Self::OpenAi => {
                let complete = ["message", "type", "param", "code"].iter().all(|key| error.get(key).is_some());
                error["message"].as_str().filter(|_| complete).map(str::to_owned)
            }
            Self::Ollama => error.as_str().map(str::to_owned),
        }
    }

    /// The JSON values of an answer: one for a whole answer or an error, one per frame for a stream.
    pub(crate) fn values(self, reply: &Reply) -> Vec<Value> {
        let content_type = reply.header("content-type").unwrap_or_default();
        if content_type.starts_with("text/event-stream") {
            assert_eq!(self, Self::OpenAi, "an Ollama client got server-sent events");
            reply.chunks()
        } else if content_type.starts_with("application/x-ndjson") {
            assert_eq!(self, Self::Ollama, "an OpenAI client got NDJSON");
            reply.lines()
        } else {
            vec![reply.json()]
        }
    }
}
