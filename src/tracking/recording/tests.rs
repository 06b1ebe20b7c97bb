use super::*;
use crate::catalog::TokenPrices;
use crate::chat::Usage;
use crate::money::{NanoUsd, PicoUsd};
use crate::tracking::CostSource;

/// Runs `work` on a recording with a price of 1 in and 2 out, lets it end, and returns the one record there is.
fn record_of(work: impl FnOnce(Recording)) -> UsageRecord {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::open(folder.path()).unwrap());
    let draft = UsageRecord { id: "a".into(), started: UnixMillis::now(), ..UsageRecord::default() };
    let mut recording = Recording::new(Arc::clone(&journal), Box::new(draft));
    let base =
        TokenPrices { input: Some(PicoUsd(1_000_000)), output: Some(PicoUsd(2_000_000)), ..TokenPrices::default() };
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
        let cost = recording.finish(Outcome::Complete { status: 200 });
        assert_eq!(cost, Some(NanoUsd(1_200_000)));
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
fn a_placeholder_of_the_first_event_is_no_count_of_a_stream_that_was_cut_off() {
    let cut_off = |output, bytes| {
        let record = record_of(|mut recording| {
            recording.accepted();
            recording.draft_mut().usage = Usage { input: Some(7), output: Some(output), ..Usage::default() };
            recording.saw_answer(bytes);
            drop(recording);
        });
        (record.usage.input, record.usage.output, record.estimated)
    };
    assert_eq!(cut_off(1, 4000), (Some(7), Some(1000), true));
    assert_eq!(cut_off(900, 4000), (Some(7), Some(900), false), "a running count");
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
    assert_eq!((record.usage.output, record.estimated), (Some(0), false));
    assert_eq!(record.cost, Some(NanoUsd(9_000)));
}
