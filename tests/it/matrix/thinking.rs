//! Thinking that does not come where the client looks for it.

use serde_json::json;

use super::answered;
use crate::support::{Answer, Face, FakeUpstream, Format, TestRelay};

#[test]
fn thinking_between_tags_leaves_the_text() {
    let upstream = FakeUpstream::openai().answer(Answer::text("<think>Let me count.</think>\n\nThree words here."));
    let relay = TestRelay::setup()
        .overrides_yaml("providers: { openai: { defaults: { think_tags: true } } }")
        .upstreams(&[&upstream])
        .start();
    for (face, stream) in Face::ALL.into_iter().flat_map(|face| [(face, true), (face, false)]) {
        let reply = relay.client().post(face.path(), &face.ask("openai/gpt-fake", "How many?", stream));
        assert_eq!(face.text(&reply), "Three words here.", "{face:?} {stream}: {}", reply.text());
        assert_eq!(answered::thinking(face, &reply), "Let me count.", "{face:?} {stream}: {}", reply.text());
    }
}

#[test]
fn a_stream_that_comes_in_one_piece_loses_its_tags_too() {
    let whole = json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-fake", "choices": [
        { "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "<think>hm</think>so" } },
    ], "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 } });
    let upstream = FakeUpstream::openai().answer(Answer::status(200, "application/json", &whole.to_string()));
    let relay = TestRelay::setup()
        .overrides_yaml("providers: { openai: { defaults: { think_tags: true } } }")
        .upstreams(&[&upstream])
        .start();
    for face in Face::ALL {
        let reply = relay.client().post(face.path(), &face.ask("openai/gpt-fake", "?", true));
        assert_eq!(face.text(&reply), "so", "{face:?}: {}", reply.text());
        assert_eq!(answered::thinking(face, &reply), "hm", "{face:?}: {}", reply.text());
    }
}

#[test]
fn who_asks_for_no_thinking_gets_none() {
    for format in Format::ALL {
        let upstream = FakeUpstream::start(format).answer(Answer::text("Three.").reasoning("Let me count."));
        let relay = TestRelay::in_front_of(&[&upstream]);
        for (face, stream) in Face::ALL.into_iter().flat_map(|face| [(face, true), (face, false)]) {
            // Where both speak the same the bytes go through, and not to think is the provider's affair.
            if matches!((face, format), (Face::OpenAi, Format::OpenAi) | (Face::Ollama, Format::Ollama)) {
                continue;
            }
            let mut ask = face.ask(format.model(), "How many?", stream);
            match face {
                Face::OpenAi => ask["reasoning_effort"] = "none".into(),
                Face::Ollama => ask["think"] = false.into(),
            }
            let reply = relay.client().post(face.path(), &ask);
            let case = format!("{face:?} {format:?} {stream}: {}", reply.text());
            assert_eq!(face.text(&reply), "Three.", "{case}");
            // Not even an empty field.
            for key in ["thinking", "reasoning", "reasoning_content"] {
                assert!(!reply.text().contains(&format!("\"{key}\":")), "{case}");
            }
        }
    }
}
