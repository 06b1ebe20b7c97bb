//! The list of requests and the page of each: what is found, what it cost by hand, and what no text in it can do.

use serde_json::{Value, json};

use crate::support::{Answer, Face, FakeUpstream, Reply, TestRelay, call_admin, wait_until};

/// USD per million tokens.
const PRICES: &str = "
providers:
  judge: { models: { judge: { price: { input: 1, output: 2 } } } }
  lab:
    models:
      plain: { context_length: 8000, price: { input: 10, output: 20, cache_read: 1 } }
      bright: { context_length: 100000, price: { input: 100, output: 200 } }
";

/// A router `smart` over two models of a lab, with a designator at another provider; every body is kept.
struct World {
    judge: FakeUpstream,
    lab: FakeUpstream,
    relay: TestRelay,
}

impl World {
    fn new() -> Self {
        let (judge, lab) = (FakeUpstream::openai(), FakeUpstream::openai());
        let provider = |id: &str, upstream: &FakeUpstream, models: &str| {
            let address = upstream.client().address;
            format!(
                "  {id}: {{ protocol: openai, base_url: \"http://{address}/v1\", api_key: k, models: [{models}] }}\n"
            )
        };
        let yaml = format!(
            "aliases: {{ fast: lab/plain }}\nproviders:\n{}{}routers:\n  smart:\n    designator: judge/judge\n    \
             candidates: [lab/plain, lab/bright]\n    fallback: lab/plain\n    tags: [routed]\n    cache_ttl: 0s\n",
            provider("judge", &judge, "judge"),
            provider("lab", &lab, "plain, bright"),
        );
        let relay =
            TestRelay::setup().relay_yaml(&yaml).overrides_yaml(PRICES).with_admin().env("KEEP_PROMPTS", "all").start();
        Self { judge, lab, relay }
    }

    /// Asks and says the request's id.
    fn ask(&self, headers: &[(&str, &str)], model: &str, question: &str) -> String {
        let body = Face::OpenAi.ask(model, question, false);
        let reply = self.relay.client().post_with(Face::OpenAi.path(), headers, &body);
        reply.header("x-llm-relay-request-id").expect("answers carry their id").to_owned()
    }

    fn get(&self, path: &str) -> Reply {
        call_admin(self.relay.admin(), "GET", path, &[], "")
    }

