use super::*;
use crate::store::{Store, requests};

const ALL: (i64, i64) = (0, i64::MAX);
const WIDE: Bounds = Bounds { shown: 100, looked_at: 1_000 };

/// A store with records of these times, whose ids count up: `00`, `01`, ….
fn store_of(times: &[i64]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("relay.db")).unwrap();
    let rows = times.iter().enumerate().map(|(number, started)| row(&format!("{number:02}"), *started, &[]));
    store.blocking(|conn| requests::insert(conn, rows)).unwrap();
    (folder, store)
}

/// A record that is empty but for these columns.
fn row(id: &str, started: i64, more: &[(&str, &'static str)]) -> [Param<'static>; COLUMNS.len()] {
    COLUMNS.map(|column| match (column, more.iter().find(|(name, _)| *name == column)) {
        (_, Some((_, value))) => (*value).into(),
        ("id", None) => id.to_owned().into(),
        ("started_ms", None) => started.into(),
        ("status", None) => 200_i64.into(),
        ("tags" | "steps", None) => "[]".into(),
        ("stream" | "total_ms" | "relay_us" | "attempts" | "estimated", None) => 0_i64.into(),
        (
            "client" | "endpoint" | "client_protocol" | "provider_protocol" | "asked" | "resolved_by" | "provider"
            | "model" | "cost_source",
            None,
        ) => "".into(),
        (_, None) => Param::Null,
    })
}

fn ids(store: &Store, within: (i64, i64), conditions: &[Condition], place: &Place, bounds: Bounds) -> Page<String> {
    store.blocking(|conn| page(conn, within, conditions, place, bounds, |row| row.text(0))).unwrap()
}

/// Every page from the newest on, and then back from the last one.
fn there_and_back(store: &Store, conditions: &[Condition], bounds: Bounds) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let mut place = Place::Newest;
    let mut turn = None;
    loop {
        let page = ids(store, ALL, conditions, &place, bounds);
        there.push(page.rows);
        turn = page.newer.or(turn);
        match page.older {
            Some(cursor) => place = Place::Before(cursor),
            None => break,
        }
    }
    while let Some(cursor) = turn {
        let page = ids(store, ALL, conditions, &Place::After(cursor), bounds);
        back.push(page.rows);
        turn = page.newer;
    }
    (there, back)
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition_even_within_a_millisecond() {
    let (_folder, store) = store_of(&[1, 5, 5, 5, 5, 5, 9]);
    let bounds = Bounds { shown: 2, looked_at: 1_000 };
    let (there, back) = there_and_back(&store, &[], bounds);
    assert_eq!(there, [vec!["06", "05"], vec!["04", "03"], vec!["02", "01"], vec!["00"]]);
    assert_eq!(back, [vec!["02", "01"], vec!["04", "03"], vec!["06", "05"]]);
    // A record that arrives meanwhile moves nothing.
    let first = ids(&store, ALL, &[], &Place::Newest, bounds);
    store.blocking(|conn| requests::insert(conn, [row("99", 20, &[])].into_iter())).unwrap();
    let second = ids(&store, ALL, &[], &Place::Before(first.older.unwrap()), bounds);
    assert_eq!(second.rows, ["04", "03"]);
    assert_eq!(ids(&store, ALL, &[], &Place::After(second.newer.unwrap()), bounds).rows, ["06", "05"]);
}

#[test]
fn a_rare_record_is_reached_over_pages_that_say_how_far_they_looked() {
    let times: Vec<i64> = (0..50).collect();
    let (_folder, store) = store_of(&times);
    store.blocking(|conn| conn.execute("update requests set model = 'rare' where id in ('03', '44')", &[])).unwrap();
    let rare = [Condition::Is("model", "rare".into())];
    let bounds = Bounds { shown: 5, looked_at: 10 };
    let first = ids(&store, ALL, &rare, &Place::Newest, bounds);
    assert_eq!((first.rows, first.looked_at), (vec!["44".to_owned()], Some(10)));
    assert_eq!(first.older, Some(Cursor { started_ms: 40, id: String::new() }));
    let (there, back) = there_and_back(&store, &rare, bounds);
    assert_eq!(there.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 0, 0, 1]);
    assert_eq!(back.concat(), ["44"]);
    // The end is the end, also when it is reached with the last record that may be looked at.
    let (_folder, store) = store_of(&times[..10]);
    let page = ids(&store, ALL, &rare, &Place::Newest, bounds);
    assert_eq!((page.rows.len(), page.older, page.looked_at), (0, None, None));
}

#[test]
fn records_of_one_millisecond_are_looked_at_together() {
    let (_folder, store) = store_of(&[1, 5, 5, 5, 5, 5, 9]);
    let nothing = [Condition::Is("model", "rare".into())];
    let page = ids(&store, ALL, &nothing, &Place::Newest, Bounds { shown: 5, looked_at: 3 });
    assert_eq!((page.older, page.looked_at), (Some(Cursor { started_ms: 5, id: String::new() }), Some(6)));
}

#[test]
fn every_condition_picks_its_records() {
    let (_folder, store) = store_of(&[]);
    let rows = [
        row("a", 10, &[("model", "m"), ("asked", "Fast_One"), ("tags", r#"["x","team"]"#)]),
        row("b", 20, &[("error", "timeout"), ("endpoint", "designator"), ("tags", r#"["xx"]"#)]),
        row("c", 30, &[("router", "smart"), ("asked", "fastXone")]),
    ];
    store.blocking(|conn| requests::insert(conn, rows.into_iter())).unwrap();
    store.blocking(|conn| conn.execute("update requests set status = 404 where id = 'c'", &[])).unwrap();
    let found = |conditions: &[Condition]| ids(&store, ALL, conditions, &Place::Newest, WIDE).rows.concat();
    assert_eq!(found(&[]), "cba");
    assert_eq!(found(&[Condition::Is("model", "m".into())]), "a");
    assert_eq!(found(&[Condition::Is("router", "smart".into())]), "c");
    assert_eq!(found(&[Condition::IsNot("endpoint", "designator".into())]), "ca");
    assert_eq!(found(&[Condition::Failed(true)]), "cb");
    assert_eq!(found(&[Condition::Failed(false)]), "a");
    assert_eq!(found(&[Condition::MayContain("tags", r#""x""#.into())]), "a");
    // `_` and `%` are no wildcards.
    assert_eq!(found(&[Condition::Contains(["id", "asked"], "FAST_".into())]), "a");
    assert_eq!(found(&[Condition::Contains(["id", "asked"], "%".into())]), "");
    assert_eq!(found(&[Condition::Contains(["id", "asked"], "B".into())]), "b");
    assert_eq!(found(&[Condition::Failed(true), Condition::Is("router", "smart".into())]), "c");
    assert_eq!(ids(&store, (10, 30), &[], &Place::Newest, WIDE).rows.concat(), "ba");
    // One id is found however far it lies.
    let one = [Condition::Is("id", "a".into())];
    assert_eq!(ids(&store, ALL, &one, &Place::Newest, Bounds { shown: 1, looked_at: 1 }).rows.concat(), "a");
}

#[test]
fn no_list_reads_the_whole_log() {
    let (_folder, store) = store_of(&[1]);
    let conditions = [Condition::Failed(true), Condition::Contains(["id", "asked"], "a".into())];
    let cursor = Cursor { started_ms: 1, id: "a".into() };
    for (backwards, sign) in [(true, '<'), (false, '>')] {
        let mut wanted = Wanted::default();
        wanted.and("started_ms >= ", 0_i64);
        wanted.and("started_ms <= ", 9_i64);
        wanted.beyond(sign, &cursor);
        conditions.iter().for_each(|condition| wanted.fulfils(condition));
        let (sql, params) = wanted.query(backwards, 5);
        let plan = store
            .blocking(|conn| conn.query(&format!("explain query plan {sql}"), &params, |row| row.text(3)))
            .unwrap()
            .join("; ");
        assert!(plan.contains("USING INDEX requests_started"), "{plan}");
        assert!(!plan.contains("SCAN"), "{plan}");
    }
}
