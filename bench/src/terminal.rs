//! Where messages go: progress to standard error, the table to standard output.

use std::io::Write;

/// Says what is going on.
pub(crate) fn progress(message: &str) {
    // Nobody to tell it to is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// Prints a result.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    Ok(write!(std::io::stdout(), "{text}")?)
}
