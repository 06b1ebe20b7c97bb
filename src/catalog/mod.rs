//! What can be called: providers, models, aliases, redirects, routers and prices, as one immutable [`Catalog`].
//!
//! A request takes one snapshot at its start and uses it to its end; edits, file changes and discovery swap in a new one.
//! Start at [`Catalog`]; `load` builds it from configuration, seed data and what providers listed.

mod model;
mod price;
mod provider;

pub use model::{Model, ModelSource};
pub use price::{Price, PriceTier, PriceValues};
pub use provider::{Api, Provider, ProviderState};
