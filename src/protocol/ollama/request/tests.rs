use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use super::*;
use crate::chat::{
    ChatRequest, Effort, Image, ImageSource, KeepAlive, Message, OutputFormat, Part, Reasoning, ReasoningPart, Role,
    Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
};
use crate::protocol::{Capabilities, DecodeError, EncodeError, Encoded, ModelProfile, Quirks};

fn refusal(body: &Value) -> DecodeError {
    chat(body.to_string().as_bytes()).unwrap_err()
}

fn message(message: &Value) -> Value {
    json!({"model": "m", "messages": [message]})
}

fn profile() -> ModelProfile {
    ModelProfile { id: "m:7b".to_owned(), ..ModelProfile::default() }
}

fn encoded(request: &ChatRequest) -> (Value, Vec<String>) {
    let Encoded { body, warnings } = encode(request, &profile()).unwrap();
    (serde_json::from_slice(&body).unwrap(), warnings)
}

fn encode_refusal(request: &ChatRequest) -> EncodeError {
    encode(request, &profile()).unwrap_err()
}

fn user(text: &str) -> Message {
    Message::text(Role::User, text)
}

#[test]
fn a_chat_is_read_with_all_its_settings() {
    let body = json!({"model": "m", "stream": false, "think": "high", "format": {"type": "object"}, "keep_alive": "5m",
        "logprobs": true, "top_logprobs": 3, "shift": false, "truncate": true, "metadata": null,
        "options": {"temperature": 0.5, "num_ctx": 8192, "stop": ["x"]},
        "tools": [{"type": "function", "function": {"name": "f", "description": "d",
            "parameters": {"type": "object", "properties": {"b": {}, "a": {}}}}}],
        "messages": [{"role": "System", "content": "s"}, {"role": "user", "content": "hi", "images": ["AAAA"]}]});
    let request = chat(body.to_string().as_bytes()).unwrap();
    assert!(!request.stream);
    assert_eq!(request.reasoning, Some(Reasoning::Effort(Effort::High)));
    assert_eq!(request.keep_alive, Some(KeepAlive::Seconds(300.0)));
    assert_eq!(request.logprobs, Some(3));
    assert_eq!((request.sampling.temperature, request.stop), (Some(0.5), vec!["x".to_owned()]));
    assert_eq!(request.messages[0], Message::text(Role::System, "s"));
    let image = Image { source: ImageSource::Base64 { media_type: None, data: "AAAA".to_owned() }, detail: None };
    assert_eq!(request.messages[1].parts, [Part::text("hi"), Part::Image(image)]);
    assert_eq!(
        request.tools[0].parameters.as_ref().unwrap().to_string(),
        body["tools"][0]["function"]["parameters"].to_string()
    );
    assert_eq!(request.extra.protocol, "ollama");
    assert_eq!(
        Value::Object(request.extra.fields),
        json!({"shift": false, "truncate": true, "options": {"num_ctx": 8192}})
    );
}

#[test]
fn nulls_mean_that_the_client_did_not_say() {
    let body = br#"{"model":"m","stream":null,"think":null,"format":null,"keep_alive":null,"options":null,"tools":null,
        "messages":[{"role":"user","content":null,"images":null,"tool_calls":null}]}"#;
    let request = chat(body).unwrap();
    assert!(request.stream);
    assert_eq!((request.reasoning, request.format, request.keep_alive), (None, None, None));
    assert_eq!(request.messages, [Message { role: Role::User, parts: vec![], name: None }]);
    assert!(request.extra.fields.is_empty());
}

