//! What is said of an entry, of its name, and of what a change of it does to others.

use super::*;
use crate::catalog::fixture::Fixture;
use crate::config::Definition;
use crate::entry_kind::EntryKind;

const OPENAI: &[(&str, &str)] = &[("OPENAI_API_KEY", "k")];

const ROUTER: &str = r#"{"designator":"gpt-4o-mini","candidates":["gpt-4o","gpt-5"],"fallback":"gpt-4o"}"#;

/// What is said of this entry, were it saved beside what the file and the database have.
fn judged(relay: &str, stored: &[(EntryKind, &str, &str)], kind: EntryKind, name: &str, json: &str) -> Vec<String> {
    let kept = stored.iter().filter(|(other, same, _)| *other != kind || !same.eq_ignore_ascii_case(name));
    let changed: Vec<_> = kept.copied().chain([(kind, name, json)]).collect();
    let before = Fixture { variables: OPENAI, relay, stored, ..Fixture::default() };
    let after = Fixture { variables: OPENAI, relay, stored: &changed, ..Fixture::default() };
    let definition = Definition::read(kind, json.as_bytes()).unwrap();
    let found = check_change(&before.build().0, &after.build().0, name, &definition, true);
    found.iter().map(ToString::to_string).collect()
}

/// What is said of a sound router under this name.
fn said_of(relay: &str, name: &str) -> Vec<String> {
    judged(relay, &[], EntryKind::Router, name, ROUTER)
}

