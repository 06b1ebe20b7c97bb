//! The lines and cards of the overview, as texts.

use crate::admin::usage::{Question, Row, marks};
use crate::admin::words;
use crate::catalog::{Catalog, Provider, ProviderState};
use crate::clock::UnixMillis;
use crate::money::NanoUsd;
use crate::store::usage::Counters;
use crate::tracking::{self, Detail, Forecast, Health, Latency, MonthSoFar, Percentiles};

/// Decimal places of sums.
pub(super) const SUM_PLACES: u32 = 4;
/// From here on cents are enough.
const LARGE_NANO: i64 = 100_000_000_000;
/// Failures one after the other that make a provider one that does not answer.
const DOWN_AFTER: u32 = 3;

/// A provider.
pub(super) struct ProviderRow {
    pub(super) id: String,
    pub(super) protocol: &'static str,
    pub(super) state: &'static str,
    /// How the state is shown.
    pub(super) kind: &'static str,
    /// The setting that would make it ready; empty when none is missing.
    pub(super) missing: String,
    pub(super) models: String,
    /// What its latest calls say; empty for nothing.
    pub(super) health: String,
    /// Its latest failure; empty when there was none.
    pub(super) failure: String,
}

impl ProviderRow {
    pub(super) fn new(provider: &Provider, catalog: &Catalog, health: Option<&Health>, now: UnixMillis) -> Self {
        let models = catalog.models().iter().filter(|model| model.enabled && model.provider.id == provider.id).count();
        let (state, kind, missing) = match (&provider.state, health) {
            (ProviderState::NoKey(setting), _) => ("needs", "warn", setting.as_str()),
            (ProviderState::Disabled, _) => ("switched off", "", ""),
            (ProviderState::Ready, None) => ("ready", "", ""),
            (ProviderState::Ready, Some(health)) if health.failures_in_a_row >= DOWN_AFTER => ("failing", "bad", ""),
            (ProviderState::Ready, Some(health)) if health.failures_in_a_row > 0 => ("stumbling", "warn", ""),
            (ProviderState::Ready, Some(_)) => ("answering", "good", ""),
            (ProviderState::Unusable(_), _) => ("cannot be used", "bad", ""),
        };
        Self {
            id: provider.id.clone(),
            protocol: provider.protocol.as_str(),
            state,
            kind,
            missing: missing.to_owned(),
            models: words::count(models as u64),
            health: health.map_or_else(String::new, |health| calls(health, now)),
            failure: health.and_then(|health| health.last_failure.as_ref()).map_or_else(String::new, |failure| {
                let (at, class, message) = failure;
                let colon = if message.is_empty() { "" } else { ": " };
                format!("{} ago, {}{colon}{message}", ago(*at, now), words::failure(*class))
            }),
        }
    }
}

fn calls(health: &Health, now: UnixMillis) -> String {
    let failures = match health.failures {
        0 => String::new(),
        failures => format!(", {failures} failed"),
    };
    format!("{}{failures}, the last {} ago", words::counted(health.calls.into(), "call"), ago(health.last_call, now))
}

fn ago(at: UnixMillis, now: UnixMillis) -> String {
    let millis = u64::try_from(now.0.saturating_sub(at.0)).unwrap_or(0);
    words::duration(std::time::Duration::from_millis(millis))
}

/// A number that matters, and what belongs to it.
pub(super) struct Card {
    pub(super) title: &'static str,
    pub(super) amount: String,
    pub(super) lines: Vec<String>,
    /// Everything that is not as it should be.
    pub(super) marks: Vec<String>,
}

impl Card {
    pub(super) fn today(today: &Detail) -> Self {
        let yesterday = cost(&today.total_before);
        Self {
            title: "Spent today",
            amount: cost(&today.total),
            lines: vec![words::counted(today.total.requests, "request"), format!("yesterday at this time {yesterday}")],
            marks: marks(&today.total),
        }
    }

    pub(super) fn month(so_far: &MonthSoFar, now: UnixMillis) -> Self {
        let forecast = tracking::forecast(so_far, now);
        Self {
            title: "Spent this month",
            amount: cost(&so_far.sums),
            lines: forecast.map_or_else(|| vec!["a forecast follows after the first full day".to_owned()], in_words),
            marks: marks(&so_far.sums),
        }
    }

