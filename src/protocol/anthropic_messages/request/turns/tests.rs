//! Facts about turns: pairing of calls and results, thinking, prefill.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::{CacheControl, ChatRequest, Message, Role};
use crate::protocol::Capabilities;
use crate::protocol::anthropic_messages::request::conversation::Conversation;

fn try_turns(messages: Vec<Message>, capabilities: Capabilities) -> Result<(Value, Vec<String>), EncodeError> {
    let request = ChatRequest { messages, ..ChatRequest::default() };
    let names = ToolNames::for_request(&request, NameRule::ANTHROPIC);
    let profile = ModelProfile { capabilities, ..ModelProfile::default() };
    let mut warnings = Vec::new();
    let spoken = Conversation::gather(&request.messages, &mut warnings)?.turns;
    let turns = encode(spoken, &names, &profile, &mut warnings)?;
    Ok((serde_json::to_value(turns).unwrap(), warnings))
}

fn turns(messages: Vec<Message>) -> Value {
    try_turns(messages, Capabilities::default()).unwrap().0
}

fn user(text: &str) -> Message {
    Message::text(Role::User, text)
}

fn assistant(parts: Vec<Part>) -> Message {
    Message { role: Role::Assistant, parts, name: None }
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into(), signature: None })
}

fn result(call_id: Option<&str>, name: Option<&str>, text: &str) -> Message {
    let part = Part::ToolResult(ToolResult {
        call_id: call_id.map(Into::into),
        name: name.map(Into::into),
        content: vec![Part::text(text)],
        is_error: false,
    });
    Message { role: Role::Tool, parts: vec![part], name: None }
}

fn answered(id: &str, text: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": text}]})
}

#[test]
fn results_open_the_next_user_turn_in_the_order_of_the_calls() {
    let turns = turns(vec![
        user("go"),
        assistant(vec![Part::text("ok"), call("a", "f", "{}"), call("b", "g", "{}")]),
        user("hurry"),
        result(Some("b"), None, "two"),
        result(Some("a"), None, "one"),
    ]);
    assert_eq!(turns.as_array().unwrap().len(), 3);
    let expected = json!([answered("a", "one"), answered("b", "two"), {"type": "text", "text": "hurry"}]);
    assert_eq!(turns[2]["content"], expected);
}

#[test]
fn a_call_without_a_result_gets_one_that_says_so() {
    for rest in [vec![], vec![user("never mind")]] {
        let mut messages = vec![user("go"), assistant(vec![call("a", "f", "{}"), call("b", "f", "{}")])];
        messages.push(result(Some("a"), None, "one"));
        messages.extend(rest);
        let turns = turns(messages);
        assert_eq!(turns[2]["content"][0], answered("a", "one"));
        assert_eq!(turns[2]["content"][1]["tool_use_id"], "b");
        assert_eq!(turns[2]["content"][1]["is_error"], true);
    }
    let last = turns(vec![user("go"), assistant(vec![call("a", "f", "{}")])]);
    assert_eq!(last[2]["content"][0]["is_error"], true);
}

#[test]
fn a_result_without_a_call_becomes_text() {
    let turns = turns(vec![user("go"), result(Some("x"), Some("f"), "42")]);
    let expected = json!([{"type": "text", "text": "go"},
        {"type": "text", "text": "Result of an earlier call of the tool `f`:"}, {"type": "text", "text": "42"}]);
    assert_eq!(turns, json!([{"role": "user", "content": expected}]));
}

#[test]
fn results_without_ids_are_matched_by_name_and_then_by_order() {
    let turns = turns(vec![
        user("go"),
        assistant(vec![call("a", "f", "{}"), call("b", "g", "{}"), call("c", "f", "{}")]),
        result(None, Some("g"), "of g"),
        result(None, None, "first open"),
        result(None, Some("f"), "of f"),
    ]);
    assert_eq!(turns[2]["content"], json!([answered("a", "first open"), answered("b", "of g"), answered("c", "of f")]));
}

