//! Providers made on the admin listener: called at once, changed while traffic flows, tried out, and with keys that nobody
//! gets to see again. Ollama instances, and what they have.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Face, FakeUpstream, ManualServer, Reply, Setup, TestRelay, call_api, read_api as get, wait_until,
};

const KEY: &str = "sk-very-secret-0123456789-abcd";
const OTHER_KEY: &str = "sk-another-secret-987654-wxyz";

fn world() -> TestRelay {
    TestRelay::setup().with_admin().start()
}

fn call(relay: &TestRelay, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    call_api(relay, method, path, more, &body)
}

fn put(relay: &TestRelay, name: &str, version: Option<&str>, body: &Value) -> Reply {
    let condition = version.map(|version| ("if-match", version));
    call(relay, "PUT", &format!("providers/{name}"), condition.as_slice(), body)
}

fn delete(relay: &TestRelay, name: &str) -> Reply {
    call(relay, "DELETE", &format!("providers/{name}"), &[("if-match", "*")], &Value::Null)
}

fn undo_newest(relay: &TestRelay) -> Reply {
    let id = get(relay, "history?kind=provider&limit=1")["history"][0]["id"].clone();
    call(relay, "POST", &format!("history/{id}/undo"), &[], &Value::Null)
}

fn base_url(client: Client) -> String {
    format!("http://{}/v1", client.address)
}

fn lab(upstream: &FakeUpstream) -> Value {
    json!({ "protocol": "openai", "base_url": base_url(upstream.client()), "api_key": KEY, "models": ["gpt-fake"] })
}

fn ask(relay: &TestRelay, model: &str) -> Reply {
    relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask(model, "hi", false))
}

fn error(reply: &Reply) -> (u16, String, String) {
    let error = &reply.json()["error"];
    let text = |key| error[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", reply.text())).to_owned();
    (reply.status, text("code"), text("message"))
}

/// The key that came with the last call.
fn last_key(upstream: &FakeUpstream) -> Option<String> {
    upstream.calls().last()?.header("authorization").map(|value| value.trim_start_matches("Bearer ").to_owned())
}

/// Every file below a folder that holds this text.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if memchr::memmem::find(&fs::read(&path).expect("the file can be read"), text.as_bytes()).is_some() {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_provider_is_called_as_soon_as_it_is_made_and_its_key_is_seen_by_nobody_again() {
    let upstream = FakeUpstream::openai();
    let mut relay = world();
    let mut answers = Vec::new();
    let created = put(&relay, "lab", None, &lab(&upstream));
    assert_eq!(
        (created.status, created.header("location")),
        (201, Some("/admin/api/providers/lab")),
        "{}",
        created.text()
    );
    let shown = created.json();
    assert_eq!(
        (&shown["state"], &shown["origin"], &shown["key"]["ends_with"]),
        (&"ready".into(), &"database".into(), &"abcd".into())
    );
    assert_eq!(shown["provider"].get("api_key"), None);
    assert_eq!(ask(&relay, "lab/gpt-fake").status, 200);
    assert_eq!(last_key(&upstream).as_deref(), Some(KEY));
    answers.push(created.text());

    // What is shown can be sent back; without a key the key stays.
    let version = created.header("etag").expect("it has a version").to_owned();
    let mut entry = shown["provider"].clone();
    entry["models"] = json!(["gpt-fake", "gpt-dear"]);
    let changed = put(&relay, "LAB", Some(&version), &entry);
    assert_eq!((changed.status, &changed.json()["key"]["ends_with"]), (200, &"abcd".into()), "{}", changed.text());
    assert_eq!(ask(&relay, "lab/gpt-dear").status, 200);
    assert_eq!(last_key(&upstream).as_deref(), Some(KEY));
    answers.push(changed.text());
    let stale = put(&relay, "lab", Some(&version), &entry);
    assert_eq!((stale.status, &stale.json()["error"]["code"]), (412, &"changed".into()));
    assert_eq!(stale.json()["error"]["current"]["version"], changed.json()["version"]);
    answers.push(stale.text());
    assert_eq!(put(&relay, "lab", None, &entry).status, 428);

    // Another key, that undone, and everything after a kill.
    entry["api_key"] = json!(OTHER_KEY);
    let rekeyed = put(&relay, "lab", Some("*"), &entry);
    assert_ne!(rekeyed.json()["version"], changed.json()["version"]);
    assert_eq!(ask(&relay, "lab/gpt-fake").status, 200);
    assert_eq!(last_key(&upstream).as_deref(), Some(OTHER_KEY));
    let undone = undo_newest(&relay);
    assert_eq!((undone.status, undone.header("etag")), (200, changed.header("etag")), "{}", undone.text());
    assert_eq!(ask(&relay, "lab/gpt-fake").status, 200);
    assert_eq!(last_key(&upstream).as_deref(), Some(KEY));
    answers.extend([rekeyed.text(), undone.text()]);
    relay.kill_9();
    relay.start_again();
    assert_eq!(ask(&relay, "lab/gpt-fake").status, 200);
    assert_eq!(last_key(&upstream).as_deref(), Some(KEY));

    // Taken out, and brought back with its key.
    assert_eq!(delete(&relay, "lab").status, 204);
    assert_eq!(ask(&relay, "lab/gpt-fake").status, 404);
    answers.push(undo_newest(&relay).text());
    assert_eq!(ask(&relay, "lab/gpt-fake").status, 200);
    entry["api_key"] = Value::Null;
    let keyless = put(&relay, "lab", Some("*"), &entry);
    assert_eq!((keyless.status, &keyless.json()["key"]), (200, &Value::Null), "{}", keyless.text());
    assert_eq!(ask(&relay, "lab/gpt-fake").status, 200);
    assert_eq!(last_key(&upstream), None);

    for path in ["providers", "providers/lab", "history?kind=provider", "requests"] {
        answers.push(get(&relay, path).to_string());
    }
    answers.extend(relay.log());
    for key in [KEY, OTHER_KEY] {
        assert!(answers.iter().all(|answer| !answer.contains(key)), "{answers:#?}");
        assert_eq!(holding(&relay.path("data"), key), [""; 0], "no file holds the key as text");
    }
    let mode = fs::metadata(relay.path("data/secret.key")).expect("there is a key to encrypt with").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
}

