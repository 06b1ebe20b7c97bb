//! API keys on the admin listener: used as soon as they are made, refused as soon as they are revoked, never shown again.

use serde_json::{Value, json};

use crate::support::{Answer, Face, FakeUpstream, Reply, Setup, TestRelay, call_admin, wait_until};

const YAML: &str = "aliases: { fast: openai/gpt-fake }\n";
/// USD per million tokens.
const PRICES: &str = "providers: { openai: { models: { gpt-fake: { price: { input: 10, output: 20 } } } } }\n";

struct World {
    _upstream: FakeUpstream,
    relay: TestRelay,
}

impl World {
    fn new(more: impl FnOnce(Setup) -> Setup) -> Self {
        let upstream = FakeUpstream::openai().answer(Answer::text("Hello").usage(100, 0, 20));
        let models = ", models: [gpt-fake, gpt-dear] }\n";
        let yaml = format!("{YAML}providers:\n{}", upstream.provider_yaml().replace(" }\n", models));
        let keys = "keys:\n  - name: of-the-file\n    key: file-secret-0123456789\n    tags: [home]\n";
        let setup = TestRelay::setup().relay_yaml(&format!("{yaml}{keys}")).overrides_yaml(PRICES).with_admin();
        Self { _upstream: upstream, relay: more(setup.env("AUTH_MODE", "keys")).start() }
    }

    fn call(&self, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        call_admin(self.relay.admin(), method, &format!("/admin/api/{path}"), more, &body)
    }

