//! What is wrong with the names of a configuration: loops, names used twice, targets that lead nowhere.

use std::collections::HashSet;

use super::{Catalog, Origin, ProviderState};
use crate::config::{Problem, RelayFile, RouterEntry, Severity};

/// A redirect may be followed by another one this often.
pub const MAX_REDIRECTS: usize = 8;

/// Looks at every alias, redirect, router and the default.
pub(super) fn names(catalog: &Catalog, relay: &RelayFile, problems: &mut Vec<Problem>) {
    for alias in catalog.aliases.iter() {
        let place = relay.place("aliases", &alias.name);
        problems.extend(hidden(catalog, &place, &alias.name));
        match circle(catalog, &alias.name) {
            Some(hops) => {
                let message = format!("goes round in a circle: {}", hops.join(" -> "));
                problems.push(Problem { severity: severity_of_circle(catalog, &hops), place, message });
            }
            None => problems.extend(target(catalog, &place, &alias.entry.target)),
        }
    }
    for named in catalog.routers.iter() {
        match named.origin {
            Origin::File => {
                let place = relay.place("routers", &named.name);
                problems.extend(hidden(catalog, &place, &named.name));
                problems.extend(router(catalog, &place, &named.name, &named.entry, false));
            }
            // It was sound when it was saved. Now a key may be missing, which stops this router but not the relay.
            Origin::Database => {
                let place = format!("database routers.{}", named.name);
                let shape = named.entry.problems().into_iter().map(|message| Problem::warning(&place, message));
                problems.extend(shape);
                let found = router(catalog, &place, &named.name, &named.entry, false);
                problems.extend(found.into_iter().map(|problem| Problem { severity: Severity::Warning, ..problem }));
            }
        }
    }
    for redirect in catalog.redirects.iter() {
        let place = relay.place("redirects", &redirect.name);
        problems.extend(redirect_problem(catalog, &place, &redirect.name, &redirect.entry.target));
    }
    if let Some(name) = catalog.default_model() {
        problems.extend(target(catalog, &relay.place("default_model", ""), name));
    }
}

/// What is wrong with a router of this name, were it in the catalog.
///
/// Looked at is what its names lead to, and whether its designator can be asked. `lists_are_in`: providers have said which
/// models they have, so a name nobody knows is an error.
pub(super) fn router(
    catalog: &Catalog,
    place: &str,
    name: &str,
    entry: &RouterEntry,
    lists_are_in: bool,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if catalog.aliases.get(name).is_some() {
        problems.push(Problem::error(place, format!("`{name}` is an alias too: one of the two needs another name")));
    }
    let candidates = entry.candidates.iter().map(|candidate| ("candidate", candidate.model.as_str()));
    let optional = [("second_designator", &entry.second_designator), ("side_call_model", &entry.side_call_model)];
    let optional = optional.into_iter().filter_map(|(part, model)| Some((part, model.as_deref()?)));
    let parts = [("designator", entry.designator.as_str()), ("fallback", &entry.fallback)];
    let parts = parts.into_iter().chain(optional).chain(candidates);
    // That a name is missing is said by the check of the shape.
    for (part, model) in parts.filter(|(_, model)| !model.trim().is_empty()) {
        if model.eq_ignore_ascii_case(name) || ends_in_router(catalog, model, name) {
            let message = format!("{part}: `{model}` leads to a router; name a model, or an alias of one");
            problems.push(Problem::error(place, message));
            continue;
        }
        let Some((lack, message)) = lack(catalog, end_of_aliases(catalog, model)) else { continue };
        let severity = match lack {
            Lack::Provider => Severity::Error,
            // At the start the providers have not been asked for their models yet.
            Lack::Model if lists_are_in => Severity::Error,
            // A candidate that cannot be called is not chosen; without its designator a router is nothing.
            Lack::Readiness if part == "designator" => Severity::Error,
            Lack::Model | Lack::Readiness => Severity::Warning,
        };
        problems.push(Problem { severity, place: place.to_owned(), message: format!("{part}: {message}") });
    }
    problems
}

/// Redirects come first, so a name that is redirected is never looked up itself.
pub(super) fn hidden(catalog: &Catalog, place: &str, name: &str) -> Option<Problem> {
    let (target, redirect) = catalog.redirects.find(name)?;
    let message = format!("is never reached: the redirect `{}` makes it `{target}`", redirect.name);
    Some(Problem::warning(place, message))
}

