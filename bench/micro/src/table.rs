//! The counts as a table for people.

use std::io::{self, Write};

use crate::callgrind::Counts;
use crate::case::Case;

/// A line of the table.
pub(crate) struct Row<'a> {
    pub(crate) case: &'a Case,
    pub(crate) counts: Counts,
    /// What the baseline says.
    pub(crate) before: Option<Counts>,
}

impl Row<'_> {
    /// Whether instructions or allocations went up by more than this. A new case has nothing to be worse than.
    pub(crate) fn is_worse_by(&self, percent: f64) -> bool {
        self.before.is_some_and(|before| {
            change(before.instructions, self.counts.instructions) > percent
                || change(before.allocations, self.counts.allocations) > percent
        })
    }
}

/// Writes the head.
pub(crate) fn head(out: &mut impl Write) -> io::Result<()> {
    line(out, ["case", "instructions", "change", "allocations", "change", "per piece"])
}

/// Writes a line.
pub(crate) fn row(out: &mut impl Write, row: &Row<'_>) -> io::Result<()> {
    let Row { case, counts, before } = row;
    let (instructions, allocations) = match before {
        None => ("new".to_owned(), "new".to_owned()),
        Some(before) => {
            (change_text(before.instructions, counts.instructions), change_text(before.allocations, counts.allocations))
        }
    };
    let per_piece = case.pieces.map_or(String::new(), |(count, piece)| per_piece(*counts, count, piece));
    line(
        out,
        [
            &case.name,
            &thousands(counts.instructions),
            &instructions,
            &thousands(counts.allocations),
            &allocations,
            &per_piece,
        ],
    )
}

fn line(
    out: &mut impl Write,
    [case, instructions, change, allocations, change_2, per_piece]: [&str; 6],
) -> io::Result<()> {
    let line = format!("{case:<57} {instructions:>12} {change:>8} {allocations:>11} {change_2:>8}  {per_piece}");
    writeln!(out, "{}", line.trim_end())?;
    // Whoever waits sees what is done.
    out.flush()
}

#[allow(clippy::cast_precision_loss, reason = "for reading, to one decimal")]
fn per_piece(counts: Counts, count: usize, piece: &str) -> String {
    let instructions = counts.instructions as f64 / count as f64;
    let allocations = counts.allocations as f64 / count as f64;
    match piece {
        "byte" => format!("{instructions:.2} per byte"),
        _ => format!("{instructions:.0}, {allocations:.1} allocations per {piece}"),
    }
}

/// Percent, positive when it became more.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn change(before: u64, now: u64) -> f64 {
    match (before, now) {
        (0, 0) => 0.0,
        (0, _) => f64::INFINITY,
        _ => (now as f64 / before as f64 - 1.0) * 100.0,
    }
}

fn change_text(before: u64, now: u64) -> String {
    if before == now { "=".to_owned() } else { format!("{:+.1} %", change(before, now)) }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(case: &Case, before: Option<(u64, u64)>) -> Row<'_> {
        let counts = |(instructions, allocations)| Counts { instructions, allocations };
        Row { case, counts: counts((103, 0)), before: before.map(counts) }
    }

    #[test]
    fn more_of_either_is_worse() {
        let case = Case::new("x", || || 1);
        assert!(row(&case, Some((100, 0))).is_worse_by(2.0));
        assert!(!row(&case, Some((100, 0))).is_worse_by(5.0));
        assert!(!row(&case, Some((200, 9))).is_worse_by(0.0));
        assert!(!row(&case, None).is_worse_by(0.0));
        let grown = Row { counts: Counts { instructions: 100, allocations: 1 }, ..row(&case, Some((100, 0))) };
        assert!(grown.is_worse_by(50.0));
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
