use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(value: &serde_json::Value) -> Usage {
    let raw = RawValue::from_string(value.to_string()).unwrap();
    decode(&raw, None).unwrap()
}

fn cost(json: &str) -> Option<NanoUsd> {
    let raw = RawValue::from_string(json.to_owned()).unwrap();
    decode(&raw, None).unwrap().reported_cost
}

#[test]
fn cached_written_and_audio_tokens_leave_the_plain_counter() {
    let usage = read(&json!({"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 10, "audio_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 7, "audio_tokens": 4}}));
    assert_eq!(
        (usage.input, usage.cache_read, usage.cache_write, usage.audio_input),
        (Some(55), Some(30), Some(10), Some(5))
    );
    assert_eq!((usage.output, usage.reasoning, usage.audio_output), (Some(16), Some(7), Some(4)));
    assert_eq!((usage.prompt_total(), usage.completion_total()), (Some(100), Some(20)));
}

#[test]
fn zero_is_said_and_absence_is_not() {
    let usage = read(&json!({"prompt_tokens": 0, "completion_tokens": 0}));
    assert_eq!((usage.input, usage.output, usage.cache_read, usage.reasoning), (Some(0), Some(0), None, None));
    for empty in ["{}", "null", "[]", "{\"prompt_tokens\":null}"] {
        let raw = RawValue::from_string(empty.to_owned()).unwrap();
        assert_eq!(decode(&raw, None), None, "{empty}");
    }
}

#[test]
fn deepseek_hits_are_cache_reads_and_misses_are_no_writes() {
    let usage = read(&json!({"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55,
        "prompt_cache_hit_tokens": 32, "prompt_cache_miss_tokens": 18}));
    assert_eq!((usage.input, usage.cache_read, usage.cache_write), (Some(18), Some(32), None));
}

#[test]
fn xai_reasoning_outside_the_completion_is_folded_in() {
    let usage = read(&json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
        "completion_tokens_details": {"reasoning_tokens": 100}, "cost_in_usd_ticks": 123_456}));
    assert_eq!((usage.output, usage.reasoning), (Some(105), Some(100)));
    assert_eq!(usage.reported_cost, Some(NanoUsd(12_346)));
    let inside = read(&json!({"prompt_tokens": 10, "completion_tokens": 105, "total_tokens": 115,
        "completion_tokens_details": {"reasoning_tokens": 100}}));
    assert_eq!(inside.output, Some(105));
}

#[test]
fn costs_are_read_from_their_digits() {
    assert_eq!(cost(r#"{"prompt_tokens":1,"cost":0.00012345}"#), Some(NanoUsd(123_450)));
    assert_eq!(cost(r#"{"prompt_tokens":1,"cost":1.5e-5}"#), Some(NanoUsd(15_000)));
    assert_eq!(cost(r#"{"prompt_tokens":1,"cost":"0.25"}"#), Some(NanoUsd(250_000_000)));
    assert_eq!(cost(r#"{"prompt_tokens":1,"cost":0}"#), Some(NanoUsd(0)));
    assert_eq!(cost(r#"{"prompt_tokens":1,"cost":null}"#), None);
    assert_eq!(cost(r#"{"prompt_tokens":1,"cost":"free"}"#), None);
}

#[test]
fn openrouter_with_ones_own_key_adds_the_providers_charge_to_the_fee() {
    let body = r#"{"prompt_tokens":1,"cost":0.001,"is_byok":BYOK,"cost_details":{"upstream_inference_cost":0.02}}"#;
    assert_eq!(cost(&body.replace("BYOK", "true")), Some(NanoUsd(21_000_000)));
    assert_eq!(cost(&body.replace("BYOK", "false")), Some(NanoUsd(1_000_000)));
}

#[test]
fn perplexity_reports_searches_and_the_total_charge() {
    let usage = read(&json!({"prompt_tokens": 14, "completion_tokens": 200, "total_tokens": 214,
        "search_context_size": "low", "num_search_queries": 3, "citation_tokens": 900, "reasoning_tokens": 5000,
        "cost": {"input_tokens_cost": 0.0, "request_cost": 0.005, "total_cost": 0.0123}}));
    assert_eq!((usage.searches, usage.citation_tokens), (Some(3), Some(900)));
    assert_eq!(usage.search_context, Some(SearchContext::Low));
    assert_eq!(usage.reported_cost, Some(NanoUsd(12_300_000)));
    // More reasoning than completion: it cannot lie inside.
    assert_eq!((usage.output, usage.reasoning), (Some(5200), Some(5000)));
}

#[test]
fn an_unknown_usage_is_left_out_of_answers() {
    assert!(UsageOut::new(&Usage::default()).is_none());
    let out =
        UsageOut::new(&Usage { input: Some(3), cache_read: Some(4), output: Some(5), ..Usage::default() }).unwrap();
    assert_eq!((out.prompt_tokens, out.completion_tokens, out.total_tokens), (7, 5, 12));
}

proptest! {
    #[test]
    fn whatever_is_reported_the_parts_add_up_to_the_totals(
        prompt in 0_u64..1000, completion in 0_u64..1000,
        cached in -50_i64..1500, written in -50_i64..1500, audio in -50_i64..1500, spoken in -50_i64..1500,
    ) {
        let usage = read(&json!({"prompt_tokens": prompt, "completion_tokens": completion,
            "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio},
            "completion_tokens_details": {"audio_tokens": spoken}}));
        prop_assert_eq!(usage.prompt_total(), Some(prompt));
        prop_assert_eq!(usage.completion_total(), Some(completion));
    }

    #[test]
    fn totals_survive_the_way_to_a_client_and_back(
        input in 0_u64..1000, read_tokens in 0_u64..1000, written in 0_u64..1000, output in 0_u64..1000,
    ) {
        let usage = Usage {
            input: Some(input), cache_read: Some(read_tokens), cache_write: Some(written), audio_input: Some(0),
            output: Some(output), reasoning: Some(output / 2), audio_output: Some(0), ..Usage::default()
        };
        let json = serde_json::to_value(UsageOut::new(&usage).unwrap()).unwrap();
        let back = read(&json);
        prop_assert_eq!(Usage { raw: None, ..back }, usage);
    }
}