#[test]
fn one_that_is_switched_off_says_so_and_a_known_one_needs_only_a_key() {
    let upstream = FakeUpstream::openai();
    let relay = world();
    let built_in = get(&relay, "providers/openai");
    assert_eq!((&built_in["origin"], &built_in["state"]), (&"built_in".into(), &"missing".into()), "{built_in}");
    let entry = json!({ "api_key": KEY, "base_url": base_url(upstream.client()) });
    let created = put(&relay, "openai", None, &entry);
    assert_eq!((created.status, &created.json()["state"]), (201, &"ready".into()), "{}", created.text());
    assert_eq!(ask(&relay, "gpt-4o-mini").status, 200);
    assert_eq!(last_key(&upstream).as_deref(), Some(KEY));

    assert_eq!(call(&relay, "PUT", "aliases/fast", &[], &json!("openai/gpt-4o-mini")).status, 201);
    let mut entry = created.json()["provider"].clone();
    entry["enabled"] = json!(false);
    let off = put(&relay, "openai", Some("*"), &entry);
    assert_eq!((off.status, &off.json()["state"]), (200, &"disabled".into()), "{}", off.text());
    let problems = off.json()["problems"].to_string();
    assert!(problems.contains("the alias `fast` would be wrong then: `openai` is switched off"), "{problems}");
    for name in ["openai/gpt-4o-mini", "fast"] {
        let refused = ask(&relay, name);
        assert!(
            refused.status == 404 && refused.text().contains("provider `openai` is switched off"),
            "{}",
            refused.text()
        );
    }
    entry["enabled"] = json!(true);
    assert_eq!(put(&relay, "openai", Some("*"), &entry).status, 200);
    assert_eq!(ask(&relay, "fast").status, 200);
    let used = delete(&relay, "openai");
    assert_eq!((used.status, &used.json()["error"]["used_by"]), (409, &json!(["alias `fast`"])), "{}", used.text());
}

