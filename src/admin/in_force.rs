//! What the admin listener needs from the configuration in force.

use crate::catalog::Entry;
use crate::config::{Definition, Problem};
use crate::entry_kind::EntryKind;
use crate::store::{Conn, StoreError};

/// The configuration in force, as far as edits go: it judges what is to be saved and follows what was.
/// Called on threads that may block.
pub trait InForce: Send + Sync {
    /// Where `relay.yaml` has an entry: `relay.yaml:12:3 routers.smart`.
    fn place(&self, kind: EntryKind, name: &str) -> String;

    /// What is wrong with an entry that is in force.
    fn check(&self, name: &str, entry: Entry<'_>) -> Vec<Problem>;

    /// What would be wrong with an entry of this name, and what it would make wrong elsewhere, were it saved.
    fn check_change(&self, name: &str, definition: &Definition) -> Vec<Problem>;

    /// Puts the entries of the database into force. Requests that come after it has returned see them.
    ///
    /// # Errors
    /// When the database cannot be read; what was in force stays.
    fn follow(&self, conn: &mut Conn<'_>) -> Result<(), StoreError>;
}
