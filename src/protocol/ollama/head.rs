//! The first look at a request, before it is known which model answers: enough to make Ollama's checks in Ollama's order.
//!
//! The order a server keeps: [`head`] (the body, the range of `top_logprobs`), [`Endpoint::check_name`], whether the model
//! exists ([`Endpoint::not_found`]), [`Head::unloads`], [`check`], [`Head::loads`], and only then the whole request.

use crate::chat::{KeepAlive, Reasoning};
use crate::clock::UnixNanos;
use crate::protocol::{Capabilities, DecodeError, ModelKind};

use super::go_json::{self, Fields};
use super::names;
use super::response::line::{Done, Line, LineHead, Shape};
use super::settings::{Settings, top_logprobs};

/// The endpoints that ask a model for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /api/chat`.
    Chat,
    /// `POST /api/generate`.
    Generate,
    /// `POST /api/embed`.
    Embed,
    /// `POST /api/embeddings`, the older one.
    Embeddings,
}

/// What a request says at its top level.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// `model`, or the older `name`; trimmed, empty when the client gave neither.
    pub model: String,
    /// Whether a stream was asked for; `None` means yes for chat and generate.
    pub stream: Option<bool>,
    /// There is nothing to answer (no messages, prompt or input): a request to load or unload the model.
    pub is_empty: bool,
    /// How long the model shall stay loaded.
    pub keep_alive: Option<KeepAlive>,
    /// Whether the model shall think; `None` leaves it to the model.
    pub think: Option<Reasoning>,
    /// There are tools.
    pub offers_tools: bool,
    /// There is a text after the gap to fill.
    pub has_suffix: bool,
    /// `raw` together with one of the fields that contradict it.
    pub raw_conflict: bool,
}

/// What became of a model that was asked to come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadState {
    /// It is resident now.
    Loaded,
    /// It was let go.
    Unloaded,
}

/// Reads the top level of a request. Fields that the endpoint does not have are not looked at.
///
/// # Errors
/// A 400 for a body that is no JSON object, a wrong type, or a value out of its range.
pub fn head(body: &[u8], endpoint: Endpoint) -> Result<Head, DecodeError> {
    let text = go_json::text(body)?;
    let fields = Fields::parse(text, endpoint.go_type())?;
    let settings = Settings::new(&fields)?;
    let filled = |key: &str| !fields.is_empty(key);
    let generates = match endpoint {
        Endpoint::Chat | Endpoint::Generate => true,
        Endpoint::Embed | Endpoint::Embeddings => false,
    };
    if generates {
        top_logprobs(&fields)?;
    }
    let raw = endpoint == Endpoint::Generate && fields.boolean("raw")? == Some(true);
    Ok(Head {
        model: model(&fields)?,
        stream: fields.boolean("stream")?,
        is_empty: !filled(match endpoint {
            Endpoint::Chat => "messages",
            Endpoint::Generate | Endpoint::Embeddings => "prompt",
            Endpoint::Embed => "input",
        }),
        keep_alive: settings.keep_alive()?,
        think: if generates { settings.think()? } else { None },
        offers_tools: endpoint == Endpoint::Chat && filled("tools"),
        has_suffix: endpoint == Endpoint::Generate && filled("suffix"),
        raw_conflict: raw && ["template", "system", "context"].into_iter().any(filled),
    })
}

/// The name of the model a body is about.
pub(super) fn model(fields: &Fields<'_>) -> Result<String, DecodeError> {
    let name = fields.filled("model")?.map_or_else(|| fields.string("name"), |name| Ok(Some(name)))?;
    Ok(name.map(|name| name.trim().to_owned()).unwrap_or_default())
}

impl Head {
    /// The model shall be let go. Answered before capabilities are looked at, with [`load_reply`].
    pub fn unloads(&self) -> bool {
        self.is_empty && self.keep_alive == Some(KeepAlive::Seconds(0.0))
    }

    /// The model shall be made ready, no answer is wanted. Answered after [`check`], with [`load_reply`].
    pub fn loads(&self) -> bool {
        self.is_empty && !self.unloads()
    }
}

impl Endpoint {
    /// The name of Ollama's type for the request, part of its error texts.
    pub(super) fn go_type(self) -> &'static str {
        match self {
            Self::Chat => "ChatRequest",
            Self::Generate => "GenerateRequest",
            Self::Embed => "EmbedRequest",
            Self::Embeddings => "EmbeddingRequest",
        }
    }

    /// Whether the name can be a model's at all.
    ///
    /// # Errors
    /// For an empty name the endpoint's own refusal (a 400, or a 404 where Ollama answers so), for an impossible one a 400.
    pub fn check_name(self, name: &str) -> Result<(), DecodeError> {
        if name.is_empty() {
            return Err(match self {
                Self::Chat | Self::Embeddings => DecodeError::field("model", "model is required"),
                Self::Generate | Self::Embed => missing("model '' not found".to_owned()),
            });
        }
        if names::is_valid_name(name) { Ok(()) } else { Err(DecodeError::field("model", "invalid model name")) }
    }

    /// The 404 for a model nobody has; `name` as the client sent it.
    pub fn not_found(self, name: &str) -> DecodeError {
        missing(match self {
            Self::Chat | Self::Generate => format!("model '{name}' not found"),
            Self::Embed | Self::Embeddings => format!("model \"{name}\" not found, try pulling it first"),
        })
    }
}

