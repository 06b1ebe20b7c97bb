use super::*;
use crate::chat::Usage;
use crate::clock::UnixNanos;
use crate::protocol::ReasoningField;

fn texts(body: &str) -> Vec<String> {
    decode_embed_request(body.as_bytes())
        .unwrap()
        .inputs
        .into_iter()
        .map(|input| match input {
            EmbedInput::Text(text) => text,
            EmbedInput::Tokens(_) => panic!("Ollama has no tokens"),
        })
        .collect()
}

fn context() -> ReplyContext {
    ReplyContext {
        request_id: "r".to_owned(),
        model: "e".to_owned(),
        started: UnixNanos(0),
        include_usage: false,
        tools_offered: false,
        reasoning_as: ReasoningField::default(),
    }
}

#[test]
fn a_text_and_a_list_of_texts_are_inputs() {
    assert_eq!(texts(r#"{"input":"a"}"#), ["a"]);
    assert_eq!(texts(r#"{"input":["a","b",""]}"#), ["a", "b", ""]);
    for nothing in ["\"\"", "[]", "null"] {
        assert!(texts(&format!("{{\"input\":{nothing}}}")).is_empty());
    }
    for invalid in ["[1,2]", "7", "{}", "true", "[\"a\",null]"] {
        let error = decode_embed_request(format!("{{\"input\":{invalid}}}").as_bytes()).unwrap_err();
        assert_eq!((error.status, error.message.as_str()), (400, "invalid input type"));
    }
}

#[test]
fn settings_reach_another_ollama_server_only() {
    let body =
        br#"{"model":"x","input":"a","truncate":false,"dimensions":3,"keep_alive":"5m","options":{"num_ctx":9}}"#;
    let mut request = decode_embed_request(body).unwrap();
    let profile = ModelProfile { id: "e".to_owned(), ..ModelProfile::default() };
    let text = |request: &EmbedRequest| String::from_utf8(encode(request, &profile).unwrap().body).unwrap();
    assert_eq!(
        text(&request),
        r#"{"model":"e","input":["a"],"truncate":false,"dimensions":3,"keep_alive":"5m","options":{"num_ctx":9}}"#
    );
    request.extra.protocol = "openai";
    assert_eq!(text(&request), r#"{"model":"e","input":["a"],"truncate":false,"dimensions":3}"#);
    request.inputs.push(EmbedInput::Tokens(vec![1]));
    assert_eq!(encode(&request, &profile).unwrap_err().param, "input");
}

#[test]
fn the_older_endpoint_takes_one_prompt() {
    let request = decode_legacy_embed_request(br#"{"model":"e","prompt":"a"}"#).unwrap();
    assert_eq!(request.inputs, [EmbedInput::Text("a".to_owned())]);
    assert!(decode_legacy_embed_request(br#"{"prompt":""}"#).unwrap().inputs.is_empty());
    assert_eq!(decode_legacy_embed_request(br#"{"options":{"num_ctx":"x"}}"#).unwrap_err().status, 500);
}

#[test]
fn vectors_get_length_one_and_metrics_follow() {
    let response = EmbedResponse {
        vectors: vec![vec![3.0, 4.0], vec![0.0, 0.0]],
        model: None,
        usage: Usage { input: Some(2), ..Usage::default() },
    };
    let timing = Timing { started: UnixNanos(10), first_token: None, ended: UnixNanos(15) };
    assert_eq!(
        String::from_utf8(encode_embed_response(&context(), &response, timing)).unwrap(),
        r#"{"model":"e","embeddings":[[0.6,0.8],[0.0,0.0]],"total_duration":5,"load_duration":1,"prompt_eval_count":2}"#
    );
    assert_eq!(encode_legacy_embed_response(&response), br#"{"embedding":[3.0,4.0]}"#);
    assert_eq!(encode_legacy_embed_response(&EmbedResponse::default()), br#"{"embedding":[]}"#);
}

#[test]
fn answers_of_servers_are_read_in_both_shapes() {
    let response =
        decode(br#"{"model":"e","embeddings":[[1,2],[3,4]],"prompt_eval_count":7,"total_duration":1}"#).unwrap();
    assert_eq!(response.vectors, [[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!((response.usage.input, response.usage.output), (Some(7), None));
    assert_eq!(response.usage.raw.as_deref(), Some(r#"{"total_duration":1,"prompt_eval_count":7}"#));
    assert_eq!(decode(br#"{"embedding":[1]}"#).unwrap().vectors, [[1.0]]);
    assert!(matches!(decode(br#"{"error":"no"}"#), Err(StreamFault::Provider(error)) if error.message == "no"));
    assert!(matches!(decode(b"{}"), Err(StreamFault::Malformed(_))));
    assert!(matches!(decode(b"<html>"), Err(StreamFault::Malformed(_))));
}
