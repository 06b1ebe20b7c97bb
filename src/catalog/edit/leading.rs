//! What leads to an entry, and so stands in the way of taking it out.

use super::consequences::consequences;
use crate::catalog::check::{self, Moment};
use crate::catalog::{Catalog, Entry};
use crate::entry_kind::EntryKind;

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
        Entry::Redirect(redirect) => !other.eq_ignore_ascii_case(name) && is_asked(&redirect.target),
        Entry::Provider(_) | Entry::Model(_) | Entry::Setting(_) => false,
    };
    let named = catalog.entries().filter(leads).map(|(other, entry)| format!("{} `{other}`", entry.kind().word()));
    named.chain(default.map(|_| DEFAULT.to_owned())).collect()
}

/// Whatever would lead nowhere without a provider, in the words of [`leading_to`]: `after` is the catalog without it.
pub fn leading_to_provider(before: &Catalog, after: &Catalog, lists_are_in: bool) -> Vec<String> {
    let mut leading: Vec<String> = Vec::new();
    for found in consequences(before, after, EntryKind::Provider, lists_are_in) {
        let words = found.words();
        if !leading.contains(&words) {
            leading.push(words);
        }
    }
    let is_lost = |name: &str| {
        let moment = Moment::Edit { lists_are_in };
        check::target(before, "", name, moment).is_none() && check::target(after, "", name, moment).is_some()
    };
    leading.extend(after.default_model().filter(|name| is_lost(name)).map(|_| DEFAULT.to_owned()));
    leading
}

const DEFAULT: &str = "`default_model`";
