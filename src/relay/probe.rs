//! A provider tried out: one tiny call, told step by step. It is a request like any other, with a record and a bill.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use http::Method;
use serde::Serialize;
use serde_with_macros::skip_serializing_none;
use smol_str::SmolStr;
use uuid::Uuid;

use super::error::UpstreamError;
use super::observation::Observation;
use super::{Relay, record, whole};
use crate::catalog::{Model, Provider};
use crate::chat::{ChatRequest, Event, EventSink, Message, Role};
use crate::clock::UnixMillis;
use crate::money::NanoUsd;
use crate::protocol::framing::{Framer, RawFrame};
use crate::protocol::{Protocol, StreamFault, system_text};
use crate::providers::{
    Operation, Payload, Response, TransportError, TransportFailure, Unreachable, UnreachableCause, address,
};
use crate::tracking::{ErrorClass, Recording, UsageRecord};

/// The tag by which such calls are found.
const TAG: &str = "provider-test";
const QUESTION: &str = "Reply with one word: hello";
/// Enough for a greeting, and for a thinking model to show that it thinks.
const MAX_TOKENS: u64 = 48;
/// Whoever waits at a page has gone after that.
const PATIENCE: Duration = Duration::from_secs(60);
/// For a guess at what else might be spoken there.
const GUESS_PATIENCE: Duration = Duration::from_secs(3);
const MAX_GUESS_BYTES: usize = 64 << 10;

/// What has become known; times are milliseconds since the beginning.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum ProbeStep {
    /// What is asked, and where.
    Asking {
        /// `provider/model`.
        model: String,
        /// Under which the call is found among the requests.
        request_id: String,
        /// Without query and credentials.
        address: String,
    },
    /// The host has addresses; empty: a proxy will look it up.
    Resolved {
        /// Them.
        addresses: Vec<IpAddr>,
        /// When.
        ms: u64,
    },
    /// There is a connection, TLS included.
    Connected {
        /// When.
        ms: u64,
    },
    /// The head of the answer.
    Headers {
        /// Its HTTP status.
        status: u16,
        /// When.
        ms: u64,
    },
    /// The first piece of the answer.
    FirstToken {
        /// When.
        ms: u64,
    },
    /// A piece of the answer.
    Text {
        /// It.
        text: String,
    },
    /// The end of it.
    Done {
        /// Why it ended.
        finish_reason: Option<String>,
        /// Prompt tokens.
        input_tokens: Option<u64>,
        /// Generated tokens.
        output_tokens: Option<u64>,
        /// What it cost; absent: not known.
        cost_nano_usd: Option<NanoUsd>,
        /// When.
        ms: u64,
    },
    /// It has failed.
    Failed {
        /// What kind of failure it is.
        error: ErrorClass,
        /// What was said, without the key.
        message: String,
        /// What to do.
        hint: String,
        /// When.
        ms: u64,
    },
}

/// A failure and what to do about it.
struct Failure {
    error: Box<UpstreamError>,
    hint: String,
}

