//! What is wrong with the names of a configuration: loops, names used twice, targets that lead nowhere.

use std::collections::HashSet;

use super::{Catalog, Origin, ProviderState};
use crate::config::{AliasEntry, Problem, RedirectEntry, RelayFile, RouterEntry, Severity};
use crate::entry_kind::EntryKind;

/// A redirect may be followed by another one this often.
pub const MAX_REDIRECTS: usize = 8;

/// When somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The relay starts or reads its files again. What entries of the database make of those of the file must not keep it
    /// from that, and providers have not been asked for their models yet.
    Start,
    /// Somebody saves or shows an entry.
    Edit {
        /// Providers have said which models they have, so a name nobody knows is an error.
        lists_are_in: bool,
    },
}

/// Looks at every alias, redirect, router and the default.
pub(super) fn names(catalog: &Catalog, relay: &RelayFile, problems: &mut Vec<Problem>) {
    let mut note = |kind: EntryKind, name: &str, origin, check: &dyn Fn(&str) -> Vec<Problem>| match origin {
        Origin::File => problems.extend(check(&relay.place(kind.section(), name))),
        // It was sound when it was saved. Now a key may be missing, which stops this entry but not the relay.
        Origin::Database => {
            let found = check(&format!("database {}.{name}", kind.section()));
            problems.extend(found.into_iter().map(|problem| Problem { severity: Severity::Warning, ..problem }));
        }
    };
    for named in catalog.aliases.iter() {
        let check = |place: &str| {
            let found = alias(catalog, place, &named.name, &named.entry, Moment::Start);
            hidden(catalog, place, &named.name).into_iter().chain(found).collect()
        };
        note(EntryKind::Alias, &named.name, named.origin, &check);
    }
    for named in catalog.routers.iter() {
        let check = |place: &str| {
            // The shape of the file's was looked at when the file was read.
            let shape = if named.origin == Origin::File { Vec::new() } else { named.entry.problems(place) };
            let found = router(catalog, place, &named.name, &named.entry, Moment::Start);
            hidden(catalog, place, &named.name).into_iter().chain(shape).chain(found).collect()
        };
        note(EntryKind::Router, &named.name, named.origin, &check);
    }
    for named in catalog.redirects.iter() {
        let check =
            |place: &str| redirect(catalog, place, &named.name, &named.entry, Moment::Start).into_iter().collect();
        note(EntryKind::Redirect, &named.name, named.origin, &check);
    }
    if let Some(name) = catalog.default_model() {
        if catalog.default_is_the_files() {
            problems.extend(target(catalog, &relay.place("default_model", ""), name, Moment::Start));
        } else {
            let found = target(catalog, "database settings.default_model", name, Moment::Start);
            problems.extend(found.map(|problem| Problem { severity: Severity::Warning, ..problem }));
        }
    }
}

/// What is wrong with an alias of the catalog.
pub(super) fn alias(catalog: &Catalog, place: &str, name: &str, entry: &AliasEntry, moment: Moment) -> Option<Problem> {
    let Some(hops) = circle(catalog, name) else {
        return target(catalog, place, &entry.target, moment).map(|problem| problem.of("target"));
    };
    let severity = if moment == Moment::Start && hops.iter().any(|hop| is_stored(catalog, hop)) {
        Severity::Warning
    } else {
        Severity::Error
    };
    let message = format!("goes round in a circle: {}", hops.join(" -> "));
    Some(Problem { severity, ..Problem::error(place, message).of("target") })
}

/// What is wrong with a router of this name, were it in the catalog.
///
/// Looked at is what its names lead to, and whether its designator can be asked.
pub(super) fn router(catalog: &Catalog, place: &str, name: &str, entry: &RouterEntry, moment: Moment) -> Vec<Problem> {
    let mut problems = Vec::new();
    if catalog.aliases.get(name).is_some() {
        let message = format!("`{name}` is an alias too: one of the two needs another name");
        problems.push(Problem::error(place, message).of("name"));
    }
    let candidates = entry.candidates.iter().enumerate();
    let candidates = candidates.map(|(at, one)| ("candidate", format!("candidates.{at}"), one.model.as_str()));
    let optional = [("second_designator", &entry.second_designator), ("side_call_model", &entry.side_call_model)];
    let optional = optional.into_iter().filter_map(|(part, model)| Some((part, model.as_deref()?)));
    let parts = [("designator", entry.designator.as_str()), ("fallback", &entry.fallback)].into_iter().chain(optional);
    let parts = parts.map(|(part, model)| (part, part.to_owned(), model)).chain(candidates);
    let may_be_wrong = |model: &str| moment == Moment::Start && passes_database(catalog, model);
    // That a name is missing is said by the check of the shape.
    for (part, field, model) in parts.filter(|(_, _, model)| !model.trim().is_empty()) {
        if model.eq_ignore_ascii_case(name) || ends_in_router(catalog, model, name) {
            let message = format!("{part}: `{model}` leads to a router; name a model, or an alias of one");
            let severity = if may_be_wrong(model) { Severity::Warning } else { Severity::Error };
            problems.push(Problem { severity, ..Problem::error(place, message).of(field) });
            continue;
        }
        let Some((lack, message)) = lack(catalog, end_of_aliases(catalog, model)) else { continue };
        let severity = match lack {
            _ if may_be_wrong(model) => Severity::Warning,
            Lack::Provider | Lack::Model if lack.is_certain(moment) => Severity::Error,
            // A candidate that cannot be called is not chosen; without its designator a router is nothing.
            Lack::Readiness if part == "designator" => Severity::Error,
            Lack::Provider | Lack::Model | Lack::Readiness => Severity::Warning,
        };
        problems.push(Problem { severity, ..Problem::error(place, format!("{part}: {message}")).of(field) });
    }
    problems
}

