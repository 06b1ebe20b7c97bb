//! One try at one target: write the request, send it, look at the head of the answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::error::{RelayError, UpstreamError};
use super::observation::Observation;
use super::pipe::{Forward, Output};
use super::plan::{Plan, plan};
use super::{Answer, AnswerBody, Call, Relay, stream, whole};
use crate::catalog::Model;
use crate::clock::{Timing, UnixNanos};
use crate::money::NanoUsd;
use crate::protocol::envelope::Envelope;
use crate::protocol::ollama::ModelEcho;
use crate::protocol::{ClientFormat, Encoded, ReplyContext, Restoration, system_text};
use crate::providers::{Operation, Payload, Response, address};
use crate::tracking::{Journal, Outcome, Recording, UsageRecord, estimate};

/// Error bodies longer than this are cut.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// A request as it will be sent, and how its answer crosses back.
struct Prepared {
    operation: Operation,
    encoded: Encoded,
    crossing: Crossing,
}

/// How an answer crosses back to the client.
pub(super) enum Crossing {
    /// Untouched.
    Forward {
        /// The usage chunk was asked for by us, not by the client.
        drop_usage: bool,
    },
    /// Through the chat model, where what was bent for the provider is bent back.
    Translate(Restoration),
}

/// What the way back needs to know about the request.
pub(super) struct Attempt {
    /// The target.
    pub model: Arc<Model>,
    /// What the client speaks.
    pub format: ClientFormat,
    /// What the answer must carry.
    pub context: ReplyContext,
    /// What could not be carried.
    pub warnings: Vec<String>,
    /// How the answer crosses back.
    pub crossing: Crossing,
    /// Silence of the provider that is taken for its end.
    pub idle: Duration,
}

/// Tries one target.
pub(super) async fn run(
    relay: &Relay,
    call: &Call<'_>,
    model: &Arc<Model>,
    attempts: u32,
) -> Result<Answer, RelayError> {
    let provider = &model.provider;
    let prepared = prepare(call, model)?;
    let draft = draft(call, attempts);
    let mut recording = record(&relay.journal, draft, model, call.body);
    let url = address(provider, &model.profile.id, prepared.operation);
    let payload = Payload::Json(Bytes::from(prepared.encoded.body));
    let response = match relay.transport.send(provider, Method::POST, url, payload).await {
        Ok(response) => response,
        Err(error) => return Err(fail(recording, UpstreamError::transport(provider, &error))),
    };
    let idle = relay.transport.timeouts().idle;
    if !(200..300).contains(&response.status) {
        return Err(fail(recording, refusal(model, response, idle).await));
    }
    recording.accepted();
    let attempt = Attempt {
        model: model.clone(),
        format: call.format,
        context: call.context.clone(),
        warnings: prepared.encoded.warnings,
        crossing: prepared.crossing,
        idle,
    };
    if call.stream {
        stream::open(attempt, recording, response).await
    } else {
        whole::read(attempt, recording, response).await
    }
}

fn prepare(call: &Call<'_>, model: &Model) -> Result<Prepared, RelayError> {
    let codec = model.provider.protocol.codec();
    match plan(call.format, model.provider.protocol, &model.profile, call.stream) {
        Plan::Forward(operation) => {
            let mut envelope = match &call.envelope {
                Some(envelope) => envelope.clone(),
                None => Envelope::parse(call.body)?,
            };
            let warnings = codec.prepare_forward(&mut envelope, &model.profile, call.stream)?;
            Ok(Prepared {
                operation,
                encoded: Encoded { body: envelope.to_vec(), warnings },
                crossing: Crossing::Forward { drop_usage: !call.context.include_usage },
            })
        }
        Plan::Translate => {
            let mut request = call.format.codec().decode_request(call.body)?;
            request.stream = call.stream;
            system_text::fit(&mut request, &model.profile);
            let restoration = Restoration::for_request(&request, model.provider.protocol, &model.profile);
            Ok(Prepared {
                operation: Operation::Chat { stream: call.stream },
                encoded: codec.encode_request(&request, &model.profile)?,
                crossing: Crossing::Translate(restoration),
            })
        }
    }
}

