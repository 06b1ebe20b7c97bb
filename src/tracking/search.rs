//! Looking for records: what one may ask for, and a page of what was found.

use super::{ErrorClass, UsageRecord, columns};
use crate::clock::UnixMillis;
use crate::store::requests::{self, Bounds, Condition, Cursor, Page, Place};
use crate::store::usage::{self, Dimension};
use crate::store::{Conn, StoreError};

/// Records looked at for a page that does not become full: with warm files some 50 ms, and bearable with cold ones. See
/// `docs/admin-api.md`.
const LOOKED_AT: u32 = 20_000;

/// What records have to be like. What is `None` may be anything; texts are compared exactly unless it is said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The first moment.
    pub from: Option<UnixMillis>,
    /// The moment after the last.
    pub to: Option<UnixMillis>,
    /// One of the tags.
    pub tag: Option<String>,
    /// Who answered: `provider/model`, `provider/` or the model alone.
    pub model: Option<String>,
    /// The smart router that decided.
    pub router: Option<String>,
    /// The alias passed through.
    pub alias: Option<String>,
    /// Name of the API key.
    pub key: Option<String>,
    /// The client's address.
    pub client: Option<String>,
    /// The end user.
    pub user: Option<String>,
    /// The client got an error, or did not wait for the answer.
    pub failed: Option<bool>,
    /// The kind of failure.
    pub error: Option<ErrorClass>,
    /// Found in the id or in the name asked for, in upper or lower case. A whole id is found at once.
    pub text: Option<String>,
    /// Designator's calls too.
    pub calls: bool,
}

/// A page of records.
///
/// # Errors
/// When the database cannot be read.
pub fn search(
    conn: &mut Conn<'_>,
    search: &Search,
    place: &Place,
    shown: u32,
) -> Result<Page<UsageRecord>, StoreError> {
    look(conn, search, place, Bounds { shown, looked_at: LOOKED_AT })
}

/// Looks through the stretches in which there may be something, until the page is full or enough was looked at.
fn look(conn: &mut Conn<'_>, search: &Search, place: &Place, bounds: Bounds) -> Result<Page<UsageRecord>, StoreError> {
    let backwards = !matches!(place, Place::After(_));
    let mut stretches = search.stretches(conn, place)?;
    if backwards {
        stretches.reverse();
    }
    let conditions = search.conditions();
    let mut left = bounds;
    let (mut rows, mut end, mut stopped) = (Vec::new(), None, false);
    let mut stretches = stretches.into_iter().peekable();
    while let Some(within) = stretches.next() {
        let mut page = requests::page(conn, within, &conditions, place, left, columns::record)?;
        left.shown = left.shown.saturating_sub(u32::try_from(page.rows.len()).unwrap_or(u32::MAX));
        rows.append(&mut page.rows);
        end = if backwards { page.older } else { page.newer };
        stopped = page.looked_at.is_some();
        let looked_at = match (&end, page.looked_at, stretches.peek()) {
            (None, _, None) | (Some(_), None, _) => break,
            (Some(_), Some(looked_at), _) => looked_at,
            (None, ..) => requests::count(conn, (within.0, within.1 - 1))?,
        };
        left.looked_at = left.looked_at.saturating_sub(u32::try_from(looked_at).unwrap_or(u32::MAX));
        if end.is_some() {
            break;
        }
        // This stretch is done. The next page goes on with the next one if nothing is left of this page.
        if let (true, Some(&(from, to))) = (left.shown == 0 || left.looked_at == 0, stretches.peek()) {
            end = Some(Cursor { started_ms: if backwards { to } else { from }, id: String::new() });
            stopped = left.shown > 0;
            break;
        }
    }
    if let Some(tag) = &search.tag {
        rows.retain(|record: &UsageRecord| record.tags.iter().any(|of| of == tag));
    }
    rows.sort_unstable_by(|one, other| (other.started, &other.id).cmp(&(one.started, &one.id)));
    // Where the page begins: at its first record, or, without any, where it was to begin.
    let first = if backwards { rows.first() } else { rows.last() };
    let first = first.map(|record| Cursor { started_ms: record.started.0, id: record.id.clone() });
    let begin = match place {
        Place::Newest => None,
        Place::Before(cursor) | Place::After(cursor) => Some(first.unwrap_or_else(|| cursor.clone())),
    };
    let (newer, older) = if backwards { (begin, end) } else { (end, begin) };
    let looked_at = stopped.then(|| u64::from(bounds.looked_at - left.looked_at));
    Ok(Page { rows, newer, older, looked_at })
}

