//! Looks up what clients' addresses are called, where the operator wants it: after the answers, one address at a time,
//! never in anybody's way.
//!
//! The system's own resolver is asked, so names of `/etc/hosts` and of the local network are found as everywhere. It
//! may take its time; a lookup has a thread of its own and is not waited for longer than [`PATIENCE`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::configuration::Configuration;
use crate::clock::UnixMillis;
use crate::store::{Store, StoreError, client_names};

/// How often it is looked whether there are new addresses.
const EVERY: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);
/// Addresses looked up in a row.
const BATCH: u32 = 16;
const HOUR_MS: i64 = 3_600_000;
/// Addresses seen in this time get a name.
const SEEN_MS: i64 = 48 * HOUR_MS;
/// A name is good for a day, and so is it that there is none.
const GOOD_MS: i64 = 24 * HOUR_MS;

/// The task. While it is switched off it does nothing but look whether it still is; what was known is forgotten then.
pub(super) async fn run(store: Store, configuration: Arc<Configuration>, stop: CancellationToken) {
    let mut may_know = true;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if !configuration.live().reverse_dns {
            if may_know {
                may_know = store.run(client_names::forget).await.is_err();
            }
            continue;
        }
        may_know = true;
        tokio::select! {
            () = stop.cancelled() => return,
            looked = look_up_some(&store, UnixMillis::now()) => {
                if let Err(error) = looked {
                    tracing::debug!(%error, "cannot note names of clients");
                }
            }
        }
    }
}

async fn look_up_some(store: &Store, now: UnixMillis) -> Result<(), StoreError> {
    let (seen_since, good_since) = (UnixMillis(now.0 - SEEN_MS), UnixMillis(now.0 - GOOD_MS));
    let wanted = store.run(move |conn| client_names::wanted(conn, seen_since, good_since, BATCH)).await?;
    for client in wanted {
        let name = match client.parse() {
            Ok(address) => look_up(address).await,
            Err(_) => None,
        };
        store.run(move |conn| client_names::note(conn, &client, name.as_deref(), UnixMillis::now())).await?;
    }
    Ok(())
}

/// What an address is called, if anybody knows.
async fn look_up(address: IpAddr) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is no work for the database, and nobody waits for it")]
    let lookup = tokio::task::spawn_blocking(move || dns_lookup::lookup_addr(&address));
    let name = tokio::time::timeout(PATIENCE, lookup).await.ok()?.ok()?.ok()?;
    // Where there is no name the resolver says the address. What it says comes from whoever has the address.
    let name = name.trim_end_matches('.');
    let is_name = name.parse::<IpAddr>().is_err() && !name.is_empty() && name.len() <= 253;
    (is_name && name.chars().all(|c| !c.is_control())).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::usage::{Counters, Dimensions, add_all, hour_of};

    #[tokio::test]
    async fn an_address_that_sent_something_is_looked_up_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let now = UnixMillis::now();
        store
            .run(move |conn| {
                let seen = |client| Dimensions { hour: hour_of(now), client, ..Dimensions::default() };
                add_all(conn, &[seen("127.0.0.1"), seen("no address")].map(|one| (one, Counters::default())).into())
            })
            .await
            .unwrap();
        look_up_some(&store, now).await.unwrap();
        let wanted = store.run(move |conn| client_names::wanted(conn, UnixMillis(0), now, 9)).await.unwrap();
        assert_eq!(wanted, Vec::<String>::new(), "what is not known is not asked again at once");
        let names = store.run(|conn| client_names::names(conn, ["127.0.0.1", "no address"].into_iter())).await.unwrap();
        // Every system that has a name for it calls it so.
        assert!(names.values().all(|name| name.contains("localhost")), "{names:?}");
    }
}