    fn json(&self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    fn page(&self, path: &str) -> String {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    }

    /// The ids of a list.
    fn ids(&self, query: &str) -> Vec<String> {
        let list = self.json(&format!("/admin/api/requests?{query}"));
        let rows = list["requests"].as_array().expect("requests are a list");
        rows.iter().map(|row| row["id"].as_str().expect("ids are texts").to_owned()).collect()
    }

    /// Waits until so many requests are recorded.
    fn wait(&self, count: usize) {
        wait_until(&format!("{count} requests are recorded"), || self.ids("").len() >= count);
    }
}

#[test]
fn a_routed_request_is_found_and_its_page_says_what_it_cost_and_why() {
    let world = World::new();
    world.judge.then([Answer::text("lab/plain").usage(100, 0, 5)]);
    // 100 plain, 40 cached and 20 out: 100 × 10 + 40 × 1 + 20 × 20 micro-USD are 1,440.
    world.lab.then([Answer::text("Hello").usage(100, 40, 20)]);
    let routed = world.ask(&[("x-proxy-tag", "team-a")], "smart", "why is the sky blue?");
    let plain = world.ask(&[("x-proxy-tag", "team-b")], "fast", "and now?");
    world.wait(2);

    assert_eq!(world.ids(""), [plain.clone(), routed.clone()]);
    assert_eq!(world.ids("tag=team-a"), [routed.as_str()]);
    assert_eq!(world.ids("tag=team"), [] as [String; 0]);
    assert_eq!(world.ids("router=smart&model=lab%2Fplain"), [routed.as_str()]);
    assert_eq!(world.ids("alias=fast"), [plain.as_str()]);
    assert_eq!(world.ids(&format!("q={}", &plain[9..])), [plain.as_str()]);
    assert_eq!(world.ids("model=judge%2F&calls=true").len(), 1);
    assert_eq!(world.ids("model=judge%2F"), [] as [String; 0]);
    let list = world.page("/requests?tag=team-a&model=lab%2Fplain");
    assert!(list.contains(&format!("href=\"/requests/{routed}\"")) && !list.contains(&plain), "{list}");
    assert!(list.contains(r#"name="tag" value="team-a""#) && list.contains(r#"value="lab/plain""#), "{list}");
    assert!(world.page("/").contains(&format!("href=\"/requests/{routed}\"")));

    // New prices are written once a second.
    let path = format!("/admin/api/requests/{routed}");
    wait_until("the price row is stored", || !world.json(&path)["price"].is_null());
    let page = world.page(&format!("/requests/{routed}"));
    for shown in [
        // The price card.
        "100 in × 10 + 20 out × 20 + 40 cache read × 1 USD/M = 0.00144 USD",
        "$0.001440000",
        "$0.001000000",
        "$0.000400000",
        "$0.000040000",
        "not reported",
        "overrides.yaml",
        // The decision, and what asking cost: 100 × 1 + 5 × 2 micro-USD.
        "the designator chose",
        "$0.000110000",
        "lab/bright",
        "judge/judge",
        // Way and times.
        "<strong>router</strong>",
        "First token",
        "Last token",
        "<rect x=\"0\"",
        // The body, and where its tags lead.
        "why is the sky blue?",
        "href=\"/requests?tag=routed\"",
        // What can be done with it.
        &format!("href=\"/playground?request={routed}\""),
        "href=\"/aliases?new=",
        // The first call of this provider opened a connection.
        "Connect",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }

    let whole = world.json(&path);
    assert_eq!(whole["record"]["cost"], 1_440_000);
    assert!(whole["record"]["connect_us"].as_u64().is_some_and(|took| took > 0), "{whole}");
    assert_eq!(whole["linked"][0]["cost"], 110_000);
    assert_eq!(whole["linked"][0]["parent"], json!(routed));
    assert_eq!(whole["decision"]["cause"], "designator");
    assert_eq!(whole["price"]["id"], whole["record"]["price"]);
    assert_eq!(whole["price"]["base"]["output"], 20_000_000);
    assert!(whole["prompt"]["body"].as_str().is_some_and(|body| body.contains("sky blue")), "{whole}");
    // The designator's call has a page too, which leads back.
    let call = whole["linked"][0]["id"].as_str().expect("calls have ids");
    assert!(world.page(&format!("/requests/{call}")).contains(&format!("href=\"/requests/{routed}\"")));
}

#[test]
fn what_is_not_known_is_shown_as_unknown_and_failures_are_found() {
    let world = World::new();
    let unpriced = world.ask(&[], "lab/brand-new", "hi");
    world.lab.then([Answer::status(
        400,
        "application/json",
        r#"{"error":{"message":"the lab is closed","type":"invalid_request_error"}}"#,
    )]);
    let failed = world.ask(&[], "lab/plain", "hi");
    world.wait(2);
    assert_eq!(world.ids("status=error"), [failed.as_str()]);
    assert_eq!(world.ids("status=ok"), [unpriced.as_str()]);
    assert_eq!(world.ids("error=bad_request"), [failed.as_str()]);
    assert_eq!(world.ids("error=timeout"), [] as [String; 0]);
    let page = world.page(&format!("/requests/{unpriced}"));
    assert!(page.contains("<strong>unknown</strong>") && page.contains("No price row was used."), "{page}");
    let page = world.page(&format!("/requests/{failed}"));
    assert!(page.contains("the lab is closed") && page.contains("Nothing was used."), "{page}");
}

#[test]
fn pages_follow_by_cursor_and_the_address_keeps_the_filters() {
    let world = World::new();
    let mut asked: Vec<String> = (0..5).map(|_| world.ask(&[("x-proxy-tag", "a&b")], "fast", "hi")).collect();
    asked.reverse();
    world.wait(5);
    let first = world.json("/admin/api/requests?limit=2&tag=a%26b");
    assert!(first["previous"].is_null() && first["looked_at"].is_null(), "{first}");
    let next = first["next"].as_str().expect("there is more");
    assert_eq!(world.ids(&format!("limit=2&before={next}")), asked[2..4]);
    let second = world.json(&format!("/admin/api/requests?limit=2&before={next}"));
    let back = second["previous"].as_str().expect("there are newer ones");
    assert_eq!(world.ids(&format!("limit=2&after={back}")), asked[..2]);
    let last = world.json(&format!("/admin/api/requests?limit=2&before={}", second["next"].as_str().expect("more")));
    assert!(last["next"].is_null(), "{last}");

    let page = world.page("/requests?tag=a%26b&limit=2&from=24h");
    let older = page.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|link| link.contains("before="));
    let older = older.expect("there are older ones").replace("&#38;", "&");
    assert!(older.contains("tag=a%26b") && older.contains("from=24h"), "{older}");
    let page = world.page(&older);
    assert!(page.contains(&asked[2]) && page.contains(&asked[3]) && !page.contains(&asked[0]), "{page}");
    assert!(page.contains("after=") && page.contains(r#"value="24h""#), "{page}");
}

#[test]
fn texts_from_outside_stay_texts() {
    let world = World::new();
    let hostile = "<script>alert(1)</script>";
    let headers = [("x-proxy-tag", hostile), ("x-openwebui-user-id", "<b>me</b>\"'")];
    let id = world.ask(&headers, "lab/\"><img src=x onerror=alert(2)>", "</code></pre><script>alert(3)</script>");
    world.wait(1);
    let search = "/requests?q=%22%3E%3Cscript%3Ealert(4)%3C%2Fscript%3E&status=%3Cb%3E";
    assert_eq!(world.get(search).status, 400);
    for page in [
        world.page("/requests"),
        world.page("/"),
        world.page(&format!("/requests/{id}")),
        world.get(search).text(),
        world.get("/requests/%3Cscript%3E").text(),
    ] {
        for raw in ["<script>", "<img src=x", "<b>me", "</code></pre><s"] {
            assert!(!page.contains(raw), "{raw} in {page}");
        }
    }
    let page = world.page(&format!("/requests/{id}"));
    for text in ["alert(1)", "alert(2)", "alert(3)", "&#60;b&#62;me"] {
        assert!(page.contains(text), "{text} is missing in {page}");
    }
}

#[test]
fn pages_need_the_login_and_what_is_wrong_is_said() {
    let world = World::new();
    for path in ["/requests", "/requests/1", "/admin/api/requests", "/admin/api/requests/1"] {
        assert_eq!(world.relay.admin().get(path).status, 401, "{path}");
    }
    let empty = world.get("/requests");
    assert!(empty.text().contains("a request shows a moment after its answer has ended"), "{}", empty.text());
    let policy = empty.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    assert!(world.page("/requests?tag=x").contains("No request is like this"));
    let missing = world.get("/requests/1");
    assert_eq!((missing.status, missing.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert!(missing.text().contains("No such request"), "{}", missing.text());
    for (path, status, code) in [
        ("/admin/api/requests/1", 404, "no_such_request"),
        ("/admin/api/requests?limit=501", 400, "query"),
        ("/admin/api/requests?page=2", 400, "query"),
        ("/admin/api/requests?from=yesterday", 400, "query"),
    ] {
        let reply = world.get(path);
        assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (status, Some(code)), "{}", reply.text());
    }
    let wrong = world.get("/requests?from=yesterday&tag=kept");
    assert!(wrong.status == 400 && wrong.text().contains("is not a time"), "{}", wrong.text());
    assert!(wrong.text().contains(r#"value="kept""#), "what was written stays in the form");
}
