use serde_json::{Value, json};

use super::{decode, encode};
use crate::chat::{ChatResponse, Choice, Citation, FinishReason, Part, ReasoningPart, ToolCall, Usage};
use crate::clock::UnixNanos;
use crate::protocol::{ReasoningField, ReplyContext, StreamFault};

fn context() -> ReplyContext {
    ReplyContext {
        request_id: "r1".to_owned(),
        model: "fast".to_owned(),
        started: UnixNanos(5_000_000_000),
        include_usage: false,
        tools_offered: true,
        reasoning_as: ReasoningField::ReasoningContent,
    }
}

fn written(response: &ChatResponse) -> Value {
    serde_json::from_slice(&encode(&context(), response)).unwrap()
}

fn read(value: &Value) -> Result<ChatResponse, StreamFault> {
    decode(value.to_string().as_bytes())
}

fn call(arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: "a".to_owned(),
        name: "f".to_owned(),
        arguments: arguments.to_owned(),
        signature: Some("sig".to_owned()),
    })
}

fn answer(parts: Vec<Part>, finish: Option<FinishReason>) -> ChatResponse {
    ChatResponse { choices: vec![Choice { parts, finish, ..Choice::default() }], ..ChatResponse::default() }
}

#[test]
fn an_answer_has_openais_exact_shape() {
    let response = ChatResponse {
        id: Some("c1".to_owned()),
        created: Some(7),
        fingerprint: Some("fp".to_owned()),
        usage: Usage { input: Some(9), output: Some(2), ..Usage::default() },
        ..answer(vec![Part::text("hi")], Some(FinishReason::Stop))
    };
    assert_eq!(
        String::from_utf8(encode(&context(), &response)).unwrap(),
        concat!(
            r#"{"id":"c1","object":"chat.completion","created":7,"model":"fast","system_fingerprint":"fp","#,
            r#""choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"#,
            r#""usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"#,
            r#""prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0,"cache_write_tokens":0},"#,
            r#""completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}"#
        )
    );
}

#[test]
fn tool_calls_leave_content_null_except_where_ollama_answers() {
    let mut response = answer(vec![call(" ")], Some(FinishReason::Stop));
    let message = |response: &ChatResponse| written(response)["choices"][0]["message"].clone();
    assert_eq!(message(&response)["content"], Value::Null);
    assert_eq!(written(&response)["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(
        message(&response)["tool_calls"],
        json!([{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "sig"}}}])
    );
    response.fingerprint = Some("fp_ollama".to_owned());
    assert_eq!(message(&response)["content"], "");
    response.choices[0].finish = Some(FinishReason::Length);
    assert_eq!(written(&response)["choices"][0]["finish_reason"], "length");
}

#[test]
fn names_and_usage_nobody_gave_are_made_or_left_out() {
    let value = written(&answer(vec![], None));
    assert_eq!((&value["id"], &value["created"]), (&json!("chatcmpl-r1"), &json!(5)));
    assert_eq!(
        (&value["choices"][0]["message"]["content"], &value["choices"][0]["finish_reason"]),
        (&json!(""), &json!("stop"))
    );
    for absent in ["usage", "system_fingerprint", "citations"] {
        assert_eq!(value.get(absent), None, "{absent}");
    }
}

#[test]
fn thinking_refusals_and_sources_have_their_places() {
    let thought = Part::Reasoning(ReasoningPart { text: "hm".to_owned(), ..ReasoningPart::default() });
    let mut response = answer(vec![thought, Part::Refusal("no".to_owned())], Some(FinishReason::ContentFilter));
    response.citations =
        vec![Citation { url: "https://a".to_owned(), title: Some("A".to_owned()), start: None, end: None }];
    let value = written(&response);
    let message = &value["choices"][0]["message"];
    assert_eq!(
        (&message["content"], &message["refusal"], &message["reasoning_content"]),
        (&Value::Null, &json!("no"), &json!("hm"))
    );
    assert_eq!(
        message["annotations"][0]["url_citation"],
        json!({"url": "https://a", "title": "A", "start_index": 0, "end_index": 0})
    );
    assert_eq!(value["citations"], json!(["https://a"]));
}