#[test]
fn settings_among_the_options_are_understood() {
    let body = br#"{"options":{"think":false,"format":"json","keep_alive":-1},"format":""}"#;
    let request = chat(body).unwrap();
    assert_eq!(request.reasoning, Some(Reasoning::Off));
    assert_eq!(request.keep_alive, Some(KeepAlive::Forever));
    // What stands at its place wins, also when it says "none".
    assert_eq!(request.format, None);
    assert!(request.extra.fields.is_empty());
    assert_eq!(chat(br#"{"options":{"format":"json"}}"#).unwrap().format, Some(OutputFormat::Json));
}

#[test]
fn wrong_types_name_the_field() {
    for (body, text) in [
        (
            message(&json!({"role": "user", "content": [{"type": "text"}]})),
            "array into Go struct field ChatRequest.messages.content of type string",
        ),
        (json!({"messages": "hi"}), "string into Go struct field ChatRequest.messages of type []api.Message"),
        (json!({"messages": ["hi"]}), "string into Go value of type api.ChatRequest.messages"),
        (message(&json!({"images": [{"0": 137}]})), "object into Go struct field ChatRequest.messages.images"),
        (
            message(&json!({"tool_calls": [{"function": {"arguments": "{}"}}]})),
            "string into Go struct field ChatRequest.messages.tool_calls.function.arguments",
        ),
        (json!({"options": []}), "array into Go struct field ChatRequest.options"),
        (json!({"tools": {}}), "object into Go struct field ChatRequest.tools of type api.Tools"),
    ] {
        let error = refusal(&body);
        assert_eq!(error.status, 400);
        assert!(error.message.contains(text), "{}", error.message);
    }
    assert_eq!(chat(b"{").unwrap_err().message, "unexpected EOF");
    assert_eq!(chat(b"").unwrap_err().message, "missing request body");
}

#[test]
fn images_are_bare_padded_base64() {
    let told = |image: &str| refusal(&message(&json!({"images": [image]}))).message;
    assert_eq!(told("data:image/png;base64,AAAA"), "illegal base64 data at input byte 4");
    assert_eq!(told("AAA"), "illegal base64 data at input byte 3");
    assert_eq!(told("AA-_"), "illegal base64 data at input byte 2");
    assert!(told("=").contains("illegal"));
    let request = chat(message(&json!({"images": ["AA\r\nA=", "", "AA=="]})).to_string().as_bytes()).unwrap();
    assert_eq!(request.messages[0].parts.len(), 2);
}

#[test]
fn other_formats_and_think_values_are_refused() {
    let error = refusal(&json!({"format": "xml"}));
    assert_eq!(error.status, 500);
    assert!(error.message.starts_with("invalid format: \"xml\""));
    assert_eq!(refusal(&json!({"think": "extreme"})).status, 400);
    assert_eq!(refusal(&json!({"think": 1})).status, 400);
    assert_eq!(refusal(&json!({"options": {"temperature": "hot"}})).status, 500);
}

fn results(messages: Value) -> Vec<(Option<String>, Option<String>)> {
    let request = chat(json!({ "messages": messages }).to_string().as_bytes()).unwrap();
    let results = request.messages.into_iter().flat_map(|message| message.parts).filter_map(|part| match part {
        Part::ToolResult(result) => Some((result.call_id, result.name)),
        _ => None,
    });
    results.collect()
}

#[test]
fn tool_results_without_a_name_are_matched_by_order() {
    let calls = json!({"role": "assistant", "tool_calls": [
        {"id": "a", "function": {"name": "f", "arguments": {}}}, {"id": "b", "function": {"name": "g", "arguments": {}}}]});
    let some = |id: &str, name: &str| (Some(id.to_owned()), Some(name.to_owned()));
    let bare = json!({"role": "tool", "content": "x"});
    assert_eq!(results(json!([calls, bare, bare, bare])), [some("a", "f"), some("b", "g"), (None, None)]);
    let named = json!({"role": "tool", "content": "x", "tool_name": "g"});
    assert_eq!(results(json!([calls, named, bare])), [some("b", "g"), some("a", "f")]);
    let with_id = json!({"role": "tool", "content": "x", "tool_call_id": "b"});
    assert_eq!(results(json!([calls, with_id, bare])), [some("b", "g"), some("a", "f")]);
}

#[test]
fn calls_without_ids_get_different_ones_that_stay_the_same() {
    let call = json!({"function": {"name": "f", "arguments": {"z": 1, "a": 2}}});
    let body = message(&json!({"role": "assistant", "tool_calls": [call, call]})).to_string();
    let ids = |request: ChatRequest| -> Vec<(String, String)> {
        let calls = request.messages.into_iter().flat_map(|message| message.parts).filter_map(|part| match part {
            Part::ToolCall(call) => Some((call.id, call.arguments)),
            _ => None,
        });
        calls.collect()
    };
    let first = ids(chat(body.as_bytes()).unwrap());
    assert_ne!(first[0].0, first[1].0);
    assert_eq!(first[0].1, r#"{"z":1,"a":2}"#);
    assert_eq!(first, ids(chat(body.as_bytes()).unwrap()));
}

#[test]
fn a_prompt_is_one_user_message() {
    let request =
        generate(br#"{"model":"m","prompt":"p","system":"s","images":["AAAA"],"template":"t","raw":false}"#).unwrap();
    assert_eq!(request.messages.len(), 2);
    assert_eq!(request.messages[0], Message::text(Role::System, "s"));
    assert_eq!(request.messages[1].parts.len(), 2);
    assert!(request.extra.fields.is_empty());
    let request = generate(br#"{"prompt":"def f(","suffix":"return x"}"#).unwrap();
    assert_eq!(request.suffix.as_deref(), Some("return x"));
    assert_eq!(request.messages, [user("def f(")]);
}

/// A request of which everything can be written in Ollama's format.
fn full() -> ChatRequest {
    let call =
        ToolCall { id: "call_1".into(), name: "f".into(), arguments: r#"{"z":1,"a":[]}"#.into(), signature: None };
    let thought = ReasoningPart { text: "hm".to_owned(), ..ReasoningPart::default() };
    let mut request = ChatRequest {
        messages: vec![
            Message::text(Role::System, "s"),
            user("hi"),
            Message {
                role: Role::Assistant,
                parts: vec![Part::Reasoning(thought), Part::text("calling"), Part::ToolCall(call)],
                name: None,
            },
            Message {
                role: Role::Tool,
                parts: vec![Part::ToolResult(ToolResult {
                    call_id: Some("call_1".into()),
                    name: Some("f".into()),
                    content: vec![Part::text("42")],
                    is_error: false,
                })],
                name: None,
            },
        ],
        tools: vec![Tool {
            name: "f".into(),
            description: Some("d".into()),
            parameters: Some(json!({"type": "object", "properties": {"z": {"type": "integer"}}})),
            strict: None,
            kind: ToolKind::Function,
            cache_control: None,
        }],
        max_tokens: Some(9),
        stop: vec!["a".into(), "b".into()],
        format: Some(OutputFormat::Json),
        reasoning: Some(Reasoning::Effort(Effort::Max)),
        logprobs: Some(2),
        keep_alive: Some(KeepAlive::Seconds(1.5)),
        stream: true,
        ..ChatRequest::default()
    };
    request.sampling.temperature = Some(0.0);
    request.sampling.seed = Some(0);
    request.extra.protocol = "ollama";
    request.extra.fields.insert("truncate".into(), json!(false));
    request.extra.fields.insert("options".into(), json!({"num_ctx": 8192, "mirostat": 2}));
    request
}

#[test]
fn what_is_written_is_read_back_the_same() {
    let body = encode(&full(), &profile()).unwrap().body;
    assert_eq!(chat(&body).unwrap(), full());
}

#[test]
fn zero_is_not_the_same_as_absent() {
    let (body, warnings) = encoded(&full());
    assert_eq!((&body["options"]["temperature"], &body["options"]["seed"]), (&json!(0.0), &json!(0)));
    assert_eq!(body["model"], "m:7b");
    assert!(body["options"].get("top_p").is_none());
    assert!(warnings.is_empty());
}

#[test]
fn clients_of_another_face_get_their_own_defaults() {
    let (body, _) = encoded(&ChatRequest { messages: vec![user("hi")], ..ChatRequest::default() });
    assert_eq!(
        body,
        json!({"model": "m:7b", "messages": [{"role": "user", "content": "hi"}], "stream": false,
            "options": {"temperature": 1.0, "top_p": 1.0}})
    );
    let mut request = ChatRequest::default();
    request.extra.fields.insert("num_ctx".into(), json!(1));
    request.extra.protocol = "openai";
    assert!(encoded(&request).0.get("num_ctx").is_none());
}

#[test]
fn several_texts_become_lines_and_results_get_the_name_of_their_call() {
    let call = ToolCall { id: "c".into(), name: "f".into(), arguments: String::new(), signature: None };
    let result = ToolResult { call_id: Some("c".into()), name: None, content: vec![Part::text("no")], is_error: true };
    let request = ChatRequest {
        messages: vec![
            Message {
                role: Role::Developer,
                parts: vec![Part::text("a"), Part::text(""), Part::text("b")],
                name: None,
            },
            Message { role: Role::Assistant, parts: vec![Part::ToolCall(call)], name: None },
            Message { role: Role::Tool, parts: vec![Part::ToolResult(result)], name: None },
            Message { role: Role::User, parts: vec![Part::text("")], name: None },
        ],
        ..ChatRequest::default()
    };
    assert_eq!(
        encoded(&request).0["messages"],
        json!([
            {"role": "system", "content": "a\nb"},
            {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": {"index": 0, "name": "f", "arguments": {}}}]},
            {"role": "tool", "content": "error: no", "tool_name": "f", "tool_call_id": "c"},
        ])
    );
}

#[test]
fn what_would_change_the_answer_is_refused_by_name() {
    let tools = full().tools;
    let with_part = |part: Part| ChatRequest {
        messages: vec![Message { role: Role::User, parts: vec![part], name: None }],
        ..ChatRequest::default()
    };
    let url = Image { source: ImageSource::Url("https://x/y.png".into()), detail: None };
    for (request, param) in [
        (ChatRequest { choices: Some(2), ..ChatRequest::default() }, "n"),
        (ChatRequest { suffix: Some("x".into()), ..ChatRequest::default() }, "suffix"),
        (
            ChatRequest { tool_choice: Some(ToolChoice::Required), tools: tools.clone(), ..ChatRequest::default() },
            "tool_choice",
        ),
        (
            ChatRequest { tool_choice: Some(ToolChoice::Function("f".into())), tools, ..ChatRequest::default() },
            "tool_choice",
        ),
        (with_part(Part::Audio { data: String::new(), format: "wav".into() }), "messages"),
        (with_part(Part::Image(url)), "messages"),
    ] {
        assert_eq!(encode_refusal(&request).param, param);
    }
    let none = ChatRequest { tool_choice: Some(ToolChoice::None), ..full() };
    assert!(encoded(&none).0.get("tools").is_none());
}

#[test]
fn what_only_makes_the_answer_worse_is_dropped_with_a_warning() {
    let mut request = ChatRequest { parallel_tool_calls: Some(false), tools: full().tools, ..ChatRequest::default() };
    request.tools[0].strict = Some(true);
    request.sampling.logit_bias = Some(serde_json::Map::new());
    request.sampling.seed = Some(1);
    request.reasoning = Some(Reasoning::On);
    let quirks = Quirks { unsupported_params: vec!["seed".into(), "top_p".into()], ..Quirks::default() };
    let capabilities = Capabilities { reasoning: Some(false), ..Capabilities::default() };
    let encoded = encode(&request, &ModelProfile { quirks, capabilities, ..profile() }).unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!(body["options"], json!({"temperature": 1.0}));
    assert!(body.get("think").is_none());
    assert_eq!(encoded.warnings, ["tools.strict", "reasoning_effort", "seed", "logit_bias", "parallel_tool_calls"]);
}

#[test]
fn thinking_has_four_levels_and_off_survives() {
    for (reasoning, think) in [
        (Reasoning::Off, json!(false)),
        (Reasoning::On, json!(true)),
        (Reasoning::Effort(Effort::Minimal), json!("low")),
        (Reasoning::Effort(Effort::XHigh), json!("max")),
        (Reasoning::Budget(1024), json!("low")),
        (Reasoning::Budget(2048), json!("medium")),
        (Reasoning::Budget(8192), json!("high")),
    ] {
        assert_eq!(encoded(&ChatRequest { reasoning: Some(reasoning), ..ChatRequest::default() }).0["think"], think);
    }
    for (keep_alive, wanted) in
        [(KeepAlive::Forever, json!(-1)), (KeepAlive::Seconds(0.0), json!(0)), (KeepAlive::Seconds(300.0), json!(300))]
    {
        let request = ChatRequest { keep_alive: Some(keep_alive), ..ChatRequest::default() };
        assert_eq!(encoded(&request).0["keep_alive"], wanted);
    }
}

proptest! {
    #[test]
    fn no_body_is_worth_a_panic(
        bytes in any::<Vec<u8>>(),
        key in "messages|tools|options|images|think|format|keep_alive|stream|top_logprobs|prompt",
        value in "[0-9\\[\\]{}\":,.a-z\u{e9}-]{0,16}",
    ) {
        let keyed = format!("{{\"{key}\":{value}}}").into_bytes();
        let inner = format!("{{\"messages\":[{{\"{key}\":{value}}}]}}").into_bytes();
        for body in [bytes, keyed, inner] {
            for result in [chat(&body), generate(&body)] {
                // Whatever was read can be written; whatever was refused says why.
                match result {
                    Ok(request) => drop(encode(&request, &profile())),
                    Err(error) => assert!(!error.message.is_empty() && matches!(error.status, 400 | 500)),
                }
            }
        }
    }
}
