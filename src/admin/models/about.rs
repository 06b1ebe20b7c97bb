//! Everything about one model.

use serde::Serialize;
use serde_json::Value;
use serde_with_macros::skip_serializing_none;

use super::select::{ListedRow, Uses, period};
use crate::catalog::{Catalog, Fact, Model, Price, ProviderState, User, version_of};
use crate::clock::UnixMillis;
use crate::config::PriceEntry;
use crate::entry_kind::EntryKind;
use crate::protocol::ListedModel;
use crate::store::entries::{self, StoredEntry};
use crate::store::usage::{self, Counters, Dimension};
use crate::store::{Conn, StoreError, prices};

/// Prices of the past that are shown.
const PRICES: u32 = 100;
const DAY_MS: i64 = 86_400_000;

/// Everything about one model.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct About {
    #[serde(flatten)]
    pub(in crate::admin) row: ListedRow,
    /// Where each fact comes from; the last one of each is in force.
    pub(in crate::admin) facts: Vec<Fact>,
    /// Newest first; the first one is in force, unless the price is not known now.
    pub(in crate::admin) price_history: Vec<PastPrice>,
    /// The names that lead to it.
    pub(in crate::admin) used_by: Vec<User>,
    /// Days of the last thirty on which it was used.
    pub(in crate::admin) days: Vec<Day>,
    /// What is said of it on the admin listener.
    #[serde(rename = "override")]
    pub(in crate::admin) entry: Option<Said>,
    /// What its provider lacks: a setting, or why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::admin) missing: Option<String>,
}

/// What is said of it on the admin listener.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Said {
    pub(in crate::admin) version: String,
    pub(in crate::admin) updated_ms: UnixMillis,
    /// Its JSON, whatever it is.
    pub(in crate::admin) model: Value,
}

/// A price and since when it was in force.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub(in crate::admin) struct PastPrice {
    pub(in crate::admin) from_ms: UnixMillis,
    /// Absent: it still is.
    pub(in crate::admin) to_ms: Option<UnixMillis>,
    /// What records call it.
    pub(in crate::admin) id: String,
    pub(in crate::admin) source: String,
    pub(in crate::admin) price: PriceEntry,
}

/// What was used on a day.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Day {
    /// Its first moment, UTC.
    pub(in crate::admin) from_ms: UnixMillis,
    #[serde(flatten)]
    pub(in crate::admin) sums: Counters,
}

impl About {
    /// Gathers it.
    pub(in crate::admin) fn read(
        catalog: &Catalog,
        model: &Model,
        listed: Option<&ListedModel>,
        conn: &mut Conn<'_>,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        let name = model.name();
        let (stored, history, days) = conn.read(|tx| {
            let stored = entries::get(tx, EntryKind::Model, &name)?;
            let history = prices::history(tx, &model.provider.id, &model.profile.id, PRICES)?;
            let period = period(now);
            let hours = usage::series(tx, (Dimension::Model, &name), period.from, period.to)?;
            Ok((stored, history, by_day(&hours)))
        })?;
        let mut used = Counters::default();
        days.iter().for_each(|day| used.add(&day.sums));
        let uses: Uses = (!days.is_empty()).then_some((name, used)).into_iter().collect();
        Ok(Self {
            row: ListedRow::new(catalog, model, &uses),
            facts: catalog.facts(model, listed),
            price_history: past(history, model.price.as_deref())?,
            used_by: catalog.users_of(model),
            days,
            entry: stored.as_ref().map(said),
            missing: match &model.provider.state {
                ProviderState::NoKey(setting) => Some(setting.clone()),
                ProviderState::Unusable(reason) => Some(reason.clone()),
                ProviderState::Ready | ProviderState::Disabled => None,
            },
        })
    }
}

fn said(stored: &StoredEntry) -> Said {
    Said {
        version: version_of(&stored.definition),
        updated_ms: stored.updated,
        model: serde_json::from_str(&stored.definition).unwrap_or_else(|_| Value::from(stored.definition.as_str())),
    }
}

/// The row in force may have been taken back meanwhile: then its end is not known, and the price is not known either.
fn past(history: Vec<prices::DatedPrice>, now: Option<&Price>) -> Result<Vec<PastPrice>, StoreError> {
    let mut later = None;
    let mut all = Vec::with_capacity(history.len());
    for dated in history {
        let price: Price = serde_json::from_str(&dated.row.values)
            .map_err(|error| StoreError::Unreadable { what: "price", source: error.into() })?;
        all.push(PastPrice {
            from_ms: dated.from,
            to_ms: later,
            // The same price may be said by somebody else by now.
            source: match now {
                Some(now) if later.is_none() && now.id == dated.row.id => now.source.clone(),
                Some(_) | None => dated.row.source,
            },
            id: dated.row.id,
            price: price.to_entry(),
        });
        later = Some(dated.from);
    }
    Ok(all)
}

fn by_day(hours: &[(UnixMillis, Counters)]) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for (hour, sums) in hours {
        let from_ms = UnixMillis(hour.0.div_euclid(DAY_MS) * DAY_MS);
        match days.last_mut() {
            Some(day) if day.from_ms == from_ms => day.sums.add(sums),
            Some(_) | None => days.push(Day { from_ms, sums: *sums }),
        }
    }
    days
}
