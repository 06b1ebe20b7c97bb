use proptest::prelude::*;

use super::*;
use crate::catalog::{PriceTier, TokenPrices};

/// A Wednesday, 12:00 UTC.
const NOON: UnixMillis = UnixMillis(1_795_003_200_000);

fn usd(text: &str) -> Option<PicoUsd> {
    Some(PicoUsd::from_usd_per_million(text).unwrap())
}

fn fee(text: &str) -> PicoUsd {
    PicoUsd::from_usd(text).unwrap()
}

fn price(base: TokenPrices) -> Price {
    Price {
        id: "row".into(),
        source: "test".into(),
        base,
        tier: None,
        off_peak: None,
        per_request: None,
        per_search: None,
    }
}

fn values(input: &str, output: &str) -> TokenPrices {
    TokenPrices { input: usd(input), output: usd(output), ..TokenPrices::default() }
}

fn tokens(input: u64, output: u64) -> Usage {
    Usage { input: Some(input), output: Some(output), ..Usage::default() }
}

fn nano(usage: &Usage, price: &Price) -> Option<i64> {
    cost(usage, Some(price), false, NOON, false).amount.map(|amount| amount.0)
}

fn formula(usage: &Usage, price: &Price) -> String {
    cost(usage, Some(price), false, NOON, false).formula.unwrap()
}

#[test]
fn the_formula_shows_counters_prices_and_sum() {
    let price = price(TokenPrices { cache_read: usd("0.25"), ..values("2.5", "10") });
    let usage = Usage { cache_read: Some(50), ..tokens(1200, 300) };
    let cost = cost(&usage, Some(&price), false, NOON, false);
    // 1200 × 2.5 + 300 × 10 + 50 × 0.25 = 3000 + 3000 + 12.5 micro-dollars.
    assert_eq!(cost.amount, Some(NanoUsd(6_012_500)));
    assert_eq!(
        cost.formula.as_deref(),
        Some("1200 in × 2.5 + 300 out × 10 + 50 cache read × 0.25 USD/M = 0.0060125 USD")
    );
    assert_eq!((cost.source, cost.price.as_deref()), (CostSource::Computed, Some("row")));
}

#[test]
fn openai_cached_tokens_have_their_price_and_reasoning_costs_as_output() {
    // gpt-5: 1.25 / 10, cached 0.125; prompt of 2006 with 1920 cached, 300 out of which 200 thinking.
    let price = price(TokenPrices { cache_read: usd("0.125"), ..values("1.25", "10") });
    let usage = Usage { cache_read: Some(1920), reasoning: Some(200), ..tokens(86, 300) };
    assert_eq!(nano(&usage, &price), Some(107_500 + 240_000 + 3_000_000));
}

#[test]
fn anthropic_writes_for_five_minutes_and_an_hour_have_their_own_prices() {
    // claude-sonnet-4-5: 3 / 15, read 0.3, write 3.75, write 1h 6.
    let price = price(TokenPrices {
        cache_read: usd("0.3"),
        cache_write: usd("3.75"),
        cache_write_1h: usd("6"),
        ..values("3", "15")
    });
    let usage =
        Usage { cache_read: Some(10_000), cache_write: Some(400), cache_write_1h: Some(100), ..tokens(21, 393) };
    assert_eq!(nano(&usage, &price), Some(63_000 + 3_000_000 + 1_500_000 + 600_000 + 5_895_000));
}

#[test]
fn missing_cache_prices_fall_back_and_the_formula_says_so() {
    let usage = Usage { cache_read: Some(1), cache_write: Some(2), cache_write_1h: Some(3), ..tokens(4, 0) };
    let plain = price(values("1", "2"));
    assert_eq!(nano(&usage, &plain), Some(10_000));
    assert!(formula(&usage, &plain).contains("1 cache read × 1 (input price)"));
    assert!(formula(&usage, &plain).contains("3 cache write 1h × 1 (input price)"));
    let with_write = price(TokenPrices { cache_write: usd("5"), ..values("1", "2") });
    assert_eq!(nano(&usage, &with_write), Some(1_000 + 10_000 + 15_000 + 4_000));
    assert!(formula(&usage, &with_write).contains("3 cache write 1h × 5 (cache write price)"));
}

