//! One question to a designator: an ordinary call with a usage record of its own, linked to the request.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use uuid::Uuid;

use crate::catalog::Model;
use crate::chat::ChatRequest;
use crate::clock::UnixMillis;
use crate::protocol::system_text;
use crate::providers::{Operation, Payload, TransportError, TransportFailure, address};
use crate::relay::error::UpstreamError;
use crate::relay::observation::Observation;
use crate::relay::{Relay, record, whole};
use crate::routing::smart::{DesignatorCall, Outcome};
use crate::tracking::{ErrorClass, UsageRecord};

/// Characters of an answer that a decision keeps.
const KEPT: usize = 200;

/// What a designator said, and what is known of the call. `None`: it said nothing, the call tells why.
pub(super) struct Said {
    pub(super) text: Option<String>,
    /// The provider did not like the question.
    pub(super) is_refused: bool,
    pub(super) call: DesignatorCall,
}

/// Asks. The draft says for whom; whatever happens until the deadline, there is one record and one call.
pub(super) async fn ask(
    relay: &Relay,
    model: &Arc<Model>,
    mut request: ChatRequest,
    draft: UsageRecord,
    deadline: Instant,
) -> Said {
    let started = Instant::now();
    let provider = &model.provider;
    let id = Uuid::now_v7().to_string();
    let mut call = DesignatorCall {
        id: id.clone(),
        model: model.name(),
        outcome: Outcome::Error,
        answer: None,
        ms: 0,
        input_tokens: None,
        output_tokens: None,
        cost_nano_usd: None,
    };
    system_text::fit(&mut request, &model.profile);
    let encoded = match provider.protocol.codec().encode_request(&request, &model.profile) {
        Ok(encoded) => encoded,
        Err(error) => {
            call.answer = Some(error.to_string());
            return Said { text: None, is_refused: true, call };
        }
    };
    let body = Bytes::from(encoded.body);
    let draft = Box::new(UsageRecord { id, started: UnixMillis::now(), attempts: 1, ..draft });
    let mut recording = record::begin(&relay.journal, draft, model, &body);
    let mut observation = Observation::default();
    let answering = async {
        let url = address(provider, &model.profile.id, Operation::Chat { stream: false });
        let sent = relay.transport.send(provider, Method::POST, url, Payload::Json(body)).await;
        let response = sent.map_err(|error| UpstreamError::transport(provider, &error))?;
        let idle = relay.transport.timeouts().idle;
        if !(200..300).contains(&response.status) {
            return Err(whole::refusal(model, response, idle).await);
        }
        recording.accepted();
        let answer = whole::receive(model, response, idle).await?;
        answer.emit(&mut observation);
        Ok(answer)
    };
    let result = tokio::time::timeout_at(deadline.into(), answering).await.unwrap_or_else(|_| {
        let message = format!("no answer within {} ms", started.elapsed().as_millis());
        Err(UpstreamError::transport(provider, &TransportError { failure: TransportFailure::Timeout, message }))
    });
    call.ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    let is_refused = result.as_ref().is_err_and(|error| error.class == ErrorClass::BadRequest);
    let text = match result {
        Ok(answer) => {
            recording.saw_answer(observation.answer_bytes);
            let text = answer.choices.first().map(|choice| choice.text()).unwrap_or_default();
            call.answer = Some(line(&text));
            call.outcome = Outcome::Invalid;
            call.input_tokens = answer.usage.prompt_total();
            call.output_tokens = answer.usage.completion_total();
            call.cost_nano_usd = record::complete(recording, &mut observation);
            Some(text)
        }
        Err(error) => {
            call.answer = Some(line(&error.message));
            if error.class == ErrorClass::Timeout {
                call.outcome = Outcome::Timeout;
            }
            call.cost_nano_usd = recording.finish(record::failure(&error));
            None
        }
    };
    Said { text, is_refused, call }
}

/// The beginning of a text, on one line.
fn line(text: &str) -> String {
    text.chars().take(KEPT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
