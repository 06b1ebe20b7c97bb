//! Routing, redirects and CORS.

use serde_json::json;

use super::{NATIVE_JSON, World};
use crate::support::TestRelay;

#[test]
fn v01_v02_the_root_says_that_ollama_runs() {
    let relay = TestRelay::setup().start();
    let root = relay.client().get("/");
    assert_eq!(root.status, 200);
    assert_eq!(root.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(root.text(), "Ollama is running");
    let head = relay.client().request("HEAD", "/", &[], b"");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("17"), 0));
}

#[test]
fn v03_the_version_is_numeric_and_new_enough() {
    let relay = TestRelay::setup().start();
    let reply = relay.client().get("/api/version");
    assert_eq!(reply.header("content-type"), Some(NATIVE_JSON));
    let version = reply.json()["version"].as_str().map(str::to_owned).unwrap_or_default();
    let parts: Vec<u64> = version.split('.').map(|part| part.parse().expect("every part is a number")).collect();
    assert_eq!(parts.len(), 3, "{version}");
    assert!(parts >= vec![0, 6, 4], "{version}");
}

#[test]
fn v04_v05_unknown_paths_and_methods_are_plain_text() {
    let relay = TestRelay::setup().start();
    let reply = relay.client().get("/nothing");
    assert_eq!((reply.status, reply.text().as_str()), (404, "404 page not found"));
    assert!(reply.header("content-type").is_some_and(|value| value.starts_with("text/plain")));
    let reply = relay.client().get("/api/chat");
    assert_eq!((reply.status, reply.text().as_str()), (405, "405 method not allowed"));
    assert!(reply.header("allow").is_some_and(|value| value.contains("POST")));
}

#[test]
fn v06_v07_a_trailing_slash_redirects() {
    let relay = TestRelay::setup().start();
    let reply = relay.client().get("/api/tags/");
    assert_eq!((reply.status, reply.header("location")), (301, Some("/api/tags")));
    let reply = relay.client().post("/api/chat/", &json!({ "model": "m" }));
    assert_eq!((reply.status, reply.header("location")), (307, Some("/api/chat")));
}

#[test]
fn v68_to_v70_endpoints_that_do_not_exist_yet_are_not_found() {
    let relay = TestRelay::setup().start();
    for path in ["/v1/messages", "/v1/responses"] {
        assert_eq!(relay.client().post(path, &json!({ "model": "m" })).status, 404, "{path}");
    }
}

#[test]
fn v71_v72_only_known_origins_are_let_in() {
    let relay = TestRelay::setup().start();
    let ask =
        |origin| relay.client().request("GET", "/api/tags", &[("origin", origin), ("host", "127.0.0.1:11434")], b"");
    let reply = ask("http://localhost:3000");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert!(reply.header("vary").is_some_and(|value| value.contains("Origin")));
    let reply = ask("https://evil.example");
    assert_eq!((reply.status, reply.body.len()), (403, 0));
}

#[test]
fn v73_junk_credentials_change_nothing() {
    let world = World::new();
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }], "stream": false });
    let plain = world.post("/api/chat", &body);
    let junk = world.client().post_with("/api/chat", &[("authorization", "Bearer anything")], &body);
    assert_eq!((plain.status, junk.status), (200, 200));
    assert_eq!(plain.json()["message"], junk.json()["message"]);
}
