//! What lists of models show.

use std::sync::Arc;

use super::{Catalog, Model};

/// One line of a list of models.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The name clients use, in its configured spelling.
    pub name: String,
    /// What kind of name it is.
    pub kind: ListedKind,
    /// The model it leads to; a router's is its fallback. `None`: it leads nowhere at the moment.
    pub model: Option<Arc<Model>>,
    /// Unix seconds, where known.
    pub created: Option<i64>,
}

/// What kind of name a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedKind {
    /// A smart router.
    Router,
    /// An alias.
    Alias,
    /// A model as `provider/model`.
    Model,
}

/// Routers first, then aliases, then the models that can be called, each group in catalogue order.
pub(super) fn build(catalog: &Catalog) -> Vec<Listed> {
    let named = |name: &str, kind| {
        let model = lead(catalog, name);
        Listed { name: name.to_owned(), kind, created: model.as_ref().and_then(|model| model.created), model }
    };
    let in_use = catalog.routers.iter().filter(|router| router.entry.enabled);
    let routers = in_use.map(|router| named(&router.name, ListedKind::Router));
    let aliases = catalog.aliases.iter().map(|alias| named(&alias.name, ListedKind::Alias));
    let callable = catalog.models().iter().filter(|model| model.is_callable() && !model.hidden);
    let models = callable.map(|model| Listed {
        name: model.name(),
        kind: ListedKind::Model,
        created: model.created,
        model: Some(model.clone()),
    });
    routers.chain(aliases).chain(models).collect()
}

/// Follows aliases and the fallbacks of routers to the model at their end.
fn lead(catalog: &Catalog, name: &str) -> Option<Arc<Model>> {
    let mut name = name;
    // A chain that visits more names than there are goes round in a circle.
    for _ in 0..=catalog.routers.iter().count() + catalog.aliases.iter().count() {
        if let Some(router) = catalog.routers.get(name) {
            name = &router.entry.fallback;
        } else if let Some(alias) = catalog.aliases.get(name) {
            name = &alias.entry.target;
        } else {
            let known = catalog.find(name).map(|(model, _)| model);
            return known.or_else(|| catalog.pass_through(name)).filter(|model| model.is_callable());
        }
    }
    None
}
