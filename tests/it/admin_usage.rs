//! Usage and cost on the admin listener: sums by hand, filters that combine, CSV, pages, the way to the first answer.

use serde_json::{Value, json};

use crate::support::{Answer, Face, FakeUpstream, Reply, TestRelay, call_admin, wait_until};

/// 100 × 10 + 40 × 1 + 20 × 20 USD per million tokens are $0.00144.
const PRICES: &str =
    "providers:\n  openai: { models: { plain: { price: { input: 10, output: 20, cache_read: 1 } } } }\n";
const COST: i64 = 1_440_000;

struct World {
    _upstream: FakeUpstream,
    relay: TestRelay,
}

impl World {
    fn new() -> Self {
        let upstream = FakeUpstream::openai().answer(Answer::text("Hello").usage(100, 40, 20));
        let relay = TestRelay::setup().upstreams(&[&upstream]).overrides_yaml(PRICES).with_admin().start();
        Self { _upstream: upstream, relay }
    }

    fn ask(&self, model: &str, tags: &str, user: &str) {
        let mut body = Face::OpenAi.ask(model, "hi", false);
        if !user.is_empty() {
            body["user"] = user.into();
        }
        let reply = self.relay.client().post_with(Face::OpenAi.path(), &[("x-proxy-tag", tags)], &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    fn get(&self, path: &str) -> Reply {
        call_admin(self.relay.admin(), "GET", path, &[], "")
    }

    fn json(&self, query: &str) -> Value {
        let reply = self.get(&format!("/admin/api/usage?{query}"));
        assert_eq!(reply.status, 200, "{query}: {}", reply.text());
        reply.json()
    }

    fn page(&self, path: &str) -> String {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    }

    /// The report as soon as so many requests are in it.
    fn settled(&self, requests: i64) {
        wait_until("all requests are summed up", || self.json("period=24h")["total"]["requests"] == requests);
    }
}

fn costs(report: &Value) -> Vec<(String, Value)> {
    let rows = report["rows"].as_array().expect("a report has rows");
    rows.iter()
        .map(|row| (row["key"].as_str().expect("rows have keys").to_owned(), row["cost_nano_usd"].clone()))
        .collect()
}

fn row(key: &str, cost: impl Into<Value>) -> (String, Value) {
    (key.to_owned(), cost.into())
}

#[test]
fn sums_filters_and_courses_are_those_of_the_requests() {
    let world = World::new();
    world.ask("openai/plain", "team-a, team-b", "ann");
    world.ask("openai/plain", "team-a", "bob");
    world.ask("openai/brand-new", "team-b", "ann");
    world.ask("openai/plain", "", "");
    world.settled(4);

    let by_tag = world.json("period=24h");
    assert_eq!(costs(&by_tag), [row("team-a", 2 * COST), row("team-b", COST), row("", COST)]);
    assert_eq!((&by_tag["rows"][0]["kind"], &by_tag["rows"][2]["kind"]), (&json!("value"), &json!("none")));
    let total = &by_tag["total"];
    assert_eq!((&total["cost_nano_usd"], &total["unpriced_requests"]), (&json!(3 * COST), &json!(1)));
    assert_eq!(
        (&total["input_tokens"], &total["cache_read_tokens"], &total["output_tokens"]),
        (&json!(400), &json!(160), &json!(80))
    );
    assert_eq!((&by_tag["total_before"]["requests"], &by_tag["left_out"]), (&json!(0), &json!(0)));
    assert_eq!(by_tag["latency"]["total"]["answers"], 4);
    assert!(by_tag["latency"]["total"]["p50_ms"].is_u64(), "{by_tag}");
    assert_eq!(by_tag["latency"]["first_token"], json!({"answers": 0, "p50_ms": null, "p99_ms": null}));

    // An hour may end between requests, so the course is added up.
    assert_eq!((by_tag["step"].as_str(), by_tag["top"].as_array().map(Vec::len)), (Some("hour"), Some(3)));
    let points = by_tag["points"].as_array().expect("a course has points");
    let sum = |of: &dyn Fn(&Value) -> i64| points.iter().map(of).sum::<i64>();
    let cost = |sums: &Value| sums["cost_nano_usd"].as_i64().unwrap_or(0);
    assert_eq!(points.len(), 25, "24 hours and the one that has begun");
    assert_eq!(sum(&|point| cost(&point["total"])), 3 * COST);
    assert_eq!(sum(&|point| cost(&point["values"][0])), 2 * COST);
    assert_eq!(sum(&|point| cost(&point["others"])), 0);

    for (query, expected) in [
        ("by=model", vec![row("openai/plain", 3 * COST), row("openai/brand-new", Value::Null)]),
        ("by=user", vec![row("ann", COST), row("bob", COST), row("", COST)]),
        ("by=user&tag=team-b", vec![row("ann", COST)]),
        ("by=tag&user=ann&model=openai/plain", vec![row("team-a", COST), row("team-b", COST)]),
        ("by=model&tag=team-a&provider=openai&user=bob", vec![row("openai/plain", COST)]),
        ("by=model&without=tag", vec![row("openai/plain", COST)]),
        ("by=tag&without=user", vec![row("", COST)]),
        ("by=tag&tag=team-a&limit=1", vec![row("team-a", 2 * COST)]),
        ("by=provider&tag=nobody", vec![]),
    ] {
        let report = world.json(&format!("period=24h&{query}"));
        assert_eq!(costs(&report), expected, "{query}");
        assert_eq!(report.get("latency").is_some(), query == "by=model" || query == "by=user", "{query}");
    }
    assert_eq!(world.json("tag=team-a&limit=1")["left_out"], 1);
}

#[test]
fn the_csv_has_the_rows_of_the_json_and_runs_no_formula() {
    let world = World::new();
    world.ask("openai/plain", "=1+1, team-a", "");
    world.ask("openai/brand-new", "@evil", "");
    world.settled(2);
    let reply = world.get("/admin/api/usage?period=24h&format=csv");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"usage.csv\""));
    let csv = reply.text();
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let json = world.json("period=24h");
    let rows = json["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 3);
    for row in rows {
        let line = lines.next().expect("a line per row");
        for (name, cell) in header.iter().zip(line) {
            let value = match name.strip_prefix("before_") {
                Some(name) => &row["before"][name],
                None => &row[*name],
            };
            let expected = match value {
                Value::Null => String::new(),
                Value::String(text) if text.starts_with(['=', '@']) => format!("'{text}"),
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            assert_eq!(cell, expected, "{name} of {row}");
        }
    }
    assert_eq!(lines.next(), None);
    assert!(csv.contains("\n'=1+1,value,1,") && csv.contains("\n'@evil,value,1,"), "{csv}");
}

#[test]
fn what_cannot_be_answered_is_named() {
    let world = World::new();
    for (query, part) in [
        ("period=soon", "`soon` is not a period"),
        ("by=colour", "`by` is one of `tag`"),
        ("colour=red", "there is no `colour`"),
        ("limit=0", "1 to 10000"),
        ("from=2026-11-20&to=2026-11-19", "ends before it begins"),
    ] {
        let reply = world.get(&format!("/admin/api/usage?{query}"));
        assert_eq!(reply.status, 400, "{query}");
        assert_eq!(reply.json()["error"]["code"], "query");
        assert!(reply.json()["error"]["message"].as_str().is_some_and(|text| text.contains(part)), "{}", reply.text());
        let page = world.get(&format!("/usage?{query}"));
        assert_eq!(page.status, 400, "{query}");
        assert!(page.text().contains("role=\"alert\""), "{}", page.text());
    }
    for query in ["month=soon", "month=9999-01", "month=2026-11-01", "week=1"] {
        assert_eq!(world.get(&format!("/usage/month?{query}")).status, 400, "{query}");
    }
}

#[test]
fn the_pages_show_the_sums_and_lead_on() {
    let world = World::new();
    world.ask("openai/plain", "team a&b", "<b>ann</b>");
    world.ask("openai/brand-new", "team a&b", "");
    world.settled(2);

    let page = world.page("/usage?period=24h&tag=team+a%26b&by=model");
    for shown in [
        "≥ $0.0014",
        "1 unpriced",
        "openai/brand-new",
        "href=\"/usage?period=24h&#38;by=model\" aria-label=\"Remove the filter tag team a&#38;b\"",
        "href=\"/usage?period=24h&#38;by=model&#38;tag=team+a%26b&#38;model=openai%2Fplain\"",
        "href=\"/requests?tag=team+a%26b&#38;model=openai%2Fplain&#38;from=",
        "href=\"/admin/api/usage?period=24h&#38;by=model&#38;tag=team+a%26b&#38;format=csv\"",
        "href=\"/usage/month?tag=team+a%26b&#38;month=",
        "<th scope=\"row\">All requests</th>",
        "data-chart=",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
    let users = world.page("/usage?by=user");
    assert!(users.contains("&#60;b&#62;ann") && !users.contains("<b>ann"), "{users}");
    assert!(users.contains("no end user"), "{users}");
    let nothing = world.page("/usage?tag=nobody");
    assert!(nothing.contains("passes all filters"), "{nothing}");

    let month = world.page("/usage/month?tag=team+a%26b");
    for shown in ["team a&#38;b", "≥ $0.0014", "Unpriced: 1 request.", "openai/plain", "The month is not over"] {
        assert!(month.contains(shown), "{shown} is missing in {month}");
    }
    let earlier = world.page("/usage/month?month=2024-02");
    assert!(earlier.contains("Nothing was used") && earlier.contains("Thu, Feb 29"), "{earlier}");
}

#[test]
fn the_overview_leads_to_the_first_answer_and_then_shows_what_it_cost() {
    let world = World::new();
    let overview = || world.page("/");
    assert!(overview().contains("To the first answer") && overview().contains("curl http://"), "{}", overview());
    // Somebody who asks and fails is told why, and has not arrived yet.
    let nobody =
        "providers:\n  gone: { protocol: openai, base_url: \"http://127.0.0.1:9/v1\", api_key: k, models: [m] }\n";
    let broken = TestRelay::setup().relay_yaml(nobody).with_admin().start();
    let ask = Face::OpenAi.ask("gone/m", "hi", false);
    assert_eq!(broken.client().post(Face::OpenAi.path(), &ask).status, 502);
    wait_until("the failure is shown", || {
        let page = call_admin(broken.admin(), "GET", "/", &[], "").text();
        page.contains("The latest request failed: 502 not reached")
            && page.contains("To the first answer")
            && page.contains("stumbling")
    });

    world.ask("openai/plain", "team-a", "");
    world.settled(1);
    let page = overview();
    for shown in [
        "$0.0014",
        "1 request",
        "team-a",
        "openai/plain",
        "answering",
        "a forecast follows",
        "Half of the answers within",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
    assert!(!page.contains("To the first answer"), "{page}");
}
