//! What is installed, what is loaded, and changing it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{World, assert_integers};
use crate::support::TestRelay;

fn time(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is an RFC 3339 time"))
}

/// What every entry of `/api/tags` has.
pub(super) fn assert_entry(model: &Value) {
    assert_eq!(model["name"], model["model"], "{model}");
    let digest = model["digest"].as_str().unwrap_or_default();
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{model}");
    assert_integers(model, &["size"]);
    time(&model["modified_at"]);
    for key in ["parent_model", "format", "family", "families", "parameter_size", "quantization_level"] {
        assert!(model["details"].get(key).is_some(), "{key} in {model}");
    }
    // Open WebUI takes an entry with this key for a loaded model.
    assert!(model.get("expires_at").is_none(), "{model}");
}

#[test]
fn v08_no_models_are_an_empty_list() {
    let relay = TestRelay::setup().start();
    assert_eq!(relay.client().get("/api/tags").json(), json!({ "models": [] }));
}

#[test]
fn v09_every_tag_has_what_strict_clients_demand() {
    let tags = World::new().client().get("/api/tags").json();
    let models = tags["models"].as_array().expect("models are a list");
    assert!(models.len() >= 4, "{tags}");
    for model in models {
        assert!(model["name"].as_str().is_some_and(|name| name.contains(':')), "{model}");
        assert_entry(model);
    }
}

#[test]
fn v10_v11_v42_loaded_models_are_listed_until_they_expire() {
    let world = World::new();
    let running = || world.client().get("/api/ps").json();
    assert_eq!(running(), json!({ "models": [] }));

    let loaded = world.post("/api/chat", &json!({ "model": "m", "messages": [] }));
    assert_eq!(loaded.status, 200, "{}", loaded.text());
    let models = running()["models"].clone();
    let model = &models[0];
    assert_eq!(models.as_array().map(Vec::len), Some(1), "{models}");
    // The provider may stand in front of the name, as it does in the list of models.
    assert!(model["model"].as_str().is_some_and(|name| name.ends_with("m:latest")), "{model}");
    assert_integers(model, &["size_vram", "context_length"]);
    let left = time(&model["expires_at"]).duration_since(Timestamp::now());
    assert!(left > SignedDuration::from_mins(4) && left <= SignedDuration::from_mins(5), "{left}");

    assert_eq!(world.chat(json!({ "model": "m", "keep_alive": -1, "stream": false })).status, 200);
    let left = time(&running()["models"][0]["expires_at"]).duration_since(Timestamp::now());
    assert!(left > SignedDuration::from_hours(100 * 365 * 24), "{left}");
}

#[test]
fn v12_v13_v16_show_describes_a_model() {
    let world = World::new();
    for field in ["model", "name"] {
        let shown = world.post("/api/show", &json!({ field: "m" })).json();
        assert!(shown["model_info"].is_object() && shown["details"].is_object(), "{shown}");
        let abilities = shown["capabilities"].as_array().expect("capabilities are a list");
        assert!(abilities.contains(&"completion".into()) && abilities.contains(&"tools".into()), "{shown}");
        time(&shown["modified_at"]);
    }
    let agent = [("user-agent", "GitHubCopilotChat/1.0")];
    let shown = world.client().post_with("/api/show", &agent, &json!({ "model": "m" })).json();
    assert_eq!(shown["model_info"]["general.basename"], "m");
}

#[test]
fn v52_copy_and_delete_answer_200_with_nothing() {
    let world = World::new();
    let copied = world.post("/api/copy", &json!({ "source": "m", "destination": "n" }));
    assert_eq!((copied.status, copied.body.len()), (200, 0), "{}", copied.text());
    let body = json!({ "model": "n" }).to_string();
    let deleted = world.client().request("DELETE", "/api/delete", &[], body.as_bytes());
    assert_eq!((deleted.status, deleted.body.len()), (200, 0), "{}", deleted.text());
}

#[test]
fn v53_blobs_are_looked_up_by_well_formed_digests_only() {
    let world = World::new();
    let head = |digest: &str| world.client().request("HEAD", &format!("/api/blobs/{digest}"), &[], b"").status;
    assert_eq!(head("sha256:zz"), 400);
    assert_eq!(head(&format!("sha256:{}", "0".repeat(64))), 404);
}

#[test]
fn v55_a_pull_reports_layers_and_ends_in_success() {
    let reply = World::new().post("/api/pull", &json!({ "model": "m" }));
    let lines = reply.lines();
    assert_eq!(lines.last(), Some(&json!({ "status": "success" })), "{}", reply.text());
    let layers: Vec<&Value> = lines.iter().filter(|line| line.get("digest").is_some()).collect();
    assert!(!layers.is_empty(), "{}", reply.text());
    for layer in layers {
        let digest = layer["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:")).unwrap_or_default();
        assert_eq!(layer["status"].as_str(), Some(format!("pulling {}", &digest[..12]).as_str()), "{layer}");
    }
}
