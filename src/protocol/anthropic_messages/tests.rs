//! Laws of the format: one answer, whole and streamed, cut anywhere; and a conversation with tools, both ways.

use serde_json::{Value, json};

use super::*;
use crate::chat::{
    Event, EventSink, FinishReason, Message, Part, ReasoningPart, ResponseBuilder, Role, Tool, ToolKind, ToolResult,
    Usage,
};
use crate::protocol::framing::Framer;
use crate::protocol::tool_names::{NameRule, ToolNames};
use crate::protocol::{Protocol, Restoration};

const WHOLE: &str = include_str!("tests/answer.json");
const STREAM: &str = include_str!("tests/answer.sse");

fn read(chunks: &[&[u8]], sink: &mut dyn EventSink) -> Result<(), StreamFault> {
    let mut decoder = Client.decoder();
    let mut framer = Framer::new(Client.framing());
    for chunk in chunks {
        framer.push(chunk, &mut |raw| raw.frame.map_or(Ok(()), |frame| decoder.push(frame, sink)))?;
    }
    framer.finish(&mut |raw| raw.frame.map_or(Ok(()), |frame| decoder.push(frame, sink)))?;
    decoder.finish(sink)
}

fn events(chunks: &[&[u8]]) -> Vec<Event<'static>> {
    let mut events = Vec::new();
    read(chunks, &mut |event: Event<'_>| events.push(event.into_owned())).unwrap();
    events
}

#[test]
fn a_folded_stream_is_the_whole_answer() {
    let mut builder = ResponseBuilder::default();
    read(&[STREAM.as_bytes()], &mut builder).unwrap();
    let whole = Client.decode_response(WHOLE.as_bytes()).unwrap();
    assert_eq!(builder.finish(), whole);

    let choice = &whole.choices[0];
    assert_eq!(choice.text(), "Météo: 18 °C, it says here.");
    assert_eq!(choice.finish, Some(FinishReason::ToolCalls));
    let calls: Vec<_> = choice.tool_calls().map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("toolu_1", r#"{"city": "Paris"}"#), ("toolu_2", "{}")]);
    let cited: Vec<_> = whole.citations.iter().map(|source| (source.url.as_str(), source.start, source.end)).collect();
    assert_eq!(cited, [("https://example.com/w", Some(14), Some(27))]);
}

#[test]
fn usage_is_what_the_last_report_says() {
    let whole = Client.decode_response(WHOLE.as_bytes()).unwrap();
    let expected = Usage {
        input: Some(20),
        output: Some(57),
        reasoning: Some(9),
        cache_read: Some(80),
        cache_write: Some(10),
        cache_write_1h: Some(30),
        searches: Some(1),
        raw: whole.usage.raw.clone(),
        ..Usage::default()
    };
    assert_eq!(whole.usage, expected);
    assert_eq!(whole.usage.prompt_total(), Some(140));
    let raw: Value = serde_json::from_str(whole.usage.raw.as_deref().unwrap()).unwrap();
    assert_eq!(raw["inference_geo"], "us");
}

#[test]
fn a_stream_cut_at_any_byte_gives_the_same_events() {
    let stream = STREAM.as_bytes();
    let expected = events(&[stream]);
    for at in 0..stream.len() {
        assert_eq!(events(&[&stream[..at], &stream[at..]]), expected, "cut at {at}");
    }
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(events(&single), expected);
    let crlf = STREAM.replace('\n', "\r\n");
    assert_eq!(events(&[crlf.as_bytes()]), expected);
}

#[test]
fn a_stream_that_ends_early_is_never_complete() {
    let stop = STREAM.find("event: message_stop").unwrap();
    for end in (0..stop).filter(|end| STREAM.is_char_boundary(*end)) {
        let result = read(&[&STREAM.as_bytes()[..end]], &mut |event: Event<'_>| {
            assert!(!matches!(event, Event::Finish { .. }));
        });
        assert!(result.is_err(), "ended at {end}");
    }
}

