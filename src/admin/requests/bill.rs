//! The price card: what was counted, what each costs, what was charged, and the price row behind it.

use super::row;
use super::whole::Whole;
use crate::admin::words;
use crate::catalog::{Price, TokenPrices};
use crate::money::{NanoUsd, PicoUsd};
use crate::tracking::{self, CostLine, CostSource, UsageRecord};

/// Decimal places: every nano-dollar.
const PLACES: u32 = 9;
const UNKNOWN: &str = "unknown";

/// The price card.
pub(super) struct Bill {
    pub(super) cost: String,
    /// Where the cost comes from, in words.
    pub(super) source: &'static str,
    /// Tokens are estimated.
    pub(super) is_estimated: bool,
    pub(super) computed: String,
    pub(super) reported: String,
    /// Empty: there is none.
    pub(super) formula: String,
    /// Why there are no lines; empty when there are.
    pub(super) no_lines: &'static str,
    pub(super) lines: Vec<Line>,
    /// Which of the row's values were taken, and what the formula has beside the lines.
    pub(super) notes: Vec<String>,
    pub(super) tokens: Vec<(&'static str, String)>,
    pub(super) row: Option<PriceRow>,
}

/// `count × price = amount`.
pub(super) struct Line {
    pub(super) kind: &'static str,
    pub(super) count: String,
    /// USD per million.
    pub(super) price: String,
    /// The kind whose price it is; empty when it is its own.
    pub(super) instead_of: &'static str,
    pub(super) amount: String,
}

/// The price row.
pub(super) struct PriceRow {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) valid_from: String,
    /// Headings of the columns beside the usual price.
    pub(super) columns: Vec<String>,
    /// A kind of token and its price in each column, USD per million.
    pub(super) values: Vec<(&'static str, Vec<String>)>,
    /// Fees in words.
    pub(super) fees: Vec<String>,
}

impl Bill {
    pub(super) fn new(whole: &Whole) -> Self {
        let record = &whole.record;
        let price = whole.price.as_ref().map(|used| &used.price);
        let (lines, mut notes) =
            price.map_or_else(Default::default, |price| tracking::cost_lines(&record.usage, price, record.started));
        let tier = record.usage.service_tier.as_ref();
        notes.extend(tier.map(|tier| format!("service tier {tier}; its factor, if it has one, stands in the formula")));
        if price.is_some_and(|price| price.per_request.is_some() || price.per_search.is_some()) {
            notes.push("fees stand in the formula".to_owned());
        }
        Self {
            cost: row::cost(record, PLACES),
            source: source(record),
            is_estimated: record.estimated,
            computed: amount(record.computed_cost),
            reported: record.usage.reported_cost.map_or_else(|| "not reported".to_owned(), |cost| amount(Some(cost))),
            formula: record.formula.clone().unwrap_or_default(),
            no_lines: if lines.is_empty() { why_no_lines(record, price) } else { "" },
            lines: lines.iter().map(Line::new).collect(),
            notes,
            tokens: tokens(record),
            row: whole.price.as_ref().map(|used| PriceRow::new(&used.price, words::moment(used.valid_from_ms, MOMENT))),
        }
    }
}

const MOMENT: &str = "%Y-%m-%d %H:%M UTC";

impl Line {
    fn new(line: &CostLine) -> Self {
        let pico = line.price.map(|price| i128::from(line.count) * i128::from(price.0));
        Self {
            kind: line.kind,
            count: words::count(line.count),
            price: line.price.map_or_else(|| UNKNOWN.to_owned(), PicoUsd::to_usd_per_million),
            instead_of: line.instead_of.unwrap_or_default(),
            amount: amount(pico.map(NanoUsd::from_pico_sum)),
        }
    }
}

impl PriceRow {
    fn new(price: &Price, valid_from: String) -> Self {
        let tier = price.tier.as_ref().map(|tier| {
            let sign = if tier.inclusive { "≥" } else { ">" };
            (format!("prompt {sign} {}", words::count(tier.above)), &tier.values)
        });
        let off_peak = price.off_peak.as_ref().map(|values| ("off-peak".to_owned(), values));
        let columns: Vec<_> = tier.into_iter().chain(off_peak).collect();
        let values = KINDS.into_iter().filter_map(|(kind, of)| {
            let row: Vec<_> =
                [of(&price.base)].into_iter().chain(columns.iter().map(|(_, values)| of(values))).collect();
            let shown =
                |price: Option<PicoUsd>| price.map_or_else(|| row::NONE.to_owned(), PicoUsd::to_usd_per_million);
            row.iter().any(Option::is_some).then(|| (kind, row.into_iter().map(shown).collect()))
        });
        let fee = |fee: PicoUsd| amount(Some(NanoUsd::from_pico_sum(fee.0.into())));
        let per_request = price.per_request.map(|one| format!("{} per request", fee(one)));
        let per_search = price.per_search.map(|[low, medium, high]| {
            format!("per search: {} low, {} medium, {} high", fee(low), fee(medium), fee(high))
        });
        Self {
            id: price.id.clone(),
            source: price.source.clone(),
            valid_from,
            values: values.collect(),
            columns: columns.iter().map(|(name, _)| name.clone()).collect(),
            fees: per_request.into_iter().chain(per_search).collect(),
        }
    }
}

type ValueOf = fn(&TokenPrices) -> Option<PicoUsd>;

/// Every kind of token with a price, by the name it has in formulas.
const KINDS: [(&str, ValueOf); 10] = [
    ("in", |values| values.input),
    ("out", |values| values.output),
    ("reasoning", |values| values.reasoning),
    ("cache read", |values| values.cache_read),
    ("cache write", |values| values.cache_write),
    ("cache write 1h", |values| values.cache_write_1h),
    ("audio in", |values| values.audio_input),
    ("audio out", |values| values.audio_output),
    ("image in", |values| values.image_input),
    ("citation", |values| values.citation),
];

fn source(record: &UsageRecord) -> &'static str {
    match record.cost_source {
        CostSource::Unknown if !record.is_unpriced() => "nothing was used",
        CostSource::Unknown => "price or usage is not known",
        CostSource::Reported => "reported by the provider",
        CostSource::Computed => "reported tokens × price row",
        CostSource::Estimated => "estimated tokens × price row",
        CostSource::Local => "hardware of our own: nothing is charged",
    }
}