#[test]
fn a_tier_moves_the_whole_request_and_only_past_its_threshold() {
    // gemini-2.5-pro: 1.25 / 10, cached 0.125; above 200k: 2.5 / 15, cached 0.25.
    let mut price = price(TokenPrices { cache_read: usd("0.125"), ..values("1.25", "10") });
    price.tier = Some(PriceTier {
        above: 200_000,
        inclusive: false,
        values: TokenPrices { cache_read: usd("0.25"), ..values("2.5", "15") },
    });
    // Cached tokens count towards the threshold.
    let at = Usage { cache_read: Some(100_000), ..tokens(100_000, 1000) };
    assert_eq!(nano(&at, &price), Some(125_000_000 + 12_500_000 + 10_000_000));
    let past = Usage { cache_read: Some(100_000), ..tokens(100_001, 1000) };
    assert_eq!(nano(&past, &price), Some(250_002_500 + 25_000_000 + 15_000_000));
    assert!(formula(&past, &price).contains("(prompt of 200001 > 200000)"));
}

#[test]
fn at_xai_the_threshold_itself_is_in_the_tier() {
    let mut price = price(values("3", "15"));
    price.tier = Some(PriceTier { above: 200_000, inclusive: true, values: values("6", "30") });
    assert_eq!(nano(&tokens(199_999, 1), &price), Some(599_997_000 + 15_000));
    assert_eq!(nano(&tokens(200_000, 1), &price), Some(1_200_000_000 + 30_000));
}

#[test]
fn what_a_tier_leaves_out_stays_at_the_base_price() {
    let mut price = price(TokenPrices { cache_read: usd("0.5"), ..values("2", "8") });
    let tier = TokenPrices { input: usd("4"), ..TokenPrices::default() };
    price.tier = Some(PriceTier { above: 10, inclusive: false, values: tier });
    let usage = Usage { cache_read: Some(10), ..tokens(10, 10) };
    assert_eq!(nano(&usage, &price), Some(40_000 + 5_000 + 80_000));
}

#[test]
fn perplexity_pays_per_request_by_depth_and_deep_research_per_search_and_citation() {
    // sonar: 1 / 1, request fee 0.005 / 0.008 / 0.012.
    let mut sonar = price(values("1", "1"));
    sonar.per_search = Some([fee("0.005"), fee("0.008"), fee("0.012")]);
    let depth = |depth| Usage { search_context: depth, ..tokens(100, 200) };
    assert_eq!(nano(&depth(Some(SearchContext::Low)), &sonar), Some(5_000_000 + 300_000));
    assert_eq!(nano(&depth(Some(SearchContext::Medium)), &sonar), Some(8_000_000 + 300_000));
    assert_eq!(nano(&depth(Some(SearchContext::High)), &sonar), Some(12_000_000 + 300_000));
    assert_eq!(nano(&depth(None), &sonar), Some(300_000), "no search is known of");
    // sonar-deep-research: 2 / 8, reasoning 3, citations 2, searches 0.005.
    let mut deep = price(TokenPrices { reasoning: usd("3"), citation: usd("2"), ..values("2", "8") });
    deep.per_search = Some([fee("0.005"); 3]);
    let usage = Usage { reasoning: Some(1000), citation_tokens: Some(500), searches: Some(18), ..tokens(33, 1400) };
    assert_eq!(nano(&usage, &deep), Some(66_000 + 3_200_000 + 3_000_000 + 1_000_000 + 90_000_000));
    assert!(formula(&usage, &deep).contains(" + 18 search (low) × 0.005 USD"));
}

#[test]
fn searches_are_paid_by_number_and_without_a_depth_at_the_cheapest() {
    let mut price = price(values("3", "15"));
    price.per_search = Some([fee("0.010"), fee("0.011"), fee("0.012")]);
    let usage = Usage { searches: Some(3), ..tokens(1, 1) };
    assert_eq!(nano(&usage, &price), Some(30_000_000 + 18_000));
    assert_eq!(nano(&Usage { searches: Some(0), ..tokens(1, 1) }, &price), Some(18_000));
}

