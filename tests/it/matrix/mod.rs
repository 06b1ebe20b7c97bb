//! The same conversation through every pair of protocols, streamed and whole: what the provider got, what the client
//! got, and what it cost.

mod answered;
mod asked;
mod system_text;
mod thinking;

use serde_json::{Value, json};

use crate::support::{Answer, Face, FakeUpstream, Format, TestRelay};
use answered::Answered;
use asked::{Asked, Turn};

/// Prices in USD per million tokens, chosen so that costs can be computed in one's head.
const PRICE: &str = "{ input: 1, output: 10, cache_read: 0.1 }";

/// 60 × 1 + 40 × 0.1 + 20 × 10 USD per million tokens.
const COST_NANO_USD: u64 = 264_000;

fn overrides() -> String {
    let priced = [Format::OpenAi, Format::Anthropic, Format::Gemini].map(|format| {
        let id = format.model().split_once('/').map(|(_, id)| id).unwrap_or_default();
        format!("  {}: {{ models: {{ {id}: {{ price: {PRICE} }} }} }}\n", format.name())
    });
    format!("providers:\n{}", priced.concat())
}

/// The conversation in the client's protocol.
fn request(face: Face, model: &str, stream: bool) -> Value {
    let parameters = json!({
        "type": "object", "properties": { "city": { "type": "string", "description": "Name" } }, "required": ["city"],
    });
    let function = json!({ "name": "get_weather", "description": "Looks outside", "parameters": parameters });
    let (call, result) = match face {
        Face::OpenAi => (
            json!({ "id": "call_abc12345", "type": "function",
                "function": { "name": "get_weather", "arguments": "{\"city\":\"Oslo\"}" } }),
            json!({ "role": "tool", "tool_call_id": "call_abc12345", "content": "4 degrees" }),
        ),
        Face::Ollama => (
            json!({ "id": "call_abc12345",
                "function": { "index": 0, "name": "get_weather", "arguments": { "city": "Oslo" } } }),
            json!({ "role": "tool", "tool_name": "get_weather", "tool_call_id": "call_abc12345",
                "content": "4 degrees" }),
        ),
    };
    let mut request = json!({
        "model": model, "stream": stream,
        "messages": [
            { "role": "system", "content": "You are terse." },
            { "role": "user", "content": "Weather in Oslo?" },
            { "role": "assistant", "content": "", "tool_calls": [call] },
            result,
            { "role": "user", "content": "And in Rome and Paris? 🦀" },
        ],
        "tools": [{ "type": "function", "function": function }],
    });
    if face == Face::OpenAi && stream {
        request["stream_options"] = json!({ "include_usage": true });
    }
    request
}

/// The conversation as any provider should see it.
fn expected_question() -> Asked {
    let text = str::to_owned;
    Asked {
        turns: vec![
            Turn::System(text("You are terse.")),
            Turn::User(text("Weather in Oslo?")),
            Turn::Call(text("get_weather"), json!({ "city": "Oslo" })),
            Turn::Result(text("get_weather"), text("4 degrees")),
            Turn::User(text("And in Rome and Paris? 🦀")),
        ],
        tools: vec![(text("get_weather"), text("Looks outside"), text("city"))],
    }
}

fn answer() -> Answer {
    Answer::text("Let me look 🔭")
        .tool_call("call_rome0000", "get_weather", json!({ "city": "Rome" }))
        .tool_call("call_paris000", "get_weather", json!({ "city": "Paris" }))
        .usage(60, 40, 20)
}

fn expected_answer(face: Face, format: Format) -> Answered {
    let cached = match (face, format) {
        // Ollama has no word for cached tokens, neither as a server nor as a client.
        (Face::Ollama, _) | (_, Format::Ollama) => 0,
        (Face::OpenAi, Format::OpenAi | Format::Anthropic | Format::Gemini) => 40,
    };
    Answered {
        text: "Let me look 🔭".to_owned(),
        calls: ["Rome", "Paris"].map(|city| ("get_weather".to_owned(), json!({ "city": city }))).into(),
        finish: match face {
            Face::OpenAi => "tool_calls",
            // Ollama says `stop` after tool calls, too.
            Face::Ollama => "stop",
        }
        .to_owned(),
        prompt_tokens: 100,
        cached_tokens: cached,
        output_tokens: 20,
    }
}