/// Redirects come first, so a name that is redirected is never looked up itself.
pub(super) fn hidden(catalog: &Catalog, place: &str, name: &str) -> Option<Problem> {
    let (target, redirect) = catalog.redirects.find(name)?;
    let message = format!("is never reached: the redirect `{}` makes it `{target}`", redirect.name);
    Some(Problem::warning(place, message).of("name"))
}

/// What is wrong with a redirect of the catalog.
pub(super) fn redirect(
    catalog: &Catalog,
    place: &str,
    from: &str,
    entry: &RedirectEntry,
    moment: Moment,
) -> Option<Problem> {
    let to = entry.target.as_str();
    let star_inside = |text: &str| text.strip_suffix('*').unwrap_or(text).contains('*');
    if star_inside(from) || star_inside(to) {
        let field = if star_inside(from) { "name" } else { "target" };
        return Some(Problem::error(place, "a `*` stands at the end only").of(field));
    }
    if to.ends_with('*') && !from.ends_with('*') {
        return Some(Problem::error(place, "the target ends in `*`, so the name it replaces must too").of("target"));
    }
    let mut hops = vec![from.to_owned()];
    let mut name = if to.ends_with('*') { to.trim_end_matches('*').to_owned() } else { to.to_owned() };
    hops.push(to.to_owned());
    let mut passes_database = false;
    while let Some((next, by)) = catalog.redirects.find(&name) {
        passes_database |= by.origin == Origin::Database;
        hops.push(next.clone());
        name = next;
        if hops.len() > MAX_REDIRECTS + 1 {
            let message = format!("more than {MAX_REDIRECTS} hops: {}", hops.join(" -> "));
            let tolerated = moment == Moment::Start && passes_database;
            let severity = if tolerated { Severity::Warning } else { Severity::Error };
            return Some(Problem { severity, ..Problem::error(place, message).of("target") });
        }
    }
    // What the `*` will carry over is not known yet, nor is then the target.
    if to.ends_with('*') {
        return None;
    }
    // What is not called by the whole name is called by what stands before its tags.
    let found = target(catalog, place, &name, moment)?.of("target");
    let stem = name.rsplit_once('@').map(|(stem, _)| stem.trim()).filter(|stem| !stem.is_empty());
    stem.map_or(Some(found), |stem| target(catalog, place, stem, moment).map(|problem| problem.of("target")))
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

/// Whether the name is an alias or a router of the database.
fn is_stored(catalog: &Catalog, name: &str) -> bool {
    let router = catalog.routers.get(name).map(|router| router.origin);
    router.or_else(|| catalog.aliases.get(name).map(|alias| alias.origin)) == Some(Origin::Database)
}

/// Whether an alias or a router of the database lies on the way from a name.
fn passes_database(catalog: &Catalog, name: &str) -> bool {
    let mut name = name;
    for _ in 0..=catalog.aliases.iter().count() {
        if is_stored(catalog, name) {
            return true;
        }
        match catalog.aliases.get(name) {
            Some(alias) => name = &alias.entry.target,
            None => return false,
        }
    }
    false
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
pub(super) fn target(catalog: &Catalog, place: &str, name: &str, moment: Moment) -> Option<Problem> {
    if catalog.routers.get(name).is_some() || catalog.aliases.get(name).is_some() {
        return None;
    }
    let (lack, message) = lack(catalog, name)?;
    Some(if lack.is_certain(moment) { Problem::error(place, message) } else { Problem::warning(place, message) })
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

impl Lack {
    /// Whether time alone will not mend it.
    fn is_certain(&self, moment: Moment) -> bool {
        match self {
            Self::Provider => true,
            Self::Model => moment == Moment::Edit { lists_are_in: true },
            Self::Readiness => false,
        }
    }
}

/// What is missing behind the name of a model, and in words what to do.
fn lack(catalog: &Catalog, name: &str) -> Option<(Lack, String)> {
    if let Some(model) = catalog.find(name).map(|(model, _)| model).or_else(|| catalog.pass_through(name)) {
        return match &model.provider.state {
            ProviderState::NoKey(setting) => {
                Some((Lack::Readiness, format!("`{}` is not configured: set {setting}", model.provider.id)))
            }
            ProviderState::Disabled => Some((Lack::Readiness, format!("`{}` is switched off", model.provider.id))),
            ProviderState::Unusable(reason) => {
                Some((Lack::Readiness, format!("`{}` cannot be used: {reason}", model.provider.id)))
            }
            ProviderState::Ready if !model.enabled => {
                Some((Lack::Readiness, format!("model `{}` is switched off", model.name())))
            }
            ProviderState::Ready => None,
        };
    }
    match name.split_once('/') {
        Some((provider, _)) if catalog.provider(provider).is_none() => Some((
            Lack::Provider,
            format!(
                "`{name}`: there is no provider `{provider}`; add it to `providers` in relay.yaml or on the admin page"
            ),
        )),
        Some(_) | None => Some((
            Lack::Model,
            format!("`{name}` is not a model any provider is known to have; `llm-relay models` lists them"),
        )),
    }
}
