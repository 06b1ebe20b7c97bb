//! The first page: what is spent and where that leads, how long answers take, who is well, what happened last. Where
//! nothing was answered yet it leads to the first answer. Finished values; the template decides nothing.

mod guide;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;

use super::reply::{self, Reply};
use super::requests::RequestRow;
use super::usage::{Question, bars};
use super::{Shared, words};
use crate::auth::AuthMode;
use crate::catalog::{Catalog, Provider};
use crate::clock::UnixMillis;
use crate::store::{Conn, StoreError, keys, usage};
use crate::tracking::{
    self, Asked, Detail, Dimension, Filters, Health, Latency, MonthSoFar, Period, Place, Search, UsageRecord,
};
use guide::Guide;
use rows::{Card, Group, ProviderRow};

/// Requests shown.
const RECENT: u32 = 10;
/// Rows of the tables of tags and models.
const TOP: usize = 5;
/// Days of the picture, and of what tags and models are summed up over.
const DAYS: i64 = 30;
/// The address of the same stretch of time on the page of usage.
const DAYS_WORD: &str = "30d";

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    version: &'static str,
    uptime: String,
    /// When the page was made.
    now: String,
    /// Where the API is, for people.
    api: String,
    /// Until the first answer.
    guide: Option<Guide>,
    cards: Vec<Card>,
    bars: Vec<super::usage::Bar>,
    /// The picture in words, and the day it begins with.
    bars_words: String,
    bars_from: String,
    /// There is something to be summed up.
    has_numbers: bool,
    groups: [Group; 2],
    ready: Vec<ProviderRow>,
    /// Providers that are known but cannot be called.
    waiting: Vec<ProviderRow>,
    requests: Vec<RequestRow>,
}

/// What the store knows at one moment.
struct Numbers {
    /// Today and yesterday at this time.
    today: Detail,
    month: MonthSoFar,
    /// The last 24 hours.
    day: tracking::Counters,
    latency: Latency,
    by_tag: Detail,
    by_model: Detail,
    health: BTreeMap<String, Health>,
    recent: Vec<UsageRecord>,
    /// Some request was answered, ever.
    has_answered: bool,
    /// Keys that may be used; configured ones are not among them.
    has_key: bool,
}

/// The page.
pub(super) async fn page(shared: &Shared) -> Reply {
    let now = UnixMillis::now();
    match shared.store.run(move |conn| conn.read(|tx| read(tx, now))).await {
        Ok(numbers) => reply::page(200, &overview(shared, &numbers, now)),
        Err(error) => reply::no_database(&error),
    }
}

/// One moment for the whole page: a record written meanwhile is in every number or in none.
fn read(conn: &mut Conn<'_>, now: UnixMillis) -> Result<Numbers, StoreError> {
    let sums = |conn: &mut Conn<'_>, by, period| {
        tracking::usage(conn, &Asked { by, period, filters: Filters::new(), limit: TOP, step: None })
    };
    let days = Period::last_days(DAYS, now);
    let day = Period { from: UnixMillis(days.to.0 - 24 * 3_600_000), to: days.to };
    let (by_tag, by_model) = (sums(conn, Dimension::Tag, days)?, sums(conn, Dimension::Model, days)?);
    let has_answered = |sums: &tracking::Counters| sums.requests > sums.errors;
    Ok(Numbers {
        today: sums(conn, Dimension::Provider, Period::last_days(1, now))?,
        month: tracking::month_so_far(conn, now)?,
        day: usage::total(conn, day.from, day.to)?,
        latency: tracking::latency(conn, day)?,
        health: tracking::health(conn, now)?,
        recent: tracking::search(conn, &Search::default(), &Place::Newest, RECENT)?.rows,
        // Only who has been idle for a month has to look further back.
        has_answered: has_answered(&by_model.total) || has_answered(&usage::total(conn, UnixMillis(0), days.to)?),
        has_key: keys::list(conn)?.iter().any(|key| key.revoked.is_none()),
        by_tag,
        by_model,
    })
}

fn overview(shared: &Shared, numbers: &Numbers, now: UnixMillis) -> Overview {
    let catalog: Arc<Catalog> = shared.catalog.load_full();
    let (ready, waiting) = catalog.providers().iter().partition::<Vec<_>, _>(|provider| provider.is_ready());
    let rows = |providers: Vec<&Arc<Provider>>| {
        let row = |one: &Arc<Provider>| ProviderRow::new(one, &catalog, numbers.health.get(&one.id), now);
        providers.into_iter().map(row).collect::<Vec<_>>()
    };
    let ready = rows(ready);
    let api = shared.policy.api_address;
    let guide = (!numbers.has_answered).then(|| {
        let needs_key = shared.policy.auth_mode == AuthMode::Keys;
        Guide::new(&catalog, api, needs_key, numbers.has_key, numbers.recent.first())
    });
    let usage = Question::default().during(DAYS_WORD);
    let total = &numbers.by_model.total;
    Overview {
        version: env!("CARGO_PKG_VERSION"),
        uptime: words::duration(shared.started.elapsed()),
        now: words::moment(now, "%Y-%m-%d %H:%M:%S UTC"),
        api: guide::api_in_words(api),
        cards: vec![
            Card::today(&numbers.today),
            Card::month(&numbers.month, now),
            Card::requests(&numbers.day, shared.instruments.api_requests.under_way()),
            Card::times(&numbers.latency),
        ],
        bars: bars(&numbers.by_model),
        bars_words: format!("{} in {DAYS} days", words::cost_of(total, rows::SUM_PLACES)),
        bars_from: words::moment(numbers.by_model.period.from, "%b %-d"),
        has_numbers: guide.is_none() || !numbers.recent.is_empty(),
        guide,
        groups: [
            Group::new("Top tags", "Tag", &numbers.by_tag, &usage.by(Dimension::Tag)),
            Group::new("Top models", "Model", &numbers.by_model, &usage.by(Dimension::Model)),
        ],
        ready,
        waiting: rows(waiting),
        requests: numbers.recent.iter().map(|record| RequestRow::new(record, now)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::tracking::{Journal, Recorder};

    #[test]
    fn every_number_of_a_page_speaks_of_the_same_moment() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let journal = Arc::new(Journal::open(&folder.path().join("journal")).unwrap());
        let recorder = Recorder::new(store.clone(), Arc::clone(&journal));
        std::thread::scope(|scope| {
            // Each page meets several commits, so that a page of many moments would show.
            let writer = scope.spawn(|| {
                for id in 0..50 {
                    journal.append(&UsageRecord {
                        id: id.to_string(),
                        started: UnixMillis::now(),
                        status: 200,
                        ..UsageRecord::default()
                    });
                    recorder.copy_all_blocking().unwrap();
                }
            });
            loop {
                let is_last = writer.is_finished();
                let now = UnixMillis::now();
                let numbers = store.blocking(|conn| conn.read(|tx| read(tx, now))).unwrap();
                let seen = numbers.day.requests;
                let totals = [numbers.by_tag.total, numbers.by_model.total].map(|total| total.requests);
                assert_eq!((totals, numbers.latency.total.answers), ([seen, seen], seen));
                assert_eq!((numbers.recent.len() as i64, numbers.has_answered), (seen.min(RECENT.into()), seen > 0));
                if is_last {
                    assert_eq!(seen, 50);
                    break;
                }
            }
        });
    }
}
