//! `llm-relay demo` in an empty folder: no key, no file, and both protocols answer.

use crate::support::{Face, TestRelay, wait_until};

#[test]
fn the_demo_answers_both_protocols_and_lists_its_names() {
    let relay = TestRelay::setup().command("demo").start();
    for face in Face::ALL {
        for stream in [false, true] {
            let reply = relay.client().post(face.path(), &face.ask("fast", "What are you?", stream));
            assert_eq!(reply.status, 200, "{face:?}: {}", reply.text());
            assert!(face.text(&reply).contains("simulated"), "{face:?}: {}", reply.text());
            assert!(face.end(&reply).is_some(), "{face:?}: {}", reply.text());
        }
    }
    let tags = relay.client().get("/api/tags").text();
    assert!(["fast", "writer", "smart", "demo-large"].iter().all(|name| tags.contains(name)), "{tags}");
}

#[test]
fn the_demos_router_reads_what_it_is_asked() {
    let relay = TestRelay::setup().command("demo").start();
    for (question, model) in [
        ("Plan a birthday party for nine children.", "demo-large"),
        ("hi", "demo-small"),
        ("Which colours go well together?", "demo-thinker"),
    ] {
        // Asked again, the question is decided already.
        for (face, cause) in Face::ALL.into_iter().zip(["designator", "cache"]) {
            let reply = relay.client().post(face.path(), &face.ask("smart", question, false));
            assert_eq!(reply.header("x-llm-relay-router-cause"), Some(cause), "{}", reply.text());
            assert_eq!(reply.header("x-llm-relay-model"), Some(model), "{face:?}: {question}");
        }
    }
}

#[test]
fn the_demo_keeps_prompts_so_that_its_router_can_be_replayed() {
    let relay = TestRelay::setup().command("demo").start();
    // The demo inherits no TMPDIR here.
    let folder = format!("/tmp/llm-relay-demo-{}", relay.process());
    let beside = TestRelay::setup()
        .env("DATA_DIR", &folder)
        .env("CONFIG", &format!("{folder}/relay.yaml"))
        .env("OVERRIDES", &format!("{folder}/overrides.yaml"));
    wait_until("a request of the demo can be replayed", || {
        let output = beside.call(&["router", "replay", "smart", "--last", "1"]);
        String::from_utf8_lossy(&output.stdout).contains("of 1 requests would move")
    });
}
