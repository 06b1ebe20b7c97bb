//! The pages of aliases, redirects and routers, and of their history, as a browser without script reads them.

use serde_json::{Value, json};

use crate::support::{Face, FakeUpstream, Reply, TestRelay, call_admin, wait_until};

fn world(names: &str) -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai();
    let models = ", models: [gpt-fake, gpt-dear, gpt-chooser] }\n";
    let yaml = format!("providers:\n{}{names}", upstream.provider_yaml().replace(" }\n", models));
    let relay = TestRelay::setup().relay_yaml(&yaml).with_admin().start();
    (upstream, relay)
}

fn page(relay: &TestRelay, path: &str) -> String {
    let reply = call_admin(relay.admin(), "GET", path, &[], "");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
    reply.text()
}

fn put(relay: &TestRelay, path: &str, body: &Value) -> Reply {
    let reply = call_admin(relay.admin(), "PUT", &format!("/admin/api/{path}"), &[], &body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply
}

/// The part of a page from one text to the next.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("no {from} in {page}")).1;
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

#[test]
fn entries_are_listed_with_where_they_lead_and_the_files_are_locked() {
    let names = "aliases:
  house: { target: gpt-fake, tags: [home], description: for everybody }
redirects:
  'old*': house
routers:
  smart: { purpose: all sorts, designator: openai/gpt-chooser, candidates: [house, { model: openai/gpt-dear, notes: long ones }], fallback: house }
";
    let (_upstream, relay) = world(names);
    put(&relay, "aliases/mine", &json!("house"));
    let reply = relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask("mine", "hi", false));
    assert_eq!(reply.status, 200);
    let mut aliases = String::new();
    wait_until("the alias has been used", || {
        aliases = page(&relay, "/aliases");
        aliases.contains("1 request")
    });
    let house = between(&aliases, "<h2><bdi>house</bdi></h2>", "</li>");
    for shown in
        ["= <bdi>openai/gpt-fake</bdi>", "home", "for everybody", "locked: relay.yaml:4:3 aliases.house", "no request"]
    {
        assert!(house.contains(shown), "{shown} is missing in {house}");
    }
    assert!(!house.contains("aria-label=\"Edit"), "{house}");
    let mine = between(&aliases, "<h2><bdi>mine</bdi></h2>", "</li>");
    for shown in
        ["→ <bdi>house</bdi>", "= <bdi>openai/gpt-fake</bdi>", "/requests?alias=mine", "aria-label=\"Edit mine\""]
    {
        assert!(mine.contains(shown), "{shown} is missing in {mine}");
    }
    let redirects = page(&relay, "/redirects?resolve=old-thing%40x");
    for shown in
        ["locked: relay.yaml", "<strong>redirect</strong>", "<strong>alias</strong>", "<bdi>openai/gpt-fake</bdi>"]
    {
        assert!(redirects.contains(shown), "{shown} is missing in {redirects}");
    }
    let routers = page(&relay, "/routers?name=SMART");
    for shown in ["card named", "all sorts", "long ones", "= <bdi>openai/gpt-fake</bdi>", "for each request", "not yet"]
    {
        assert!(routers.contains(shown), "{shown} is missing in {routers}");
    }
    // The filter leaves out what does not have it, also without script.
    let filtered = page(&relay, "/aliases?q=EVERYbody");
    assert!(between(&filtered, "data-name=\"mine\"", ">").contains("hidden"));
    assert!(!between(&filtered, "data-name=\"house\"", ">").contains("hidden"));
    for (kind, path) in [("alias", "/aliases"), ("redirect", "/redirects"), ("router", "/routers")] {
        let (_upstream, relay) = world("");
        let empty = page(&relay, path);
        assert!(empty.contains(&format!("No {kind} yet")) && !empty.contains("data-filter"), "{empty}");
        assert_eq!(empty.matches("aria-current=\"page\"").count(), 1);
    }
}

#[test]
fn the_history_tells_what_differs_and_nobody_s_name_is_markup() {
    let (_upstream, relay) = world("");
    let name = "<script>alert(1)</script>";
    let path = "aliases/%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let evil = json!({ "target": "openai/gpt-fake", "tags": ["\"><img src=x>"], "description": "'</bdi><b>" });
    put(&relay, path, &evil);
    let changed = call_admin(
        relay.admin(),
        "PUT",
        &format!("/admin/api/{path}"),
        &[("if-match", "*")],
        &json!("openai/gpt-dear").to_string(),
    );
    assert_eq!(changed.status, 200, "{}", changed.text());
    let history = page(&relay, "/history?kind=alias");
    for shown in [
        "<del>openai/gpt-fake</del> → <ins>openai/gpt-dear</ins>",
        "changed</h2>",
        "created</h2>",
        ">Undo<",
        ">Put back…<",
    ] {
        assert!(history.contains(shown), "{shown} is missing in {history}");
    }
    assert!(page(&relay, "/history?kind=router").contains("No such change"));
    for path in [
        "/aliases",
        "/history",
        "/aliases?q=%3Cscript%3E&name=%3Cscript%3E&resolve=%3Cscript%3E",
        "/history?name=%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let page = page(&relay, path);
        assert!(page.contains("alert(1)") || path.contains('?'), "{path}: {page}");
        for markup in ["<script>", "<img src=x", "</bdi><b>", name] {
            assert!(!page.contains(markup), "{path}: {markup} in {page}");
        }
    }
    assert!(page(&world("").1, "/history").contains("Nothing was changed here yet"));
}
