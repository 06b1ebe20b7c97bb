//! Names that lead somewhere: aliases, redirects and routers, found case-insensitively.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::{AliasEntry, Entries, RedirectEntry, RouterEntry};

/// The form under which names are indexed. Most names are written so already.
pub(super) fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

/// An entry and the name it is found by.
#[derive(Debug, Clone)]
pub struct Named<T> {
    /// In its configured spelling.
    pub name: String,
    /// What it says.
    pub entry: T,
    /// Who may change it.
    pub origin: Origin,
    /// Changes whenever the entry does, and only then: sixteen hexadecimal digits.
    pub version: String,
}

/// Where an entry was made, which is the only place where it can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `relay.yaml`.
    File,
    /// The database.
    Database,
}

impl<T: Serialize> Named<T> {
    fn new(name: &str, entry: T, origin: Origin) -> Self {
        // Entries are plain data: there is nothing in them that JSON could refuse.
        let definition = serde_json::to_string(&entry).unwrap_or_default();
        Self { name: name.to_owned(), version: version_of(&definition), entry, origin }
    }
}

/// The version of an entry with this JSON: sixteen hexadecimal digits.
pub fn version_of(definition: &str) -> String {
    Sha256::digest(definition).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Another name for a model, a router or an alias.
pub type Alias = Named<AliasEntry>;
/// A smart router.
pub type Router = Named<RouterEntry>;

/// Entries in the order they were configured, found by name in constant time.
#[derive(Debug, Clone)]
pub struct Names<T> {
    entries: Vec<Named<T>>,
    index: HashMap<String, usize>,
}

impl<T> Names<T> {
    /// In the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Named<T>> {
        self.entries.iter()
    }

    /// The entry of a name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&Named<T>> {
        self.index.get(&*folded(name)).map(|&at| &self.entries[at])
    }
}

impl<T: Clone + Serialize> Names<T> {
    /// The entries of the file, then those of the database. Of a name that is in both, the file's is found.
    pub(super) fn joined(file: &Entries<T>, database: &Entries<T>) -> Self {
        let from_file = file.iter().map(|(name, entry)| Named::new(name, entry.clone(), Origin::File));
        let only_there = database.iter().filter(|(name, _)| file.get(name).is_none());
        let from_database = only_there.map(|(name, entry)| Named::new(name, entry.clone(), Origin::Database));
        let entries: Vec<_> = from_file.chain(from_database).collect();
        let index = entries.iter().enumerate().map(|(at, named)| (named.name.to_ascii_lowercase(), at)).collect();
        Self { entries, index }
    }
}

/// Redirects: exact names, and patterns that end in `*`.
#[derive(Debug, Clone)]
pub struct Redirects {
    names: Names<RedirectEntry>,
    /// Indexes of the patterns, longest first.
    patterns: Vec<usize>,
}

impl Redirects {
    /// In the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Named<RedirectEntry>> {
        self.names.iter()
    }

    /// What replaces `name`, and the redirect that says so: the exact one, else the longest pattern.
    /// A redirect that gives the name itself back is none: `gpt-4*: gpt-4o` leaves `gpt-4o` alone.
    pub fn find(&self, name: &str) -> Option<(String, &Named<RedirectEntry>)> {
        if let Some(exact) = self.names.get(name).filter(|named| !named.name.ends_with('*')) {
            let target = exact.entry.target.clone();
            return (!target.eq_ignore_ascii_case(name)).then_some((target, exact));
        }
        let mut patterns = self.patterns.iter().map(|&at| &self.names.entries[at]);
        let (pattern, rest) = patterns.find_map(|pattern| {
            let prefix = pattern.name.strip_suffix('*')?;
            let start = name.get(..prefix.len())?;
            let rest = &name[prefix.len()..];
            // A rest that is dropped must not take tags with it: they are split off before the pattern is tried again.
            let keeps_tags = pattern.entry.target.ends_with('*') || !rest.contains('@');
            (start.eq_ignore_ascii_case(prefix) && keeps_tags).then_some((pattern, rest))
        })?;
        let target = match pattern.entry.target.strip_suffix('*') {
            Some(stem) => format!("{stem}{rest}"),
            None => pattern.entry.target.clone(),
        };
        (!target.eq_ignore_ascii_case(name)).then_some((target, pattern))
    }
}

impl Redirects {
    /// The redirect of exactly this name or pattern, whatever its case.
    pub fn get(&self, name: &str) -> Option<&Named<RedirectEntry>> {
        self.names.get(name)
    }

    /// As [`Names::joined`].
    pub(super) fn joined(file: &Entries<RedirectEntry>, database: &Entries<RedirectEntry>) -> Self {
        let names = Names::joined(file, database);
        let is_pattern = |&at: &usize| names.entries[at].name.ends_with('*');
        let mut patterns: Vec<usize> = (0..names.entries.len()).filter(is_pattern).collect();
        patterns.sort_by_key(|&at| std::cmp::Reverse(names.entries[at].name.len()));
        Self { names, patterns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirects(pairs: &[(&str, &str)]) -> Redirects {
        let entries: Entries<RedirectEntry> =
            pairs.iter().map(|&(from, to)| (from.to_owned(), to.to_owned().into())).collect();
        Redirects::joined(&entries, &Entries::default())
    }

    #[test]
    fn exact_names_come_before_the_longest_pattern() {
        let redirects = redirects(&[("gpt-*", "a"), ("GPT-4*", "b/*"), ("gpt-4", "c")]);
        let find = |name| redirects.find(name).map(|(target, _)| target);
        assert_eq!(find("Gpt-4").as_deref(), Some("c"));
        assert_eq!(find("gpt-4o-Mini").as_deref(), Some("b/o-Mini"));
        assert_eq!(find("gpt-3").as_deref(), Some("a"));
        assert_eq!(find("claude"), None);
        assert_eq!(find("gpt"), None);
        assert_eq!(find("gé-"), None);
        assert_eq!(find("gpt-4o@team").as_deref(), Some("b/o@team"));
        assert_eq!(find("gpt-3@team"), None);
    }

    #[test]
    fn a_redirect_to_the_name_itself_is_none() {
        let redirects = redirects(&[("gpt-4*", "gpt-4o"), ("x", "X")]);
        assert!(redirects.find("GPT-4o").is_none());
        assert!(redirects.find("x").is_none());
        assert_eq!(redirects.find("gpt-4").unwrap().0, "gpt-4o");
    }
}