#[test]
fn service_tiers_change_tokens_and_leave_fees() {
    let mut price = price(values("2", "8"));
    price.per_request = Some(fee("0.001"));
    let with = |word: &str| Usage { service_tier: Some(word.into()), ..tokens(1000, 1000) };
    assert_eq!(nano(&with("default"), &price), Some(10_000_000 + 1_000_000));
    assert_eq!(nano(&with("flex"), &price), Some(5_000_000 + 1_000_000));
    assert_eq!(nano(&with("batch"), &price), Some(5_000_000 + 1_000_000));
    assert_eq!(nano(&with("Priority"), &price), Some(20_000_000 + 1_000_000));
    assert_eq!(nano(&with("fast"), &price), Some(10_000_000 + 1_000_000));
    assert!(formula(&with("flex"), &price).ends_with(" USD/M) × 0.5 (flex) + 1 request × 0.001 USD = 0.006 USD"));
}

#[test]
fn halving_rounds_once() {
    // 1 × 0.999 USD/M at half price: 499.5 pico-dollars round to no nano-dollar, 1 × 1 USD/M halved rounds to one.
    let with = |text| {
        let usage = Usage { service_tier: Some("flex".into()), ..tokens(1, 0) };
        nano(&usage, &price(values(text, "0")))
    };
    assert_eq!((with("0.000999"), with("0.001"), with("0.001001")), (Some(0), Some(1), Some(1)));
}

#[test]
fn deepseek_is_cheaper_outside_its_busy_hours() {
    // deepseek-v4-pro: 1.32 / 3.96, hit 0.044; off-peak half.
    let mut price = price(TokenPrices { cache_read: usd("0.044"), ..values("1.32", "3.96") });
    price.off_peak = Some(TokenPrices { cache_read: usd("0.022"), ..values("0.66", "1.98") });
    let usage = Usage { cache_read: Some(1000), ..tokens(1000, 1000) };
    let (busy, quiet) = (Some(NanoUsd(5_324_000)), Some(NanoUsd(2_662_000)));
    for (time, expected) in [
        ("2026-11-18T00:59:59.999Z", quiet), // a Wednesday
        ("2026-11-18T01:00:00Z", busy),
        ("2026-11-18T03:59:59.999Z", busy),
        ("2026-11-18T04:00:00Z", quiet),
        ("2026-11-18T06:00:00Z", busy),
        ("2026-11-18T09:59:59.999Z", busy),
        ("2026-11-18T10:00:00Z", quiet),
        ("2026-11-20T07:00:00Z", busy), // Friday
        ("2026-11-21T07:00:00Z", quiet),
        ("2026-11-22T02:00:00Z", quiet),
        ("2026-11-23T02:00:00Z", busy), // Monday
    ] {
        let at = UnixMillis(time.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert_eq!(cost(&usage, Some(&price), false, at, false).amount, expected, "{time}");
    }
}

#[test]
fn sound_and_pictures_have_their_own_prices() {
    let price = price(TokenPrices { audio_input: usd("32"), audio_output: usd("64"), ..values("2.5", "10") });
    let usage = Usage { audio_input: Some(10), audio_output: Some(20), image_input: Some(30), ..tokens(100, 5) };
    assert_eq!(nano(&usage, &price), Some(320_000 + 1_280_000 + 75_000 + 250_000 + 50_000));
    assert!(formula(&usage, &price).contains("30 image in × 2.5 (input price)"));
}

#[test]
fn what_the_provider_reports_wins_and_ours_stands_beside_it() {
    let usage = Usage { reported_cost: Some(NanoUsd(42)), ..tokens(1000, 0) };
    let known = cost(&usage, Some(&price(values("1", "1"))), false, NOON, false);
    assert_eq!((known.amount, known.source), (Some(NanoUsd(42)), CostSource::Reported));
    assert_eq!(known.computed, Some(NanoUsd(1_000_000)));
    let unknown = cost(&usage, None, false, NOON, false);
    assert_eq!((unknown.amount, unknown.computed, unknown.price), (Some(NanoUsd(42)), None, None));
    assert_eq!(unknown.formula.as_deref(), Some("reported by the provider: 0.000000042 USD"));
    let negative = Usage { reported_cost: Some(NanoUsd(-1)), ..tokens(1000, 0) };
    assert_eq!(nano(&negative, &price(values("1", "1"))), Some(1_000_000));
}

#[test]
fn what_is_not_known_is_never_zero() {
    let full = price(values("1", "1"));
    assert_eq!(cost(&tokens(1, 1), None, false, NOON, false), Cost::default());
    assert_eq!(nano(&Usage::default(), &full), None);
    assert_eq!(nano(&Usage { output: Some(5), ..Usage::default() }, &full), None, "no count of the prompt");
    assert_eq!(nano(&Usage { input: Some(5), ..Usage::default() }, &full), None, "no count of the answer");
    let no_output = price(TokenPrices { input: usd("0.02"), ..TokenPrices::default() });
    assert_eq!(nano(&tokens(5, 1), &no_output), None, "no price for the answer");
    assert_eq!(nano(&Usage { input: Some(50), ..Usage::default() }, &no_output), Some(1_000), "embeddings");
    assert_eq!(nano(&tokens(0, 0), &full), Some(0), "a reported zero is known");
}

#[test]
fn our_own_hardware_costs_nothing_and_that_is_known() {
    let local = cost(&Usage::default(), None, true, NOON, true);
    assert_eq!((local.amount, local.source), (Some(NanoUsd(0)), CostSource::Local));
}

#[test]
fn estimated_tokens_make_an_estimated_cost() {
    let cost = cost(&tokens(10, 10), Some(&price(values("1", "1"))), false, NOON, true);
    assert_eq!((cost.amount, cost.source), (Some(NanoUsd(20_000)), CostSource::Estimated));
}

fn any_count() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), (0..10_000_000_u64).prop_map(Some), any::<u64>().prop_map(Some)]
}

