use serde_json::json;

use super::*;

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[test]
fn no_models_are_empty_lists_and_never_null() {
    assert_eq!(tags(&[]), br#"{"models":[]}"#);
    assert_eq!(ps(&[]), br#"{"models":[]}"#);
    assert_eq!(version("0.33.0"), br#"{"version":"0.33.0"}"#);
}

#[test]
fn a_tag_entry_has_every_key_clients_insist_on() {
    let mut entry = TagEntry::remote("openai/gpt-4o", UnixNanos(0));
    entry.details.context_length = Some(128_000);
    let list = parsed(&tags(&[entry]));
    let entry = &list["models"][0];
    assert_eq!(entry["name"], "openai/gpt-4o:latest");
    assert_eq!(entry["name"], entry["model"]);
    assert_eq!(entry["modified_at"], "1970-01-01T00:00:00Z");
    assert_eq!(entry["digest"].as_str().unwrap().len(), 64);
    assert_eq!(
        entry["details"],
        json!({"parent_model": "", "format": "", "family": "", "families": null, "parameter_size": "",
            "quantization_level": "", "context_length": 128_000})
    );
    assert!(entry.get("capabilities").is_none() && entry.get("expires_at").is_none());
}

#[test]
fn a_listed_entry_keeps_what_its_server_said() {
    let listed = json!({"name": "a:7b", "digest": "d", "size": 5, "modified_at": "2026-01-01T01:00:00.5+01:00",
        "details": {"family": "llama", "families": ["llama"], "format": null}, "capabilities": ["tools"]});
    let entry = TagEntry::from_listed("home/a:7b", &listed);
    assert_eq!((entry.name.as_str(), entry.size, entry.digest.as_str()), ("home/a:7b", 5, "d"));
    assert_eq!((entry.details.family.as_str(), entry.details.format.as_str()), ("llama", ""));
    assert_eq!(entry.modified_at.to_rfc3339(), "2026-01-01T00:00:00.5Z");
    assert_eq!(entry.capabilities, ["tools"]);
    assert_eq!(TagEntry::from_listed("x", &json!({"details": 7})), TagEntry::remote("x", UnixNanos(0)));
}

#[test]
fn running_models_are_sorted_by_their_end_and_have_six_details() {
    let entry = |name: &str, expires_at| PsEntry {
        name: name.to_owned(),
        size: 1,
        digest: super::super::digest(name),
        details: Details { context_length: Some(1), ..Details::default() },
        expires_at,
        size_vram: 0,
        context_length: 4096,
    };
    let list = parsed(&ps(&[entry("a", UnixNanos(1)), entry("b", FOREVER)]));
    assert_eq!(list["models"][0]["model"], "b");
    assert!(list["models"][0]["expires_at"].as_str().unwrap().starts_with("2262-"));
    assert_eq!(list["models"][0]["details"].as_object().unwrap().len(), 6);
    assert_eq!(list["models"][1]["context_length"], 4096);
}

#[test]
fn only_known_capabilities_are_claimed() {
    let capabilities = Capabilities { tools: Some(true), vision: Some(false), ..Capabilities::default() };
    assert_eq!(capability_names(ModelKind::Chat, &capabilities), ["completion", "tools"]);
    assert_eq!(capability_names(ModelKind::Embedding, &capabilities), ["embedding"]);
}

#[test]
fn show_tells_what_clients_look_for() {
    let show = Show {
        name: "m:latest".to_owned(),
        architecture: "gpt".to_owned(),
        basename: "m".to_owned(),
        context_length: Some(8192),
        embedding_length: None,
        details: Details::default(),
        capabilities: vec!["completion".to_owned(), "insert".to_owned()],
        modified_at: UnixNanos(0),
        remote_model: None,
        remote_host: None,
    };
    let body = parsed(&show.to_vec());
    assert_eq!(
        body["model_info"],
        json!({"general.architecture": "gpt", "general.basename": "m", "gpt.context_length": 8192})
    );
    assert_eq!(body["parameters"], "num_ctx                        8192");
    assert!(body["modelfile"].as_str().unwrap().contains("\nFROM m:latest\n"));
    assert!(body["template"].as_str().unwrap().contains(".Suffix"));
    assert_eq!(body["details"].as_object().unwrap().len(), 6);
    assert_eq!(body["capabilities"], json!(["completion", "insert"]));
    assert!(body["modified_at"].is_string());
}
