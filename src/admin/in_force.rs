//! What the admin listener needs from the configuration in force.

use std::sync::Arc;

use crate::catalog::{Catalog, Entry};
use crate::clock::UnixMillis;
use crate::config::{ConfiguredPath, Definition, Definitions, LiveSettings, Problem};
use crate::entry_kind::EntryKind;
use crate::protocol::ListedModel;
use crate::secret::Secret;
use crate::store::{Conn, StoreError};
use crate::vault::{Sealed, VaultError};

/// An API key that stands in `relay.yaml` or in `API_KEYS`, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredKey {
    /// What requests with it are recorded under.
    pub name: String,
    /// Tags of every request with it.
    pub tags: Vec<String>,
    /// Where the file has it; `None`: in the environment.
    pub place: Option<String>,
}

/// When the configuration files were last read, and what was wrong with them.
#[derive(Debug, Clone, Default)]
pub struct FilesRead {
    /// When.
    pub at: UnixMillis,
    /// With an error among them the files were refused, and what they said before is in force.
    pub problems: Vec<Problem>,
}

/// The configuration in force, as far as edits go: it judges what is to be saved and follows what was.
/// Called on threads that may block.
pub trait InForce: Send + Sync {
    /// Where `relay.yaml` has an entry: `relay.yaml:12:3 routers.smart`.
    fn place(&self, kind: EntryKind, name: &str) -> String;

    /// What is wrong with an entry that is in force.
    fn check(&self, name: &str, entry: Entry<'_>) -> Vec<Problem>;

    /// What would be wrong with an entry of this name, and what it would make wrong elsewhere, were it saved.
    fn check_change(&self, name: &str, definition: &Definition) -> Vec<Problem>;

    /// What would be wrong were these the entries of the database.
    fn check_all(&self, definitions: &Definitions) -> Vec<Problem>;

    /// The settings in force.
    fn settings(&self) -> Arc<LiveSettings>;

    /// Has deleted soon, in the background, what is older than the settings say.
    fn tidy(&self);

    /// Where `relay.yaml` and `overrides.yaml` are, and how the last reading of them went.
    fn files(&self) -> ([ConfiguredPath; 2], FilesRead);

    /// Whatever would lead nowhere without the database's provider of this id, in words: "alias `fast`".
    fn leading_to_provider(&self, id: &str) -> Vec<String>;

    /// Encrypts a provider's key for the row of this id.
    ///
    /// # Errors
    /// When there is no encryption key and none can be made.
    fn seal(&self, id: &str, secret: &Secret) -> Result<Sealed, VaultError>;

    /// Since when a provider cannot be asked for its models, and why.
    fn failing(&self, provider: &str) -> Option<(UnixMillis, String)>;

    /// Takes what a provider has listed, or why it could not.
    fn listed(&self, provider: &str, models: Result<Vec<ListedModel>, String>);

    /// An Ollama instance may have other models now: it is asked again, soon and in the background.
    fn instances_changed(&self);

    /// The catalog as it would be, had the database this entry under the name, or none.
    fn with_change(&self, kind: EntryKind, name: &str, definition: Option<&Definition>) -> Catalog;

    /// Puts the entries of the database into force. Requests that come after it has returned see them.
    ///
    /// # Errors
    /// When the database cannot be read; what was in force stays.
    fn follow(&self, conn: &mut Conn<'_>) -> Result<(), StoreError>;

    /// The API keys of files and environment, in their order.
    fn configured_keys(&self) -> Vec<ConfiguredKey>;

    /// Puts the API keys of the database into force. Requests that come after it has returned see them.
    ///
    /// # Errors
    /// When the database cannot be read; what was in force stays.
    fn follow_keys(&self, conn: &mut Conn<'_>) -> Result<(), StoreError>;
}
