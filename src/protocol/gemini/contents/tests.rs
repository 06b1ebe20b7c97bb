use proptest::prelude::{BoxedStrategy, Strategy, prop_assert, prop_assert_eq, prop_assert_ne, prop_oneof, proptest};
use proptest::{collection, option, sample};
use serde_json::{Value, json};

use crate::chat::{File, FileSource, Image, ImageSource, Message, Part, Role, ToolCall, ToolResult};
use crate::protocol::ClientCodec;
use crate::protocol::gemini::samples::{call, message, profile, refused, result, said, sent, sent_to};
use crate::protocol::gemini::{self, request::encode};

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
fn a_call_goes_back_as_it_came() {
    let answer = r#"{"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true},
        {"functionCall":{"id":"c1","name":"get","args":{"z":1.0,"a":[]}},"thoughtSignature":"c2ln+/=="},
        {"functionCall":{"name":"put","args":{}}}]},"finishReason":"STOP"}],"responseId":"r"}"#;
    let response = gemini::Client.decode_response(answer.as_bytes()).unwrap();
    let parts = response.choices[0].parts.clone();
    let (body, _) = sent_to(
        "gemini-3-pro-preview",
        &said(vec![
            Message::text(Role::User, "go"),
            message(Role::Assistant, parts),
            message(Role::Tool, vec![result(Some("c1"), None, "1"), result(Some("call_r_1"), None, "2")]),
        ]),
    );
    let expected = json!([
        {"functionCall": {"id": "c1", "name": "get", "args": {"z": 1.0, "a": []}}, "thoughtSignature": "c2ln+/=="},
        {"functionCall": {"id": "call_r_1", "name": "put", "args": {}}},
    ]);
    assert_eq!(body["contents"][1]["parts"], expected);
    let names: Vec<_> = functions(&body["contents"][2], "functionResponse").collect();
    assert_eq!(names, ["get", "put"]);
}

/// Names in a turn's parts of one kind.
fn functions<'a>(turn: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = turn["parts"].as_array().into_iter().flatten();
    parts.filter_map(move |part| part.get(kind)).map(|function| function["name"].as_str().unwrap())
}

/// Any message clients send, sensible or not.
fn any_message() -> impl Strategy<Value = Message> {
    let ids = || sample::select(vec!["a", "b", "c"]);
    let text = sample::select(vec!["", "hi", "{}"]).prop_map(Part::text);
    let calls = (ids(), ids()).prop_map(|(id, name)| call(id, name, "{}"));
    let results = (option::of(ids()), option::of(ids())).prop_map(|(id, name)| result(id, name, "done"));
    let messages = |role, part: BoxedStrategy<Part>| {
        collection::vec(part, 0..4).prop_map(move |parts| message(role, parts)).boxed()
    };
    prop_oneof![
        messages(Role::System, text.clone().boxed()),
        messages(Role::User, text.clone().boxed()),
        messages(Role::Assistant, prop_oneof![text, calls].boxed()),
        messages(Role::Tool, results.boxed()),
    ]
}

proptest! {
    #[test]
    fn every_conversation_follows_the_rules_of_the_api(messages in collection::vec(any_message(), 0..10)) {
        let Ok(encoded) = encode(&said(messages), &profile("gemini-3-flash-preview")) else { return Ok(()) };
        let body: Value = serde_json::from_slice(&encoded.body).unwrap();
        let contents = body["contents"].as_array().unwrap();
        prop_assert_eq!(&contents[0]["role"], "user");
        prop_assert_eq!(functions(&contents[0], "functionResponse").count(), 0);
        for turn in contents {
            let parts = turn["parts"].as_array().unwrap();
            prop_assert!(!parts.is_empty() && parts.iter().all(|part| part["text"] != ""));
        }
        for pair in contents.windows(2) {
            prop_assert_ne!(&pair[0]["role"], &pair[1]["role"]);
            let calls: Vec<_> = functions(&pair[0], "functionCall").collect();
            let responses: Vec<_> = functions(&pair[1], "functionResponse").collect();
            prop_assert_eq!(calls, responses);
        }
        let last = contents.last().unwrap();
        prop_assert_eq!(functions(last, "functionCall").count(), 0);
    }
}
