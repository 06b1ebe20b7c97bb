//! What choosing costs, and on whose bill it is.

use serde_json::{Value, json};

use super::{World, outcome};
use crate::support::{Answer, Face};

/// The row of a report.
fn row<'a>(report: &'a Value, key: &str) -> &'a Value {
    let rows = report["rows"].as_array().expect("a report has rows");
    rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("no row `{key}`: {report}"))
}

#[test]
fn the_designators_cost_is_the_routers_and_stays_with_the_tags_of_its_request() {
    let world = World::new("    cache_ttl: 0s");
    // The designator: 100 tokens in at 1, 5 out at 2 micro-USD: 110. The candidate: 1,000 at 100, 10 at 200: 102,000.
    let designated = || {
        world.judge.then([Answer::text("lab/bright").usage(100, 0, 5)]);
        world.lab.then([Answer::text("there").usage(1_000, 0, 10)]);
    };
    for team in ["team-a", "team-b"] {
        designated();
        let reply = world.ask_with(&[("x-proxy-tag", team)], &Face::OpenAi.ask("smart", team, false));
        assert_eq!(outcome(&reply), "bright by designator");
    }
    world.lab.then([Answer::text("there").usage(1_000, 0, 10)]);
    let direct = world.ask_with(&[("x-proxy-tag", "team-c")], &Face::OpenAi.ask("lab/bright", "hi", false));
    assert_eq!(direct.status, 200);

    let by_router = world.relay.report("router", 3);
    let smart = row(&by_router, "smart");
    assert_eq!((&smart["requests"], &smart["cost_nano_usd"]), (&json!(2), &json!(2 * 102_110_000)), "{by_router}");
    assert_eq!((&smart["input_tokens"], &smart["output_tokens"]), (&json!(2_200), &json!(30)));
    let by_tag = world.relay.report("tag", 3);
    for (team, cost) in [("team-a", 102_110_000), ("team-b", 102_110_000), ("team-c", 102_000_000)] {
        let of_team = row(&by_tag, team);
        assert_eq!((&of_team["requests"], &of_team["cost_nano_usd"]), (&json!(1), &json!(cost)), "{by_tag}");
    }
    assert_eq!(row(&by_tag, "routed")["cost_nano_usd"], 2 * 102_110_000);
    let by_model = world.relay.report("model", 3);
    let judge = row(&by_model, "judge/judge");
    assert_eq!((&judge["requests"], &judge["cost_nano_usd"]), (&json!(0), &json!(220_000)), "{by_model}");
    assert_eq!(by_tag["total"]["cost_nano_usd"], 2 * 102_110_000 + 102_000_000);
    assert_eq!(by_tag["total"]["requests"], 3);
}

#[test]
fn a_designator_that_failed_is_no_failed_request() {
    let world = World::new("    cache_ttl: 0s");
    world.judge.then([Answer::status(500, "application/json", "{}")]);
    assert_eq!(outcome(&world.ask("hi")), "plain by fallback-error");
    let report = world.relay.report("router", 1);
    let smart = row(&report, "smart");
    assert_eq!((&smart["requests"], &smart["errors"], &smart["unpriced_requests"]), (&json!(1), &json!(0), &json!(0)));
}