/// The text of a cursor, as addresses carry it.
pub fn cursor_to_text(cursor: &Cursor) -> String {
    format!("{}-{}", cursor.started_ms, cursor.id)
}

/// The cursor of such a text.
pub fn cursor_from_text(text: &str) -> Option<Cursor> {
    let (started, id) = text.split_once('-')?;
    Some(Cursor { started_ms: started.parse().ok()?, id: id.to_owned() })
}

impl Search {
    /// The stretches of time in which there may be such records, oldest first, without those beyond `place`. The sums per
    /// hour know in which hours anybody had a tag, a key and so on.
    fn stretches(&self, conn: &mut Conn<'_>, place: &Place) -> Result<Vec<(i64, i64)>, StoreError> {
        let (mut from, mut to) = (self.from.map_or(0, |from| from.0), self.to.map_or(i64::MAX, |to| to.0));
        match place {
            Place::Newest => {}
            Place::Before(cursor) => to = to.min(cursor.started_ms.saturating_add(1)),
            Place::After(cursor) => from = from.max(cursor.started_ms),
        }
        let mut hours: Option<Vec<i64>> = None;
        for (dimension, value) in self.dimensions() {
            let here = usage::hours_with(conn, dimension, value, (from, to))?;
            hours = Some(match hours {
                None => here,
                Some(mut others) => {
                    others.retain(|hour| here.binary_search(hour).is_ok());
                    others
                }
            });
        }
        let Some(hours) = hours else { return Ok(vec![(from, to)]) };
        let mut stretches: Vec<(i64, i64)> = Vec::new();
        for hour in hours {
            let (first, next) = (hour.max(from), (hour + usage::HOUR_MS).min(to));
            match stretches.last_mut() {
                Some((_, end)) if *end == first => *end = next,
                _ => stretches.push((first, next)),
            }
        }
        Ok(stretches)
    }

    /// What is asked for and summed up per hour. Of end users only the first thousand of an hour are.
    fn dimensions(&self) -> impl Iterator<Item = (Dimension, &str)> {
        let model = self.model.as_deref().and_then(|model| match model.split_once('/') {
            Some((provider, "")) => Some((Dimension::Provider, provider)),
            Some(_) => Some((Dimension::Model, model)),
            None => None,
        });
        let others = [
            (Dimension::Tag, &self.tag),
            (Dimension::Key, &self.key),
            (Dimension::Client, &self.client),
            (Dimension::Alias, &self.alias),
            (Dimension::Router, &self.router),
        ];
        let others = others.into_iter().filter_map(|(dimension, value)| Some((dimension, value.as_deref()?)));
        model.into_iter().chain(others)
    }

