//! What has to hold before an entry is saved, and what stands in the way of taking one out.

use super::check::{self, Moment, hidden};
use super::{Catalog, Entry, FoundBy, provider_check, said_of_model};
use crate::config::{Definition, Problem, Setting, Severity};
use crate::entry_kind::EntryKind;

/// Characters of a name at most.
const MAX_NAME: usize = 128;
/// So many hidden names are told.
const TOLD: usize = 3;

/// What is wrong with an entry of the catalog.
///
/// Looked at is the name, the shape, what it leads to, whether a designator can be asked, and which names it hides.
/// `lists_are_in`: providers have said which models they have, so a name nobody knows is an error.
pub fn check_entry(catalog: &Catalog, name: &str, entry: Entry<'_>, lists_are_in: bool) -> Vec<Problem> {
    let place = format!("{}.{name}", entry.kind().section());
    let moment = Moment::Edit { lists_are_in };
    let error = |message: String| Problem::error(&place, message);
    if let Entry::Setting(setting) = entry {
        let mut problems: Vec<Problem> = setting.problems().into_iter().map(error).collect();
        if let (Setting::DefaultModel(Some(target)), true) = (setting, problems.is_empty()) {
            problems.extend(check::target(catalog, &place, target, moment));
        }
        return problems;
    }
    if let Entry::Model(model) = entry {
        return said_of_model::check(catalog, &place, name, model, lists_are_in);
    }
    let wrong_name = wrong_name(catalog, entry.kind(), name).map(|message| error(message).of("name"));
    let mut problems: Vec<Problem> = wrong_name.into_iter().collect();
    match entry {
        Entry::Alias(alias) => {
            if catalog.routers.get(name).is_some() {
                let message = format!("`{name}` is a router too: one of the two needs another name");
                problems.push(error(message).of("name"));
            }
            if alias.target.trim().is_empty() {
                problems.push(error("target is missing".to_owned()).of("target"));
            } else {
                problems.extend(check::alias(catalog, &place, name, alias, moment));
            }
        }
        Entry::Redirect(redirect) => {
            if redirect.target.trim().is_empty() {
                problems.push(error("target is missing".to_owned()).of("target"));
            } else {
                problems.extend(check::redirect(catalog, &place, name, redirect, moment));
            }
            if redirect.target.trim().eq_ignore_ascii_case(name.trim()) {
                let message = "changes nothing: its target is the name itself";
                problems.push(Problem::warning(&place, message).of("target"));
            }
            problems.extend(hidden_by(catalog, name).map(|message| Problem::warning(&place, message).of("name")));
            return problems;
        }
        // Looked at above: its name is none that anybody could ask for.
        Entry::Setting(_) => {}
        Entry::Router(router) => {
            problems.extend(router.problems(&place));
            problems.extend(check::router(catalog, &place, name, router, moment));
        }
        Entry::Provider(provider) => return provider_check::check(name, provider),
        Entry::Model(_) => {}
    }
    problems.extend(hidden(catalog, &place, name));
    if let Some(model) = catalog.find_bare(name).next() {
        let message = format!("comes before the model of this name, which is still `{}`", model.name());
        problems.push(Problem::warning(&place, message).of("name"));
    }
    if let Some(provider) = catalog.provider(name) {
        let message = format!("is the id of a provider too, whose models keep their names: `{}/…`", provider.id);
        problems.push(Problem::warning(&place, message).of("name"));
    }
    problems
}

/// What would be wrong with an entry, and what it would make wrong elsewhere, were the catalog `before` to become `after`.
pub fn check_change(
    before: &Catalog,
    after: &Catalog,
    name: &str,
    definition: &Definition,
    lists_are_in: bool,
) -> Vec<Problem> {
    let mut problems = check_entry(after, name, definition.into(), lists_are_in);
    let place = format!("{}.{name}", definition.kind().section());
    if definition.kind() == EntryKind::Provider {
        problems.extend(consequences(before, after, lists_are_in).into_iter().map(|found| found.as_problem(&place)));
        return problems;
    }
    let errors = |catalog, name: &str, entry| {
        let found = check_entry(catalog, name, entry, lists_are_in).into_iter().filter(Problem::is_error);
        found.map(|problem| problem.message).collect::<Vec<_>>()
    };
    // A model is switched off for a reason: whoever leads there is told of, and does not stand in the way.
    let severity = if definition.kind() == EntryKind::Model { Severity::Warning } else { Severity::Error };
    // One of the same name has been told of above.
    let others = entries(after).filter(|(other, _)| !other.eq_ignore_ascii_case(name));
    for (other, entry) in others {
        let earlier = entries(before).find(|(same, old)| *same == other && old.kind() == entry.kind());
        let earlier = earlier.map_or_else(Vec::new, |(_, old)| errors(before, other, old));
        for message in errors(after, other, entry).into_iter().filter(|message| !earlier.contains(message)) {
            let message = format!("the {} `{other}` would be wrong then: {message}", entry.kind().word());
            problems.push(Problem { severity, place: place.clone(), field: None, message });
        }
    }
    problems
}

