//! The end of every answer: its cost, and its record's way into the journal.

use std::hint::black_box;
use std::sync::Arc;

use llm_relay::catalog::Price;
use llm_relay::chat::Usage;
use llm_relay::log::{Format, Lines};
use llm_relay::protocol::Protocol;
use llm_relay::store::Store;
use llm_relay::tracking::{Journal, Outcome, Recorder, Recording, UsageRecord, cost};
use tracing_subscriber::layer::SubscriberExt;

use super::NOW;
use crate::case::Case;
use crate::fixtures::{decision, journal_record, model_of, usage};

pub(super) fn cases() -> Vec<Case> {
    let plain = Usage { input: Some(93), output: Some(128), ..Usage::default() };
    let reported = Usage { reported_cost: Some(llm_relay::money::NanoUsd(412_000)), ..usage() };
    vec![
        costs("record: cost of input and output", plain),
        costs("record: cost with cached input", usage()),
        costs("record: cost reported, and computed", reported),
        Case::new("record: appended to the journal", || appended(finished())),
        Case::new("record: of a router's choice, appended to the journal", || appended(chosen())),
        Case::new("record: appended and copied to the database, 100 at once", || copied(finished()))
            .per(RECORDS, "record"),
        Case::new(
            "record: of a router's choice, appended and copied to the database, 100 at once",
            || copied(chosen()),
        )
        .per(RECORDS, "record"),
        Case::new("record: begun and finished, without log", || {
            let record = recording();
            move || record()
        }),
        Case::new("record: begun and finished, log as text", || logged(Format::Text { colored: false })),
        Case::new("record: begun and finished, log as JSON", || logged(Format::Json)),
    ]
}

fn price() -> Arc<Price> {
    model_of(Protocol::OpenAi).price.clone().expect("the model has a price")
}

fn costs(name: &'static str, usage: Usage) -> Case {
    Case::new(name, move || {
        let (price, usage) = (price(), usage.clone());
        move || {
            let cost = cost(black_box(&usage), Some(&price), false, NOW.millis(), false);
            cost.amount.map_or(0, |amount| usize::from(amount.0 > 0))
        }
    })
}

/// A record as the journal gets it.
fn finished() -> UsageRecord {
    let record = journal_record();
    let cost = cost(&record.usage, Some(&price()), false, record.started, false);
    UsageRecord {
        status: 200,
        total_ms: 2800,
        cost: cost.amount,
        cost_source: cost.source,
        computed_cost: cost.computed,
        price: cost.price,
        formula: cost.formula,
        ..record
    }
}

/// The record of a request for which a router remembered its choice.
fn chosen() -> UsageRecord {
    let decision = decision();
    UsageRecord { router: Some(decision.router.as_str().into()), decision: Some(Box::new(decision)), ..finished() }
}

/// A record's way into the journal.
fn appended(record: UsageRecord) -> impl Fn() -> usize {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let journal = Journal::open(folder.path()).expect("the journal opens");
    move || {
        // The folder goes when the case does.
        black_box(&folder);
        journal.append(black_box(&record));
        usize::from(journal.lost() == 0)
    }
}

/// Records in a batch of the recorder.
const RECORDS: usize = 100;

/// Records on their way through journal and recorder into a database of their own.
fn copied(record: UsageRecord) -> impl FnMut() -> usize {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let journal = Arc::new(Journal::open(&folder.path().join("journal")).expect("the journal opens"));
    let store = Store::open(&folder.path().join("relay.db")).expect("the database opens");
    let recorder = Recorder::new(store, Arc::clone(&journal));
    let mut count = 0_usize;
    move || {
        black_box(&folder);
        for _ in 0..RECORDS {
            count += 1;
            journal.append(&UsageRecord { id: format!("{}-{count:06}", record.id), ..record.clone() });
        }
        recorder.copy_all_blocking().map_or(0, |()| RECORDS)
    }
}

/// The whole life of a record. Making the draft, which the server does, is a part of it.
fn recording() -> impl Fn() -> usize {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let journal = Arc::new(Journal::open(folder.path()).expect("the journal opens"));
    let (price, draft) = (price(), journal_record());
    move || {
        black_box(&folder);
        let mut recording = Recording::new(journal.clone(), Box::new(black_box(&draft).clone()));
        recording.set_target(Some(price.clone()), false);
        recording.set_prompt_bytes(4_000);
        recording.accepted();
        recording.saw_answer(600);
        let cost = recording.finish(Outcome::Complete { status: 200 });
        cost.map_or(0, |cost| usize::from(cost.0 > 0))
    }
}

/// The same with a log whose lines are dropped.
fn logged(format: Format) -> impl Fn() -> usize {
    let lines = Lines::new(format, Arc::default(), |line: &[u8]| {
        black_box(line);
    });
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(lines));
    let record = recording();
    move || tracing::dispatcher::with_default(&dispatch, &record)
}
