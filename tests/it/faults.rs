//! What a provider does wrong reaches the client as its own protocol's error, never as a proper end.

use serde_json::{Value, json};

use crate::support::{Answer, Face, FakeUpstream, Fault, Format, Reply, TestRelay};

/// One way to ask: the client's protocol, the provider's, and whether a stream is wanted.
#[derive(Debug, Clone, Copy)]
struct Case {
    face: Face,
    format: Format,
    stream: bool,
}

impl Case {
    fn all() -> Vec<Self> {
        let of_format = |format, face| [true, false].map(|stream| Self { face, format, stream });
        let of_face = |face| Format::ALL.into_iter().flat_map(move |format| of_format(format, face));
        Face::ALL.into_iter().flat_map(of_face).collect()
    }

    fn streams() -> Vec<Self> {
        Self::all().into_iter().filter(|case| case.stream).collect()
    }
}

/// Four providers that answer alike, and a relay in front of them.
struct World {
    upstreams: Vec<FakeUpstream>,
    relay: TestRelay,
}

impl World {
    fn answering(answer: impl Fn(Format) -> Answer) -> Self {
        let start = |format: Format| FakeUpstream::start(format).answer(answer(format));
        let upstreams: Vec<FakeUpstream> = Format::ALL.into_iter().map(start).collect();
        let setup = TestRelay::setup().upstreams(&upstreams.iter().collect::<Vec<_>>());
        let relay = setup.env("IDLE_TIMEOUT_SECONDS", "1").env("FIRST_BYTE_TIMEOUT_SECONDS", "5").start();
        Self { upstreams, relay }
    }

    /// Asks in all these ways at once, so that waiting cases wait together.
    fn ask(&self, cases: Vec<Case>) -> Vec<(Case, Reply)> {
        let client = self.relay.client();
        std::thread::scope(|scope| {
            let ask = |case: Case| {
                let body = case.face.ask(case.format.model(), "hi", case.stream);
                scope.spawn(move || (case, client.post(case.face.path(), &body)))
            };
            let asking: Vec<_> = cases.into_iter().map(ask).collect();
            asking.into_iter().map(|thread| thread.join().expect("every request is answered")).collect()
        })
    }
}

/// The answer is an error of the client's protocol and does not claim to be complete.
fn assert_failed(case: Case, reply: &Reply) {
    let text = reply.text();
    assert!(reply.complete, "{case:?}: the answer was cut instead of ended: {text}");
    let message = case.face.error(reply);
    assert!(message.is_some_and(|message| !message.is_empty()), "{case:?}: no error at the end of: {text}");
    assert_eq!(case.face.end(reply), None, "{case:?}: an end was invented: {text}");
}

/// A fault after the first word: streams end in an error event, whole answers are a 502 or 504.
fn assert_fault_after_first_word(fault: Fault, whole_status: u16) -> World {
    let world = World::answering(|_| Answer::text("one two three").fault(fault));
    for (case, reply) in world.ask(Case::all()) {
        assert_failed(case, &reply);
        if case.stream {
            assert_eq!(reply.status, 200, "{case:?}");
            assert!(case.face.text(&reply).starts_with("one"), "{case:?}: the first word was lost");
        } else {
            assert_eq!(reply.status, whole_status, "{case:?}: {}", reply.text());
        }
    }
    world
}

#[test]
fn a_refused_connection_is_a_502_that_names_the_provider() {
    let mut world = World::answering(|_| Answer::text("never said"));
    world.upstreams.clear();
    for (case, reply) in world.ask(Case::all()) {
        assert_failed(case, &reply);
        assert_eq!(reply.status, 502, "{case:?}: {}", reply.text());
        assert!(reply.text().contains(case.format.name()), "{case:?}: {}", reply.text());
    }
}

#[test]
fn a_reset_connection_is_an_error() {
    assert_fault_after_first_word(Fault::Reset(1), 502);
}

#[test]
fn a_stream_that_just_ends_is_an_error_and_recorded_as_one() {
    let world = assert_fault_after_first_word(Fault::EarlyEnd(1), 502);
    let requests = Case::all().len() as u64;
    let report = world.relay.report("provider", requests);
    assert_eq!(report["total"]["requests"], requests, "{report}");
    assert_eq!(report["total"]["errors"], requests, "{report}");
}

#[test]
fn a_stall_ends_at_the_idle_timeout() {
    assert_fault_after_first_word(Fault::Stall(1), 504);
}

