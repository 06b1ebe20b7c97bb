//! The admin page: who gets in, what it shows, and what no name in it can do.

use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Answer, Client, Face, FakeUpstream, Reply, Setup, TestRelay, wait_until};

const PASSWORD: &str = "open: sesame";
/// 100 × 1 + 40 × 0.1 + 20 × 10 USD per million tokens are $0.000304.
const PRICES: &str =
    "providers:\n  openai: { models: { gpt-fake: { price: { input: 1, output: 10, cache_read: 0.1 } } } }\n";

fn setup() -> Setup {
    TestRelay::setup().env("ADMIN_ENABLED", "true").env("ADMIN_PORT", "0").env("ADMIN_PASSWORD", PASSWORD)
}

fn authorization(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("anybody:{password}")))
}

fn get_with(admin: Client, path: &str, more: &[(&str, &str)]) -> Reply {
    let authorization = authorization(PASSWORD);
    let headers: Vec<_> = [("authorization", authorization.as_str())].into_iter().chain(more.iter().copied()).collect();
    admin.request("GET", path, &headers, b"")
}

fn get(admin: Client, path: &str) -> Reply {
    get_with(admin, path, &[])
}

/// The page, as soon as it contains the text.
fn page_with(admin: Client, text: &str) -> String {
    let mut page = String::new();
    wait_until(&format!("the page shows {text}"), || {
        let reply = get(admin, "/");
        assert_eq!(reply.status, 200, "{}", reply.text());
        page = reply.text();
        page.contains(text)
    });
    page
}

#[test]
fn only_the_password_opens_the_page() {
    let relay = setup().start();
    let admin = relay.admin();
    for path in ["/", "/nothing"] {
        let reply = admin.get(path);
        assert_eq!(reply.status, 401, "{path}");
        assert!(reply.header("www-authenticate").is_some_and(|value| value.starts_with("Basic realm=")), "{path}");
        let reply = admin.request("GET", path, &[("authorization", &authorization("wrong"))], b"");
        assert_eq!(reply.status, 401, "{path}");
    }
    assert_eq!(admin.get("/health").json()["status"], "ok");
    assert_eq!(get(admin, "/").status, 200);
    assert_eq!(get(admin, "/nothing").status, 404);
    let authorization = authorization(PASSWORD);
    assert_eq!(admin.request("POST", "/", &[("authorization", &authorization)], b"").status, 405);
    assert!(relay.log().iter().all(|line| !line.contains("sesame")));
}

#[test]
fn guessing_is_slowed_down_even_for_who_is_right_at_last() {
    let relay = setup().start();
    let admin = relay.admin();
    for _ in 0..5 {
        assert_eq!(admin.request("GET", "/", &[("authorization", &authorization("guess"))], b"").status, 401);
    }
    let reply = get(admin, "/");
    assert_eq!(reply.status, 429);
    let wait: u64 = reply.header("retry-after").and_then(|seconds| seconds.parse().ok()).expect("it says how long");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(admin.get("/health").status, 200);
}

#[test]
fn the_page_shows_what_a_request_cost() {
    let upstream = FakeUpstream::openai().answer(Answer::text("Hello").usage(100, 40, 20));
    let relay = setup().upstreams(&[&upstream]).overrides_yaml(PRICES).start();
    let admin = relay.admin();
    let api = relay.client().address;
    let empty = page_with(admin, "No request yet");
    assert!(empty.contains(&format!("curl http://{api}/api/chat")), "{empty}");

    let ask = Face::OpenAi.ask("openai/gpt-fake@team-a", "hi", false);
    assert_eq!(relay.client().post(Face::OpenAi.path(), &ask).status, 200);
    let page = page_with(admin, "$0.000304");
    for shown in ["1 request", "$0.0003", "team-a", "openai/gpt-fake", "OPENROUTER_API_KEY"] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
    // A price nobody knows makes the sum a lower bound.
    let ask = Face::OpenAi.ask("openai/brand-new", "hi", false);
    assert_eq!(relay.client().post(Face::OpenAi.path(), &ask).status, 200);
    let page = page_with(admin, "2 requests");
    for shown in ["≥ $0.0003", "1 unpriced", "unknown"] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
}

#[test]
fn without_a_provider_the_page_says_what_is_missing() {
    let page = get(setup().start().admin(), "/").text();
    assert!(page.contains("No provider is ready") && page.contains("OPENAI_API_KEY"), "{page}");
    assert!(!page.contains("curl"), "there is nothing to try yet: {page}");
}

#[test]
fn names_from_outside_are_shown_as_text() {
    let upstream = FakeUpstream::openai();
    let relay = setup().upstreams(&[&upstream]).start();
    let ask = Face::OpenAi.ask("openai/<img src=x onerror=alert(1)>", "hi", false);
    let tag = [("x-proxy-tag", "<script>alert(2)</script>")];
    assert_eq!(relay.client().post_with(Face::OpenAi.path(), &tag, &ask).status, 200);
    let page = page_with(relay.admin(), "alert(2)");
    assert!(page.contains("alert(1)"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("<img src=x"), "{page}");
}

#[test]
fn browsers_are_told_to_trust_nothing_but_our_files() {
    let relay = setup().start();
    let admin = relay.admin();
    for path in ["/", "/nothing", "/health", "/login", "/admin/api/routers", "/admin/api/nothing"] {
        let reply = get(admin, path);
        let policy = reply.header("content-security-policy").unwrap_or_default();
        for rule in ["default-src 'none'", "script-src 'self';", "form-action 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("same-origin"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    let style = get(admin, "/static/css/base.css");
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    let tag = style.header("etag").expect("the style has a tag");
    let again = get_with(admin, "/static/css/base.css", &[("if-none-match", tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(get_with(admin, "/", &[("host", "evil.example")]).status, 403);
}

#[test]
fn a_taken_admin_port_is_named_with_the_settings_that_help() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let port = taken.local_addr().expect("a bound socket has an address").port().to_string();
    let output = setup().env("ADMIN_PORT", &port).run();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(complaint.contains("ADMIN_PORT") && complaint.contains("ADMIN_ENABLED=false"), "{complaint}");
}