#[test]
fn what_cannot_be_used_is_refused_with_the_key_at_fault_and_a_rehearsal_changes_nothing() {
    let relay = world();
    for (name, body, place) in [
        ("lab", json!({ "base_url": "http://h" }), "providers.lab.protocol"),
        ("lab", json!({ "protocol": "openai" }), "providers.lab.base_url"),
        ("a%2Fb", json!({ "protocol": "openai", "base_url": "http://h" }), "providers.a/b.id"),
        ("lab", json!({ "protocol": "openai", "base_url": "http://u:p@h" }), "providers.lab.base_url"),
        ("openai", json!({ "api_key": "two words" }), "providers.openai.api_key"),
        ("openai", json!({ "headers": { "authorization": "Bearer x" } }), "providers.openai.headers"),
        (
            "lab",
            json!({ "protocol": "ollama", "base_url": format!("http://{}", relay.client().address) }),
            "providers.lab.base_url",
        ),
    ] {
        let refused = put(&relay, name, None, &body);
        assert_eq!(refused.status, 422, "{name}: {}", refused.text());
        assert_eq!(refused.json()["error"]["problems"][0]["place"], place, "{}", refused.text());
    }
    for body in
        [json!({ "protocol": "telepathy" }), json!({ "apikey": "x" }), json!({ "key": { "id": "x" } }), json!([])]
    {
        let (status, code, message) = error(&put(&relay, "lab", None, &body));
        assert_eq!((status, code.as_str()), (400, "unreadable"), "{message}");
    }
    let entry = json!({ "protocol": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": KEY });
    let rehearsed = call(&relay, "PUT", "providers/lab?dry_run=true", &[], &entry);
    assert_eq!((rehearsed.status, &rehearsed.json()["problems"]), (200, &json!([])), "{}", rehearsed.text());
    assert!(!rehearsed.text().contains(KEY));
    assert_eq!(call(&relay, "GET", "providers/lab", &[], &Value::Null).status, 404);
}

#[test]
fn providers_of_the_file_and_the_environment_are_shown_and_locked() {
    let upstream = FakeUpstream::openai();
    let relay = TestRelay::setup()
        .relay_yaml(&format!(
            "providers:\n  lab: {{ protocol: openai, base_url: \"http://user:pass@{}/v1\", api_key: file-secret-key }}\n",
            upstream.client().address
        ))
        .env("OPENAI_API_KEY", "environment-secret")
        .env("OLLAMA_BASE_URL", "http://127.0.0.1:9,http://127.0.0.1:10")
        .with_admin()
        .start();
    for (name, code, place) in [
        ("lab", "managed_by_file", "relay.yaml:2:3 providers.lab"),
        ("OpenAI", "managed_by_environment", "OPENAI_API_KEY"),
        ("ollama-2", "managed_by_environment", "OLLAMA_BASE_URL"),
    ] {
        let shown = get(&relay, &format!("providers/{name}"));
        assert_eq!(shown["place"], place);
        let refusals = [put(&relay, name, Some("*"), &json!({ "enabled": false })), delete(&relay, name)];
        for refused in refusals {
            let (status, found, message) = error(&refused);
            assert_eq!((status, found.as_str()), (409, code), "{message}");
            assert!(message.contains(place), "{message}");
        }
    }
    let all = get(&relay, "providers").to_string();
    assert!(!all.contains("secret") && !all.contains("pass@"), "{all}");
}

#[test]
fn a_lost_encryption_key_stops_that_provider_alone_and_says_what_to_do() {
    let upstream = FakeUpstream::openai();
    let mut relay = world();
    assert_eq!(put(&relay, "lab", None, &lab(&upstream)).status, 201);
    relay.kill_9();
    fs::remove_file(relay.path("data/secret.key")).expect("there was one");
    relay.start_again();
    let shown = get(&relay, "providers/lab");
    assert_eq!(shown["state"], "unusable");
    let reason = shown["reason"].as_str().expect("there is a reason");
    assert!(reason.contains("its key cannot be read") && reason.contains("enter the key again"), "{reason}");
    let refused = ask(&relay, "lab/gpt-fake");
    assert!(refused.status == 503 && refused.text().contains("enter the key again"), "{}", refused.text());
    let mut entry = shown["provider"].clone();
    entry["api_key"] = json!(OTHER_KEY);
    assert_eq!(put(&relay, "lab", Some("*"), &entry).status, 200);
    assert_eq!(ask(&relay, "lab/gpt-fake").status, 200);
    assert_eq!(last_key(&upstream).as_deref(), Some(OTHER_KEY));
}

#[test]
fn a_short_secret_key_keeps_the_relay_from_starting() {
    let output = TestRelay::setup().env("SECRET_KEY", "too short").run();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && complaint.contains("SECRET_KEY: has fewer than 32 characters"), "{complaint}");
    assert!(!complaint.contains("too short"), "{complaint}");
}

fn test(relay: &TestRelay, name: &str, body: &Value) -> Vec<Value> {
    let reply = call(relay, "POST", &format!("providers/{name}/test"), &[], body);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-ndjson")), "{}", reply.text());
    reply.lines()
}

fn steps(lines: &[Value]) -> Vec<&str> {
    let mut steps: Vec<_> = lines.iter().map(|line| line["step"].as_str().expect("every line is a step")).collect();
    steps.dedup();
    steps
}

#[test]
fn a_test_tells_every_step_and_is_on_the_bill() {
    let upstream = FakeUpstream::openai();
    let relay = world();
    assert_eq!(put(&relay, "lab", None, &lab(&upstream)).status, 201);
    let lines = test(&relay, "lab", &Value::Null);
    assert_eq!(
        steps(&lines),
        ["asking", "resolved", "connected", "headers", "first_token", "text", "done"],
        "{lines:?}"
    );
    assert_eq!(lines[0]["model"], "lab/gpt-fake");
    assert_eq!(lines[1]["addresses"], json!(["127.0.0.1"]));
    let text: String = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(text, "Hello there, friend.");
    let done = lines.last().expect("there is an end");
    assert_eq!((&done["input_tokens"], &done["output_tokens"]), (&11.into(), &7.into()), "{done}");

    let report = relay.report("tag", 1);
    assert_eq!((&report["rows"][0]["key"], &report["rows"][0]["input_tokens"]), (&"provider-test".into(), &11.into()));
    let found = get(&relay, "requests?tag=provider-test");
    assert_eq!(found["requests"][0]["id"], lines[0]["request_id"], "{found}");
}

/// A server that takes what begins a TLS connection for a bad request, and says so.
fn without_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Whoever hung up does not want to know.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    address
}

