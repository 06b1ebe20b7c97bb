//! The lines of the table, as texts.

use super::query::{Question, Show};
use crate::admin::words;
use crate::money::NanoUsd;
use crate::tracking::{Counters, Dimension, Group, Period};

/// Decimal places of sums.
const SUM_PLACES: u32 = 4;

/// A line.
pub(in crate::admin) struct Row {
    pub(in crate::admin) name: Name,
    /// What a client's address is called; empty where nobody looked, or nobody knows.
    pub(in crate::admin) host: String,
    /// The page with this row as a filter; empty where there is no such filter.
    pub(in crate::admin) drill: String,
    /// Its requests; empty where the list cannot find them.
    pub(in crate::admin) requests_at: String,
    /// The month to print; empty for anything but tags.
    pub(in crate::admin) report_at: String,
    /// Of the whole, in percent, for a bar and in words.
    pub(in crate::admin) share: u8,
    pub(in crate::admin) share_words: String,
    pub(in crate::admin) sums: Sums,
    pub(in crate::admin) change: Change,
}

/// What a group is called.
pub(in crate::admin) struct Name {
    pub(in crate::admin) text: String,
    /// The text is ours, and no name from outside.
    pub(in crate::admin) is_ours: bool,
}

/// Sums in words.
pub(in crate::admin) struct Sums {
    pub(in crate::admin) requests: String,
    pub(in crate::admin) errors: String,
    pub(in crate::admin) input: String,
    pub(in crate::admin) output: String,
    pub(in crate::admin) cost: String,
    pub(in crate::admin) marks: String,
}

/// How it compares with the period before.
pub(in crate::admin) struct Change {
    pub(in crate::admin) difference: String,
    pub(in crate::admin) percent: String,
}

impl Row {
    pub(in crate::admin) fn new(
        question: &Question,
        period: Period,
        group: &Group,
        (sums, before, total): (&Counters, &Counters, &Counters),
    ) -> Self {
        let show = question.show;
        let (share, share_words) = share(show.of(sums), show.of(total));
        let report_at = match (question.by, group) {
            (Dimension::Tag, Group::Value(tag)) => super::month::address(Some(tag), period),
            _ => String::new(),
        };
        Self {
            name: Name::of(group, question.by),
            host: String::new(),
            drill: question.narrowed(group).map_or_else(String::new, |narrowed| narrowed.address()),
            requests_at: question.requests(Some(group), period),
            report_at,
            share,
            share_words,
            sums: Sums::new(sums),
            change: Change::new(show, sums, before),
        }
    }
}

impl Name {
    pub(super) fn of(group: &Group, by: Dimension) -> Self {
        let ours = |text: String| Self { text, is_ours: true };
        match group {
            Group::Value(text) => Self { text: text.clone(), is_ours: false },
            Group::None => ours(format!("no {}", noun(by))),
            Group::Others => ours("other end users".to_owned()),
        }
    }
}

impl Sums {
    pub(super) fn new(sums: &Counters) -> Self {
        let prompt = sums.input_tokens.saturating_add(sums.cache_read_tokens).saturating_add(sums.cache_write_tokens);
        Self {
            requests: words::sum(sums.requests),
            errors: words::sum(sums.errors),
            input: words::sum(prompt),
            output: words::sum(sums.output_tokens),
            cost: words::cost_of(sums, SUM_PLACES),
            marks: marks(sums).join(", "),
        }
    }
}

