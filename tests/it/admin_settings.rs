//! Settings changed while requests flow, what they keep and delete, backup and restore, the log, the description.

use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Reply, Setup, TestRelay, call_admin, call_api as call, read_api as get, wait_until,
};

fn yaml(upstream: &FakeUpstream, more: &str) -> String {
    format!("providers:\n{}{more}", upstream.provider_yaml().replace(" }\n", ", models: [gpt-fake, gpt-dear] }\n"))
}

fn setup(upstream: &FakeUpstream, more: &str) -> Setup {
    TestRelay::setup().relay_yaml(&yaml(upstream, more)).with_admin()
}

fn set(relay: &TestRelay, name: &str, value: &Value) -> Reply {
    call(relay, "PUT", &format!("settings/{name}"), &[], &json!({ "value": value }).to_string())
}

fn error(reply: &Reply) -> (u16, String, String) {
    let error = &reply.json()["error"];
    (reply.status, error["code"].as_str().unwrap_or("").to_owned(), error["message"].as_str().unwrap_or("").to_owned())
}

/// The status of a chat, and the model that answered.
fn chat(relay: &TestRelay, model: &str, text: &str) -> (u16, Option<String>) {
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": text }] });
    let reply = relay.client().post("/v1/chat/completions", &body);
    (reply.status, reply.header("x-llm-relay-model").map(str::to_owned))
}

fn setting(relay: &TestRelay, name: &str) -> Value {
    let all = get(relay, "settings")["settings"].as_array().expect("a list").clone();
    all.into_iter().find(|one| one["name"] == name).expect("it is there")
}

#[test]
fn a_default_model_is_used_at_once_checked_undone_and_never_lost() {
    let upstream = FakeUpstream::openai();
    let mut relay = setup(&upstream, "").start();
    assert_eq!(chat(&relay, "nobody-knows", "hi").0, 404);
    assert_eq!(
        (setting(&relay, "default_model")["origin"].clone(), setting(&relay, "default_model")["value"].clone()),
        (json!("default"), json!(null))
    );

    let reply = set(&relay, "default_model", &json!("openai/gpt-fake"));
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(chat(&relay, "nobody-knows", "hi"), (200, Some("gpt-fake".to_owned())));
    let version = reply.json()["version"].as_str().expect("a version").to_owned();
    assert_eq!(reply.header("etag"), Some(format!("\"{version}\"").as_str()));
    assert_eq!(reply.json()["value"], "openai/gpt-fake");

    let second = set(&relay, "default_model", &json!("openai/gpt-dear"));
    assert_eq!((error(&second).0, &second.json()["error"]["current"]["value"]), (428, &json!("openai/gpt-fake")));
    let (status, code, _) = error(&set(&relay, "default_model", &json!("nobody/x")));
    assert_eq!((status, code.as_str()), (422, "invalid"));
    let path = "settings/default_model";
    let body = json!({ "value": "openai/gpt-dear" }).to_string();
    assert_eq!(call(&relay, "PUT", path, &[("if-match", "\"0000000000000000\"")], &body).status, 412);
    assert_eq!(call(&relay, "PUT", path, &[("if-match", &format!("\"{version}\""))], &body).status, 200);
    assert_eq!(chat(&relay, "nobody-knows", "hi").1.as_deref(), Some("gpt-dear"));

    relay.kill_9();
    relay.start_again();
    assert_eq!(chat(&relay, "nobody-knows", "hi").1.as_deref(), Some("gpt-dear"));

    let change = get(&relay, "history?kind=setting&limit=1")["history"][0].clone();
    assert_eq!(
        (&change["name"], &change["after"]),
        (&json!("default_model"), &json!({"default_model": "openai/gpt-dear"}))
    );
    let undone = call(&relay, "POST", &format!("history/{}/undo", change["id"]), &[], "");
    assert_eq!((undone.status, &undone.json()["value"]), (200, &json!("openai/gpt-fake")));
    assert_eq!(chat(&relay, "nobody-knows", "hi").1.as_deref(), Some("gpt-fake"));
    assert_eq!(call(&relay, "DELETE", path, &[("if-match", "*")], "").status, 204);
    assert_eq!(chat(&relay, "nobody-knows", "hi").0, 404);
}

