//! The record of a try: begun before it is sent, ended in exactly one way.

use std::sync::Arc;

use smol_str::SmolStr;

use super::error::{RelayError, UpstreamError};
use super::observation::Observation;
use crate::catalog::Model;
use crate::money::NanoUsd;
use crate::tracking::{Journal, Outcome, Recording, UsageRecord, estimate};

/// Begins the record of a try.
pub(super) fn begin(journal: &Arc<Journal>, mut draft: Box<UsageRecord>, model: &Model, body: &[u8]) -> Recording {
    draft.provider = model.provider.id.as_str().into();
    draft.model = model.profile.id.as_str().into();
    draft.provider_protocol = SmolStr::new_static(model.provider.protocol.as_str());
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
    draft.finish_reason = observation.finish.map(|reason| reason.as_str().into());
    recording.finish(Outcome::Complete { status: 200 })
}
