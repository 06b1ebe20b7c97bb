//! A real small language model behind the relay: real tokens, counted by its server, seen by the client, recorded.

use serde_json::Value;

use crate::relay::Relay;
use crate::service::{Service, is_set_up, path, python, run};

#[test]
fn a_real_models_tokens_are_seen_and_recorded_as_its_server_counts_them() {
    let is_complete = is_set_up(".venv/installed-scripts-requirements-smollm.txt");
    if !is_complete || !is_set_up(".venv/installed-clients-requirements.txt") {
        return;
    }
    let mut server = python();
    server.arg(path("scripts/smollm.py")).args(["--port", "0", "--stop-with-stdin"]);
    let (_server, address) =
        Service::start(&mut server, |line| Some(line.strip_prefix("SmolLM2 is listening on ")?.to_owned()));
    let relay = Relay::start(&relay_yaml(&address), &[]);

    let mut clients = python();
    clients.arg(path("tests/clients/python/real_model.py")).env("RELAY_URL", relay.url()).env("SMOL_URL", &address);
    let seen: Value = serde_json::from_str(&run(&mut clients)).expect("the script prints the counts it saw");

    let report = relay.report_by_provider(2);
    for provider in ["smol", "smola"] {
        let rows = report["rows"].as_array().expect("the report has rows");
        let row = rows.iter().find(|row| row["key"] == provider).expect("each provider has a row");
        let count = |name: &str| row[name].as_u64().expect("the report counts tokens");
        assert_eq!(count("requests"), 1, "{row}");
        assert_eq!(count("errors"), 0, "{row}");
        assert_eq!(count("estimated_requests"), 0, "{row}");
        // The server keeps prompts in a cache; the report counts what came from there apart from the rest.
        let prompt = count("input_tokens") + count("cache_read_tokens") + count("cache_write_tokens");
        assert_eq!(seen[provider]["prompt"], prompt, "{row}");
        assert_eq!(seen[provider]["completion"], count("output_tokens"), "{row}");
    }
}

fn relay_yaml(address: &str) -> String {
    format!(
        r#"providers:
  smol: {{ protocol: openai, base_url: "{address}/v1", api_key: none, models: [smollm2-135m-instruct] }}
  smola: {{ protocol: anthropic, base_url: "{address}/v1", api_key: none, models: [smollm2-135m-instruct] }}
"#
    )
}
