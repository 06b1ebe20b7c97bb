//! A report for programs (JSON), spreadsheets (CSV) and people (a table).

use std::borrow::Cow;

use super::{Report, Row};
use crate::money::NanoUsd;
use crate::store::usage::Counters;

/// Columns of the CSV form: those of the JSON form.
pub(super) const CSV_HEADER: [&str; 11] = [
    "key",
    "requests",
    "errors",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_nano_usd",
    "unpriced_requests",
    "estimated_requests",
];

const TABLE_HEADER: [&str; 10] = [
    "requests",
    "errors",
    "input",
    "output",
    "reasoning",
    "cache read",
    "cache write",
    "cost USD",
    "unpriced",
    "estimated",
];

impl Report {
    /// One JSON object, on one line.
    ///
    /// # Errors
    /// Never in practice: there is nothing in a report that JSON could refuse.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// A header and a line per row. There is no line for the total, so that columns can be summed up (except by tag).
    ///
    /// # Errors
    /// Never in practice: it is written to memory.
    pub fn to_csv(&self) -> csv::Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(CSV_HEADER)?;
        for row in &self.rows {
            let key = spreadsheet_safe(&row.key);
            writer.write_record(std::iter::once(key.into_owned()).chain(numbers(&row.sums)))?;
        }
        let bytes = writer.into_inner().map_err(|error| error.into_error())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Aligned columns with a line for the total, ending in a line feed.
    pub fn to_table(&self) -> String {
        let total = Row { key: "total".to_owned(), sums: self.total };
        let mut lines = vec![line(self.by.as_str(), TABLE_HEADER.map(str::to_owned))];
        lines.extend(self.rows.iter().chain([&total]).map(|row| {
            let key = if row.key.is_empty() { "(none)" } else { &row.key };
            line(key, cells(&row.sums))
        }));
        let widths = (0..=TABLE_HEADER.len())
            .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
            .collect::<Vec<_>>();
        let mut text = String::new();
        for line in &lines {
            let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// Where the cost stands among the numbers.
const COST: usize = 7;

/// The numbers as plain text; a cost of which nothing is known is empty.
pub(super) fn numbers(sums: &Counters) -> [String; 10] {
    let cost = sums.known_cost().map_or_else(String::new, |cost| cost.to_string());
    let mut cells = [
        sums.requests,
        sums.errors,
        sums.input_tokens,
        sums.output_tokens,
        sums.reasoning_tokens,
        sums.cache_read_tokens,
        sums.cache_write_tokens,
        0,
        sums.unpriced_requests,
        sums.estimated_requests,
    ]
    .map(|number| number.to_string());
    cells[COST] = cost;
    cells
}

/// The numbers of the table: the cost in USD, and in it a mark where some of it is not known.
fn cells(sums: &Counters) -> [String; 10] {
    let mut cells = numbers(sums);
    cells[COST] = match sums.known_cost().map(|cost| NanoUsd(cost).to_usd()) {
        None => "unknown".to_owned(),
        Some(cost) if sums.unpriced_requests > 0 => format!("≥ {cost}"),
        Some(cost) => cost,
    };
    cells
}

fn line(key: &str, cells: [String; 10]) -> Vec<String> {
    // A tag is the client's text: no control character of it may reach the terminal.
    let key = key.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    std::iter::once(key).chain(cells).collect()
}

/// Spreadsheets run cells that begin so as formulas; an apostrophe makes them text.
pub(super) fn spreadsheet_safe(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}").into() } else { cell.into() }
}
