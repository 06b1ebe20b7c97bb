//! One request's page. Finished values; the template decides nothing.

use askama::Template;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::super::reply::{self, Reply};
use super::super::{Shared, words};
use super::bill::Bill;
use super::facts::{Fact, address, facts};
use super::row::{RequestRow, target};
use super::time_line::{self, Bar};
use super::whole::{Prompt, Whole};
use crate::clock::UnixMillis;
use crate::routing::Step;
use crate::routing::smart::{Decision, Outcome};
use crate::tracking::UsageRecord;

#[derive(Template)]
#[template(path = "request.html")]
struct One {
    asked: String,
    id: String,
    /// Where the same can be asked again; empty for a call of our own.
    playground: String,
    /// Where an alias leads what was asked for to what answered; empty when nothing did.
    new_alias: String,
    failed: bool,
    status: String,
    /// Kind and message of the failure; empty when there is none.
    error: &'static str,
    error_message: String,
    /// The request this was made for; empty when it is one itself.
    parent: String,
    facts: Vec<Fact>,
    total: String,
    bars: Vec<Bar>,
    steps: Vec<Step>,
    decision: Option<DecisionCard>,
    bill: Bill,
    /// The calls and tries it led to.
    linked: Vec<Linked>,
    prompt: Option<KeptBody>,
    /// The usage as the provider sent it; empty when there is none.
    raw_usage: String,
}

#[derive(Template)]
#[template(path = "no_request.html")]
struct NoRequest {
    id: String,
}

/// How a router came to its choice.
struct DecisionCard {
    decision: Decision,
    /// The cause in words.
    meaning: &'static str,
    is_fallback: bool,
    took: String,
    /// What asking cost; empty when nobody was asked.
    cost: String,
    demands: String,
    calls: Vec<CallRow>,
}

/// What a designator said.
struct CallRow {
    id: String,
    model: String,
    outcome: &'static str,
    is_bad: bool,
    answer: String,
    took: String,
    tokens: String,
    cost: String,
}

/// A call or a try.
struct Linked {
    id: String,
    role: String,
    model: String,
    error_message: String,
    row: RequestRow,
}

struct KeptBody {
    endpoint: String,
    text: String,
}

/// The page of a request, by the last part of its path.
pub(in crate::admin) async fn one(shared: &Shared, segment: &str) -> Reply {
    let id = percent_decode_str(segment).decode_utf8_lossy().into_owned();
    let wanted = id.clone();
    match shared.store.run(move |conn| Whole::read(conn, &wanted)).await {
        Ok(Some(whole)) => reply::page(200, &page(whole, UnixMillis::now())),
        Ok(None) => reply::page(404, &NoRequest { id }),
        Err(error) => reply::no_database(&error),
    }
}

fn page(mut whole: Whole, now: UnixMillis) -> One {
    let record = &whole.record;
    let row = RequestRow::new(record, now);
    let linked = whole.linked.iter().map(|record| Linked {
        id: record.id.clone(),
        role: super::row::role(record),
        model: target(record),
        error_message: record.error_message.clone().unwrap_or_default(),
        row: RequestRow::new(record, now),
    });
    One {
        asked: record.asked.to_string(),
        id: record.id.clone(),
        playground: playground(&whole),
        new_alias: new_alias(record),
        failed: row.failed,
        status: row.status,
        error: record.error.map_or("", words::failure),
        error_message: record.error_message.clone().unwrap_or_default(),
        parent: record.parent.as_deref().unwrap_or_default().to_owned(),
        facts: facts(record, whole.client_name.as_deref()),
        total: time_line::total(&whole),
        bars: time_line::bars(&whole),
        steps: record.steps.clone(),
        bill: Bill::new(&whole),
        linked: linked.collect(),
        raw_usage: record.usage.raw.as_deref().map(pretty).unwrap_or_default(),
        prompt: whole.prompt.take().map(KeptBody::new),
        decision: whole.decision.take().map(|made| DecisionCard::new(made.decision)),
    }
}

/// The page that asks again: with the whole body where it is kept, else with the name alone.
fn playground(whole: &Whole) -> String {
    let record = &whole.record;
    if record.is_designator_call() {
        return String::new();
    }
    let (key, value) =
        if whole.prompt.is_some() { ("request", record.id.as_str()) } else { ("model", record.asked.as_str()) };
    address("/playground", &[(key, value)])
}

/// The form of an alias. A name that leads to its own model needs none, so that the operator names one.
fn new_alias(record: &UsageRecord) -> String {
    let target = target(record);
    if target.is_empty() || record.is_designator_call() {
        return String::new();
    }
    let name = if target.eq_ignore_ascii_case(&record.asked) { "" } else { &*record.asked };
    address("/aliases", &[("new", name), ("target", &target)])
}

impl DecisionCard {
    fn new(decision: Decision) -> Self {
        let cost = |cost| words::usd(cost, 9);
        let demands = &decision.demands;
        let wanted = [
            (demands.images, "images"),
            (demands.audio, "sound"),
            (demands.tools, "tools"),
            (demands.json_schema, "a JSON schema"),
            (demands.thinking, "thinking"),
            (demands.untranslatable.is_some(), "its own protocol"),
        ];
        let about = format!("about {} prompt tokens", words::count(demands.prompt_tokens));
        let answer = demands.answer_tokens.map(|tokens| format!("up to {} answer tokens", words::count(tokens)));
        let wanted = wanted.into_iter().filter(|(is, _)| *is).map(|(_, what)| what.to_owned());
        Self {
            meaning: decision.cause.meaning(),
            is_fallback: decision.cause.is_fallback(),
            took: words::microseconds(decision.took_us),
            cost: match (decision.calls.is_empty(), decision.cost()) {
                (true, _) => String::new(),
                (false, known) => known.map_or_else(|| "unknown".to_owned(), cost),
            },
            demands: [about].into_iter().chain(answer).chain(wanted).collect::<Vec<_>>().join(", "),
            calls: decision
                .calls
                .iter()
                .map(|call| CallRow {
                    id: call.id.clone(),
                    model: call.model.clone(),
                    outcome: outcome(call.outcome),
                    is_bad: call.outcome != Outcome::Chosen,
                    answer: call.answer.clone().unwrap_or_default(),
                    took: words::milliseconds(call.ms.into()),
                    tokens: [call.input_tokens, call.output_tokens]
                        .map(|count| count.map_or_else(|| "unknown".to_owned(), words::count))
                        .join(" in, ")
                        + " out",
                    cost: call.cost_nano_usd.map_or_else(|| "unknown".to_owned(), cost),
                })
                .collect(),
            decision,
        }
    }
}

impl KeptBody {
    fn new(prompt: Prompt) -> Self {
        Self { text: pretty(&prompt.body), endpoint: prompt.endpoint }
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Chosen => "chose",
        Outcome::Invalid => "named no candidate",
        Outcome::Timeout => "timed out",
        Outcome::Error => "failed",
    }
}

/// JSON with line breaks; anything else as it is.
fn pretty(text: &str) -> String {
    let value = serde_json::from_str::<Value>(text).and_then(|value| serde_json::to_string_pretty(&value));
    value.unwrap_or_else(|_| text.to_owned())
}