fn why_no_lines(record: &UsageRecord, price: Option<&Price>) -> &'static str {
    match (record.cost_source, &record.price, price) {
        (CostSource::Local, _, _) => "Hardware of our own has no price.",
        (_, _, Some(_)) if record.usage.is_unknown() => "Nothing was used.",
        (_, _, Some(_)) => "No token was charged.",
        (_, Some(_), None) => {
            "The price row is not in the database, where new ones are a second after they came; the formula has its figures."
        }
        (_, None, None) if record.error.is_some() && record.usage.is_unknown() => "Nothing was used.",
        (_, None, None) => "No price row was used.",
    }
}

/// The counters: what was said, or that nothing was.
fn tokens(record: &UsageRecord) -> Vec<(&'static str, String)> {
    let usage = &record.usage;
    let always = [("in", usage.input), ("out", usage.output)];
    let others = [
        ("of it reasoning", usage.reasoning),
        ("cache read", usage.cache_read),
        ("cache write", usage.cache_write),
        ("cache write 1h", usage.cache_write_1h),
        ("audio in", usage.audio_input),
        ("audio out", usage.audio_output),
        ("image in", usage.image_input),
        ("citation", usage.citation_tokens),
        ("searches", usage.searches),
    ];
    let shown = |count: Option<u64>| count.map_or_else(|| UNKNOWN.to_owned(), words::count);
    let others = others.into_iter().filter(|(_, count)| count.is_some_and(|count| count > 0));
    always.into_iter().chain(others).map(|(name, count)| (name, shown(count))).collect()
}

/// Exact to the nano-dollar.
fn amount(cost: Option<NanoUsd>) -> String {
    cost.map_or_else(|| UNKNOWN.to_owned(), |cost| words::usd(cost, PLACES))
}
