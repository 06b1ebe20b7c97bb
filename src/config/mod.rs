//! What the operator says: the environment, `relay.yaml` and `overrides.yaml`, typed and checked.
//!
//! The only place that reads the environment. Nothing is looked up elsewhere: reading gives plain values and
//! [`Problem`]s with their places, and the catalog makes sense of the names in them. Start at [`Settings`].

mod definition;
mod dotenv;
mod entries;
mod expand;
mod live;
mod locate;
mod model_entry;
mod overrides_file;
mod price;
mod problem;
mod provider;
mod reader;
mod relay_file;
mod settings;
mod time_span;
mod values;
mod variables;
pub(crate) mod yaml;

pub use definition::{Definition, Definitions};
pub use entries::Entries;
pub use live::{KeepPrompts, LiveSettings, PatternEntry, Setting};
pub use model_entry::ModelEntry;
pub use overrides_file::{CapabilityRules, KindWord, ModelRules, OverridesFile, ProviderRules, ToolIdsWord};
pub use price::{OffPeakEntry, PriceEntry, TierEntry, TokenPrices};
pub use problem::{Problem, Severity, check};
pub use provider::{KeyName, ProtocolWord, ProviderEntry, StoredProvider};
pub use relay_file::{AliasEntry, CandidateEntry, KeyEntry, RedirectEntry, RelayFile, RouterEntry, StrategyWord};
pub use settings::{
    AdminSettings, ApiSettings, AuthMode, AuthSettings, ConfiguredPath, FileSettings, LogFormat, LogSettings,
    ReasoningWord, Settings, StoreSettings, UpstreamSettings,
};
pub use time_span::TimeSpan;
pub use variables::{Variables, demo_folder};
