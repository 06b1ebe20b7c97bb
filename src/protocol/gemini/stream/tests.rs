use super::*;
use crate::chat::{ChatResponse, Citation, Part, ReasoningPart, ResponseBuilder, ToolCall, Usage};
use crate::protocol::framing::{Framer, Framing};
use crate::protocol::{ClientCodec, ErrorKind, gemini};

/// A conversation with tools as the API streams it; the first line of each pair is the wire.
const STREAM: &str = concat!(
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Let me \",\"thought\":true}]},\"index\":0}],",
    "\"usageMetadata\":{\"promptTokenCount\":10,\"totalTokenCount\":10},\"modelVersion\":\"gemini-3-pro\",\"responseId\":\"r1\"}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"think.\",\"thought\":true}]}}],\"responseId\":\"r1\"}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Zürich \",\"thoughtSignature\":\"dGhvdWdodA==\"}]}}]}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"日本\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA\"}}]}}]}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"get\",\"args\":{\"z\": 1.0, \"a\":\"x \\\" y\"}},\"thoughtSignature\":\"Y2FsbA==\"},",
    "{\"functionCall\":{\"id\":\"own\",\"name\":\"get\"}}]},\"finishReason\":\"STOP\"}],",
    "\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":5,\"thoughtsTokenCount\":20,\"totalTokenCount\":35}}\r\n\r\n",
);

/// The same answer in one piece, indented as the API sends it.
const WHOLE: &str = r#"{
  "candidates": [{"content": {"role": "model", "parts": [
      {"text": "Let me think.", "thought": true},
      {"text": "Zürich 日本", "thoughtSignature": "dGhvdWdodA=="},
      {"functionCall": {"name": "get", "args": {
          "z": 1.0,
          "a": "x \" y"
      }}, "thoughtSignature": "Y2FsbA=="},
      {"functionCall": {"id": "own", "name": "get", "args": {}}}
  ]}, "finishReason": "STOP", "index": 0}],
  "usageMetadata": {"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":20,"totalTokenCount":35},
  "modelVersion": "gemini-3-pro", "responseId": "r1"
}"#;

fn fold(chunks: &[&[u8]]) -> Result<ChatResponse, StreamFault> {
    let mut framer = Framer::new(Framing::Sse);
    let mut decoder = gemini::Client.decoder();
    let mut builder = ResponseBuilder::default();
    for chunk in chunks {
        framer.push(chunk, &mut |raw| raw.frame.map_or(Ok(()), |frame| decoder.push(frame, &mut builder)))?;
    }
    framer.finish(&mut |raw| raw.frame.map_or(Ok(()), |frame| decoder.push(frame, &mut builder)))?;
    decoder.finish(&mut builder)?;
    Ok(builder.finish())
}

/// Reads a stream of these frames.
fn frames(frames: &[&str]) -> Result<ChatResponse, StreamFault> {
    let stream: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
    fold(&[stream.as_bytes()])
}

fn whole(body: &str) -> Result<ChatResponse, StreamFault> {
    gemini::Client.decode_response(body.as_bytes())
}

/// Neither raw usage (spacing differs) nor anything else the wire's layout touches.
fn comparable(mut response: ChatResponse) -> ChatResponse {
    response.usage.raw = None;
    response
}

