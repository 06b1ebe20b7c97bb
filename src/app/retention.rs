//! Deletes what is to be kept for a time only: prompts, where they are kept at all.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::UnixMillis;
use crate::store::{Store, prompts};

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Not at the very start, which has enough to do.
const FIRST: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 86_400_000;

/// The task that deletes prompts older than this many days, in small batches, once an hour.
pub(super) async fn run(store: Store, days: u32, stop: CancellationToken) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => wait = EVERY,
        }
        let before = UnixMillis(UnixMillis::now().0.saturating_sub(i64::from(days) * DAY_MS));
        while !stop.is_cancelled() {
            match store.run(move |conn| prompts::forget_some(conn, before)).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old prompts cannot be deleted now");
                    break;
                }
            }
        }
    }
}