    fn conditions(&self) -> Vec<Condition> {
        let mut conditions = Vec::new();
        let mut is = |column: &'static str, value: Option<&str>| {
            conditions.extend(value.map(|value| Condition::Is(column, value.to_owned())));
        };
        if let Some(model) = &self.model {
            let (provider, model) = model.split_once('/').map_or((None, &**model), |(one, two)| (Some(one), two));
            is("provider", provider);
            is("model", Some(model).filter(|model| !model.is_empty()));
        }
        is("router", self.router.as_deref());
        is("alias", self.alias.as_deref());
        is("key_name", self.key.as_deref());
        is("client", self.client.as_deref());
        is("end_user", self.user.as_deref());
        is("error", self.error.map(ErrorClass::as_str));
        // The id as records have it: in lower case, with hyphens.
        let id = self.text.as_deref().and_then(|text| uuid::Uuid::parse_str(text).ok());
        is("id", id.map(|id| id.to_string()).as_deref());
        if let (Some(text), None) = (&self.text, id) {
            conditions.push(Condition::Contains(["id", "asked"], text.clone()));
        }
        if let Some(tag) = &self.tag {
            // As it stands in the list, in its quotes. A longer tag with such quotes in it is sorted out afterwards.
            conditions.push(Condition::MayContain("tags", serde_json::Value::from(&**tag).to_string()));
        }
        conditions.extend(self.failed.map(Condition::Failed));
        if !self.calls {
            conditions.push(Condition::IsNot("endpoint", UsageRecord::DESIGNATOR.to_owned()));
        }
        conditions
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::store::Store;
    use crate::store::usage::{Counters, Dimensions};
    use crate::tracking::rollup;

    /// Adds records with their sums, as the recorder does.
    fn insert(store: &Store, records: &[UsageRecord]) {
        let mut sums: BTreeMap<Dimensions<'_>, Counters> = BTreeMap::new();
        for record in records {
            sums.entry(rollup::dimensions(record)).or_default().add(&rollup::counters(record));
        }
        let rows = records.iter().map(columns::values);
        store.blocking(|conn| requests::insert(conn, rows)).unwrap();
        store.blocking(|conn| usage::add_all(conn, &sums)).unwrap();
    }

    /// The ids found among records that differ in one thing each.
    fn found(asked: &Search) -> String {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let text = |text: &str| Some(text.into());
        let base = |id: &str, started| UsageRecord {
            id: id.to_owned(),
            started: UnixMillis(started),
            status: 200,
            asked: "some-name".into(),
            ..UsageRecord::default()
        };
        let records = [
            UsageRecord { tags: vec!["a".into(), "b\"c\"".into()], ..base("1", 1) },
            UsageRecord { tags: vec!["A".into(), "c".into()], ..base("2", 2) },
            UsageRecord { provider: "p".into(), model: "x/y".into(), ..base("3", 3) },
            UsageRecord { router: text("r"), alias: text("al"), ..base("4", 4) },
            UsageRecord { key: text("k"), client: "10.0.0.1".into(), end_user: text("u"), ..base("5", 5) },
            UsageRecord { status: 504, error: Some(ErrorClass::Timeout), asked: "Other".into(), ..base("6", 6) },
            UsageRecord { endpoint: UsageRecord::DESIGNATOR.into(), provider: "p".into(), ..base("7", 7) },
            base("01a1fd41-0b78-746f-8ffa-6382ab8e1195", 8),
        ];
        insert(&store, &records);
        let page = store.blocking(|conn| search(conn, asked, &Place::Newest, 50)).unwrap();
        page.rows.iter().map(|record| &record.id[..1]).collect()
    }

    #[test]
    fn every_filter_finds_its_records() {
        let text = |text: &str| Some(text.into());
        let any = Search::default();
        for (asked, expected) in [
            (any.clone(), "0654321"),
            (Search { calls: true, ..any.clone() }, "07654321"),
            (Search { from: Some(UnixMillis(3)), to: Some(UnixMillis(5)), ..any.clone() }, "43"),
            (Search { tag: text("a"), ..any.clone() }, "1"),
            (Search { tag: text("c"), ..any.clone() }, "2"),
            (Search { tag: text("b\"c\""), ..any.clone() }, "1"),
            (Search { tag: text("%"), ..any.clone() }, ""),
            (Search { model: text("p/x/y"), ..any.clone() }, "3"),
            (Search { model: text("p/"), calls: true, ..any.clone() }, "73"),
            (Search { model: text("x"), ..any.clone() }, ""),
            (Search { router: text("r"), ..any.clone() }, "4"),
            (Search { alias: text("al"), ..any.clone() }, "4"),
            (Search { key: text("k"), ..any.clone() }, "5"),
            (Search { client: text("10.0.0.1"), ..any.clone() }, "5"),
            (Search { user: text("u"), ..any.clone() }, "5"),
            (Search { failed: Some(true), ..any.clone() }, "6"),
            (Search { failed: Some(false), ..any.clone() }, "054321"),
            (Search { error: Some(ErrorClass::Timeout), ..any.clone() }, "6"),
            (Search { text: text("oTHe"), ..any.clone() }, "6"),
            (Search { text: text("8ffa"), ..any.clone() }, "0"),
            (Search { text: text("01A1FD41-0B78-746F-8FFA-6382AB8E1195"), ..any.clone() }, "0"),
            (Search { failed: Some(false), key: text("k"), user: text("u"), ..any.clone() }, "5"),
            (Search { failed: Some(true), key: text("k"), ..any.clone() }, ""),
        ] {
            assert_eq!(found(&asked), expected, "{asked:?}");
        }
    }

