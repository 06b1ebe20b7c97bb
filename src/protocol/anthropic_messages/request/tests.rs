//! Facts about bodies.

use serde_json::{Map, Value, json};

use super::*;
use crate::chat::{
    CacheControl, Effort, Extra, Message, Part, Reasoning, Role, Sampling, Tool, ToolCall, ToolChoice, ToolKind,
};
use crate::protocol::{Capabilities, Quirks};

fn profile(capabilities: Capabilities) -> ModelProfile {
    ModelProfile { id: "claude-x".into(), capabilities, ..ModelProfile::default() }
}

fn encoded(request: &ChatRequest, profile: &ModelProfile) -> (Value, Vec<String>) {
    let Encoded { body, warnings } = encode(request, profile).unwrap();
    (serde_json::from_slice(&body).unwrap(), warnings)
}

fn body(request: &ChatRequest) -> Value {
    encoded(request, &profile(Capabilities::default())).0
}

fn asking() -> ChatRequest {
    ChatRequest { messages: vec![Message::text(Role::User, "hi")], ..ChatRequest::default() }
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        description: None,
        parameters: None,
        strict: None,
        kind: ToolKind::Function,
        cache_control: None,
    }
}

#[test]
fn the_smallest_request_says_nothing_it_need_not() {
    let expected = r#"{"model":"claude-x","max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#;
    assert_eq!(body(&asking()).to_string(), expected);
}

#[test]
fn max_tokens_come_from_the_client_then_the_catalogue_and_are_clamped() {
    let limited = ModelProfile { max_output: Some(8000), ..profile(Capabilities::default()) };
    assert_eq!(encoded(&asking(), &limited).0["max_tokens"], 8000);
    let request = ChatRequest { max_tokens: Some(9000), ..asking() };
    assert_eq!(body(&request)["max_tokens"], 9000);
    let (body, warnings) = encoded(&request, &limited);
    assert_eq!((&body["max_tokens"], warnings.len()), (&json!(8000), 1));
}

#[test]
fn instructions_are_one_text_or_blocks_where_marks_need_places() {
    let mut request = asking();
    request.messages.insert(0, Message::text(Role::System, "a"));
    request.messages.insert(1, Message::text(Role::Developer, "b"));
    request.format = Some(OutputFormat::Json);
    let system = body(&request)["system"].as_str().unwrap().to_owned();
    assert!(system.starts_with("a\n\nb\n\nAnswer with"), "{system}");

    let mark = Some(CacheControl::default());
    request.messages[0].parts = vec![Part::Text(Text { text: "a".into(), cache_control: mark })];
    let system = body(&request)["system"].clone();
    assert_eq!(system[0], json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}));
    assert_eq!(system.as_array().unwrap().len(), 3);
}

#[test]
fn only_the_last_four_cache_marks_are_kept() {
    let mark = Some(CacheControl { one_hour: true });
    let marked = |text: &str| Part::Text(Text { text: text.into(), cache_control: mark });
    let system = Message { role: Role::System, parts: vec![marked("s")], name: None };
    let user = Message { role: Role::User, parts: ["a", "b", "c"].map(marked).into(), name: None };
    let request = ChatRequest {
        messages: vec![system, user],
        tools: vec![Tool { cache_control: mark, ..tool("f") }],
        ..ChatRequest::default()
    };
    let (body, warnings) = encoded(&request, &profile(Capabilities::default()));
    assert_eq!(body.to_string().matches("\"1h\"").count(), 4);
    assert!(body["tools"][0].get("cache_control").is_none());
    assert_eq!(warnings.len(), 1);
}

#[test]
fn tools_are_rebuilt_under_names_that_are_accepted() {
    let request = ChatRequest {
        tools: vec![Tool { parameters: Some(json!({"properties": {"x": {"type": "string"}}})), ..tool("files.read") }],
        tool_choice: Some(ToolChoice::Function("files.read".into())),
        parallel_tool_calls: Some(false),
        ..asking()
    };
    let body = body(&request);
    let name = body["tools"][0]["name"].as_str().unwrap();
    assert!(name.starts_with("files_read_"));
    assert_eq!(body["tools"][0]["input_schema"]["type"], "object");
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": name, "disable_parallel_tool_use": true}));
}

#[test]
fn tool_choices_have_anthropics_words() {
    let choice = |tool_choice, parallel_tool_calls| {
        body(&ChatRequest { tools: vec![tool("f")], tool_choice, parallel_tool_calls, ..asking() })["tool_choice"]
            .clone()
    };
    assert_eq!(choice(None, None), json!(null));
    assert_eq!(choice(None, Some(false)), json!({"type": "auto", "disable_parallel_tool_use": true}));
    assert_eq!(choice(Some(ToolChoice::Auto), Some(true)), json!({"type": "auto"}));
    assert_eq!(choice(Some(ToolChoice::Required), None), json!({"type": "any"}));
    assert_eq!(choice(Some(ToolChoice::None), Some(false)), json!({"type": "none"}));
    let request = ChatRequest { tool_choice: Some(ToolChoice::Required), ..asking() };
    assert_eq!(body(&request)["tool_choice"], json!(null));
}

#[test]
fn tools_of_the_history_are_defined_but_cannot_be_called() {
    let call = ToolCall { id: "a".into(), name: "f".into(), arguments: "{}".into(), signature: None };
    let mut request = asking();
    request.messages.push(Message {
        role: Role::Assistant,
        parts: vec![Part::ToolCall(call.clone()), Part::ToolCall(ToolCall { id: "b".into(), ..call })],
        name: None,
    });
    let body = body(&request);
    assert_eq!(body["tools"], json!([{"name": "f", "input_schema": {"type": "object", "properties": {}}}]));
    assert_eq!(body["tool_choice"], json!({"type": "none"}));
}