#[test]
fn every_pair_of_protocols_carries_the_conversation_and_its_cost() {
    for format in Format::ALL {
        for face in Face::ALL {
            for stream in [false, true] {
                let case = format!("{face:?} to {format:?}, stream: {stream}");
                let upstream = FakeUpstream::start(format).answer(answer());
                let relay = TestRelay::setup().upstreams(&[&upstream]).overrides_yaml(&overrides()).start();
                let reply = relay.client().post(face.path(), &request(face, format.model(), stream));
                assert_eq!(reply.status, 200, "{case}: {}", reply.text());

                assert_eq!(asked::read(format, &upstream.only_call()), expected_question(), "{case}");
                assert_eq!(answered::read(face, &reply), expected_answer(face, format), "{case}: {}", reply.text());
                assert_ids_differ(face, &reply);

                let report = relay.report("model", 1);
                let total = &report["total"];
                let (input, cached, cost) =
                    if format == Format::Ollama { (100, 0, 0) } else { (60, 40, COST_NANO_USD) };
                assert_eq!(total["requests"], 1, "{case}: {report}");
                assert_eq!(total["errors"], 0, "{case}: {report}");
                assert_eq!(total["input_tokens"], input, "{case}: {report}");
                assert_eq!(total["cache_read_tokens"], cached, "{case}: {report}");
                assert_eq!(total["output_tokens"], 20, "{case}: {report}");
                assert_eq!(total["cost_nano_usd"], cost, "{case}: {report}");
                assert_eq!(total["estimated_requests"], 0, "{case}: {report}");
            }
        }
    }
}

#[test]
fn without_a_relay_between_the_conversation_is_read_the_same() {
    for (face, format) in [(Face::OpenAi, Format::OpenAi), (Face::Ollama, Format::Ollama)] {
        for stream in [false, true] {
            let upstream = FakeUpstream::start(format).answer(answer());
            let reply = upstream.client().post(face.path(), &request(face, "m", stream));
            assert_eq!(asked::read(format, &upstream.only_call()), expected_question(), "{format:?}");
            assert_eq!(answered::read(face, &reply), expected_answer(face, format), "{}", reply.text());
        }
    }
}

/// Parallel calls of one tool can only be told apart by their ids.
fn assert_ids_differ(face: Face, reply: &crate::support::Reply) {
    let ids: Vec<String> = answered::call_ids(face, reply);
    assert_eq!(ids.len(), 2, "{}", reply.text());
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn every_provider_gets_our_key_in_its_own_header_and_never_the_clients() {
    for (format, name, value) in [
        (Format::OpenAi, "authorization", Some("Bearer test-key")),
        (Format::Anthropic, "x-api-key", Some("test-key")),
        (Format::Gemini, "x-goog-api-key", Some("test-key")),
        (Format::Ollama, "authorization", None),
    ] {
        let upstream = FakeUpstream::start(format);
        let relay = TestRelay::in_front_of(&[&upstream]);
        for face in Face::ALL {
            let headers = [("authorization", "Bearer of-the-client"), ("x-api-key", "of-the-client")];
            let reply = relay.client().post_with(face.path(), &headers, &face.ask(format.model(), "hi", false));
            assert_eq!(reply.status, 200, "{face:?} to {format:?}: {}", reply.text());
        }
        for call in upstream.calls() {
            assert_eq!(call.header(name), value, "{format:?}: {:?}", call.headers);
            assert!(!format!("{:?}", call.headers).contains("of-the-client"), "{format:?}: {:?}", call.headers);
            assert!(!call.query.contains("key"), "{format:?}: a key in an address ends up in logs");
        }
    }
}

#[test]
fn thinking_arrives_in_each_clients_own_field_and_never_in_the_text() {
    for format in Format::ALL {
        // The fake Ollama thinks only where its model can.
        let model = if format == Format::Ollama { "ollama/t:7b" } else { format.model() };
        let upstream = FakeUpstream::start(format).answer(Answer::text("Forty two.").reasoning("Let me count. "));
        let relay = TestRelay::in_front_of(&[&upstream]);
        for face in Face::ALL {
            for stream in [false, true] {
                let case = format!("{face:?} to {format:?}, stream: {stream}");
                let reply = relay.client().post(face.path(), &face.ask(model, "How many?", stream));
                assert_eq!(face.text(&reply), "Forty two.", "{case}: {}", reply.text());
                assert!(answered::thinking(face, &reply).starts_with("Let me count."), "{case}: {}", reply.text());
            }
        }
    }
}

#[test]
fn embeddings_cross_from_both_protocols() {
    for (upstream, model) in [
        (FakeUpstream::openai(), "openai/embed-fake"),
        (FakeUpstream::start(Format::Gemini), "gemini/embed-fake"),
        (FakeUpstream::ollama(), "ollama/e:latest"),
    ] {
        let relay = TestRelay::in_front_of(&[&upstream]);
        let body = json!({ "model": model, "input": ["a", "b"] });
        let ollama = relay.client().post("/api/embed", &body).json();
        let openai = relay.client().post("/v1/embeddings", &body).json();
        for index in [0, 1] {
            let (left, right) = (&ollama["embeddings"][index], &openai["data"][index]["embedding"]);
            let (left, right) = (numbers(left), numbers(right));
            assert_eq!((left.len(), right.len()), (4, 4), "{model}: {ollama} {openai}");
            // Numbers that were decoded are single precision, those that were passed on are as the provider wrote them.
            let close = left.iter().zip(right).all(|(left, right)| (left - right).abs() < 1e-6);
            assert!(close, "{model}: {ollama} {openai}");
        }
        assert_ne!(ollama["embeddings"][0], ollama["embeddings"][1], "{model}");
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}
