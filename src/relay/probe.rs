//! A provider tried out: one tiny call, told step by step. It is a request like any other, with a record and a bill.

mod failure;
mod guess;
mod step;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use http::Method;
use smol_str::SmolStr;
use uuid::Uuid;

pub use step::ProbeStep;

use super::error::UpstreamError;
use super::observation::Observation;
use super::{Relay, record, whole};
use crate::catalog::{Model, Provider};
use crate::chat::{ChatRequest, Event, EventSink, Message, Role};
use crate::clock::UnixMillis;
use crate::protocol::framing::{Framer, RawFrame};
use crate::protocol::{StreamFault, system_text};
use crate::providers::{Operation, Payload, Response, TransportError, TransportFailure, Unreachable, address};
use crate::tracking::{ErrorClass, Recording, UsageRecord};
use failure::Failure;

/// The tag by which such calls are found.
const TAG: &str = "provider-test";
const QUESTION: &str = "Reply with one word: hello";
/// Enough for a greeting, and for a thinking model to show that it thinks.
const MAX_TOKENS: u64 = 48;
/// Whoever waits at a page has gone after that.
const PATIENCE: Duration = Duration::from_secs(60);

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

fn since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
