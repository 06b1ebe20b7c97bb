//! The promise that an answer is recorded exactly once, however it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cost::cost;
use super::estimate::tokens_of_bytes;
use super::{ErrorClass, Journal, UsageRecord};
use crate::catalog::Price;
use crate::clock::UnixMillis;

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
    draft: UsageRecord,
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
    pub fn new(journal: Arc<Journal>, draft: UsageRecord) -> Self {
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

    /// Writes the record to the journal and returns it. Call it before the last byte goes to the client.
    pub fn finish(mut self, outcome: Outcome) -> UsageRecord {
        self.write(outcome)
    }

    fn write(&mut self, outcome: Outcome) -> UsageRecord {
        self.is_written = true;
        let mut record = std::mem::take(&mut self.draft);
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
        record.total_ms = self.elapsed_ms();
        if self.answer_bytes > 0 || self.was_accepted && !record.error.is_some_and(blames_provider) {
            self.estimate_missing(&mut record);
        }
        let cost = cost(&record.usage, self.price.as_deref(), self.is_local, record.started, record.estimated);
        record.cost = cost.amount;
        record.cost_source = cost.source;
        record.computed_cost = cost.computed;
        record.price = cost.price;
        record.formula = cost.formula;
        self.journal.append(&record);
        record
    }

    /// Estimates the side of the usage of which the provider said nothing. A zero it reported is a report.
    fn estimate_missing(&self, record: &mut UsageRecord) {
        if record.usage.prompt_total().is_none() {
            record.usage.input = Some(tokens_of_bytes(self.prompt_bytes));
            record.estimated = true;
        }
        // Embeddings report a prompt and nothing else, and nothing is missing.
        let is_complete = record.usage.prompt_total().is_some() && !record.estimated && self.answer_bytes == 0;
        if record.usage.completion_total().is_none() && !is_complete {
            record.usage.output = Some(tokens_of_bytes(self.answer_bytes));
            record.estimated = true;
        }
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
mod tests {
    use super::*;
    use crate::catalog::PriceValues;
    use crate::chat::Usage;
    use crate::money::{NanoUsd, PicoUsd};
    use crate::tracking::CostSource;

    /// Runs `work` on a recording with a price of 1 in and 2 out, lets it end, and returns the one record there is.
    fn record_of(work: impl FnOnce(Recording)) -> UsageRecord {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::open(folder.path()).unwrap());
        let draft = UsageRecord { id: "a".into(), started: UnixMillis::now(), ..UsageRecord::default() };
        let mut recording = Recording::new(Arc::clone(&journal), draft);
        let base =
            PriceValues { input: Some(PicoUsd(1_000_000)), output: Some(PicoUsd(2_000_000)), ..PriceValues::default() };
        let price = Price {
            id: "row".into(),
            source: "test".into(),
            base,
            tier: None,
            off_peak: None,
            per_request: None,
            per_search: None,
        };
        recording.set_target(Some(Arc::new(price)), false);
        recording.set_prompt_bytes(400);
        work(recording);
        let mut records: Vec<_> =
            journal.take_opened().iter().flat_map(|tail| tail.read(0, u64::MAX).unwrap().records).collect();
        assert_eq!(records.len(), 1, "exactly once");
        records.remove(0)
    }

    fn failed(class: ErrorClass) -> Outcome {
        Outcome::Failed { status: 502, class, message: "no".into() }
    }

    #[test]
    fn a_finished_answer_is_recorded_with_its_cost() {
        let record = record_of(|mut recording| {
            recording.accepted();
            recording.saw_answer(12);
            recording.draft_mut().usage = Usage { input: Some(1000), output: Some(100), ..Usage::default() };
            let returned = recording.finish(Outcome::Complete { status: 200 });
            assert_eq!(returned.cost, Some(NanoUsd(1_200_000)));
        });
        assert_eq!((record.status, record.error, record.estimated), (200, None, false));
        assert_eq!((record.cost, record.cost_source), (Some(NanoUsd(1_200_000)), CostSource::Computed));
        assert_eq!(record.price.as_deref(), Some("row"));
        assert!(record.first_token_ms.is_some());
    }

    #[test]
    fn a_dropped_answer_is_recorded_as_the_client_going_away() {
        let record = record_of(|mut recording| {
            recording.accepted();
            recording.saw_answer(40);
            drop(recording);
        });
        assert_eq!((record.status, record.error), (499, Some(ErrorClass::ClientClosed)));
        assert_eq!((record.usage.input, record.usage.output), (Some(100), Some(10)));
        assert_eq!((record.cost, record.cost_source), (Some(NanoUsd(120_000)), CostSource::Estimated));
        assert!(record.estimated);
    }

    #[test]
    fn usage_known_before_the_client_went_away_is_kept_and_only_the_rest_is_estimated() {
        let record = record_of(|mut recording| {
            recording.accepted();
            recording.draft_mut().usage.input = Some(7);
            recording.saw_answer(40);
            drop(recording);
        });
        assert_eq!((record.usage.input, record.usage.output, record.estimated), (Some(7), Some(10), true));
    }

    #[test]
    fn a_client_that_leaves_while_the_provider_thinks_has_used_its_prompt() {
        let record = record_of(|mut recording| {
            recording.accepted();
            drop(recording);
        });
        assert_eq!((record.usage.input, record.usage.output), (Some(100), Some(0)));
    }

    #[test]
    fn what_never_reached_the_provider_used_nothing() {
        for class in [ErrorClass::Connect, ErrorClass::RateLimit, ErrorClass::ClientClosed] {
            let record = record_of(|recording| {
                recording.finish(failed(class));
            });
            assert_eq!((record.usage, record.cost, record.estimated), (Usage::default(), None, false));
        }
    }

    #[test]
    fn a_provider_that_fails_before_the_first_piece_is_not_paid_and_after_it_is() {
        let record = record_of(|mut recording| {
            recording.accepted();
            recording.finish(failed(ErrorClass::Truncated));
        });
        assert_eq!((record.usage, record.cost), (Usage::default(), None));
        let record = record_of(|mut recording| {
            recording.accepted();
            recording.saw_answer(4);
            recording.finish(failed(ErrorClass::Truncated));
        });
        assert_eq!(record.cost, Some(NanoUsd(102_000)));
    }

    #[test]
    fn an_answer_without_usage_is_estimated_and_a_reported_zero_is_not() {
        let record = record_of(|mut recording| {
            recording.accepted();
            recording.saw_answer(8);
            recording.finish(Outcome::Complete { status: 200 });
        });
        assert_eq!((record.usage.input, record.usage.output, record.estimated), (Some(100), Some(2), true));
        let record = record_of(|mut recording| {
            recording.accepted();
            recording.saw_answer(8);
            recording.draft_mut().usage = Usage { input: Some(0), output: Some(0), ..Usage::default() };
            recording.finish(Outcome::Complete { status: 200 });
        });
        assert_eq!((record.cost, record.estimated), (Some(NanoUsd(0)), false));
    }

    #[test]
    fn a_prompt_alone_is_complete_when_nothing_was_generated() {
        let record = record_of(|mut recording| {
            recording.accepted();
            recording.draft_mut().usage.input = Some(9);
            recording.finish(Outcome::Complete { status: 200 });
        });
        assert_eq!((record.usage.output, record.estimated), (None, false));
    }
}
