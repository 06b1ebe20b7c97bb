//! A key as pages and scripts see it, wherever it was made. The key itself is nowhere.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::json;
use serde_with_macros::skip_serializing_none;

use super::super::expiry::Left;
use super::super::{ConfiguredKey, Shared};
use super::problems_of_models;
use crate::catalog::{Catalog, version_of};
use crate::clock::UnixMillis;
use crate::config::Problem;
use crate::store::keys::{self, StoredKey};
use crate::store::usage::{self, Counters, Dimension};
use crate::store::{Conn, StoreError};

const DAY_MS: i64 = 86_400_000;
/// How far the sums go back.
const USAGE_DAYS: i64 = 30;

/// A key.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub(in crate::admin) struct ShownKey {
    /// Of a key made here.
    pub(in crate::admin) id: Option<String>,
    pub(in crate::admin) name: String,
    pub(in crate::admin) origin: Origin,
    /// Where a key stands that was not made here.
    pub(in crate::admin) place: Option<String>,
    /// The first characters of the key.
    pub(in crate::admin) shown_prefix: Option<String>,
    pub(in crate::admin) state: State,
    pub(in crate::admin) tags: Vec<String>,
    /// Patterns of the models it may use; empty: all.
    pub(in crate::admin) models: Vec<String>,
    pub(in crate::admin) created_ms: Option<UnixMillis>,
    pub(in crate::admin) expires_ms: Option<UnixMillis>,
    pub(in crate::admin) revoked_ms: Option<UnixMillis>,
    /// Of a key that was not made here: to the hour, and within the last 30 days only.
    pub(in crate::admin) last_used_ms: Option<UnixMillis>,
    /// Changes whenever tags, models or expiry do.
    pub(in crate::admin) version: Option<String>,
    /// What was done under its name.
    pub(in crate::admin) last_30_days: Option<Counters>,
    pub(in crate::admin) problems: Vec<Problem>,
}

/// Who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::admin) enum Origin {
    /// It stands in `relay.yaml`.
    File,
    /// It stands in `API_KEYS`.
    Environment,
    /// It was made here or on the command line.
    Database,
}

/// Whether it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::admin) enum State {
    Active,
    /// It is, for another week at most.
    ExpiresSoon,
    Expired,
    Revoked,
}

/// What was done under each name in the last 30 days.
struct Done {
    sums: HashMap<String, Counters>,
    last_hours: HashMap<String, UnixMillis>,
}

impl Done {
    fn read(conn: &mut Conn<'_>, now: UnixMillis) -> Result<Self, StoreError> {
        let from = usage::hour_of(UnixMillis(now.0 - USAGE_DAYS * DAY_MS));
        let to = UnixMillis(i64::MAX);
        Ok(Self {
            sums: usage::sums_by(conn, Dimension::Key, from, to)?.into_iter().collect(),
            last_hours: usage::last_hours_by(conn, Dimension::Key, from, to)?.into_iter().collect(),
        })
    }

    fn by(&self, name: &str) -> Counters {
        self.sums.get(name).copied().unwrap_or_default()
    }
}

/// All of them: those of file and environment, those in use, then the revoked ones, latest first.
pub(in crate::admin) fn all(
    shared: &Shared,
    conn: &mut Conn<'_>,
    now: UnixMillis,
) -> Result<Vec<ShownKey>, StoreError> {
    let (stored, done) = conn.read(|tx| Ok((keys::list(tx)?, Done::read(tx, now)?)))?;
    let mut shown: Vec<_> = shared.in_force.configured_keys().iter().map(|key| configured(key, &done)).collect();
    let (mut revoked, in_use): (Vec<_>, Vec<_>) = stored.into_iter().partition(|key| key.revoked.is_some());
    revoked.sort_by_key(|key| std::cmp::Reverse(key.revoked));
    let catalog = shared.catalog.load();
    shown.extend(in_use.into_iter().map(|key| from_the_database(&catalog, key, &done, now)));
    let names: BTreeSet<String> = shown.iter().map(|key| key.name.clone()).collect();
    shown.extend(revoked.into_iter().map(|key| {
        let mut revoked = from_the_database(&catalog, key, &done, now);
        // What is done under a name is not told apart by key: it is shown with the one in use.
        revoked.last_30_days = revoked.last_30_days.filter(|_| !names.contains(&revoked.name));
        revoked
    }));
    Ok(shown)
}