    pub(super) fn requests(day: &Counters, under_way: usize) -> Self {
        let prompt = day.input_tokens.saturating_add(day.cache_read_tokens).saturating_add(day.cache_write_tokens);
        let failed = match day.errors {
            0 => Vec::new(),
            errors => vec![format!("{} failed ({})", words::sum(errors), percent(errors, day.requests))],
        };
        Self {
            title: "Requests in 24 hours",
            amount: words::sum(day.requests),
            lines: vec![
                format!("{} tokens in, {} out", words::sum(prompt), words::sum(day.output_tokens)),
                format!("{under_way} under way now"),
            ],
            marks: failed,
        }
    }

    pub(super) fn times(latency: &Latency) -> Self {
        let time =
            |millis: Option<u32>| millis.map_or_else(|| "–".to_owned(), |millis| words::milliseconds(millis.into()));
        let both = |of: &Percentiles| format!("half within {}, 99 % within {}", time(of.p50_ms), time(of.p99_ms));
        let lines = match (latency.total.answers, latency.first_token.answers) {
            (0, _) => vec!["no answer in 24 hours".to_owned()],
            (_, 0) => vec![format!("99 % within {}", time(latency.total.p99_ms)), "no stream in 24 hours".to_owned()],
            (_, _) => vec![
                format!("99 % within {}", time(latency.total.p99_ms)),
                format!("first token: {}", both(&latency.first_token)),
            ],
        };
        Self { title: "Half of the answers within", amount: time(latency.total.p50_ms), lines, marks: Vec::new() }
    }
}

/// What will have been spent, and how one comes to think so.
fn in_words(forecast: Forecast) -> Vec<String> {
    let about = if forecast.is_lower_bound { "at least" } else { "about" };
    let tenths = forecast.remaining_ms / 8_640_000;
    let mean = match forecast.days {
        1 => "as on the last full day".to_owned(),
        days => format!("the mean of the last {days} full days"),
    };
    vec![
        format!("{about} {} by its end:", usd(forecast.cost.0)),
        format!(
            "{} a day, {mean}, for the {}.{} days that remain",
            usd(forecast.daily_mean.0),
            tenths / 10,
            tenths % 10
        ),
    ]
}

fn cost(sums: &Counters) -> String {
    words::cost_of(sums, if sums.cost_nano_usd < LARGE_NANO { SUM_PLACES } else { 2 })
}

fn usd(nano: i64) -> String {
    words::usd(NanoUsd(nano), if nano < LARGE_NANO { SUM_PLACES } else { 2 })
}

fn percent(part: i64, whole: i64) -> String {
    let tenths = i128::from(part) * 1000 / i128::from(whole.max(1));
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// A table of sums.
pub(super) struct Group {
    pub(super) title: &'static str,
    /// What a row is.
    pub(super) column: &'static str,
    pub(super) rows: Vec<Row>,
    /// Where all of them are.
    pub(super) address: String,
}

impl Group {
    pub(super) fn new(title: &'static str, column: &'static str, detail: &Detail, question: &Question) -> Self {
        let rows = detail.rows.iter().filter(|row| !row.sums.is_empty());
        let row = |row: &tracking::DetailRow| {
            Row::new(question, detail.period, &row.group, (&row.sums, &row.before, &detail.total))
        };
        Self { title, column, rows: rows.map(row).collect(), address: question.address() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_says_how_it_was_made() {
        let forecast = Forecast {
            cost: NanoUsd(19_500_000_000),
            daily_mean: NanoUsd(1_000_000_000),
            days: 7,
            remaining_ms: 820_800_000,
            is_lower_bound: false,
        };
        let words = in_words(forecast).join(" ");
        assert_eq!(
            words,
            "about $19.5000 by its end: $1.0000 a day, the mean of the last 7 full days, for the 9.5 days that remain"
        );
        let first = in_words(Forecast { days: 1, is_lower_bound: true, ..forecast }).join(" ");
        assert!(first.starts_with("at least") && first.contains("as on the last full day"), "{first}");
    }
}
