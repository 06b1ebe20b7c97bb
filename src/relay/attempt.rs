//! One try at one target: write the request, send it, look at the head of the answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::error::{RelayError, UpstreamError};
use super::passage::{Crossing, Passage};
use super::plan::{Plan, plan};
use super::{Answer, Call, Relay, record, stream, whole};
use crate::catalog::Model;
use crate::clock::UnixNanos;
use crate::protocol::envelope::Envelope;
use crate::protocol::{self, Encoded, Restoration, system_text};
use crate::providers::{Operation, Payload, address};
use crate::tracking::UsageRecord;

/// A request as it will be sent, and how its answer crosses back.
struct Prepared {
    operation: Operation,
    encoded: Encoded,
    crossing: Crossing,
}

/// Tries one target.
pub(super) async fn run(
    relay: &Relay,
    mut call: Call<'_>,
    model: &Arc<Model>,
    attempts: u32,
) -> Result<Answer, RelayError> {
    let provider = &model.provider;
    let prepared = prepare(&mut call, model)?;
    let draft = draft(call.draft, call.context.started, attempts);
    let mut recording = record::begin(&relay.journal, draft, model, call.body);
    let url = address(provider, &model.profile.id, prepared.operation);
    let payload = Payload::Json(Bytes::from(prepared.encoded.body));
    let response = match relay.transport.send(provider, Method::POST, url, payload).await {
        Ok(response) => response,
        Err(error) => return Err(record::fail(recording, UpstreamError::transport(provider, &error))),
    };
    recording.draft_mut().connect_us = response.connected_in.map(in_microseconds);
    let idle = relay.transport.timeouts().idle;
    if !(200..300).contains(&response.status) {
        return Err(record::fail(recording, whole::refusal(model, response, idle).await));
    }
    recording.accepted();
    let passage = Passage {
        model: model.clone(),
        format: call.format,
        context: call.context,
        warnings: prepared.encoded.warnings,
        crossing: prepared.crossing,
        idle,
        keep_alive: relay.keep_alive,
        rate_headers: response.rate_headers(),
    };
    if call.stream {
        // A large future that most requests do without.
        Box::pin(stream::open(passage, recording, response)).await
    } else {
        whole::read(passage, recording, response).await
    }
}

fn prepare(call: &mut Call<'_>, model: &Model) -> Result<Prepared, RelayError> {
    let codec = model.provider.protocol.codec();
    match plan(call.format, model.provider.protocol, &model.profile, call.stream) {
        Plan::Forward(operation) => {
            let mut envelope = match call.envelope.take() {
                Some(envelope) => envelope,
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
            let mut request = match call.decoded.take() {
                Some(request) => protocol::whole(request)?,
                None => call.format.codec().decode_request(call.body)?,
            };
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

fn draft(mut draft: Box<UsageRecord>, started: UnixNanos, attempts: u32) -> Box<UsageRecord> {
    if attempts > 1 {
        // Each try is a record of its own; all point at the request the client knows.
        draft.parent = Some(std::mem::replace(&mut draft.id, uuid::Uuid::now_v7().to_string()).into());
    }
    draft.attempts = attempts;
    let own = (UnixNanos::now().0 - started.0).max(0) / 1000;
    draft.relay_us = u32::try_from(own).unwrap_or(u32::MAX);
    draft
}

fn in_microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