fn expected() -> ChatResponse {
    let call = |id: &str, arguments: &str, signature: Option<&str>| {
        Part::ToolCall(ToolCall {
            id: id.into(),
            name: "get".into(),
            arguments: arguments.into(),
            signature: signature.map(Into::into),
        })
    };
    ChatResponse {
        id: Some("r1".into()),
        model: Some("gemini-3-pro".into()),
        choices: vec![crate::chat::Choice {
            parts: vec![
                Part::Reasoning(ReasoningPart { text: "Let me think.".into(), ..ReasoningPart::default() }),
                Part::text("Zürich 日本"),
                call("call_r1_0", r#"{"z":1.0,"a":"x \" y"}"#, Some("Y2FsbA==")),
                call("own", "{}", None),
            ],
            finish: Some(FinishReason::ToolCalls),
            ..crate::chat::Choice::default()
        }],
        usage: Usage { input: Some(10), output: Some(25), reasoning: Some(20), ..Usage::default() },
        ..ChatResponse::default()
    }
}

#[test]
fn a_stream_means_the_same_wherever_it_is_split() {
    let bytes = STREAM.as_bytes();
    for at in 0..=bytes.len() {
        assert_eq!(comparable(fold(&[&bytes[..at], &bytes[at..]]).unwrap()), expected(), "split at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(comparable(fold(&single).unwrap()), expected());
}

#[test]
fn a_whole_answer_is_what_its_stream_folds_to() {
    assert_eq!(comparable(whole(WHOLE).unwrap()), expected());
    assert_eq!(comparable(whole(&format!("[{WHOLE}]")).unwrap()), expected());
}

#[test]
fn text_of_a_frame_is_borrowed() {
    let mut borrowed = 0;
    let mut sink = |event: Event<'_>| {
        if let Event::Text { text: Cow::Borrowed(_), .. } = event {
            borrowed += 1;
        }
    };
    Decoder::default().read(br#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}"#, &mut sink).unwrap();
    assert_eq!(borrowed, 1);
}

#[test]
fn a_stream_that_stops_without_a_finish_reason_is_truncated() {
    let text = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}"#;
    assert_eq!(frames(&[text]), Err(StreamFault::Truncated));
    assert_eq!(frames(&[]), Err(StreamFault::Truncated));
    let second_is_open = r#"{"candidates":[{"index":0,"finishReason":"STOP"},{"index":1}]}"#;
    assert_eq!(frames(&[second_is_open]), Err(StreamFault::Truncated));
}

#[test]
fn the_finish_reason_may_come_alone_or_on_every_frame_and_is_given_once() {
    let mut finishes = Vec::new();
    let mut sink = |event: Event<'_>| {
        if let Event::Finish { reason, .. } = event {
            finishes.push(reason);
        }
    };
    let mut decoder = Decoder::default();
    for json in [
        r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}"#,
        r#"{"candidates":[{"finishReason":"MAX_TOKENS"}]}"#,
    ] {
        decoder.read(json.as_bytes(), &mut sink).unwrap();
    }
    decoder.finish(&mut sink).unwrap();
    assert_eq!(finishes, [FinishReason::Length]);
}

#[test]
fn a_call_in_an_earlier_frame_makes_a_late_stop_tool_calls() {
    let response = frames(&[
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]}"#,
    ]);
    assert_eq!(response.unwrap().choices[0].finish, Some(FinishReason::ToolCalls));
}

#[test]
fn parallel_calls_of_one_tool_have_ids_of_their_own() {
    let calls = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}},{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP"}]}"#;
    let response = whole(calls).unwrap();
    let ids: Vec<_> = response.choices[0].tool_calls().map(|call| call.id.as_str()).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_blocked_prompt_is_a_filtered_answer_that_says_so() {
    let blocked = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}}"#;
    for response in [whole(blocked), frames(&[blocked])] {
        let response = response.unwrap();
        let choice = &response.choices[0];
        assert_eq!(choice.finish, Some(FinishReason::ContentFilter));
        assert_eq!(choice.native_finish.as_deref(), Some("PROHIBITED_CONTENT"));
        let [Part::Refusal(text)] = choice.parts.as_slice() else { panic!("{:?}", choice.parts) };
        assert!(text.contains("PROHIBITED_CONTENT"));
        assert_eq!((response.usage.input, response.usage.output), (Some(9), Some(0)));
    }
}

#[test]
fn no_candidate_and_no_reason_is_no_answer() {
    for body in [r#"{"usageMetadata":{"promptTokenCount":9}}"#, "{}", "[]"] {
        assert!(whole(body).is_err(), "{body}");
    }
    assert!(matches!(frames(&["{}"]), Err(StreamFault::Malformed(_))));
    for body in ["", "<html>", "null", "7", "\"x\"", r#"{"candidates":7}"#] {
        assert!(matches!(whole(body), Err(StreamFault::Malformed(_))), "{body}");
    }
    assert!(matches!(gemini::Client.decode_response(b"{\"a\":\"\xff\"}"), Err(StreamFault::Malformed(_))));
}

#[test]
fn a_candidate_without_content_is_an_empty_choice() {
    let response = whole(r#"{"candidates":[{"finishReason":"SAFETY"}]}"#).unwrap();
    assert_eq!(response.choices[0].parts, []);
    assert_eq!(response.choices[0].finish, Some(FinishReason::ContentFilter));
}

#[test]
fn an_error_inside_a_success_is_an_error() {
    let error = r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#;
    let text = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}"#;
    for answer in [whole(error), whole(&format!("[{error}]")), frames(&[text, error]), frames(&[&format!("[{error}]")])]
    {
        let Err(StreamFault::Provider(error)) = answer else { panic!("{answer:?}") };
        assert_eq!((error.status, error.kind), (503, ErrorKind::Overloaded));
    }
}