fn any_values() -> impl Strategy<Value = TokenPrices> {
    let one = || prop::option::of((-5..100_000_000_i64).prop_map(PicoUsd));
    (one(), one(), one(), one(), one(), one(), one(), one(), one(), one()).prop_map(|v| TokenPrices {
        input: v.0,
        output: v.1,
        cache_read: v.2,
        cache_write: v.3,
        cache_write_1h: v.4,
        reasoning: v.5,
        audio_input: v.6,
        audio_output: v.7,
        image_input: v.8,
        citation: v.9,
    })
}

fn any_usage() -> impl Strategy<Value = Usage> {
    let n = any_count;
    let word = prop::option::of(prop::sample::select(vec!["flex", "priority", "batch", "default", "x"]));
    (n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), word).prop_map(|v| Usage {
        input: v.0,
        output: v.1,
        reasoning: v.2,
        cache_read: v.3,
        cache_write: v.4,
        cache_write_1h: v.5,
        audio_input: v.6,
        audio_output: v.7,
        image_input: v.8,
        searches: v.9,
        citation_tokens: v.10,
        service_tier: v.11.map(str::to_owned),
        ..Usage::default()
    })
}

/// The counter with this number. Reasoning is not among them: it moves tokens inside the output.
fn counter(usage: &mut Usage, number: usize) -> &mut Option<u64> {
    match number {
        0 => &mut usage.input,
        1 => &mut usage.output,
        2 => &mut usage.cache_read,
        3 => &mut usage.cache_write,
        4 => &mut usage.cache_write_1h,
        5 => &mut usage.audio_input,
        6 => &mut usage.audio_output,
        7 => &mut usage.image_input,
        8 => &mut usage.searches,
        _ => &mut usage.citation_tokens,
    }
}

proptest! {
    #[test]
    fn a_cost_is_never_negative_and_never_a_panic(
        usage in any_usage(), base in any_values(), tier in prop::option::of(any_values()), at in any::<i64>(),
        off_peak in prop::option::of(any_values()), searching in any::<bool>(),
    ) {
        let mut price = price(base);
        price.tier = tier.map(|values| PriceTier { above: 1000, inclusive: searching, values });
        price.off_peak = off_peak;
        price.per_search = searching.then_some([fee("0.01"); 3]);
        let cost = cost(&usage, Some(&price), false, UnixMillis(at), false);
        prop_assert!(cost.amount.is_none_or(|amount| amount.0 >= 0));
        prop_assert_eq!(cost.amount.is_some(), cost.source != CostSource::Unknown);
    }

    #[test]
    fn more_of_anything_never_costs_less(
        usage in any_usage(), base in any_values(), number in 0..10_usize, more in 1..1_000_000_u64,
    ) {
        let mut price = price(base);
        price.per_search = Some([fee("0.01"); 3]);
        let mut larger = usage.clone();
        let count = counter(&mut larger, number);
        *count = count.map(|count| count.saturating_add(more));
        let (before, after) = (nano(&usage, &price), nano(&larger, &price));
        // A count that was zero needed no price; then the larger one may be unknown.
        prop_assert!(before <= after || after.is_none(), "{before:?} {after:?}");
    }
}
