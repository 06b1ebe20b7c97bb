//! The results: a table for people, JSON with every sample for programs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::machine::Machine;
use crate::options::Workload;
use crate::rounds::{Sample, Series};
use crate::stats::{Comparison, Spread};

/// Who is judged.
pub(crate) const JUDGED: &str = "relay";

/// What the relay is measured by: the value that must be reached, and the one that is aimed at.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Limit {
    pub(crate) must: f64,
    pub(crate) aim: f64,
}

/// One line of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) workload: &'static str,
    pub(crate) metric: String,
    /// Of each target, in the order in which they took part.
    pub(crate) values: Vec<(String, Spread)>,
    /// What the values were made of.
    pub(crate) rounds: Vec<(String, Vec<f64>)>,
    pub(crate) compared: Option<Compared>,
    pub(crate) limit: Option<Limit>,
    /// `None`: there is no limit, or nothing to judge.
    pub(crate) verdict: Option<Verdict>,
}

/// The relay against a reference.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    pub(crate) who: String,
    pub(crate) with: String,
    pub(crate) how: Comparison,
    pub(crate) spread: Spread,
}

/// Whether a limit is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Aim,
    Must,
    Missed,
}

/// Two of the targets, and how they are compared.
pub(crate) type Comparing<'a> = Option<(&'a str, &'a str, Comparison)>;

impl Figure {
    /// A figure of each series; with `comparing` also how two of them compare, round by round.
    pub(crate) fn of_series(
        workload: Workload,
        metric: &str,
        series: &[Series],
        figure: impl Fn(&Sample) -> Option<f64>,
        comparing: Comparing<'_>,
        limit: Option<Limit>,
    ) -> Self {
        let rounds = series.iter().filter_map(|series| Some((series.name.clone(), series.values(&figure)?)));
        Self::of_rounds(workload, metric, rounds.collect(), comparing, limit)
    }

    /// A figure of values that were measured in rounds.
    pub(crate) fn of_rounds(
        workload: Workload,
        metric: &str,
        rounds: Vec<(String, Vec<f64>)>,
        comparing: Comparing<'_>,
        limit: Option<Limit>,
    ) -> Self {
        let of = |name: &str| rounds.iter().find(|(other, _)| other == name).map(|(_, values)| values.as_slice());
        let compared = comparing.and_then(|(who, with, how)| {
            let spread = how.of(of(who)?, of(with)?)?;
            Some(Compared { who: who.to_owned(), with: with.to_owned(), how, spread })
        });
        let values = rounds.iter().filter_map(|(name, values)| Some((name.clone(), Spread::of(values)?))).collect();
        let (workload, metric) = (workload.name(), metric.to_owned());
        let mut figure = Self { workload, metric, values, rounds, compared, limit, verdict: None };
        figure.verdict = figure.judge();
        figure
    }

    /// The most memory each target had at any time of the workload.
    pub(crate) fn peak_rss(workload: Workload, series: &[Series], limit: Option<Limit>) -> Self {
        let peak = |series: &Series| {
            let peaks = series.values(|sample| sample.peak_rss_mib)?;
            Some((series.name.clone(), vec![peaks.into_iter().fold(0.0, f64::max)]))
        };
        Self::of_rounds(workload, "peak RSS, MiB", series.iter().filter_map(peak).collect(), None, limit)
    }

    /// The judged value: the median of the comparison, or else of the relay's own values.
    fn judged(&self) -> Option<f64> {
        match &self.compared {
            Some(compared) => Some(compared.spread.median),
            None => Some(self.values.iter().find(|(name, _)| name == JUDGED)?.1.median),
        }
    }

    fn judge(&self) -> Option<Verdict> {
        let (limit, judged) = (self.limit?, self.judged()?);
        Some(if judged <= limit.aim {
            Verdict::Aim
        } else if judged <= limit.must {
            Verdict::Must
        } else {
            Verdict::Missed
        })
    }
}

/// All slices that were loaded with the same thing.
#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    workload: &'static str,
    /// The fake provider's script, or a path.
    asked: String,
    samples: Vec<Sample>,
}

/// Everything a run found out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) arguments: Vec<String>,
    pub(crate) figures: Vec<Figure>,
    /// What went wrong; the figures of that workload are then missing.
    pub(crate) failures: Vec<String>,
    pub(crate) samples: Vec<Kept>,
}

