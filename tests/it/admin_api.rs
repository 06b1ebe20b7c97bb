//! Routers made on the admin listener: created, used, edited by two at once, deleted, kept through restarts and edits of
//! the files; what is wrong is said, and nothing foreign gets in.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Face, FakeUpstream, Reply, TestRelay, call_admin, wait_until};

const SMART: &str = "/admin/api/routers/smart";
/// A router in the file, and aliases that lead to models and to routers.
const NAMES: &str = r#"
aliases: { fast: openai/gpt-fake, clever: house }
routers:
  house:
    designator: openai/gpt-chooser
    candidates: [openai/gpt-fake, openai/gpt-dear]
    fallback: openai/gpt-fake
"#;

/// A relay with these names, in front of one provider with three models.
fn world(names: &str) -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai();
    let relay = TestRelay::setup().relay_yaml(&yaml(&upstream, names)).with_admin().start();
    (upstream, relay)
}

fn yaml(upstream: &FakeUpstream, names: &str) -> String {
    let models = ", models: [gpt-fake, gpt-dear, gpt-chooser] }\n";
    format!("providers:\n{}{names}", upstream.provider_yaml().replace(" }\n", models))
}

/// The designator of the fake provider never names a candidate, so the fallback answers.
fn router(fallback: &str) -> Value {
    json!({
        "designator": "openai/gpt-chooser",
        "candidates": ["openai/gpt-fake", {"model": "openai/gpt-dear", "notes": "long texts"}],
        "fallback": fallback,
    })
}

fn get(relay: &TestRelay, path: &str) -> Reply {
    call_admin(relay.admin(), "GET", path, &[], "")
}

fn put(relay: &TestRelay, path: &str, more: &[(&str, &str)], body: &Value) -> Reply {
    call_admin(relay.admin(), "PUT", path, more, &body.to_string())
}

fn created(relay: &TestRelay, path: &str, body: &Value) -> String {
    let reply = put(relay, path, &[], body);
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.header("etag").expect("a router has a version").to_owned()
}

/// The model that answers under this name, through a router of this name.
fn answered_by(relay: &TestRelay, router: &str) -> String {
    let reply = relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask(router, "hi", false));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("x-llm-relay-resolved-by"), Some(format!("router:{router}").as_str()));
    reply.header("x-llm-relay-model").expect("a model has answered").to_owned()
}

fn error(reply: &Reply) -> (u16, String, String) {
    let error = &reply.json()["error"];
    let text = |key| error[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", reply.text())).to_owned();
    (reply.status, text("code"), text("message"))
}

#[test]
fn a_router_is_made_used_changed_and_deleted_at_once() {
    let (upstream, relay) = world(NAMES);
    let path = "/admin/api/routers/team%2Fsm%C3%A4rt";
    let reply = put(&relay, path, &[], &router("openai/gpt-fake"));
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(reply.header("location"), Some(path));
    assert_eq!(reply.json()["name"], "team/smärt");
    let first = reply.header("etag").expect("a router has a version").to_owned();
    assert_eq!(answered_by(&relay, "team/smärt"), "gpt-fake");
    let calls = upstream.calls();
    let asked = [calls.first(), calls.last()].map(|call| call.expect("there are calls").body["model"].clone());
    assert_eq!(asked, ["gpt-chooser", "gpt-fake"]);
    assert!(relay.client().get("/v1/models").text().contains("team/smärt"));

    let changed = put(&relay, path, &[("if-match", &first)], &router("openai/gpt-dear"));
    assert_eq!(changed.status, 200, "{}", changed.text());
    let second = changed.header("etag").expect("a router has a version").to_owned();
    assert_ne!(first, second);
    assert_eq!(answered_by(&relay, "team/smärt"), "gpt-dear");
    let shown = get(&relay, path);
    assert_eq!((shown.status, shown.header("etag"), shown.json()), (200, Some(second.as_str()), changed.json()));

    assert_eq!(call_admin(relay.admin(), "DELETE", path, &[("if-match", &first)], "").status, 412);
    assert_eq!(error(&call_admin(relay.admin(), "DELETE", path, &[], "")).0, 428);
    let deleted = call_admin(relay.admin(), "DELETE", path, &[("if-match", &second)], "");
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask("team/smärt", "hi", false)).status, 404);
    assert_eq!(get(&relay, path).status, 404);
    assert_eq!(call_admin(relay.admin(), "DELETE", path, &[("if-match", "*")], "").status, 404);
}