#[test]
fn vendors_own_fields_go_on_to_clients_of_the_same_format() {
    let value = json!({"id": "c1", "provider": "x", "service_tier": "flex", "x_groq": {}, "choices":
        [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "a"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    let response = read(&value).unwrap();
    assert_eq!(response.usage.service_tier.as_deref(), Some("flex"));
    let out = written(&response);
    assert_eq!((&out["provider"], &out["service_tier"], out.get("x_groq")), (&json!("x"), &json!("flex"), None));
}

#[test]
fn whole_answers_of_all_dialects_are_read() {
    let perplexity = json!({"id": "p", "citations": ["https://a"], "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "full"}, "delta": {"role": "assistant", "content": ""}}]});
    assert_eq!(read(&perplexity).unwrap().choices[0].text(), "full");
    let mistral = json!({"id": "p", "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"content":
        [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}],
        "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}, {"function": {"name": "f", "arguments": ""}}]}}]});
    let answer = read(&mistral).unwrap();
    assert_eq!((answer.choices[0].reasoning(), answer.choices[0].text()), ("hm".to_owned(), "a".to_owned()));
    let calls: Vec<_> = answer.choices[0].tool_calls().collect();
    assert_eq!((calls.len(), calls[0].arguments.as_str(), calls[1].arguments.as_str()), (2, r#"{"x":1}"#, ""));
    assert_ne!(calls[0].id, calls[1].id);
    let legacy = json!({"id": "cmpl-1", "object": "text_completion", "choices": [{"text": "t", "index": 0, "finish_reason": "length"}]});
    assert_eq!(read(&legacy).unwrap().choices[0].text(), "t");
    let annotated = json!({"id": "c", "choices": [{"message": {"content": "a", "annotations":
        [{"type": "url_citation", "url_citation": {"url": "https://a", "title": "A", "start_index": 1, "end_index": 2}}]}}]});
    assert_eq!(read(&annotated).unwrap().citations[0].end, Some(2));
    // OpenRouter sends blanks while it waits.
    let padded = format!("\n\n   {mistral}");
    assert!(decode(padded.as_bytes()).is_ok());
}

#[test]
fn a_choice_that_says_nothing_is_still_a_choice() {
    let response = read(&json!({"id": "c", "choices": [{"index": 0, "message": {"content": null}}]})).unwrap();
    assert_eq!(response.choices, [Choice::default()]);
}

#[test]
fn errors_in_disguise_are_errors_and_garbage_is_garbage() {
    for value in [
        json!({"error": {"message": "no", "code": 402}}),
        json!({"error": "no"}),
        json!({"detail": "no"}),
        json!({"object": "error", "message": "no", "code": 400}),
        json!({"id": "g", "choices": [{"error": {"message": "no", "code": 502}, "message": {"content": ""}}]}),
    ] {
        assert!(matches!(read(&value), Err(StreamFault::Provider(error)) if error.message == "no"), "{value}");
    }
    for body in ["", "<html>", "{}", "[]", "{\"id\":\"a\",\"choices\":[]}", "{\"choices\":7}"] {
        assert!(matches!(decode(body.as_bytes()), Err(StreamFault::Malformed(_))), "{body}");
    }
}

#[test]
fn what_is_written_reads_back_as_the_same_answer() {
    let thought = Part::Reasoning(ReasoningPart { text: "hm".to_owned(), ..ReasoningPart::default() });
    let mut response = ChatResponse {
        id: Some("c1".to_owned()),
        model: Some("fast".to_owned()),
        created: Some(7),
        ..answer(vec![thought, Part::text("é\u{1}"), call("{\"x\":1}"), call("broken")], Some(FinishReason::Length))
    };
    if let Part::ToolCall(call) = &mut response.choices[0].parts[3] {
        call.id = "b".to_owned();
    }
    response.choices[0].logprobs = vec![json!({"token": "a", "logprob": -0.5})];
    response.choices.push(Choice {
        parts: vec![Part::text("other")],
        finish: Some(FinishReason::Stop),
        ..Choice::default()
    });
    assert_eq!(decode(&encode(&context(), &response)), Ok(response));
}
