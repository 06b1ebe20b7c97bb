//! The playground: the operator asks as a client would, without a key, and the bill says who it was.

use serde_json::{Value, json};

use crate::support::{Answer, Face, FakeUpstream, Reply, TestRelay, call_admin, wait_until};

/// USD per million tokens.
const PRICES: &str = "providers: { openai: { models: { gpt-fake: { price: { input: 10, output: 20 } } } } }\n";

fn world() -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai().answer(Answer::text("Hello there").usage(100, 0, 20));
    let yaml = format!(
        "aliases: {{ fast: openai/gpt-fake }}\nproviders:\n{}",
        upstream.provider_yaml().replace(" }\n", ", models: [gpt-fake] }\n")
    );
    let setup = TestRelay::setup().relay_yaml(&yaml).overrides_yaml(PRICES).with_admin();
    (upstream, setup.env("AUTH_MODE", "keys").env("KEEP_PROMPTS", "all").start())
}

fn path(face: Face) -> String {
    format!("/admin/api/playground{}", face.path())
}

fn ask(relay: &TestRelay, face: Face, more: &[(&str, &str)], body: &Value) -> Reply {
    call_admin(relay.admin(), "POST", &path(face), more, &body.to_string())
}

fn record(relay: &TestRelay, reply: &Reply) -> Value {
    let id = reply.header("x-llm-relay-request-id").expect("answers carry their id");
    let mut found = None;
    wait_until("the request is recorded", || {
        let reply = call_admin(relay.admin(), "GET", &format!("/admin/api/requests/{id}"), &[], "");
        found = (reply.status == 200).then(|| reply.json());
        found.is_some()
    });
    found.expect("it was found")
}

#[test]
fn both_protocols_streamed_or_whole_need_no_key_and_are_recorded_as_what_they_are() {
    let (_upstream, relay) = world();
    for face in Face::ALL {
        assert_eq!(relay.client().post(face.path(), &face.ask("fast", "hi", false)).status, 401, "clients need a key");
        for stream in [false, true] {
            let reply = ask(&relay, face, &[], &face.ask("fast@trial", "hi", stream));
            assert_eq!((reply.status, face.text(&reply).as_str()), (200, "Hello there"), "{face:?} {}", reply.text());
            assert!(face.end(&reply).is_some() && reply.complete, "{face:?} {}", reply.text());
            assert_eq!(reply.header("x-llm-relay-resolved-by"), Some("alias:fast"));
            assert_eq!(reply.header("x-llm-relay-provider"), Some("openai"));
            let whole = record(&relay, &reply);
            let record = &whole["record"];
            assert_eq!(record["tags"], json!(["playground", "trial"]), "{record}");
            assert!(record["key"].is_null() && record["client"] == "127.0.0.1", "{record}");
            assert_eq!((&record["endpoint"], &record["stream"]), (&json!(face.path()), &json!(stream)));
            // 100 × 10 + 20 × 20 micro-USD.
            assert_eq!(record["cost"], 1_400_000, "{record}");
            assert_eq!(record["steps"][1]["to"], "openai/gpt-fake", "{record}");
            assert_eq!(whole["prompt"]["endpoint"], face.path());
        }
    }
}

#[test]
fn a_stream_passes_piece_by_piece_and_stopping_it_stops_the_provider() {
    let (upstream, relay) = world();
    let gate = crate::support::Gate::closed();
    upstream.then([Answer::text("one two three four five six").paced_by(&gate)]);
    gate.release(3);
    let body = Face::OpenAi.ask("fast", "hi", true).to_string();
    let password = ("authorization", "Basic YWRtaW46c2VzYW1l");
    let headers = [password, ("content-type", "application/json")];
    let mut answering = relay.admin().open_stream("POST", &path(Face::OpenAi), &headers, body.as_bytes());
    assert!(answering.read_until("one"), "the beginning arrives before the end exists");
    answering.abandon();
    let gone = upstream.closed_mid_answer(std::time::Duration::from_secs(5));
    assert!(gone.is_some(), "the provider's connection is closed");
}

#[test]
fn errors_are_those_a_client_would_see() {
    let (upstream, relay) = world();
    for face in Face::ALL {
        let unknown = ask(&relay, face, &[], &face.ask("nobody", "hi", false));
        assert_eq!(unknown.status, 404, "{}", unknown.text());
        assert!(face.error(&unknown).is_some_and(|message| message.contains("nobody")), "{}", unknown.text());
        let body = json!({ "error": { "message": "slow down", "type": "rate_limit", "param": null, "code": null } });
        upstream.then([Answer::status(429, "application/json", &body.to_string()).header("retry-after", "7")]);
        let limited = ask(&relay, face, &[], &face.ask("fast", "hi", true));
        assert_eq!((limited.status, limited.header("retry-after")), (429, Some("7")), "{}", limited.text());
        assert!(face.error(&limited).is_some_and(|message| message.contains("slow down")), "{}", limited.text());
        let unreadable = ask(&relay, face, &[], &json!({ "model": "fast", "messages": "hi" }));
        assert_eq!(unreadable.status, 400, "{}", unreadable.text());
        assert!(face.error(&unreadable).is_some(), "{}", unreadable.text());
    }
    // Larger than what the rest of the admin API takes, as a picture is.
    let large = "x".repeat(2 << 20);
    assert_eq!(ask(&relay, Face::Ollama, &[], &Face::Ollama.ask("fast", &large, false)).status, 200);
}

#[test]
fn only_the_operator_gets_through_and_nothing_of_theirs_goes_on() {
    let (upstream, relay) = world();
    let body = Face::OpenAi.ask("fast", "hi", false);
    let headers = [("content-type", "application/json")];
    let stranger = relay.admin().post_with(&path(Face::OpenAi), &headers, &body);
    assert_eq!(stranger.status, 401);
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let reply = ask(&relay, Face::OpenAi, &[(name, value)], &body);
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (403, &json!("cross_site")), "{name}");
    }
    let form = ask(&relay, Face::OpenAi, &[("content-type", "text/plain")], &body);
    assert_eq!(form.status, 415);
    assert!(upstream.calls().is_empty(), "nobody was asked");

    let sent = [("cookie", "llm-relay-session=abc"), ("x-proxy-tag", "spoofed"), ("x-openwebui-user-email", "a@b.c")];
    let reply = ask(&relay, Face::OpenAi, &sent, &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let whole = record(&relay, &reply);
    assert_eq!(whole["record"]["tags"], json!(["playground"]), "{whole}");
    assert!(whole["record"]["end_user"].is_null(), "{whole}");
    let everything = format!("{whole}{:?}{}", upstream.only_call(), relay.log().concat());
    for secret in ["sesame", "YWRtaW46c2VzYW1l", "llm-relay-session"] {
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[test]
fn the_page_offers_every_name() {
    let (_upstream, relay) = world();
    let page = call_admin(relay.admin(), "GET", "/playground", &[], "");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.contains("img-src 'self' data:;") && !policy.contains("unsafe"), "{policy}");
    let text = page.text();
    assert!(
        text.contains(r#"<option value="fast">"#) && text.contains(r#"<option value="openai/gpt-fake">"#),
        "{text}"
    );
}
