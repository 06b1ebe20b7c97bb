//! A real small language model behind the relay: real tokens, counted by its server, seen by the client, recorded.

use serde_json::Value;

use crate::relay::Relay;
use crate::service::{Service, is_set_up, path, python, run};

#[test]
fn a_real_models_tokens_are_seen_and_recorded_as_its_server_counts_them() {
    let Some((_server, address)) = start_model() else { return };
    let relay = Relay::start(&relay_yaml(&address), &[]);

    let mut clients = python();
    clients.arg(path("tests/clients/python/real_model.py")).env("RELAY_URL", relay.url()).env("SMOL_URL", &address);
    let seen: Value = serde_json::from_str(&run(&mut clients)).expect("the script prints the counts it saw");

    let report = relay.report_by("provider", 2);
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

#[test]
fn a_real_model_chooses_from_a_closed_set() {
    let Some((_server, address)) = start_model() else { return };
    // Time enough for a machine that compiles beside it; nothing here waits for it.
    let routers = "routers:
  smart:
    purpose: short answers
    designator: smol/smollm2-135m-instruct
    candidates:
      - { model: smol/smollm2-135m-instruct, notes: everyday questions }
      - { model: smola/smollm2-135m-instruct, notes: programs and mathematics }
    fallback: smol/smollm2-135m-instruct
    budget: 30s
";
    let relay = Relay::start(&format!("{}{routers}", relay_yaml(&address)), &[]);
    let mut client = python();
    client.arg(path("tests/clients/python/real_designator.py")).env("RELAY_URL", relay.url());
    let seen: Value = serde_json::from_str(&run(&mut client)).expect("the script prints what it saw");
    let questions = seen["questions"].as_u64().expect("it counts questions");
    let answered = seen["answered"].as_object().expect("it counts answers");
    assert_eq!(answered.values().filter_map(Value::as_u64).sum::<u64>(), questions, "{seen}");
    let report = relay.report_by("router", questions);
    let row = &report["rows"][0];
    assert_eq!((&row["key"], row["requests"].as_u64()), (&"smart".into(), Some(questions)), "{report}");
    // Five tokens for each answer, and as much again for each choice at least: the designator is on the bill.
    assert!(row["output_tokens"].as_u64() > Some(questions * 10), "{report}");
}

/// The model's server and its address; nothing where it is not set up.
fn start_model() -> Option<(Service, String)> {
    let is_complete = is_set_up(".venv/installed-scripts-requirements-smollm.txt");
    if !is_complete || !is_set_up(".venv/installed-clients-requirements.txt") {
        return None;
    }
    let mut server = python();
    server.arg(path("scripts/smollm.py")).args(["--port", "0", "--stop-with-stdin"]);
    Some(Service::start(&mut server, |line| Some(line.strip_prefix("SmolLM2 is listening on ")?.to_owned())))
}

fn relay_yaml(address: &str) -> String {
    format!(
        r#"providers:
  smol: {{ protocol: openai, base_url: "{address}/v1", api_key: none, models: [smollm2-135m-instruct] }}
  smola: {{ protocol: anthropic, base_url: "{address}/v1", api_key: none, models: [smollm2-135m-instruct] }}
"#
    )
}
