//! What a record adds to the sums of its hour.

use super::UsageRecord;
use crate::store::usage::latency::Measure;
use crate::store::usage::{Counters, Dimensions, hour_of};

/// More tokens than any request has, yet so few that millions of such requests can be summed: a provider that
/// reports nonsense must not overflow a sum and spoil the reports for good.
const MAX_TOKENS: u64 = 1_000_000_000_000;
/// The same for money: a million dollars.
const MAX_COST_NANO: i64 = 1_000_000_000_000_000;

/// Where in the sums a record belongs.
pub(super) fn dimensions(record: &UsageRecord) -> Dimensions<'_> {
    Dimensions {
        hour: hour_of(record.started),
        tags: &record.tags,
        provider: &record.provider,
        model: &record.model,
        key: record.key.as_deref().unwrap_or_default(),
        client: &record.client,
        alias: record.alias.as_deref().unwrap_or_default(),
        router: record.router.as_deref().unwrap_or_default(),
        user: record.end_user.as_deref().unwrap_or_default(),
    }
}

/// How long a client waited for what it asked for; nothing for what it did not get. The first token is one of a stream:
/// a whole answer has no beginning that anybody sees.
pub(super) fn latencies(record: &UsageRecord) -> impl Iterator<Item = (Measure, u32)> {
    let is_answer = !record.is_designator_call() && !record.has_failed();
    let first_token = record.first_token_ms.filter(|_| record.stream);
    let both = [(Measure::Total, Some(record.total_ms)), (Measure::FirstToken, first_token)];
    both.into_iter().filter_map(move |(measure, millis)| Some((measure, millis.filter(|_| is_answer)?)))
}

/// The sums of this one record.
pub(super) fn counters(record: &UsageRecord) -> Counters {
    let usage = &record.usage;
    let sum = |counts: &[Option<u64>]| {
        let sum = counts.iter().flatten().copied().fold(0, u64::saturating_add);
        i64::try_from(sum.min(MAX_TOKENS)).unwrap_or(i64::MAX)
    };
    // A designator's call is on the bill, but it is no request of a client, and its failure is not a client's.
    let is_request = !record.is_designator_call();
    Counters {
        requests: is_request.into(),
        errors: (is_request && record.has_failed()).into(),
        input_tokens: sum(&[usage.input, usage.audio_input, usage.image_input]),
        output_tokens: sum(&[usage.output, usage.audio_output]),
        reasoning_tokens: sum(&[usage.reasoning]),
        cache_read_tokens: sum(&[usage.cache_read]),
        cache_write_tokens: sum(&[usage.cache_write, usage.cache_write_1h]),
        cost_nano_usd: record.cost.map_or(0, |cost| cost.0.clamp(-MAX_COST_NANO, MAX_COST_NANO)),
        unpriced_requests: record.is_unpriced().into(),
        estimated_requests: record.estimated.into(),
        total_ms: record.total_ms.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Usage;
    use crate::money::NanoUsd;
    use crate::tracking::ErrorClass;

    #[test]
    fn a_request_without_cost_is_unpriced_unless_it_failed_before_using_anything() {
        let used = Usage { input: Some(1), ..Usage::default() };
        let unpriced = |cost, error, usage| {
            counters(&UsageRecord { cost, error, usage, ..UsageRecord::default() }).unpriced_requests
        };
        assert_eq!(unpriced(None, None, used.clone()), 1);
        assert_eq!(unpriced(None, None, Usage::default()), 1);
        assert_eq!(unpriced(Some(NanoUsd(0)), None, used.clone()), 0);
        assert_eq!(unpriced(None, Some(ErrorClass::Connect), Usage::default()), 0);
        assert_eq!(unpriced(None, Some(ErrorClass::Truncated), used), 1);
    }

    #[test]
    fn designators_cost_and_are_no_requests() {
        let usage = Usage { input: Some(7), ..Usage::default() };
        let call = UsageRecord {
            parent: Some("a".into()),
            endpoint: UsageRecord::DESIGNATOR.into(),
            status: 504,
            error: Some(ErrorClass::Timeout),
            cost: Some(NanoUsd(5)),
            usage,
            ..UsageRecord::default()
        };
        let sums = counters(&call);
        assert_eq!((sums.requests, sums.errors, sums.input_tokens, sums.cost_nano_usd), (0, 0, 7, 5));
    }

    #[test]
    fn only_answers_took_time_and_only_streams_begin() {
        let whole = UsageRecord { status: 200, total_ms: 9, first_token_ms: Some(3), ..UsageRecord::default() };
        let of = |record: UsageRecord| latencies(&record).collect::<Vec<_>>();
        assert_eq!(of(whole.clone()), [(Measure::Total, 9)]);
        assert_eq!(of(UsageRecord { stream: true, ..whole.clone() }), [(Measure::Total, 9), (Measure::FirstToken, 3)]);
        assert_eq!(of(UsageRecord { status: 500, ..whole.clone() }), []);
        assert_eq!(of(UsageRecord { endpoint: UsageRecord::DESIGNATOR.into(), ..whole }), []);
    }

    #[test]
    fn absurd_figures_cannot_overflow_the_sums() {
        let usage = Usage { input: Some(u64::MAX), audio_input: Some(u64::MAX), ..Usage::default() };
        let record = UsageRecord { usage, cost: Some(NanoUsd(i64::MAX)), ..UsageRecord::default() };
        let counters = counters(&record);
        assert_eq!(counters.input_tokens, 1_000_000_000_000);
        assert_eq!(counters.cost_nano_usd, MAX_COST_NANO);
    }
}
