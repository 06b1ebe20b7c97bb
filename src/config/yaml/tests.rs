//! What the YAML layer adds to the parser.

use proptest::prelude::*;

use serde::Deserialize;

use super::*;
use crate::config::Entries;
use crate::config::values::{secret, usd_by_size, usd_per_million};
use crate::money::PicoUsd;
use crate::secret::Secret;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sample {
    names: Entries<String>,
    #[serde(deserialize_with = "usd_per_million::deserialize")]
    price: Option<PicoUsd>,
    #[serde(deserialize_with = "usd_by_size::deserialize")]
    fees: Option<[PicoUsd; 3]>,
    #[serde(deserialize_with = "secret")]
    key: Option<Secret>,
    list: Vec<String>,
}

fn sample(text: &str) -> Result<Sample, Problem> {
    parse("x.yaml", text)
}

#[test]
fn an_empty_document_is_the_default() {
    for text in ["", "# only a comment\n", "---\n", "null"] {
        assert!(sample(text).unwrap().price.is_none(), "{text:?}");
    }
}

#[test]
fn prices_keep_the_digits_that_were_written() {
    for (text, pico) in
        [("0.075", 75_000), ("0.0375", 37_500), ("3", 3_000_000), ("1e-2", 10_000), ("\"0.1\"", 100_000), ("0", 0)]
    {
        assert_eq!(sample(&format!("price: {text}")).unwrap().price, Some(PicoUsd(pico)), "{text}");
    }
    let fees = sample("fees: [0.005, 0.008, 0.012]").unwrap().fees;
    assert_eq!(fees, Some([5_000_000_000, 8_000_000_000, 12_000_000_000].map(PicoUsd)));
}

#[test]
fn prices_that_cannot_be_meant_are_refused() {
    for text in ["-1", "1000.5", "0.0000001", ".nan", ".inf", "true", "[1]", "cheap"] {
        let problem = sample(&format!("price: {text}")).unwrap_err();
        assert!(problem.place.starts_with("x.yaml:1:"), "{text}: {problem}");
    }
}

#[test]
fn a_name_that_comes_twice_is_refused_where_it_stands() {
    let problem = sample("names:\n  fast: a\n  Fast: b\n").unwrap_err();
    assert_eq!(problem.to_string(), "x.yaml:3:3 names: `Fast` and `fast` are the same name");
    assert!(sample("names: {a: x, a: y}").unwrap_err().message.contains("twice"));
}

#[test]
fn an_unknown_key_is_refused_where_it_stands() {
    let problem = sample("price: 1\nprize: 2\n").unwrap_err();
    assert!(problem.place.starts_with("x.yaml:2:1"), "{problem}");
    assert!(problem.message.contains("unknown field `prize`"), "{problem}");
}

#[test]
fn what_stands_in_a_wrong_place_is_not_repeated() {
    let problem = sample("names: sk-secret").unwrap_err();
    assert!(!problem.to_string().contains("secret"), "{problem}");
}

#[test]
fn variables_are_expanded_inside_values() {
    let variables: Variables = [("KEY", "a: \"b\"")].into_iter().collect();
    let text = "key: \"${KEY}\"\nlist: [\"${NONE:-x}/y\"]\nprice: 0.075";
    let sample: Sample = parse_expanded("x.yaml", text, &variables).unwrap();
    assert_eq!(sample.key, Some(Secret::new("a: \"b\"")));
    assert_eq!(sample.list, ["x/y"]);
    assert_eq!(sample.price, Some(PicoUsd(75_000)));
}

#[test]
fn every_missing_variable_is_named_with_its_place() {
    let text = "names: {a: \"${ONE}\"}\nlist: [x, \"${TWO}\"]";
    let problems = parse_expanded::<Sample>("x.yaml", text, &Variables::default()).unwrap_err();
    let places: Vec<_> = problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(places, ["x.yaml names.a", "x.yaml list[1]"]);
}

proptest! {
    #[test]
    fn any_price_we_accept_is_exact(pico in 0_i64..=1_000_000_000) {
        let text = format!("price: {}.{:06}", pico / 1_000_000, pico % 1_000_000);
        prop_assert_eq!(sample(&text).unwrap().price, Some(PicoUsd(pico)));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z0-9:{}\\[\\]\"'$ \n&*|>#-]{0,60}") {
        let _ = parse_expanded::<Sample>("x.yaml", &text, &Variables::default());
    }
}