    fn get(&self, path: &str) -> Value {
        let reply = self.call("GET", path, &[], &Value::Null);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    fn make(&self, body: &Value) -> Value {
        let reply = self.call("POST", "keys", &[], body);
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(reply.header("location"), Some(&*format!("/admin/api/keys/{}", text(&reply.json()["id"]))));
        reply.json()
    }

    fn put(&self, name: &str, version: &Value, body: &Value) -> Reply {
        let version = format!("\"{}\"", text(version));
        self.call("PUT", &format!("keys/{name}"), &[("if-match", &version)], body)
    }

    /// The status of a chat with this key.
    fn chat(&self, key: &Value, model: &str) -> u16 {
        let bearer = format!("Bearer {}", text(key));
        let body = Face::OpenAi.ask(model, "hi", false);
        self.relay.client().post_with(Face::OpenAi.path(), &[("authorization", &bearer)], &body).status
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The code of a refusal and the places of its problems.
fn refusal(reply: &Reply) -> (u16, String, Vec<String>) {
    let error = &reply.json()["error"];
    let problems = error["problems"].as_array().cloned().unwrap_or_default();
    let places = problems.iter().map(|problem| text(&problem["place"]).to_owned());
    (reply.status, text(&error["code"]).to_owned(), places.collect())
}

#[test]
fn a_key_works_from_its_answer_on_and_not_after_that_of_its_revocation() {
    let world = World::new(|setup| setup);
    // Again and again, so that a reader of the database that is late would bring back an older list.
    for _ in 0..10 {
        let made = world.make(&json!({ "name": "webui", "tags": ["home", "a"], "models": ["fast"] }));
        assert_eq!((&made["state"], &made["tags"]), (&json!("active"), &json!(["a", "home"])));
        assert_eq!(world.chat(&made["key"], "fast"), 200);
        assert_eq!(world.chat(&made["key"], "openai/gpt-dear"), 403);
        let revoked = world.call("DELETE", "keys/webui", &[], &Value::Null);
        assert_eq!((revoked.status, revoked.text().as_str()), (204, ""));
        assert_eq!(world.chat(&made["key"], "fast"), 401);
    }
    assert_eq!(world.call("DELETE", "keys/webui", &[], &Value::Null).status, 404);
}

#[test]
fn a_key_is_shown_once_and_then_by_what_was_done_with_it() {
    let world = World::new(|setup| setup.env("API_KEYS", "environment-secret-0123"));
    let made = world.make(&json!({ "name": "webui" }));
    let key = text(&made["key"]).to_owned();
    assert!(key.starts_with("sk-relay-") && key.starts_with(text(&made["shown_prefix"])), "{made}");
    for _ in 0..3 {
        assert_eq!(world.chat(&made["key"], "fast"), 200);
    }
    assert_eq!(world.chat(&json!("file-secret-0123456789"), "fast"), 200);
    wait_until("what was done is shown", || {
        let shown = world.get("keys/webui");
        shown["last_30_days"]["requests"] == 3 && world.get("keys/of-the-file")["last_used_ms"].is_number()
    });
    let shown = world.get("keys/webui");
    // 100 × 10 + 20 × 20 micro-USD, three times.
    assert_eq!(shown["last_30_days"]["cost_nano_usd"], 4_200_000, "{shown}");
    assert!(shown["last_used_ms"].as_i64() >= shown["created_ms"].as_i64(), "{shown}");

    let list = world.get("keys");
    assert_eq!(list["auth_mode"], "keys");
    let keys = list["keys"].as_array().expect("a list");
    let locked = |at: usize| (&keys[at]["name"], &keys[at]["origin"], &keys[at]["place"], &keys[at]["tags"]);
    assert_eq!(locked(0), (&json!("API_KEYS-1"), &json!("environment"), &json!("API_KEYS"), &json!([])));
    let place = json!("relay.yaml:5:3 keys.0");
    assert_eq!(locked(1), (&json!("of-the-file"), &json!("file"), &place, &json!(["home"])));
    assert_eq!(keys[2]["name"], "webui");
    let page = call_admin(world.relay.admin(), "GET", "/keys", &[], "").text();
    let everything = format!("{list}{shown}{page}{}", world.relay.log().concat());
    for secret in [&*key, "file-secret", "environment-secret"] {
        assert!(!everything.contains(secret), "{secret}");
    }
    assert!(page.contains("relay.yaml:5:3") && page.contains("$0.0042"), "{page}");

    for (name, code) in [("of-the-file", "managed_by_file"), ("API_KEYS-1", "managed_by_environment")] {
        let deleted = world.call("DELETE", &format!("keys/{name}"), &[], &Value::Null);
        assert_eq!(refusal(&deleted), (409, code.to_owned(), vec![]), "{}", deleted.text());
        let made = world.call("POST", "keys", &[], &json!({ "name": name }));
        assert_eq!(refusal(&made), (409, "exists".to_owned(), vec!["name".to_owned()]), "{}", made.text());
    }
}

#[test]
fn tags_models_and_expiry_change_at_once_and_nobodys_change_is_lost() {
    let world = World::new(|setup| setup);
    let made = world.make(&json!({ "name": "webui", "models": ["fast"] }));
    let key = &made["key"];
    assert_eq!(world.chat(key, "openai/gpt-dear"), 403);
    let terms = json!({ "tags": ["x"], "models": [], "expires_ms": null });
    let changed = world.put("webui", &made["version"], &terms);
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(world.chat(key, "openai/gpt-dear"), 200);
    assert_ne!(changed.json()["version"], made["version"]);

    let late = world.put("webui", &made["version"], &json!({ "tags": [], "models": [], "expires_ms": null }));
    assert_eq!((late.status, &late.json()["error"]["current"]["tags"]), (412, &json!(["x"])), "{}", late.text());
    assert_eq!(late.header("etag"), changed.header("etag"));
    let blind = world.call("PUT", "keys/webui", &[], &terms);
    assert_eq!(refusal(&blind).0, 428, "{}", blind.text());
    // What is not said is not lifted.
    let partial = world.put("webui", &changed.json()["version"], &json!({ "tags": ["y"] }));
    assert_eq!(refusal(&partial).1, "unreadable", "{}", partial.text());

    let id = text(&made["id"]).to_owned();
    world.call("DELETE", &format!("keys/{id}"), &[], &Value::Null);
    let dead = world.call("PUT", &format!("keys/{id}"), &[("if-match", "*")], &terms);
    assert_eq!(refusal(&dead), (409, "revoked".to_owned(), vec![]), "{}", dead.text());
    assert_eq!(world.get(&format!("keys/{id}"))["state"], "revoked");
}

#[test]
fn a_key_is_refused_once_it_has_expired() {
    let world = World::new(|setup| setup);
    let now = world.make(&json!({ "name": "clock" }))["created_ms"].as_i64().expect("a time");
    let made = world.make(&json!({ "name": "guest", "expires_ms": now + 3000 }));
    assert_eq!(made["state"], "expires_soon");
    assert_eq!(world.chat(&made["key"], "fast"), 200);
    wait_until("it has expired", || world.chat(&made["key"], "fast") == 401);
    let shown = world.get("keys/guest");
    assert_eq!(shown["state"], "expired");
    // Its tags can be changed all the same, and another date wakes it.
    let same = json!({ "tags": ["t"], "models": [], "expires_ms": shown["expires_ms"] });
    let changed = world.put("guest", &shown["version"], &same);
    assert_eq!(changed.status, 200, "{}", changed.text());
    let longer = json!({ "tags": [], "models": [], "expires_ms": now + 60_000 });
    assert_eq!(world.put("guest", &changed.json()["version"], &longer).status, 200);
    assert_eq!(world.chat(&made["key"], "fast"), 200);
}

#[test]
fn what_cannot_be_is_refused_and_what_is_odd_is_said() {
    let world = World::new(|setup| setup);
    let rehearse = |body: Value| world.call("POST", "keys?dry_run=true", &[], &body);
    let odd = rehearse(json!({ "name": "a", "models": ["fast", "gpt-fake", "nobody-*"] }));
    assert_eq!(odd.status, 200, "{}", odd.text());
    let problems = odd.json()["problems"].clone();
    assert_eq!((&problems[0]["severity"], &problems[0]["place"]), (&json!("warning"), &json!("models")));
    assert!(text(&problems[0]["message"]).contains("`openai/gpt-fake`"), "{problems}");
    assert!(text(&problems[1]["message"]).contains("`nobody-*`") && problems[2].is_null(), "{problems}");
    for (body, place) in [
        (json!({ "name": " " }), "name"),
        (json!({ "name": "a", "tags": ["x".repeat(65)] }), "tags"),
        (json!({ "name": "a", "models": [""] }), "models"),
        (json!({ "name": "a", "expires_ms": 1 }), "expires_ms"),
        (json!({ "name": "a", "expires_ms": i64::MAX }), "expires_ms"),
    ] {
        for path in ["keys", "keys?dry_run=true"] {
            let reply = world.call("POST", path, &[], &body);
            assert_eq!(refusal(&reply), (422, "invalid".to_owned(), vec![place.to_owned()]), "{}", reply.text());
        }
    }
    for body in [json!({}), json!({ "name": 1 }), json!({ "name": "a", "model": ["x"] }), json!([])] {
        assert_eq!(refusal(&world.call("POST", "keys", &[], &body)).1, "unreadable", "{body}");
    }
    let names = world.get("keys")["keys"].as_array().expect("a list").len();
    assert_eq!(names, 1, "nothing was made but what the file has");
}

#[test]
fn a_name_is_text_on_the_page_and_the_address_is_the_one_the_browser_knows() {
    let world = World::new(|setup| setup.env("HOST", "0.0.0.0"));
    let name = "<script>alert(1)</script>\"'";
    world.make(&json!({ "name": name, "tags": ["<b>"], "models": ["<i>*"] }));
    let page = call_admin(world.relay.admin(), "GET", "/keys", &[("host", "192.168.7.7:8080")], "").text();
    assert!(!page.contains("<script>alert") && !page.contains("<b>") && !page.contains("<i>"), "{page}");
    let port = world.relay.client().address.port();
    assert!(page.contains(&format!("http://192.168.7.7:{port}/v1")), "{page}");
}
