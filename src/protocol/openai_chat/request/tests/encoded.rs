//! What providers get.

use serde_json::{Value, json};

use super::super::encode;
use super::{messages, read, sent, user};
use crate::chat::{
    ChatRequest, File, FileSource, Image, ImageSource, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult,
};
use crate::protocol::{Capabilities, ModelProfile, Quirks, ToolIds};

fn plain() -> ModelProfile {
    ModelProfile { id: "m".to_owned(), ..ModelProfile::default() }
}

fn with(quirks: Quirks) -> ModelProfile {
    ModelProfile { quirks, ..plain() }
}

fn able(capabilities: Capabilities) -> ModelProfile {
    ModelProfile { capabilities, ..plain() }
}

fn body(request: &ChatRequest, profile: &ModelProfile) -> Value {
    serde_json::from_str(&sent(request, profile).0).unwrap()
}

fn conversation(request: &ChatRequest, profile: &ModelProfile) -> Value {
    body(request, profile)["messages"].clone()
}

fn call(id: &str, name: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: String::new(), signature: None })
}

fn result(call_id: Option<&str>, name: Option<&str>, text: &str) -> Message {
    let result = ToolResult {
        call_id: call_id.map(str::to_owned),
        name: name.map(str::to_owned),
        content: vec![Part::text(text)],
        is_error: false,
    };
    Message { role: Role::Tool, parts: vec![Part::ToolResult(result)], name: None }
}

fn spoken(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None }
}

fn talk(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, ..ChatRequest::default() }
}

#[test]
fn only_what_was_said_is_sent() {
    assert_eq!(
        sent(&user("\"seed\":null"), &plain()),
        (r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#.to_owned(), vec![])
    );
}

#[test]
fn a_request_survives_the_way_through() {
    let json = concat!(
        r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},"#,
        r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"low"}}],"name":"n"},"#,
        r#"{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},"#,
        r#"{"role":"tool","content":"42","tool_call_id":"c"}],"#,
        r#""tools":[{"type":"function","function":{"name":"f","parameters":{"z":1,"a":2},"strict":true}}],"#,
        r#""tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,"#,
        r#""max_tokens":0,"stop":["x"],"n":1,"temperature":0.0,"top_p":0.5,"seed":0,"logit_bias":{"5":-1},"#,
        r#""response_format":{"type":"json_object"},"reasoning_effort":"low","logprobs":true,"top_logprobs":2,"user":"u","zebra":[1],"#,
        r#""stream":true,"stream_options":{"include_usage":true}}"#
    );
    let request = super::super::decode(json.as_bytes()).unwrap();
    assert_eq!(sent(&request, &plain()), (json.to_owned(), vec![]));
}

