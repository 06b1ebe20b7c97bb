//! `llm-relay router eval` and `llm-relay resolve --prompt`, with a designator that says what the test told it.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Answer, FakeUpstream, Setup, TestRelay};

/// A designator at 1 and 2 USD per million tokens, candidates at 1 and 10 for the prompt and for the answer.
const PRICES: &str = "
providers:
  openai:
    models:
      judge: { price: { input: 1, output: 2 } }
      little: { price: { input: 1, output: 1 }, context_length: 4000, capabilities: { vision: false } }
      large: { price: { input: 10, output: 10 }, context_length: 8000 }
";

const ROUTER: &str = "
aliases: { small: openai/little, strong: openai/large, spare: openai/unpriced }
routers:
  smart:
    purpose: \"a test\"
    designator: openai/judge
    candidates: [{ model: small, notes: \"short\" }, strong]
    fallback: FALLBACK
";

fn setup(upstream: &FakeUpstream, fallback: &str) -> Setup {
    let provider = upstream.provider_yaml().replace(" }\n", ", models: [judge, little, large, unpriced] }\n");
    let yaml = format!("providers:\n{provider}{}", ROUTER.replace("FALLBACK", fallback));
    TestRelay::setup().relay_yaml(&yaml).overrides_yaml(PRICES)
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("the program prints text")
}

fn parsed(output: &Output) -> Value {
    serde_json::from_str(&text(output)).expect("the program prints JSON")
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn near(value: &Value, expected: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - expected).abs() < 1e-9)
}

/// A case whose prompt is estimated at 100 tokens (8 for the message, and 276 bytes) and whose answer has 50.
fn case(id: &str, category: &str, scores: &Value) -> String {
    let prompt = format!("{id:<276}");
    let line = json!({ "id": id, "category": category, "prompt": prompt, "output_tokens": 50, "scores": scores });
    format!("{line}\n")
}

/// Four easy and four hard cases.
fn eight() -> String {
    let easy = (0..4).map(|at| case(&format!("e{at}"), "easy", &json!({ "small": 1, "strong": 0.5 })));
    let hard = (0..4).map(|at| case(&format!("h{at}"), "hard", &json!({ "small": 0, "strong": 0.5 })));
    easy.chain(hard).collect()
}

fn says(names: &[&str]) -> Vec<Answer> {
    names.iter().map(|name| Answer::text(name).usage(1_000, 0, 5)).collect()
}

const KNOWING: [&str; 8] = ["small", "small", "small", "small", "strong", "strong", "strong", "strong"];

const EVAL: [&str; 5] = ["router", "eval", "smart", "--data", "data.jsonl"];

fn eval(setup: &Setup, more: &[&str]) -> Output {
    setup.call(&[&EVAL[..], more].concat())
}

#[test]
fn the_figures_are_those_one_computes_by_hand() {
    let upstream = FakeUpstream::openai();
    let setup = setup(&upstream, "small").file("data.jsonl", &eight());
    upstream.then(says(&KNOWING));
    let found = parsed(&eval(&setup, &["--format", "json"]));
    assert_eq!((&found["cases"], &found["unscored"], &found["refused"]), (&json!(8), &json!([]), &json!(0)));
    // An answer of small costs 150 tokens at 1,000 nano-dollars; of strong, at 10,000. A question to the designator costs
    // 1,000 x 1,000 + 5 x 2,000 nano-dollars.
    let (small, strong, asking) = (150_000, 1_500_000, 1_010_000);
    let expected = [
        ("router", 0.75, (small + strong) / 2 + asking, [4, 4]),
        ("always-cheapest", 0.5, small, [8, 0]),
        // Both have a mean of 0.5, so the first one.
        ("always-best", 0.5, small, [8, 0]),
        ("oracle", 0.75, (small + strong) / 2, [4, 4]),
    ];
    for (at, (policy, quality, cost, shares)) in expected.into_iter().enumerate() {
        let row = &found["policies"][at];
        assert_eq!(row["policy"], policy);
        assert!(near(&row["quality"], quality), "{row}");
        assert_eq!(row["cost"], json!({ "mean_nano_usd": cost, "unpriced": 0 }), "{policy}");
        assert_eq!([&row["shares"][0]["cases"], &row["shares"][1]["cases"]], [&json!(shares[0]), &json!(shares[1])]);
    }
    assert_eq!(found["causes"], json!({ "designator": 8 }));
    assert_eq!(found["designator"]["calls"], 8);
    assert_eq!(found["designator"]["cost"], json!({ "mean_nano_usd": asking, "unpriced": 0 }));
    let category = |at: usize| &found["categories"][at]["quality"];
    assert!(near(&category(0)["router"], 1.0) && near(&category(1)["router"], 0.5), "{found}");
    assert!(near(&category(0)["always-cheapest"], 1.0) && near(&category(1)["always-cheapest"], 0.0), "{found}");
    // With k of the four `small` on easy cases (probability C(4,k)²/70) the quality is (k + (8 - 4) / 2) / 8:
    // 5 % lie at k = 1, 95 % at k = 3, the mean is that of k = 2.
    let control = &found["shuffled"];
    assert!(near(&control["p5"], 0.375) && near(&control["p95"], 0.625), "{control}");
    assert!(control["quality"].as_f64().is_some_and(|mean| (mean - 0.5).abs() < 0.02), "{control}");
    assert_eq!((&control["permutations"], &control["is_beaten"]), (&json!(1000), &json!(true)));
    assert_eq!(control["cost"]["mean_nano_usd"], (small + strong) / 2);
    assert_eq!(found["shuffled_designator"], Value::Null);

    // Only the designator was asked, and its calls are on the bill.
    assert!(upstream.calls().iter().all(|call| call.body["model"] == "judge"));
    let report = parsed(&setup.call(&["report", "--by", "router", "--format", "json"]));
    assert_eq!(report["rows"][0]["key"], "smart", "{report}");
    assert_eq!(report["total"]["cost_nano_usd"], 8 * asking, "{report}");
}

#[test]
fn the_table_shows_the_same_and_says_whether_chance_is_beaten() {
    let upstream = FakeUpstream::openai();
    let setup = setup(&upstream, "small").file("data.jsonl", &eight());
    upstream.then(says(&KNOWING));
    let table = text(&eval(&setup, &[]));
    let row = |start: &str| {
        let line = table.lines().find(|line| line.starts_with(start)).unwrap_or_default();
        line[start.len().min(line.len())..].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("policy"), "quality USD per case small strong");
    assert_eq!(row("router  "), "0.750 0.001835 50.0 % 50.0 %", "{table}");
    assert_eq!(row("always-cheapest (small)"), "0.500 0.00015 100.0 % 0.0 %", "{table}");
    assert_eq!(row("oracle  "), "0.750 0.000825 50.0 % 50.0 %", "{table}");
    assert!(row("shuffled  ").contains("(0.375..0.625) 0.000825 50.0 % 50.0 %"), "{table}");
    assert_eq!(row("easy  "), "4 1.000 1.000 1.000 1.000", "{table}");
    assert!(table.contains("The router beats chance: its quality 0.750 is above 0.625"), "{table}");
    assert!(table.contains("0.00101 USD per case"), "{table}");

    // The same shares without any knowledge: the choices are those of before, on the wrong cases.
    upstream.then(says(&KNOWING).into_iter().rev());
    let table = text(&eval(&setup, &["--format", "table"]));
    assert!(table.contains("The router does not beat chance: its quality 0.250 is not above 0.625"), "{table}");
}

#[test]
fn gates_and_fallbacks_are_told_apart_from_the_designators_choices() {
    let upstream = FakeUpstream::openai();
    let long = json!({ "id": "l", "prompt": "x", "padding_tokens": 5000, "scores": { "small": 0, "strong": 1 } });
    let data = format!("{}{long}\n", eight());
    let setup = setup(&upstream, "small").file("data.jsonl", &data);
    // The last but one is asked twice and then falls back; the long one has only one candidate left.
    upstream.then(says(&[&KNOWING[..7], &["neither", "nor"]].concat()));
    let found = parsed(&eval(&setup, &["--format", "json"]));
    assert_eq!(found["causes"], json!({ "designator": 7, "fallback-invalid": 1, "single": 1 }), "{found}");
    assert_eq!(found["designator"]["calls"], 9);
    // (4 x 1 + 3 x 0.5 + 0 + 1) / 9.
    assert!(near(&found["policies"][0]["quality"], 6.5 / 9.0), "{found}");
    assert_eq!((&found["shuffled"]["cases"], &found["shuffled_designator"]["cases"]), (&json!(9), &json!(7)));
}

#[test]
fn an_unscored_choice_is_left_out_and_an_unknown_price_is_not_zero() {
    let upstream = FakeUpstream::openai();
    let setup = setup(&upstream, "spare").file("data.jsonl", &eight());
    upstream.then(says(&[&KNOWING[..7], &["neither", "nor"]].concat()));
    let found = parsed(&eval(&setup, &["--format", "json"]));
    assert_eq!((&found["cases"], &found["unscored"]), (&json!(7), &json!(["h3"])), "{found}");
    assert!(near(&found["policies"][3]["quality"], 5.5 / 7.0), "{found}");

    // Now it has a score, and no price: the mean is a lower bound.
    let scored = eight().replace("\"strong\":0.5}", "\"strong\":0.5,\"spare\":0.75}");
    let setup = setup.file("data.jsonl", &scored);
    upstream.then(says(&[&KNOWING[..7], &["neither", "nor"]].concat()));
    let output = eval(&setup, &["--format", "json"]);
    let router = &parsed(&output)["policies"][0];
    assert!(near(&router["quality"], (4.0 + 1.5 + 0.75) / 8.0), "{router}");
    // (4 x 150,000 + 3 x 1,500,000 + 9 x 1,010,000) / 8.
    assert_eq!(router["cost"], json!({ "mean_nano_usd": 1_773_750, "unpriced": 1 }));
}

#[test]
fn a_limit_and_parallel_questions_keep_the_order_of_the_cases() {
    let upstream = FakeUpstream::openai().answer(Answer::text("small"));
    let setup = setup(&upstream, "small").file("data.jsonl", &eight());
    let found = parsed(&eval(&setup, &["--format", "json", "--limit", "5", "--parallel", "4"]));
    assert_eq!((&found["cases"], upstream.calls().len()), (&json!(5), 5));
    assert!(near(&found["policies"][0]["quality"], 0.8), "{found}");
    // The same choice everywhere cannot be dealt out differently.
    let control = &found["shuffled"];
    assert!(near(&control["p5"], 0.8) && near(&control["p95"], 0.8) && control["is_beaten"] == false, "{control}");
}

#[test]
fn mistakes_in_the_data_are_told_with_their_line_before_anybody_is_asked() {
    let upstream = FakeUpstream::openai();
    let setup = setup(&upstream, "small");
    let fine = case("a", "x", &json!({ "small": 1, "strong": 1 }));
    for (wrong, expected) in [
        (case("b", "x", &json!({ "small": 1, "strong": 1, "huge": 1 })), ":2: scores: the router has no `huge`"),
        (case("b", "x", &json!({ "small": 1 })), ":2: scores: candidate `strong` has none"),
        (case("b", "x", &json!({ "small": 1, "strong": 1.5 })), ":2: scores: `strong` has 1.5"),
        ("{\"prompt\"\n".to_owned(), ":2: EOF while parsing"),
    ] {
        let setup = setup.file_ref("data.jsonl", &format!("{fine}{wrong}"));
        let said = complaint(&eval(setup, &[]));
        assert!(said.contains(&format!("data.jsonl{expected}")), "{said}");
    }
    assert!(complaint(&eval(setup.file_ref("data.jsonl", "\n"), &[])).contains("there is no case"));
    assert!(complaint(&setup.call(&["router", "eval", "small", "--data", "data.jsonl"])).contains("is no router"));
    assert!(complaint(&setup.call(&["router", "eval", "smart", "--data", "none.jsonl"])).contains("none.jsonl"));
    assert!(upstream.calls().is_empty());
}

#[test]
fn the_set_that_comes_with_the_program_loads_and_runs() {
    let upstream = FakeUpstream::openai().answer(Answer::text("strong"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/router-eval");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("it comes with the program");
    // The router as it stands there, with the fake behind its names.
    let example = read("relay.yaml");
    let routers = &example[example.find("routers:").expect("it has a router")..];
    let routers = routers.replace("openai/gpt-4o-mini", "openai/judge");
    let provider = upstream.provider_yaml().replace(" }\n", ", models: [judge, little, large, eyes] }\n");
    let aliases = "aliases: { small: openai/little, strong: openai/large, sight: openai/eyes }\n";
    let prices = "
providers:
  openai:
    models:
      judge: { price: { input: 1, output: 2 } }
      little: { price: { input: 1, output: 1 }, context_length: 131072, capabilities: { vision: false } }
      large: { price: { input: 10, output: 10 }, context_length: 1000000, capabilities: { vision: false } }
      eyes: { price: { input: 5, output: 5 }, context_length: 1000000, capabilities: { vision: true } }
";
    let setup = TestRelay::setup()
        .relay_yaml(&format!("providers:\n{provider}{aliases}{routers}"))
        .overrides_yaml(prices)
        .file("data.jsonl", &read("prompts.jsonl"));
    let found = parsed(&eval(&setup, &["--format", "json", "--parallel", "4"]));
    assert_eq!((&found["cases"], &found["unscored"]), (&json!(69), &json!([])));
    let categories: Vec<&str> =
        found["categories"].as_array().into_iter().flatten().filter_map(|row| row["category"].as_str()).collect();
    let expected = ["coding", "everyday", "image", "injection", "long-context", "maths", "multi-turn"];
    assert_eq!(categories, expected);
    // Pictures have one candidate; two texts are too long for `small` and still leave two.
    assert_eq!(found["causes"], json!({ "designator": 61, "single": 8 }));
    let strong = &found["policies"][0]["shares"][1];
    assert_eq!((&strong["name"], &strong["cases"]), (&json!("strong"), &json!(61)));
    assert_eq!(found["policies"][2]["always"], "strong");
}

#[test]
fn a_prompt_shows_what_the_router_chooses_and_why() {
    let upstream = FakeUpstream::openai();
    let setup = setup(&upstream, "small");
    upstream.then(says(&["strong"]));
    let shown = text(&setup.call(&["resolve", "smart", "--prompt", "Prove it."]));
    for expected in [
        "1. router    smart -> strong",
        "2. alias     strong -> openai/large",
        "candidates   small   can be chosen",
        "             strong  can be chosen",
        "designator   openai/judge said strong (",
        "1000 tokens in, 5 out, 0.00101 USD)",
        "cause        designator: the designator chose",
        "choice       strong (openai/large)",
        "asking cost 0.00101 USD",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let report = parsed(&setup.call(&["report", "--by", "tag", "--format", "json"]));
    assert_eq!((&report["total"]["requests"], &report["total"]["cost_nano_usd"]), (&json!(0), &json!(1_010_000)));
}

#[test]
fn a_whole_request_is_read_from_a_file_or_from_standard_input() {
    let upstream = FakeUpstream::openai();
    let image = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } });
    let body = json!({ "model": "x", "messages": [{ "role": "user", "content": [image] }] }).to_string();
    let setup = setup(&upstream, "small").file("request.json", &body);
    let from_file = setup.call(&["resolve", "smart", "--request", "request.json", "--format", "json"]);
    let from_input = setup.call_with(&["resolve", "smart", "--request", "-", "--format", "json"], &body);
    for output in [from_file, from_input] {
        let decision = parsed(&output);
        assert_eq!((&decision["cause"], &decision["choice"]), (&json!("single"), &json!("strong")), "{decision}");
        assert_eq!(decision["candidates"][0]["gate"], "images");
    }
    assert!(upstream.calls().is_empty());
    let broken = setup.call_with(&["resolve", "smart", "--request", "-"], "{");
    assert!(complaint(&broken).contains("not the body of an OpenAI chat"));
}

#[test]
fn a_designator_that_fails_is_shown_with_its_error() {
    let upstream = FakeUpstream::openai().answer(Answer::status(
        401,
        "application/json",
        r#"{"error":{"message":"no such key"}}"#,
    ));
    let setup = setup(&upstream, "small");
    let shown = text(&setup.call(&["resolve", "smart", "--prompt", "hi"]));
    assert!(shown.contains("could not be asked") && shown.contains("no such key"), "{shown}");
    assert!(shown.contains("cause        fallback-error: "), "{shown}");
    assert!(shown.contains("choice       small (openai/little)"), "{shown}");
}

#[test]
fn nothing_is_asked_without_a_prompt_or_without_a_router() {
    let upstream = FakeUpstream::openai();
    let setup = setup(&upstream, "small");
    let shown = text(&setup.call(&["resolve", "smart"]));
    assert!(shown.contains("designator   openai/judge") && shown.contains("candidates   small - short"), "{shown}");
    assert!(shown.contains("so the fallback stands above; try --prompt"), "{shown}");
    let shown = text(&setup.call(&["resolve", "small", "--prompt", "hi"]));
    assert!(shown.contains("model        openai/little") && !shown.contains("designator"), "{shown}");
    let way = parsed(&setup.call(&["resolve", "small", "--prompt", "hi", "--format", "json"]));
    assert_eq!((&way["model"], &way["resolved_by"]), (&json!("openai/little"), &json!("alias:small")));
    assert_eq!(setup.call(&["resolve", "nobody", "--prompt", "hi"]).status.code(), Some(1));
    assert!(upstream.calls().is_empty());
}

#[test]
fn what_nobody_can_answer_is_an_error_and_counts_with_nothing() {
    let upstream = FakeUpstream::openai();
    let setup = setup(&upstream, "small");
    let long = "word ".repeat(20_000);
    let output = setup.call(&["resolve", "smart", "--prompt", &long]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.starts_with("no model of router `smart` can answer this: `small` has a context of 4000"), "{shown}");

    let line = json!({ "id": "l", "prompt": "x", "padding_tokens": 20_000, "scores": { "small": 1, "strong": 1 } });
    upstream.then(says(&KNOWING));
    let found = parsed(&eval(&setup.file("data.jsonl", &format!("{}{line}\n", eight())), &["--format", "json"]));
    assert_eq!(
        (&found["cases"], &found["refused"], &found["causes"]["no-candidate"]),
        (&json!(9), &json!(1), &json!(1))
    );
    assert!(near(&found["policies"][0]["quality"], 6.0 / 9.0), "{found}");
}