#[test]
fn all_routers_are_listed_with_where_they_come_from() {
    let (_upstream, relay) = world(NAMES);
    let tag = created(&relay, SMART, &router("openai/gpt-fake"));
    let list = get(&relay, "/admin/api/routers").json();
    let routers = list["routers"].as_array().expect("a list");
    let facts: Vec<_> =
        routers.iter().map(|router| json!([router["name"], router["origin"], router["place"]])).collect();
    let place = routers[0]["place"].as_str().unwrap_or_default();
    assert!(place.starts_with("relay.yaml:") && place.ends_with("routers.house"), "{place}");
    assert_eq!(facts, [json!(["house", "file", place]), json!(["smart", "database", null])]);
    assert_eq!(tag, format!("\"{}\"", routers[1]["version"].as_str().expect("a version")));
    assert_eq!(routers[1]["router"]["candidates"][1]["notes"], "long texts");
    assert!(routers.iter().all(|router| router["problems"] == json!([])), "{list}");
    // What is shown can be sent back as it is, and is then the same version.
    let again = put(&relay, SMART, &[("if-match", &tag)], &routers[1]["router"]);
    assert_eq!((again.status, again.header("etag")), (200, Some(tag.as_str())), "{}", again.text());
}

#[test]
fn of_two_who_edit_at_once_nobody_overwrites_the_other() {
    let (_upstream, relay) = world("");
    let seen = created(&relay, SMART, &router("openai/gpt-fake"));
    assert_eq!(put(&relay, SMART, &[("if-match", &seen)], &router("openai/gpt-dear")).status, 200);
    let mut mine = router("openai/gpt-fake");
    mine["purpose"] = json!("mine");
    let late = put(&relay, SMART, &[("if-match", &seen)], &mine);
    let (status, code, message) = error(&late);
    assert_eq!((status, code.as_str()), (412, "changed"), "{message}");
    let current = &late.json()["error"]["current"];
    assert_eq!(current["router"]["fallback"], "openai/gpt-dear");
    let now = late.header("etag").expect("the version of now").to_owned();
    assert_eq!(now, format!("\"{}\"", current["version"].as_str().expect("a version")));

    assert_eq!(error(&put(&relay, SMART, &[], &mine)).1, "version_needed");
    let (status, code, _) = error(&put(&relay, "/admin/api/routers/Smart", &[("if-none-match", "*")], &mine));
    assert_eq!((status, code.as_str()), (412, "exists"));
    let (status, code, _) = error(&put(&relay, "/admin/api/routers/other", &[("if-match", "*")], &mine));
    assert_eq!((status, code.as_str()), (412, "gone"));
    assert_eq!(get(&relay, SMART).json()["router"], current["router"], "nothing has changed");
    assert_eq!(put(&relay, SMART, &[("if-match", &now)], &mine).status, 200);
    assert_eq!(answered_by(&relay, "smart"), "gpt-fake");
}

#[test]
fn many_who_create_at_once_are_one_who_has_created() {
    let (_upstream, relay) = world("");
    let admin = relay.admin();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let body = router("openai/gpt-fake").to_string();
        let ask = |_| {
            let body = body.clone();
            scope.spawn(move || call_admin(admin, "PUT", SMART, &[("if-none-match", "*")], &body).status)
        };
        let threads: Vec<_> = (0..8).map(ask).collect();
        threads.into_iter().map(|thread| thread.join().expect("nobody panics")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 412].contains(status)), "{statuses:?}");
}

#[test]
fn edits_outlive_a_restart_a_kill_and_edits_of_the_file() {
    let (upstream, mut relay) = world("");
    created(&relay, SMART, &router("openai/gpt-fake"));
    relay.kill_9();
    relay.start_again();
    assert_eq!(answered_by(&relay, "smart"), "gpt-fake");
    let tag = get(&relay, SMART).header("etag").expect("a version").to_owned();
    assert_eq!(put(&relay, SMART, &[("if-match", &tag)], &router("openai/gpt-dear")).status, 200);
    relay.terminate();
    assert!(relay.wait_for_exit().success());
    relay.start_again();
    assert_eq!(answered_by(&relay, "smart"), "gpt-dear");

    relay.edit_relay_yaml(&yaml(&upstream, "aliases: { clever: smart }\n"));
    wait_until("the alias answers", || {
        relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask("clever", "hi", false)).status == 200
    });
    assert_eq!(answered_by(&relay, "smart"), "gpt-dear");
}

