//! Aliases, redirects and routers made on the admin listener: used at once, never lost, refused where they would go in
//! circles; and every change can be undone.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Face, FakeUpstream, Reply, TestRelay, call_api as call, wait_until};

const KINDS: [(&str, &str, &str); 3] =
    [("alias", "aliases", "fast"), ("redirect", "redirects", "old-*"), ("router", "routers", "smart")];

fn yaml(upstream: &FakeUpstream, names: &str) -> String {
    let models = ", models: [gpt-fake, gpt-dear, gpt-chooser] }\n";
    format!("providers:\n{}{names}", upstream.provider_yaml().replace(" }\n", models))
}

fn world(names: &str) -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai();
    let relay = TestRelay::setup().relay_yaml(&yaml(&upstream, names)).with_admin().start();
    (upstream, relay)
}

fn get(relay: &TestRelay, path: &str) -> Reply {
    call(relay, "GET", path, &[], "")
}

fn put(relay: &TestRelay, path: &str, more: &[(&str, &str)], body: &Value) -> Reply {
    call(relay, "PUT", path, more, &body.to_string())
}

fn delete(relay: &TestRelay, path: &str) -> Reply {
    call(relay, "DELETE", path, &[("if-match", "*")], "")
}

fn undo(relay: &TestRelay, id: &Value, body: &str) -> Reply {
    call(relay, "POST", &format!("history/{id}/undo"), &[], body)
}

/// The changes of a name, newest first.
fn history(relay: &TestRelay, kind: &str, name: &str) -> Vec<Value> {
    let reply = get(relay, &format!("history?kind={kind}&name={}", encoded(name)));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["history"].as_array().expect("a list").clone()
}

fn encoded(name: &str) -> String {
    name.replace('/', "%2F").replace('*', "%2A")
}

fn path(section: &str, name: &str) -> String {
    format!("{section}/{}", encoded(name))
}

/// An entry of a kind that leads to this model.
fn leading_to(kind: &str, model: &str) -> Value {
    match kind {
        "router" => json!({
            "designator": "openai/gpt-chooser",
            "candidates": ["openai/gpt-fake", "openai/gpt-dear"],
            "fallback": model,
        }),
        _ => json!({ "target": model, "tags": ["home"] }),
    }
}

fn ask(relay: &TestRelay, face: Face, name: &str) -> Reply {
    relay.client().post(face.path(), &face.ask(name, "hi", false))
}

/// The model that answers under a name, by both APIs; `None`: nothing is called that.
fn answered_by(relay: &TestRelay, name: &str) -> Option<String> {
    let [first, second] = [Face::OpenAi, Face::Ollama].map(|face| {
        let reply = ask(relay, face, name);
        match reply.status {
            200 => Some(reply.header("x-llm-relay-model").expect("a model has answered").to_owned()),
            404 => None,
            status => panic!("{status}: {}", reply.text()),
        }
    });
    assert_eq!(first, second, "{name}");
    first
}

fn model(name: &str) -> Option<String> {
    Some(name.to_owned())
}

