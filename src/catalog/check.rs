//! What is wrong with the names of a configuration: loops, names used twice, targets that lead nowhere.

use std::collections::HashSet;

use super::{Catalog, ProviderState};
use crate::config::{Problem, RelayFile};

/// A redirect may be followed by another one this often.
pub const MAX_REDIRECTS: usize = 8;

/// Looks at every alias, redirect, router and the default.
pub(super) fn names(catalog: &Catalog, relay: &RelayFile, problems: &mut Vec<Problem>) {
    for alias in catalog.aliases.iter() {
        let place = relay.place("aliases", &alias.name);
        problems.extend(hidden(catalog, &place, &alias.name));
        if catalog.routers.get(&alias.name).is_some() {
            problems.push(Problem::error(&place, format!("`{}` is a router too", alias.name)));
        }
        match circle(catalog, &alias.name) {
            Some(hops) => {
                problems.push(Problem::error(place, format!("goes round in a circle: {}", hops.join(" -> "))));
            }
            None => problems.extend(target(catalog, &place, &alias.entry.target)),
        }
    }
    for router in catalog.routers.iter() {
        let place = relay.place("routers", &router.name);
        problems.extend(hidden(catalog, &place, &router.name));
        let entry = &router.entry;
        let candidates = entry.candidates.iter().map(|candidate| ("candidate", &candidate.model));
        let parts = [("designator", &entry.designator), ("fallback", &entry.fallback)].into_iter().chain(candidates);
        for (part, name) in parts {
            match target(catalog, &place, name) {
                Some(problem) => problems.push(Problem { message: format!("{part}: {}", problem.message), ..problem }),
                None if ends_in_router(catalog, name) => {
                    problems.push(Problem::error(&place, format!("{part}: `{name}` is a router itself")));
                }
                None => {}
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

/// Redirects come first, so a name that is redirected is never looked up itself.
fn hidden(catalog: &Catalog, place: &str, name: &str) -> Option<Problem> {
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

fn ends_in_router(catalog: &Catalog, name: &str) -> bool {
    let mut name = name;
    for _ in 0..=catalog.aliases.iter().count() {
        if catalog.routers.get(name).is_some() {
            return true;
        }
        match catalog.aliases.get(name) {
            Some(alias) => name = &alias.entry.target,
            None => return false,
        }
    }
    false
}

/// What is wrong with a name that something points at.
fn target(catalog: &Catalog, place: &str, name: &str) -> Option<Problem> {
    if catalog.routers.get(name).is_some() || catalog.aliases.get(name).is_some() {
        return None;
    }
    if let Some(model) = catalog.find(name).map(|(model, _)| model).or_else(|| catalog.pass_through(name)) {
        return match &model.provider.state {
            ProviderState::NoKey(setting) => {
                Some(Problem::warning(place, format!("`{}` is not configured: set {setting}", model.provider.id)))
            }
            ProviderState::Disabled => {
                Some(Problem::warning(place, format!("`{}` is switched off", model.provider.id)))
            }
            ProviderState::Ready if !model.enabled => {
                Some(Problem::warning(place, format!("model `{}` is switched off", model.name())))
            }
            ProviderState::Ready => None,
        };
    }
    match name.split_once('/') {
        Some((provider, _)) if catalog.provider(provider).is_none() => {
            Some(Problem::error(place, format!("`{name}`: there is no provider `{provider}`")))
        }
        Some(_) | None => {
            Some(Problem::warning(place, format!("`{name}` is not a model any provider is known to have")))
        }
    }
}
