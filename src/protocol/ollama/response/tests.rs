//! The codecs as others use them: streams, whole answers, forwarding.

use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use crate::chat::{ChatResponse, Choice, Event, EventSink, FinishReason, Part, ResponseBuilder, ToolCall, Usage};
use crate::clock::{Timing, UnixNanos};
use crate::protocol::envelope::Envelope;
use crate::protocol::framing::Framer;
use crate::protocol::ollama::{ChatServer, Client, GenerateServer};
use crate::protocol::{
    ApiError, ClientCodec, ErrorKind, ModelProfile, ReasoningField, ReplyContext, ServerCodec, StreamFault,
};

const TIMING: Timing =
    Timing { started: UnixNanos(100), first_token: Some(UnixNanos(130)), ended: UnixNanos(1_000_000_000) };

/// What a thinking model with tools sends, with umlauts so that splits fall inside characters.
const STREAM: &str = concat!(
    r#"{"model":"m","created_at":"2026-01-01T00:00:00.123456789Z","message":{"role":"assistant","content":"","thinking":"hm\n"},"done":false}"#,
    "\n",
    r#"{"model":"m","created_at":"2026-01-01T00:00:01Z","message":{"role":"assistant","content":"Schöne "},"done":false}"#,
    "\n",
    r#"{"model":"m","created_at":"2026-01-01T00:00:01Z","message":{"role":"assistant","content":"Grüße"},"done":false}"#,
    "\n",
    r#"{"model":"m","created_at":"2026-01-01T00:00:02Z","message":{"role":"assistant","content":"","tool_calls":[{"id":"call_abc","function":{"index":0,"name":"f","arguments":{"z":1,"a":"x"}}},{"function":{"name":"g","arguments":{}}}]},"done":false}"#,
    "\n",
    r#"{"model":"m","created_at":"2026-01-01T00:00:03Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":5,"prompt_eval_count":7,"eval_count":9}"#,
    "\n",
);

fn context() -> ReplyContext {
    ReplyContext {
        request_id: "r1".to_owned(),
        model: "My:Model".to_owned(),
        started: TIMING.started,
        include_usage: false,
        tools_offered: true,
        reasoning_as: ReasoningField::default(),
    }
}

/// Reads a stream that arrives in these chunks.
fn decode(chunks: &[&[u8]]) -> Result<Vec<Event<'static>>, StreamFault> {
    let mut framer = Framer::new(Client.framing());
    let mut decoder = Client.decoder();
    let mut events = Vec::new();
    let mut sink = |event: Event<'_>| events.push(event.into_owned());
    let mut visit = |raw: crate::protocol::framing::RawFrame<'_>| match raw.frame {
        Some(frame) => decoder.push(frame, &mut sink),
        None => Ok(()),
    };
    for chunk in chunks {
        framer.push(chunk, &mut visit)?;
    }
    framer.finish(&mut visit)?;
    decoder.finish(&mut sink)?;
    assert!(decoder.is_done());
    Ok(events)
}

fn fold(events: Vec<Event<'_>>) -> ChatResponse {
    let mut builder = ResponseBuilder::default();
    events.into_iter().for_each(|event| builder.event(event));
    builder.finish()
}

/// Writes events as a stream and returns its lines.
fn encode(server: &dyn ServerCodec, events: &[Event<'_>]) -> Vec<String> {
    let mut encoder = server.encoder(context());
    let mut out = Vec::new();
    for event in events {
        encoder.push(event, UnixNanos(1), &mut out);
    }
    encoder.finish(TIMING, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
    text.lines().map(str::to_owned).collect()
}

fn finish(reason: FinishReason) -> Event<'static> {
    Event::Finish { choice: 0, reason, native: None }
}

fn text(text: &str) -> Event<'_> {
    Event::Text { choice: 0, text: text.into() }
}

fn api_error() -> ApiError {
    ApiError {
        status: 502,
        kind: ErrorKind::Upstream,
        message: "gone".to_owned(),
        code: None,
        param: None,
        retry_after: None,
        request_id: "r1".to_owned(),
    }
}