#[test]
fn what_file_and_environment_say_is_locked_with_its_place() {
    let upstream = FakeUpstream::openai();
    let relay = setup(&upstream, "default_model: openai/gpt-fake\n").env("KEEP_PROMPTS", "all").start();
    let shown = setting(&relay, "default_model");
    assert_eq!((&shown["origin"], &shown["value"]), (&json!("file"), &json!("openai/gpt-fake")));
    assert!(shown["place"].as_str().is_some_and(|place| place.contains("relay.yaml:3:1")), "{shown}");
    let (status, code, message) = error(&set(&relay, "default_model", &json!("openai/gpt-dear")));
    assert!(status == 409 && code == "managed_by_file" && message.contains("relay.yaml:3:1"), "{message}");

    let shown = setting(&relay, "keep_prompts");
    assert_eq!(
        (&shown["origin"], &shown["place"], &shown["value"]),
        (&json!("environment"), &json!("KEEP_PROMPTS"), &json!("all"))
    );
    let (status, code, message) = error(&set(&relay, "keep_prompts", &json!("off")));
    assert!(status == 409 && code == "managed_by_environment" && message.contains("KEEP_PROMPTS"), "{message}");

    for (name, value, expected) in [
        ("keep_prompts_days", json!(0), (422, "invalid")),
        ("keep_prompts_days", json!("seven"), (400, "unreadable")),
        ("keep_requests_days", json!(-1), (400, "unreadable")),
        ("redaction_patterns", json!([{ "name": "a", "pattern": "(" }]), (422, "invalid")),
        ("no_such_thing", json!(1), (404, "no_such_setting")),
    ] {
        let (status, code, message) = error(&set(&relay, name, &value));
        assert_eq!((status, code.as_str()), expected, "{name}: {message}");
    }
    assert_eq!(error(&call(&relay, "PUT", "settings/reverse_dns", &[], "{\"value\":true,\"x\":1}")).1, "unreadable");
    let gone = relay.run_to_end(&["check"]);
    assert!(gone.status.success());
}

#[test]
fn bodies_are_kept_from_the_next_request_on_without_the_secrets_in_them() {
    let upstream = FakeUpstream::openai();
    let relay = setup(&upstream, "").start();
    chat(&relay, "openai/gpt-fake", "not kept");
    assert_eq!(set(&relay, "keep_prompts", &json!("all")).status, 201);
    let own = json!([{ "name": "customer", "pattern": "K-\\d{6}" }]);
    assert_eq!(set(&relay, "redaction_patterns", &own).status, 201);
    let secret = "sk-proj-abcdefghijklmnopqrstuvwxyz";
    chat(&relay, "openai/gpt-fake", &format!("my \"key\" is {secret}, I am K-123456"));
    let mut kept = Value::Null;
    wait_until("the body is kept", || {
        let newest = get(&relay, "requests?limit=1")["requests"][0]["id"].as_str().unwrap_or("none").to_owned();
        let reply = call(&relay, "GET", &format!("requests/{newest}"), &[], "");
        kept = reply.json()["prompt"]["body"].clone();
        kept.is_string()
    });
    let kept: Value = serde_json::from_str(kept.as_str().expect("a text")).expect("it is JSON still");
    assert_eq!(kept["messages"][0]["content"], "my \"key\" is [redacted: API key], I am [redacted: customer]");
    assert_eq!(get(&relay, "storage")["kinds"][2]["rows"], 1);
    // Neither the database, nor its log, nor the journal, nor our log has it.
    for entry in fs::read_dir(relay.path("data")).expect("the folder is there").flatten() {
        if let Ok(bytes) = fs::read(entry.path()) {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{:?}", entry.path());
        }
    }
    assert!(!relay.log().iter().any(|line| line.contains(secret)));

    let trial = json!({ "text": "Bearer abcdefghijklmnop and K-123456" }).to_string();
    let tried = call(&relay, "POST", "settings/redaction/test", &[], &trial).json();
    assert_eq!(tried["redacted"], "Bearer [redacted: bearer token] and [redacted: customer]");
    let cuts =
        json!([{ "rule": "bearer token", "text": "abcdefghijklmnop" }, { "rule": "customer", "text": "K-123456" }]);
    assert_eq!(tried["cuts"], cuts);
    let trial = json!({ "text": "{\"a\": \"K-123456\"}", "patterns": [] }).to_string();
    let tried = call(&relay, "POST", "settings/redaction/test", &[], &trial).json();
    assert_eq!((&tried["redacted"], &tried["is_body"]), (&json!("{\"a\": \"K-123456\"}"), &json!(true)));
    let trial = json!({ "text": "x", "patterns": [{ "name": "a", "pattern": "x*" }] }).to_string();
    assert_eq!(error(&call(&relay, "POST", "settings/redaction/test", &[], &trial)).1, "invalid");
}

