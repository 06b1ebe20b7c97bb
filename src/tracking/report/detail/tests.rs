use std::sync::Arc;

use super::*;
use crate::money::NanoUsd;
use crate::store::Store;
use crate::tracking::{Journal, Recorder, UsageRecord};

/// A Saturday's midnight.
const DAY: i64 = 1_795_219_200_000;

fn record(id: usize, started: i64, tag: &str, user: &str, cost: Option<i64>) -> UsageRecord {
    UsageRecord {
        id: format!("{id}-{started}"),
        started: UnixMillis(started),
        tags: vec![tag.into()],
        provider: "openai".into(),
        model: "gpt-5".into(),
        end_user: (!user.is_empty()).then(|| user.into()),
        status: 200,
        cost: cost.map(NanoUsd),
        ..UsageRecord::default()
    }
}

fn with_records(records: impl IntoIterator<Item = UsageRecord>) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("relay.db")).unwrap();
    let journal = Arc::new(Journal::open(&folder.path().join("journal")).unwrap());
    records.into_iter().for_each(|record| journal.append(&record));
    Recorder::new(store.clone(), journal).copy_all_blocking().unwrap();
    (folder, store)
}

fn ask(store: &Store, by: Dimension, filters: &[(Dimension, &str)], hours: i64, limit: usize) -> Detail {
    let period = Period { from: UnixMillis(DAY), to: UnixMillis(DAY + hours * HOUR_MS) };
    let filters = filters.iter().map(|(dimension, value)| (*dimension, (*value).to_owned())).collect();
    store.blocking(|conn| usage(conn, &Asked { by, period, filters, limit, step: None })).unwrap()
}

#[test]
fn hours_days_and_months_are_shown_as_the_period_is_long() {
    let lengths = [1, 72, 73, 9_600, 9_601].map(|hours| {
        let period = Period { from: UnixMillis(DAY), to: UnixMillis(DAY + hours * HOUR_MS) };
        let step = Step::of(period);
        (step, step.points(period, 0).len())
    });
    use Step::{Day, Hour, Month};
    // From 21 November, 401 days end on 26 December of the next year: fourteen months.
    assert_eq!(lengths, [(Hour, 1), (Hour, 72), (Day, 4), (Day, 400), (Month, 14)]);
}

#[test]
fn a_course_has_its_top_groups_and_the_others() {
    let records = (0..12).map(|number| {
        let cost = i64::try_from(number).unwrap() + 1;
        record(number, DAY + i64::try_from(number).unwrap() * HOUR_MS, &format!("t{number:02}"), "", Some(cost))
    });
    let (_folder, store) = with_records(records);
    let found = ask(&store, Dimension::Tag, &[], 24, 3);
    let keys = |groups: &[Group]| groups.iter().map(|group| group.in_words().0.to_owned()).collect::<Vec<_>>();
    assert_eq!(keys(&found.top), ["t11", "t10", "t09"]);
    assert_eq!((found.rows.len(), found.left_out, found.total.cost_nano_usd), (3, 9, 78));
    assert_eq!((found.step, found.points.len()), (Step::Hour, 24));
    let at = |hour: usize| {
        let point = &found.points[hour];
        (point.total.cost_nano_usd, point.values[0].cost_nano_usd, point.others.cost_nano_usd)
    };
    assert_eq!([at(0), at(11), at(12)], [(1, 0, 1), (12, 12, 0), (0, 0, 0)]);
    assert_eq!(ask(&store, Dimension::Tag, &[], 24, 100).top.len(), TOP);
}

#[test]
fn months_gather_their_days_and_the_first_may_be_a_part_of_one() {
    let month_later = DAY + 20 * 24 * HOUR_MS;
    let records = [DAY + 5, DAY + 3 * DAY_MS, month_later]
        .into_iter()
        .enumerate()
        .map(|(id, at)| record(id, at, "t", "", Some(1)));
    let (_folder, store) = with_records(records);
    let found = ask(&store, Dimension::Model, &[], 9_601, 10);
    let costs: Vec<_> = found.points.iter().take(3).map(|point| point.total.cost_nano_usd).collect();
    assert_eq!((found.step, costs), (Step::Month, vec![2, 1, 0]));
}