#[test]
fn what_another_process_changes_is_followed() {
    let (_upstream, relay) = world("");
    created(&relay, SMART, &router("openai/gpt-fake"));
    let database = rusqlite::Connection::open(relay.path("data/relay.db")).expect("the database is there");
    let edit = "update entries set definition = replace(definition, '\"fallback\":\"openai/gpt-fake\"', $1)";
    assert_eq!(database.execute(edit, ["\"fallback\":\"openai/gpt-dear\""]).expect("it can be written"), 1);
    wait_until("the new fallback answers", || answered_by(&relay, "smart") == "gpt-dear");
}

#[test]
fn a_router_that_cannot_be_read_stops_nothing_but_itself() {
    let (_upstream, mut relay) = world(NAMES);
    created(&relay, SMART, &router("openai/gpt-fake"));
    relay.kill_9();
    let database = rusqlite::Connection::open(relay.path("data/relay.db")).expect("the database is there");
    let edit = "update entries set definition = '{\"of\": \"tomorrow\"}'";
    assert_eq!(database.execute(edit, []).expect("it can be written"), 1);
    relay.start_again();
    assert!(relay.log().iter().any(|line| line.contains("database routers.smart") && line.contains("cannot be read")));
    assert_eq!(answered_by(&relay, "house"), "gpt-fake");
    let shown = get(&relay, SMART).json();
    assert_eq!(shown["router"], json!({"of": "tomorrow"}));
    assert_eq!(shown["problems"][0]["severity"], "error", "{shown}");
    assert_eq!(put(&relay, SMART, &[("if-match", "*")], &router("openai/gpt-dear")).status, 200);
    assert_eq!(answered_by(&relay, "smart"), "gpt-dear");
}

#[test]
fn a_circle_through_a_stored_router_does_not_keep_the_relay_from_starting() {
    let (upstream, mut relay) = world(NAMES);
    created(&relay, SMART, &router("fast"));
    relay.kill_9();
    let names = NAMES.replace("fast: openai/gpt-fake", "fast: smart");
    fs::write(relay.path("relay.yaml"), yaml(&upstream, &names)).expect("the folder can be written to");
    relay.start_again();
    assert!(relay.log().iter().any(|line| line.contains("goes round in a circle: fast -> smart -> fast")));
    assert_eq!(answered_by(&relay, "house"), "gpt-fake");
    // Without a fallback a candidate answers.
    assert!(["gpt-fake", "gpt-dear"].contains(&answered_by(&relay, "smart").as_str()));
    assert_eq!(relay.client().get("/v1/models").status, 200);
    let problems = get(&relay, SMART).json()["problems"].to_string();
    assert!(problems.contains("fallback: `fast` leads to a router"), "{problems}");
}

#[test]
fn a_name_in_file_and_database_is_refused_naming_both() {
    let (upstream, mut relay) = world(NAMES);
    let taken = put(&relay, "/admin/api/routers/House", &[], &router("openai/gpt-fake"));
    let (status, code, message) = error(&taken);
    assert_eq!((status, code.as_str()), (409, "managed_by_file"));
    assert!(message.contains("relay.yaml:") && message.contains("routers.house"), "{message}");
    let deleted = call_admin(relay.admin(), "DELETE", "/admin/api/routers/house", &[("if-match", "*")], "");
    assert_eq!(error(&deleted).1, "managed_by_file");

    created(&relay, SMART, &router("openai/gpt-fake"));
    for names in [NAMES.replace("house", "SMART"), "aliases: { smart: openai/gpt-fake }\n".to_owned()] {
        let before = relay.log().len();
        relay.edit_relay_yaml(&yaml(&upstream, &names));
        wait_until("the edit is refused", || {
            relay.log()[before..].iter().any(|line| {
                line.contains("refused") && line.contains("relay.yaml") && line.contains("is in the database too")
            })
        });
        assert_eq!(answered_by(&relay, "smart"), "gpt-fake");
    }
    relay.terminate();
    assert!(relay.wait_for_exit().success());
    let started = relay.run_to_end(&["serve"]);
    let complaint = String::from_utf8_lossy(&started.stderr);
    assert!(!started.status.success());
    assert!(complaint.contains("aliases.smart") && complaint.contains("is in the database too"), "{complaint}");
    fs::write(relay.path("relay.yaml"), yaml(&upstream, "")).expect("the folder can be written to");
    relay.start_again();
    assert_eq!(answered_by(&relay, "smart"), "gpt-fake");
}