#[test]
fn what_is_too_old_is_deleted_and_the_file_becomes_smaller() {
    let upstream = FakeUpstream::openai();
    let mut relay = setup(&upstream, "").start();
    chat(&relay, "openai/gpt-fake", "young");
    relay.report("model", 1);
    relay.kill_9();
    // Twenty thousand records of last year, as they would have come to be there.
    let path = relay.path("data/relay.db");
    let database = rusqlite::Connection::open(&path).expect("the database is there");
    let columns: Vec<String> = {
        let mut statement = database.prepare("select name from pragma_table_info('requests')").expect("it can be read");
        let names = statement.query_map([], |row| row.get(0)).expect("it can be read");
        names.collect::<Result<_, _>>().expect("names are texts")
    };
    let values: Vec<&str> = columns
        .iter()
        .map(|name| match name.as_str() {
            "id" => "'old-' || n.value",
            "started_ms" => "started_ms - 365 * 86400000",
            "formula" => "printf('%.*c', 500, 'x')",
            name => name,
        })
        .collect();
    let sql = format!(
        "with recursive n(value) as (select 1 union all select value + 1 from n where value < 20000)
         insert into requests ({}) select {} from requests, n",
        columns.join(", "),
        values.join(", ")
    );
    database.execute_batch(&format!("{sql}; pragma wal_checkpoint(truncate)")).expect("it can be written");
    drop(database);
    let before = fs::metadata(&path).expect("the file is there").len();
    relay.start_again();
    assert_eq!(get(&relay, "storage")["kinds"][0]["rows"], 20_001);

    assert_eq!(set(&relay, "keep_requests_days", &json!(30)).status, 201);
    assert_eq!(call(&relay, "POST", "storage/tidy", &[], "").status, 202);
    // Requests go on meanwhile.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(200) {
        assert_eq!(chat(&relay, "openai/gpt-fake", "meanwhile").0, 200);
        thread::sleep(Duration::from_millis(20));
    }
    wait_until("old records are deleted", || {
        get(&relay, "storage")["kinds"][0]["rows"].as_u64().is_some_and(|rows| rows < 1_000)
    });
    let mut after = before;
    wait_until("the file is smaller", || {
        after = fs::metadata(&path).expect("the file is there").len();
        after < before / 4
    });
    assert!(before > 15_000_000 && after < 5_000_000, "{before} {after}");
    // Sums stay, and so do young records.
    assert!(relay.report("model", 2)["total"]["requests"].as_u64() >= Some(2));
    let storage = get(&relay, "storage");
    assert!(storage["shrinks"] == true && storage["kinds"][0]["keep_days"] == 30, "{storage}");
}