#[test]
fn garbage_instead_of_the_protocol_is_an_error() {
    assert_fault_after_first_word(Fault::Garbage(1), 502);
}

#[test]
fn json_that_breaks_off_is_an_error() {
    assert_fault_after_first_word(Fault::HalfFrame(1), 502);
}

#[test]
fn an_error_inside_a_200_is_an_error_with_the_providers_words() {
    let world = World::answering(|_| Answer::text("one two three").fault(Fault::ErrorEvent(1)));
    for (case, reply) in world.ask(Case::all()) {
        assert_failed(case, &reply);
        assert!(reply.text().contains("the upstream broke down"), "{case:?}: {}", reply.text());
    }
}

#[test]
fn an_error_before_the_first_event_of_a_stream_has_a_real_status() {
    let world = World::answering(|_| Answer::text("one two three").fault(Fault::ErrorEvent(0)));
    for (case, reply) in world.ask(Case::streams()) {
        assert_failed(case, &reply);
        // OpenAI and Anthropic open a stream before its first word; what has been passed on cannot be taken back.
        let opened = matches!(case.format, Format::OpenAi | Format::Anthropic);
        assert!(reply.status >= 500 || opened, "{case:?}: {} {}", reply.status, reply.text());
    }
}

#[test]
fn characters_split_between_packets_arrive_whole() {
    let text = "größer als 🦀🦀 und 漢字";
    let world = World::answering(|_| Answer::text(text).byte_by_byte());
    for (case, reply) in world.ask(Case::all()) {
        assert_eq!(reply.status, 200, "{case:?}: {}", reply.text());
        assert_eq!(case.face.text(&reply), text, "{case:?}");
        assert!(case.face.end(&reply).is_some(), "{case:?}");
    }
}

#[test]
fn odd_but_legal_framing_is_understood() {
    for answer in [
        || Answer::text("one two three").oddly_framed(),
        || Answer::text("one two three").oddly_framed().byte_by_byte(),
    ] {
        let world = World::answering(|_| answer());
        for (case, reply) in world.ask(Case::streams()) {
            assert_eq!(case.face.text(&reply), "one two three", "{case:?}: {}", reply.text());
            assert!(case.face.end(&reply).is_some(), "{case:?}: {}", reply.text());
        }
    }
}

#[test]
fn a_line_without_end_is_given_up_before_it_fills_the_memory() {
    const LINE_BYTES: usize = 64 * 1024 * 1024;
    const MEMORY_KIB: u64 = 256 * 1024;
    let world = World::answering(|_| {
        let line = format!("data: {}", "x".repeat(LINE_BYTES));
        Answer::status(200, "text/event-stream", &line)
    });
    let case = Case { face: Face::Ollama, format: Format::OpenAi, stream: true };
    for (case, reply) in world.ask(vec![case]) {
        assert_failed(case, &reply);
    }
    let memory = world.relay.resident_kib();
    assert!(memory < MEMORY_KIB, "{memory} KiB resident");
}

#[test]
fn a_finished_openai_stream_without_done_is_complete() {
    let world = World::answering(|_| Answer::text("one two three").fault(Fault::NoTerminator));
    let openai = Case::streams().into_iter().filter(|case| case.format == Format::OpenAi).collect();
    for (case, reply) in world.ask(openai) {
        assert_eq!(case.face.text(&reply), "one two three", "{case:?}: {}", reply.text());
        assert!(case.face.end(&reply).is_some(), "{case:?}: {}", reply.text());
        assert_eq!(case.face.error(&reply), None, "{case:?}: {}", reply.text());
    }
}

#[test]
fn too_many_requests_keep_their_status_their_words_and_retry_after() {
    let refusal = |format: Format| {
        let body = format.error_body(429, "slow down, please").to_string();
        let refusal = Answer::status(429, "application/json", &body).header("retry-after", "7");
        refusal.header("x-ratelimit-remaining-tokens", "0").header("x-internal", "secret")
    };
    let world = World::answering(refusal);
    for (case, reply) in world.ask(Case::all()) {
        assert_failed(case, &reply);
        assert_eq!(reply.status, 429, "{case:?}: {}", reply.text());
        assert_eq!(reply.header("retry-after"), Some("7"), "{case:?}");
        assert!(reply.text().contains("slow down, please"), "{case:?}: {}", reply.text());
        assert_eq!(reply.header("x-ratelimit-remaining-tokens"), Some("0"), "{case:?}");
        assert_eq!(reply.header("x-internal"), None, "{case:?}");
    }
}

