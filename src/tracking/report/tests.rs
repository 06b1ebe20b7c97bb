use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use smol_str::SmolStr;

use super::*;
use crate::chat::Usage;
use crate::clock::UnixMillis;
use crate::money::NanoUsd;
use crate::store::Store;
use crate::tracking::{ErrorClass, Journal, Recorder, UsageRecord, rollup};

const HOUR: i64 = 3_600_000;

/// Sends the records the whole way, journal and recorder included, and hands out the store.
fn with_records(records: &[UsageRecord], check: impl FnOnce(&Store)) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("relay.db")).unwrap();
    let journal = Arc::new(Journal::open(&folder.path().join("journal")).unwrap());
    for record in records {
        journal.append(record);
    }
    Recorder::new(store.clone(), journal).copy_all_blocking().unwrap();
    check(&store);
}

fn record(id: &str, tags: &[&str], cost: Option<i64>) -> UsageRecord {
    UsageRecord {
        id: id.into(),
        started: UnixMillis(HOUR + 5),
        tags: tags.iter().copied().map(SmolStr::from).collect(),
        provider: "openai".into(),
        model: "gpt-5".into(),
        status: 200,
        usage: Usage { input: Some(10), output: Some(1), ..Usage::default() },
        cost: cost.map(NanoUsd),
        ..UsageRecord::default()
    }
}

fn hours(from: i64, to: i64) -> Period {
    Period { from: UnixMillis(from * HOUR), to: UnixMillis(to * HOUR) }
}

#[test]
fn a_request_with_two_tags_counts_fully_for_each_and_once_in_the_total() {
    let records = [record("1", &["a", "b"], Some(7)), record("2", &["b"], Some(1)), record("3", &[], None)];
    with_records(&records, |store| {
        let report = store.blocking(|conn| report(conn, Dimension::Tag, hours(0, 5))).unwrap();
        let costs: Vec<_> = report.rows.iter().map(|row| (row.key.as_str(), row.sums.cost_nano_usd)).collect();
        assert_eq!(costs, [("b", 8), ("a", 7), ("", 0)]);
        assert_eq!((report.total.requests, report.total.cost_nano_usd, report.total.unpriced_requests), (3, 8, 1));
    });
}

#[test]
fn rows_and_total_are_of_one_moment_while_records_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("relay.db")).unwrap();
    let journal = Arc::new(Journal::open(&folder.path().join("journal")).unwrap());
    let recorder = Recorder::new(store.clone(), Arc::clone(&journal));
    let writes = || {
        for number in 0..200 {
            journal.append(&record(&number.to_string(), &[], Some(1)));
            recorder.copy_all_blocking().unwrap();
        }
    };
    std::thread::scope(|scope| {
        let writer = scope.spawn(writes);
        while !writer.is_finished() {
            let report = store.blocking(|conn| report(conn, Dimension::Tag, hours(0, 5))).unwrap();
            let by_row: i64 = report.rows.iter().map(|row| row.sums.requests).sum();
            assert_eq!(by_row, report.total.requests);
        }
    });
}

#[test]
fn the_json_form_is_the_one_scripts_know() {
    with_records(&[record("1", &["a"], Some(7))], |store| {
        let report = store.blocking(|conn| report(conn, Dimension::Model, hours(0, 5))).unwrap();
        let sums = r#""requests":1,"errors":0,"input_tokens":10,"output_tokens":1,"reasoning_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0,"cost_nano_usd":7,"unpriced_requests":0,"estimated_requests":0"#;
        let expected = format!(
            r#"{{"by":"model","from":"1970-01-01T00:00:00Z","to":"1970-01-01T05:00:00Z","rows":[{{"key":"openai/gpt-5",{sums}}}],"total":{{{sums}}}}}"#
        );
        assert_eq!(report.to_json().unwrap(), expected);
    });
}

#[test]
fn cells_that_a_spreadsheet_would_run_become_text() {
    let records = [record("1", &["=1+1", "@x", "a,b\"c"], Some(7)), record("2", &[], Some(8))];
    with_records(&records, |store| {
        let report = store.blocking(|conn| report(conn, Dimension::Tag, hours(0, 5))).unwrap();
        let csv = report.to_csv().unwrap();
        let keys: Vec<_> = csv.lines().map(|line| line.rsplitn(11, ',').last().unwrap()).collect();
        assert_eq!(keys, ["key", "", "'=1+1", "'@x", "\"a,b\"\"c\""], "{csv}");
    });
}