fn error(reply: &Reply) -> (u16, String, String) {
    let error = &reply.json()["error"];
    let text = |key| error[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", reply.text())).to_owned();
    (reply.status, text("code"), text("message"))
}

#[test]
fn every_kind_is_made_used_changed_and_deleted_and_each_step_can_be_undone() {
    let (_upstream, relay) = world("");
    for (kind, section, name) in KINDS {
        let (entry, asked) = (path(section, name), name.replace('*', "thing"));
        let now = || answered_by(&relay, &asked);
        let newest = || history(&relay, kind, name)[0]["id"].clone();
        assert_eq!(now(), None);
        let created = put(&relay, &entry, &[], &leading_to(kind, "openai/gpt-fake"));
        assert_eq!(created.status, 201, "{}", created.text());
        let location = created.header("location").expect("it has an address").to_lowercase();
        assert_eq!(get(&relay, location.trim_start_matches("/admin/api/")).json(), created.json());
        assert_eq!(
            (created.json()["name"].as_str(), created.json()["origin"].as_str()),
            (Some(name), Some("database"))
        );
        assert_eq!(now(), model("gpt-fake"));

        // A creation undone, and that undone.
        assert_eq!(undo(&relay, &newest(), "").status, 204);
        assert_eq!((now(), get(&relay, &entry).status), (None, 404));
        let again = undo(&relay, &newest(), "");
        assert_eq!((again.status, again.header("etag")), (200, created.header("etag")), "{}", again.text());
        assert_eq!(now(), model("gpt-fake"));

        // An edit undone.
        let tag = again.header("etag").expect("it has a version").to_owned();
        let changed = put(&relay, &entry, &[("if-match", &tag)], &leading_to(kind, "openai/gpt-dear"));
        assert_eq!((changed.status, now()), (200, model("gpt-dear")), "{}", changed.text());
        assert_eq!(undo(&relay, &newest(), "{}").status, 200);
        assert_eq!(now(), model("gpt-fake"));

        // A deletion undone.
        assert_eq!(delete(&relay, &entry).status, 204);
        assert_eq!(now(), None);
        assert_eq!(undo(&relay, &newest(), r#"{"force": false}"#).status, 200);
        assert_eq!(now(), model("gpt-fake"));

        let steps = history(&relay, kind, &name.to_uppercase());
        assert_eq!(steps.len(), 7, "{steps:?}");
        assert!(steps.iter().all(|step| step["who"] == "admin" && step["changed_ms"].is_u64()), "{steps:?}");
        assert_eq!(
            (&steps[6]["before"], &steps[0]["before"], &steps[1]["after"]),
            (&json!(null), &json!(null), &json!(null))
        );
        assert_eq!(steps[0]["after"], created.json()[kind]);
    }
    let listed = relay.client().get("/v1/models").text();
    assert!(listed.contains("\"fast\"") && listed.contains("\"smart\"") && !listed.contains("old-"), "{listed}");
}

#[test]
fn what_is_newer_is_not_undone_by_accident() {
    let (_upstream, relay) = world("");
    for (kind, section, name) in KINDS {
        let (entry, asked) = (path(section, name), name.replace('*', "thing"));
        assert_eq!(put(&relay, &entry, &[], &leading_to(kind, "openai/gpt-fake")).status, 201);
        let creation = history(&relay, kind, name)[0]["id"].clone();
        let changed = put(&relay, &entry, &[("if-match", "*")], &leading_to(kind, "openai/gpt-dear"));
        let (status, code, message) = error(&undo(&relay, &creation, ""));
        assert_eq!((status, code.as_str()), (409, "changed_since"), "{message}");
        let refused = undo(&relay, &creation, "");
        assert_eq!(refused.json()["error"]["current"][kind], changed.json()[kind]);
        assert_eq!(refused.header("etag"), changed.header("etag"));
        assert_eq!(answered_by(&relay, &asked), model("gpt-dear"));
        assert_eq!(undo(&relay, &creation, r#"{"force": true}"#).status, 204);
        assert_eq!(answered_by(&relay, &asked), None);
        // Back and forth is not "as it was left" either.
        let edit = history(&relay, kind, name)[1]["id"].clone();
        let (_, code, _) = error(&undo(&relay, &edit, ""));
        assert_eq!(code, "changed_since");
    }
    for (id, body, expected) in [("99", "", 404), ("x", "", 404), ("1", "{\"farce\": true}", 400)] {
        let reply = call(&relay, "POST", &format!("history/{id}/undo"), &[], body);
        assert_eq!(error(&reply).0, expected, "{id}");
    }
    for query in ["kind=thing", "limit=0", "before=x", "whose=admin"] {
        assert_eq!(error(&get(&relay, &format!("history?{query}"))).1, "query", "{query}");
    }
    let page = get(&relay, "history?limit=2&before=5").json();
    let ids: Vec<_> = page["history"].as_array().expect("a list").iter().map(|step| step["id"].clone()).collect();
    assert_eq!(ids, [4, 3]);
}

#[test]
fn an_undo_is_judged_like_a_save() {
    let (upstream, relay) = world("");
    assert_eq!(put(&relay, "aliases/a", &[], &json!("openai/gpt-fake")).status, 201);
    assert_eq!(delete(&relay, "aliases/a").status, 204);
    let deletion = history(&relay, "alias", "a")[0]["id"].clone();
    // By now a router has the name.
    assert_eq!(put(&relay, "routers/a", &[], &leading_to("router", "openai/gpt-fake")).status, 201);
    let refused = undo(&relay, &deletion, "");
    assert_eq!(error(&refused).1, "invalid");
    assert!(refused.text().contains("`a` is a router too"), "{}", refused.text());
    let creation = history(&relay, "router", "a")[0]["id"].clone();
    assert_eq!(put(&relay, "aliases/b", &[], &json!("a")).status, 201);
    let (status, code, message) = error(&undo(&relay, &creation, ""));
    assert_eq!((status, code.as_str()), (409, "in_use"), "{message}");
    assert_eq!(delete(&relay, "aliases/b").status, 204);
    let deletion = history(&relay, "alias", "b")[0]["id"].clone();
    relay.edit_relay_yaml(&yaml(&upstream, "aliases: { b: openai/gpt-dear }\n"));
    wait_until("the file's alias answers", || relay.client().get("/v1/models/b").status == 200);
    assert_eq!(error(&undo(&relay, &deletion, "")).1, "managed_by_file");
}

#[test]
fn of_two_admins_nobody_overwrites_the_other() {
    let (_upstream, relay) = world("");
    for (kind, section, name) in KINDS {
        let entry = path(section, name);
        let created = put(&relay, &entry, &[], &leading_to(kind, "openai/gpt-fake"));
        let seen = created.header("etag").expect("it has a version");
        let theirs = put(&relay, &entry, &[("if-match", seen)], &leading_to(kind, "openai/gpt-dear"));
        let late = put(&relay, &entry, &[("if-match", seen)], &leading_to(kind, "openai/gpt-fake"));
        let (status, code, message) = error(&late);
        assert_eq!((status, code.as_str()), (412, "changed"), "{message}");
        assert_eq!(late.json()["error"]["current"][kind], theirs.json()[kind]);
        let mine = leading_to(kind, "openai/gpt-fake");
        assert_eq!(error(&put(&relay, &entry, &[], &mine)).1, "version_needed");
        assert_eq!(error(&put(&relay, &entry, &[("if-none-match", "*")], &mine)).1, "exists");
        assert_eq!(error(&call(&relay, "DELETE", &entry, &[("if-match", seen)], "")).0, 412);
        assert_eq!(history(&relay, kind, name).len(), 2, "what was refused is no change");
    }
}

#[test]
fn edits_outlive_a_kill_and_edits_of_the_file_and_commands_see_them() {
    let (upstream, mut relay) = world("");
    for (kind, section, name) in KINDS {
        assert_eq!(put(&relay, &path(section, name), &[], &leading_to(kind, "openai/gpt-dear")).status, 201);
    }
    relay.kill_9();
    relay.start_again();
    let all_answer = || {
        for (_, _, name) in KINDS {
            assert_eq!(answered_by(&relay, &name.replace('*', "thing")), model("gpt-dear"), "{name}");
        }
    };
    all_answer();
    relay.edit_relay_yaml(&yaml(&upstream, "aliases: { more: openai/gpt-fake }\n"));
    wait_until("the file's alias answers", || relay.client().get("/v1/models/more").status == 200);
    all_answer();
    assert_eq!(history(&relay, "alias", "fast").len(), 1);
    for (asked, stage) in [("fast", "alias"), ("old-thing", "redirect")] {
        let told = relay.run(&["resolve", asked]);
        assert!(told.contains(stage) && told.contains("openai/gpt-dear"), "{told}");
    }
}

#[test]
fn a_name_in_file_and_database_is_refused_at_start_and_on_reload_naming_both() {
    let (upstream, mut relay) = world("aliases: { there: openai/gpt-fake }\nredirects: { 'it*': openai/gpt-fake }\n");
    for entry in ["aliases/There", "redirects/IT%2A"] {
        let (status, code, message) = error(&put(&relay, entry, &[], &json!("openai/gpt-dear")));
        assert_eq!((status, code.as_str()), (409, "managed_by_file"));
        assert!(message.contains("change it at relay.yaml"), "{message}");
        assert_eq!(error(&delete(&relay, entry)).1, "managed_by_file");
    }
    let list = get(&relay, "aliases").json();
    assert_eq!(
        (&list["aliases"][0]["origin"], &list["aliases"][0]["alias"]["target"]),
        (&json!("file"), &json!("openai/gpt-fake"))
    );
    for (kind, section, name) in [KINDS[0], KINDS[1]] {
        assert_eq!(put(&relay, &path(section, name), &[], &leading_to(kind, "openai/gpt-dear")).status, 201);
        let both = format!("{section}: {{ '{name}': openai/gpt-fake }}\n");
        let expected = format!("the {kind} `{name}` is in the database too");
        let before = relay.log().len();
        relay.edit_relay_yaml(&yaml(&upstream, &both));
        wait_until("the edit is refused", || {
            relay.log()[before..].iter().any(|line| line.contains("relay.yaml") && line.contains(&expected))
        });
        assert_eq!(answered_by(&relay, &name.replace('*', "thing")), model("gpt-dear"));
        relay.terminate();
        assert!(relay.wait_for_exit().success());
        let started = relay.run_to_end(&["serve"]);
        let complaint = String::from_utf8_lossy(&started.stderr);
        assert!(!started.status.success() && complaint.contains(&expected), "{complaint}");
        assert!(complaint.contains(&format!("{section}.{name}")), "{complaint}");
        fs::write(relay.path("relay.yaml"), yaml(&upstream, "")).expect("the folder can be written to");
        let before = relay.log().len();
        relay.start_again();
        wait_until("it says where the admin page is", || {
            relay.log()[before..].iter().any(|line| line.contains("admin.address"))
        });
    }
}

#[test]
fn circles_and_names_used_twice_are_refused_wherever_they_were_made() {
    let names = "aliases: { a: b, b: openai/gpt-fake, chain: openai/gpt-fake }\nredirects: { 'x*': 'y*' }\n";
    let names = format!(
        "{names}routers:\n  house: {{ designator: openai/gpt-chooser, candidates: [later, openai/gpt-dear], fallback: openai/gpt-dear }}\n"
    );
    let (_upstream, relay) = world(&names);
    assert_eq!(put(&relay, "aliases/one", &[], &json!("chain")).status, 201);
    assert_eq!(put(&relay, "aliases/two", &[], &json!("one")).status, 201);
    assert_eq!(put(&relay, "redirects/m", &[], &json!("one")).status, 201);
    for (entry, body, expected) in [
        ("aliases/one", json!("two"), "goes round in a circle: one -> two -> one"),
        ("aliases/self", json!("SELF"), "goes round in a circle"),
        ("redirects/y%2A", json!("x*"), "more than 8 hops"),
        ("redirects/one", json!("m"), "more than 8 hops: one -> m -> one"),
        ("aliases/house", json!("openai/gpt-fake"), "`house` is a router too"),
        ("routers/one", leading_to("router", "openai/gpt-fake"), "`one` is an alias too"),
        ("aliases/later", json!("house"), "the router `house` would be wrong then"),
        ("aliases/lost", json!("nobody/x"), "there is no provider `nobody`"),
        ("redirects/b%2Ad", json!("openai/gpt-fake"), "stands at the end only"),
    ] {
        let reply = put(&relay, entry, &[("if-match", "*")], &body);
        let reply = if reply.status == 412 { put(&relay, entry, &[], &body) } else { reply };
        assert_eq!(error(&reply).1, "invalid", "{entry}");
        assert!(reply.json()["error"]["problems"].to_string().contains(expected), "{expected}: {}", reply.text());
        let rehearsal = put(&relay, &format!("{entry}?dry_run=true"), &[], &body);
        assert_eq!(rehearsal.json(), reply.json());
    }
    let (_, code, message) = error(&delete(&relay, "aliases/one"));
    assert!(code == "in_use" && message.contains("alias `two`, redirect `m` leads to"), "{code}: {message}");
    for (entry, body, expected) in [
        ("aliases/gpt-dear", json!("openai/gpt-fake"), "comes before the model of this name"),
        ("redirects/on%2A", json!("openai/gpt-fake"), "hides `one`"),
        ("aliases/x1", json!("openai/gpt-fake"), "is never reached: the redirect `x*`"),
    ] {
        let reply = put(&relay, entry, &[], &body);
        assert_eq!(
            (reply.status, &reply.json()["problems"][0]["severity"]),
            (201, &json!("warning")),
            "{}",
            reply.text()
        );
        assert!(reply.json()["problems"].to_string().contains(expected), "{expected}: {}", reply.text());
    }
}

#[test]
fn an_entry_that_cannot_be_read_stops_nothing_but_itself() {
    let (_upstream, mut relay) = world("");
    for (kind, section, name) in KINDS {
        assert_eq!(put(&relay, &path(section, name), &[], &leading_to(kind, "openai/gpt-fake")).status, 201);
    }
    relay.kill_9();
    let database = rusqlite::Connection::open(relay.path("data/relay.db")).expect("the database is there");
    let edit = "update entries set definition = '{\"of\": \"tomorrow\"}' where kind <> 'router'";
    assert_eq!(database.execute(edit, []).expect("it can be written"), 2);
    relay.start_again();
    assert_eq!((answered_by(&relay, "smart"), answered_by(&relay, "fast")), (model("gpt-fake"), None));
    let shown = get(&relay, "aliases/fast").json();
    assert_eq!((&shown["alias"], &shown["problems"][0]["severity"]), (&json!({"of": "tomorrow"}), &json!("error")));
    assert!(
        relay.log().iter().any(|line| line.contains("database redirects.old-*") && line.contains("cannot be read"))
    );
    assert_eq!(put(&relay, "aliases/fast", &[("if-match", "*")], &json!("openai/gpt-fake")).status, 200);
    assert_eq!(answered_by(&relay, "fast"), model("gpt-fake"));
    // What it was meanwhile cannot be put back.
    let repair = history(&relay, "alias", "fast")[0]["id"].clone();
    assert_eq!(error(&undo(&relay, &repair, "")).1, "invalid");
}