#[test]
fn ids_are_made_valid_and_unique_with_their_results() {
    let turns = turns(vec![
        user("go"),
        assistant(vec![call("call.1", "f", "{}"), call("", "f", "{}")]),
        result(Some("call.1"), None, "one"),
        assistant(vec![call("call.1", "f", "{}")]),
        result(Some("call.1"), None, "two"),
    ]);
    let id = |turn: usize, block: usize| turns[turn]["content"][block]["id"].as_str().unwrap();
    for id in [id(1, 0), id(1, 1), id(3, 0)] {
        assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{id}");
    }
    assert_ne!(id(1, 0), id(3, 0));
    assert_eq!(turns[2]["content"][0], answered(id(1, 0), "one"));
    assert_eq!(turns[4]["content"][0], answered(id(3, 0), "two"));
}

#[test]
fn arguments_become_an_object_whatever_they_were() {
    let input = |arguments: &str| {
        turns(vec![user("go"), assistant(vec![call("a", "f", arguments)])])[1]["content"][0]["input"].clone()
    };
    for empty in ["", "  ", "null", "{}"] {
        assert_eq!(input(empty), json!({}), "{empty:?}");
    }
    assert_eq!(input(" {\"b\":1,\"a\":2} ").to_string(), r#"{"b":1,"a":2}"#);
    for odd in ["[1]", "\"text\"", "{\"a\":", "free text", "{} {}"] {
        assert_eq!(input(odd), json!({"input": odd}), "{odd}");
    }
}

#[test]
fn signed_thinking_is_replayed_and_unsigned_is_not() {
    let thought = |text: &str, signature: Option<&str>, redacted: Option<&str>| {
        Part::Reasoning(ReasoningPart {
            text: text.into(),
            signature: signature.map(Into::into),
            redacted: redacted.map(Into::into),
        })
    };
    let turns = turns(vec![
        user("go"),
        assistant(vec![Part::text("before")]),
        assistant(vec![
            thought(" kept as is \n", Some("s1"), None),
            thought("", Some("s2"), None),
            thought("", None, Some("opaque")),
            thought("foreign", None, None),
            call("a", "f", "{}"),
        ]),
        result(Some("a"), None, "one"),
    ]);
    let content = turns[1]["content"].as_array().unwrap();
    assert_eq!(content[0], json!({"type": "thinking", "thinking": " kept as is \n", "signature": "s1"}));
    assert_eq!(content[1], json!({"type": "thinking", "thinking": "", "signature": "s2"}));
    assert_eq!(content[2], json!({"type": "redacted_thinking", "data": "opaque"}));
    assert_eq!(content[3], json!({"type": "text", "text": "before"}));
    assert_eq!(content.len(), 5);
}

#[test]
fn the_models_first_word_gets_a_user_turn_before_it() {
    let messages = vec![Message::text(Role::Assistant, "hello"), user("hi")];
    let (turns, warnings) = try_turns(messages, Capabilities::default()).unwrap();
    assert_eq!(turns[0], json!({"role": "user", "content": [{"type": "text", "text": "."}]}));
    assert_eq!(warnings.len(), 1);
}

#[test]
fn a_beginning_of_the_answer_loses_its_last_spaces_or_is_refused() {
    let messages = || vec![user("go"), Message::text(Role::Assistant, "The answer is \n")];
    assert_eq!(turns(messages())[1]["content"][0]["text"], "The answer is");
    let refused = try_turns(messages(), Capabilities { prefill: Some(false), ..Capabilities::default() });
    assert_eq!(refused.unwrap_err().param, "messages");
}

#[test]
fn a_cache_mark_inside_a_result_moves_to_the_result() {
    let marked = Part::Text(Text { text: "big".into(), cache_control: Some(CacheControl { one_hour: true }) });
    let part =
        Part::ToolResult(ToolResult { call_id: Some("a".into()), name: None, content: vec![marked], is_error: true });
    let results = Message { role: Role::Tool, parts: vec![part], name: None };
    let turns = turns(vec![user("go"), assistant(vec![call("a", "f", "")]), results]);
    let expected = json!({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "big"}],
        "is_error": true, "cache_control": {"type": "ephemeral", "ttl": "1h"}});
    assert_eq!(turns[2]["content"][0], expected);
}