/// A key of the database.
pub(in crate::admin) fn one(
    shared: &Shared,
    conn: &mut Conn<'_>,
    key: StoredKey,
    now: UnixMillis,
) -> Result<ShownKey, StoreError> {
    Ok(from_the_database(&shared.catalog.load(), key, &Done::read(conn, now)?, now))
}

/// The version of what can be changed of a key.
pub(in crate::admin) fn version(key: &StoredKey) -> String {
    version_of(&json!([key.tags, key.models, key.expires]).to_string())
}

fn configured(key: &ConfiguredKey, done: &Done) -> ShownKey {
    ShownKey {
        id: None,
        name: key.name.clone(),
        origin: if key.place.is_some() { Origin::File } else { Origin::Environment },
        place: Some(key.place.clone().unwrap_or_else(|| "API_KEYS".to_owned())),
        shown_prefix: None,
        state: State::Active,
        tags: key.tags.clone(),
        models: Vec::new(),
        created_ms: None,
        expires_ms: None,
        revoked_ms: None,
        last_used_ms: done.last_hours.get(&key.name).copied(),
        version: None,
        last_30_days: Some(done.by(&key.name)),
        problems: Vec::new(),
    }
}

fn from_the_database(catalog: &Catalog, key: StoredKey, done: &Done, now: UnixMillis) -> ShownKey {
    let is_revoked = key.revoked.is_some();
    ShownKey {
        state: state(&key, now),
        version: (!is_revoked).then(|| version(&key)),
        last_30_days: Some(done.by(&key.name)),
        problems: if is_revoked { Vec::new() } else { problems_of_models(catalog, &key.models) },
        id: Some(key.id),
        name: key.name,
        origin: Origin::Database,
        place: None,
        shown_prefix: Some(key.shown_prefix),
        tags: key.tags,
        models: key.models,
        created_ms: Some(key.created),
        expires_ms: key.expires,
        revoked_ms: key.revoked,
        last_used_ms: key.last_used,
    }
}

fn state(key: &StoredKey, now: UnixMillis) -> State {
    match (key.revoked, Left::until(key.expires, now)) {
        (Some(_), _) => State::Revoked,
        (None, Left::Nothing) => State::Expired,
        (None, Left::Little) => State::ExpiresSoon,
        (None, Left::Long) => State::Active,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::new_key;

    #[test]
    fn a_key_is_active_until_it_expires_or_is_revoked() {
        let now = UnixMillis(1_000 * DAY_MS);
        let of = |expires: Option<i64>, revoked: Option<i64>| {
            let expires = expires.map(|days| UnixMillis(now.0 + days * DAY_MS));
            let mut key = new_key().to_stored("a", vec![], vec![], expires, UnixMillis(1));
            key.revoked = revoked.map(UnixMillis);
            state(&key, now)
        };
        assert_eq!(of(None, None), State::Active);
        assert_eq!(of(Some(8), None), State::Active);
        assert_eq!(of(Some(7), None), State::ExpiresSoon);
        assert_eq!(of(Some(0), None), State::Expired);
        assert_eq!(of(Some(8), Some(1)), State::Revoked);
    }

    #[test]
    fn a_version_is_of_what_can_be_changed_and_nothing_else() {
        let key = new_key().to_stored("a", vec!["t".into()], vec!["m".into()], None, UnixMillis(1));
        let used = StoredKey { last_used: Some(UnixMillis(5)), ..key.clone() };
        assert_eq!(version(&key), version(&used));
        for changed in [
            StoredKey { tags: vec![], ..key.clone() },
            StoredKey { models: vec![], ..key.clone() },
            StoredKey { expires: Some(UnixMillis(0)), ..key.clone() },
            StoredKey { tags: vec!["m".into()], models: vec!["t".into()], ..key.clone() },
        ] {
            assert_ne!(version(&key), version(&changed));
        }
    }
}