impl Report {
    /// The table, in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.figures.iter().flat_map(|figure| &figure.values) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let mut header = vec!["", "metric"];
        header.extend(&names);
        header.extend(["compared: median (min…max)", "must", "aim", "verdict"]);
        let mut rows = vec![header.into_iter().map(str::to_owned).collect::<Vec<_>>()];
        let mut above = None;
        for figure in &self.figures {
            // The same values in another comparison need not be read again.
            let here = Some((figure.workload, &figure.metric));
            let again = here == std::mem::replace(&mut above, here);
            let mut row =
                if again { vec![String::new(); 2] } else { vec![figure.workload.to_owned(), figure.metric.clone()] };
            for name in &names {
                let spread = figure.values.iter().find(|(other, _)| other == name && !again);
                row.push(spread.map_or_else(String::new, |(_, spread)| number(spread.median)));
            }
            row.push(figure.compared.as_ref().map_or_else(String::new, Compared::text));
            row.push(figure.limit.map_or_else(String::new, |limit| number(limit.must)));
            row.push(figure.limit.map_or_else(String::new, |limit| number(limit.aim)));
            row.push(match figure.verdict {
                Some(Verdict::Aim) => "aim met".to_owned(),
                Some(Verdict::Must) => "must met".to_owned(),
                Some(Verdict::Missed) => "MISSED".to_owned(),
                None => String::new(),
            });
            rows.push(row);
        }
        let mut text = aligned(&rows);
        for failure in &self.failures {
            writeln!(text, "\nFAILED: {failure}").expect("writing to memory does not fail");
        }
        text
    }

    /// Keeps the samples of a workload for the raw data.
    pub(crate) fn keep(&mut self, workload: Workload, asked: &str, series: Vec<Series>) {
        let samples = series.into_iter().flat_map(|series| series.samples).collect();
        self.samples.push(Kept { workload: workload.name(), asked: asked.to_owned(), samples });
    }
}

impl Compared {
    fn text(&self) -> String {
        let Self { who, with, how, spread } = self;
        let (sign, unit) = match how {
            Comparison::Ratio => ("/", "×"),
            Comparison::Difference => ("−", ""),
        };
        format!("{who} {sign} {with}: {}{unit} ({}…{})", number(spread.median), number(spread.min), number(spread.max))
    }
}

/// Three significant digits at least, none that say nothing.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        medium if medium >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let n_columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            write!(text, "| {cell:width$} ").expect("writing to memory does not fail");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in &widths {
                write!(text, "|{}", "-".repeat(width + 2)).expect("writing to memory does not fail");
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(ratio: f64, limit: Option<Limit>) -> Figure {
        let rounds = vec![("nginx".to_owned(), vec![10.0]), (JUDGED.to_owned(), vec![10.0 * ratio])];
        Figure::of_rounds(Workload::W1, "CPU µs", rounds, Some((JUDGED, "nginx", Comparison::Ratio)), limit)
    }

    const LIMIT: Option<Limit> = Some(Limit { must: 3.0, aim: 2.0 });

    #[test]
    fn a_limit_is_kept_up_to_its_very_value() {
        assert_eq!(figure(2.0, LIMIT).verdict, Some(Verdict::Aim));
        assert_eq!(figure(3.0, LIMIT).verdict, Some(Verdict::Must));
        assert_eq!(figure(3.01, LIMIT).verdict, Some(Verdict::Missed));
        assert_eq!(figure(1.0, None).verdict, None);
    }

    #[test]
    fn without_a_comparison_the_relays_own_value_is_judged() {
        let rounds = vec![("nginx".to_owned(), vec![9.0]), (JUDGED.to_owned(), vec![1.0, 2.5, 9.0])];
        let figure = Figure::of_rounds(Workload::W6, "MiB", rounds, None, LIMIT);
        assert_eq!(figure.verdict, Some(Verdict::Must));
    }

    #[test]
    fn the_table_shows_failures_too() {
        let report =
            Report { figures: vec![figure(4.0, LIMIT)], failures: vec!["W2: x".to_owned()], ..Report::default() };
        let table = report.table();
        assert!(table.contains("MISSED") && table.contains("FAILED: W2: x"), "{table}");
        assert!(table.contains("relay / nginx: 4.00× (4.00…4.00)"), "{table}");
    }
}