#[test]
fn a_backup_brings_everything_back() {
    let upstream = FakeUpstream::openai();
    let relay = setup(&upstream, "aliases: { filed: openai/gpt-fake }\n").start();
    let put = |path: &str, body: Value| {
        let reply = call(&relay, "PUT", path, &[], &body.to_string());
        assert_eq!(reply.status, 201, "{}", reply.text());
    };
    put("aliases/fast", json!({ "target": "openai/gpt-fake", "tags": ["a"], "description": "ü <b>" }));
    put("redirects/old-%2A", json!("openai/gpt-dear"));
    put("settings/keep_prompts_days", json!({ "value": 3 }));
    let key = relay.run(&["keys", "create", "web", "--tag", "home"]);
    let backup = call(&relay, "GET", "backup", &[], "");
    let text = backup.text().to_owned();
    assert!(backup.header("content-disposition").is_some_and(|value| value.contains("llm-relay-")));
    assert!(!text.contains(key.trim()), "keys are hashes");
    let exported: Value = serde_json::from_str(&relay.run(&["export"])).expect("it is JSON");
    let without_time = |mut backup: Value| {
        backup["made_ms"] = json!(0);
        backup
    };
    assert_eq!(without_time(exported), without_time(backup.json()));

    // All gone, and something new.
    for path in ["aliases/fast", "redirects/old-%2A", "settings/keep_prompts_days"] {
        assert_eq!(call(&relay, "DELETE", path, &[("if-match", "*")], "").status, 204, "{path}");
    }
    put("aliases/later", json!("openai/gpt-fake"));
    let wiped = |relay: &TestRelay| {
        let database = rusqlite::Connection::open(relay.path("data/relay.db")).expect("the database is there");
        database.execute("delete from api_keys", []).expect("it can be written");
    };
    wiped(&relay);

    let restore = |query: &str| call(&relay, "POST", &format!("restore{query}"), &[], &text);
    let rehearsed = restore("?dry_run=true").json();
    let words: Vec<String> = rehearsed["plan"]["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| format!("{} {} {}", one["change"], one["kind"], one["name"]).replace('"', ""))
        .collect();
    let expected =
        ["new alias fast", "gone alias later", "new key web", "new redirect old-*", "new setting keep_prompts_days"];
    assert_eq!(words, expected);
    assert_eq!(call(&relay, "GET", "aliases/fast", &[], "").status, 404, "that was a rehearsal");
    assert_eq!(restore("?dry_run=perhaps").status, 400);

    let restored = restore("");
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!(chat(&relay, "fast", "hi"), (200, Some("gpt-fake".to_owned())));
    assert_eq!(get(&relay, "settings/keep_prompts_days")["value"], 3);
    assert_eq!(call(&relay, "GET", "aliases/later", &[], "").status, 404);
    assert_eq!(without_time(get(&relay, "backup")), without_time(backup.json()));
    assert_eq!(restore("?dry_run=true").json()["plan"]["changes"], json!([]));
    // Each change can be taken back by itself.
    let change = get(&relay, "history?kind=alias&name=later&limit=1")["history"][0]["id"].clone();
    assert_eq!(call(&relay, "POST", &format!("history/{change}/undo"), &[], "").status, 200);

    fs::write(relay.path("backup.json"), &text).expect("the folder can be written to");
    let told = relay.run(&["import", "backup.json", "--dry-run", "--keep"]);
    assert!(told.contains("would be changed: 0, the same already: 4"), "{told}");
    let told = relay.run(&["import", "backup.json"]);
    assert!(told.contains("gone     alias `later`"), "{told}");
    wait_until("the relay follows", || call(&relay, "GET", "aliases/later", &[], "").status == 404);
    for (body, expected) in [("{}", "missing field `format`"), ("[1]", "no backup of LLM Relay")] {
        let reply = call(&relay, "POST", "restore", &[], body);
        assert!(reply.status == 422 && error(&reply).2.contains(expected), "{}", reply.text());
    }
    // An entry that the file has by now is left to it.
    relay.edit_relay_yaml(&yaml(&upstream, "aliases: { fast: openai/gpt-dear }\n"));
    wait_until("the clash is refused", || relay.log().iter().any(|line| line.contains("configuration refused")));
    assert!(!get(&relay, "system")["files_accepted"].as_bool().expect("it is said"));
}

#[test]
fn a_copy_of_the_database_is_whole() {
    let upstream = FakeUpstream::openai();
    let relay = setup(&upstream, "").start();
    chat(&relay, "openai/gpt-fake", "hi");
    relay.report("model", 1);
    let copy = call(&relay, "GET", "backup/database", &[], "");
    assert!(copy.status == 200 && copy.complete, "{}", copy.status);
    let path = relay.path("copy.db");
    fs::write(&path, &copy.body).expect("the folder can be written to");
    let database = rusqlite::Connection::open(&path).expect("it is a database");
    let count: i64 = database.query_row("select count(*) from requests", [], |row| row.get(0)).expect("it is whole");
    assert_eq!(count, 1);
    let left: Vec<_> = fs::read_dir(relay.path("data"))
        .expect("the folder is there")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let compacted = call(&relay, "POST", "storage/compact", &[], "");
    assert_eq!((compacted.status, &compacted.json()["free_bytes"]), (200, &json!(0)));
}

#[test]
fn the_log_can_be_read_and_followed_until_the_relay_stops() {
    let upstream = FakeUpstream::openai();
    let mut relay = setup(&upstream, "").start();
    let lines = call(&relay, "GET", "log", &[], "");
    let first: Value = serde_json::from_str(lines.text().lines().next().expect("a line")).expect("it is JSON");
    assert_eq!(first["n"], 1);
    assert!(lines.text().contains("\"listening\""), "{}", lines.text());
    assert_eq!(call(&relay, "GET", "log?level=error", &[], "").text(), "");
    assert_eq!(call(&relay, "GET", "log?q=LISTENING", &[], "").text().lines().count(), 1);
    assert_eq!(call(&relay, "GET", "log?level=loud", &[], "").status, 400);
    let admin = relay.admin();
    let followed = thread::spawn(move || call_admin(admin, "GET", "/admin/api/log?follow=true&q=on+purpose", &[], ""));
    let body = json!({ "model": "on purpose sk-abcdefghijklmnopqrst", "messages": [] });
    wait_until("somebody follows", || {
        get(&relay, "system")["admin_connections"].as_u64().is_some_and(|open| open >= 2)
    });
    relay.client().post("/v1/chat/completions", &body);
    relay.run(&["admin", "token", "create", "on purpose"]);
    call(&relay, "DELETE", "tokens/on%20purpose", &[], "");
    relay.terminate();
    assert!(relay.wait_for_exit().success());
    let followed = followed.join().expect("the thread ends");
    assert!(followed.complete && followed.text().contains("admin token revoked"), "{}", followed.text());
    assert!(!followed.text().contains("sk-abcdef"));
}

#[test]
fn the_system_says_how_it_is_and_the_api_describes_itself() {
    let upstream = FakeUpstream::openai();
    let relay = setup(&upstream, "").start();
    let system = get(&relay, "system");
    for key in ["memory_bytes", "threads", "database_bytes", "disk_free_bytes", "uptime_seconds", "models"] {
        assert!(system[key].is_u64(), "{key}: {system}");
    }
    assert!(system["files_accepted"] == true && system["files"][0]["exists"] == true, "{system}");
    assert_eq!(system["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(system["journal"]["lost"], 0);

    let page = |path: &str| call_admin(relay.admin(), "GET", path, &[], "");
    let described = page("/docs/openapi.json").json();
    assert_eq!(described["openapi"], "3.1.0");
    assert!(described["paths"]["/admin/api/settings/{name}"]["put"].is_object());
    for (path, expected) in [("/docs", "/admin/api/aliases/{name}"), ("/settings", "Days to keep records")] {
        let reply = page(path);
        assert!(reply.status == 200 && reply.text().contains(expected), "{path}: {}", reply.text());
        let stranger = relay.admin().get(path);
        assert_eq!(stranger.status, 401, "{path}");
    }
}

#[test]
fn names_of_clients_are_looked_up_where_they_shall_be() {
    let upstream = FakeUpstream::openai();
    let relay = setup(&upstream, "").env("REVERSE_DNS", "false").start();
    assert_eq!(setting(&relay, "reverse_dns")["origin"], "environment");
    drop(relay);
    let relay = setup(&upstream, "").start();
    chat(&relay, "openai/gpt-fake", "hi");
    let request = |relay: &TestRelay| {
        let id = get(relay, "requests?limit=1")["requests"][0]["id"].as_str().unwrap_or("none").to_owned();
        call(relay, "GET", &format!("requests/{id}"), &[], "").json()
    };
    assert_eq!(request(&relay)["client_name"], json!(null));
    assert_eq!(set(&relay, "reverse_dns", &json!(true)).status, 201);
    // What a system calls its own address is its own affair; that it was asked is noted.
    wait_until("it was looked up", || {
        let database = rusqlite::Connection::open(relay.path("data/relay.db")).expect("the database is there");
        let found = database
            .query_row("select count(*) from client_names where client = '127.0.0.1'", [], |row| row.get::<_, i64>(0));
        found == Ok(1)
    });
    let database = rusqlite::Connection::open(relay.path("data/relay.db")).expect("the database is there");
    database.busy_timeout(Duration::from_secs(5)).expect("a time-out can be set");
    database.execute("update client_names set name = 'desk.<lan>'", []).expect("the name can be set");
    assert_eq!(request(&relay)["client_name"], "desk.<lan>");
    let page = call_admin(relay.admin(), "GET", "/usage?by=client&period=24h", &[], "").text();
    assert!(page.contains("<bdi>desk.&#60;lan&#62;</bdi>"), "{page}");
}
