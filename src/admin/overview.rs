//! The first page: what is ready, who spent what, what happened last. Finished values; the template decides nothing.

mod rows;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use askama::Template;

use super::reply::{self, Reply};
use super::requests::RequestRow;
use super::{Shared, words};
use crate::auth::AuthMode;
use crate::catalog::{Catalog, ListedKind, Provider};
use crate::clock::UnixMillis;
use crate::protocol::ModelKind;
use crate::store::{Conn, StoreError, usage};
use crate::tracking::{self, Counters, Dimension, Period, PeriodError, Report, UsageRecord};
use rows::{Card, Group, ProviderRow};

/// Requests shown.
const RECENT: u32 = 20;

/// The periods one can choose, as the report understands them, and in words. The first is the default.
const PERIODS: [(&str, &str); 3] = [("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days")];

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    version: &'static str,
    uptime: String,
    /// When the page was made.
    now: String,
    /// Where the API is, for people.
    api: String,
    /// A command to try.
    example: String,
    ready: Vec<ProviderRow>,
    /// Providers that are known but cannot be called.
    waiting: Vec<ProviderRow>,
    cards: [Card; 3],
    periods: [PeriodLink; 3],
    groups: [Group; 2],
    requests: Vec<RequestRow>,
}

struct PeriodLink {
    value: &'static str,
    words: &'static str,
    /// It is the one shown.
    current: bool,
}

/// What the store knows at one moment.
struct Numbers {
    /// Today, the last seven and the last thirty days.
    totals: [Counters; 3],
    by_tag: Report,
    by_model: Report,
    recent: Vec<UsageRecord>,
}

/// The page.
pub(super) async fn page(shared: &Shared, query: &str) -> Reply {
    let period = chosen_period(query);
    let now = UnixMillis::now();
    let numbers = match shared.store.run(move |conn| read(conn, period, now)).await {
        Ok(numbers) => numbers,
        Err(error) => return reply::no_database(&error),
    };
    reply::page(200, &overview(shared, &numbers, period, now))
}

/// The period of `?period=…`; what is not offered is the default.
fn chosen_period(query: &str) -> &'static str {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("period="));
    let offered = PERIODS.map(|(value, _)| value);
    offered.into_iter().find(|value| asked == Some(value)).unwrap_or(offered[0])
}

/// One moment for the whole page: a record written meanwhile is in every number or in none.
fn read(conn: &mut Conn<'_>, period: &str, now: UnixMillis) -> Result<Numbers, StoreError> {
    let today = words::moment(now, "%Y-%m-%d");
    let total = |conn: &mut Conn<'_>, from: &str| {
        let period = period_from(from, now);
        usage::total(conn, period.from, period.to)
    };
    let period = period_from(period, now);
    let everything = Period { from: UnixMillis(0), to: period.to };
    conn.read(|tx| {
        Ok(Numbers {
            totals: [total(tx, &today)?, total(tx, "7d")?, total(tx, "30d")?],
            by_tag: tracking::report(tx, Dimension::Tag, period)?,
            by_model: tracking::report(tx, Dimension::Model, period)?,
            recent: tracking::recent(tx, everything, RECENT)?,
        })
    })
}

/// From a text of ours to the end of this hour.
fn period_from(from: &str, now: UnixMillis) -> Period {
    Period::parse(Some(from), None, now).unwrap_or_else(|error| match error {
        // In the first millisecond of a day, today has no length yet.
        PeriodError::Unreadable(_) | PeriodError::Backwards | PeriodError::Unknown(_) => Period { from: now, to: now },
    })
}