impl Relay {
    /// Asks a model something small, whatever state its provider is in, and tells every step.
    pub async fn probe(&self, model: &Arc<Model>, endpoint: &str, tell: &mut (dyn FnMut(ProbeStep) + Send)) {
        let started = Instant::now();
        let provider = &model.provider;
        let draft = Box::new(UsageRecord {
            id: Uuid::now_v7().to_string(),
            started: UnixMillis::now(),
            endpoint: endpoint.into(),
            asked: model.name().into(),
            tags: vec![SmolStr::new_static(TAG)],
            stream: true,
            attempts: 1,
            ..UsageRecord::default()
        });
        let mut url = address(provider, &model.profile.id, Operation::Chat { stream: true });
        let target = url.clone();
        url.set_query(None);
        // Addresses of HTTP take both.
        let _ = (url.set_username(""), url.set_password(None));
        tell(ProbeStep::Asking { model: model.name(), request_id: draft.id.clone(), address: url.to_string() });
        let mut request = ChatRequest {
            messages: vec![Message::text(Role::User, QUESTION.to_owned())],
            max_tokens: Some(MAX_TOKENS),
            stream: true,
            ..ChatRequest::default()
        };
        system_text::fit(&mut request, &model.profile);
        let encoded = match provider.protocol.codec().encode_request(&request, &model.profile) {
            Ok(encoded) => encoded,
            Err(error) => {
                let hint = "Choose another model: this one cannot be asked for a chat.".to_owned();
                let (error, message) = (ErrorClass::BadRequest, error.to_string());
                return tell(ProbeStep::Failed { error, message, hint, ms: since(started) });
            }
        };
        let body = Bytes::from(encoded.body);
        let mut recording = record::begin(&self.journal, draft, model, &body);
        let mut seen = Seen { observation: Observation::default(), texts: Vec::new() };
        let asking = async {
            let connecting = self.find_the_way(provider, started, tell).await?;
            recording.draft_mut().connect_us = u32::try_from(connecting.as_micros()).ok();
            let sent = self.transport.send(provider, Method::POST, target, Payload::Json(body)).await;
            let response = sent.map_err(|error| Failure::of(UpstreamError::transport(provider, &error), model))?;
            tell(ProbeStep::Headers { status: response.status, ms: since(started) });
            if !(200..300).contains(&response.status) {
                let status = response.status;
                let error = whole::refusal(model, response, self.transport.timeouts().idle).await;
                return Err(Failure::of_status(error, model, status));
            }
            recording.accepted();
            let read = self.read(model, response, &mut recording, &mut seen, started, tell).await;
            read.map_err(|error| Failure::of(error, model))
        };
        let result = tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| {
            let message = format!("no complete answer within {} s", PATIENCE.as_secs());
            let error = TransportError { failure: TransportFailure::Timeout, message };
            Err(Failure::of(UpstreamError::transport(provider, &error), model))
        });
        match result {
            Ok(()) => {
                let usage = seen.observation.usage.clone();
                let finish_reason = seen.observation.finish.map(|reason| reason.as_str().to_owned());
                let cost_nano_usd = record::complete(recording, &mut seen.observation);
                tell(ProbeStep::Done {
                    finish_reason,
                    input_tokens: usage.as_ref().and_then(|usage| usage.prompt_total()),
                    output_tokens: usage.as_ref().and_then(|usage| usage.completion_total()),
                    cost_nano_usd,
                    ms: since(started),
                });
            }
            Err(Failure { error, mut hint }) => {
                recording.finish(record::failure(&error));
                if let Some(other) = self.guess(provider, &error).await {
                    hint = format!("This looks like {other}: choose that protocol instead.");
                }
                let message = error.message;
                tell(ProbeStep::Failed { error: error.class, message, hint, ms: since(started) });
            }
        }
    }

    /// Gives the time the connection took.
    async fn find_the_way(
        &self,
        provider: &Provider,
        started: Instant,
        tell: &mut (dyn FnMut(ProbeStep) + Send),
    ) -> Result<Duration, Failure> {
        let failed = |unreachable: Unreachable| Failure::of_way(provider, &unreachable);
        let addresses = self.transport.resolve(provider).await.map_err(failed)?;
        tell(ProbeStep::Resolved { addresses: addresses.unwrap_or_default(), ms: since(started) });
        let begun = Instant::now();
        Box::pin(self.transport.reach(provider)).await.map_err(failed)?;
        tell(ProbeStep::Connected { ms: since(started) });
        Ok(begun.elapsed())
    }

    /// Reads the answer as it comes.
    async fn read(
        &self,
        model: &Model,
        response: Response,
        recording: &mut Recording,
        seen: &mut Seen,
        started: Instant,
        tell: &mut (dyn FnMut(ProbeStep) + Send),
    ) -> Result<(), UpstreamError> {
        let (provider, idle) = (&model.provider, self.transport.timeouts().idle);
        if !response.is_stream() {
            whole::receive(model, response, idle).await?.emit(seen);
            seen.hand_over(recording, started, tell);
            return Ok(());
        }
        let codec = provider.protocol.codec();
        let (mut framer, mut decoder) = (Framer::new(codec.framing()), codec.decoder());
        let mut body = response.body;
        let fault = |fault: StreamFault| UpstreamError::fault(provider, fault);
        while !decoder.is_done() {
            let next = tokio::time::timeout(idle, body.next()).await;
            let next = next.unwrap_or_else(|_| Some(Err(TransportError::silent(idle))));
            let mut visit = |raw: RawFrame<'_>| raw.frame.map_or(Ok(()), |frame| decoder.push(frame, seen));
            match next {
                Some(Ok(chunk)) => framer.push(&chunk, &mut visit).map_err(fault)?,
                Some(Err(error)) => return Err(UpstreamError::transport(provider, &error)),
                None => {
                    framer.finish(&mut visit).map_err(fault)?;
                    decoder.finish(seen).map_err(fault)?;
                    seen.hand_over(recording, started, tell);
                    return Ok(());
                }
            }
            seen.hand_over(recording, started, tell);
        }
        body.leave();
        decoder.finish(seen).map_err(fault)
    }

    /// Which other protocol the server seems to speak, after a failure that looks like it.
    async fn guess(&self, provider: &Provider, error: &UpstreamError) -> Option<&'static str> {
        let is_odd = match error.class {
            ErrorClass::BadRequest | ErrorClass::Provider | ErrorClass::Malformed | ErrorClass::Truncated => true,
            ErrorClass::ClientClosed
            | ErrorClass::Connect
            | ErrorClass::Timeout
            | ErrorClass::RateLimit
            | ErrorClass::Overloaded
            | ErrorClass::ProviderAuth
            | ErrorClass::Shutdown => false,
        };
        if !is_odd {
            return None;
        }
        let others = [(Protocol::Ollama, "Ollama"), (Protocol::OpenAi, "an OpenAI-compatible server")];
        for (protocol, words) in others.into_iter().filter(|(protocol, _)| *protocol != provider.protocol) {
            let other = Provider { protocol, ..provider.clone() };
            let asking = async {
                let url = address(&other, "", Operation::Models);
                let response = self.transport.send(&other, Method::GET, url, Payload::Empty).await.ok()?;
                let is_answer = response.status == 200;
                let body = response.body.collect(MAX_GUESS_BYTES, GUESS_PATIENCE).await.ok()?;
                let lists = serde_json::from_slice::<serde_json::Value>(&body).ok()?;
                let key = if protocol == Protocol::Ollama { "models" } else { "data" };
                (is_answer && lists.get(key)?.is_array()).then_some(words)
            };
            if let Ok(Some(words)) = tokio::time::timeout(GUESS_PATIENCE, asking).await {
                return Some(words);
            }
        }
        None
    }
}

