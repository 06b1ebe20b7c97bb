//! Requests: read as far as routing needs, forwarded with another model's name, or translated.

use std::hint::black_box;

use llm_relay::chat::ChatRequest;
use llm_relay::protocol::envelope::Envelope;
use llm_relay::protocol::ollama::{self, Endpoint};
use llm_relay::protocol::{ClientFormat, Protocol, Restoration, system_text};
use llm_relay::tracking::estimate;

use super::{CLIENTS, PROTOCOLS};
use crate::case::Case;
use crate::fixtures::{Size, model_of, request};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [Size::Small, Size::Large] {
        cases.extend([envelope(size), forward(size), head(size), forward_ollama(size), prompt_bytes(size)]);
    }
    for format in CLIENTS {
        cases.extend(Size::ALL.map(|size| decode(format, size)));
    }
    for protocol in PROTOCOLS {
        cases.extend([Size::Tools, Size::Large].map(|size| encode(protocol, size)));
    }
    cases.push(fit());
    cases
}

fn case<O: FnMut() -> usize + 'static>(what: &str, size: Size, prepare: impl Fn() -> O + 'static) -> Case {
    Case::new(format!("request: {what}, {}", size.as_str()), prepare)
}

fn in_bytes(case: Case, body: &[u8]) -> Case {
    case.per(body.len(), "byte")
}

/// The top level, and the fields the server reads before it routes.
fn envelope(size: Size) -> Case {
    let body = request(ClientFormat::OpenAiChat, size);
    let prepared = body.clone();
    let case = case("envelope read", size, move || {
        let body = prepared.clone();
        move || {
            let envelope = Envelope::parse(black_box(&body)).expect("the body is JSON");
            assert!(envelope.duplicate().is_none());
            let model = envelope.read::<String>("model").ok().flatten();
            let stream = envelope.read::<bool>("stream").ok().flatten();
            black_box(envelope.read::<String>("user")).ok();
            model.map_or(0, |model| model.len()) + usize::from(stream == Some(true))
        }
    });
    in_bytes(case, &body)
}

/// The model's name put in its place, as the relay does with a body it forwards.
fn forward(size: Size) -> Case {
    let body = request(ClientFormat::OpenAiChat, size);
    let prepared = body.clone();
    let case = case("model spliced, OpenAI", size, move || {
        let body = prepared.clone();
        let model = model_of(Protocol::OpenAi);
        // It lives as long as the process, which ends with the case.
        let read = Envelope::parse(Box::leak(body.into_boxed_slice())).expect("the body is JSON");
        move || {
            let mut envelope = black_box(&read).clone();
            let codec = Protocol::OpenAi.codec();
            let warnings = codec.prepare_forward(&mut envelope, &model.profile, true).expect("nothing is refused");
            black_box(warnings);
            envelope.to_vec().len()
        }
    });
    in_bytes(case, &body)
}

/// The first look at an Ollama body.
fn head(size: Size) -> Case {
    let body = request(ClientFormat::OllamaChat, size);
    let prepared = body.clone();
    let case = case("Ollama head read", size, move || {
        let body = prepared.clone();
        move || ollama::head(black_box(&body), Endpoint::Chat).map_or(0, |head| head.model.len())
    });
    in_bytes(case, &body)
}

/// The same as [`forward`] for Ollama, whose bodies are not in an envelope by then.
fn forward_ollama(size: Size) -> Case {
    let body = request(ClientFormat::OllamaChat, size);
    let prepared = body.clone();
    let case = case("envelope read and model spliced, Ollama", size, move || {
        let body = prepared.clone();
        let model = model_of(Protocol::Ollama);
        move || {
            let mut envelope = Envelope::parse(black_box(&body)).expect("the body is JSON");
            let codec = Protocol::Ollama.codec();
            let warnings = codec.prepare_forward(&mut envelope, &model.profile, true).expect("nothing is refused");
            black_box(warnings);
            envelope.to_vec().len()
        }
    });
    in_bytes(case, &body)
}

/// The prompt's size for an estimate, which every request takes.
fn prompt_bytes(size: Size) -> Case {
    let body = request(ClientFormat::OpenAiChat, size);
    let prepared = body.clone();
    let case = case("prompt bytes for an estimate", size, move || {
        let body = prepared.clone();
        move || usize::try_from(estimate::tokens_of_bytes(estimate::prompt_bytes(black_box(&body)))).unwrap_or(0)
    });
    in_bytes(case, &body)
}

fn decode(format: ClientFormat, size: Size) -> Case {
    let body = request(format, size);
    let prepared = body.clone();
    let case = case(&format!("decode {}", format.protocol().as_str()), size, move || {
        let body = prepared.clone();
        move || format.codec().decode_request(black_box(&body)).map_or(0, |request| request.messages.len())
    });
    in_bytes(case, &body)
}

fn encode(protocol: Protocol, size: Size) -> Case {
    let bytes = request(ClientFormat::OpenAiChat, size);
    let case = case(&format!("encode {}", protocol.as_str()), size, move || {
        let model = model_of(protocol);
        let request = decoded(size);
        move || {
            let encoded = protocol.codec().encode_request(black_box(&request), &model.profile);
            encoded.map_or(0, |encoded| encoded.body.len())
        }
    });
    in_bytes(case, &bytes)
}

/// What stands between decoding and encoding.
fn fit() -> Case {
    case("fit and restoration, anthropic", Size::Tools, || {
        let model = model_of(Protocol::Anthropic);
        let mut request = decoded(Size::Tools);
        move || {
            system_text::fit(black_box(&mut request), &model.profile);
            black_box(Restoration::for_request(&request, Protocol::Anthropic, &model.profile));
            request.messages.len()
        }
    })
}

fn decoded(size: Size) -> ChatRequest {
    let body = request(ClientFormat::OpenAiChat, size);
    ClientFormat::OpenAiChat.codec().decode_request(&body).expect("the request is well formed")
}
