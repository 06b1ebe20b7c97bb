use serde_json::{Value, json};

use super::*;
use crate::chat::{
    Extra, File, FileSource, Image, ImageSource, Message, OutputFormat, Part, Reasoning, Role, Sampling, Tool,
    ToolCall, ToolChoice, ToolKind, ToolResult,
};
use crate::protocol::{Capabilities, Quirks};

fn profile(id: &str) -> ModelProfile {
    ModelProfile { id: id.into(), ..ModelProfile::default() }
}

fn said(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, ..ChatRequest::default() }
}

fn hello() -> ChatRequest {
    said(vec![Message::text(Role::User, "hello")])
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None }
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into(), signature: None })
}

fn result(id: Option<&str>, name: Option<&str>, text: &str) -> Part {
    Part::ToolResult(ToolResult {
        call_id: id.map(Into::into),
        name: name.map(Into::into),
        content: vec![Part::text(text)],
        is_error: false,
    })
}

fn tool(name: &str, parameters: Option<Value>) -> Tool {
    Tool {
        name: name.into(),
        description: Some("does it".into()),
        parameters,
        strict: None,
        kind: ToolKind::Function,
        cache_control: None,
    }
}

fn sent_to(id: &str, request: &ChatRequest) -> (Value, Vec<String>) {
    let encoded = encode(request, &profile(id)).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded.warnings)
}

fn sent(request: &ChatRequest) -> Value {
    sent_to("gemini-2.5-flash", request).0
}

fn refused(request: &ChatRequest) -> String {
    encode(request, &profile("gemini-2.5-flash")).unwrap_err().param
}

#[test]
fn a_plain_request_says_nothing_the_client_did_not() {
    let encoded = encode(&hello(), &profile("gemini-2.5-flash")).unwrap();
    assert_eq!(encoded.body, br#"{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}"#);
    assert_eq!(encoded.warnings, Vec::<String>::new());
}

#[test]
fn leading_instructions_go_on_top_and_later_ones_stay_in_place() {
    let body = sent(&said(vec![
        Message::text(Role::System, "one"),
        Message::text(Role::Developer, "two"),
        Message::text(Role::User, "hi"),
        Message::text(Role::Assistant, "ho"),
        Message::text(Role::System, "now short"),
        Message::text(Role::User, "go"),
    ]));
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "one\n\ntwo"}]}));
    assert_eq!(body["contents"][2], json!({"role": "user", "parts": [{"text": "now short"}, {"text": "go"}]}));
}

#[test]
fn instructions_alone_become_what_the_user_says() {
    let body = sent(&said(vec![Message::text(Role::System, "be")]));
    assert_eq!(body, json!({"contents": [{"role": "user", "parts": [{"text": "be"}]}]}));
}