/// What the answer's events tell, with their texts until they are handed over.
struct Seen {
    observation: Observation,
    texts: Vec<String>,
}

impl EventSink for Seen {
    fn event(&mut self, event: Event<'_>) {
        self.observation.see(&event);
        if let Event::Text { text, .. } | Event::Refusal { text, .. } = event {
            self.texts.push(text.into_owned());
        }
    }
}

impl Seen {
    fn hand_over(&mut self, recording: &mut Recording, started: Instant, tell: &mut (dyn FnMut(ProbeStep) + Send)) {
        let is_first = recording.draft_mut().first_token_ms.is_none();
        recording.saw_answer(std::mem::take(&mut self.observation.answer_bytes));
        if is_first && recording.draft_mut().first_token_ms.is_some() {
            tell(ProbeStep::FirstToken { ms: since(started) });
        }
        if let Some(usage) = &self.observation.usage {
            recording.draft_mut().usage.clone_from(usage);
        }
        self.texts.drain(..).for_each(|text| tell(ProbeStep::Text { text }));
    }
}

impl Failure {
    /// There is no way to the provider.
    fn of_way(provider: &Provider, unreachable: &Unreachable) -> Self {
        let host = provider.base_url.host_str().unwrap_or_default();
        let port = provider.base_url.port_or_known_default().unwrap_or_default();
        let hint = match unreachable.cause {
            UnreachableCause::UnknownHost => {
                format!(
                    "No name server knows `{host}`: look for a typing error in the base URL, or at the network's DNS."
                )
            }
            UnreachableCause::Refused => format!(
                "Nothing listens at {host}, port {port}: is the server running, is the port right, and does it listen on \
                 more than its own loopback address?"
            ),
            UnreachableCause::Timeout if provider.base_url.scheme() == "https" => format!(
                "{host} does not complete a connection at port {port}: a firewall may be in between, or it speaks plain \
                 HTTP, and the base URL begins with http://."
            ),
            UnreachableCause::Timeout => {
                format!("{host} does not answer at port {port}: a firewall may be in between, or the machine is off.")
            }
            UnreachableCause::Tls => {
                "The server is there, but TLS fails: if it speaks plain HTTP, the base URL begins with \
                 http://; if its certificate is your own, add that to the system's."
                    .to_owned()
            }
            UnreachableCause::Other => "Look at the base URL, and whether the machine is on the network.".to_owned(),
        };
        Self { error: Box::new(UpstreamError::transport(provider, &unreachable.error)), hint }
    }

    /// The provider has answered with a refusal.
    fn of_status(error: UpstreamError, model: &Model, status: u16) -> Self {
        if error.class == ErrorClass::BadRequest && matches!(status, 404 | 405) {
            let id = &model.profile.id;
            let hint = format!(
                "Either there is no model `{id}` there, so choose another one, or the base URL lacks its path, such as /v1."
            );
            return Self { error: Box::new(error), hint };
        }
        Self::of(error, model)
    }

    fn of(error: UpstreamError, model: &Model) -> Self {
        let provider = &model.provider;
        let hint = match error.class {
            ErrorClass::ProviderAuth if provider.api_key.is_none() => "It wants a key: enter one.",
            ErrorClass::ProviderAuth => {
                "The key is not accepted: is it complete, still valid, of this vendor, and allowed to use this model? \
                 Enter it again."
            }
            ErrorClass::RateLimit => {
                "Address and key are right, but the allowance is used up: wait, or look at the plan."
            }
            ErrorClass::Overloaded => "Address and key are right; the provider is overloaded: try again in a minute.",
            ErrorClass::Connect => "Look at the base URL, and whether the server runs.",
            ErrorClass::Timeout => "It takes too long: a local model may still be loading; try again.",
            ErrorClass::BadRequest => "The provider refuses this request: try another model.",
            ErrorClass::Malformed | ErrorClass::Truncated => {
                "What came is not what this protocol says: look at the protocol and at the path of the base URL."
            }
            ErrorClass::Provider | ErrorClass::ClientClosed | ErrorClass::Shutdown => {
                "The provider has failed: try again, and look at its own log or status page."
            }
        };
        Self { error: Box::new(error), hint: hint.to_owned() }
    }
}

fn since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
