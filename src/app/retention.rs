//! Deletes what is to be kept for a time only: prompts, where they are kept at all, and keys of providers that were taken
//! out.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::UnixMillis;
use crate::store::{Store, StoreError, prompts, sealed_keys};

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Not at the very start, which has enough to do.
const FIRST: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 86_400_000;

/// The task that deletes prompts older than this many days, in small batches, and keys nobody uses, once an hour.
pub(super) async fn run(store: Store, days: u32, stop: CancellationToken) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => wait = EVERY,
        }
        if let Err(error) = forget(&store, days, UnixMillis::now(), &stop).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old prompts cannot be deleted now");
        }
        if let Err(error) = store.run(|conn| sealed_keys::forget_removed(conn, UnixMillis::now())).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "keys nobody uses cannot be deleted now");
        }
    }
}

/// Deletes the prompts that are older than this many days now.
async fn forget(store: &Store, days: u32, now: UnixMillis, stop: &CancellationToken) -> Result<(), StoreError> {
    let before = UnixMillis(now.0.saturating_sub(i64::from(days) * DAY_MS));
    while !stop.is_cancelled() && store.run(move |conn| prompts::forget_some(conn, before)).await? {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::prompts::KeptPrompt;

    #[tokio::test]
    async fn prompts_are_kept_for_their_days_and_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let now = UnixMillis(100 * DAY_MS);
        let prompt = |id: &str, started| KeptPrompt {
            request_id: id.to_owned(),
            started: UnixMillis(started),
            endpoint: "/api/chat".into(),
            body: "{}".into(),
        };
        let (old, young) = (prompt("old", 93 * DAY_MS - 1), prompt("young", 93 * DAY_MS));
        let kept = young.clone();
        store.run(move |conn| prompts::insert(conn, &old).and_then(|()| prompts::insert(conn, &young))).await.unwrap();
        forget(&store, 7, now, &CancellationToken::new()).await.unwrap();
        let left = store.run(|conn| Ok((prompts::find(conn, "old")?, prompts::find(conn, "young")?))).await.unwrap();
        assert_eq!(left, (None, Some(kept)));
    }
}
