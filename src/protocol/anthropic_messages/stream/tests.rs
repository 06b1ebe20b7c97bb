//! Facts about single streams; `tests.rs` of the format compares streams with whole answers.

use super::*;
use crate::chat::{Event, FinishReason, ResponseBuilder};
use crate::protocol::ErrorKind;
use crate::protocol::framing::{Framer, Framing};

/// Reads a stream given as one JSON event per line, with or without `event:` lines.
fn read(lines: &str, named: bool) -> Result<Vec<Event<'static>>, StreamFault> {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if named {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            text.push_str(&format!("event: {}\n", value["type"].as_str().unwrap_or_default()));
        }
        text.push_str(&format!("data: {line}\n\n"));
    }
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    let mut sink = |event: Event<'_>| events.push(event.into_owned());
    let mut framer = Framer::new(Framing::Sse);
    framer.push(text.as_bytes(), &mut |raw| raw.frame.map_or(Ok(()), |frame| decoder.push(frame, &mut sink)))?;
    decoder.finish(&mut sink)?;
    Ok(events)
}

fn events(lines: &str) -> Vec<Event<'static>> {
    let named = read(lines, true).unwrap();
    assert_eq!(read(lines, false).unwrap(), named);
    named
}

fn arguments(lines: &str) -> Vec<String> {
    let stop = format!("{lines}\n{{\"type\":\"message_stop\"}}");
    let mut builder = ResponseBuilder::default();
    events(&stop).into_iter().for_each(|event| builder.event(event));
    builder.finish().choices[0].tool_calls().map(|call| call.arguments.clone()).collect()
}

fn finish(lines: &str) -> (FinishReason, Option<String>) {
    let all = events(&format!("{lines}\n{{\"type\":\"message_stop\"}}"));
    let mut found = all.into_iter().filter_map(|event| match event {
        Event::Finish { reason, native, .. } => Some((reason, native.map(Into::into))),
        _ => None,
    });
    let finish = found.next().unwrap();
    assert_eq!(found.next(), None);
    finish
}

#[test]
fn placeholders_are_not_arguments_and_no_fragments_are_an_empty_object() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}"#;
    let delta = |json: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"input_json_delta","partial_json":{json}}}}}"#
        )
    };
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let full = [start.to_owned(), delta("\"\""), delta("\"{\\\"a\\\"\""), delta("\":1}\""), stop.to_owned()].join("\n");
    assert_eq!(arguments(&full), ["{\"a\":1}"]);
    assert_eq!(arguments(&[start, stop].join("\n")), ["{}"]);
    assert_eq!(arguments(&[start.to_owned(), delta("\"\""), stop.to_owned()].join("\n")), ["{}"]);
    assert_eq!(arguments(start), ["{}"], "a server that forgets to close");
    let complete = start.replace("\"input\":{}", "\"input\":{\"x\":2}");
    assert_eq!(arguments(&[complete.as_str(), stop].join("\n")), ["{\"x\":2}"]);
}

#[test]
fn interleaved_calls_keep_their_own_arguments_and_numbers() {
    let lines = r#"
        {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}
        {"type":"content_block_start","index":5,"content_block":{"type":"tool_use","name":"g","input":{}}}
        {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"[1"}}
        {"type":"content_block_delta","index":5,"delta":{"type":"input_json_delta","partial_json":"{}"}}
        {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"]"}}
        {"type":"content_block_delta","index":9,"delta":{"type":"input_json_delta","partial_json":"lost"}}"#;
    assert_eq!(arguments(lines), ["[1]", "{}"]);
    let ids = events(&format!("{lines}\n{{\"type\":\"message_stop\"}}")).into_iter().filter_map(|event| match event {
        Event::ToolCallStart { id, index, .. } => Some((index, id.into_owned())),
        _ => None,
    });
    assert_eq!(ids.collect::<Vec<_>>(), [(0, "a".to_owned()), (1, "call__1".to_owned())]);
}