#[test]
fn what_is_wrong_with_a_router_is_said_with_what_to_do() {
    let (_upstream, relay) = world(NAMES);
    let complaints = |path: &str, change: &dyn Fn(&mut Value)| {
        let mut body = router("openai/gpt-fake");
        change(&mut body);
        let reply = put(&relay, path, &[], &body);
        let (status, code, message) = error(&reply);
        assert_eq!((status, code.as_str()), (422, "invalid"), "{message}");
        assert_eq!(get(&relay, path).status, 404, "nothing is saved");
        let rehearsal = put(&relay, &format!("{path}?dry_run=true"), &[], &body);
        assert_eq!(rehearsal.json(), reply.json());
        reply.json()["error"]["problems"].clone()
    };
    let cases: [(&str, Value, &str); 7] = [
        ("fallback", json!("gtp-fake"), "fallback: `gtp-fake` is not a model any provider is known to have"),
        ("fallback", json!("nobody/x"), "there is no provider `nobody`; add it to `providers`"),
        ("fallback", json!("clever"), "fallback: `clever` leads to a router; name a model"),
        ("side_call_model", json!("SMART"), "side_call_model: `SMART` leads to a router"),
        ("candidates", json!(["fast"]), "at least two different candidates; for one model, use an alias"),
        ("designator", json!("groq/llama"), "designator: `groq` is not configured: set GROQ_API_KEY"),
        ("hard_limit", json!("5m"), "hard_limit is one minute at most"),
    ];
    for (key, value, expected) in cases {
        let problems = complaints(SMART, &|body| body[key] = value.clone());
        let found = problems.as_array().expect("a list").iter().any(|problem| {
            problem["severity"] == "error"
                && problem["place"] == "routers.smart"
                && problem["message"].as_str().is_some_and(|message| message.contains(expected))
        });
        assert!(found, "{expected}: {problems}");
    }
    for (name, expected) in [
        ("fast", "`fast` is an alias too"),
        ("openai%2Fgpt-new", "means a model of the provider `openai`"),
        ("smart%3Alatest", "does not end in `:latest`"),
        ("a%40b", "holds no `@`"),
        ("%20", "a name is empty"),
        (&"x".repeat(129), "128 characters at most"),
    ] {
        let problems = complaints(&format!("/admin/api/routers/{name}"), &|_| ());
        assert!(problems.to_string().contains(expected), "{expected}: {problems}");
    }
    // What may still turn out well is told beside success.
    let mut body = router("openai/gpt-fake");
    body["candidates"] = json!(["openai/gpt-fake", "openai/gpt-dear", "groq/llama"]);
    let rehearsal = put(&relay, &format!("{SMART}?dry_run=true"), &[], &body);
    assert_eq!((rehearsal.status, get(&relay, SMART).status), (200, 404));
    let reply = put(&relay, SMART, &[], &body);
    assert_eq!((reply.status, &reply.json()["problems"][0]["severity"]), (201, &json!("warning")), "{}", reply.text());
    assert_eq!(rehearsal.json()["problems"], reply.json()["problems"]);
    // Another router cannot be made out of what this one takes for a model.
    let reply = put(&relay, "/admin/api/routers/gpt-dear", &[], &router("openai/gpt-fake"));
    assert_eq!(reply.status, 201, "a bare name hides the model of that name: {}", reply.text());
    let mut body = router("openai/gpt-fake");
    body["fallback"] = json!("gpt-dear");
    assert_eq!(put(&relay, "/admin/api/routers/third", &[], &body).status, 422);
}

#[test]
fn a_body_that_is_no_router_is_refused_with_its_place() {
    let (_upstream, relay) = world("");
    let good = router("openai/gpt-fake");
    for (body, line, expected) in [
        ("{".to_owned(), 1, "EOF"),
        ("{\n  \"desginator\": \"x\"}".to_owned(), 2, "unknown field `desginator`"),
        (good.to_string().replace("\"openai/gpt-fake\"", "7"), 1, "invalid type: integer `7`"),
        (good.to_string().replacen('{', "{\n\"budget\": \"soon\",", 1), 2, "`soon` is not a time span"),
        ("{\"designator\": \"a\", \"candidates\": []}".to_owned(), 1, "missing field `fallback`"),
    ] {
        let reply = call_admin(relay.admin(), "PUT", SMART, &[], &body);
        let (status, code, message) = error(&reply);
        assert_eq!(
            (status, code.as_str(), &reply.json()["error"]["line"]),
            (400, "unreadable", &json!(line)),
            "{message}"
        );
        assert!(message.contains(expected) && reply.json()["error"]["column"].is_u64(), "{message}");
    }
    let large = json!({ "purpose": "x".repeat(1 << 20) });
    assert_eq!(error(&put(&relay, SMART, &[], &large)).0, 413);
    assert_eq!(error(&put(&relay, &format!("{SMART}?dry_run=yes"), &[], &good)).0, 400);
    assert_eq!(get(&relay, SMART).status, 404);
}

