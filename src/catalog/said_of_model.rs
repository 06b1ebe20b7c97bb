//! What is wrong with what is said of a model on the admin listener.

use super::{Catalog, ModelSource, User};
use crate::config::{ModelEntry, Problem};
use crate::entry_kind::EntryKind;
use crate::protocol::{ModelKind, Protocol};

/// Characters of a name at most; providers have long ones.
const MAX_NAME: usize = 300;

/// What is wrong with it, were it in the catalog.
pub(super) fn check(
    catalog: &Catalog,
    place: &str,
    name: &str,
    entry: &ModelEntry,
    lists_are_in: bool,
) -> Vec<Problem> {
    if let Some(message) = wrong_name(catalog, name) {
        return vec![Problem::error(place, message)];
    }
    let inner = |key: &str| format!("{place}.{key}");
    let mut problems: Vec<Problem> =
        entry.problems().into_iter().map(|(key, message)| Problem::error(inner(key), message)).collect();
    if entry.says_nothing() {
        problems.push(Problem::warning(place, "says nothing: delete it instead"));
    }
    let Some((provider, id)) = catalog.split_prefix(name) else { return problems };
    let Some(model) = catalog.model(&provider.id, id) else { return problems };
    if model.source == ModelSource::Stored && lists_are_in {
        let message = format!("`{}` is in no list and no file: this adds it to the catalogue", model.name());
        problems.push(Problem::warning(place, message));
    }
    if entry.disabled == Some(true) {
        let name = |user: &User| format!("{} `{}`", user.kind.map_or("the default model", EntryKind::word), user.name);
        let mut users: Vec<_> = catalog.users_of(model).iter().map(name).collect();
        users.dedup();
        if !users.is_empty() {
            let message = format!("{} will be refused where it leads here", users.join(", "));
            problems.push(Problem::warning(inner("disabled"), message));
        }
    }
    if let (Some(context), Some(answer)) = (model.profile.context_length, model.profile.max_output)
        && (entry.context_length.is_some() || entry.max_output.is_some())
        && answer > context
    {
        let message = format!("the longest answer ({answer}) is longer than the prompt window ({context})");
        problems.push(Problem::warning(inner("max_output"), message));
    }
    let Some(price) = &entry.price else { return problems };
    let is_chat = model.profile.kind == ModelKind::Chat;
    if price.base.input.is_none() || (is_chat && price.base.output.is_none()) {
        let missing = if price.base.input.is_none() { "input" } else { "output" };
        let message = format!("`{missing}` is not stated, so requests with such tokens cost `unknown`");
        problems.push(Problem::warning(inner("price"), message));
    }
    problems
}

fn wrong_name(catalog: &Catalog, name: &str) -> Option<String> {
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Some(format!("a model's name has {MAX_NAME} characters at most, and no control characters"));
    }
    let Some((provider, id)) = name.split_once('/') else {
        let known = catalog.find_bare(name).next().map(|model| format!(": `{}`?", model.name()));
        return Some(format!(
            "a model is named with its provider{}",
            known.unwrap_or_else(|| ", as `openai/gpt-4o`".to_owned())
        ));
    };
    let Some(known) = catalog.provider(provider.trim()) else {
        return Some(format!("there is no provider `{}`", provider.trim()));
    };
    if id.trim().is_empty() {
        return Some(format!("which model of `{}`?", known.id));
    }
    // At Ollama a name without a tag is another way to write the one that ends in `:latest`.
    let model = catalog.models().iter().find(|model| {
        model.provider.id == known.id
            && model.profile.id.strip_suffix(":latest").is_some_and(|short| short.eq_ignore_ascii_case(id.trim()))
    });
    model.filter(|_| known.protocol == Protocol::Ollama).map(|model| format!("its whole name is `{}`", model.name()))
}