fn draft(call: &Call<'_>, attempts: u32) -> UsageRecord {
    let mut draft = call.draft.clone();
    if attempts > 1 {
        // Each try is a record of its own; all point at the request the client knows.
        draft.parent = Some(std::mem::replace(&mut draft.id, uuid::Uuid::now_v7().to_string()));
    }
    draft.attempts = attempts;
    let own = (UnixNanos::now().0 - call.context.started.0).max(0) / 1000;
    draft.relay_us = u32::try_from(own).unwrap_or(u32::MAX);
    draft
}

/// Begins the record of a try.
pub(super) fn record(journal: &Arc<Journal>, mut draft: UsageRecord, model: &Model, body: &[u8]) -> Recording {
    draft.provider.clone_from(&model.provider.id);
    draft.model.clone_from(&model.profile.id);
    draft.provider_protocol = model.provider.protocol.as_str().to_owned();
    let mut recording = Recording::new(journal.clone(), draft);
    recording.set_target(model.price.clone(), model.provider.local);
    recording.set_prompt_bytes(estimate::prompt_bytes(body));
    recording
}

/// Records a failure and makes it a result.
pub(super) fn fail(recording: Recording, error: UpstreamError) -> RelayError {
    recording.finish(failure(&error));
    RelayError::Upstream(error)
}

/// A failure as the record tells it.
pub(super) fn failure(error: &UpstreamError) -> Outcome {
    Outcome::Failed { status: error.status, class: error.class, message: error.message.clone() }
}

/// Records a complete answer; returns what it cost, if that is known.
pub(super) fn complete(mut recording: Recording, observation: &mut Observation) -> Option<NanoUsd> {
    let draft = recording.draft_mut();
    if let Some(usage) = observation.usage.take() {
        draft.usage = *usage;
    }
    draft.finish_reason = observation.finish.map(|reason| reason.as_str().to_owned());
    recording.finish(Outcome::Complete { status: 200 }).cost
}

/// Reads an answer whose status says failure.
pub(super) async fn refusal(model: &Model, response: Response, idle: Duration) -> UpstreamError {
    let retry_after = response.retry_after();
    let status = response.status;
    let body = response.body.collect(MAX_ERROR_BYTES, idle).await.unwrap_or_default();
    let error = model.provider.protocol.codec().decode_error(status, &body);
    UpstreamError::provider(&model.provider, error, retry_after)
}

impl Attempt {
    /// The answer, with its body.
    pub(super) fn answer(&self, content_type: &'static str, cost: Option<NanoUsd>, body: AnswerBody) -> Answer {
        Answer {
            provider: self.model.provider.id.clone(),
            model: self.model.profile.id.clone(),
            content_type,
            warnings: self.warnings.clone(),
            cost,
            body,
        }
    }

    /// How a stream's bytes are made for this client.
    pub(super) fn output(&self) -> Output {
        match &self.crossing {
            Crossing::Forward { drop_usage } => Output::Forward(Forward {
                codec: self.format.codec(),
                drop_usage: *drop_usage,
                echo: self.echo(),
                terminator: self.format.stream_terminator(),
            }),
            Crossing::Translate(restoration) => Output::Translate {
                encoder: self.format.codec().encoder(self.context.clone()),
                restoration: restoration.clone(),
            },
        }
    }

    /// Puts the client's own name for the model into forwarded Ollama answers, which echo it.
    pub(super) fn echo(&self) -> Option<ModelEcho> {
        let echoes = match self.format {
            ClientFormat::OllamaChat | ClientFormat::OllamaGenerate => true,
            ClientFormat::OpenAiChat | ClientFormat::OpenAiCompletions => false,
        };
        (echoes && self.context.model != self.model.profile.id).then(|| ModelEcho::new(&self.context.model))
    }

    /// The times of an answer that ends now.
    pub(super) fn timing(&self, first_token: Option<UnixNanos>) -> Timing {
        Timing { started: self.context.started, first_token, ended: UnixNanos::now() }
    }
}