fn overview(shared: &Shared, numbers: &Numbers, period: &str, now: UnixMillis) -> Overview {
    let catalog = shared.catalog.load_full();
    let (ready, waiting) = catalog.providers().iter().partition::<Vec<_>, _>(|provider| provider.is_ready());
    let rows =
        |providers: Vec<&Arc<Provider>>| providers.into_iter().map(|one| ProviderRow::new(one, &catalog)).collect();
    let [today, week, month] = &numbers.totals;
    let api = shared.policy.api_address;
    Overview {
        version: env!("CARGO_PKG_VERSION"),
        uptime: words::duration(shared.started.elapsed()),
        now: words::moment(now, "%Y-%m-%d %H:%M:%S UTC"),
        api: api_in_words(api),
        example: example(api, shared.policy.auth_mode, first_to_chat(&catalog).unwrap_or("MODEL")),
        ready: rows(ready),
        waiting: rows(waiting),
        cards: [Card::new("Today", today), Card::new("Last 7 days", week), Card::new("Last 30 days", month)],
        periods: PERIODS.map(|(value, words)| PeriodLink { value, words, current: value == period }),
        groups: [
            Group::new("By tag", "Tag", "A request with two tags counts for each of them.", &numbers.by_tag, period),
            Group::new("By model", "Model", "", &numbers.by_model, period),
        ],
        requests: numbers.recent.iter().map(|record| RequestRow::new(record, now)).collect(),
    }
}

fn api_in_words(api: SocketAddr) -> String {
    if api.ip().is_unspecified() { format!("port {} of every interface", api.port()) } else { format!("http://{api}") }
}

/// The first name in the lists behind which a model chats; aliases come first, as the operator's own.
fn first_to_chat(catalog: &Catalog) -> Option<&str> {
    let chats = |kind: ListedKind| {
        catalog.listing().iter().find(move |listed| {
            listed.kind == kind && listed.model.as_ref().is_some_and(|model| model.profile.kind == ModelKind::Chat)
        })
    };
    chats(ListedKind::Alias).or_else(|| chats(ListedKind::Model)).map(|listed| listed.name.as_str())
}

/// A command that asks a model, as a caller on this machine would write it.
fn example(mut api: SocketAddr, mode: AuthMode, model: &str) -> String {
    if api.ip().is_unspecified() {
        api.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let key = match mode {
        AuthMode::Open => "",
        AuthMode::Keys => " -H 'Authorization: Bearer YOUR_KEY'",
    };
    let body = serde_json::json!({ "model": model, "messages": [{ "role": "user", "content": "Hello" }] });
    // Names come from providers too: no quote of theirs may end ours in somebody's shell.
    let body = body.to_string().replace('\'', r"'\''");
    format!("curl http://{api}/api/chat{key} -d '{body}'")
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
                    journal.append(Box::new(UsageRecord {
                        id: id.to_string(),
                        started: UnixMillis::now(),
                        ..UsageRecord::default()
                    }));
                    recorder.copy_all_blocking().unwrap();
                }
            });
            loop {
                let is_last = writer.is_finished();
                let numbers = store.blocking(|conn| read(conn, "7d", UnixMillis::now())).unwrap();
                let seen = numbers.totals[1].requests;
                assert_eq!((numbers.by_tag.total.requests, numbers.by_model.total.requests), (seen, seen));
                assert_eq!(numbers.recent.len() as i64, seen.min(i64::from(RECENT)));
                if is_last {
                    assert_eq!(seen, 50);
                    break;
                }
            }
        });
    }

    #[test]
    fn only_offered_periods_are_chosen() {
        assert_eq!(chosen_period("period=7d"), "7d");
        assert_eq!(chosen_period("a=b&period=30d"), "30d");
        for query in ["", "period=", "period=7", "period=9999999d", "xperiod=7d"] {
            assert_eq!(chosen_period(query), "24h", "{query}");
        }
    }

    #[test]
    fn no_name_breaks_out_of_the_example() {
        let command = example("0.0.0.0:11434".parse().unwrap(), AuthMode::Keys, "x'; rm -rf ~ '\"");
        assert_eq!(
            command,
            r#"curl http://127.0.0.1:11434/api/chat -H 'Authorization: Bearer YOUR_KEY' -d '{"model":"x'\''; rm -rf ~ '\''\"","messages":[{"role":"user","content":"Hello"}]}'"#
        );
    }
}