impl Change {
    /// A cost that is not wholly known can be compared only about, and one that is not known at all, not.
    pub(super) fn new(show: Show, sums: &Counters, before: &Counters) -> Self {
        let nothing = |words: &str| Self { difference: words.to_owned(), percent: String::new() };
        let is_money = show == Show::Cost;
        if is_money && (sums.known_cost().is_none() || before.known_cost().is_none()) {
            return nothing("unknown");
        }
        let about = if is_money && sums.unpriced_requests + before.unpriced_requests > 0 { "≈ " } else { "" };
        let (now, then) = (show.of(sums), show.of(before));
        let difference = now.saturating_sub(then);
        let size = difference.saturating_abs();
        let size = if is_money { words::usd(NanoUsd(size), SUM_PLACES) } else { words::sum(size) };
        match (difference, then) {
            (0, _) if sums.is_empty() && before.is_empty() => nothing("–"),
            (0, _) => nothing("the same"),
            (_, 0) => Self { difference: format!("{about}+{size}"), percent: "new".to_owned() },
            (_, _) => {
                let sign = if difference > 0 { "+" } else { "−" };
                let percent = (i128::from(difference.unsigned_abs()) * 100 + i128::from(then.unsigned_abs()) / 2)
                    / i128::from(then.unsigned_abs());
                Self { difference: format!("{about}{sign}{size}"), percent: format!("{sign}{percent} %") }
            }
        }
    }
}

/// How far sums can be trusted.
pub(in crate::admin) fn marks(sums: &Counters) -> Vec<String> {
    [(sums.unpriced_requests, "unpriced"), (sums.estimated_requests, "estimated")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", words::sum(number)))
        .collect()
}

fn share(part: i64, whole: i64) -> (u8, String) {
    if part <= 0 || whole <= 0 {
        return (0, "–".to_owned());
    }
    let tenths = i128::from(part) * 1000 / i128::from(whole);
    let words = match tenths {
        0 => "< 0.1 %".to_owned(),
        tenths => format!("{}.{} %", tenths / 10, tenths % 10),
    };
    (u8::try_from((tenths / 10).clamp(0, 100)).unwrap_or(100), words)
}

/// What a dimension's values are called, one of them.
pub(super) fn noun(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Tag => "tag",
        Dimension::Model => "model",
        Dimension::Provider => "provider",
        Dimension::Key => "API key",
        Dimension::Client => "client",
        Dimension::Alias => "alias",
        Dimension::Router => "router",
        Dimension::User => "end user",
    }
}

/// The same as a title.
pub(super) fn title(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Tag => "Tag",
        Dimension::Model => "Model",
        Dimension::Provider => "Provider",
        Dimension::Key => "API key",
        Dimension::Client => "Client",
        Dimension::Alias => "Alias",
        Dimension::Router => "Router",
        Dimension::User => "End user",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(cost_nano_usd: i64, unpriced_requests: i64) -> Counters {
        Counters { requests: 1, cost_nano_usd, unpriced_requests, ..Counters::default() }
    }

    fn change(sums: &Counters, before: &Counters) -> String {
        let change = Change::new(Show::Cost, sums, before);
        format!("{} {}", change.difference, change.percent)
    }

    #[test]
    fn changes_say_by_how_much_and_of_what() {
        let usd = 1_000_000_000;
        assert_eq!(change(&spent(3 * usd, 0), &spent(2 * usd, 0)), "+$1.0000 +50 %");
        assert_eq!(change(&spent(usd, 0), &spent(3 * usd, 0)), "−$2.0000 −67 %");
        assert_eq!(change(&spent(usd, 0), &Counters::default()), "+$1.0000 new");
        assert_eq!(change(&spent(usd, 0), &spent(usd, 0)), "the same ");
        assert_eq!(change(&Counters::default(), &Counters::default()), "– ");
        assert_eq!(change(&spent(3 * usd, 1), &spent(2 * usd, 0)), "≈ +$1.0000 +50 %");
        assert_eq!(change(&spent(3 * usd, 0), &spent(0, 1)), "unknown ");
        let requests = Change::new(Show::Requests, &spent(0, 1), &Counters::default());
        assert_eq!((requests.difference.as_str(), requests.percent.as_str()), ("+1", "new"));
    }

    #[test]
    fn shares_are_tenths_of_a_percent_and_never_nothing() {
        assert_eq!(share(1, 3), (33, "33.3 %".to_owned()));
        assert_eq!(share(1, 100_000), (0, "< 0.1 %".to_owned()));
        assert_eq!(share(0, 3), (0, "–".to_owned()));
        assert_eq!(share(5, 3), (100, "166.6 %".to_owned()));
    }
}