/// What another entry would suffer from the change of a provider.
struct Consequence {
    kind: EntryKind,
    name: String,
    /// It could no longer be called so: its name would mean a model of the provider. Anything else mends itself when the
    /// provider is put right, and must not keep an operator from switching it off.
    is_lasting: bool,
    message: String,
}

impl Consequence {
    fn as_problem(&self, place: &str) -> Problem {
        let message = format!("the {} `{}` would be wrong then: {}", self.kind.word(), self.name, self.message);
        let severity = if self.is_lasting { Severity::Error } else { Severity::Warning };
        Problem { severity, place: place.to_owned(), field: None, message }
    }
}

/// What is wrong `after` that was not `before`.
fn consequences(before: &Catalog, after: &Catalog, lists_are_in: bool) -> Vec<Consequence> {
    let moment = Moment::Edit { lists_are_in };
    let wrong = |catalog: &Catalog, name: &str, entry: Entry<'_>| {
        let found = match entry {
            Entry::Alias(alias) => check::alias(catalog, "", name, alias, moment).into_iter().collect(),
            Entry::Redirect(redirect) => check::redirect(catalog, "", name, redirect, moment).into_iter().collect(),
            Entry::Router(router) => check::router(catalog, "", name, router, moment),
            Entry::Provider(_) | Entry::Model(_) | Entry::Setting(_) => Vec::new(),
        };
        let messages = found.into_iter().map(|problem| (false, problem.message));
        messages.chain(wrong_name(catalog, entry.kind(), name).map(|message| (true, message))).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for (name, entry) in entries(after) {
        let earlier = wrong(before, name, entry);
        let new = wrong(after, name, entry).into_iter().filter(|problem| !earlier.contains(problem));
        found.extend(new.map(|(is_lasting, message)| {
            let (kind, name) = (entry.kind(), name.to_owned());
            Consequence { kind, name, is_lasting, message }
        }));
    }
    found
}

/// Whatever would lead nowhere without a provider, in the words of [`leading_to`]: `after` is the catalog without it.
pub fn leading_to_provider(before: &Catalog, after: &Catalog, lists_are_in: bool) -> Vec<String> {
    let mut leading: Vec<String> = Vec::new();
    for found in consequences(before, after, lists_are_in) {
        let words = format!("{} `{}`", found.kind.word(), found.name);
        if !leading.contains(&words) {
            leading.push(words);
        }
    }
    let is_lost = |name: &str| {
        let moment = Moment::Edit { lists_are_in };
        check::target(before, "", name, moment).is_none() && check::target(after, "", name, moment).is_some()
    };
    leading.extend(after.default_model().filter(|name| is_lost(name)).map(|_| "`default_model`".to_owned()));
    leading
}

fn entries(catalog: &Catalog) -> impl Iterator<Item = (&str, Entry<'_>)> {
    let aliases = catalog.aliases.iter().map(|named| (named.name.as_str(), Entry::Alias(&named.entry)));
    let redirects = catalog.redirects.iter().map(|named| (named.name.as_str(), Entry::Redirect(&named.entry)));
    let routers = catalog.routers.iter().map(|named| (named.name.as_str(), Entry::Router(&named.entry)));
    aliases.chain(redirects).chain(routers)
}

/// Names that are never looked up themselves because of a redirect.
fn hidden_by(catalog: &Catalog, redirect: &str) -> Option<String> {
    let names = catalog.routers.iter().map(|router| router.name.clone());
    let names = names.chain(catalog.aliases.iter().map(|alias| alias.name.clone()));
    let models = catalog.models().iter().filter(|model| model.is_callable());
    let names = names.chain(models.flat_map(|model| [model.name(), model.profile.id.clone()]));
    let is_hidden =
        |name: &String| catalog.redirects.find(name).is_some_and(|(_, by)| by.name.eq_ignore_ascii_case(redirect));
    let mut hidden: Vec<String> = Vec::new();
    for name in names.filter(is_hidden) {
        if !hidden.contains(&name) {
            hidden.push(name);
        }
    }
    let told: Vec<_> = hidden.iter().take(TOLD).map(|name| format!("`{name}`")).collect();
    match hidden.len().saturating_sub(TOLD) {
        _ if hidden.is_empty() => None,
        0 => Some(format!("hides {}", told.join(", "))),
        more => Some(format!("hides {} and {more} more", told.join(", "))),
    }
}