#[test]
fn a_test_that_fails_says_why_and_what_to_do() {
    let refusal = r#"{"error":{"message":"Incorrect API key provided: sk-very-secret-0123456789-abcd","code":"invalid_api_key"}}"#;
    let upstream = FakeUpstream::openai().answer(Answer::status(401, "application/json", refusal));
    let ollama = FakeUpstream::ollama();
    let relay = world();
    let closed = ManualServer::start().address();
    let entry = |base: &str| json!({ "protocol": "openai", "base_url": base, "api_key": KEY, "models": ["m"] });
    for (name, base, error, hint) in [
        ("wrong-key", base_url(upstream.client()), "provider_auth", "The key is not accepted"),
        ("refused", format!("http://{closed}/v1"), "connect", "Nothing listens at 127.0.0.1"),
        (
            "unknown",
            "http://no-such-host.invalid/v1".to_owned(),
            "connect",
            "No name server knows `no-such-host.invalid`",
        ),
        ("tls", format!("https://{}/v1", without_tls()), "connect", "TLS fails"),
        ("protocol", format!("http://{}/other", ollama.client().address), "bad_request", "no model `m` there"),
    ] {
        assert_eq!(put(&relay, name, None, &entry(&base)).status, 201, "{name}");
        let lines = test(&relay, name, &json!({ "model": "m" }));
        let last = lines.last().expect("there is an end");
        assert_eq!((&last["step"], &last["error"]), (&"failed".into(), &error.into()), "{name}: {last}");
        assert!(last["hint"].as_str().is_some_and(|text| text.contains(hint)), "{name}: {last}");
        assert!(!last.to_string().contains(KEY), "{last}");
    }
    let gemini =
        json!({ "protocol": "gemini", "base_url": format!("http://{}", ollama.client().address), "api_key": KEY });
    assert_eq!(put(&relay, "guess", None, &gemini).status, 201);
    let lines = test(&relay, "guess", &json!({ "model": "m" }));
    let last = lines.last().expect("there is an end");
    assert!(last["hint"].as_str().is_some_and(|text| text.contains("looks like Ollama")), "{last}");

    // Nobody has asked it for its models yet, and it would not say.
    let fresh = json!({ "protocol": "openai", "base_url": base_url(upstream.client()), "discover": false });
    assert_eq!(put(&relay, "fresh", None, &fresh).status, 201);
    let lines = test(&relay, "fresh", &Value::Null);
    assert_eq!(lines[0]["model"], "fresh/gpt-fake", "the first one it lists");
    assert_eq!(lines.last().map(|last| &last["hint"]), Some(&"It wants a key: enter one.".into()));

    let (status, code, _) = error(&call(&relay, "POST", "providers/openai/test", &[], &Value::Null));
    assert_eq!((status, code.as_str()), (409, "not_ready"));
    let (status, code, _) = error(&call(&relay, "POST", "providers/nobody/test", &[], &Value::Null));
    assert_eq!((status, code.as_str()), (404, "no_such_provider"));
}

