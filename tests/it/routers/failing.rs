//! Designators that are slow, dead or foolish, and requests nobody can answer.

use std::time::Duration;

use serde_json::json;

use super::{OVERRIDES, World, outcome, relay_yaml, with_picture};
use crate::support::{Answer, Face, FakeUpstream, Fault, Gate, ManualServer, TestRelay, wait_until};

#[test]
fn a_slow_designator_is_left_behind_and_its_connection_closed() {
    let world = World::new("    budget: 200ms");
    world.judge.then([Answer::text("lab/bright").paced_by(&Gate::closed())]);
    assert_eq!(outcome(&world.ask("hi")), "plain by fallback-timeout");
    assert!(world.judge.closed_mid_answer(Duration::from_secs(5)).is_some());
    // Nothing of it is remembered: the next one is asked again.
    world.judge_says(&["lab/bright"]);
    assert_eq!(outcome(&world.ask("hi")), "bright by designator");
}

#[test]
fn answers_that_name_nobody_twice_lead_to_the_fallback() {
    let world = World::new("    cache_ttl: 0s");
    world.judge_says(&["no idea", "still none"]);
    assert_eq!(outcome(&world.ask("hi")), "plain by fallback-invalid");
    assert_eq!(world.judge.calls().len(), 2);
}

#[test]
fn the_second_designator_is_asked_when_the_first_fails() {
    let world = World::new("    second_designator: judge/second\n    budget: 2s\n    hard_limit: 8s");
    world.judge.then([Answer::status(500, "application/json", r#"{"error":{"message":"broken"}}"#)]);
    world.judge_says(&["lab/seeing"]);
    assert_eq!(outcome(&world.ask("hi")), "seeing by designator");
    let asked: Vec<_> = world.judge.calls().iter().map(|call| call.body["model"].clone()).collect();
    assert_eq!(asked, [json!("judge"), json!("second")]);
}

#[test]
fn nobody_is_asked_beyond_the_hard_limit() {
    let world = World::new("    second_designator: judge/second\n    budget: 300ms\n    hard_limit: 300ms");
    world.judge.then([Answer::text("lab/bright").paced_by(&Gate::closed())]);
    assert_eq!(outcome(&world.ask("hi")), "plain by fallback-timeout");
    assert!(world.judge.closed_mid_answer(Duration::from_secs(5)).is_some());
    // The second one would have answered, but the first has used up all of the time.
    assert_eq!(world.judge.calls().len(), 1);
}

#[test]
fn the_second_designator_gets_what_the_first_left_of_the_hard_limit() {
    let world = World::new("    second_designator: judge/second\n    budget: 300ms\n    hard_limit: 20s");
    world.judge.then([Answer::text("lab/bright").paced_by(&Gate::closed()), Answer::text("lab/seeing")]);
    assert_eq!(outcome(&world.ask("hi")), "seeing by designator");
}

#[test]
fn a_designator_that_refuses_the_schema_is_asked_without() {
    let world = World::new("");
    world.judge.then([Answer::status(400, "application/json", r#"{"error":{"message":"response_format?"}}"#)]);
    world.judge_says(&["m1"]);
    assert!(outcome(&world.ask("hi")).ends_with(" by designator"));
    let calls = world.judge.calls();
    assert_eq!((calls.len(), &calls[1].body["response_format"]), (2, &json!(null)));
}

#[test]
fn a_dead_designator_is_left_alone_and_tried_again_later() {
    let world = World::new("    breaker_time: 400ms\n    cache_ttl: 0s");
    let reset = Answer::text("lab/bright").fault(Fault::Reset(0));
    world.judge.then(vec![reset; 3]);
    for _ in 0..3 {
        assert_eq!(outcome(&world.ask("hi")), "plain by fallback-error");
    }
    assert_eq!(outcome(&world.ask("hi")), "plain by breaker");
    assert_eq!(world.judge.calls().len(), 3, "the breaker is open: nobody asked");
    world.judge_says(&["lab/bright"; 2]);
    wait_until("one call may try", || outcome(&world.ask("hi")) == "bright by designator");
    assert_eq!(outcome(&world.ask("hi")), "bright by designator");
    assert!(world.relay.log().iter().any(|line| line.contains("the model answers again")));
}

#[test]
fn a_designator_nobody_listens_for_costs_a_moment() {
    let (judge, lab) = (FakeUpstream::openai(), FakeUpstream::openai());
    // Its port is free again: nobody listens there.
    let nobody = ManualServer::start().address();
    let yaml = relay_yaml(&judge, &lab, "", "").replace(&judge.client().address.to_string(), &nobody.to_string());
    let relay = TestRelay::setup().relay_yaml(&yaml).overrides_yaml(OVERRIDES).start();
    let reply = relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask("smart", "hi", false));
    assert_eq!(outcome(&reply), "plain by fallback-error");
}

#[test]
fn a_fallback_that_cannot_answer_is_not_taken() {
    // Nobody else may be asked about a picture, and the fallback cannot see it.
    let world = World::new("");
    assert_eq!(outcome(&world.converse(&[], &[with_picture("what is it?")])), "seeing by single");
    assert!(world.judge.calls().is_empty());
    // The designator fails, two candidates have room, the fallback has none.
    let long = json!("word ".repeat(8_000));
    world.judge.then([Answer::status(500, "application/json", "{}")]);
    assert_eq!(outcome(&world.converse(&[], &[long])), "bright by fallback-error");
}

#[test]
fn when_nobody_can_answer_the_error_says_why_each_cannot() {
    let world = World::new("");
    let beyond = world.converse(&[], &[json!("word ".repeat(80_000))]);
    assert_eq!(beyond.status, 400, "{}", beyond.text());
    let error = &beyond.json()["error"];
    assert_eq!(error["code"], "no_candidate");
    let message = error["message"].as_str().unwrap_or_default();
    for part in ["router `smart`", "`lab/plain` has a context of 8000 tokens", "`lab/seeing` has a context of 100000"] {
        assert!(message.contains(part), "{message}");
    }
    let ollama = json!({ "model": "smart", "messages": [{ "role": "user", "content": "word ".repeat(80_000) }] });
    let reply = world.relay.client().post("/api/chat", &ollama);
    assert_eq!(reply.status, 400);
    assert!(reply.json()["error"].as_str().is_some_and(|text| text.contains("lab/bright")), "{}", reply.text());
    assert!(world.judge.calls().is_empty() && world.lab.calls().is_empty());
}

#[test]
fn a_candidate_that_fails_again_and_again_is_not_chosen() {
    let world = World::new("    cache_ttl: 0s");
    for _ in 0..3 {
        world.judge_says(&["lab/bright"]);
        world.lab.then([Answer::status(500, "application/json", r#"{"error":{"message":"broken"}}"#)]);
        assert_eq!(world.ask("hi").status, 500, "a failure is told, not hidden");
    }
    world.judge_says(&["lab/seeing"]);
    assert_eq!(outcome(&world.ask("hi")), "seeing by designator");
    let (system, _) = super::prompt(world.judge.calls().last().expect("it was asked"));
    assert!(!system.contains("lab/bright"), "{system}");
}

#[test]
fn a_hedge_opens_the_fallbacks_connection_while_the_designator_thinks() {
    let (judge, lab, fallback) = (FakeUpstream::openai(), FakeUpstream::openai(), ManualServer::start());
    let gate = Gate::closed();
    judge.then([Answer::text("nobody").paced_by(&gate), Answer::text("nobody")]);
    let settings = "    hedge_after: 20ms\n    budget: 20s\n    hard_limit: 20s";
    let slow = format!(
        "providers:\n  slow: {{ protocol: openai, base_url: \"http://{}/v1\", api_key: k, models: [model] }}\n",
        fallback.address()
    );
    let yaml = relay_yaml(&judge, &lab, settings, "");
    let yaml = yaml.replace("fallback: lab/plain", "fallback: slow/model").replace("providers:\n", &slow);
    let relay = TestRelay::setup().relay_yaml(&yaml).overrides_yaml(OVERRIDES).start();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let body = Face::OpenAi.ask("smart", "hi", false);
            relay.client().post(Face::OpenAi.path(), &body)
        });
        // The designator has not answered, and will not before this connection is there.
        let mut connection = fallback.accept();
        gate.release(2);
        let request = connection.request();
        assert!(request.line.starts_with("POST /v1/chat/completions"), "{}", request.line);
        let answer = r#"{"id":"a","object":"chat.completion","created":1,"model":"model","choices":[{"index":0,"message":{"role":"assistant","content":"here"},"finish_reason":"stop"}]}"#;
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
        connection.send(head + answer);
        let reply = asking.join().expect("the client does not panic");
        assert_eq!(outcome(&reply), "model by fallback-invalid");
        assert!(fallback.waiting().is_none(), "one connection is enough");
    });
}