/// Why a new entry cannot be called so.
fn wrong_name(catalog: &Catalog, kind: EntryKind, name: &str) -> Option<String> {
    let is_redirect = kind == EntryKind::Redirect;
    let ends_in_latest = name.to_ascii_lowercase().ends_with(":latest");
    Some(match name {
        _ if name.trim().is_empty() => "a name is empty".to_owned(),
        _ if name.trim() != name => "a name neither begins nor ends with a space".to_owned(),
        _ if name.chars().count() > MAX_NAME => format!("a name has {MAX_NAME} characters at most"),
        _ if name.chars().any(char::is_control) => "a name holds no control characters".to_owned(),
        // It replaces whatever clients may write.
        _ if is_redirect || kind == EntryKind::Provider => return None,
        _ if name.contains('@') => "a name holds no `@`: what follows one are tags".to_owned(),
        _ if ends_in_latest => "a name does not end in `:latest`: Ollama's clients add that to any name".to_owned(),
        _ => {
            let known = catalog.find(name).filter(|(_, by)| *by == FoundBy::Prefix).map(|(model, _)| model);
            let model = known.or_else(|| catalog.pass_through(name))?;
            format!("`{name}` means a model of the provider `{}`: choose another name", model.provider.id)
        }
    })
}

/// Whatever names this one directly, in words: "alias `fast`", "router `smart`", "redirect `gpt-4*`", "`default_model`".
/// A redirect is only reached by other redirects.
pub fn leading_to(catalog: &Catalog, kind: EntryKind, name: &str) -> Vec<String> {
    if kind == EntryKind::Setting {
        return Vec::new();
    }
    let is_it = |target: &str| target.trim().eq_ignore_ascii_case(name);
    // A redirect starts over with its target, which may carry tags.
    let is_asked = |target: &str| is_it(target) || target.rsplit_once('@').is_some_and(|(stem, _)| is_it(stem));
    let default = catalog.default_model().filter(|default| kind != EntryKind::Redirect && is_it(default));
    let leads = |(other, entry): &(&str, Entry<'_>)| match entry {
        Entry::Alias(alias) => kind != EntryKind::Redirect && is_it(&alias.target),
        Entry::Router(router) => kind != EntryKind::Redirect && router.models().any(is_it),
        Entry::Setting(_) => false,
        Entry::Redirect(redirect) => !other.eq_ignore_ascii_case(name) && is_asked(&redirect.target),
        Entry::Provider(_) | Entry::Model(_) => false,
    };
    let named = entries(catalog).filter(leads).map(|(other, entry)| format!("{} `{other}`", entry.kind().word()));
    named.chain(default.map(|_| "`default_model`".to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::Fixture;

    const OPENAI: &[(&str, &str)] = &[("OPENAI_API_KEY", "k")];

    const ROUTER: &str = r#"{"designator":"gpt-4o-mini","candidates":["gpt-4o","gpt-5"],"fallback":"gpt-4o"}"#;

    /// What is said of this entry, were it saved beside what the file and the database have.
    fn judged(relay: &str, stored: &[(EntryKind, &str, &str)], kind: EntryKind, name: &str, json: &str) -> Vec<String> {
        let kept = stored.iter().filter(|(other, same, _)| *other != kind || !same.eq_ignore_ascii_case(name));
        let stored: Vec<_> = kept.copied().chain([(kind, name, json)]).collect();
        let after = Fixture { variables: OPENAI, relay, stored: &stored, ..Fixture::default() };
        let before = Fixture { variables: OPENAI, relay, stored: &stored[..stored.len() - 1], ..Fixture::default() };
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
            (
                "aliases: {a: s}",
                &[],
                Alias,
                "s",
                r#""A""#,
                &["circle: s -> A -> s", "`a` would be wrong then: goes round"],
            ),
            ("", &[(Alias, "s", r#""t""#)], Alias, "t", r#""s""#, &["circle: t -> s -> t", "alias `s` would be wrong"]),
            ("", &[(Redirect, "b", r#""a""#)], Redirect, "a", r#""b""#, &["8 hops: a -> b", "redirect `b` would be"]),
            (
                "redirects: {'x*': 'y*'}",
                &[],
                Redirect,
                "y*",
                r#""x*""#,
                &["more than 8 hops", "redirect `x*` would be"],
            ),
            ("", &[(Router, "smart", ROUTER)], Alias, "SMART", r#""gpt-4o""#, &["`SMART` is a router too"]),
            (
                house,
                &[(Router, "smart", ROUTER)],
                Alias,
                "later",
                r#""smart""#,
                &["router `house` would be wrong then"],
            ),
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
            let found = problems.iter().any(|problem| {
                problem.is_error() && problem.to_string().to_lowercase().contains(&expected.to_lowercase())
            });
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
        assert_eq!(
            leading_to(&catalog, EntryKind::Router, "Smart"),
            ["alias `a`", "redirect `old`", "`default_model`"]
        );
        assert_eq!(leading_to(&catalog, EntryKind::Alias, "other"), [""; 0]);
    }
}
