//! What clients get.

use proptest::prelude::*;

use super::folded;
use crate::chat::{Citation, Event, FinishReason, ResponseBuilder, Start, Usage};
use crate::clock::{Timing, UnixNanos};
use crate::protocol::openai_chat::response;
use crate::protocol::openai_chat::stream::ChatEncoder;
use crate::protocol::{ApiError, ErrorKind, EventEncoder, ReasoningField, ReplyContext};

fn context(include_usage: bool) -> ReplyContext {
    ReplyContext {
        request_id: "r1".to_owned(),
        model: "fast".to_owned(),
        started: UnixNanos(5_000_000_000),
        include_usage,
        tools_offered: true,
        reasoning_as: ReasoningField::ReasoningContent,
    }
}

fn start() -> Event<'static> {
    Event::Start(Start { id: Some("c1".into()), model: Some("m".into()), created: Some(7), fingerprint: None })
}

fn text(text: &'static str) -> Event<'static> {
    Event::Text { choice: 0, text: text.into() }
}

fn finish(reason: FinishReason) -> Event<'static> {
    Event::Finish { choice: 0, reason, native: None }
}

fn call(index: u32, id: &'static str) -> Event<'static> {
    Event::ToolCallStart { choice: 0, index, id: id.into(), name: "f".into(), signature: None }
}

fn arguments(index: u32, fragment: &'static str) -> Event<'static> {
    Event::ToolCallArguments { choice: 0, index, fragment: fragment.into() }
}

fn usage() -> Event<'static> {
    Event::Usage(Box::new(Usage { input: Some(6), cache_read: Some(3), output: Some(2), ..Usage::default() }))
}

fn written(context: ReplyContext, events: &[Event<'_>]) -> String {
    let mut encoder = ChatEncoder::new(context);
    let mut out = Vec::new();
    for event in events {
        encoder.push(event, UnixNanos(0), &mut out);
    }
    encoder.finish(Timing::default(), &mut out);
    String::from_utf8(out).unwrap()
}

/// The choices and everything behind them, chunk by chunk.
fn choices(stream: &str) -> Vec<&str> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: {")?.split_once("\"choices\":"))
        .map(|(_, rest)| rest)
        .collect()
}

#[test]
fn a_text_answer_has_openais_exact_shape() {
    let stream = written(context(false), &[start(), text("h\"i"), text("!"), usage(), finish(FinishReason::Stop)]);
    let head = r#"data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"fast","choices":["#;
    let expected = [
        r#"{"index":0,"delta":{"role":"assistant","content":"h\"i"},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"index":0,"delta":{"content":"!"},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}"#,
    ];
    let expected: String = expected.iter().map(|rest| format!("{head}{rest}\n\n")).collect();
    assert_eq!(stream, expected + "data: [DONE]\n\n");
}