#[test]
fn streams_ask_for_usage_unless_the_provider_refuses() {
    let request = user(r#""stream":true,"stream_options":{"include_obfuscation":false}"#);
    assert_eq!(
        body(&request, &plain())["stream_options"],
        json!({"include_obfuscation": false, "include_usage": true})
    );
    let refusing = with(Quirks { stream_usage: false, ..Quirks::default() });
    assert_eq!(body(&request, &refusing).get("stream_options"), None);
    assert_eq!(body(&user(r#""stream_options":{}"#), &plain()).get("stream_options"), None);
}

#[test]
fn fields_are_renamed_dropped_aloud_or_dropped_silently() {
    let profile = with(Quirks {
        use_max_completion_tokens: true,
        renamed_params: vec![("seed".to_owned(), "random_seed".to_owned())],
        unsupported_params: ["temperature", "user", "zebra", "logprobs", "top_logprobs"].map(str::to_owned).to_vec(),
        ..Quirks::default()
    });
    let request =
        user(r#""seed":1,"temperature":9,"user":"u","zebra":1,"max_tokens":3,"logprobs":true,"top_logprobs":1"#);
    let (text, warnings) = sent(&request, &profile);
    assert_eq!(
        text,
        r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":3,"random_seed":1}"#
    );
    assert_eq!(warnings, ["temperature", "logprobs", "top_logprobs", "zebra"]);
}

#[test]
fn numbers_out_of_range_are_moved_into_it_aloud() {
    let profile = ModelProfile { max_output: Some(10), ..plain() };
    let (text, warnings) = sent(&user(r#""temperature":3,"max_tokens":11,"stop":["a","b","c","d","e"]"#), &profile);
    assert!(text.contains(r#""max_tokens":10,"stop":["a","b","c","d"],"temperature":2.0"#), "{text}");
    assert_eq!(warnings, ["max_tokens clamped to 10", "stop cut to 4", "temperature clamped to 2"]);
}

#[test]
fn foreign_sampling_is_dropped_aloud_unless_the_client_wrote_it_here() {
    let mut request = user(r#""top_k":5,"repetition_penalty":1.5"#);
    let (text, warnings) = sent(&request, &plain());
    assert!(text.contains(r#""top_k":5,"repetition_penalty":1.5"#) && warnings.is_empty(), "{text} {warnings:?}");
    request.extra.protocol = "ollama";
    let (text, warnings) = sent(&request, &plain());
    assert!(!text.contains("top_k") && !text.contains("penalty"));
    assert_eq!(warnings, ["top_k", "repeat_penalty"]);
}

#[test]
fn what_would_change_the_kind_of_answer_is_refused() {
    let image = r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":"https://a"}]}]"#;
    let sound =
        r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"wav"}}]}]"#;
    let schema = r#""response_format":{"type":"json_schema","json_schema":{}}"#;
    let no = Capabilities::default();
    let one_answer = with(Quirks { unsupported_params: vec!["n".to_owned()], ..Quirks::default() });
    let no_json = ModelProfile {
        quirks: Quirks { no_json_object: true, ..Quirks::default() },
        ..able(Capabilities { json_schema: Some(false), ..no })
    };
    for (request, profile, param) in [
        (user(r#""tools":[{"function":{"name":"f"}}]"#), able(Capabilities { tools: Some(false), ..no }), "tools"),
        (read(image), able(Capabilities { vision: Some(false), ..no }), "messages"),
        (read(sound), able(Capabilities { audio: Some(false), ..no }), "messages"),
        (user(schema), able(Capabilities { json_schema: Some(false), ..no }), "response_format"),
        (user(r#""response_format":{"type":"json_object"}"#), no_json.clone(), "response_format"),
        (user("\"n\":2"), one_answer.clone(), "n"),
        (ChatRequest { suffix: Some("s".to_owned()), ..user("\"n\":1") }, plain(), "suffix"),
        (messages(r#"[{"role":"user","content":""}]"#), plain(), "messages"),
    ] {
        assert_eq!(encode(&request, &profile).unwrap_err().param, param);
    }
    assert_eq!(sent(&user("\"n\":1"), &one_answer).1, Vec::<String>::new());
}

#[test]
fn reasoning_becomes_an_effort() {
    let effort = |reasoning, profile: &ModelProfile| {
        let request = ChatRequest { reasoning: Some(reasoning), ..user("\"n\":1") };
        body(&request, profile).get("reasoning_effort").and_then(Value::as_str).map(str::to_owned)
    };
    for (reasoning, word) in [
        (Reasoning::Off, Some("none")),
        (Reasoning::On, None),
        (Reasoning::Budget(2047), Some("low")),
        (Reasoning::Budget(2048), Some("medium")),
        (Reasoning::Budget(8192), Some("high")),
    ] {
        assert_eq!(effort(reasoning, &plain()).as_deref(), word, "{reasoning:?}");
    }
    let thoughtless = able(Capabilities { reasoning: Some(false), ..Capabilities::default() });
    assert_eq!(effort(Reasoning::Off, &thoughtless), None);
    let (text, warnings) = sent(&user(r#""reasoning":{"max_tokens":1,"exclude":true}"#), &plain());
    assert!(
        text.contains(r#""reasoning":{"max_tokens":1,"exclude":true}"#)
            && !text.contains("effort")
            && warnings.is_empty()
    );
}

#[test]
fn json_mode_without_json_object_is_a_schema() {
    let profile = with(Quirks { no_json_object: true, ..Quirks::default() });
    let format = &body(&user(r#""response_format":{"type":"json_object"}"#), &profile)["response_format"];
    assert_eq!(
        (&format["type"], &format["json_schema"]["schema"]),
        (&json!("json_schema"), &json!({"type": "object"}))
    );
}

#[test]
fn forced_tools_use_the_providers_word() {
    let profile = with(Quirks { tool_choice_required: "any".to_owned(), ..Quirks::default() });
    let request = user(r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#);
    assert_eq!(body(&request, &profile)["tool_choice"], "any");
    let named = ChatRequest { tool_choice: Some(crate::chat::ToolChoice::Function("f".to_owned())), ..request };
    assert_eq!(body(&named, &profile)["tool_choice"], json!({"type": "function", "function": {"name": "f"}}));
    // Without tools a choice is illegal.
    assert_eq!(
        body(&user(r#""tool_choice":"none","parallel_tool_calls":true"#), &plain()).as_object().unwrap().len(),
        2
    );
}

#[test]
fn developers_become_systems_and_names_are_dropped_where_they_must() {
    let request = messages(r#"[{"role":"developer","content":"d","name":"n"},{"role":"user","content":"a"}]"#);
    assert_eq!(conversation(&request, &plain())[0], json!({"role": "system", "content": "d", "name": "n"}));
    let profile = with(Quirks { supports_developer_role: true, strip_names: true, ..Quirks::default() });
    assert_eq!(conversation(&request, &profile)[0], json!({"role": "developer", "content": "d"}));
}

#[test]
fn neighbours_of_one_role_are_merged_but_tool_results_are_not() {
    let profile = with(Quirks { merge_roles: true, ..Quirks::default() });
    let request = talk(vec![
        Message::text(Role::User, "a"),
        Message::text(Role::User, "b"),
        spoken(Role::Assistant, vec![call("1", "f"), call("2", "g")]),
        result(Some("1"), None, "x"),
        result(Some("2"), None, "y"),
    ]);
    let out = conversation(&request, &profile);
    assert_eq!(out[0]["content"], json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]));
    let roles: Vec<_> = out.as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool"]);
}

#[test]
fn tool_ids_are_reshaped_alike_in_calls_and_results() {
    let profile = with(Quirks { tool_ids: ToolIds::Alnum9, ..Quirks::default() });
    let request = talk(vec![
        Message::text(Role::User, "a"),
        spoken(Role::Assistant, vec![call("call_0123456789", "f")]),
        result(Some("call_0123456789"), None, "x"),
    ]);
    let out = conversation(&request, &profile);
    let id = out[1]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.len() == 9 && out[2]["tool_call_id"] == id, "{out}");
    // Nothing to say for the arguments is an empty object.
    assert_eq!(out[1]["tool_calls"][0]["function"]["arguments"], "{}");
}

#[test]
fn results_without_ids_find_their_call_by_name_and_order() {
    let request = talk(vec![
        Message::text(Role::User, "a"),
        spoken(Role::Assistant, vec![call("1", "f"), call("2", "g"), call("3", "f")]),
        result(None, Some("g"), "g"),
        result(None, Some("f"), "f"),
        result(None, None, "rest"),
    ]);
    let out = conversation(&request, &plain());
    let ids: Vec<_> = (2..5).map(|at| out[at]["tool_call_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["2", "1", "3"]);
}

#[test]
fn images_and_orphans_follow_the_results_in_a_user_message() {
    let mut with_image = result(Some("1"), None, "seen");
    if let Part::ToolResult(result) = &mut with_image.parts[0] {
        let source = ImageSource::Base64 { media_type: None, data: "/9j/AA".to_owned() };
        result.content.push(Part::Image(Image { source, detail: None }));
        result.is_error = true;
    }
    let request = talk(vec![
        Message::text(Role::User, "a"),
        spoken(Role::Assistant, vec![call("1", "f"), call("2", "g")]),
        with_image,
        result(Some("unknown"), Some("h"), "lost"),
        result(Some("2"), None, "y"),
        Message::text(Role::User, "b"),
    ]);
    let out = conversation(&request, &plain());
    let roles: Vec<_> = out.as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "user", "user"]);
    assert_eq!(out[2]["content"][0]["text"], "The tool failed.");
    assert_eq!(out[4]["content"][1]["image_url"]["url"], "data:image/jpeg;base64,/9j/AA");
    assert_eq!(out[4]["content"][2]["text"], "Result of the tool h:");
    assert_eq!(out[4]["content"][3]["text"], "lost");
}

#[test]
fn messages_that_say_nothing_are_dropped_and_empty_results_are_not() {
    let request = talk(vec![
        Message::text(Role::System, ""),
        Message::text(Role::User, "a"),
        spoken(Role::Assistant, vec![]),
        spoken(Role::Assistant, vec![call("1", "f")]),
        result(Some("1"), None, ""),
    ]);
    let out = conversation(&request, &plain());
    assert_eq!(out.as_array().unwrap().len(), 3);
    assert_eq!(out[2], json!({"role": "tool", "content": "", "tool_call_id": "1"}));
    assert_eq!(out[1].get("content"), None);
}

#[test]
fn thinking_is_replayed_only_where_it_must_be() {
    let request = messages(
        r#"[{"role":"user","content":"a"},{"role":"assistant","content":"b","reasoning_content":"hm"},{"role":"assistant","content":"c"}]"#,
    );
    assert_eq!(conversation(&request, &plain())[1], json!({"role": "assistant", "content": "b"}));
    let profile = with(Quirks { replay_reasoning: true, ..Quirks::default() });
    let out = conversation(&request, &profile);
    assert_eq!((&out[1]["reasoning_content"], &out[2]["reasoning_content"]), (&json!("hm"), &json!(" ")));
    assert_eq!(out[0].get("reasoning_content"), None);
}

#[test]
fn several_texts_are_a_list_or_one_string() {
    let parts = ["a", "b"].map(|text| Part::Text(Text { text: text.to_owned(), cache_control: None })).to_vec();
    let request = talk(vec![spoken(Role::User, parts)]);
    assert!(conversation(&request, &plain())[0]["content"].is_array());
    let profile = with(Quirks { text_content_only_string: true, ..Quirks::default() });
    assert_eq!(conversation(&request, &profile)[0]["content"], "a\nb");
}

#[test]
fn files_and_sound_have_their_parts() {
    let file = File {
        source: FileSource::Base64 { media_type: "application/pdf".to_owned(), data: "DD".to_owned() },
        filename: Some("d.pdf".to_owned()),
    };
    let sound = Part::Audio { data: "CC".to_owned(), format: "wav".to_owned() };
    let request = talk(vec![spoken(Role::User, vec![Part::File(file), sound])]);
    let expected = json!([
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,DD", "filename": "d.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "CC", "format": "wav"}}
    ]);
    assert_eq!(conversation(&request, &plain())[0]["content"], expected);
}
