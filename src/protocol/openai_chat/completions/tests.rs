use serde_json::json;

use super::*;
use crate::chat::{Choice, Part, Usage};
use crate::protocol::ReasoningField;

fn read(fields: &str) -> Result<ChatRequest, DecodeError> {
    decode(format!("{{\"model\":\"m\",{fields}}}").as_bytes())
}

fn context() -> ReplyContext {
    ReplyContext {
        request_id: "r1".to_owned(),
        model: "fast".to_owned(),
        started: UnixNanos(5_000_000_000),
        include_usage: true,
        tools_offered: false,
        reasoning_as: ReasoningField::default(),
    }
}

#[test]
fn a_prompt_is_one_user_message() {
    for prompt in ["\"hi\"", "[\"hi\"]"] {
        let request = read(&format!(
            "\"prompt\":{prompt},\"suffix\":\"end\",\"echo\":false,\"best_of\":1,\"zebra\":1,\"max_tokens\":null"
        ))
        .unwrap();
        assert_eq!(request.messages, [Message::text(Role::User, "hi")]);
        assert_eq!((request.suffix.as_deref(), request.max_tokens), (Some("end"), None));
        assert_eq!(request.extra.fields.keys().collect::<Vec<_>>(), ["zebra"]);
    }
    assert_eq!(read("\"prompt\":\"\",\"suffix\":\"\"").unwrap().suffix, None);
}

#[test]
fn what_a_chat_cannot_do_is_refused_by_name() {
    for (fields, param) in [
        (r#""prompt":["a","b"]"#, "prompt"),
        (r#""prompt":[]"#, "prompt"),
        (r#""prompt":[1,2]"#, "prompt"),
        (r#""prompt":{}"#, "prompt"),
        (r#""x":1"#, "prompt"),
        (r#""prompt":"a","echo":true"#, "echo"),
        (r#""prompt":"a","best_of":2"#, "best_of"),
        (r#""prompt":"a","logprobs":true"#, "logprobs"),
    ] {
        let error = read(fields).unwrap_err();
        assert_eq!((error.status, error.param.as_deref()), (400, Some(param)), "{fields}");
    }
}

#[test]
fn a_whole_answer_has_the_older_shape() {
    let logprobs = vec![
        json!({"token": "é", "logprob": -0.5, "top_logprobs": [{"token": "é", "logprob": -0.5}]}),
        json!({"token": "b", "logprob": -1.0, "top_logprobs": []}),
    ];
    let response = ChatResponse {
        id: Some("chatcmpl-9".to_owned()),
        choices: vec![Choice {
            parts: vec![Part::text("éb")],
            finish: Some(FinishReason::Length),
            logprobs,
            native_finish: None,
        }],
        usage: Usage { input: Some(1), output: Some(2), ..Usage::default() },
        ..ChatResponse::default()
    };
    let value: Value = serde_json::from_slice(&encode(&context(), &response)).unwrap();
    assert_eq!(
        (&value["id"], &value["object"], &value["created"]),
        (&json!("cmpl-r1"), &json!("text_completion"), &json!(5))
    );
    assert_eq!(
        value["choices"][0],
        json!({"text": "éb", "index": 0, "finish_reason": "length", "logprobs": {"tokens": ["é", "b"],
            "token_logprobs": [-0.5, -1.0], "top_logprobs": [{"é": -0.5}, {}], "text_offset": [0, 1]}})
    );
    assert_eq!(value["usage"]["total_tokens"], 3);
}

#[test]
fn a_stream_ends_with_the_reason_usage_and_the_terminator() {
    let mut encoder = CompletionsEncoder::new(context());
    let mut out = Vec::new();
    for event in [
        Event::Start(Start { id: Some("cmpl-7".into()), created: Some(7), ..Start::default() }),
        Event::Reasoning { choice: 0, text: "hm".into() },
        Event::Text { choice: 0, text: "a".into() },
        Event::Finish { choice: 0, reason: FinishReason::Stop, native: None },
        Event::Usage(Box::new(Usage { input: Some(1), output: Some(2), ..Usage::default() })),
    ] {
        encoder.push(&event, UnixNanos(0), &mut out);
    }
    encoder.finish(Timing::default(), &mut out);
    let stream = String::from_utf8(out).unwrap();
    let head = r#"data: {"id":"cmpl-7","object":"text_completion","created":7,"model":"fast","choices":["#;
    let chunks: Vec<&str> = stream.split("\n\n").collect();
    assert_eq!(
        chunks[0],
        format!(r#"{head}{{"index":0,"text":"a","logprobs":null,"finish_reason":null}}],"usage":null}}"#)
    );
    assert_eq!(
        chunks[1],
        format!(r#"{head}{{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}}],"usage":null}}"#)
    );
    assert!(chunks[2].starts_with(&format!(r#"{head}],"usage":{{"prompt_tokens":1"#)), "{stream}");
    assert_eq!(&chunks[3..], ["data: [DONE]", ""]);
}