    #[test]
    fn hours_without_what_is_asked_for_are_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        // Ten records an hour; the first of every fourth hour is one we look for.
        let records: Vec<UsageRecord> = (0..160_i64)
            .map(|number| UsageRecord {
                id: format!("{number:03}"),
                started: UnixMillis(number / 10 * usage::HOUR_MS + number),
                tags: if number % 40 == 0 { vec!["rare".into()] } else { vec!["common".into()] },
                key: (number < 80).then(|| "old".into()),
                ..UsageRecord::default()
            })
            .collect();
        insert(&store, &records);
        let rare = Search { tag: Some("rare".into()), ..Search::default() };
        let ids = |page: &Page<UsageRecord>| page.rows.iter().map(|record| record.id.clone()).collect::<Vec<_>>();
        let see = |search: &Search, place: &Place, shown, looked_at| {
            store.blocking(|conn| look(conn, search, place, Bounds { shown, looked_at })).unwrap()
        };
        // Forty records lie in those hours, so that all of them are seen in one look.
        let all = see(&rare, &Place::Newest, 10, 40);
        assert_eq!(
            (ids(&all), all.older, all.looked_at),
            (["120", "080", "040", "000"].map(str::to_owned).into(), None, None)
        );
        // With less of a look or fewer places, page by page, there and back.
        for (shown, looked_at) in [(10, 10), (10, 7), (1, 100), (3, 25), (1, 1)] {
            let (mut there, mut back, mut place) = (Vec::new(), Vec::new(), Place::Newest);
            let mut oldest = None;
            let last = loop {
                let page = see(&rare, &place, shown, looked_at);
                there.extend(ids(&page));
                oldest = page.newer.or(oldest);
                match page.older {
                    Some(older) => place = Place::Before(older),
                    None => break page.rows.len(),
                }
            };
            assert_eq!(there, ["120", "080", "040", "000"], "{shown} of {looked_at}");
            let mut next = oldest;
            while let Some(cursor) = next {
                let page = see(&rare, &Place::After(cursor), shown, looked_at);
                back.splice(..0, ids(&page));
                next = page.newer;
            }
            assert_eq!(back, there[..there.len() - last], "{shown} of {looked_at}");
        }
        // Both are needed, and no hour has both but those of the first half.
        let both = Search { key: Some("old".into()), ..rare };
        assert_eq!(ids(&see(&both, &Place::Newest, 10, 20)), ["040", "000"]);
        let nobody = Search { alias: Some("nobody".into()), ..Search::default() };
        let none = see(&nobody, &Place::Newest, 10, 1);
        assert_eq!((none.rows.len(), none.older, none.looked_at), (0, None, None));
    }

    #[test]
    fn cursors_survive_being_written() {
        for cursor in [Cursor { started_ms: 5, id: "a-b".into() }, Cursor { started_ms: 0, id: String::new() }] {
            assert_eq!(cursor_from_text(&cursor_to_text(&cursor)), Some(cursor));
        }
        assert_eq!((cursor_from_text("x-1"), cursor_from_text("5")), (None, None));
    }
}