pub(super) fn missing(message: String) -> DecodeError {
    DecodeError { status: 404, message, param: Some("model".to_owned()) }
}

/// Whether the model can do what is asked. What is not known about it passes: the provider decides then.
/// `name` is the model's name as the client sent it.
///
/// # Errors
/// A 400 with Ollama's text; clients match parts of it (`does not support tools`).
pub fn check(
    head: &Head,
    capabilities: &Capabilities,
    kind: ModelKind,
    name: &str,
    endpoint: Endpoint,
) -> Result<(), DecodeError> {
    let word = match endpoint {
        Endpoint::Chat => "chat",
        Endpoint::Generate => "generate",
        Endpoint::Embed | Endpoint::Embeddings => return Ok(()),
    };
    if head.raw_conflict {
        return Err(DecodeError::field("raw", "raw mode does not support template, system, or context"));
    }
    let thinks = match head.think {
        None | Some(Reasoning::Off) => false,
        Some(Reasoning::On | Reasoning::Effort(_) | Reasoning::Budget(_)) => true,
    };
    if thinks && capabilities.reasoning == Some(false) {
        return Err(DecodeError::field("think", format!("\"{name}\" does not support thinking")));
    }
    match kind {
        ModelKind::Chat => {}
        ModelKind::Embedding => {
            return Err(DecodeError::field("model", format!("\"{name}\" does not support {word}")));
        }
    }
    let lacks = |what: &str| format!("{} does not support {what}", names::fully_qualified(name));
    if head.offers_tools && capabilities.tools == Some(false) {
        return Err(DecodeError::field("tools", lacks("tools")));
    }
    if head.has_suffix && capabilities.insert == Some(false) {
        return Err(DecodeError::field("suffix", lacks("insert")));
    }
    Ok(())
}

