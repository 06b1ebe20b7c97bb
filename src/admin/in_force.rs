//! What the admin listener needs from the configuration in force.

use crate::config::{Problem, RouterEntry};
use crate::store::{Conn, StoreError};

/// The configuration in force, as far as edits go: it judges what is to be saved and follows what was.
/// Called on threads that may block.
pub trait InForce: Send + Sync {
    /// Where `relay.yaml` has an entry: `relay.yaml:12:3 routers.smart`.
    fn place(&self, section: &str, name: &str) -> String;

    /// What would be wrong with a router of this name, were it saved.
    fn check_router(&self, name: &str, entry: &RouterEntry) -> Vec<Problem>;

    /// Puts the entries of the database into force. Requests that come after it has returned see them.
    ///
    /// # Errors
    /// When the database cannot be read; what was in force stays.
    fn follow(&self, conn: &mut Conn<'_>) -> Result<(), StoreError>;
}
