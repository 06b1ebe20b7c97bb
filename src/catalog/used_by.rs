//! Which names lead to a model.

use serde::Serialize;

use super::{Catalog, Model};
use crate::entry_kind::EntryKind;

/// A name that leads to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// What it is; `None`: the default for unknown names.
    pub kind: Option<EntryKind>,
    /// What it is called.
    pub name: String,
    /// As what: `candidate`, `designator`, …; empty where there is only one way.
    pub role: &'static str,
}

impl Catalog {
    /// Aliases, redirects and routers that lead to a model, by other aliases or directly, and the default.
    pub fn users_of(&self, model: &Model) -> Vec<User> {
        let user = |kind, name: &str, role| User { kind: Some(kind), name: name.to_owned(), role };
        let leads = |name: &str| self.end_of(name).is_some_and(|name| self.means(name, model));
        let aliases = self.aliases().iter().filter(|alias| leads(&alias.name));
        let aliases = aliases.map(|alias| user(EntryKind::Alias, &alias.name, ""));
        // What a `*` carries over is not known.
        let redirects = self.redirects().iter().filter(|redirect| {
            let target = redirect.entry.target.as_str();
            let stem = target.rsplit_once('@').map(|(stem, _)| stem);
            leads(target) || stem.is_some_and(leads)
        });
        let redirects = redirects.map(|redirect| user(EntryKind::Redirect, &redirect.name, ""));
        let routers = self.routers().iter().flat_map(|router| {
            let entry = &router.entry;
            let parts = [("designator", Some(&entry.designator)), ("fallback", Some(&entry.fallback))];
            let optional = [
                ("second designator", entry.second_designator.as_ref()),
                ("side calls", entry.side_call_model.as_ref()),
            ];
            let candidates = entry.candidates.iter().map(|candidate| ("candidate", Some(&candidate.model)));
            let parts = parts.into_iter().chain(optional).chain(candidates);
            let found = parts.filter(|(_, name)| name.is_some_and(|name| leads(name)));
            found.map(|(role, _)| user(EntryKind::Router, &router.name, role)).collect::<Vec<_>>()
        });
        let default = self.default_model().filter(|name| leads(name));
        let default = default.map(|name| User { kind: None, name: name.to_owned(), role: "" });
        aliases.chain(redirects).chain(routers).chain(default).collect()
    }

    /// Follows aliases; `None`: the name ends at a router, or nowhere.
    fn end_of<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut name = name.trim();
        // A chain that visits more names than there are goes round in a circle.
        for _ in 0..=self.aliases().iter().count() {
            if self.routers().get(name).is_some() {
                return None;
            }
            match self.aliases().get(name) {
                Some(alias) => name = alias.entry.target.trim(),
                None => return Some(name),
            }
        }
        None
    }

    fn means(&self, name: &str, model: &Model) -> bool {
        self.find(name)
            .is_some_and(|(found, _)| found.provider.id == model.provider.id && found.profile.id == model.profile.id)
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::fixture::Fixture;

    #[test]
    fn users_are_found_through_aliases_and_by_their_roles() {
        let relay = "default_model: quick\naliases: {fast: gpt-4o-mini, quick: fast, other: gpt-4o, r: house}\nredirects: {old: 'fast@team', 'gpt-9*': openai/gpt-4o-mini}\nrouters: {house: {designator: gpt-4o-mini, candidates: [quick, gpt-4o], fallback: gpt-4o}}";
        let catalog = Fixture { variables: &[("OPENAI_API_KEY", "k")], relay, ..Fixture::default() }.catalog();
        let users = catalog.users_of(catalog.model("openai", "gpt-4o-mini").unwrap());
        let users: Vec<_> = users.iter().map(|user| format!("{} {}", user.name, user.role)).collect();
        assert_eq!(users, ["fast ", "quick ", "old ", "gpt-9* ", "house designator", "house candidate", "quick "]);
    }
}
