//! What the change of one entry brings upon the others: whatever is wrong with them afterwards that was not before.

use super::check_entry;
use crate::catalog::{Catalog, Entry};
use crate::config::{Definition, Problem, Severity};
use crate::entry_kind::EntryKind;

/// What would be wrong with an entry, and what it would make wrong elsewhere, were the catalog `before` to become `after`.
pub fn check_change(
    before: &Catalog,
    after: &Catalog,
    name: &str,
    definition: &Definition,
    lists_are_in: bool,
) -> Vec<Problem> {
    let kind = definition.kind();
    let place = format!("{}.{name}", kind.section());
    let mut problems = check_entry(after, name, definition.into(), lists_are_in);
    // What an alias and a router of one name do to each other has been told of above.
    let is_told = |other: &str| kind != EntryKind::Provider && other.eq_ignore_ascii_case(name);
    let found = consequences(before, after, kind, lists_are_in).into_iter().filter(|found| !is_told(found.name));
    problems.extend(found.map(|found| found.into_problem(&place)));
    problems
}

/// What another entry suffers from a change.
pub(super) struct Consequence<'a> {
    pub(super) kind: EntryKind,
    pub(super) name: &'a str,
    severity: Severity,
    message: String,
}

impl Consequence<'_> {
    /// The entry, in words: "alias `fast`".
    pub(super) fn words(&self) -> String {
        format!("{} `{}`", self.kind.word(), self.name)
    }

    fn into_problem(self, place: &str) -> Problem {
        let message = format!("the {} would be wrong then: {}", self.words(), self.message);
        Problem { severity: self.severity, place: place.to_owned(), field: None, message }
    }
}

/// What other entries suffer from the change of one of this kind.
pub(super) fn consequences<'a>(
    before: &Catalog,
    after: &'a Catalog,
    changed: EntryKind,
    lists_are_in: bool,
) -> Vec<Consequence<'a>> {
    let problems = |catalog: &Catalog, name: &str, entry: Entry<'_>| {
        let found = check_entry(catalog, name, entry, lists_are_in).into_iter();
        found.filter_map(|problem| Some((severity(changed, &problem)?, problem.message))).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for (name, entry) in after.entries() {
        let kind = entry.kind();
        let earlier = before.entries().find(|(same, old)| *same == name && old.kind() == kind);
        let earlier = earlier.map_or_else(Vec::new, |(_, old)| problems(before, name, old));
        let new = problems(after, name, entry).into_iter().filter(|problem| !earlier.contains(problem));
        found.extend(new.map(|(severity, message)| Consequence { kind, name, severity, message }));
    }
    found
}

/// How bad it is that the change of an entry of this kind brings a problem upon another one; `None`: not worth telling.
fn severity(changed: EntryKind, problem: &Problem) -> Option<Severity> {
    let is_of_name = problem.field.as_deref() == Some("name");
    match changed {
        // Its name would mean a model of the provider from then on.
        EntryKind::Provider if is_of_name => problem.is_error().then_some(Severity::Error),
        // Anything else mends itself when the provider is put right, and must not keep an operator from switching it off.
        EntryKind::Provider => Some(Severity::Warning),
        // A model is switched off for a reason: whoever leads there is told of, and does not stand in the way.
        EntryKind::Model => problem.is_error().then_some(Severity::Warning),
        EntryKind::Alias | EntryKind::Redirect | EntryKind::Router | EntryKind::Setting => {
            problem.is_error().then_some(Severity::Error)
        }
    }
}