#[test]
fn the_table_is_aligned_and_says_what_is_not_known() {
    let records = [record("1", &["team"], Some(1_500_000)), record("2", &[], None)];
    with_records(&records, |store| {
        let report = store.blocking(|conn| report(conn, Dimension::Tag, hours(0, 5))).unwrap();
        let expected = "\
tag     requests  errors  input  output  reasoning  cache read  cache write  cost USD  unpriced  estimated
team           1       0     10       1          0           0            0    0.0015         0          0
(none)         1       0     10       1          0           0            0   unknown         1          0
total          2       0     20       2          0           0            0  ≥ 0.0015         1          0
";
        assert_eq!(report.to_table(), expected);
    });
}

#[test]
fn the_words_of_dimensions_are_read_back() {
    for dimension in Dimension::ALL {
        assert_eq!(dimension.as_str().parse(), Ok(dimension));
    }
    assert!("tags".parse::<Dimension>().is_err());
}

/// The values of a record in a dimension.
fn keys_of(record: &UsageRecord, by: Dimension) -> Vec<String> {
    match by {
        Dimension::Tag if record.tags.is_empty() => vec![String::new()],
        Dimension::Tag => record.tags.iter().map(SmolStr::to_string).collect(),
        Dimension::Model => vec![format!("{}/{}", record.provider, record.model)],
        Dimension::Provider => vec![record.provider.to_string()],
        Dimension::Key => vec![record.key.clone().unwrap_or_default().to_string()],
        Dimension::Client => vec![record.client.to_string()],
        Dimension::Alias => vec![record.alias.clone().unwrap_or_default().to_string()],
        Dimension::Router => vec![record.router.clone().unwrap_or_default().to_string()],
        Dimension::User => vec![record.end_user.clone().unwrap_or_default().to_string()],
    }
}

fn any_record() -> impl Strategy<Value = UsageRecord> {
    let name = || prop::option::of(prop::sample::select(vec![SmolStr::new("x"), SmolStr::new("y")]));
    let tags = prop::collection::btree_set("[abc]", 0..3);
    let count = || prop::option::of(0..1000_u64);
    (
        (tags, name(), name(), name(), name(), name()),
        (count(), count(), count(), count(), count(), count()),
        (prop::option::of(0..1_000_000_i64), 0..6_i64, any::<bool>(), any::<bool>(), 0..10_000_u32, name()),
    )
        .prop_map(|(names, counts, rest)| UsageRecord {
            started: UnixMillis(rest.1 * HOUR + i64::from(rest.4)),
            tags: names.0.into_iter().map(SmolStr::from).collect(),
            key: names.1,
            alias: names.2,
            router: names.3,
            client: names.4.unwrap_or_default(),
            end_user: rest.5,
            provider: names.5.unwrap_or_else(|| "z".into()),
            model: "m".into(),
            usage: Usage {
                input: counts.0,
                output: counts.1,
                reasoning: counts.2,
                cache_read: counts.3,
                cache_write: counts.4,
                cache_write_1h: counts.5,
                ..Usage::default()
            },
            cost: rest.0.map(NanoUsd),
            error: rest.2.then_some(ErrorClass::Provider),
            estimated: rest.3,
            total_ms: rest.4,
            ..UsageRecord::default()
        })
}

/// The same as the database sums it up, of the second period and of the one before.
type Sums = (BTreeMap<Group, [Counters; 2]>, [Counters; 2]);

/// Some filters, with values that some records have, or none of which there is one.
fn any_filters() -> impl Strategy<Value = Filters> {
    let value = prop::sample::select(vec!["", "a", "x", "y", "z/m"]).prop_map(str::to_owned);
    prop::collection::btree_map(prop::sample::select(Dimension::ALL.to_vec()), value, 0..3)
}