#[test]
fn usage_comes_last_in_a_chunk_of_its_own_when_asked_for() {
    let stream = written(context(true), &[start(), text("a"), usage(), finish(FinishReason::Stop)]);
    let chunks = choices(&stream);
    assert!(chunks[..2].iter().all(|chunk| chunk.ends_with("],\"usage\":null}")), "{stream}");
    assert!(
        chunks[2].starts_with(r#"[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"#),
        "{stream}"
    );
    assert!(chunks[2].contains(r#""cached_tokens":3"#) && chunks.len() == 3);
    assert!(!written(context(false), &[start(), text("a"), usage(), finish(FinishReason::Stop)]).contains("usage"));
}

#[test]
fn tool_calls_say_their_names_once() {
    let stream = written(
        context(false),
        &[start(), call(0, "a"), arguments(0, "{\"x\""), call(1, "b"), arguments(0, ":1}"), finish(FinishReason::Stop)],
    );
    assert_eq!(
        choices(&stream),
        [
            r#"[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null}]}"#,
            r#"[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]},"logprobs":null,"finish_reason":null}]}"#,
            r#"[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null}]}"#,
            r#"[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"logprobs":null,"finish_reason":null}]}"#,
            // A call without arguments gets an empty object, for "" is not JSON.
            r#"[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]}"#,
            r#"[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]}"#,
        ]
    );
}

#[test]
fn thinking_goes_out_under_the_chosen_name() {
    let thought = Event::Reasoning { choice: 0, text: "hm".into() };
    for (field, expected) in [
        (ReasoningField::ReasoningContent, r#"{"role":"assistant","content":"","reasoning_content":"hm"}"#),
        (ReasoningField::Reasoning, r#"{"role":"assistant","content":"","reasoning":"hm"}"#),
        (ReasoningField::Both, r#"{"role":"assistant","content":"","reasoning_content":"hm","reasoning":"hm"}"#),
    ] {
        let stream = written(ReplyContext { reasoning_as: field, ..context(false) }, &[start(), thought.clone()]);
        assert!(stream.contains(expected), "{stream}");
    }
}

#[test]
fn every_choice_begins_with_its_role_even_an_empty_one() {
    let other = Event::Text { choice: 1, text: "b".into() };
    let end = |choice| Event::Finish { choice, reason: FinishReason::Stop, native: None };
    let stream = written(context(false), &[start(), other, end(0), end(1)]);
    assert_eq!(stream.matches("\"role\":\"assistant\"").count(), 2);
    assert!(stream.contains(r#"{"index":0,"delta":{"role":"assistant","content":""}"#), "{stream}");
    assert_eq!(stream.matches("\"finish_reason\":\"stop\"").count(), 2);
}

#[test]
fn an_answer_without_names_gets_them_from_the_request() {
    let stream = written(context(false), &[text("a"), finish(FinishReason::Stop)]);
    assert!(
        stream.starts_with(r#"data: {"id":"chatcmpl-r1","object":"chat.completion.chunk","created":5,"model":"fast","#)
    );
}

#[test]
fn sources_go_out_once_before_the_finish() {
    let source = Citation { url: "https://a".to_owned(), title: None, start: Some(1), end: Some(2) };
    let stream = written(
        context(true),
        &[start(), text("a"), Event::Citations(vec![]), Event::Citations(vec![source]), finish(FinishReason::Stop)],
    );
    let chunks = choices(&stream);
    assert_eq!(
        chunks[1],
        r#"[{"index":0,"delta":{"annotations":[{"type":"url_citation","url_citation":{"url":"https://a","title":"https://a","start_index":1,"end_index":2}}]},"logprobs":null,"finish_reason":null}],"citations":["https://a"],"usage":null}"#
    );
    assert!(chunks[2].contains("\"finish_reason\":\"stop\""));
}

#[test]
fn after_an_error_comes_neither_a_finish_nor_a_terminator() {
    let mut encoder = ChatEncoder::new(context(true));
    let mut out = Vec::new();
    for event in [start(), text("a"), finish(FinishReason::Stop), usage()] {
        encoder.push(&event, UnixNanos(0), &mut out);
    }
    let error = ApiError {
        status: 502,
        kind: ErrorKind::Upstream,
        message: "boom".to_owned(),
        code: None,
        param: None,
        retry_after: None,
        request_id: "r1".to_owned(),
    };
    encoder.fail(&error, &mut out);
    let stream = String::from_utf8(out).unwrap();
    assert!(stream.ends_with(
        "data: {\"error\":{\"message\":\"boom\",\"type\":\"api_error\",\"param\":null,\"code\":null},\"request_id\":\"r1\"}\n\n"
    ));
    assert!(!stream.contains("DONE") && !stream.contains("\"finish_reason\":\"stop\""));
}

#[test]
fn what_is_written_reads_back_as_the_same_answer() {
    let events = [
        start(),
        Event::Reasoning { choice: 0, text: "hm \u{2028}".into() },
        text("日本\n"),
        Event::Logprobs { choice: 0, content: vec![serde_json::json!({"token": "a", "logprob": -0.1})] },
        call(0, "a"),
        call(1, "b"),
        arguments(1, "{\"y\":2}"),
        arguments(0, "{\"x\":1}"),
        finish(FinishReason::Length),
        usage(),
    ];
    let mut expected = ResponseBuilder::default();
    for event in &events {
        crate::chat::EventSink::event(&mut expected, event.clone());
    }
    let mut expected = expected.finish();
    let mut answer = folded(&written(ReplyContext { model: "m".to_owned(), ..context(true) }, &events)).unwrap();
    assert_eq!((answer.usage.prompt_total(), answer.usage.completion_total()), (Some(9), Some(2)));
    (answer.usage, expected.usage) = (Usage::default(), Usage::default());
    assert_eq!(answer, expected);
}

/// Any answer of one choice: pieces of thinking, text and two calls in any order.
fn any_pieces() -> impl Strategy<Value = Vec<Event<'static>>> {
    let piece = (0_u8..4, "\\PC{1,8}").prop_map(|(kind, text)| match kind {
        0 => Event::Reasoning { choice: 0, text: text.into() },
        1 => Event::Text { choice: 0, text: text.into() },
        kind => Event::ToolCallArguments { choice: 0, index: u32::from(kind) - 2, fragment: text.into() },
    });
    proptest::collection::vec(piece, 1..12)
}

proptest! {
    #[test]
    fn a_stream_and_a_whole_answer_carry_the_same(pieces in any_pieces()) {
        let mut events = vec![start(), call(0, "a"), call(1, "b"), arguments(0, " x"), arguments(1, " y")];
        events.extend(pieces);
        events.push(finish(FinishReason::Length));
        let mut builder = ResponseBuilder::default();
        for event in &events {
            crate::chat::EventSink::event(&mut builder, event.clone());
        }
        let expected = builder.finish();
        let context = || ReplyContext { model: "m".to_owned(), ..context(false) };
        prop_assert_eq!(&folded(&written(context(), &events)).unwrap(), &expected);

        let whole = response::decode(&response::encode(&context(), &expected)).unwrap();
        let (read, given) = (&whole.choices[0], &expected.choices[0]);
        prop_assert_eq!((read.text(), read.reasoning(), read.finish), (given.text(), given.reasoning(), given.finish));
        prop_assert!(read.tool_calls().eq(given.tool_calls()));
    }
}
