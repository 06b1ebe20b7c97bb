//! Names that pages offer while somebody types one.

use crate::catalog::{Catalog, ListedKind};
use crate::protocol::ModelKind;

/// Names a page carries at most; beyond it one types.
const MOST: usize = 1000;

/// The names clients can ask for, routers and aliases first.
pub(super) fn all(catalog: &Catalog) -> Vec<String> {
    catalog.listing().iter().take(MOST).map(|listed| listed.name.clone()).collect()
}

/// What a key may be limited to: all of a provider, and each name.
pub(super) fn patterns(catalog: &Catalog) -> Vec<String> {
    let ready = catalog.providers().iter().filter(|provider| provider.is_ready());
    let mut patterns: Vec<_> = ready.map(|provider| format!("{}/*", provider.id)).collect();
    patterns.extend(all(catalog));
    patterns
}

/// The first name in the lists behind which a model chats; aliases come first, as the operator's own.
pub(super) fn first_to_chat(catalog: &Catalog) -> Option<&str> {
    let chats = |kind: ListedKind| {
        catalog.listing().iter().find(move |listed| {
            listed.kind == kind && listed.model.as_ref().is_some_and(|model| model.profile.kind == ModelKind::Chat)
        })
    };
    chats(ListedKind::Alias).or_else(|| chats(ListedKind::Model)).map(|listed| listed.name.as_str())
}