#[test]
fn a_stream_becomes_events() {
    let response = fold(decode(&[STREAM.as_bytes()]).unwrap());
    assert_eq!(response.created, Some(1_767_225_600));
    assert_eq!((response.model.as_deref(), response.fingerprint.as_deref()), (Some("m"), Some("fp_ollama")));
    let choice = &response.choices[0];
    assert_eq!((choice.reasoning().as_str(), choice.text().as_str()), ("hm\n", "Schöne Grüße"));
    let calls: Vec<&ToolCall> = choice.tool_calls().collect();
    assert_eq!((calls[0].id.as_str(), calls[0].arguments.as_str()), ("call_abc", r#"{"z":1,"a":"x"}"#));
    assert!(calls[1].id.starts_with("call_") && calls[1].id.len() == 13);
    // Ollama says `stop` even after tool calls.
    assert_eq!(choice.finish, Some(FinishReason::ToolCalls));
    assert_eq!((response.usage.input, response.usage.output), (Some(7), Some(9)));
    let raw = r#"{"total_duration":5,"prompt_eval_count":7,"eval_count":9}"#;
    assert_eq!(response.usage.raw.as_deref(), Some(raw));
}

#[test]
fn a_stream_means_the_same_wherever_it_is_split() {
    let whole = decode(&[STREAM.as_bytes()]).unwrap();
    for at in 0..STREAM.len() {
        let (start, end) = STREAM.as_bytes().split_at(at);
        assert_eq!(decode(&[start, end]).unwrap(), whole, "split at {at}");
    }
    let bytes: Vec<&[u8]> = STREAM.as_bytes().chunks(1).collect();
    assert_eq!(decode(&bytes).unwrap(), whole);
}

#[test]
fn a_whole_answer_equals_its_folded_stream() {
    let streamed = Client.decode_response(STREAM.as_bytes()).unwrap();
    assert_eq!(streamed, fold(decode(&[STREAM.as_bytes()]).unwrap()));
    let whole = json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": true, "done_reason": "length",
        "message": {"role": "assistant", "content": "hi", "thinking": "hm"}, "eval_count": 2.0});
    let response = Client.decode_response(serde_json::to_string_pretty(&whole).unwrap().as_bytes()).unwrap();
    assert_eq!(response.choices[0].text(), "hi");
    assert_eq!(response.choices[0].finish, Some(FinishReason::Length));
    // Zeros are left out by Ollama, so a missing count is zero and not unknown.
    assert_eq!((response.usage.input, response.usage.output), (Some(0), Some(2)));
}

#[test]
fn arguments_that_come_as_text_are_taken_as_they_are() {
    let body = br#"{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}},
        {"function":{"name":"f","arguments":""}},{"function":{"name":"f","arguments":null}}]},"done":true}"#;
    let response = Client.decode_response(body).unwrap();
    let calls: Vec<&ToolCall> = response.choices[0].tool_calls().collect();
    assert_eq!(calls.iter().map(|call| call.arguments.as_str()).collect::<Vec<_>>(), ["{\"a\":1}", "{}", "{}"]);
    assert_ne!(calls[1].id, calls[2].id);
}

