//! Who did what: every change carries whoever made it, however they came in.

use serde_json::{Value, json};

use crate::support::{Client, Reply, TestRelay, call_admin, wait_until};

const YAML: &str = "aliases: { filed: openai/gpt-4o-mini }\n";

struct World {
    relay: TestRelay,
}

impl World {
    fn new() -> Self {
        let relay = TestRelay::setup().relay_yaml(YAML).env("OPENAI_API_KEY", "sk-x").with_admin().start();
        Self { relay }
    }

    /// Asks the API with the password.
    fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        call_admin(self.relay.admin(), method, &format!("/admin/api/{path}"), &[], &body)
    }

    fn history(&self, query: &str) -> Vec<Value> {
        let reply = self.call("GET", &format!("history?{query}"), &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["history"].as_array().expect("a list").clone()
    }

    /// Name and author of each change, newest first.
    fn authors(&self, query: &str) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        self.history(query).iter().map(|change| (text(&change["name"]), text(&change["who"]))).collect()
    }

    fn page(&self, path: &str) -> String {
        let reply = call_admin(self.relay.admin(), "GET", path, &[], "");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text()
    }

    fn token(&self, name: &str) -> String {
        let made = self.call("POST", "tokens", &json!({ "name": name }));
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["token"].as_str().expect("it is shown").to_owned()
    }
}

/// Asks the API with a header of one's own.
fn show(admin: Client, header: (&str, &str), method: &str, path: &str, body: &Value) -> Reply {
    let path = format!("/admin/api/{path}");
    if body.is_null() {
        return admin.request(method, &path, &[header], b"");
    }
    admin.request(method, &path, &[header, ("content-type", "application/json")], body.to_string().as_bytes())
}

fn log_in(admin: Client) -> String {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let reply = admin.request("POST", "/login", &form, b"username=admin&password=sesame");
    let set = reply.header("set-cookie").expect("a cookie is set");
    set.split(';').next().expect("it has a value").to_owned()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, who)| ((*name).to_owned(), (*who).to_owned())).collect()
}

#[test]
fn a_change_carries_the_name_of_whoever_made_it() {
    let world = World::new();
    let admin = world.relay.admin();
    let target = json!("openai/gpt-4o-mini");
    assert_eq!(world.call("PUT", "aliases/by-basic", &target).status, 201);
    let cookie = log_in(admin);
    assert_eq!(show(admin, ("cookie", &cookie), "PUT", "aliases/by-page", &target).status, 201);
    let bearer = format!("Bearer {}", world.token("ci <b>"));
    let script = ("authorization", bearer.as_str());
    assert_eq!(show(admin, script, "PUT", "aliases/by-script", &target).status, 201);
    let backup = show(admin, script, "GET", "backup", &Value::Null).json();

    // Undoing, applying and restoring are changes like any other.
    let id = world.history("name=by-page")[0]["id"].clone();
    assert_eq!(show(admin, script, "POST", &format!("history/{id}/undo"), &Value::Null).status, 204);
    let hide = json!({ "changes": [{ "name": "openai/gpt-4o", "version": null, "set": { "hidden": true } }] });
    let applied = show(admin, script, "POST", "models/apply", &hide);
    assert_eq!(applied.status, 200, "{}", applied.text());
    let provider = json!({ "protocol": "openai", "base_url": "http://127.0.0.1:9/v1", "models": ["m"] });
    assert_eq!(show(admin, script, "PUT", "providers/lab", &provider).status, 201);
    assert_eq!(show(admin, script, "PUT", "settings/keep_requests_days", &json!({ "value": 9 })).status, 201);
    let restored = show(admin, script, "POST", "restore", &backup);
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!(world.call("DELETE", "aliases/by-basic", &Value::Null).status, 428, "what is refused is no change");
    std::fs::write(world.relay.path("backup.json"), backup.to_string()).expect("it can be written");
    assert_eq!(world.call("PUT", "aliases/later", &target).status, 201);
    world.relay.run(&["import", "backup.json"]);

    let ci = "token:ci <b>";
    assert_eq!(
        world.authors(""),
        pairs(&[
            ("later", "command line"),
            ("later", "admin"),
            ("keep_requests_days", ci),
            ("lab", ci),
            ("openai/gpt-4o", ci),
            ("by-page", ci),
            ("keep_requests_days", ci),
            ("lab", ci),
            ("openai/gpt-4o", ci),
            ("by-page", ci),
            ("by-script", ci),
            ("by-page", "admin"),
            ("by-basic", "admin"),
        ])
    );
    assert_eq!(world.authors("who=command%20line"), pairs(&[("later", "command line")]));
    assert_eq!(world.authors("who=token%3Aci%20%3Cb%3E&kind=setting").len(), 2);
    assert_eq!(world.authors("who=token:CI"), []);
    assert_eq!(world.authors("who=admin&limit=1"), pairs(&[("later", "admin")]));

    // What the file says has its history elsewhere.
    world.relay.edit_relay_yaml("aliases: { filed: openai/gpt-4o }\n");
    wait_until("the file is read again", || {
        world.call("GET", "aliases/filed", &Value::Null).json()["alias"]["target"] == "openai/gpt-4o"
    });
    assert_eq!(world.authors("name=filed"), []);
}

