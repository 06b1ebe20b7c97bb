//! What was seen while loading a target.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longer times are counted as this.
const LONGEST_NS: u64 = 120_000_000_000;
/// How many messages of errors are kept.
const ERRORS_KEPT: usize = 5;

/// Times in nanoseconds, three digits exact.
#[derive(Debug, Clone)]
pub(crate) struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1_000, LONGEST_NS, 3).expect("the bounds are sensible"))
    }
}

impl Times {
    pub(super) fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A percentile in milliseconds.
    pub(crate) fn percentile_ms(&self, percentile: f64) -> f64 {
        ns_to_ms(self.0.value_at_percentile(percentile))
    }

    /// The percentiles that are written to the raw data.
    pub(crate) fn summary(&self) -> Option<TimesSummary> {
        (!self.is_empty()).then(|| TimesSummary {
            count: self.0.len(),
            mean_ms: self.0.mean() / 1e6,
            p50_ms: self.percentile_ms(50.0),
            p90_ms: self.percentile_ms(90.0),
            p99_ms: self.percentile_ms(99.0),
            p999_ms: self.percentile_ms(99.9),
            max_ms: ns_to_ms(self.0.max()),
        })
    }
}

/// Some percentiles, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TimesSummary {
    count: u64,
    mean_ms: f64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    max_ms: f64,
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
fn ns_to_ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// What was seen in one slice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    /// Answers that came completely and were right.
    pub(crate) n_answers: u64,
    /// Requests whose client went away, as planned.
    pub(crate) n_left: u64,
    pub(crate) n_errors: u64,
    /// The first few.
    pub(crate) errors: Vec<String>,
    /// From the intended time of sending to the end of the answer.
    pub(crate) latency: Times,
    /// From the intended time of sending to the end of the first event.
    pub(crate) first_event: Times,
    /// Between two reads that brought events.
    pub(crate) gap: Times,
    /// From the fake provider's write of a token to our read of it.
    pub(crate) token_delay: Times,
}

impl Metrics {
    /// Requests the target worked for.
    pub(crate) fn n_requests(&self) -> u64 {
        self.n_answers + self.n_left
    }

    pub(super) fn fail(&mut self, error: &anyhow::Error) {
        self.n_errors += 1;
        if self.errors.len() < ERRORS_KEPT {
            self.errors.push(format!("{error:#}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_three_digits() {
        let mut times = Times::default();
        (1..=1000).for_each(|us| times.record(us * 1000));
        assert!((times.percentile_ms(50.0) - 0.5).abs() < 0.001);
        assert!((times.percentile_ms(99.9) - 0.999).abs() < 0.002);
        assert_eq!(times.summary().unwrap().count, 1000);
        assert!(Times::default().summary().is_none());
    }
}
