//! How providers differ from the specification, each as a stream.

use super::{chunk, deltas, folded, stream};
use crate::chat::{ChatResponse, FinishReason, Part};
use crate::money::NanoUsd;
use crate::protocol::{ErrorKind, StreamFault};

fn calls(answer: &ChatResponse) -> Vec<(String, String, String)> {
    answer.choices[0].tool_calls().map(|call| (call.id.clone(), call.name.clone(), call.arguments.clone())).collect()
}

fn owned(calls: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    calls.iter().map(|(id, name, arguments)| ((*id).into(), (*name).into(), (*arguments).into())).collect()
}

fn provider_error(stream: &str) -> crate::protocol::ProviderError {
    match folded(stream) {
        Err(StreamFault::Provider(error)) => error,
        other => panic!("expected a provider's error, got {other:?}"),
    }
}

#[test]
fn openai_usage_comes_after_the_finish_in_a_chunk_of_its_own() {
    let answer = folded(&stream(&[
        &chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
        &chunk(r#"{"content":"hi"}"#, "null"),
        &chunk("{}", "\"stop\""),
        r#"{"id":"c1","object":"chat.completion.chunk","created":7,"model":"m","service_tier":"flex","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#,
    ]))
    .unwrap();
    assert_eq!((answer.id.as_deref(), answer.model.as_deref(), answer.created), (Some("c1"), Some("m"), Some(7)));
    assert_eq!((answer.choices[0].text(), answer.choices[0].finish), ("hi".to_owned(), Some(FinishReason::Stop)));
    assert_eq!((answer.usage.input, answer.usage.output), (Some(9), Some(2)));
    assert_eq!(answer.usage.service_tier.as_deref(), Some("flex"));
    assert!(answer.usage.raw.unwrap().contains("\"total_tokens\":11"));
}

#[test]
fn azures_nameless_first_chunk_and_line_ends_do_no_harm() {
    let text = stream(&[
        r#"{"id":"","model":"","created":0,"object":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#,
        &chunk(r#"{"content":"hi"}"#, "null"),
        r#"{"id":"","model":"","created":0,"object":"","choices":[{"index":0,"finish_reason":null,"content_filter_offsets":{}}]}"#,
        &chunk("{}", "\"stop\""),
    ])
    .replace('\n', "\r\n");
    let answer = folded(&text).unwrap();
    assert_eq!((answer.id.as_deref(), answer.model.as_deref()), (Some("c1"), Some("m")));
    assert_eq!(answer.choices[0].text(), "hi");
}

#[test]
fn mistral_content_lists_give_thinking_and_text() {
    let answer = folded(&deltas(
        &[
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}],"closed":true}]}"#,
            r#"{"content":[{"type":"text","text":"a"},{"type":"reference","reference_ids":[1]},{"type":"text","text":"b"}]}"#,
            r#"{"tool_calls":[{"id":"abcdefghi","index":0,"function":{"name":"f","arguments":{"z":1,"a":[2]}}}]}"#,
        ],
        "\"model_length\"",
    ))
    .unwrap();
    assert_eq!((answer.choices[0].reasoning(), answer.choices[0].text()), ("hm".to_owned(), "ab".to_owned()));
    assert_eq!(calls(&answer), owned(&[("abcdefghi", "f", r#"{"z":1,"a":[2]}"#)]));
    assert_eq!(answer.choices[0].finish, Some(FinishReason::Length));
}

#[test]
fn reasoning_is_read_under_either_name_and_once_under_both() {
    let answer = folded(&deltas(
        &[r#"{"reasoning":"a"}"#, r#"{"reasoning_content":"b"}"#, r#"{"reasoning":"c","reasoning_content":"c"}"#],
        "\"stop\"",
    ))
    .unwrap();
    assert_eq!(answer.choices[0].reasoning(), "abc");
}

#[test]
fn groq_usage_in_its_own_corner_counts_once() {
    let answer = folded(&stream(&[
        r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"hi"}}],"x_groq":{"id":"r"}}"#,
        r#"{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":4}}}"#,
        r#"{"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
    ]))
    .unwrap();
    assert_eq!((answer.usage.input, answer.usage.output), (Some(3), Some(4)));
    let error = provider_error(&stream(&[r#"{"id":"c1","choices":[],"x_groq":{"error":"tool failure"}}"#]));
    assert_eq!(error.message, "tool failure");
}

#[test]
fn perplexity_repeats_the_message_and_its_sources_on_every_chunk() {
    let part = |so_far: &str, delta: &str, finish: &str| {
        format!(
            r#"{{"id":"p","model":"sonar","citations":["https://a","https://b"],"search_results":[{{"title":"B","url":"https://b"}}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"cost":{{"total_cost":0.006}}}},"choices":[{{"index":0,"finish_reason":{finish},"message":{{"role":"assistant","content":"{so_far}"}},"delta":{{"role":"assistant","content":"{delta}"}}}}]}}"#
        )
    };
    let answer =
        folded(&stream(&[&part("a", "a", "null"), &part("ab", "b", "null"), &part("ab", "", "\"stop\"")])).unwrap();
    assert_eq!(answer.choices[0].text(), "ab");
    assert_eq!(answer.usage.reported_cost, Some(NanoUsd(6_000_000)));
    let sources: Vec<_> = answer.citations.iter().map(|one| (one.url.as_str(), one.title.as_deref())).collect();
    assert_eq!(sources, [("https://a", None), ("https://b", Some("B"))]);
}

#[test]
fn openrouter_errors_inside_a_stream_are_errors() {
    let top = r#"{"id":"g","object":"chat.completion.chunk","error":{"code":429,"message":"slow"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#;
    let error = provider_error(&format!(": OPENROUTER PROCESSING\n\n{}", stream(&[top])));
    assert_eq!((error.status, error.kind, error.message.as_str()), (429, ErrorKind::RateLimit, "slow"));
    assert_eq!(provider_error(&deltas(&[r#"{"content":"x"}"#], "\"error\"")).status, 502);
    let in_choice = r#"{"id":"g","choices":[{"delta":{},"error":{"code":503,"message":"none left"}}]}"#;
    assert_eq!(provider_error(&stream(&[in_choice])).kind, ErrorKind::Overloaded);
}

#[test]
fn every_other_form_of_error_frame_is_an_error() {
    for (frame, message) in [
        ("data: {\"error\":\"boom\"}\n\n", "boom"),
        ("data: {\"error\":{\"message\":\"boom\"}}\n\n", "boom"),
        ("event: error\ndata: {\"error\":{\"message\":\"boom\"}}\n\n", "boom"),
        ("event: error\ndata: boom\n\n", "boom"),
        ("data: {\"detail\":\"boom\"}\n\n", "boom"),
        ("data: {\"error\":{\"message\":\"boom\"},\"choices\":{}}\n\n", "boom"),
        ("data: {\"object\":\"error\",\"message\":\"boom\",\"code\":400}\n\n", "boom"),
    ] {
        assert_eq!(provider_error(frame).message, message, "{frame}");
    }
    // Some providers always send the key.
    let calm = format!("data: {}\n\n", chunk(r#"{"content":"x"}"#, "\"stop\"").replacen('{', "{\"error\":null,", 1));
    assert_eq!(folded(&calm).unwrap().choices[0].text(), "x");
}

#[test]
fn what_is_no_chunk_is_malformed() {
    for data in ["hello", "[]", "7", "{}", "{\"foo\":1}", "{\"id\":\"a\"", "\"x\""] {
        let result = folded(&format!("data: {data}\n\n"));
        assert!(matches!(result, Err(StreamFault::Malformed(_))), "{data}: {result:?}");
    }
    let far = r#"{"choices":[{"index":4000000000,"delta":{"content":"x"}}]}"#;
    assert!(matches!(folded(&stream(&[far])), Err(StreamFault::Malformed(_))));
}

#[test]
fn parallel_calls_are_told_apart_without_proper_indexes() {
    let expected = owned(&[("a", "f", r#"{"x":1}"#), ("b", "g", r#"{"y":2}"#)]);
    let whole = |index: &str, id: &str, name: &str, arguments: &str| {
        format!(r#"{{"tool_calls":[{{{index}"id":"{id}","function":{{"name":"{name}","arguments":"{arguments}"}}}}]}}"#)
    };
    for index in [r#""index":0,"#, ""] {
        let answer = folded(&deltas(
            &[
                &whole(index, "a", "f", r#"{\"x\""#),
                &whole(index, "a", "", r":1}"),
                &whole(index, "b", "g", r#"{\"y\":2}"#),
            ],
            "\"tool_calls\"",
        ));
        assert_eq!(calls(&answer.unwrap()), expected, "{index}");
    }
    // Proper ones may interleave.
    let answer = folded(&deltas(
        &[
            &whole(r#""index":0,"#, "a", "f", ""),
            &whole(r#""index":1,"#, "b", "g", ""),
            r#"{"tool_calls":[{"index":1,"function":{"arguments":"{\"y\""}},{"index":0,"function":{"arguments":"{\"x\""}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"","function":{"name":"","arguments":":1}"}},{"index":1,"id":null,"function":{"name":null,"arguments":":2}"}}]}"#,
        ],
        "\"tool_calls\"",
    ));
    assert_eq!(calls(&answer.unwrap()), expected);
}

#[test]
fn another_id_on_every_fragment_is_still_one_call() {
    let answer = folded(&deltas(
        &[
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"b","function":{"arguments":":1}"}}]}"#,
        ],
        "\"tool_calls\"",
    ));
    assert_eq!(calls(&answer.unwrap()), owned(&[("a", "f", r#"{"x":1}"#)]));
}

#[test]
fn calls_without_ids_get_unique_ones() {
    let call = r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]}"#;
    let answer = folded(&deltas(&[call, call], "\"tool_calls\"")).unwrap();
    let calls = calls(&answer);
    assert_eq!(calls.len(), 2);
    assert!(calls[0].0 != calls[1].0 && calls.iter().all(|(id, _, arguments)| id.len() >= 24 && arguments == "{}"));
}

#[test]
fn a_name_may_come_after_the_id_or_never() {
    let answer = folded(&deltas(
        &[
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{"}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"}"}}]}"#,
            r#"{"tool_calls":[{"index":1,"id":"b","function":{"arguments":"{}"}}]}"#,
        ],
        "\"tool_calls\"",
    ))
    .unwrap();
    assert_eq!(calls(&answer), owned(&[("a", "f", "{}"), ("b", "", "{}")]));
}

#[test]
fn thought_signatures_ride_on_their_call() {
    let call = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}}]}"#;
    let answer = folded(&deltas(&[call], "\"stop\"")).unwrap();
    assert_eq!(answer.choices[0].tool_calls().next().unwrap().signature.as_deref(), Some("c2ln"));
}

#[test]
fn the_deprecated_function_call_is_a_tool_call() {
    let answer = folded(&deltas(
        &[r#"{"function_call":{"name":"f","arguments":""}}"#, r#"{"function_call":{"arguments":"{\"x\":1}"}}"#],
        "\"function_call\"",
    ))
    .unwrap();
    assert_eq!(calls(&answer)[0].2, r#"{"x":1}"#);
    assert_eq!(answer.choices[0].finish, Some(FinishReason::ToolCalls));
}

#[test]
fn stop_after_tool_calls_means_tool_calls() {
    let call = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
    for (finish, expected) in [
        ("\"stop\"", FinishReason::ToolCalls),
        ("\"\"", FinishReason::ToolCalls),
        ("\"length\"", FinishReason::Length),
        ("\"content_filter\"", FinishReason::ContentFilter),
    ] {
        let answer = folded(&deltas(&[call], finish)).unwrap();
        assert_eq!(answer.choices[0].finish, Some(expected), "{finish}");
    }
}

#[test]
fn finish_reasons_count_once_and_the_last_one_wins() {
    let text = stream(&[
        &chunk(r#"{"content":"a"}"#, "\"stop\""),
        &chunk(r#"{"content":"b"}"#, "\"\""),
        &chunk(r#"{"content":"c"}"#, "\"length\""),
    ]);
    let answer = folded(&text).unwrap();
    assert_eq!((answer.choices[0].text(), answer.choices[0].finish), ("abc".to_owned(), Some(FinishReason::Length)));
    let finishes = super::events(&[text.as_bytes()]).unwrap();
    assert_eq!(finishes.iter().filter(|event| matches!(event, crate::chat::Event::Finish { .. })).count(), 1);
}

#[test]
fn unknown_finish_words_are_kept_beside_ours() {
    let answer = folded(&deltas(&[r#"{"content":"a"}"#], "\"eos\"")).unwrap();
    assert_eq!(
        (answer.choices[0].finish, answer.choices[0].native_finish.as_deref()),
        (Some(FinishReason::Stop), Some("eos"))
    );
    let routed = chunk(r#"{"content":"a"}"#, "\"length\"")
        .replace("\"finish_reason\"", "\"native_finish_reason\":\"MAX_TOKENS\",\"finish_reason\"");
    assert_eq!(folded(&stream(&[&routed])).unwrap().choices[0].native_finish.as_deref(), Some("MAX_TOKENS"));
}

#[test]
fn usage_on_every_chunk_is_replaced_and_never_summed() {
    let part = |tokens: u32| {
        chunk(r#"{"content":"x"}"#, "\"stop\"").replacen(
            '{',
            &format!("{{\"usage\":{{\"prompt_tokens\":5,\"completion_tokens\":{tokens}}},"),
            1,
        )
    };
    let answer = folded(&stream(&[&part(1), &part(2), &part(3)])).unwrap();
    assert_eq!((answer.usage.input, answer.usage.output), (Some(5), Some(3)));
}

#[test]
fn a_terminator_may_be_missing_doubled_or_padded() {
    let text = deltas(&[r#"{"content":"a"}"#], "\"stop\"");
    for variant in [
        text.replace("data: [DONE]\n\n", ""),
        text.replace("data: [DONE]\n\n", "data:  [DONE] \n\ndata: [DONE]\n\n"),
        text.replace("data: [DONE]\n\n", "data:[DONE]"),
        text.replace("data: [DONE]\n\n", "data: [DONE]\n\ndata: {\"error\":\"late\"}\n\n"),
    ] {
        assert_eq!(folded(&variant).unwrap().choices[0].finish, Some(FinishReason::Stop), "{variant}");
    }
}

#[test]
fn a_terminator_without_a_finish_reason_completes_the_answer_and_an_empty_stream_is_none() {
    let text = stream(&[&chunk(r#"{"content":"a"}"#, "null")]);
    assert_eq!(folded(&text).unwrap().choices[0].finish, Some(FinishReason::Stop));
    assert!(matches!(folded("data: [DONE]\n\n"), Err(StreamFault::Malformed(_))));
    let half = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n";
    assert_eq!(folded(half), Err(StreamFault::Truncated));
}

#[test]
fn prompt_completion_chunks_are_text() {
    let answer = folded(&stream(&[
        r#"{"id":"cmpl-1","object":"text_completion","created":1,"choices":[{"text":"a","index":0,"logprobs":null,"finish_reason":null}],"model":"m"}"#,
        r#"{"id":"cmpl-1","object":"text_completion","created":1,"choices":[{"text":"b","index":0,"logprobs":null,"finish_reason":"length"}],"model":"m"}"#,
    ]))
    .unwrap();
    assert_eq!((answer.choices[0].text(), answer.choices[0].finish), ("ab".to_owned(), Some(FinishReason::Length)));
}

#[test]
fn fields_of_odd_types_do_not_break_an_answer() {
    let text = stream(&[
        r#"{"id":7,"created":"soon","model":null,"choices":[{"index":null,"delta":{"role":1,"content":"a","tool_calls":null,"reasoning":{}},"finish_reason":"stop","logprobs":"x"}],"usage":"none"}"#,
    ]);
    assert_eq!(folded(&text).unwrap().choices[0].text(), "a");
}

#[test]
fn refusals_and_logprobs_come_through() {
    let with_logprobs = chunk(r#"{"content":"a"}"#, "null")
        .replace("\"finish_reason\"", r#""logprobs":{"content":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}],"refusal":null},"finish_reason""#);
    let answer = folded(&stream(&[&with_logprobs, &chunk(r#"{"refusal":"no"}"#, "\"stop\"")])).unwrap();
    assert_eq!(answer.choices[0].logprobs[0]["token"], "a");
    assert_eq!(answer.choices[0].parts[1], Part::Refusal("no".to_owned()));
}
