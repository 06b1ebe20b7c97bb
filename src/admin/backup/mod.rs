//! All definitions of the database in one file, and back again.
//!
//! A backup has every entry as the database holds it, and API keys as their hashes, so clients go on with the keys they
//! have. It has no password, no login, no token and no record of what happened: those are in a copy of the whole
//! database. [`plan`] says what a restore would change, [`apply`] changes it, in the caller's transaction and in the
//! history, so that each change can be undone by itself.
//!
//! `file` is what is written and read, `restore` what becomes of it.

mod file;
mod restore;

pub use file::{Backup, BackupError};
pub use restore::{ChangeWord, Plan, PlannedChange, Skipped, apply, plan};

#[cfg(test)]
mod tests;
