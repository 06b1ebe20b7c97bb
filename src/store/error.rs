//! What can go wrong at the store.

use std::path::PathBuf;

/// The driver's own error, whichever driver it is.
pub(super) type DriverError = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong at the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened: a wrong path, missing rights, no database at all. Trying again does not help.
    #[error("the database `{path}` cannot be opened")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DriverError,
    },
    /// A newer program has changed the tables; this one would misread them.
    #[error(
        "the database is at version {found}, this program knows versions up to {known}: \
         start the newer program, or restore a backup made before the upgrade"
    )]
    Newer {
        /// Number of the last migration in the database.
        found: i64,
        /// Number of the last migration this program carries.
        known: i64,
    },
    /// The database was made by a migration with this number and another text: it is not this program's database.
    #[error("migration {number} of the database is not the one this program carries")]
    Foreign {
        /// Number of the migration.
        number: i64,
    },
    /// No connection became free in time. Trying again later may work.
    #[error("no database connection is free")]
    Busy(#[source] r2d2::Error),
    /// A statement failed.
    #[error("the database refused a statement")]
    Statement(#[source] DriverError),
    /// A row holds something this program cannot read.
    #[error("the database holds an unreadable {what}")]
    Unreadable {
        /// Which column.
        what: &'static str,
        /// Why.
        source: DriverError,
    },
    /// Something is there that the work did not expect, so nothing of it was done.
    #[error("{0} is not as it was expected to be; nothing was changed")]
    Clash(String),
    /// The work did not run to its end: it panicked, or the program is stopping.
    #[error("database work was cut short")]
    CutShort(#[source] tokio::task::JoinError),
}
