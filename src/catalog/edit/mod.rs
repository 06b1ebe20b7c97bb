//! What has to hold before an entry is saved, what that does to the others, and what stands in the way of taking one out.
//!
//! Start at [`check_entry`]. What is wrong with a name is in `name`, what a change brings upon other entries in
//! `consequences`, and what leads to an entry in `leading`.

mod consequences;
mod leading;
mod name;

pub use consequences::check_change;
pub use leading::{leading_to, leading_to_provider};

use super::check::{self, Moment};
use super::{Catalog, Entry, provider_check, said_of_model};
use crate::config::{Problem, Setting};

/// What is wrong with an entry of the catalog.
///
/// Looked at is the name, the shape, what it leads to, whether a designator can be asked, and which names it hides.
/// `lists_are_in`: providers have said which models they have, so a name nobody knows is an error.
pub fn check_entry(catalog: &Catalog, name: &str, entry: Entry<'_>, lists_are_in: bool) -> Vec<Problem> {
    let place = format!("{}.{name}", entry.kind().section());
    let moment = Moment::Edit { lists_are_in };
    let mut problems = Vec::new();
    match entry {
        Entry::Alias(alias) => {
            problems.extend(name::refused(catalog, &place, name));
            if catalog.routers.get(name).is_some() {
                let message = format!("`{name}` is a router too: one of the two needs another name");
                problems.push(Problem::error(&place, message).of("name"));
            }
            if alias.target.trim().is_empty() {
                problems.push(no_target(&place));
            } else {
                problems.extend(check::alias(catalog, &place, name, alias, moment));
            }
            problems.extend(name::shared(catalog, &place, name));
        }
        Entry::Redirect(redirect) => {
            problems.extend(name::misspelt(&place, name));
            if redirect.target.trim().is_empty() {
                problems.push(no_target(&place));
            } else {
                problems.extend(check::redirect(catalog, &place, name, redirect, moment));
            }
            if redirect.target.trim().eq_ignore_ascii_case(name.trim()) {
                let message = "changes nothing: its target is the name itself";
                problems.push(Problem::warning(&place, message).of("target"));
            }
            problems.extend(name::hides(catalog, &place, name));
        }
        Entry::Router(router) => {
            problems.extend(name::refused(catalog, &place, name));
            problems.extend(router.problems(&place));
            problems.extend(check::router(catalog, &place, name, router, moment));
            problems.extend(name::shared(catalog, &place, name));
        }
        Entry::Provider(provider) => problems = provider_check::check(name, provider),
        Entry::Model(model) => problems = said_of_model::check(catalog, &place, name, model, lists_are_in),
        Entry::Setting(setting) => {
            problems.extend(setting.problems().into_iter().map(|message| Problem::error(&place, message)));
            if let (Setting::DefaultModel(Some(target)), true) = (setting, problems.is_empty()) {
                problems.extend(check::target(catalog, &place, target, moment));
            }
        }
    }
    problems
}

fn no_target(place: &str) -> Problem {
    Problem::error(place, "target is missing").of("target")
}

#[cfg(test)]
mod tests;