fn redirect_problem(catalog: &Catalog, place: &str, from: &str, to: &str) -> Option<Problem> {
    let star_inside = |text: &str| text.strip_suffix('*').unwrap_or(text).contains('*');
    if star_inside(from) || star_inside(to) {
        return Some(Problem::error(place, "a `*` stands at the end only"));
    }
    if to.ends_with('*') && !from.ends_with('*') {
        return Some(Problem::error(place, "the target ends in `*`, so the name it replaces must too"));
    }
    let mut hops = vec![from.to_owned()];
    let mut name = if to.ends_with('*') { to.trim_end_matches('*').to_owned() } else { to.to_owned() };
    hops.push(to.to_owned());
    while let Some((next, _)) = catalog.redirects.find(&name) {
        hops.push(next.clone());
        name = next;
        if hops.len() > MAX_REDIRECTS + 1 {
            return Some(Problem::error(place, format!("more than {MAX_REDIRECTS} hops: {}", hops.join(" -> "))));
        }
    }
    // What the `*` will carry over is not known yet, nor is then the target.
    if to.ends_with('*') { None } else { target(catalog, place, &name) }
}

/// The names an alias visits until it comes to one again.
fn circle(catalog: &Catalog, start: &str) -> Option<Vec<String>> {
    let mut hops = vec![start.to_owned()];
    let mut seen = HashSet::from([start.to_ascii_lowercase()]);
    let mut name = start;
    loop {
        name = match (catalog.routers.get(name), catalog.aliases.get(name)) {
            (Some(router), _) => &router.entry.fallback,
            (None, Some(alias)) => &alias.entry.target,
            (None, None) => return None,
        };
        hops.push(name.to_owned());
        if !seen.insert(name.to_ascii_lowercase()) {
            return Some(hops);
        }
    }
}

/// A circle that goes through a router of the database leaves that router without a fallback, but stops nothing else.
fn severity_of_circle(catalog: &Catalog, hops: &[String]) -> Severity {
    let mut routers = hops.iter().filter_map(|hop| catalog.routers.get(hop));
    if routers.any(|router| router.origin == Origin::Database) { Severity::Warning } else { Severity::Error }
}

/// Whether aliases lead from the name to a router, or to the one called `own`.
fn ends_in_router(catalog: &Catalog, name: &str, own: &str) -> bool {
    let mut name = name;
    for _ in 0..=catalog.aliases.iter().count() {
        if catalog.routers.get(name).is_some() || name.eq_ignore_ascii_case(own) {
            return true;
        }
        match catalog.aliases.get(name) {
            Some(alias) => name = &alias.entry.target,
            None => return false,
        }
    }
    false
}

/// The name at the end of a chain of aliases.
pub(super) fn end_of_aliases<'a>(catalog: &'a Catalog, name: &'a str) -> &'a str {
    let mut name = name;
    for _ in 0..=catalog.aliases.iter().count() {
        match catalog.aliases.get(name) {
            Some(alias) => name = &alias.entry.target,
            None => break,
        }
    }
    name
}

/// What is wrong with a name that something points at.
fn target(catalog: &Catalog, place: &str, name: &str) -> Option<Problem> {
    if catalog.routers.get(name).is_some() || catalog.aliases.get(name).is_some() {
        return None;
    }
    let (lack, message) = lack(catalog, name)?;
    Some(match lack {
        Lack::Provider => Problem::error(place, message),
        Lack::Model | Lack::Readiness => Problem::warning(place, message),
    })
}

/// What is missing behind the name of a model.
enum Lack {
    /// There is no such provider.
    Provider,
    /// No provider is known to have such a model.
    Model,
    /// It lacks a key, or is switched off.
    Readiness,
}

/// What is missing behind the name of a model, and in words what to do.
fn lack(catalog: &Catalog, name: &str) -> Option<(Lack, String)> {
    if let Some(model) = catalog.find(name).map(|(model, _)| model).or_else(|| catalog.pass_through(name)) {
        return match &model.provider.state {
            ProviderState::NoKey(setting) => {
                Some((Lack::Readiness, format!("`{}` is not configured: set {setting}", model.provider.id)))
            }
            ProviderState::Disabled => Some((Lack::Readiness, format!("`{}` is switched off", model.provider.id))),
            ProviderState::Ready if !model.enabled => {
                Some((Lack::Readiness, format!("model `{}` is switched off", model.name())))
            }
            ProviderState::Ready => None,
        };
    }
    match name.split_once('/') {
        Some((provider, _)) if catalog.provider(provider).is_none() => Some((
            Lack::Provider,
            format!("`{name}`: there is no provider `{provider}`; add it to `providers` in relay.yaml"),
        )),
        Some(_) | None => Some((
            Lack::Model,
            format!("`{name}` is not a model any provider is known to have; `llm-relay models` lists them"),
        )),
    }
}
