//! Who asks: keys, tags, ids.

use std::hint::black_box;

use llm_relay::auth::{AuthMode, KeyRing, NewKey, new_key, tags};
use llm_relay::clock::UnixNanos;
use llm_relay::secret::Secret;

use super::NOW;
use crate::case::Case;

/// Keys of an organisation.
const KEYS: usize = 200;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("caller: known key", || check(AuthMode::Keys, true, true)),
        Case::new("caller: unknown key refused", || check(AuthMode::Keys, false, false)),
        Case::new("caller: open mode, credential is a tag", || {
            let ring = KeyRing::default();
            move || {
                let principal =
                    ring.authenticate(AuthMode::Open, black_box(Some("Bearer research")), None, NOW.millis());
                principal.map_or(0, |principal| principal.tags.len())
            }
        }),
        Case::new("caller: union of three tags", || {
            || tags::union::<String>(black_box(["research", "team-blue,nightly"])).map_or(0, |tags| tags.len())
        }),
        Case::new("caller: time stamp as Ollama writes it", || || black_box(NOW).to_rfc3339().len()),
        Case::new("caller: clock read", || || usize::from(UnixNanos::now().0 > 0)),
    ]
}

/// A check of one key among many.
fn check(mode: AuthMode, is_known: bool, passes: bool) -> impl FnMut() -> usize {
    let keys: Vec<NewKey> = (0..KEYS)
        .map(|number| NewKey {
            name: format!("key-{number}"),
            key: Secret::new(format!("sk-relay-{number:043}")),
            tags: vec!["research".to_owned()],
            models: Vec::new(),
        })
        .collect();
    let ring = KeyRing::new(keys, Vec::new());
    let key = if is_known { Secret::new(format!("sk-relay-{:043}", 77)) } else { new_key().key };
    let header = format!("Bearer {}", key.expose());
    move || {
        let principal = ring.authenticate(mode, black_box(Some(&header)), None, NOW.millis());
        usize::from(principal.is_ok() == passes)
    }
}