#[test]
fn models_are_discovered_when_asked_for_and_new_ones_are_marked() {
    let upstream = FakeUpstream::openai();
    let relay = world();
    let mut entry = lab(&upstream);
    entry["discover"] = json!(true);
    entry["models"] = json!(["gpt-old"]);
    assert_eq!(put(&relay, "lab", None, &entry).status, 201);
    let found = call(&relay, "POST", "providers/lab/discover", &[], &Value::Null);
    assert_eq!(found.status, 200, "{}", found.text());
    let models = found.json()["models"].as_array().expect("a list").clone();
    assert!(!models.is_empty() && models.iter().all(|model| model["id"].is_string()), "{models:?}");
    let name = format!("lab/{}", models[0]["id"].as_str().expect("it has an id"));
    assert!(relay.client().get("/v1/models").text().contains(&name), "it can be called at once");
    let again = call(&relay, "POST", "providers/lab/discover", &[], &Value::Null).json();
    assert_eq!(again["new"], 0, "{again}");
    drop(upstream);
    let (status, code, message) = error(&call(&relay, "POST", "providers/lab/discover", &[], &Value::Null));
    assert_eq!((status, code.as_str()), (502, "provider"), "{message}");
    let shown = get(&relay, "providers/lab");
    assert!(shown["failing"]["since_ms"].is_u64(), "{shown}");
}

fn with_ollama(ollama: &FakeUpstream) -> Setup {
    TestRelay::setup().env("OLLAMA_BASE_URL", &format!("http://{}", ollama.client().address)).with_admin()
}

#[test]
fn an_ollama_instance_shows_what_it_has_and_does_what_it_is_told() {
    let ollama = FakeUpstream::ollama();
    let relay = with_ollama(&ollama).start();
    let listed = get(&relay, "ollama");
    assert_eq!(listed["instances"][0]["name"], "ollama", "{listed}");
    let shown = get(&relay, "ollama/ollama");
    assert_eq!((&shown["reachable"], &shown["version"]), (&true.into(), &"0.33.0".into()), "{shown}");
    let models = shown["models"].as_array().expect("a list");
    assert_eq!(models.len(), 4);
    assert_eq!((&models[0]["quantisation"], &models[0]["size"]), (&"Q4_K_M".into(), &1_000_000.into()), "{shown}");
    assert_eq!(shown["running"], json!([]));

    wait_until("its models are known", || ask(&relay, "ollama/m").status == 200);
    let running = || get(&relay, "ollama/ollama")["running"].clone();
    assert_eq!(running()[0]["name"], "m:latest");
    let wish = json!({ "model": "m:latest" });
    assert_eq!(call(&relay, "POST", "ollama/ollama/unload", &[], &wish).status, 204);
    assert_eq!(running(), json!([]));

    let pulled = call(&relay, "POST", "ollama/ollama/pull", &[], &json!({ "model": "tiny" }));
    assert_eq!((pulled.status, pulled.header("content-type")), (200, Some("application/x-ndjson")));
    assert!(pulled.lines().len() > 1, "{}", pulled.text());

    assert_eq!(call(&relay, "POST", "ollama/ollama/delete", &[], &json!({ "model": "p:latest" })).status, 204);
    assert_eq!(get(&relay, "ollama/ollama")["models"].as_array().map(Vec::len), Some(3));
    let (status, code, _) = error(&call(&relay, "POST", "ollama/ollama/delete", &[], &json!({ "model": "nothing" })));
    assert_eq!((status, code.as_str()), (404, "no_such_model"));
    for (body, expected) in [(json!({ "model": " " }), 422), (json!({}), 400)] {
        assert_eq!(call(&relay, "POST", "ollama/ollama/pull", &[], &body).status, expected);
    }
    let (status, code, _) = error(&call(&relay, "GET", "ollama/openai", &[], &Value::Null));
    assert_eq!((status, code.as_str()), (409, "no_instance"));
}

#[test]
fn a_dead_instance_is_told_and_hangs_nobody() {
    let silent = ManualServer::start();
    let relay = TestRelay::setup().env("OLLAMA_BASE_URL", &silent.address().to_string()).with_admin().start();
    let shown = get(&relay, "ollama/ollama");
    assert_eq!(shown["reachable"], false, "{shown}");
    assert!(shown["reason"].as_str().is_some_and(|reason| reason.contains("no answer within")), "{shown}");
}