#[test]
fn an_answer_and_its_results_go_back_as_they_came() {
    let request = ChatRequest {
        messages: vec![Message::text(Role::User, "weather?")],
        tools: ["get.weather", "get_time"]
            .map(|name| Tool {
                name: name.into(),
                description: None,
                parameters: None,
                strict: None,
                kind: ToolKind::Function,
                cache_control: None,
            })
            .into(),
        ..ChatRequest::default()
    };
    let names = ToolNames::for_request(&request, NameRule::ANTHROPIC);
    let stream = STREAM.replace("get_weather", names.to_wire("get.weather"));
    let mut builder = ResponseBuilder::default();
    let mut restoration = Restoration::for_request(&request, Protocol::Anthropic, &ModelProfile::default());
    read(&[stream.as_bytes()], &mut |event: Event<'_>| restoration.pass(event, &mut builder)).unwrap();
    let answer = builder.finish().choices.remove(0);
    assert_eq!(answer.tool_calls().next().unwrap().name, "get.weather");

    let mut next = request;
    let result = |id: &str, text: &str| {
        let result =
            ToolResult { call_id: Some(id.into()), name: None, content: vec![Part::text(text)], is_error: false };
        Message { role: Role::Tool, parts: vec![Part::ToolResult(result)], name: None }
    };
    next.messages.push(Message { role: Role::Assistant, parts: answer.parts, name: None });
    next.messages.push(result("toolu_2", "noon"));
    next.messages.push(result("toolu_1", "18"));
    let encoded =
        Client.encode_request(&next, &ModelProfile { id: "claude-x".into(), ..ModelProfile::default() }).unwrap();
    assert_eq!(encoded.warnings, Vec::<String>::new());
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    let wire_name = names.to_wire("get.weather");
    assert_eq!(body["tools"][0]["name"], wire_name);
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "", "signature": "c2lnbmVk"},
            {"type": "redacted_thinking", "data": "b3BhcXVl"},
            {"type": "text", "text": "Météo: 18 °C, it says here."},
            {"type": "tool_use", "id": "toolu_1", "name": wire_name, "input": {"city": "Paris"}},
            {"type": "tool_use", "id": "toolu_2", "name": "get_time", "input": {}},
        ])
    );
    let results: Vec<_> =
        body["messages"][2]["content"].as_array().unwrap().iter().map(|block| &block["tool_use_id"]).collect();
    assert_eq!(results, ["toolu_1", "toolu_2"]);
}

#[test]
fn hidden_thinking_with_a_signature_is_kept() {
    let whole = Client.decode_response(WHOLE.as_bytes()).unwrap();
    let thought = ReasoningPart { signature: Some("c2lnbmVk".into()), ..ReasoningPart::default() };
    assert_eq!(whole.choices[0].parts[0], Part::Reasoning(thought));
}

#[test]
fn an_error_with_status_200_is_an_error() {
    let body = br#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#;
    match Client.decode_response(body) {
        Err(StreamFault::Provider(error)) => assert_eq!(error.status, 429),
        other => panic!("{other:?}"),
    }
    for odd in ["{}", "[]", "", "<html>", r#"{"type":"message","content":"text"}"#] {
        assert!(matches!(Client.decode_response(odd.as_bytes()), Err(StreamFault::Malformed(_))), "{odd}");
    }
}

#[test]
fn forwarding_changes_the_model_only() {
    let mut envelope = Envelope::parse(br#"{"model":"fast","max_tokens":1,"x":1.0}"#).unwrap();
    let profile = ModelProfile { id: "claude-\"x".into(), ..ModelProfile::default() };
    assert_eq!(Client.prepare_forward(&mut envelope, &profile, true), Ok(vec![]));
    assert_eq!(envelope.to_vec(), br#"{"model":"claude-\"x","max_tokens":1,"x":1.0}"#);
}

#[test]
fn embeddings_are_refused() {
    assert!(Client.encode_embed(&EmbedRequest::default(), &ModelProfile::default()).is_err());
    assert!(Client.decode_embed(b"{}").is_err());
}
