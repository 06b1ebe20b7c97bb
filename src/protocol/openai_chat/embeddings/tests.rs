use serde_json::json;

use super::*;
use crate::chat::Usage;
use crate::clock::UnixNanos;
use crate::protocol::{Quirks, ReasoningField};

fn read(fields: &str) -> Result<(EmbedRequest, VectorEncoding), DecodeError> {
    decode_embed_request(format!("{{\"model\":\"m\",{fields}}}").as_bytes())
}

fn profile() -> ModelProfile {
    ModelProfile { id: "e".to_owned(), ..ModelProfile::default() }
}

fn sent(request: &EmbedRequest) -> String {
    String::from_utf8(encode_request(request, &profile()).unwrap().body).unwrap()
}

#[test]
fn all_four_forms_of_input_are_read() {
    let text = |text: &str| EmbedInput::Text(text.to_owned());
    for (input, expected) in [
        ("\"a\"", vec![text("a")]),
        ("\"\"", vec![text("")]),
        ("[\"a\",\"b\"]", vec![text("a"), text("b")]),
        ("[1,2]", vec![EmbedInput::Tokens(vec![1, 2])]),
        ("[[1],[2,3]]", vec![EmbedInput::Tokens(vec![1]), EmbedInput::Tokens(vec![2, 3])]),
    ] {
        assert_eq!(read(&format!("\"input\":{input}")).unwrap().0.inputs, expected, "{input}");
    }
}

#[test]
fn wrong_input_and_encodings_are_refused_by_name() {
    for (fields, param, message) in [
        ("\"input\":[]", "input", "invalid input"),
        ("\"x\":1", "input", "invalid input"),
        ("\"input\":{}", "input", "invalid input type"),
        ("\"input\":[-1]", "input", "invalid input type"),
        (
            "\"input\":\"a\",\"encoding_format\":\"hex\"",
            "encoding_format",
            "`encoding_format` must be \"float\" or \"base64\"",
        ),
    ] {
        let error = read(fields).unwrap_err();
        assert_eq!(
            (error.status, error.param.as_deref(), error.message.as_str()),
            (400, Some(param), message),
            "{fields}"
        );
    }
}

#[test]
fn providers_are_asked_for_floats() {
    let (request, encoding) =
        read(r#""input":["a"],"encoding_format":"BASE64","dimensions":8,"user":"u","task":"x""#).unwrap();
    assert_eq!(encoding, VectorEncoding::Base64);
    assert_eq!(sent(&request), r#"{"model":"e","input":["a"],"dimensions":8,"user":"u","task":"x"}"#);
    assert_eq!(sent(&read("\"input\":[1,2]").unwrap().0), r#"{"model":"e","input":[[1,2]]}"#);
}

#[test]
fn what_cannot_be_embedded_is_refused() {
    let mixed = vec![EmbedInput::Text(String::new()), EmbedInput::Tokens(vec![1])];
    for inputs in [vec![], mixed] {
        let request = EmbedRequest { inputs, ..EmbedRequest::default() };
        assert_eq!(encode_request(&request, &profile()).unwrap_err().param, "input");
    }
    let quirks = Quirks { unsupported_params: vec!["dimensions".to_owned()], ..Quirks::default() };
    let fixed = ModelProfile { quirks, ..profile() };
    let (request, _) = read("\"input\":\"a\",\"dimensions\":8").unwrap();
    assert_eq!(encode_request(&request, &fixed).unwrap_err().param, "dimensions");
}

#[test]
fn vectors_come_in_the_order_of_their_index_as_floats_or_base64() {
    let base64 = STANDARD.encode([1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat());
    let body = json!({"object": "list", "model": "m", "data": [
        {"object": "embedding", "index": 1, "embedding": base64},
        {"object": "embedding", "index": 0, "embedding": [0.25, 1]}],
        "usage": {"prompt_tokens": 4, "total_tokens": 4}});
    let response = decode_response(body.to_string().as_bytes()).unwrap();
    assert_eq!(response.vectors, [[0.25, 1.0], [1.5, -2.0]]);
    assert_eq!((response.model.as_deref(), response.usage.input, response.usage.output), (Some("m"), Some(4), None));
}

#[test]
fn what_is_no_answer_is_a_fault() {
    assert!(
        matches!(decode_response(br#"{"error":{"message":"no"}}"#), Err(StreamFault::Provider(error)) if error.message == "no")
    );
    for body in [
        "",
        "[]",
        r#"{"data":7}"#,
        r#"{"data":[{"embedding":"!!"}]}"#,
        r#"{"data":[{"embedding":"AAA="}]}"#,
        r#"{"data":[{"embedding":{}}]}"#,
    ] {
        assert!(matches!(decode_response(body.as_bytes()), Err(StreamFault::Malformed(_))), "{body}");
    }
}

#[test]
fn clients_get_numbers_or_four_bytes_for_each() {
    let context = ReplyContext {
        request_id: "r".to_owned(),
        model: "fast".to_owned(),
        started: UnixNanos(0),
        include_usage: false,
        tools_offered: false,
        reasoning_as: ReasoningField::default(),
    };
    let response = EmbedResponse {
        vectors: vec![vec![0.1, -2.0]],
        model: None,
        usage: Usage { input: Some(3), ..Usage::default() },
    };
    assert_eq!(
        String::from_utf8(encode_embed_response(&context, &response, VectorEncoding::Float)).unwrap(),
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2.0]}],"model":"fast","usage":{"prompt_tokens":3,"total_tokens":3}}"#
    );
    let body = encode_embed_response(&context, &response, VectorEncoding::Base64);
    let value: Value = serde_json::from_slice(&body).unwrap();
    let text = value["data"][0]["embedding"].as_str().unwrap();
    assert_eq!(STANDARD.decode(text).unwrap().len(), 4 * 2);
    assert_eq!(decode_response(&body).unwrap().vectors, response.vectors);
}
