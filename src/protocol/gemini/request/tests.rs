use serde_json::{Value, json};

use super::*;
use crate::chat::{
    Extra, File, FileSource, Image, ImageSource, Message, OutputFormat, Part, Reasoning, Role, Sampling, Tool,
    ToolChoice,
};
use crate::protocol::gemini::samples::{call, hello, message, profile, refused, result, said, sent, sent_to, tool};
use crate::protocol::{Capabilities, Quirks};

#[test]
fn a_plain_request_says_nothing_the_client_did_not() {
    let encoded = encode(&hello(), &profile("gemini-2.5-flash")).unwrap();
    assert_eq!(encoded.body, br#"{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}"#);
    assert_eq!(encoded.warnings, Vec::<String>::new());
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
            Tool { strict: Some(true), ..tool("today", None) },
        ],
        tool_choice: Some(ToolChoice::Function("now".into())),
        parallel_tool_calls: Some(false),
        ..hello()
    };
    let (body, warnings) = sent_to("gemini-2.5-flash", &request);
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let expected = json!([{"functionDeclarations": [
        {"name": "weather", "description": "does it", "parametersJsonSchema": city},
        {"name": "now", "description": "does it"},
        {"name": "today", "description": "does it"},
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