#[test]
fn more_users_than_an_hour_tells_apart_are_summed_up_together_and_said_to_be() {
    let most = usage::MAX_USERS_PER_HOUR;
    let user = |number: usize| format!("u{number:05}");
    let records = (0..most + 50).map(|number| record(number, DAY, "t", &user(number), Some(1)));
    // Who is known stays known, and the next hour begins anew.
    let later = [
        record(90_000, DAY + 5, "t", &user(3), Some(10)),
        record(90_001, DAY + 5, "t", "late", Some(100)),
        record(90_002, DAY + HOUR_MS, "t", "late", Some(1_000)),
        record(90_003, DAY + 5, "t", "", None),
    ];
    let (_folder, store) = with_records(records);
    let journal = Arc::new(Journal::open(&_folder.path().join("journal")).unwrap());
    later.into_iter().for_each(|record| journal.append(&record));
    Recorder::new(store.clone(), journal).copy_all_blocking().unwrap();

    for filters in [&[][..], &[(Dimension::Tag, "t")]] {
        let found = ask(&store, Dimension::User, filters, 24, 10_000);
        let of = |group: Group| found.rows.iter().find(|row| row.group == group).map(|row| row.sums);
        let cost = |group| of(group).map(|sums| (sums.requests, sums.cost_nano_usd));
        assert_eq!(found.rows.len(), most + 3, "{filters:?}");
        assert_eq!(cost(Group::Others), Some((51, 150)));
        assert_eq!(cost(Group::Value(user(3))), Some((2, 11)));
        assert_eq!(cost(Group::Value("late".into())), Some((1, 1_000)));
        assert_eq!(of(Group::None).map(|sums| (sums.requests, sums.known_cost())), Some((1, None)));
        assert_eq!(found.total.requests, i64::try_from(most).unwrap() + 54);
    }
    let nobody = ask(&store, Dimension::Model, &[(Dimension::User, "")], 24, 10);
    assert_eq!((nobody.total.requests, nobody.rows.len()), (1, 1));
    let late = ask(&store, Dimension::Tag, &[(Dimension::User, "late"), (Dimension::Model, "openai/gpt-5")], 24, 10);
    assert_eq!((late.total.requests, late.total.cost_nano_usd), (1, 1_000));
}

#[test]
fn the_csv_has_the_rows_of_the_json() {
    let records = [
        record(1, DAY, "=1+1", "", Some(7)),
        record(2, DAY, "plain", "", None),
        record(3, DAY - HOUR_MS, "plain", "", Some(3)),
    ];
    let (_folder, store) = with_records(records);
    let found = ask(&store, Dimension::Tag, &[], 30, 10);
    let csv = String::from_utf8(found.to_csv().unwrap()).unwrap();
    let mut lines = csv.lines();
    let header = lines.next().unwrap();
    assert!(header.starts_with("key,kind,requests,errors,input_tokens"), "{header}");
    assert!(header.ends_with(",cost_nano_usd,unpriced_requests,estimated_requests,before_requests,before_errors,before_input_tokens,before_output_tokens,before_reasoning_tokens,before_cache_read_tokens,before_cache_write_tokens,before_cost_nano_usd,before_unpriced_requests,before_estimated_requests"), "{header}");
    assert_eq!(lines.next(), Some("'=1+1,value,1,0,0,0,0,0,0,7,0,0,0,0,0,0,0,0,0,0,0,0"));
    assert_eq!(lines.next(), Some("plain,value,1,0,0,0,0,0,0,,1,0,1,0,0,0,0,0,0,3,0,0"));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["rows"][0]["key"], "=1+1");
    assert_eq!(
        (json["rows"][1]["cost_nano_usd"].clone(), json["rows"][1]["before"]["cost_nano_usd"].clone()),
        (serde_json::Value::Null, 3.into())
    );
    assert_eq!((&json["by"], &json["step"], &json["filters"]), (&"tag".into(), &"hour".into(), &serde_json::json!({})));
}
