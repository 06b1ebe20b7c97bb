//! Looking for records: what one may ask for, and a page of what was found.

use super::{ErrorClass, UsageRecord, columns};
use crate::clock::UnixMillis;
use crate::store::requests::{self, Bounds, Condition, Cursor, Page, Place};
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
    let within = (search.from.map_or(0, |from| from.0), search.to.map_or(i64::MAX, |to| to.0));
    let bounds = Bounds { shown, looked_at: LOOKED_AT };
    let mut page = requests::page(conn, within, &search.conditions(), place, bounds, columns::record)?;
    if let Some(tag) = &search.tag {
        page.rows.retain(|record| record.tags.contains(tag));
    }
    Ok(page)
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
    use super::*;
    use crate::store::Store;

    /// The ids found among records that differ in one thing each.
    fn found(asked: &Search) -> String {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let text = |text: &str| Some(text.to_owned());
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
        let rows = records.iter().map(columns::values);
        store.blocking(|conn| requests::insert(conn, rows)).unwrap();
        let page = store.blocking(|conn| search(conn, asked, &Place::Newest, 50)).unwrap();
        page.rows.iter().map(|record| &record.id[..1]).collect()
    }

    #[test]
    fn every_filter_finds_its_records() {
        let text = |text: &str| Some(text.to_owned());
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
    fn cursors_survive_being_written() {
        for cursor in [Cursor { started_ms: 5, id: "a-b".into() }, Cursor { started_ms: 0, id: String::new() }] {
            assert_eq!(cursor_from_text(&cursor_to_text(&cursor)), Some(cursor));
        }
        assert_eq!((cursor_from_text("x-1"), cursor_from_text("5")), (None, None));
    }
}
