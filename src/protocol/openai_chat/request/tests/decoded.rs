//! What clients send.

use serde_json::json;

use super::super::super::request;
use super::{messages, read, try_read, user};
use crate::chat::{
    CacheControl, Effort, FileSource, ImageSource, OutputFormat, Part, Reasoning, Role, ToolChoice, ToolKind,
};

fn fault(fields: &str) -> (String, String) {
    let error = try_read(fields).unwrap_err();
    assert_eq!(error.status, 400, "{fields}");
    (error.param.unwrap_or_default(), error.message)
}

fn fault_in_messages(json: &str) -> (String, String) {
    fault(&format!("\"messages\":{json}"))
}

#[test]
fn a_missing_or_empty_conversation_is_too_short() {
    for fields in ["\"messages\":[]", "\"messages\":null", "\"x\":1"] {
        assert_eq!(fault(fields), ("messages".to_owned(), "[] is too short - 'messages'".to_owned()));
    }
}

#[test]
fn an_empty_body_is_eof_and_broken_json_has_a_place() {
    for body in ["", " \n"] {
        assert_eq!(request::decode(body.as_bytes()).unwrap_err().message, "EOF");
    }
    assert!(request::decode(b"{\"model\":").unwrap_err().message.contains("column"));
}

#[test]
fn wrong_types_name_their_field() {
    for (fields, param) in [
        (r#""messages":"hi""#, "messages"),
        (r#""messages":[{"role":"user","content":"a"},{"role":"user","content":7}]"#, "messages[1]"),
        (r#""messages":[{"content":"a"}]"#, "messages[0]"),
        (r#""messages":[{"role":"king","content":"a"}]"#, "messages[0].role"),
        (r#""messages":[{"role":"user","content":[{"type":"text"}]}]"#, "messages[0].content[0]"),
        (r#""messages":[{"role":"user","content":[{"type":"video_url"}]}]"#, "messages[0].content[0]"),
        (r#""messages":[{"role":"user"}]"#, "messages[0].content"),
        (r#""messages":[{"role":"assistant","tool_calls":[{"id":"a"}]}]"#, "messages[0].tool_calls[0]"),
    ] {
        assert_eq!(fault(fields).0, param, "{fields}");
    }
    for (field, value) in [
        ("temperature", "\"hot\""),
        ("stream", "\"yes\""),
        ("max_tokens", "1.5"),
        ("seed", "true"),
        ("stop", "[1]"),
        ("n", "-1"),
        ("tools", "{}"),
        ("tool_choice", "7"),
        ("tool_choice", "\"sometimes\""),
        ("response_format", "\"json\""),
        ("reasoning_effort", "\"a lot\""),
        ("logit_bias", "[]"),
        ("top_k", "\"many\""),
        ("stream_options", "{\"include_usage\":\"yes\"}"),
    ] {
        let (param, _) = fault(&format!(r#""messages":[{{"role":"user","content":"a"}}],"{field}":{value}"#));
        assert_eq!(param, field, "{value}");
    }
    assert_eq!(fault(r#""messages":[{"role":"user","content":"a"}],"tools":[{"type":"web_search"}]"#).0, "tools[0]");
}

#[test]
fn parts_and_tools_of_unknown_kinds_are_left_out_and_the_first_is_named() {
    let clip = r#"{"type":"text","text":"What happens here?"},{"type":"video_url","video_url":{"url":"https://a.test/v.mp4"}}"#;
    for (content, calls, tools, place) in [
        (clip, "null", "null", "messages[0].content[1]"),
        ("", r#"[{"id":"c","type":"mcp","mcp":{}}]"#, "null", "messages[1].tool_calls[0]"),
        ("", "null", r#"[{"type":"function","function":{"name":"f"}},{"type":"web_search"}]"#, "tools[1]"),
        (clip, "null", r#"[{"type":"web_search"}]"#, "messages[0].content[1]"),
    ] {
        let messages = format!(
            r#"[{{"role":"user","content":[{content}]}},{{"role":"assistant","content":"Well.","tool_calls":{calls}}}]"#
        );
        let body = format!(r#"{{"model":"m","messages":{messages},"tools":{tools}}}"#);
        let request = request::decode(body.as_bytes()).unwrap();
        let unread = request.unread.unwrap();
        assert_eq!((unread.protocol, unread.place.as_str()), ("openai", place), "{body}");
        assert_eq!(request.messages[0].parts.len(), usize::from(!content.is_empty()), "the text is there: {body}");
        assert_eq!(request.messages[1].parts, [Part::text("Well.".to_owned())], "{body}");
        assert!(request.tools.iter().all(|tool| tool.name == "f"), "{body}");
    }
}

#[test]
fn null_content_is_allowed_only_where_something_else_is_said() {
    let (_, message) = fault_in_messages(r#"[{"role":"user","content":null}]"#);
    assert_eq!(message, "invalid message content type: <nil>");
    let request = messages(
        r#"[{"role":"assistant","content":null,"tool_calls":[{"id":"a","function":{"name":"f","arguments":"not json"}}]}]"#,
    );
    let Part::ToolCall(call) = &request.messages[0].parts[0] else { panic!("{request:?}") };
    assert_eq!((call.id.as_str(), call.arguments.as_str()), ("a", "not json"));
}

#[test]
fn zero_and_false_are_said_and_null_is_not() {
    let request = user(
        r#""temperature":0,"seed":0,"top_p":null,"presence_penalty":0,"max_tokens":0,"parallel_tool_calls":false"#,
    );
    assert_eq!(
        (request.sampling.temperature, request.sampling.seed, request.sampling.top_p),
        (Some(0.0), Some(0), None)
    );
    assert_eq!((request.max_tokens, request.parallel_tool_calls), (Some(0), Some(false)));
    assert!(request.extra.fields.is_empty() && request.extra.protocol.is_empty());
}

#[test]
fn the_newer_name_for_max_tokens_wins_and_minus_one_is_no_limit() {
    assert_eq!(user(r#""max_tokens":5,"max_completion_tokens":6"#).max_tokens, Some(6));
    assert_eq!(user(r#""max_tokens":5,"max_completion_tokens":null"#).max_tokens, Some(5));
    assert_eq!(user(r#""max_tokens":-1"#).max_tokens, None);
}

#[test]
fn unknown_fields_ride_along_in_order() {
    let request =
        user(r#""zebra":1,"provider":{"order":["a"]},"stream_options":{"include_usage":true},"null":null,"user":"u""#);
    assert_eq!(request.extra.protocol, "openai");
    assert_eq!(request.extra.fields.keys().collect::<Vec<_>>(), ["zebra", "provider", "stream_options"]);
    assert_eq!(request.end_user.as_deref(), Some("u"));
}

#[test]
fn extensions_of_sampling_are_both_understood_and_kept() {
    let request = user(r#""top_k":40,"min_p":0.1,"repetition_penalty":1.1"#);
    assert_eq!((request.sampling.top_k, request.sampling.repeat_penalty), (Some(40), Some(1.1)));
    assert_eq!(request.extra.fields.len(), 3);
}

#[test]
fn images_come_as_object_or_bare_address_as_link_or_data() {
    let request = messages(
        r#"[{"role":"user","content":[{"type":"text","text":"see","cache_control":{"type":"ephemeral","ttl":"1h"}},
        {"type":"image_url","image_url":{"url":"https://a/b.png","detail":"low"}},
        {"type":"image_url","image_url":"data:image/webp;charset=x;base64,AAAA"},
        {"type":"image_url","image_url":"data:;base64,BBBB"},
        {"type":"input_audio","input_audio":{"data":"CC","format":"wav"}},
        {"type":"file","file":{"file_data":"data:application/pdf;base64,DD","filename":"d.pdf"}},
        {"type":"file","file":{"file_id":"f1"}}]}]"#,
    );
    let parts = &request.messages[0].parts;
    let Part::Text(text) = &parts[0] else { panic!("{parts:?}") };
    assert_eq!(text.cache_control, Some(CacheControl { one_hour: true }));
    let sources: Vec<_> =
        parts.iter().filter_map(|part| if let Part::Image(image) = part { Some(image) } else { None }).collect();
    assert_eq!(
        (&sources[0].source, sources[0].detail.as_deref()),
        (&ImageSource::Url("https://a/b.png".to_owned()), Some("low"))
    );
    assert_eq!(
        sources[1].source,
        ImageSource::Base64 { media_type: Some("image/webp".to_owned()), data: "AAAA".to_owned() }
    );
    assert_eq!(sources[2].source, ImageSource::Base64 { media_type: None, data: "BBBB".to_owned() });
    assert_eq!(parts[4], Part::Audio { data: "CC".to_owned(), format: "wav".to_owned() });
    let Part::File(file) = &parts[6] else { panic!("{parts:?}") };
    assert_eq!(file.source, FileSource::Id("f1".to_owned()));
    // What ollama-ai-provider makes of a binary image.
    for url in [r#"{"0":137,"1":80}"#, "\"C:\\\\a.png\"", "\"data:image/png,raw\""] {
        let (param, _) =
            fault_in_messages(&format!(r#"[{{"role":"user","content":[{{"type":"image_url","image_url":{url}}}]}}]"#));
        assert!(param.starts_with("messages[0]"), "{url}: {param}");
    }
}

#[test]
fn replayed_thinking_signatures_and_refusals_are_kept() {
    let request = messages(
        r#"[{"role":"assistant","content":"a","reasoning_content":"hm","refusal":"no","name":"n","tool_calls":[
        {"id":"c","type":"function","function":{"name":"f","arguments":{"a":1}},"extra_content":{"google":{"thought_signature":"sig"}}},
        {"id":"d","type":"custom","custom":{"name":"g","input":"free"}}]}]"#,
    );
    let message = &request.messages[0];
    assert_eq!(message.name.as_deref(), Some("n"));
    let Part::Reasoning(reasoning) = &message.parts[0] else { panic!("{message:?}") };
    assert_eq!((reasoning.text.as_str(), &reasoning.signature), ("hm", &None));
    assert_eq!(message.parts[2], Part::Refusal("no".to_owned()));
    let Part::ToolCall(call) = &message.parts[3] else { panic!("{message:?}") };
    assert_eq!((call.arguments.as_str(), call.signature.as_deref()), (r#"{"a":1}"#, Some("sig")));
    let Part::ToolCall(call) = &message.parts[4] else { panic!("{message:?}") };
    assert_eq!((call.name.as_str(), call.arguments.as_str()), ("g", "free"));
}

#[test]
fn deprecated_functions_become_tools_and_their_results_find_their_call() {
    let request = read(
        r#""functions":[{"name":"f","parameters":{"type":"object"}}],"function_call":{"name":"f"},"messages":[
        {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
        {"role":"function","name":"f","content":"42"}]"#,
    );
    assert_eq!(
        (request.tools[0].name.as_str(), &request.tool_choice),
        ("f", &Some(ToolChoice::Function("f".to_owned())))
    );
    let Part::ToolCall(call) = &request.messages[0].parts[0] else { panic!("{request:?}") };
    let Part::ToolResult(result) = &request.messages[1].parts[0] else { panic!("{request:?}") };
    assert_eq!((request.messages[1].role, result.call_id.as_ref()), (Role::Tool, Some(&call.id)));
}

#[test]
fn tools_keep_order_schema_and_marks() {
    let request = user(
        r#""tools":[{"type":"function","function":{"name":"b","description":"d","strict":true,"parameters":{"z":1,"a":2}},"cache_control":{"type":"ephemeral"}},
        {"type":"custom","custom":{"name":"c"}},{"name":"a","parameters":null}],"tool_choice":"any""#,
    );
    let names: Vec<_> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["b", "c", "a"]);
    assert_eq!(request.tools[0].parameters.as_ref().unwrap().to_string(), r#"{"z":1,"a":2}"#);
    assert_eq!((request.tools[0].cache_control, request.tools[0].strict), (Some(CacheControl::default()), Some(true)));
    assert_eq!((request.tools[1].kind, &request.tools[2].parameters), (ToolKind::Custom, &None));
    assert_eq!(request.tool_choice, Some(ToolChoice::Required));
}

#[test]
fn allowed_tools_leave_the_others_out() {
    let request = user(
        r#""tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}],
        "tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"b"}}]}}"#,
    );
    assert_eq!((request.tools.len(), request.tools[0].name.as_str()), (1, "b"));
    assert_eq!(request.tool_choice, Some(ToolChoice::Required));
}

#[test]
fn formats_are_understood_or_kept() {
    let format = |json: &str| user(&format!("\"response_format\":{json}"));
    assert_eq!(format(r#"{"type":"text"}"#).format, None);
    assert_eq!(format(r#"{"type":"json_object"}"#).format, Some(OutputFormat::Json));
    let schema =
        format(r#"{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}}"#);
    let expected = OutputFormat::Schema {
        name: Some("n".to_owned()),
        description: None,
        schema: json!({"type": "object"}),
        strict: Some(true),
    };
    assert_eq!((schema.format, schema.extra.fields.len()), (Some(expected), 0));
    let regex = format(r#"{"type":"regex","regex":{"regex":"a+"}}"#);
    assert_eq!((regex.format, regex.extra.fields.len()), (None, 1));
}

#[test]
fn reasoning_comes_as_word_or_object_and_the_object_wins() {
    for (fields, expected) in [
        (r#""reasoning_effort":"none""#, Some(Reasoning::Off)),
        (r#""reasoning_effort":"xhigh""#, Some(Reasoning::Effort(Effort::XHigh))),
        (r#""reasoning_effort":"""#, None),
        (r#""reasoning":{"effort":"low"},"reasoning_effort":"high""#, Some(Reasoning::Effort(Effort::Low))),
        (r#""reasoning":{"max_tokens":3000}"#, Some(Reasoning::Budget(3000))),
        (r#""reasoning":{"enabled":false}"#, Some(Reasoning::Off)),
        (r#""reasoning":{"enabled":true}"#, Some(Reasoning::On)),
        (r#""reasoning":null"#, None),
    ] {
        assert_eq!(user(fields).reasoning, expected, "{fields}");
    }
    assert!(user(r#""reasoning":{"effort":"low"}"#).extra.fields.is_empty());
    assert_eq!(user(r#""reasoning":{"effort":"low","exclude":true}"#).extra.fields.len(), 1);
    assert!(
        fault(r#""messages":[{"role":"user","content":"a"}],"reasoning_effort":"huge""#)
            .1
            .starts_with("invalid reasoning value:")
    );
}

#[test]
fn logprobs_need_their_switch() {
    assert_eq!(user(r#""logprobs":true,"top_logprobs":3"#).logprobs, Some(3));
    assert_eq!(user(r#""logprobs":true"#).logprobs, Some(0));
    assert_eq!(user(r#""logprobs":false,"top_logprobs":3"#).logprobs, None);
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_decoder_panic(text in ".{0,60}", value in "(null|true|7|-1|\"x\"|\\[\\]|\\{\\}|\\[\\{\\}\\]|\\[null\\])", field in "(messages|tools|tool_choice|stop|response_format|reasoning|n|functions|function_call)") {
        let _ = request::decode(text.as_bytes());
        let _ = try_read(&format!("\"messages\":[{{\"role\":\"user\",\"content\":{text:?}}}],\"{field}\":{value}"));
        let _ = try_read(&format!("\"messages\":[{{\"role\":\"assistant\",\"content\":{value},\"tool_calls\":{value},\"function_call\":{value}}}]"));
    }
}