fn naive(records: &[UsageRecord], by: Dimension, filters: &Filters, periods: [Period; 2]) -> Sums {
    let mut sums = Sums::default();
    let passes = |record: &UsageRecord| filters.iter().all(|(of, value)| keys_of(record, *of).contains(value));
    for record in records.iter().filter(|record| passes(record)) {
        for (at, period) in periods.iter().enumerate() {
            if (period.from..period.to).contains(&record.started) {
                sums.1[at].add(&rollup::counters(record));
                for key in keys_of(record, by) {
                    let group = if key.is_empty() { Group::None } else { Group::Value(key) };
                    sums.0.entry(group).or_default()[at].add(&rollup::counters(record));
                }
            }
        }
    }
    sums
}

/// As rows and totals have it, and again as the points add up to.
fn asked(store: &Store, by: Dimension, filters: &Filters, period: Period) -> Sums {
    let asked = Asked { by, period, filters: filters.clone(), limit: 1_000, step: None };
    let found = store.blocking(|conn| usage(conn, &asked)).unwrap();
    let mut total = Counters::default();
    let mut of_points: BTreeMap<&Group, Counters> = BTreeMap::new();
    for point in &found.points {
        total.add(&point.total);
        for (group, sums) in found.top.iter().zip(&point.values) {
            of_points.entry(group).or_default().add(sums);
        }
        assert_eq!(point.others, Counters::default(), "there are fewer groups than are shown");
    }
    assert_eq!(total, found.total);
    let of_rows = found.rows.iter().filter(|row| !row.sums.is_empty()).map(|row| (&row.group, row.sums));
    assert_eq!(of_points, of_rows.collect());
    (found.rows.into_iter().map(|row| (row.group, [row.sums, row.before])).collect(), [found.total, found.total_before])
}

#[test]
fn requests_without_an_end_user_are_summed_up_by_everything_and_under_every_other_filter() {
    let some = prop::collection::vec(any_record(), 60).new_tree(&mut TestRunner::deterministic()).unwrap().current();
    // Each once with a user and once without, so that no sum has only one kind.
    let twins = some.iter().map(|record| UsageRecord {
        end_user: if record.end_user.is_none() { Some("x".into()) } else { None },
        ..record.clone()
    });
    let mut records: Vec<UsageRecord> = some.iter().cloned().chain(twins).collect();
    for (number, record) in records.iter_mut().enumerate() {
        record.id = number.to_string();
    }
    let period = hours(3, 6);
    with_records(&records, |store| {
        for narrowed in Dimension::ALL {
            let mut n_found = 0;
            for value in ["", "a", "x", "z", "x/m"] {
                let filters: Filters = [(narrowed, value.to_owned()), (Dimension::User, String::new())].into();
                for by in Dimension::ALL {
                    let expected = naive(&records, by, &filters, [period, period.before()]);
                    n_found += usize::from(expected.1.iter().all(|total| total.requests > 0));
                    assert_eq!(asked(store, by, &filters, period), expected, "{by:?}, {filters:?}");
                }
            }
            assert!(n_found >= Dimension::ALL.len(), "{narrowed:?} leaves nothing to compare");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_report_is_the_sum_over_its_records(
        mut records in prop::collection::vec(any_record(), 0..40), from in 0..3_i64, length in 1..4_i64,
        filters in any_filters(),
    ) {
        for (number, record) in records.iter_mut().enumerate() {
            record.id = number.to_string();
        }
        let period = hours(from, from + length);
        let inside: Vec<_> =
            records.iter().filter(|record| (period.from..period.to).contains(&record.started)).collect();
        with_records(&records, |store| {
            for by in Dimension::ALL {
                let mut rows: BTreeMap<String, Counters> = BTreeMap::new();
                let mut total = Counters::default();
                for record in &inside {
                    total.add(&rollup::counters(record));
                    for key in keys_of(record, by) {
                        rows.entry(key).or_default().add(&rollup::counters(record));
                    }
                }
                let report = store.blocking(|conn| report(conn, by, period)).unwrap();
                let found: BTreeMap<_, _> = report.rows.into_iter().map(|row| (row.key, row.sums)).collect();
                assert_eq!((found, report.total), (rows, total), "{by:?}");
                let both = [period, period.before()];
                assert_eq!(asked(store, by, &filters, period), naive(&records, by, &filters, both), "{by:?}, {filters:?}");
            }
        });
    }
}