#[test]
fn a_forced_tool_and_thinking_do_not_meet() {
    let request = ChatRequest {
        tools: vec![tool("f")],
        tool_choice: Some(ToolChoice::Required),
        reasoning: Some(Reasoning::Effort(Effort::High)),
        max_tokens: Some(10_000),
        ..asking()
    };
    let (forced, warnings) = encoded(&request, &profile(Capabilities::default()));
    assert_eq!((&forced["tool_choice"], &forced["thinking"]), (&json!({"type": "any"}), &json!(null)));
    assert_eq!(warnings.len(), 1);
    let always = Capabilities {
        reasoning: Some(true),
        adaptive_thinking: Some(true),
        thinking_off: Some(false),
        forced_tool: Some(false),
        ..Capabilities::default()
    };
    let (thinking, warnings) = encoded(&request, &profile(always));
    assert_eq!(thinking["tool_choice"], json!({"type": "auto"}));
    assert_eq!(thinking["thinking"], json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!(thinking["output_config"], json!({"effort": "high"}));
    assert_eq!(warnings.len(), 1);
}

#[test]
fn thinking_drops_the_sampling_it_forbids() {
    let request = ChatRequest {
        reasoning: Some(Reasoning::Effort(Effort::High)),
        sampling: Sampling { temperature: Some(0.0), top_k: Some(5), ..Sampling::default() },
        ..asking()
    };
    let (body, warnings) = encoded(&request, &profile(Capabilities::default()));
    assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": 4095}));
    assert_eq!((body.get("temperature"), body.get("top_k")), (None, None));
    assert_eq!(warnings, ["temperature", "top_k"]);
}

#[test]
fn a_schema_is_sent_or_refused() {
    let schema = json!({"type": "object", "properties": {"b": {}, "a": {}}});
    let format = OutputFormat::Schema { name: None, description: None, schema: schema.clone(), strict: None };
    let request = ChatRequest { format: Some(format), ..asking() };
    assert_eq!(body(&request)["output_config"], json!({"format": {"type": "json_schema", "schema": schema}}));
    let without = profile(Capabilities { json_schema: Some(false), ..Capabilities::default() });
    assert_eq!(encode(&request, &without).unwrap_err().param, "response_format");
}

#[test]
fn what_would_be_missed_is_refused_before_it_is_sent() {
    let refused = |request: ChatRequest| encode(&request, &profile(Capabilities::default())).unwrap_err().param;
    assert_eq!(refused(ChatRequest { choices: Some(2), ..asking() }), "n");
    assert_eq!(refused(ChatRequest { suffix: Some("}".into()), ..asking() }), "suffix");
    let toolless = profile(Capabilities { tools: Some(false), ..Capabilities::default() });
    let request = ChatRequest { tools: vec![tool("f")], ..asking() };
    assert_eq!(encode(&request, &toolless).unwrap_err().param, "tools");
}

#[test]
fn strict_tools_reach_only_models_known_to_take_them() {
    let request = ChatRequest { tools: vec![Tool { strict: Some(true), ..tool("f") }], ..asking() };
    let (unknown, warnings) = encoded(&request, &profile(Capabilities::default()));
    assert_eq!((unknown["tools"][0].get("strict"), warnings.len()), (None, 1));
    let knows = profile(Capabilities { json_schema: Some(true), ..Capabilities::default() });
    assert_eq!(encoded(&request, &knows).0["tools"][0]["strict"], true);
}

#[test]
fn people_are_named_by_neutral_ids_only() {
    for (user, kept) in [("u-42", true), ("a@b.c", false), ("+49 (170) 123-4567", false), ("", false), ("42", true)] {
        let body = body(&ChatRequest { end_user: Some(user.into()), ..asking() });
        assert_eq!(body.pointer("/metadata/user_id").is_some(), kept, "{user}");
    }
}

#[test]
fn extra_fields_return_only_to_their_own_protocol() {
    let fields: Map<String, Value> = [("speed".to_owned(), json!("fast"))].into_iter().collect();
    let own = ChatRequest { extra: Extra { protocol: "anthropic", fields: fields.clone() }, ..asking() };
    assert_eq!(body(&own)["speed"], "fast");
    let foreign = ChatRequest { extra: Extra { protocol: "openai", fields }, ..asking() };
    assert_eq!(body(&foreign).get("speed"), None);
}

#[test]
fn blank_stop_texts_are_left_out() {
    let request = ChatRequest { stop: vec!["\n".into(), "END".into()], stream: true, ..asking() };
    let (body, warnings) = encoded(&request, &profile(Capabilities::default()));
    assert_eq!((&body["stop_sequences"], &body["stream"]), (&json!(["END"]), &json!(true)));
    assert_eq!(warnings, ["blank stop"]);
}

#[test]
fn what_the_catalogue_calls_unsupported_is_dropped_and_named() {
    let unsupported_params = ["temperature", "stop", "reasoning_effort", "seed"].map(Into::into).into();
    let quirks = Quirks { unsupported_params, ..Quirks::default() };
    let profile = ModelProfile { quirks, ..profile(Capabilities::default()) };
    let request = ChatRequest {
        sampling: Sampling { temperature: Some(1.0), top_p: Some(0.99), ..Sampling::default() },
        stop: vec!["END".into()],
        reasoning: Some(Reasoning::On),
        ..asking()
    };
    let (body, warnings) = encoded(&request, &profile);
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["model", "max_tokens", "messages", "top_p"]);
    assert_eq!(warnings, ["stop", "reasoning_effort"]);
}