#[test]
fn what_the_model_cannot_perceive_is_refused() {
    let sound = Part::Audio { data: "AAAA".into(), format: "wav".into() };
    let message = |part| vec![Message { role: Role::User, parts: vec![part], name: None }];
    assert!(try_turns(message(sound), Capabilities::default()).is_err());
    let url = crate::chat::ImageSource::Url("https://example.com/a.png".into());
    let image = || Part::Image(crate::chat::Image { source: url.clone(), detail: Some("low".into()) });
    let source = json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}});
    assert_eq!(turns(message(image()))[0]["content"][0], source);
    let blind = Capabilities { vision: Some(false), ..Capabilities::default() };
    assert!(try_turns(message(image()), blind).is_err());
}

/// Any message a client could have kept, lost or cut.
fn any_message() -> impl Strategy<Value = Message> {
    let text = prop_oneof!["", " \n", "[a-z]{1,4} "].prop_map(Part::text);
    let id = || prop_oneof![Just("a"), Just("b.c"), Just("")];
    let called =
        (id(), prop_oneof![Just(""), Just("{\"x\":1}"), Just("odd")]).prop_map(|(id, input)| call(id, "f", input));
    let thought = proptest::option::of("[a-z]{0,3}")
        .prop_map(|signature| Part::Reasoning(ReasoningPart { text: "hm".into(), signature, redacted: None }));
    let said = proptest::collection::vec(text.clone(), 0..3);
    let answer = proptest::collection::vec(prop_oneof![text, called, thought], 0..4);
    let found = (proptest::option::of(id()), prop_oneof!["", "[a-z]{1,3}"]);
    prop_oneof![
        (prop_oneof![Just(Role::User), Just(Role::System)], said).prop_map(|(role, parts)| Message {
            role,
            parts,
            name: None
        }),
        answer.prop_map(assistant),
        found.prop_map(|(id, text)| result(id, None, &text)),
    ]
}

/// The `field`s of the blocks of one type.
fn fields<'v>(turn: &'v Value, kind: &str, field: &str) -> Vec<&'v Value> {
    let blocks = turn["content"].as_array().unwrap();
    blocks.iter().filter(|block| block["type"] == kind).map(|block| &block[field]).collect()
}

proptest! {
    #[test]
    fn any_conversation_becomes_one_that_anthropic_accepts(messages in proptest::collection::vec(any_message(), 0..9)) {
        let Ok((turns, _)) = try_turns(messages, Capabilities::default()) else { return Ok(()) };
        let turns = turns.as_array().unwrap();
        let mut seen = HashSet::new();
        for (at, turn) in turns.iter().enumerate() {
            prop_assert_eq!(&turn["role"], if at % 2 == 0 { "user" } else { "assistant" });
            prop_assert!(!turn["content"].as_array().unwrap().is_empty());
            prop_assert!(fields(turn, "text", "text").iter().all(|text| !is_blank(text.as_str().unwrap())));
            prop_assert!(fields(turn, "tool_use", "id").into_iter().all(|id| seen.insert(id.to_string())));
            let asked = if at == 0 { vec![] } else { fields(&turns[at - 1], "tool_use", "id") };
            prop_assert_eq!(&fields(turn, "tool_result", "tool_use_id"), &asked);
            let opening = turn["content"].as_array().unwrap().iter().take(asked.len());
            prop_assert!(opening.into_iter().all(|block| block["type"] == "tool_result"));
            let thoughts = fields(turn, "thinking", "signature").len();
            prop_assert!(thoughts == 0 || turn["content"][0]["type"] == "thinking");
        }
        let last = turns.last().unwrap();
        prop_assert!(last["role"] == "user" || fields(last, "tool_use", "id").is_empty());
    }
}