#[test]
fn a_second_message_start_names_nothing_again() {
    let lines = r#"
        {"type":"message_start","message":{"id":"m","model":"claude","content":[],"usage":{"input_tokens":5,"output_tokens":1}}}
        {"type":"message_start","message":{"id":"n","model":"other","usage":{"input_tokens":6}}}
        {"type":"message_stop"}"#;
    let starts = events(lines).into_iter().filter(|event| matches!(event, Event::Start(_))).count();
    assert_eq!(starts, 1);
}

#[test]
fn the_unknown_is_passed_over() {
    let lines = r#"
        {"type":"ping"}
        {"type":"brand_new","delta":7,"message":"x","index":"y","usage":[]}
        {"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}
        {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}
        {"type":"content_block_stop","index":0}
        {"type":"content_block_start","index":1,"content_block":{"type":"hologram","text":{"deep":[1]}}}
        {"type":"content_block_delta","index":1,"delta":{"type":"hologram_delta","text":[]}}
        {"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":""}}
        {"type":"content_block_stop","index":4}
        {"type":"message_delta","delta":{"stop_reason":null},"usage":null}
        {"type":"message_stop"}
        {"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"too late"}}"#;
    assert_eq!(events(lines), [Event::Finish { choice: 0, reason: FinishReason::Stop, native: None }]);
}

#[test]
fn stop_reasons_have_our_words() {
    let call = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}"#;
    let delta = |reason: &str| format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}"#);
    let table = [
        ("end_turn", FinishReason::Stop, FinishReason::ToolCalls, false),
        ("stop_sequence", FinishReason::Stop, FinishReason::ToolCalls, true),
        ("max_tokens", FinishReason::Length, FinishReason::Length, false),
        ("model_context_window_exceeded", FinishReason::Length, FinishReason::Length, true),
        ("tool_use", FinishReason::ToolCalls, FinishReason::ToolCalls, false),
        ("pause_turn", FinishReason::Stop, FinishReason::ToolCalls, true),
        ("refusal", FinishReason::ContentFilter, FinishReason::ContentFilter, true),
        ("compaction", FinishReason::Length, FinishReason::Length, true),
        ("unheard_of", FinishReason::Stop, FinishReason::ToolCalls, true),
    ];
    for (word, alone, with_calls, native) in table {
        let native = native.then(|| word.to_owned());
        assert_eq!(finish(&delta(word)), (alone, native.clone()), "{word}");
        assert_eq!(finish(&format!("{call}\n{}", delta(word))), (with_calls, native), "{word} with calls");
    }
}

#[test]
fn a_stream_that_just_ends_is_truncated() {
    let lines = r#"
        {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"half"}}
        {"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#;
    assert_eq!(read(lines, true), Err(StreamFault::Truncated));
    assert_eq!(read("", true), Err(StreamFault::Truncated));
}

#[test]
fn errors_inside_the_stream_have_their_status() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    for lines in [error.to_owned(), error.replace("\"type\":\"error\",", "")] {
        match read(&lines, false) {
            Err(StreamFault::Provider(error)) => {
                assert_eq!((error.status, error.kind), (529, ErrorKind::Overloaded));
                assert_eq!(error.message, "Overloaded");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn garbage_is_a_fault_and_foreign_ends_are_not() {
    let mut decoder = Decoder::default();
    let mut sink = |_: Event<'_>| {};
    let mut push = |data: &[u8]| decoder.push(Frame { event: b"", data }, &mut sink);
    assert_eq!(push(b"[DONE]"), Ok(()));
    assert_eq!(push(b" "), Ok(()));
    assert_eq!(push(br#"{"type":"tomorrow","delta":5}"#), Ok(()));
    assert_eq!(push(br#"{"type":"content_block_delta","delta":{"type":"tomorrow","text":{"a":[5]}}}"#), Ok(()));
    for garbage in [
        &b"{\"type\":"[..],
        b"[]",
        b"\xff",
        br#"{"type":"content_block_delta","delta":{"type":"text_delta","text":5}}"#,
    ] {
        assert!(matches!(push(garbage), Err(StreamFault::Malformed(_))));
    }
}

#[test]
fn the_event_line_names_data_that_does_not() {
    let mut decoder = Decoder::default();
    let mut sink = |_: Event<'_>| {};
    decoder.push(Frame { event: b"message_stop", data: b"{}" }, &mut sink).unwrap();
    assert!(decoder.is_done());
}
