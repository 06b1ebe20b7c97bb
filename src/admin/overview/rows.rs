//! The lines and cards of the overview, as texts.

use crate::admin::words;
use crate::catalog::{Catalog, Provider, ProviderState};
use crate::store::usage::Counters;
use crate::tracking::{Report, Row};

/// Rows of a group that are shown; the report on the command line has all.
const MAX_ROWS: usize = 15;
/// Decimal places of sums.
const SUM_PLACES: u32 = 4;

/// A provider.
pub(super) struct ProviderRow {
    pub(super) id: String,
    pub(super) protocol: &'static str,
    pub(super) state: &'static str,
    /// The setting that would make it ready; empty when none is missing.
    pub(super) missing: String,
    pub(super) models: String,
}

impl ProviderRow {
    pub(super) fn new(provider: &Provider, catalog: &Catalog) -> Self {
        let models = catalog.models().iter().filter(|model| model.enabled && model.provider.id == provider.id).count();
        let (state, missing) = match &provider.state {
            ProviderState::Ready => ("ready", ""),
            ProviderState::NoKey(setting) => ("needs", setting.as_str()),
            ProviderState::Disabled => ("switched off", ""),
            ProviderState::Unusable(_) => ("cannot be used", ""),
        };
        Self {
            id: provider.id.clone(),
            protocol: provider.protocol.as_str(),
            state,
            missing: missing.to_owned(),
            models: words::count(models as u64),
        }
    }
}

/// What was spent in a period.
pub(super) struct Card {
    pub(super) title: &'static str,
    pub(super) cost: String,
    pub(super) requests: String,
    /// Everything that is not as it should be; empty for nothing.
    pub(super) notes: Vec<String>,
}

impl Card {
    pub(super) fn new(title: &'static str, sums: &Counters) -> Self {
        let errors = (sums.errors > 0).then(|| words::counted(sums.errors, "error"));
        Self {
            title,
            cost: words::cost_of(sums, if sums.cost_nano_usd < 100_000_000_000 { SUM_PLACES } else { 2 }),
            requests: words::counted(sums.requests, "request"),
            notes: errors.into_iter().chain(marks(sums)).collect(),
        }
    }
}

/// How far a sum can be trusted.
fn marks(sums: &Counters) -> Vec<String> {
    [(sums.unpriced_requests, "unpriced"), (sums.estimated_requests, "estimated")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", words::sum(number)))
        .collect()
}

/// A table of sums.
pub(super) struct Group {
    pub(super) title: &'static str,
    /// What a row is.
    pub(super) column: &'static str,
    pub(super) remark: &'static str,
    pub(super) rows: Vec<GroupRow>,
    /// How to see the rows left out; empty when all are shown.
    pub(super) more: String,
}

/// A line of a table of sums.
pub(super) struct GroupRow {
    /// Empty: requests that have none.
    pub(super) name: String,
    /// Its share of the whole cost in percent, for a bar.
    pub(super) share: u8,
    pub(super) requests: String,
    pub(super) errors: String,
    pub(super) input: String,
    pub(super) output: String,
    pub(super) cost: String,
    pub(super) marks: String,
}

impl Group {
    pub(super) fn new(
        title: &'static str,
        column: &'static str,
        remark: &'static str,
        report: &Report,
        period: &str,
    ) -> Self {
        let hidden = report.rows.len().saturating_sub(MAX_ROWS);
        let command = format!("llm-relay report --by {} --from {period}", report.by.as_str());
        let more = if hidden > 0 { format!("{hidden} more: {command}") } else { String::new() };
        let rows = report.rows.iter().take(MAX_ROWS).map(|row| GroupRow::new(row, &report.total)).collect();
        Self { title, column, remark, rows, more }
    }
}

impl GroupRow {
    fn new(row: &Row, total: &Counters) -> Self {
        let sums = &row.sums;
        let prompt = sums.input_tokens.saturating_add(sums.cache_read_tokens).saturating_add(sums.cache_write_tokens);
        let share = i128::from(sums.cost_nano_usd) * 100 / i128::from(total.cost_nano_usd.max(1));
        Self {
            name: row.key.clone(),
            share: u8::try_from(share.clamp(0, 100)).unwrap_or(0),
            requests: words::sum(sums.requests),
            errors: words::sum(sums.errors),
            input: words::sum(prompt),
            output: words::sum(sums.output_tokens),
            cost: words::cost_of(sums, SUM_PLACES),
            marks: marks(sums).join(", "),
        }
    }
}
