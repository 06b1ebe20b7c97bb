//! An evaluation for people: tables, and a sentence that says whether the router beats chance.

use std::fmt::Write;

use super::{Control, Evaluation, MeanCost, Policy};

impl Evaluation {
    /// Aligned columns, ending in a line feed.
    pub fn to_table(&self) -> String {
        let mut text = format!("router {} (version {}), {} cases", self.router, self.version, self.cases);
        // Writing to a String cannot fail.
        if self.refused > 0 {
            let _ = write!(text, ", {} of them without any answer (quality 0)", self.refused);
        }
        text.push_str("\n\n");
        text.push_str(&aligned(&self.policy_rows()));
        text.push('\n');
        text.push_str(&aligned(&self.category_rows()));
        text.push('\n');
        let causes: Vec<_> = self.causes.iter().map(|(cause, cases)| format!("{cause} {cases}")).collect();
        let _ = writeln!(text, "causes      {}", causes.join(", "));
        let _ = writeln!(text, "designator  {}", self.asking());
        if !self.unscored.is_empty() {
            let ids = self.unscored.join(", ");
            let _ = writeln!(text, "unscored    {} left out, what was chosen has no score: {ids}", self.unscored.len());
        }
        let _ = write!(text, "\n{}", self.sentences());
        text
    }

    fn policy_rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![vec!["policy".to_owned(), "quality".to_owned(), "USD per case".to_owned()]];
        rows[0].extend(self.policies[0].shares.iter().map(|share| share.name.clone()));
        let shares = |policy: &Policy| policy.shares.iter().map(|share| percent(share.share)).collect::<Vec<_>>();
        for policy in &self.policies {
            let name = match &policy.always {
                Some(name) => format!("{} ({name})", policy.policy),
                None => policy.policy.to_owned(),
            };
            rows.push([vec![name, score(policy.quality), usd(policy.cost)], shares(policy)].concat());
        }
        let mut control = |name: &str, control: &Control| {
            let range = format!("{} ({}..{})", score(control.quality), score(control.p5), score(control.p95));
            rows.push([vec![name.to_owned(), range, usd(control.cost)], shares(&self.policies[0])].concat());
        };
        control("shuffled", &self.shuffled);
        if let Some(within) = &self.shuffled_designator {
            control("shuffled, designator's cases", within);
        }
        rows
    }

    fn category_rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![vec!["quality by category".to_owned(), "cases".to_owned()]];
        rows[0].extend(self.policies.iter().map(|policy| policy.policy.to_owned()));
        for category in &self.categories {
            let mut row = vec![category.category.clone(), category.cases.to_string()];
            row.extend(self.policies.iter().map(|policy| score(category.quality[policy.policy])));
            rows.push(row);
        }
        rows
    }

    fn asking(&self) -> String {
        let asking = &self.designator;
        let (Some(p50), Some(p95)) = (asking.p50_ms, asking.p95_ms) else { return "never asked".to_owned() };
        format!(
            "{} calls, p50 {p50} ms, p95 {p95} ms, {} USD per case (in the router's line already)",
            asking.calls,
            usd(asking.cost)
        )
    }

    fn sentences(&self) -> String {
        let quality = score(self.policies[0].quality);
        let said = |control: &Control| match control.is_beaten {
            true => format!("is above {}, the 95 % mark of {} shuffles", score(control.p95), control.permutations),
            false => format!("is not above {}, the 95 % mark of {} shuffles", score(control.p95), control.permutations),
        };
        let verdict = if self.shuffled.is_beaten { "beats chance" } else { "does not beat chance" };
        let mut text =
            format!("The router {verdict}: its quality {quality} {} of its own choices.\n", said(&self.shuffled));
        if let Some(within) = &self.shuffled_designator {
            let verdict = if within.is_beaten { "beats" } else { "does not beat" };
            let _ = writeln!(
                text,
                "Its designator alone {verdict} it: with the {} cases that others decided left as they are, {quality} {}.",
                self.cases - within.cases,
                said(within)
            );
        }
        text
    }
}

fn score(value: f64) -> String {
    format!("{value:.3}")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn usd(cost: MeanCost) -> String {
    match cost.mean_nano_usd {
        None => "unknown".to_owned(),
        Some(mean) if cost.unpriced > 0 => format!("≥ {}", mean.to_usd()),
        Some(mean) => mean.to_usd(),
    }
}

/// The first column to the left, the others to the right. What comes from files keeps no control characters.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let plain = |cell: &String| cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect::<String>();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(plain).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}
