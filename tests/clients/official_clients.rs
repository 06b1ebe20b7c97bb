//! The official `openai` and `ollama` clients, for Python and JavaScript, against a relay over fake providers.
//!
//! Each script runs against a relay of its own, with all four wire formats behind it.

use std::process::Command;

use serde_json::Value;

use crate::relay::Relay;
use crate::service::{Service, is_set_up, path, python, run};

/// The variables that name the models, and the models the fakes have (`fake_upstream/*.py`).
const MODELS: [(&str, &str); 8] = [
    ("MODEL_OPENAI", "openai/gpt-4o-mini"),
    ("MODEL_DEEPSEEK", "deepseek/deepseek-v4-flash"),
    ("MODEL_ANTHROPIC", "anthropic/claude-haiku-4-5"),
    ("MODEL_GEMINI", "gemini/gemini-2.5-flash"),
    ("MODEL_OLLAMA", "ollama/qwen3:8b"),
    ("MODEL_EMBED", "openai/text-embedding-3-small"),
    ("MODEL_EMBED_GEMINI", "gemini/gemini-embedding-001"),
    ("MODEL_EMBED_OLLAMA", "ollama/nomic-embed-text:v1.5"),
];
const KEY: &str = "sk-relay-the-key-of-the-client-tests";

const PYTHON_PACKAGES: &str = ".venv/installed-clients-requirements.txt";
const NODE_PACKAGES: &str = "tests/clients/node_modules/installed-package-lock.json";

#[test]
fn the_openai_client_for_python_is_content() {
    if is_set_up(PYTHON_PACKAGES) {
        passes(python().arg(path("tests/clients/python/test_openai.py")));
    }
}

#[test]
fn the_ollama_client_for_python_is_content() {
    if is_set_up(PYTHON_PACKAGES) {
        passes(python().arg(path("tests/clients/python/test_ollama.py")));
    }
}

#[test]
fn the_openai_client_for_javascript_is_content() {
    if is_set_up(PYTHON_PACKAGES) && is_set_up(NODE_PACKAGES) {
        passes(Command::new("node").arg("--test").arg(path("tests/clients/js/openai.test.mjs")));
    }
}

#[test]
fn the_ollama_client_for_javascript_is_content() {
    if is_set_up(PYTHON_PACKAGES) && is_set_up(NODE_PACKAGES) {
        passes(Command::new("node").arg("--test").arg(path("tests/clients/js/ollama.test.mjs")));
    }
}

/// Runs a script that tests a client, against a relay that is open to everyone and one that wants keys.
fn passes(script: &mut Command) {
    let fake = path("tests/clients/fake_upstream");
    let (_fake, addresses) = Service::start(python().arg(fake), |line| serde_json::from_str::<Value>(line).ok());
    let settings = relay_yaml(&addresses);
    let relay = Relay::start(&settings, &[]);
    let keyed = Relay::start(&settings, &[("AUTH_MODE", "keys"), ("API_KEYS", KEY)]);
    relay.wait_for_models(&MODELS.map(|(_, model)| model));

    script.env("RELAY_URL", relay.url()).env("RELAY_KEYS_URL", keyed.url()).env("RELAY_KEY", KEY);
    run(script.env("FAKE_URLS", addresses.to_string()).envs(MODELS));

    let report = relay.report_by("provider", 1);
    let rows = report["rows"].as_array().expect("the report has rows");
    for provider in ["openai", "anthropic", "gemini", "ollama", "deepseek"] {
        assert!(rows.iter().any(|row| row["key"] == provider), "{provider} is not in {report}");
    }
}

fn relay_yaml(addresses: &Value) -> String {
    let address = |wire: &str| addresses[wire].as_str().expect("the fake names its addresses").to_owned();
    format!(
        r#"providers:
  openai: {{ base_url: "{openai}/v1", api_key: fake }}
  deepseek: {{ base_url: "{openai}/v1", api_key: fake }}
  anthropic: {{ base_url: "{anthropic}/v1", api_key: fake }}
  gemini: {{ base_url: "{gemini}/v1beta", api_key: fake }}
  ollama: {{ base_url: "{ollama}" }}
"#,
        openai = address("openai"),
        anthropic = address("anthropic"),
        gemini = address("gemini"),
        ollama = address("ollama"),
    )
}
