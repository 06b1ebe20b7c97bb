//! What is wrong with the name of an entry, and what the entry does to others by its name alone.
//!
//! Every problem is of the field `name`.

use crate::catalog::check::hidden;
use crate::catalog::{Catalog, FoundBy};
use crate::config::Problem;

/// Characters of a name at most.
const MAX_NAME: usize = 128;
/// So many hidden names are told.
const TOLD: usize = 3;

/// Why nothing can be called so.
pub(super) fn misspelt(place: &str, name: &str) -> Option<Problem> {
    let message = match name {
        _ if name.trim().is_empty() => "a name is empty".to_owned(),
        _ if name.trim() != name => "a name neither begins nor ends with a space".to_owned(),
        _ if name.chars().count() > MAX_NAME => format!("a name has {MAX_NAME} characters at most"),
        _ if name.chars().any(char::is_control) => "a name holds no control characters".to_owned(),
        _ => return None,
    };
    Some(Problem::error(place, message).of("name"))
}

/// Why an alias or a router cannot be called so: nobody could ask for it, or who asks means something else.
/// A redirect replaces whatever clients may write.
pub(super) fn refused(catalog: &Catalog, place: &str, name: &str) -> Option<Problem> {
    if let Some(problem) = misspelt(place, name) {
        return Some(problem);
    }
    let message = if name.contains('@') {
        "a name holds no `@`: what follows one are tags".to_owned()
    } else if name.to_ascii_lowercase().ends_with(":latest") {
        "a name does not end in `:latest`: Ollama's clients add that to any name".to_owned()
    } else {
        let known = catalog.find(name).filter(|(_, by)| *by == FoundBy::Prefix).map(|(model, _)| model);
        let model = known.or_else(|| catalog.pass_through(name))?;
        format!("`{name}` means a model of the provider `{}`: choose another name", model.provider.id)
    };
    Some(Problem::error(place, message).of("name"))
}

/// Who else is called like this alias or router, and which of them is meant.
pub(super) fn shared(catalog: &Catalog, place: &str, name: &str) -> Vec<Problem> {
    let mut problems = Vec::from_iter(hidden(catalog, place, name));
    if let Some(model) = catalog.find_bare(name).next() {
        let message = format!("comes before the model of this name, which is still `{}`", model.name());
        problems.push(Problem::warning(place, message).of("name"));
    }
    if let Some(provider) = catalog.provider(name) {
        let message = format!("is the id of a provider too, whose models keep their names: `{}/…`", provider.id);
        problems.push(Problem::warning(place, message).of("name"));
    }
    problems
}

/// Which names are never looked up themselves because of a redirect.
pub(super) fn hides(catalog: &Catalog, place: &str, redirect: &str) -> Option<Problem> {
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
    let told = hidden.iter().take(TOLD).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let message = match hidden.len().saturating_sub(TOLD) {
        _ if hidden.is_empty() => return None,
        0 => format!("hides {told}"),
        more => format!("hides {told} and {more} more"),
    };
    Some(Problem::warning(place, message).of("name"))
}