#[test]
fn what_others_lead_to_is_not_deleted() {
    let (upstream, relay) = world("");
    let tag = created(&relay, SMART, &router("openai/gpt-fake"));
    let names = "default_model: smart\naliases: { clever: Smart }\nredirects: { old: smart@team }\n";
    relay.edit_relay_yaml(&yaml(&upstream, names));
    wait_until("the alias answers", || relay.client().get("/v1/models/clever").status == 200);
    let reply = call_admin(relay.admin(), "DELETE", SMART, &[("if-match", &tag)], "");
    let (status, code, message) = error(&reply);
    assert_eq!((status, code.as_str()), (409, "in_use"));
    for user in ["alias `clever`", "redirect `old`", "`default_model`"] {
        assert!(message.contains(user), "{message}");
    }
    relay.edit_relay_yaml(&yaml(&upstream, ""));
    wait_until("the alias is gone", || relay.client().get("/v1/models/clever").status == 404);
    assert_eq!(call_admin(relay.admin(), "DELETE", SMART, &[("if-match", &tag)], "").status, 204);
}

#[test]
fn pages_of_other_sites_change_nothing() {
    let (_upstream, relay) = world("");
    let admin = relay.admin();
    let body = router("openai/gpt-fake").to_string();
    let own = format!("http://{}", admin.address);
    for (headers, status) in [
        (&[("origin", "https://evil.example")][..], 403),
        (&[("origin", "null")], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site"), ("origin", own.as_str())], 403),
        (&[("content-type", "text/plain")], 415),
        (&[("content-type", "application/x-www-form-urlencoded")], 415),
    ] {
        let reply = call_admin(admin, "PUT", SMART, headers, &body);
        assert_eq!(error(&reply).0, status, "{headers:?}");
    }
    assert_eq!(error(&call_admin(admin, "DELETE", SMART, &[("sec-fetch-site", "cross-site")], "")).0, 403);
    assert_eq!(get(&relay, SMART).status, 404, "nothing was made");
    let ours = [("origin", own.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(call_admin(admin, "PUT", SMART, &ours, &body).status, 201);
}

#[test]
fn every_answer_is_json_and_none_comes_without_the_password() {
    let (_upstream, relay) = world("");
    let admin = relay.admin();
    created(&relay, SMART, &router("openai/gpt-fake"));
    for (method, path) in [
        ("GET", "/admin/api/routers"),
        ("GET", SMART),
        ("PUT", SMART),
        ("DELETE", SMART),
        ("POST", "/admin/api/routers"),
        ("GET", "/admin/api/nothing"),
    ] {
        let reply = admin.request(method, path, &[("if-match", "*")], b"");
        assert_eq!(error(&reply).0, 401, "{method} {path}");
        assert!(reply.header("www-authenticate").is_some_and(|value| value.starts_with("Basic")), "{method} {path}");
        // A page's script is told itself; a browser would ask for the password in its own way.
        let by_script = admin.request(method, path, &[("if-match", "*"), ("sec-fetch-mode", "cors")], b"");
        assert_eq!((error(&by_script).0, by_script.header("www-authenticate")), (401, None), "{method} {path}");
    }
    assert_eq!(get(&relay, SMART).status, 200, "it is still there");

    let refused = call_admin(admin, "POST", SMART, &[], "{}");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, PUT, DELETE")));
    assert_eq!(error(&refused).1, "method");
    assert_eq!(error(&get(&relay, "/admin/api/nothing")).0, 404);
    assert_eq!(error(&get(&relay, "/admin/api/routers/%FF")).0, 400);
    let head = call_admin(admin, "HEAD", SMART, &[], "");
    let whole = get(&relay, SMART);
    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, whole.header("etag"), 0));
    for reply in [whole, refused] {
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert!(reply.header("content-security-policy").is_some());
    }
    let foreign = call_admin(admin, "GET", SMART, &[("host", "evil.example")], "");
    assert_eq!(error(&foreign).0, 403);
}