/// The answer to a request that only loads or unloads: one JSON object, never a stream, without metrics.
/// `model` is the name as the client sent it.
pub fn load_reply(endpoint: Endpoint, model: &str, now: UnixNanos, state: LoadState) -> Vec<u8> {
    let shape = match endpoint {
        Endpoint::Chat => Shape::Chat,
        Endpoint::Generate => Shape::Generate,
        Endpoint::Embed => return serde_json::json!({ "model": model, "embeddings": [] }).to_string().into_bytes(),
        Endpoint::Embeddings => return b"{\"embedding\":[]}".to_vec(),
    };
    let reason = match state {
        LoadState::Loaded => "load",
        LoadState::Unloaded => "unload",
    };
    let mut out = Vec::with_capacity(160);
    let done = Some(Done { reason, metrics: None });
    Line { done, ..Line::default() }.write(shape, LineHead::new(model).at(now), &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Effort;

    fn chat(body: &str) -> Head {
        head(body.as_bytes(), Endpoint::Chat).unwrap()
    }

    fn refusal(body: &str, endpoint: Endpoint, kind: ModelKind) -> String {
        let lacking =
            Capabilities { tools: Some(false), insert: Some(false), reasoning: Some(false), ..Capabilities::default() };
        let head = head(body.as_bytes(), endpoint).unwrap();
        // What is not known passes.
        let open = check(&head, &Capabilities::default(), ModelKind::Chat, &head.model, endpoint);
        assert_eq!(open.is_err(), head.raw_conflict);
        check(&head, &lacking, kind, &head.model, endpoint).unwrap_err().message
    }

    #[test]
    fn the_top_level_is_read() {
        let head = chat(
            r#"{"Model":" m ","stream":null,"messages":[{}],"keep_alive":"5m","think":"high","tools":[1],"x":{"y":[]}}"#,
        );
        assert_eq!(head.model, "m");
        assert_eq!((head.stream, head.is_empty, head.offers_tools, head.has_suffix), (None, false, true, false));
        assert_eq!(head.keep_alive, Some(KeepAlive::Seconds(300.0)));
        assert_eq!(head.think, Some(Reasoning::Effort(Effort::High)));
        assert_eq!(chat(r#"{"name":"n","model":null}"#).model, "n");
        assert_eq!(chat(r#"{"model":"m","options":{"think":false}}"#).think, Some(Reasoning::Off));
    }

    #[test]
    fn nothing_to_answer_means_load_and_keep_alive_zero_unload() {
        for messages in ["null", "[]", "[ ]"] {
            assert!(chat(&format!("{{\"model\":\"m\",\"messages\":{messages}}}")).loads());
        }
        assert!(chat("{}").loads());
        for keep_alive in ["0", "\"0\"", "\"0s\"", "0.0"] {
            assert!(chat(&format!("{{\"model\":\"m\",\"keep_alive\":{keep_alive}}}")).unloads(), "{keep_alive}");
        }
        assert!(!chat(r#"{"messages":[{}],"keep_alive":0}"#).unloads());
        assert!(head(br#"{"prompt":"","keep_alive":"0s"}"#, Endpoint::Generate).unwrap().unloads());
        assert!(head(br#"{"input":[]}"#, Endpoint::Embed).unwrap().loads());
    }

    #[test]
    fn fields_of_other_endpoints_are_not_looked_at() {
        let head = chat(r#"{"suffix":"x","raw":"yes","system":"s"}"#);
        assert!(!head.has_suffix && !head.raw_conflict);
        let embed = super::head(br#"{"think":"extreme","top_logprobs":99,"tools":[1]}"#, Endpoint::Embed).unwrap();
        assert!(embed.think.is_none() && !embed.offers_tools);
    }

    #[test]
    fn ranges_and_durations_are_checked_first() {
        let error = head(br#"{"top_logprobs":21}"#, Endpoint::Chat).unwrap_err();
        assert_eq!(error.message, "top_logprobs must be between 0 and 20");
        assert_eq!(head(br#"{"keep_alive":"1d"}"#, Endpoint::Chat).unwrap_err().status, 400);
        let error = head(br#"{"think":"extreme"}"#, Endpoint::Chat).unwrap_err();
        assert!(error.message.starts_with("invalid think value: \"extreme\""));
    }

    #[test]
    fn each_endpoint_has_its_own_words_for_a_missing_model() {
        let told = |endpoint: Endpoint| {
            let error = endpoint.check_name("").unwrap_err();
            (error.status, error.message)
        };
        assert_eq!(told(Endpoint::Chat), (400, "model is required".to_owned()));
        assert_eq!(told(Endpoint::Generate), (404, "model '' not found".to_owned()));
        assert_eq!(told(Endpoint::Embed), (404, "model '' not found".to_owned()));
        assert_eq!(told(Endpoint::Embeddings), (400, "model is required".to_owned()));
        assert_eq!(Endpoint::Chat.check_name("foo:").unwrap_err().message, "invalid model name");
        assert_eq!(Endpoint::Chat.not_found("nope").message, "model 'nope' not found");
        assert_eq!(Endpoint::Embed.not_found("nope").message, "model \"nope\" not found, try pulling it first");
    }

    #[test]
    fn what_a_model_cannot_do_is_refused_in_the_words_clients_match() {
        let (chat, embedding) = (ModelKind::Chat, ModelKind::Embedding);
        for (body, endpoint, kind, text) in [
            (r#"{"model":"m","think":true}"#, Endpoint::Chat, chat, "\"m\" does not support thinking"),
            (r#"{"model":"e"}"#, Endpoint::Chat, embedding, "\"e\" does not support chat"),
            (r#"{"model":"e"}"#, Endpoint::Generate, embedding, "\"e\" does not support generate"),
            (
                r#"{"model":"p","tools":[{}]}"#,
                Endpoint::Chat,
                chat,
                "registry.ollama.ai/library/p:latest does not support tools",
            ),
            (r#"{"model":"a/b","tools":[{}]}"#, Endpoint::Chat, chat, "a/b:latest does not support tools"),
            (
                r#"{"model":"m","suffix":"x"}"#,
                Endpoint::Generate,
                chat,
                "registry.ollama.ai/library/m:latest does not support insert",
            ),
            (
                r#"{"model":"m","raw":true,"system":"s"}"#,
                Endpoint::Generate,
                chat,
                "raw mode does not support template, system, or context",
            ),
        ] {
            assert_eq!(refusal(body, endpoint, kind), text);
        }
    }

    #[test]
    fn load_answers_are_single_objects_without_metrics() {
        let reply = |endpoint, state| String::from_utf8(load_reply(endpoint, "m", UnixNanos(0), state)).unwrap();
        assert_eq!(
            reply(Endpoint::Chat, LoadState::Loaded),
            r#"{"model":"m","created_at":"1970-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}"#
        );
        assert_eq!(
            reply(Endpoint::Generate, LoadState::Unloaded),
            r#"{"model":"m","created_at":"1970-01-01T00:00:00Z","response":"","done":true,"done_reason":"unload"}"#
        );
        assert_eq!(reply(Endpoint::Embed, LoadState::Loaded), r#"{"model":"m","embeddings":[]}"#);
        assert_eq!(reply(Endpoint::Embeddings, LoadState::Loaded), r#"{"embedding":[]}"#);
    }
}