#[test]
fn what_would_go_in_circles_or_hide_something_is_said_of_every_kind() {
    use EntryKind::{Alias, Redirect, Router};
    let house = "routers: {house: {designator: gpt-4o-mini, candidates: [later, gpt-5], fallback: gpt-5}}";
    for (relay, stored, kind, name, json, expected) in [
        ("aliases: {a: gpt-4o}", &[][..], Alias, "s", r#""a""#, &[][..]),
        ("aliases: {a: s}", &[], Alias, "s", r#""A""#, &["circle: s -> A -> s", "`a` would be wrong then: goes round"]),
        ("", &[(Alias, "s", r#""t""#)], Alias, "t", r#""s""#, &["circle: t -> s -> t", "alias `s` would be wrong"]),
        ("", &[(Redirect, "b", r#""a""#)], Redirect, "a", r#""b""#, &["8 hops: a -> b", "redirect `b` would be"]),
        ("redirects: {'x*': 'y*'}", &[], Redirect, "y*", r#""x*""#, &["more than 8 hops", "redirect `x*` would be"]),
        ("", &[(Router, "smart", ROUTER)], Alias, "SMART", r#""gpt-4o""#, &["`SMART` is a router too"]),
        (house, &[(Router, "smart", ROUTER)], Alias, "later", r#""smart""#, &["router `house` would be wrong then"]),
        ("", &[], Alias, "gpt-5", r#""gpt-4o""#, &["warning: comes before the model of this name"]),
        ("redirects: {'s*': gpt-4o}", &[], Alias, "s", r#""gpt-5""#, &["warning: is never reached"]),
        (
            "aliases: {sx: gpt-5}",
            &[(Router, "sy", ROUTER)],
            Redirect,
            "s*",
            r#""gpt-5""#,
            &["warning: hides `sy`, `sx`"],
        ),
        ("", &[], Redirect, "gpt-5", r#""gpt-4o@team""#, &["warning: hides `gpt-5`"]),
        ("", &[], Redirect, "old:latest", r#""gtp-4o""#, &["`gtp-4o` is not a model"]),
        ("", &[], Redirect, "a*b", r#""gpt-4o""#, &["stands at the end only"]),
        ("", &[], Alias, "s", r#"" ""#, &["target is missing"]),
        ("", &[], Alias, "s", r#""no/x""#, &["there is no provider `no`"]),
        ("", &[], Alias, "a@b", r#""gpt-4o""#, &["holds no `@`"]),
    ] {
        let said = judged(relay, stored, kind, name, json);
        assert_eq!(said.len(), expected.len(), "{name} {json}: {said:?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.contains(expected) && said.contains(&format!("{}.{name}", kind.section())), "{said}");
        }
    }
}

#[test]
fn stored_entries_never_keep_the_relay_from_starting_but_names_in_both_places_do() {
    use EntryKind::{Alias, Redirect, Router};
    let house = "routers: {house: {designator: gpt-4o-mini, candidates: [x, gpt-5], fallback: gpt-5}}";
    for (relay, stored) in [
        ("aliases: {a: b}", &[(Alias, "b", r#""a""#)][..]),
        ("", &[(Alias, "a", r#""a""#), (Alias, "b", r#""no/x""#)]),
        ("redirects: {a: b}", &[(Redirect, "b", r#""a""#), (Redirect, "c", r#""d*""#)]),
        (house, &[(Alias, "x", r#""smart""#), (Router, "smart", ROUTER)]),
        (house, &[(Alias, "x", r#""no/x""#)]),
        ("", &[(Alias, "smart", r#""gpt-5""#), (Router, "smart", ROUTER)]),
    ] {
        let (_, problems) = Fixture { variables: OPENAI, relay, stored, ..Fixture::default() }.build();
        assert!(!problems.is_empty() && !problems.iter().any(Problem::is_error), "{relay}: {problems:?}");
    }
    for (relay, stored, expected) in [
        ("aliases: {A: gpt-5}", (Alias, "a", r#""gpt-4o""#), "aliases.A: the alias `a` is in the database too"),
        ("redirects: {'a*': gpt-5}", (Redirect, "A*", r#""gpt-4o""#), "redirects.A*: the redirect `A*` is in"),
        ("aliases: {smart: gpt-5}", (Router, "smart", ROUTER), "aliases.smart: the router `smart` is in"),
        (house, (Alias, "house", r#""gpt-4o""#), "routers.house: the alias `house` is in"),
    ] {
        let stored = &[stored];
        let (_, problems) = Fixture { variables: OPENAI, relay, stored, ..Fixture::default() }.build();
        let found = problems
            .iter()
            .any(|problem| problem.is_error() && problem.to_string().to_lowercase().contains(&expected.to_lowercase()));
        assert!(found, "{expected}: {problems:?}");
    }
}

#[test]
fn names_that_could_not_be_asked_for_or_mean_something_else_are_refused() {
    let long = "x".repeat(129);
    for (name, complaint) in [
        ("", "is empty"),
        (" smart", "space"),
        (long.as_str(), "128 characters"),
        ("a\u{7}b", "control"),
        ("smart@home", "tags"),
        ("Smart:Latest", ":latest"),
        ("openai/gpt-4o", "a model of the provider `openai`"),
        ("OpenAI/brand-new", "a model of the provider `openai`"),
        ("openai-gpt-4o", "a model of the provider `openai`"),
        ("FAST", "`FAST` is an alias too"),
    ] {
        let said = said_of("aliases: {fast: openai/gpt-4o}", name);
        assert!(said.len() == 1 && said[0].contains(complaint), "{name}: {said:?}");
    }
    for name in ["smart", "team/smart", "größe 2", "smart:v2", &"x".repeat(128)] {
        assert_eq!(said_of("", name), [""; 0], "{name}");
    }
}

#[test]
fn no_router_may_come_to_lead_to_another() {
    let relay = "aliases: {later: best}
routers: {old: {designator: gpt-4o-mini, candidates: [later, gpt-5], fallback: gpt-5}}";
    let said = said_of(relay, "Best");
    assert!(
        said.len() == 1 && said[0].contains("the router `old` would be wrong then: candidate: `later` leads"),
        "{said:?}"
    );
}

#[test]
fn a_provider_or_a_model_may_be_switched_off_but_may_not_take_a_name_away() {
    use EntryKind::{Model, Provider};
    let lab = r#"{"protocol":"openai","base_url":"http://gpu-box/v1","models":["m"]}"#;
    let off = r#"{"protocol":"openai","base_url":"http://gpu-box/v1","models":["m"],"enabled":false}"#;
    let relay = "aliases: {a: lab/m, b: gpt-4o, den/fast: gpt-4o}
routers: {house: {designator: lab/m, candidates: [lab/m, gpt-4o], fallback: gpt-4o}}";
    for (kind, name, json, expected) in [
        (
            Provider,
            "lab",
            off,
            &[
                "warning: the alias `a` would be wrong then: `lab` is switched off",
                "warning: the router `house` would be wrong then: designator: `lab` is switched off",
                "warning: the router `house` would be wrong then: candidate: `lab` is switched off",
            ][..],
        ),
        (
            Provider,
            "den",
            lab,
            &[
                "providers.den: the alias `den/fast` would be wrong then: `den/fast` means a model of the provider `den`",
            ],
        ),
        // Of its own users the model's entry tells itself; a router without a designator is nothing.
        (
            Model,
            "lab/m",
            r#"{"disabled":true}"#,
            &[
                "warning: alias `a`, router `house` will be refused where it leads here",
                "warning: the router `house` would be wrong then: designator: model `lab/m` is switched off",
            ],
        ),
    ] {
        let said = judged(relay, &[(Provider, "lab", lab)], kind, name, json);
        assert_eq!(said.len(), expected.len(), "{name} {json}: {said:#?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.contains(expected), "{said}");
        }
    }
}

#[test]
fn what_a_redirect_hides_is_said() {
    let said = said_of("redirects: {'sm*': gpt-4o}", "smart");
    assert!(said.len() == 1 && said[0].contains("warning: is never reached"), "{said:?}");
}

#[test]
fn a_model_nobody_knows_is_an_error_once_the_lists_are_in() {
    let catalog = Fixture { variables: OPENAI, ..Fixture::default() }.catalog();
    let json = r#"{"designator":"gpt-4o","candidates":["gpt-4o","gtp-5"],"fallback":"gpt-4o"}"#;
    let entry = Definition::read(EntryKind::Router, json.as_bytes()).unwrap();
    for lists_are_in in [false, true] {
        let found = check_entry(&catalog, "smart", (&entry).into(), lists_are_in);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains("`gtp-5` is not a model") && found[0].is_error() == lists_are_in);
    }
}

#[test]
fn what_leads_to_a_name_is_named() {
    let relay = "default_model: smart
aliases: {a: SMART, b: a}
redirects: {old: smart@team, other: gpt-4o}
routers: {smart: {designator: gpt-4o-mini, candidates: [gpt-4o, gpt-5], fallback: gpt-5}}";
    let catalog = Fixture { variables: OPENAI, relay, ..Fixture::default() }.catalog();
    assert_eq!(leading_to(&catalog, EntryKind::Router, "Smart"), ["alias `a`", "redirect `old`", "`default_model`"]);
    assert_eq!(leading_to(&catalog, EntryKind::Alias, "other"), [""; 0]);
}
