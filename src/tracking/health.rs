//! How providers are doing, as the latest calls of them ended.

use std::collections::BTreeMap;

use super::ErrorClass;
use crate::clock::UnixMillis;
use crate::store::requests::{self, Ending};
use crate::store::{Conn, StoreError};

/// Calls looked at, at most: the newest, whomever they went to.
const LOOKED_AT: u32 = 300;
/// Older calls say nothing about now.
const WITHIN_MS: i64 = 24 * 3_600_000;

/// What a provider's latest calls say. Those that failed through no fault of its own say that it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Calls looked at.
    pub calls: u32,
    /// Those that failed, and it was the provider.
    pub failures: u32,
    /// How many of the newest failed, one after the other, up to now.
    pub failures_in_a_row: u32,
    /// When the newest call began.
    pub last_call: UnixMillis,
    /// The newest failure: when, of what kind, and in words.
    pub last_failure: Option<(UnixMillis, ErrorClass, String)>,
}

/// Per provider that was called lately.
///
/// # Errors
/// When the database cannot be read.
pub fn health(conn: &mut Conn<'_>, now: UnixMillis) -> Result<BTreeMap<String, Health>, StoreError> {
    let since = UnixMillis(now.0.saturating_sub(WITHIN_MS));
    Ok(sum_up(requests::endings(conn, since, LOOKED_AT)?))
}

/// From the newest to the oldest.
fn sum_up(endings: Vec<Ending>) -> BTreeMap<String, Health> {
    let mut providers: BTreeMap<String, Health> = BTreeMap::new();
    // Requests that never came as far as a provider have none.
    for ending in endings.into_iter().filter(|ending| !ending.provider.is_empty()) {
        let health = providers.entry(ending.provider).or_insert(Health {
            calls: 0,
            failures: 0,
            failures_in_a_row: 0,
            last_call: ending.started,
            last_failure: None,
        });
        let error = ending.error.as_deref();
        let class = ErrorClass::ALL.into_iter().find(|class| error == Some(class.as_str()));
        if let Some(class) = class.filter(|class| class.blames_target()) {
            health.failures_in_a_row += u32::from(health.failures == health.calls);
            health.failures += 1;
            health.last_failure.get_or_insert((ending.started, class, ending.message.unwrap_or_default()));
        }
        health.calls += 1;
    }
    providers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_provider_is_to_blame_for_counts_and_the_newest_say_how_it_is_now() {
        let ending = |provider: &str, started, error: Option<&str>| Ending {
            provider: provider.to_owned(),
            started: UnixMillis(started),
            error: error.map(str::to_owned),
            message: error.map(|word| format!("{word} at {started}")),
        };
        let found = sum_up(vec![
            ending("down", 9, Some("connect")),
            ending("well", 8, Some("bad_request")),
            ending("down", 7, Some("timeout")),
            ending("", 6, Some("bad_request")),
            ending("down", 5, None),
            ending("well", 4, Some("provider")),
            ending("down", 3, Some("connect")),
        ]);
        let failure = |at, class, words: &str| Some((UnixMillis(at), class, words.to_owned()));
        let down = Health {
            calls: 4,
            failures: 3,
            failures_in_a_row: 2,
            last_call: UnixMillis(9),
            last_failure: failure(9, ErrorClass::Connect, "connect at 9"),
        };
        let well = Health {
            calls: 2,
            failures: 1,
            failures_in_a_row: 0,
            last_call: UnixMillis(8),
            last_failure: failure(4, ErrorClass::Provider, "provider at 4"),
        };
        assert_eq!(found, [("down".to_owned(), down), ("well".to_owned(), well)].into());
    }
}
