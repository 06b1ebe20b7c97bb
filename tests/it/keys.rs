//! API keys: made and revoked on the command line while the relay runs, limited to models, needed or not.

use serde_json::Value;

use crate::support::{Face, FakeUpstream, Reply, TestRelay, wait_until};

/// A relay that needs keys, in front of two models and a default.
fn world() -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai();
    let models = ", models: [gpt-fake, gpt-dear] }\n";
    let yaml = format!(
        "default_model: openai/gpt-dear\naliases: {{ fast: openai/gpt-fake }}\nproviders:\n{}",
        upstream.provider_yaml().replace(" }\n", models)
    );
    let relay = TestRelay::setup().relay_yaml(&yaml).env("AUTH_MODE", "keys").start();
    (upstream, relay)
}

fn ask(relay: &TestRelay, face: Face, model: &str, key: &str) -> Reply {
    let bearer = format!("Bearer {key}");
    relay.client().post_with(face.path(), &[("authorization", &bearer)], &face.ask(model, "hi", false))
}

/// Makes a key and waits until the relay knows it.
fn new_key(relay: &TestRelay, arguments: &[&str], model: &str) -> String {
    let key = relay.run(&[&["keys", "create"], arguments].concat()).trim().to_owned();
    assert!(key.starts_with("sk-relay-"), "{key}");
    wait_until("the new key is known", || ask(relay, Face::OpenAi, model, &key).status != 401);
    key
}

#[test]
fn without_a_valid_key_there_is_a_401_in_the_clients_protocol() {
    let (upstream, relay) = world();
    for face in Face::ALL {
        for key in ["", "sk-relay-made-up"] {
            let reply = ask(&relay, face, "fast", key);
            assert_eq!(reply.status, 401, "{face:?}: {}", reply.text());
            assert!(face.error(&reply).is_some_and(|message| message.contains("API key")), "{}", reply.text());
        }
    }
    for list in ["/api/tags", "/api/ps", "/v1/models", "/v1/models/fast"] {
        assert_eq!(relay.client().get(list).status, 401, "{list}");
    }
    for open in ["/", "/health", "/api/version"] {
        assert_eq!(relay.client().get(open).status, 200, "{open}");
    }
    assert!(upstream.calls().is_empty());
}

#[test]
fn a_key_works_within_moments_of_being_made_and_not_after_it_was_revoked() {
    let (_upstream, relay) = world();
    let key = new_key(&relay, &["open-webui", "--tag", "home"], "fast");
    assert_eq!(ask(&relay, Face::Ollama, "fast", &key).status, 200);
    let by_key = relay.report("key", 2);
    assert_eq!(by_key["rows"][0]["key"], "open-webui", "{by_key}");
    assert_eq!(relay.report("tag", 2)["rows"][0]["key"], "home");
    let list = relay.run(&["keys", "list"]);
    assert!(list.contains("open-webui") && list.contains("active") && !list.contains(&key), "{list}");
    relay.run(&["keys", "revoke", "open-webui"]);
    wait_until("the key is refused", || ask(&relay, Face::OpenAi, "fast", &key).status == 401);
    assert!(!relay.log().concat().contains(&key), "a key is in the log");
}

#[test]
fn a_limited_key_reaches_only_its_models_by_whatever_name() {
    let (upstream, relay) = world();
    let key = new_key(&relay, &["limited", "--model", "fast", "--model", "who-*"], "fast");
    assert_eq!(ask(&relay, Face::OpenAi, "fast", &key).status, 200);
    // The last one is nobody's name, fits a pattern, and would become the default model.
    for name in ["openai/gpt-dear", "gpt-dear", "who-is-this"] {
        for face in Face::ALL {
            let reply = ask(&relay, face, name, &key);
            assert_eq!(reply.status, 403, "{face:?} {name}: {}", reply.text());
        }
    }
    assert!(upstream.calls().iter().all(|call| call.body["model"] == "gpt-fake"));
    let bearer = format!("Bearer {key}");
    let listed = relay.client().request("GET", "/v1/models", &[("authorization", &bearer)], b"").json();
    let ids: Vec<&Value> = listed["data"].as_array().expect("a list").iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, ["fast"]);
}
