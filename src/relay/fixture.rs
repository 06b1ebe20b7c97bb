//! A relay for tests of others, which calls nobody.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Relay;
use crate::providers::{Timeouts, Transport};
use crate::tracking::Journal;

/// A relay whose records go to a journal in `folder`.
pub(crate) fn idle_relay(folder: &Path) -> Relay {
    let second = Duration::from_secs(1);
    let timeouts = Timeouts { connect: second, first_byte: second, idle: second };
    let journal = Journal::open(&folder.join("journal")).unwrap();
    Relay::new(Arc::new(Transport::new(timeouts)), Arc::new(journal), second)
}
