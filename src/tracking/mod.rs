//! What happened: one [`UsageRecord`] per upstream answer, its cost, and its way through the journal into the store.

mod record;

pub use record::{CostSource, ErrorClass, UsageRecord};
