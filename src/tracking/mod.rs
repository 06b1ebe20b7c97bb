//! What happened: one [`UsageRecord`] per upstream answer, and what it cost.

mod cost;
pub mod estimate;
mod record;

pub use cost::{Cost, cost};
pub use record::{CostSource, ErrorClass, UsageRecord};
