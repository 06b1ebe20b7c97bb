//! The fakes themselves: what they claim to do, they do.

use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, FakeUpstream, Fault, Format, Gate};

/// Anthropic insists on it; the others do not look.
const VERSION: [(&str, &str); 1] = [("anthropic-version", "2023-06-01")];

fn chat(format: Format, stream: bool) -> (&'static str, serde_json::Value) {
    let messages = json!([{ "role": "user", "content": "hi" }]);
    match format {
        Format::OpenAi => ("/v1/chat/completions", json!({ "model": "x", "messages": messages, "stream": stream })),
        Format::Anthropic => {
            ("/v1/messages", json!({ "model": "x", "max_tokens": 9, "messages": messages, "stream": stream }))
        }
        Format::Gemini if stream => ("/v1beta/models/x:streamGenerateContent?alt=sse", json!({ "contents": [] })),
        Format::Gemini => ("/v1beta/models/x:generateContent", json!({ "contents": [] })),
        Format::Ollama => ("/api/chat", json!({ "model": "m", "messages": messages, "stream": stream })),
    }
}

#[test]
fn every_format_says_its_words_whole_and_streamed() {
    for format in Format::ALL {
        let upstream = FakeUpstream::start(format).answer(Answer::text("größer 🦀"));
        for stream in [false, true] {
            let (path, body) = chat(format, stream);
            let reply = upstream.client().post_with(path, &VERSION, &body);
            assert!(reply.complete && reply.status == 200, "{format:?}");
            assert!(reply.text().contains("größer") && reply.text().contains('🦀'), "{format:?}");
        }
    }
}

#[test]
fn a_byte_by_byte_answer_is_the_same_answer() {
    for format in Format::ALL {
        for stream in [false, true] {
            let (path, body) = chat(format, stream);
            let plain = FakeUpstream::start(format).answer(Answer::text("größer 🦀"));
            let split = FakeUpstream::start(format).answer(Answer::text("größer 🦀").byte_by_byte());
            assert_eq!(
                plain.client().post_with(path, &VERSION, &body).body,
                split.client().post_with(path, &VERSION, &body).body,
                "{format:?}"
            );
        }
    }
}

#[test]
fn vendors_refuse_what_their_servers_refuse() {
    let no_limit = json!({ "model": "x", "messages": [{ "role": "user", "content": "hi" }] });
    let calls = json!([{ "function": { "name": "f", "arguments": "{}" } }]);
    for (format, path, body) in [
        (Format::Anthropic, "/v1/messages", no_limit.clone()),
        (Format::Gemini, "/v1beta/models/x:generateContent", json!({ "contents": [], "model": "x" })),
        (Format::OpenAi, "/v1/chat/completions", json!({ "model": "x", "stream_options": { "include_usage": true } })),
        (
            Format::Ollama,
            "/api/chat",
            json!({ "model": "m", "messages": [{ "role": "assistant", "tool_calls": calls }] }),
        ),
    ] {
        let reply = FakeUpstream::start(format).client().post_with(path, &VERSION, &body);
        assert_eq!(reply.status, 400, "{format:?}: {}", reply.text());
    }
}

#[test]
fn queued_answers_come_before_the_standing_one() {
    let upstream = FakeUpstream::openai().answer(Answer::text("standing"));
    upstream.then([Answer::status(503, "text/plain", "first"), Answer::text("second")]);
    let (path, body) = chat(Format::OpenAi, false);
    let texts = [(); 3].map(|()| upstream.client().post_with(path, &VERSION, &body).text());
    for (text, word) in texts.iter().zip(["first", "second", "standing"]) {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn a_gate_lets_one_frame_through_at_a_time_and_a_leaving_client_is_noticed() {
    let gate = Gate::closed();
    let upstream = FakeUpstream::openai().answer(Answer::text("one two three").paced_by(&gate));
    let (path, body) = chat(Format::OpenAi, true);
    let mut answering = upstream.client().stream(path, &body);
    gate.release(1);
    assert!(answering.read_until("one "));
    answering.abandon();
    assert!(upstream.closed_mid_answer(Duration::from_secs(5)).is_some());
}

#[test]
fn faults_happen_after_the_frames_they_count() {
    for format in Format::ALL {
        let (path, body) = chat(format, true);
        for (fault, complete) in [
            (Fault::Reset(1), false),
            (Fault::EarlyEnd(1), true),
            (Fault::Garbage(1), true),
            (Fault::HalfFrame(1), true),
            (Fault::ErrorEvent(1), true),
        ] {
            let upstream = FakeUpstream::start(format).answer(Answer::text("one two").fault(fault));
            let reply = upstream.client().post_with(path, &VERSION, &body);
            assert_eq!(reply.complete, complete, "{format:?} {fault:?}");
            assert!(reply.text().contains("one "), "{format:?} {fault:?}");
            if fault != Fault::HalfFrame(1) {
                assert!(!reply.text().contains("two"), "{format:?} {fault:?}");
            }
        }
    }
}
