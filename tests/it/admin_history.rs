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