#[test]
fn a_compressed_answer_reaches_the_client_as_it_can_read_it() {
    let body = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",
        "message":{"role":"assistant","content":"squeezed"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let upstream = FakeUpstream::openai().answer(Answer::status(200, "application/json", body).gzipped());
    let relay = TestRelay::in_front_of(&[&upstream]);
    for face in Face::ALL {
        let reply = relay.client().post(face.path(), &face.ask(Format::OpenAi.model(), "hi", false));
        assert_eq!(reply.status, 200, "{face:?}: {}", reply.text());
        assert!(reply.text().contains("squeezed"), "{face:?}: {}", reply.text());
        // The relay's own length, of what it sends.
        assert_eq!(reply.header("content-encoding"), None, "{face:?}");
        assert!(reply.complete, "{face:?}");
    }
}

#[test]
fn an_overloaded_provider_keeps_retry_after() {
    let refusal = |format: Format| {
        let body = format.error_body(529, "overloaded").to_string();
        Answer::status(529, "application/json", &body).header("retry-after", "7")
    };
    let world = World::answering(refusal);
    for (case, reply) in world.ask(Case::all()) {
        assert_failed(case, &reply);
        // Clients that reject statuses they do not know get 503 for Anthropic's 529.
        assert!(matches!(reply.status, 503 | 529), "{case:?}: {} {}", reply.status, reply.text());
        assert_eq!(reply.header("retry-after"), Some("7"), "{case:?}");
    }
}

#[test]
fn our_key_being_refused_is_a_502_that_names_the_provider_and_not_the_key() {
    let refusal = |format: Format| {
        let body = format.error_body(401, "invalid key test-key").to_string();
        Answer::status(401, "application/json", &body)
    };
    let world = World::answering(refusal);
    // Ollama's servers have no keys.
    for (case, reply) in world.ask(Case::all()).into_iter().filter(|(case, _)| case.format != Format::Ollama) {
        assert_failed(case, &reply);
        assert_eq!(reply.status, 502, "{case:?}: {}", reply.text());
        assert!(reply.text().contains(case.format.name()), "{case:?}: {}", reply.text());
        assert!(!reply.text().contains("test-key"), "{case:?}: {}", reply.text());
    }
}

#[test]
fn error_pages_that_are_not_json_keep_their_status() {
    let world = World::answering(|_| Answer::status(503, "text/html", "<html><h1>be right back</h1></html>"));
    for (case, reply) in world.ask(Case::all()) {
        assert_failed(case, &reply);
        assert_eq!(reply.status, 503, "{case:?}: {}", reply.text());
    }
}

#[test]
fn json_instead_of_the_stream_is_not_taken_for_an_empty_answer() {
    let whole = |format: Format| Answer::status(200, "application/json", &whole_answer(format).to_string());
    let world = World::answering(whole);
    for (case, reply) in world.ask(Case::streams()) {
        // Either is honest: the answer as a stream, or an error.
        if reply.status == 200 && case.face.error(&reply).is_none() {
            assert_eq!(case.face.text(&reply), "whole", "{case:?}: {}", reply.text());
        } else {
            assert_failed(case, &reply);
        }
    }
}

fn whole_answer(format: Format) -> Value {
    match format {
        Format::OpenAi => json!({
            "id": "x", "object": "chat.completion", "created": 1, "model": "gpt-fake",
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "whole" } }],
            "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
        }),
        Format::Anthropic => json!({
            "id": "x", "type": "message", "role": "assistant", "model": "claude-fake", "stop_reason": "end_turn",
            "content": [{ "type": "text", "text": "whole" }], "usage": { "input_tokens": 1, "output_tokens": 1 },
        }),
        Format::Gemini => json!({
            "candidates": [{ "content": { "role": "model", "parts": [{ "text": "whole" }] }, "finishReason": "STOP" }],
            "usageMetadata": { "promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2 },
        }),
        Format::Ollama => json!({
            "model": "m", "created_at": "2026-01-01T00:00:00Z", "done": true, "done_reason": "stop",
            "message": { "role": "assistant", "content": "whole" }, "prompt_eval_count": 1, "eval_count": 1,
        }),
    }
}
