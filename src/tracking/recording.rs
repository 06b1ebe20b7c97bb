//! The promise that an answer is recorded exactly once, however it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cost::cost;
use super::estimate::tokens_of_bytes;
use super::{ErrorClass, Journal, UsageRecord};
use crate::catalog::Price;
use crate::clock::UnixMillis;
use crate::money::NanoUsd;

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The client got all of it.
    Complete {
        /// HTTP status the client got.
        status: u16,
    },
    /// It failed, before or after its first byte.
    Failed {
        /// HTTP status the client got or would have got.
        status: u16,
        /// What kind of failure it was.
        class: ErrorClass,
        /// In words, key material cut out.
        message: String,
    },
}

/// An answer under way. [`Recording::finish`] writes its record; dropping it instead writes that the client went away.
///
/// Tokens the provider did not report are estimated from bytes, and the record is marked, when the provider worked
/// for us: it sent some of the answer, or it accepted the request and it was not the provider that failed.
/// Otherwise (not reached, refused, failed before the first piece) nothing was used: no tokens, and no cost that
/// would be missing from the bill.
#[derive(Debug)]
pub struct Recording {
    journal: Arc<Journal>,
    /// Boxed: it travels through many hands.
    draft: Box<UsageRecord>,
    is_written: bool,
    price: Option<Arc<Price>>,
    is_local: bool,
    /// Time between the request's arrival and `created`.
    before: Duration,
    created: Instant,
    was_accepted: bool,
    prompt_bytes: u64,
    answer_bytes: u64,
}

impl Recording {
    /// Starts with what is known: who asks what. `draft.started` must be set, times are counted from it.
    pub fn new(journal: Arc<Journal>, draft: Box<UsageRecord>) -> Self {
        let before = UnixMillis::now().0.saturating_sub(draft.started.0);
        Self {
            journal,
            draft,
            is_written: false,
            price: None,
            is_local: false,
            before: Duration::from_millis(u64::try_from(before).unwrap_or(0)),
            created: Instant::now(),
            was_accepted: false,
            prompt_bytes: 0,
            answer_bytes: 0,
        }
    }

    /// The record so far, to be completed as things become known. Status, error, times, estimates and cost are set
    /// at the end.
    pub fn draft_mut(&mut self) -> &mut UsageRecord {
        &mut self.draft
    }

    /// What the model that is tried now costs, and whether it runs on hardware of our own.
    /// What was seen of an earlier target's answer is forgotten.
    pub fn set_target(&mut self, price: Option<Arc<Price>>, is_local: bool) {
        self.price = price;
        self.is_local = is_local;
        self.was_accepted = false;
        self.answer_bytes = 0;
    }

    /// Size of the prompt's text, for an estimate: without pictures and other attachments.
    pub fn set_prompt_bytes(&mut self, bytes: u64) {
        self.prompt_bytes = bytes;
    }

    /// The provider answered with success: it works on the request from here on.
    pub fn accepted(&mut self) {
        self.was_accepted = true;
    }

    /// A piece of the answer came: bytes of text, thinking or tool arguments. The first one sets the time to the
    /// first token.
    pub fn saw_answer(&mut self, bytes: u64) {
        if bytes > 0 && self.draft.first_token_ms.is_none() {
            self.draft.first_token_ms = Some(self.elapsed_ms());
        }
        self.answer_bytes = self.answer_bytes.saturating_add(bytes);
    }

    /// Milliseconds since the request arrived.
    pub fn elapsed_ms(&self) -> u32 {
        u32::try_from((self.before + self.created.elapsed()).as_millis()).unwrap_or(u32::MAX)
    }

    /// Writes the record to the journal and returns its cost, if that is known. Call it before the last byte goes to
    /// the client.
    pub fn finish(mut self, outcome: Outcome) -> Option<NanoUsd> {
        self.write(outcome)
    }

    fn write(&mut self, outcome: Outcome) -> Option<NanoUsd> {
        self.is_written = true;
        let total_ms = self.elapsed_ms();
        let record = &mut *self.draft;
        match outcome {
            Outcome::Complete { status } => {
                record.status = status;
                record.error = None;
                record.error_message = None;
            }
            Outcome::Failed { status, class, message } => {
                record.status = status;
                record.error = Some(class);
                record.error_message = Some(message);
            }
        }
        record.total_ms = total_ms;
        if self.answer_bytes > 0 || self.was_accepted && !record.error.is_some_and(blames_provider) {
            estimate_missing(record, self.prompt_bytes, self.answer_bytes);
        }
        let cost = cost(&record.usage, self.price.as_deref(), self.is_local, record.started, record.estimated);
        record.cost = cost.amount;
        record.cost_source = cost.source;
        record.computed_cost = cost.computed;
        record.price = cost.price;
        record.formula = cost.formula;
        log(record);
        self.journal.append(record);
        cost.amount
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.is_written {
            let message = "the client went away before the answer was complete".to_owned();
            // 499 is nginx's status for it; no client ever sees it.
            self.write(Outcome::Failed { status: 499, class: ErrorClass::ClientClosed, message });
        }
    }
}

/// Estimates what the provider said nothing of. A zero it reported is a report.
fn estimate_missing(record: &mut UsageRecord, prompt_bytes: u64, answer_bytes: u64) {
    if record.usage.prompt_total().is_none() {
        record.usage.input = Some(tokens_of_bytes(prompt_bytes));
        record.estimated = true;
    }
    let seen = tokens_of_bytes(answer_bytes);
    match record.usage.completion_total() {
        None => {
            record.usage.output = Some(seen);
            // Nothing came, so that there is nothing to estimate: embeddings report their prompt alone.
            record.estimated |= seen > 0;
        }
        // Anthropic's first event has a placeholder of a few tokens, the true count comes with the last one.
        // A stream that was cut off before that has used what was seen. An estimate is rough, so it only replaces
        // a figure that is far below it.
        Some(reported) if record.error.is_some() && reported < seen / 2 => {
            record.usage.output = Some(seen);
            record.estimated = true;
        }
        Some(_) => {}
    }
}

/// One line for each answer. Prompts, answers and the provider's words stay out of it.
fn log(record: &UsageRecord) {
    tracing::info!(
        request.id = record.id,
        endpoint = record.endpoint.as_str(),
        // The client's text: strings are written escaped, so that no control character of it forges a line.
        model.asked = record.asked.as_str(),
        provider.id = record.provider.as_str(),
        model.id = record.model.as_str(),
        http.status = record.status,
        error.class = record.error.map(ErrorClass::as_str),
        duration_ms = record.total_ms,
        cost_nano_usd = record.cost.map(|cost| cost.0),
        "answered"
    );
}

/// The provider failed, so that it will not charge for an answer of which nothing came.
fn blames_provider(class: ErrorClass) -> bool {
    match class {
        ErrorClass::ClientClosed | ErrorClass::Shutdown => false,
        ErrorClass::BadRequest
        | ErrorClass::Connect
        | ErrorClass::Timeout
        | ErrorClass::RateLimit
        | ErrorClass::Overloaded
        | ErrorClass::ProviderAuth
        | ErrorClass::Provider
        | ErrorClass::Malformed
        | ErrorClass::Truncated => true,
    }
}

#[cfg(test)]
mod tests;