#[test]
fn the_generate_shape_is_read_too() {
    let body = br#"{"model":"m","response":"hi","thinking":"hm","done":true,"done_reason":""}"#;
    let response = Client.decode_response(body).unwrap();
    assert_eq!((response.choices[0].text(), response.choices[0].reasoning()), ("hi".to_owned(), "hm".to_owned()));
    assert_eq!(response.choices[0].finish, Some(FinishReason::Stop));
    let load = Client.decode_response(br#"{"model":"m","response":"","done":true,"done_reason":"load"}"#).unwrap();
    assert_eq!(load.choices[0].native_finish.as_deref(), Some("load"));
}

#[test]
fn an_answer_is_never_completed_by_guessing() {
    let cut: String = STREAM.lines().take(3).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(decode(&[cut.as_bytes()]), Err(StreamFault::Truncated));
    assert_eq!(decode(&[]), Err(StreamFault::Truncated));
    assert_eq!(Client.decode_response(b""), Err(StreamFault::Truncated));
    for garbage in ["<html>", "\"x\"", "[]", "null"] {
        assert!(matches!(decode(&[garbage.as_bytes(), b"\n"]), Err(StreamFault::Malformed(_))), "{garbage}");
    }
    let failed = format!("{}\n{{\"error\":\"out of memory\"}}\n", STREAM.lines().next().unwrap());
    assert!(
        matches!(decode(&[failed.as_bytes()]), Err(StreamFault::Provider(error)) if error.message == "out of memory")
    );
}

#[test]
fn nothing_after_the_end_counts() {
    let stream = format!("{STREAM}garbage\n{STREAM}");
    assert_eq!(decode(&[stream.as_bytes()]), decode(&[STREAM.as_bytes()]));
}

#[test]
fn chat_lines_have_the_keys_and_order_of_ollama() {
    let usage = Usage { input: Some(3), cache_read: Some(4), output: Some(5), ..Usage::default() };
    let lines = encode(
        &ChatServer,
        &[
            Event::Reasoning { choice: 0, text: "hm".into() },
            text("a\"b\n"),
            text("x"),
            finish(FinishReason::Length),
            Event::Usage(Box::new(usage)),
        ],
    );
    assert_eq!(
        lines,
        [
            r#"{"model":"My:Model","created_at":"1970-01-01T00:00:00.000000001Z","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}"#,
            r#"{"model":"My:Model","created_at":"1970-01-01T00:00:00.000000001Z","message":{"role":"assistant","content":"a\"b\n"},"done":false}"#,
            r#"{"model":"My:Model","created_at":"1970-01-01T00:00:00.000000001Z","message":{"role":"assistant","content":"x"},"done":false}"#,
            r#"{"model":"My:Model","created_at":"1970-01-01T00:00:01Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"length","total_duration":999999900,"load_duration":1,"prompt_eval_count":7,"prompt_eval_duration":30,"eval_count":5,"eval_duration":999999870}"#,
        ]
    );
}

#[test]
fn generate_lines_have_a_response() {
    let lines = encode(&GenerateServer, &[text("x"), Event::Refusal { choice: 0, text: "no".into() }]);
    assert_eq!(
        lines[0],
        r#"{"model":"My:Model","created_at":"1970-01-01T00:00:00.000000001Z","response":"x","done":false}"#
    );
    assert_eq!(serde_json::from_str::<Value>(&lines[1]).unwrap()["response"], "no");
    assert_eq!(
        lines[2],
        r#"{"model":"My:Model","created_at":"1970-01-01T00:00:01Z","response":"","done":true,"done_reason":"stop","total_duration":999999900,"load_duration":1,"prompt_eval_duration":30,"eval_duration":999999870}"#
    );
}

#[test]
fn interleaved_tool_calls_leave_whole_and_in_one_line() {
    let start = |index, id: &'static str, name: &'static str| Event::ToolCallStart {
        choice: 0,
        index,
        id: id.into(),
        name: name.into(),
        signature: None,
    };
    let more = |index, fragment: &'static str| Event::ToolCallArguments { choice: 0, index, fragment: fragment.into() };
    let lines = encode(
        &ChatServer,
        &[
            start(0, "a", "f"),
            start(1, "b", "g"),
            more(1, "ls"),
            more(0, "{\"x\""),
            more(0, ":\n1}"),
            more(7, "lost"),
            finish(FinishReason::ToolCalls),
        ],
    );
    assert_eq!(lines.len(), 2);
    assert_eq!(
        serde_json::from_str::<Value>(&lines[0]).unwrap()["message"],
        json!({"role": "assistant", "content": "", "tool_calls": [
            {"id": "a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}},
            {"id": "b", "function": {"index": 1, "name": "g", "arguments": {"input": "ls"}}}]})
    );
    let last: Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
}

#[test]
fn only_the_first_alternative_is_shown() {
    let other = Event::Text { choice: 1, text: "other".into() };
    let lines = encode(
        &ChatServer,
        &[text("x"), other, Event::Finish { choice: 1, reason: FinishReason::Length, native: None }],
    );
    assert_eq!(lines.len(), 2);
    assert!(lines[1].contains("\"done_reason\":\"stop\""));
}

#[test]
fn a_failed_stream_ends_with_one_error_line() {
    let mut encoder = ChatServer.encoder(context());
    let mut out = Vec::new();
    encoder.push(&text("x"), UnixNanos(1), &mut out);
    encoder.fail(&api_error(), &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().last(), Some(r#"{"error":"gone"}"#));
    assert!(!text.contains("\"done\":true"));
    assert_eq!(ChatServer.encode_error(&api_error()), br#"{"error":"gone","request_id":"r1"}"#);
}

#[test]
fn a_whole_answer_has_six_metrics_and_calls_only_when_tools_were_offered() {
    let call = ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into(), signature: None };
    let response = ChatResponse {
        choices: vec![Choice { parts: vec![Part::text("hi"), Part::ToolCall(call)], ..Choice::default() }],
        usage: Usage { input: Some(1), output: Some(2), ..Usage::default() },
        ..ChatResponse::default()
    };
    // Everything happened within one nanosecond: clients still divide by the durations.
    let timing = Timing { started: UnixNanos(5), first_token: None, ended: UnixNanos(5) };
    let whole = |context: &ReplyContext| -> Value {
        serde_json::from_slice(&ChatServer.encode_response(context, &response, timing)).unwrap()
    };
    let answer = whole(&context());
    for metric in
        ["total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"]
    {
        assert!(answer[metric].as_u64().is_some_and(|value| value >= 1), "{metric}");
    }
    assert_eq!((&answer["model"], &answer["message"]["content"]), (&json!("My:Model"), &json!("hi")));
    assert_eq!(answer["message"]["tool_calls"][0]["id"], "c");
    let without = whole(&ReplyContext { tools_offered: false, ..context() });
    assert!(without["message"].get("tool_calls").is_none());
}

#[test]
fn what_the_server_writes_the_client_reads() {
    let events = decode(&[STREAM.as_bytes()]).unwrap();
    let lines = encode(&ChatServer, &events).join("\n");
    let (mut read, sent) = (fold(decode(&[lines.as_bytes()]).unwrap()), fold(events));
    assert_eq!(read.choices, sent.choices);
    read.usage.raw.clone_from(&sent.usage.raw);
    assert_eq!(read.usage, sent.usage);
}

#[test]
fn forwarded_bodies_name_the_provider_s_model_once() {
    let profile = ModelProfile { id: "m\"7b".to_owned(), ..ModelProfile::default() };
    let forwarded = |body: &str| {
        let mut envelope = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!(Client.prepare_forward(&mut envelope, &profile, true), Ok(vec![]));
        String::from_utf8(envelope.to_vec()).unwrap()
    };
    assert_eq!(forwarded(r#"{"model":"a","x":1.0,"MODEL":"b","name":"c"}"#), r#"{"model":"m\"7b","x":1.0}"#);
    assert_eq!(forwarded(r#"{"name":"c"}"#), r#"{"model":"m\"7b"}"#);
}

proptest! {
    #[test]
    fn any_text_goes_through_a_line_and_back(answer in any::<String>(), thinking in any::<String>()) {
        let mut events = Vec::new();
        if !thinking.is_empty() {
            events.push(Event::Reasoning { choice: 0, text: thinking.as_str().into() });
        }
        if !answer.is_empty() {
            events.push(text(&answer));
        }
        for server in [&ChatServer as &dyn ServerCodec, &GenerateServer] {
            let lines = encode(server, &events).join("\n");
            let read = fold(decode(&[lines.as_bytes()]).unwrap());
            assert_eq!((read.choices[0].text(), read.choices[0].reasoning()), (answer.clone(), thinking.clone()));
        }
    }

    #[test]
    fn no_line_is_worth_a_panic(line in any::<Vec<u8>>(), key in "message|error|done|tool_calls|logprobs", value in "[0-9\\[\\]{}\":,a-z]{0,12}") {
        let keyed = format!("{{\"{key}\":{value}}}\n");
        assert!(decode(&[&line, b"\n"]).is_err());
        // Whatever it says: it either ends an answer or is a fault.
        let _ = decode(&[keyed.as_bytes()]);
    }
}
