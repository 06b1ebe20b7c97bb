//! Deletes what is to be kept for a time only (bodies, usage records, decisions, keys of providers that were taken out), and
//! gives the room back.
//!
//! A relay with a million records shall not feel it: rows go in small transactions, and after each of them the task
//! sleeps for as long as it took, so that whoever writes records has at least every other moment to itself. Sums per hour
//! stay, so reports do not change.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::configuration::Configuration;
use crate::clock::UnixMillis;
use crate::config::LiveSettings;
use crate::store::{Conn, Store, StoreError, decisions, prompts, requests, sealed_keys};

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Not at the very start, which has enough to do.
const FIRST: Duration = Duration::from_secs(60);
/// How soon a changed setting acts: not before whoever changed it could take it back.
const AFTER_CHANGE: Duration = Duration::from_secs(30);
/// The shortest pause between two batches.
const PAUSE: Duration = Duration::from_millis(5);
const DAY_MS: i64 = 86_400_000;
/// Given back at once.
const GIVEN_BACK: u64 = 4 << 20;
/// What may stay free: it will be needed again soon.
const SPARE: u64 = 1 << 20;
/// Up to this size a file that does not shrink by itself is written anew, which takes less than a second.
const SMALL: u64 = 64 << 20;

/// Deletes a batch; `false`: there was nothing left to delete.
type Forget = fn(&mut Conn<'_>, UnixMillis) -> Result<bool, StoreError>;

/// The task that deletes what has had its time: once an hour, soon after a setting has changed,
/// and when somebody wants it done now.
pub(super) async fn run(store: Store, configuration: Arc<Configuration>, stop: CancellationToken) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = configuration.settings_changed() => {
                wait = AFTER_CHANGE;
                continue;
            }
            () = configuration.tidying_wanted() => {}
            () = tokio::time::sleep(wait) => wait = EVERY,
        }
        if let Err(error) = forget(&store, &configuration.live(), UnixMillis::now(), &stop).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "what has had its time cannot be deleted now");
        }
        if let Err(error) = store.run(|conn| sealed_keys::forget_removed(conn, UnixMillis::now())).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "keys nobody uses cannot be deleted now");
        }
    }
}

/// Deletes all that is older now than the settings say.
async fn forget(
    store: &Store,
    live: &LiveSettings,
    now: UnixMillis,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    let kinds: [(Option<u32>, Forget); 3] = [
        (Some(live.keep_prompts_days), prompts::forget_some),
        (live.keep_decisions_days, decisions::forget_some),
        (live.keep_requests_days, requests::forget_some),
    ];
    let mut has_deleted = false;
    for (days, forget_some) in kinds {
        let Some(days) = days else { continue };
        let before = UnixMillis(now.0.saturating_sub(i64::from(days) * DAY_MS));
        while !stop.is_cancelled() {
            let begun = Instant::now();
            if !store.run(move |conn| forget_some(conn, before)).await? {
                break;
            }
            has_deleted = true;
            tokio::time::sleep(begun.elapsed().max(PAUSE)).await;
        }
    }
    if has_deleted { give_back(store, stop).await } else { Ok(()) }
}

async fn give_back(store: &Store, stop: &CancellationToken) -> Result<(), StoreError> {
    let space = store.run(|conn| conn.file_space()).await?;
    if !space.shrinks {
        if space.total_bytes <= SMALL && space.free_bytes > SPARE {
            store.run(|conn| conn.compact()).await?;
        }
        return Ok(());
    }
    let mut free_bytes = space.free_bytes;
    while !stop.is_cancelled() && free_bytes > SPARE {
        let begun = Instant::now();
        let left = store.run(|conn| conn.give_back(GIVEN_BACK).and_then(|()| conn.file_space())).await?.free_bytes;
        if left >= free_bytes {
            break;
        }
        free_bytes = left;
        tokio::time::sleep(begun.elapsed().max(PAUSE)).await;
    }
    tracing::info!(size_bytes = space.free_bytes.saturating_sub(free_bytes), "room of deleted records given back");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::prompts::KeptPrompt;

    #[tokio::test]
    async fn what_is_kept_for_days_is_kept_for_its_days_and_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let now = UnixMillis(100 * DAY_MS);
        let prompt = |id: &str, started| KeptPrompt {
            request_id: id.to_owned(),
            started: UnixMillis(started),
            endpoint: "/api/chat".into(),
            body: "x".repeat(8000),
        };
        let kept = prompt("young", 93 * DAY_MS);
        let young = kept.clone();
        store
            .run(move |conn| {
                prompts::insert(conn, &young)?;
                (0..500).try_for_each(|number| prompts::insert(conn, &prompt(&number.to_string(), 93 * DAY_MS - 1)))
            })
            .await
            .unwrap();
        let before = store.run(|conn| conn.file_space()).await.unwrap();
        forget(&store, &LiveSettings::default(), now, &CancellationToken::new()).await.unwrap();
        let left =
            store.run(move |conn| Ok((prompts::counts(conn, now)?, prompts::find(conn, "young")?))).await.unwrap();
        assert_eq!(left, ((1, 0), Some(kept)));
        let after = store.run(|conn| conn.file_space()).await.unwrap();
        assert!(after.total_bytes + 2_000_000 < before.total_bytes, "{before:?} {after:?}");
    }
}