#[test]
fn a_model_without_system_prompt_reads_it_in_the_first_turn() {
    let request = said(vec![Message::text(Role::System, "be"), Message::text(Role::User, "hi")]);
    let quirks = Quirks { supports_system_prompt: false, ..Quirks::default() };
    let encoded = encode(&request, &ModelProfile { quirks, ..profile("gemma-3-27b-it") }).unwrap();
    assert_eq!(encoded.body, br#"{"contents":[{"role":"user","parts":[{"text":"be"},{"text":"hi"}]}]}"#);
}

#[test]
fn empty_messages_vanish_and_their_neighbours_merge() {
    let body = sent(&said(vec![
        Message::text(Role::User, "a"),
        Message::text(Role::Assistant, ""),
        Message::text(Role::User, "b"),
    ]));
    assert_eq!(body["contents"], json!([{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]));
    assert_eq!(refused(&said(vec![Message::text(Role::User, "")])), "messages");
}

#[test]
fn a_conversation_that_begins_with_the_model_gets_a_user_turn_and_a_warning() {
    let (body, warnings) = sent_to("gemini-2.5-flash", &said(vec![Message::text(Role::Assistant, "hi")]));
    assert_eq!(body["contents"][0], json!({"role": "user", "parts": [{"text": "."}]}));
    assert_eq!((body["contents"][1]["role"].as_str(), warnings.len()), (Some("model"), 1));
}

#[test]
fn results_follow_their_calls_in_the_order_of_the_calls_with_the_functions_names() {
    let body = sent(&said(vec![
        Message::text(Role::User, "weather?"),
        message(
            Role::Assistant,
            vec![Part::text("let me see"), call("c1", "get", "{\"b\":1,\"a\":2}"), call("c2", "put", "")],
        ),
        message(Role::User, vec![Part::text("hurry")]),
        message(Role::Tool, vec![result(Some("c2"), None, "done")]),
        message(Role::Tool, vec![result(Some("c1"), None, r#"{"temp": 1.50}"#)]),
    ]));
    let expected = json!([
        {"role": "user", "parts": [{"text": "weather?"}]},
        {"role": "model", "parts": [
            {"text": "let me see"},
            {"functionCall": {"id": "c1", "name": "get", "args": {"b": 1, "a": 2}}},
            {"functionCall": {"id": "c2", "name": "put", "args": {}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "c1", "name": "get", "response": {"temp": 1.5}}},
            {"functionResponse": {"id": "c2", "name": "put", "response": {"result": "done"}}},
            {"text": "hurry"},
        ]},
    ]);
    assert_eq!(body["contents"], expected);
}

#[test]
fn arguments_keep_their_bytes_and_their_order() {
    let request = said(vec![
        Message::text(Role::User, "x"),
        message(Role::Assistant, vec![call("c", "f", r#"{"z":1.10,"a":12345678901234567890123}"#)]),
    ]);
    let body = String::from_utf8(encode(&request, &profile("gemini-2.5-pro")).unwrap().body).unwrap();
    assert!(body.contains(r#""args":{"z":1.10,"a":12345678901234567890123}"#), "{body}");
}

#[test]
fn results_without_ids_are_given_by_name_then_by_order() {
    let body = sent(&said(vec![
        message(Role::User, vec![Part::text("x")]),
        message(Role::Assistant, vec![call("c1", "a", "{}"), call("c2", "b", "{}")]),
        message(Role::Tool, vec![result(None, Some("b"), "B"), result(None, None, "A")]),
    ]));
    let parts = &body["contents"][2]["parts"];
    assert_eq!(parts[0]["functionResponse"]["response"]["result"], "A");
    assert_eq!(parts[1]["functionResponse"]["response"]["result"], "B");
}

#[test]
fn there_are_always_as_many_responses_as_calls() {
    let body = sent(&said(vec![
        Message::text(Role::User, "x"),
        message(Role::Assistant, vec![call("c1", "a", "{}")]),
        message(Role::Tool, vec![result(Some("elsewhere"), Some("z"), "lost")]),
        message(Role::Assistant, vec![call("c2", "b", "{}")]),
    ]));
    let no_result =
        |id, name| json!({"functionResponse": {"id": id, "name": name, "response": {"error": "no result was given"}}});
    let orphan = json!({"text": "Result of the tool `z`: lost"});
    assert_eq!(body["contents"][2], json!({"role": "user", "parts": [no_result("c1", "a"), orphan]}));
    assert_eq!(body["contents"][4], json!({"role": "user", "parts": [no_result("c2", "b")]}));
}

#[test]
fn results_become_objects_and_never_references() {
    for (text, response) in [
        ("plain", json!({"result": "plain"})),
        ("[1,2]", json!({"result": "[1,2]"})),
        (r#"{"a":1}"#, json!({"a": 1})),
        (r#"{"price":"$5"}"#, json!({"price": "$5"})),
        (r##"{"$ref":"#/x"}"##, json!({"result": r##"{"$ref":"#/x"}"##})),
        (r#"{"a":[{"$defs":1}]}"#, json!({"result": r#"{"a":[{"$defs":1}]}"#})),
        (r#"{"\u0024ref":1}"#, json!({"result": r#"{"\u0024ref":1}"#})),
        (r#"{"a":"#, json!({"result": r#"{"a":"#})),
    ] {
        let body = sent(&said(vec![
            Message::text(Role::User, "x"),
            message(Role::Assistant, vec![call("c", "f", "{}")]),
            message(Role::Tool, vec![result(Some("c"), None, text)]),
        ]));
        assert_eq!(body["contents"][2]["parts"][0]["functionResponse"]["response"], response, "{text}");
    }
}

#[test]
fn odd_arguments_in_the_history_are_wrapped() {
    for (arguments, args) in [
        ("", json!({})),
        (" null ", json!({})),
        ("[1]", json!({"input": "[1]"})),
        ("{\"a\":", json!({"input": "{\"a\":"})),
        ("words", json!({"input": "words"})),
    ] {
        let turn = message(Role::Assistant, vec![call("c", "f", arguments)]);
        let body = sent(&said(vec![Message::text(Role::User, "x"), turn]));
        assert_eq!(body["contents"][1]["parts"][0]["functionCall"]["args"], args, "{arguments:?}");
    }
}

#[test]
fn pictures_in_results_follow_the_responses_and_failures_are_errors() {
    let picture =
        Image { source: ImageSource::Base64 { media_type: None, data: "iVBORw0KGgoAAA".into() }, detail: None };
    let failed = ToolResult {
        call_id: Some("c".into()),
        name: None,
        content: vec![Part::text("{}"), Part::Image(picture)],
        is_error: true,
    };
    let body = sent(&said(vec![
        Message::text(Role::User, "x"),
        message(Role::Assistant, vec![call("c", "f", "{}")]),
        message(Role::Tool, vec![Part::ToolResult(failed)]),
    ]));
    let parts = &body["contents"][2]["parts"];
    assert_eq!(parts[0]["functionResponse"]["response"], json!({"error": "{}"}));
    assert_eq!(parts[1], json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAA"}}));
}

#[test]
fn signatures_go_back_unchanged_and_foreign_history_gets_the_bypass_since_three() {
    let signed = Part::ToolCall(ToolCall {
        id: "c1".into(),
        name: "f".into(),
        arguments: "{}".into(),
        signature: Some("c2ln+/==".into()),
    });
    let request = said(vec![
        Message::text(Role::User, "x"),
        message(Role::Assistant, vec![signed, call("c2", "f", "{}")]),
        message(Role::Tool, vec![result(Some("c1"), None, "1"), result(Some("c2"), None, "2")]),
        message(Role::Assistant, vec![Part::text("hm"), call("c3", "f", "{}"), call("c4", "f", "{}")]),
    ]);
    for (model, foreign) in
        [("gemini-3-pro-preview", json!("skip_thought_signature_validator")), ("gemini-2.5-pro", Value::Null)]
    {
        let (body, _) = sent_to(model, &request);
        assert_eq!(body["contents"][1]["parts"][0]["thoughtSignature"], "c2ln+/==", "{model}");
        assert_eq!(body["contents"][1]["parts"][1]["thoughtSignature"], Value::Null, "{model}");
        assert_eq!(body["contents"][3]["parts"][1]["thoughtSignature"], foreign, "{model}");
        assert_eq!(body["contents"][3]["parts"][2]["thoughtSignature"], Value::Null, "{model}");
    }
}

#[test]
fn what_cannot_be_carried_is_refused_before_anything_is_sent() {
    let image = |source| Part::Image(Image { source, detail: None });
    let url = image(ImageSource::Url("https://example.com/a.png".into()));
    let unknown = image(ImageSource::Base64 { media_type: None, data: "AAAA".into() });
    let file = Part::File(File { source: FileSource::Id("file-1".into()), filename: None });
    for part in [url, unknown, file] {
        assert_eq!(refused(&said(vec![message(Role::User, vec![part])])), "messages");
    }
    assert_eq!(refused(&ChatRequest { suffix: Some("x".into()), ..hello() }), "suffix");
    assert_eq!(refused(&ChatRequest { choices: Some(9), ..hello() }), "n");
    assert_eq!(refused(&ChatRequest { choices: Some(0), ..hello() }), "n");
}

#[test]
fn abilities_the_model_lacks_are_refused() {
    let capabilities =
        Capabilities { tools: Some(false), vision: Some(false), audio: Some(false), ..Capabilities::default() };
    let profile = ModelProfile { capabilities, ..profile("gemini-2.5-flash") };
    let source = ImageSource::Base64 { media_type: Some("image/png".into()), data: String::new() };
    let image = Part::Image(Image { source, detail: None });
    let audio = Part::Audio { data: String::new(), format: "wav".into() };
    for part in [image, audio] {
        assert!(encode(&said(vec![message(Role::User, vec![part])]), &profile).is_err());
    }
    assert!(encode(&ChatRequest { tools: vec![tool("f", None)], ..hello() }, &profile).is_err());
}

#[test]
fn sound_and_documents_travel_inline() {
    let source = FileSource::Base64 { media_type: "application/pdf".into(), data: "JVBE".into() };
    let parts =
        vec![Part::Audio { data: "UklG".into(), format: "wav".into() }, Part::File(File { source, filename: None })];
    let body = sent(&said(vec![message(Role::User, parts)]));
    let expected = json!([
        {"inlineData": {"mimeType": "audio/wav", "data": "UklG"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}},
    ]);
    assert_eq!(body["contents"][0]["parts"], expected);
}

#[test]
fn settings_are_carried_zero_included() {
    let sampling = Sampling {
        temperature: Some(0.0),
        top_p: Some(0.0),
        top_k: Some(0),
        frequency_penalty: Some(0.0),
        presence_penalty: Some(0.0),
        seed: Some(0),
        ..Sampling::default()
    };
    let request = ChatRequest {
        sampling,
        max_tokens: Some(7),
        stop: vec![String::new(), "END".into()],
        choices: Some(2),
        logprobs: Some(3),
        ..hello()
    };
    let (body, warnings) = sent_to("gemini-2.5-flash", &request);
    let expected = json!({
        "temperature": 0.0, "topP": 0.0, "topK": 0, "candidateCount": 2, "maxOutputTokens": 7, "stopSequences": ["END"],
        "seed": 0, "presencePenalty": 0.0, "frequencyPenalty": 0.0, "responseLogprobs": true, "logprobs": 3,
    });
    assert_eq!(body["generationConfig"], expected);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn what_does_not_fit_is_clamped_or_dropped_with_a_warning() {
    let sampling = Sampling {
        temperature: Some(3.0),
        min_p: Some(0.1),
        repeat_penalty: Some(1.1),
        seed: Some(1 << 40),
        logit_bias: Some([("7".to_owned(), json!(1))].into_iter().collect()),
        ..Sampling::default()
    };
    let request =
        ChatRequest { sampling, max_tokens: Some(99), stop: vec!["a".into(); 6], logprobs: Some(0), ..hello() };
    let profile = ModelProfile { max_output: Some(10), ..profile("gemini-2.0-flash") };
    let encoded = encode(&request, &profile).unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    let expected = json!({
        "temperature": 2.0, "maxOutputTokens": 10, "stopSequences": ["a", "a", "a", "a", "a"], "responseLogprobs": true,
    });
    assert_eq!(body["generationConfig"], expected);
    let warnings = [
        "max_tokens clamped to 10",
        "temperature clamped to 2",
        "seed",
        "min_p",
        "repeat_penalty",
        "logit_bias",
        "stop cut to 5",
    ];
    assert_eq!(encoded.warnings, warnings);
}

#[test]
fn models_that_refuse_sampling_or_single_fields_do_not_get_them() {
    let sampling = Sampling { temperature: Some(1.0), top_p: Some(0.5), seed: Some(1), ..Sampling::default() };
    let request = ChatRequest { sampling, stop: vec!["a".into()], ..hello() };
    let profile = ModelProfile {
        capabilities: Capabilities { sampling: Some(false), ..Capabilities::default() },
        quirks: Quirks { unsupported_params: vec!["seed".into(), "stop".into()], ..Quirks::default() },
        ..profile("gemini-3.8-flash")
    };
    let encoded = encode(&request, &profile).unwrap();
    assert_eq!(encoded.warnings, ["temperature", "top_p", "seed", "stop"]);
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!(body.get("generationConfig"), None);
}

#[test]
fn json_and_schemas_constrain_the_answer() {
    let schema = json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}});
    let format = OutputFormat::Schema { name: None, description: None, schema: schema.clone(), strict: None };
    let request = ChatRequest { format: Some(format), ..hello() };
    let config = json!({"responseMimeType": "application/json", "responseJsonSchema": schema});
    assert_eq!(sent(&request)["generationConfig"], config);
    let subset = json!({"type": "object", "properties": {"a": {"type": "string", "nullable": true}}});
    assert_eq!(sent_to("gemini-1.5-pro", &request).0["generationConfig"]["responseSchema"], subset);
    let json_mode = ChatRequest { format: Some(OutputFormat::Json), ..hello() };
    assert_eq!(sent(&json_mode)["generationConfig"], json!({"responseMimeType": "application/json"}));

    let with_tools = ChatRequest { tools: vec![tool("f", None)], ..request };
    assert_eq!(refused(&with_tools), "response_format");
    assert!(encode(&with_tools, &profile("gemini-3-flash-preview")).is_ok());
}

#[test]
fn tools_stand_in_one_group_and_those_without_arguments_have_no_parameters() {
    let schema = json!({"properties": {"city": {"type": "string"}}, "required": null});
    let request = ChatRequest {
        tools: vec![
            tool("weather", Some(schema)),
            tool("now", Some(json!({"type": "object", "properties": {}}))),
            tool("today", None),
            Tool { kind: ToolKind::Custom, strict: Some(true), ..tool("say", None) },
        ],
        tool_choice: Some(ToolChoice::Function("now".into())),
        parallel_tool_calls: Some(false),
        ..hello()
    };
    let (body, warnings) = sent_to("gemini-2.5-flash", &request);
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let input = json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]});
    let expected = json!([{"functionDeclarations": [
        {"name": "weather", "description": "does it", "parametersJsonSchema": city},
        {"name": "now", "description": "does it"},
        {"name": "today", "description": "does it"},
        {"name": "say", "description": "does it", "parametersJsonSchema": input},
    ]}]);
    assert_eq!(body["tools"], expected);
    let choice = json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["now"]}});
    assert_eq!(body["toolConfig"], choice);
    assert_eq!(warnings, ["parallel_tool_calls", "strict"]);
    assert_eq!(sent_to("gemini-1.5-pro", &request).0["tools"][0]["functionDeclarations"][0]["parameters"], city);
}

#[test]
fn choices_have_their_modes_and_need_tools() {
    for (choice, mode) in [(ToolChoice::Auto, "AUTO"), (ToolChoice::None, "NONE"), (ToolChoice::Required, "ANY")] {
        let request = ChatRequest { tools: vec![tool("f", None)], tool_choice: Some(choice), ..hello() };
        assert_eq!(sent(&request)["toolConfig"], json!({"functionCallingConfig": {"mode": mode}}));
    }
    assert_eq!(sent(&ChatRequest { tool_choice: Some(ToolChoice::Required), ..hello() }).get("toolConfig"), None);
}

#[test]
fn odd_tool_names_are_changed_everywhere_alike() {
    let name = format!("mcp server/{}", "long ".repeat(20));
    let request = ChatRequest {
        messages: vec![
            Message::text(Role::User, "x"),
            message(Role::Assistant, vec![call("c", &name, "{}")]),
            message(Role::Tool, vec![result(Some("c"), Some(&name), "ok")]),
        ],
        tools: vec![tool(&name, None), tool("ns.tool:ok", None)],
        tool_choice: Some(ToolChoice::Function(name.clone())),
        ..ChatRequest::default()
    };
    let body = sent(&request);
    let wire = &body["tools"][0]["functionDeclarations"][0]["name"];
    assert!(wire.as_str().unwrap().len() <= 64);
    assert_eq!(&body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"][0], wire);
    assert_eq!(&body["contents"][1]["parts"][0]["functionCall"]["name"], wire);
    assert_eq!(&body["contents"][2]["parts"][0]["functionResponse"]["name"], wire);
    assert_eq!(body["tools"][0]["functionDeclarations"][1]["name"], "ns.tool:ok");
}

#[test]
fn thinking_is_part_of_the_settings() {
    let request = ChatRequest { reasoning: Some(Reasoning::Off), ..hello() };
    let config = json!({"thinkingConfig": {"includeThoughts": false, "thinkingBudget": 0}});
    assert_eq!(sent(&request)["generationConfig"], config);
}

#[test]
fn extra_fields_return_only_to_their_own_protocol() {
    let fields = [("safetySettings".to_owned(), json!([]))].into_iter().collect::<serde_json::Map<_, _>>();
    let with = |protocol| ChatRequest { extra: Extra { protocol, fields: fields.clone() }, ..hello() };
    assert_eq!(sent(&with("gemini"))["safetySettings"], json!([]));
    assert_eq!(sent(&with("openai")).get("safetySettings"), None);
}