#[test]
fn an_index_out_of_range_is_refused() {
    let body = r#"{"candidates":[{"index":4000000000,"finishReason":"STOP"}]}"#;
    assert!(matches!(whole(body), Err(StreamFault::Malformed(_))));
}

#[test]
fn usage_repeats_and_the_last_one_counts() {
    let frame = |candidates, finish| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"a"}}]}}{finish}}}],"usageMetadata":{{"promptTokenCount":4,"candidatesTokenCount":{candidates}}}}}"#
        )
    };
    let response = frames(&[&frame(1, ""), &frame(2, ""), &frame(3, r#","finishReason":"STOP""#)]).unwrap();
    assert_eq!((response.usage.input, response.usage.output), (Some(4), Some(3)));
    assert_eq!(response.usage.raw.as_deref(), Some(r#"{"promptTokenCount":4,"candidatesTokenCount":3}"#));
}

#[test]
fn usage_that_repeats_unchanged_is_reported_once() {
    let mut reports = 0;
    let mut sink = |event: Event<'_>| reports += u32::from(matches!(event, Event::Usage(_)));
    let mut decoder = Decoder::default();
    for _ in 0..3 {
        let json = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":4}}"#;
        decoder.read(json.as_bytes(), &mut sink).unwrap();
    }
    assert_eq!(reports, 1);
}

#[test]
fn grounding_gives_sources_in_characters_and_searches_by_generation() {
    let text = r#"{"candidates":[{"content":{"parts":[{"text":"Grüß dich. "}]}}],"modelVersion":"MODEL"}"#;
    let end = r#"{"candidates":[{"content":{"parts":[{"text":"Ja."}]},"finishReason":"STOP","groundingMetadata":{
        "webSearchQueries":["a","b"],"groundingChunks":[{"web":{"uri":"https://x","title":"X"}}],
        "groundingSupports":[{"segment":{"startIndex":13,"endIndex":16,"text":"Ja."},"groundingChunkIndices":[0]}]}}],
        "usageMetadata":{"promptTokenCount":1}}"#
        .replace('\n', "");
    for (model, searches) in [("gemini-3-flash", 2), ("gemini-2.5-flash", 1)] {
        let response = frames(&[&text.replace("MODEL", model), &end]).unwrap();
        let citation = Citation { url: "https://x".into(), title: Some("X".into()), start: Some(11), end: Some(14) };
        assert_eq!(response.citations, [citation]);
        assert_eq!(response.usage.searches, Some(searches), "{model}");
    }
}

#[test]
fn code_the_provider_ran_is_shown_in_fences() {
    let response = whole(
        r#"{"candidates":[{"content":{"parts":[{"executableCode":{"language":"PYTHON","code":"print(1)\n"}},
            {"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1\n"}}]},"finishReason":"STOP"}]}"#,
    )
    .unwrap();
    assert_eq!(response.choices[0].text(), "\n```python\nprint(1)\n```\n\n```\n1\n```\n");
}

#[test]
fn only_calls_are_signed() {
    let response = frames(&[
        r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true,"thoughtSignature":"c2ln"}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"hi","thoughtSignature":"c2ln"}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}]},"finishReason":"STOP"}]}"#,
    ])
    .unwrap();
    let thought = ReasoningPart { text: "hm".into(), ..ReasoningPart::default() };
    assert_eq!(response.choices[0].parts, [Part::Reasoning(thought), Part::text("hi")]);
}

#[test]
fn alternatives_stand_in_their_own_choices() {
    let response = frames(&[
        r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}"#,
        r#"{"candidates":[{"index":0,"content":{"parts":[{"text":"a"}]},"finishReason":"MAX_TOKENS"}]}"#,
    ])
    .unwrap();
    let texts: Vec<_> = response.choices.iter().map(|choice| (choice.text(), choice.finish)).collect();
    let expected = [("a".to_owned(), Some(FinishReason::Length)), ("b".to_owned(), Some(FinishReason::Stop))];
    assert_eq!(texts, expected);
}

proptest::proptest! {
    #[test]
    fn a_damaged_answer_is_an_answer_or_a_fault(at in 0..WHOLE.len(), byte: u8, length in 0..WHOLE.len()) {
        let mut body = WHOLE.as_bytes()[..WHOLE.len().min(length.max(at + 1))].to_vec();
        body[at] = byte;
        // Whatever comes of it, nothing panics.
        let _ = gemini::Client.decode_response(&body);
        let _ = gemini::Client.decode_error(500, &body);
        let _ = gemini::Client.decode_models(&body);
    }
}