/// Status and code of a refusal.
fn refusal(reply: &Reply) -> (u16, String) {
    let code = reply.json()["error"]["code"].as_str().expect("a code").to_owned();
    (reply.status, code)
}

#[test]
fn what_is_done_to_keys_is_told_and_taken_back_but_for_a_revocation() {
    let world = World::new();
    let admin = world.relay.admin();
    let bearer = format!("Bearer {}", world.token("ci"));
    let script = ("authorization", bearer.as_str());
    let made = show(admin, script, "POST", "keys", &json!({ "name": "Web", "tags": ["home"] })).json();
    let (id, key) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("it is shown"));
    let change = |terms: &Value| {
        let body = terms.to_string();
        let reply = call_admin(admin, "PUT", &format!("/admin/api/keys/{id}"), &[("if-match", "*")], &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    let narrow = json!({ "tags": ["home"], "models": ["openai/*"], "expires_ms": null });
    change(&narrow);
    change(&narrow);
    let later = made["created_ms"].as_i64().expect("a time") + 86_400_000;
    change(&json!({ "tags": [], "models": [], "expires_ms": later }));

    let all = world.history("kind=key&name=web");
    assert_eq!(all.len(), 3, "what changed nothing is no change: {all:?}");
    assert_eq!((&all[2]["who"], &all[2]["before"], &all[2]["key_id"]), (&json!("token:ci"), &Value::Null, &json!(id)));
    assert_eq!((&all[0]["before"], &all[0]["after"]["expires_ms"]), (&narrow, &json!(later)));
    let undo = |change: &Value, body: &Value| world.call("POST", &format!("history/{change}/undo"), body);
    assert_eq!(refusal(&undo(&all[1]["id"], &Value::Null)), (409, "changed_since".to_owned()));
    let undone = undo(&all[0]["id"], &Value::Null);
    assert_eq!((undone.status, &undone.json()["models"]), (200, &json!(["openai/*"])), "{}", undone.text());
    assert!(undone.header("etag").is_some());
    assert_eq!(world.history("kind=key")[0]["after"], narrow, "an undo is a change, too");
    let forced = undo(&all[1]["id"], &json!({ "force": true }));
    assert_eq!((forced.status, &forced.json()["models"]), (200, &json!([])), "{}", forced.text());

    let page = world.page("/history?kind=key&name=web");
    for shown in [
        "<ins>openai/*</ins>",
        "<del>openai/*</del>",
        "<ins>never</ins>",
        "<ins>all</ins>",
        "key <a href=\"/keys?name=Web\">",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
    let listed = world.page("/keys");
    assert!(listed.contains("href=\"/history?kind=key&#38;name=Web\""), "{listed}");

    // Taking back that it was made revokes it, and then nothing brings it back.
    assert_eq!(undo(&all[2]["id"], &json!({ "force": true })).status, 204);
    assert_eq!(world.call("GET", &format!("keys/{id}"), &Value::Null).json()["state"], "revoked");
    let revocation = world.history("kind=key&limit=1")[0].clone();
    assert_eq!((&revocation["after"], &revocation["who"]), (&Value::Null, &json!("admin")));
    for change in [&revocation, &all[0], &all[2]] {
        let refused = undo(&change["id"], &json!({ "force": true }));
        assert_eq!(refusal(&refused), (409, "revoked".to_owned()), "{}", refused.text());
    }
    assert!(undo(&revocation["id"], &Value::Null).text().contains("cannot come back: make another one"));
    let page = world.page("/history?kind=key&name=web");
    assert!(page.contains("A revoked key cannot come back.") && !page.contains("id=\"undo-"), "{page}");

    // The name is free again; what was done to the first key of it is not undone in the second.
    world.relay.run(&["keys", "create", "Web"]);
    let second = world.history("kind=key&limit=1")[0].clone();
    assert_eq!((&second["who"], second["key_id"] == id), (&json!("command line"), false));
    assert_eq!(refusal(&undo(&all[0]["id"], &json!({ "force": true }))), (409, "revoked".to_owned()));
    world.relay.run(&["keys", "revoke", "Web"]);
    assert_eq!(world.history("kind=key&limit=1")[0]["key_id"], second["key_id"]);

    let database = rusqlite::Connection::open(world.relay.path("data/relay.db")).expect("it is there");
    let hash: String =
        database.query_row("select hash from api_keys where id = $1", [id], |row| row.get(0)).expect("it is there");
    let everything = format!("{}{page}", json!(world.history("")));
    assert!(!everything.contains(key) && !everything.contains(&hash));
}

#[test]
fn an_end_that_has_passed_is_not_put_back() {
    let world = World::new();
    let made = world.call("POST", "keys", &json!({ "name": "guest" })).json();
    let soon = made["created_ms"].as_i64().expect("a time") + 3000;
    let change = |expires: &Value| {
        let body = json!({ "tags": [], "models": [], "expires_ms": expires }).to_string();
        call_admin(world.relay.admin(), "PUT", "/admin/api/keys/guest", &[("if-match", "*")], &body).status
    };
    assert_eq!((change(&json!(soon)), change(&Value::Null)), (200, 200));
    let lifted = world.history("kind=key&limit=1")[0]["id"].clone();
    world.call("POST", "keys", &json!({ "name": "clock", "expires_ms": soon }));
    let state = || world.call("GET", "keys/clock", &Value::Null).json()["state"].clone();
    wait_until("the earlier end has passed", || state() == "expired");
    let refused = world.call("POST", &format!("history/{lifted}/undo"), &Value::Null);
    assert_eq!(refusal(&refused), (422, "invalid".to_owned()), "{}", refused.text());
    assert_eq!(refused.json()["error"]["problems"][0]["place"], "expires_ms");
}

#[test]
fn the_key_of_the_first_start_and_those_that_are_restored_are_told_too() {
    let relay = TestRelay::setup().env("AUTH_MODE", "keys").with_admin().start();
    let world = World { relay };
    assert_eq!(world.authors("kind=key"), pairs(&[("first", "first start")]));
    world.call("POST", "keys", &json!({ "name": "web" }));
    let backup = world.call("GET", "backup", &Value::Null).json();
    let database = rusqlite::Connection::open(world.relay.path("data/relay.db")).expect("it is there");
    database.execute("delete from api_keys where name = 'web'", []).expect("it can be written");
    let bearer = format!("Bearer {}", world.token("nightly"));
    let restored = show(world.relay.admin(), ("authorization", &bearer), "POST", "restore", &backup);
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!(world.authors("kind=key&name=web"), pairs(&[("web", "token:nightly"), ("web", "admin")]));
}

#[test]
fn the_page_says_by_whom_and_shows_what_one_of_them_did() {
    let world = World::new();
    let admin = world.relay.admin();
    world.call("PUT", "aliases/mine", &json!("openai/gpt-4o-mini"));
    assert!(!world.page("/history").contains("<select name=\"who\""), "there is no choice of one");
    let bearer = format!("Bearer {}", world.token("ci <b>"));
    show(admin, ("authorization", &bearer), "PUT", "aliases/theirs", &json!("openai/gpt-4o-mini"));
    let all = world.page("/history");
    assert!(!all.contains("<b>"), "{all}");
    for shown in ["by <bdi>admin</bdi>", "by <bdi>token:ci &#60;b&#62;</bdi>", "<option value=\"admin\">by admin"] {
        assert!(all.contains(shown), "{shown} is missing in {all}");
    }
    let theirs = world.page("/history?who=token%3Aci+%3Cb%3E");
    assert!(theirs.contains("theirs") && !theirs.contains("mine"), "{theirs}");
    assert!(theirs.contains("<option value=\"token:ci &#60;b&#62;\" selected>"), "{theirs}");
    assert!(theirs.contains("href=\"/history?kind=alias&#38;who=token%3Aci+%3Cb%3E\""), "{theirs}");
    let nobody = world.page("/history?who=token%3Agone");
    assert!(nobody.contains("No such change") && nobody.contains("selected>by token:gone"), "{nobody}");
}
