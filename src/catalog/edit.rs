//! What has to hold before an entry is saved, and what stands in the way of taking one out.

use super::check::{self, end_of_aliases, hidden};
use super::{Catalog, FoundBy};
use crate::config::{Problem, RouterEntry};

/// Characters of a name at most.
const MAX_NAME: usize = 128;

/// What would be wrong with a router of this name, were it saved.
///
/// Looked at is the name, the shape, what its names lead to, whether its designator can be asked, and who would lead to it.
/// `lists_are_in`: providers have said which models they have, so a name nobody knows is an error.
pub fn check_router(catalog: &Catalog, name: &str, entry: &RouterEntry, lists_are_in: bool) -> Vec<Problem> {
    let place = format!("routers.{name}");
    let error = |message: String| Problem::error(&place, message);
    let mut problems: Vec<Problem> = wrong_name(catalog, name).map(error).into_iter().collect();
    problems.extend(entry.problems().into_iter().map(error));
    problems.extend(check::router(catalog, &place, name, entry, lists_are_in));
    // A router leads to models, never to another router: not even to one that is made after it.
    problems.extend(routers_naming(catalog, name).map(|other| {
        error(format!(
            "the router `{other}` already means a model by `{name}`: choose another name, or change it there"
        ))
    }));
    problems.extend(hidden(catalog, &place, name));
    problems
}

/// Why a new router cannot be called so.
fn wrong_name(catalog: &Catalog, name: &str) -> Option<String> {
    let ends_in_latest = name.to_ascii_lowercase().ends_with(":latest");
    Some(match name {
        _ if name.trim().is_empty() => "a name is empty".to_owned(),
        _ if name.trim() != name => "a name neither begins nor ends with a space".to_owned(),
        _ if name.chars().count() > MAX_NAME => format!("a name has {MAX_NAME} characters at most"),
        _ if name.chars().any(char::is_control) => "a name holds no control characters".to_owned(),
        _ if name.contains('@') => "a name holds no `@`: what follows one are tags".to_owned(),
        _ if ends_in_latest => "a name does not end in `:latest`: Ollama's clients add that to any name".to_owned(),
        _ => {
            let known = catalog.find(name).filter(|(_, by)| *by == FoundBy::Prefix).map(|(model, _)| model);
            let model = known.or_else(|| catalog.pass_through(name))?;
            format!("`{name}` means a model of the provider `{}`: choose another name", model.provider.id)
        }
    })
}

/// Routers other than the one of this name that would reach it where they mean a model.
fn routers_naming<'a>(catalog: &'a Catalog, name: &'a str) -> impl Iterator<Item = &'a str> {
    let others = catalog.routers.iter().filter(|other| !other.name.eq_ignore_ascii_case(name));
    let names_it = |entry: &RouterEntry| {
        entry.models().any(|model| end_of_aliases(catalog, model.trim()).trim().eq_ignore_ascii_case(name))
    };
    others.filter(move |other| names_it(&other.entry)).map(|other| other.name.as_str())
}

/// Whatever names this one directly, in words: "alias `fast`", "redirect `gpt-4*`", "`default_model`".
pub fn leading_to(catalog: &Catalog, name: &str) -> Vec<String> {
    let is_it = |target: &str| target.trim().eq_ignore_ascii_case(name);
    let aliases = catalog.aliases.iter().filter(|alias| is_it(&alias.entry.target));
    let aliases = aliases.map(|alias| format!("alias `{}`", alias.name));
    // A redirect starts over with its target, which may carry tags.
    let is_asked = |target: &str| is_it(target) || target.rsplit_once('@').is_some_and(|(stem, _)| is_it(stem));
    let redirects = catalog.redirects.iter().filter(|redirect| is_asked(&redirect.entry.target));
    let redirects = redirects.map(|redirect| format!("redirect `{}`", redirect.name));
    let default = catalog.default_model().filter(|default| is_it(default)).map(|_| "`default_model`".to_owned());
    aliases.chain(redirects).chain(default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::Fixture;

    const OPENAI: &[(&str, &str)] = &[("OPENAI_API_KEY", "k")];

    fn router(json: &str) -> RouterEntry {
        serde_json::from_str(json).unwrap()
    }

    /// What is said of a sound router under this name.
    fn said_of(relay: &str, name: &str) -> Vec<String> {
        let catalog = Fixture { variables: OPENAI, relay, ..Fixture::default() }.catalog();
        let entry = router(r#"{"designator":"gpt-4o-mini","candidates":["gpt-4o","gpt-5"],"fallback":"gpt-4o"}"#);
        check_router(&catalog, name, &entry, true).iter().map(ToString::to_string).collect()
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
        assert!(said.len() == 1 && said[0].contains("the router `old` already means a model by `Best`"), "{said:?}");
        assert_eq!(said_of(relay, "old"), [""; 0], "it may be replaced");
    }

    #[test]
    fn what_a_redirect_hides_is_said() {
        let said = said_of("redirects: {'sm*': gpt-4o}", "smart");
        assert!(said.len() == 1 && said[0].contains("warning: is never reached"), "{said:?}");
    }

    #[test]
    fn a_model_nobody_knows_is_an_error_once_the_lists_are_in() {
        let catalog = Fixture { variables: OPENAI, ..Fixture::default() }.catalog();
        let entry = router(r#"{"designator":"gpt-4o","candidates":["gpt-4o","gtp-5"],"fallback":"gpt-4o"}"#);
        for lists_are_in in [false, true] {
            let found = check_router(&catalog, "smart", &entry, lists_are_in);
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
        assert_eq!(leading_to(&catalog, "Smart"), ["alias `a`", "redirect `old`", "`default_model`"]);
        assert_eq!(leading_to(&catalog, "other"), [""; 0]);
    }
}
