//! A record as a line of a list.

use smol_str::SmolStr;

use crate::admin::words;
use crate::clock::UnixMillis;
use crate::tracking::{CostSource, UsageRecord};

/// Decimal places: a request may cost a thousandth of a cent.
const PLACES: u32 = 6;
/// Stands where there is no number.
pub(in crate::admin) const NONE: &str = "–";

/// A request.
pub(in crate::admin) struct RequestRow {
    /// The request whose page it stands on: its own, or the one it was made for.
    pub(in crate::admin) page: String,
    pub(in crate::admin) time: String,
    /// For programs and tooltips.
    pub(in crate::admin) full_time: String,
    pub(in crate::admin) asked: String,
    /// `provider/model`; empty when it is what was asked for.
    pub(in crate::admin) target: String,
    pub(in crate::admin) tags: Vec<String>,
    /// What it is, if not a client's request: a designator's call, a later try. Empty for nothing.
    pub(in crate::admin) role: String,
    /// How long it took.
    pub(in crate::admin) took: String,
    pub(in crate::admin) input: String,
    pub(in crate::admin) output: String,
    pub(in crate::admin) cost: String,
    /// How the cost came about.
    pub(in crate::admin) formula: String,
    pub(in crate::admin) failed: bool,
    pub(in crate::admin) status: String,
    pub(in crate::admin) detail: String,
}

impl RequestRow {
    pub(in crate::admin) fn new(record: &UsageRecord, now: UnixMillis) -> Self {
        let is_today = words::moment(record.started, "%F") == words::moment(now, "%F");
        let target = target(record);
        let tokens = |number: Option<u64>| number.map_or_else(|| NONE.to_owned(), words::count);
        let failure = record.error.map_or("failed", words::failure);
        Self {
            page: record.asked_id().to_owned(),
            time: words::moment(record.started, if is_today { "%H:%M:%S" } else { "%b %-d, %H:%M" }),
            full_time: words::moment(record.started, "%FT%TZ"),
            target: if target == record.asked { String::new() } else { target },
            asked: record.asked.to_string(),
            tags: record.tags.iter().map(SmolStr::to_string).collect(),
            role: role(record),
            took: words::milliseconds(record.total_ms.into()),
            input: tokens(record.usage.prompt_total()),
            output: tokens(record.usage.completion_total()),
            cost: cost(record, PLACES),
            formula: record.formula.clone().unwrap_or_default(),
            failed: record.has_failed(),
            status: if record.has_failed() { format!("{} {failure}", record.status) } else { "ok".to_owned() },
            detail: record.error_message.clone().unwrap_or_default(),
        }
    }
}

/// Who answered, as `provider/model`.
pub(super) fn target(record: &UsageRecord) -> String {
    if record.model.is_empty() { record.provider.to_string() } else { format!("{}/{}", record.provider, record.model) }
}

/// What a record is, if it is not simply a client's request.
pub(super) fn role(record: &UsageRecord) -> String {
    if record.is_designator_call() {
        "designator".to_owned()
    } else if record.attempts > 1 {
        format!("try {}", record.attempts)
    } else {
        String::new()
    }
}

/// What it cost, marked where it is estimated.
pub(super) fn cost(record: &UsageRecord, places: u32) -> String {
    let about = match record.cost_source {
        CostSource::Estimated => "≈ ",
        CostSource::Unknown | CostSource::Reported | CostSource::Computed | CostSource::Local => "",
    };
    let no_cost = if record.is_unpriced() { "unknown" } else { NONE };
    record.cost.map_or_else(|| no_cost.to_owned(), |cost| format!("{about}{}", words::usd(cost, places)))
}
