//! Minimum, median and maximum, and how two series that ran in the same rounds compare.

use serde::Serialize;

/// Of several rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` for no values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Self { min, median, max })
    }
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Comparison {
    /// How many times as much.
    Ratio,
    /// How much more.
    Difference,
}

impl Comparison {
    /// Compares round by round: what disturbs the machine for a while disturbs both sides of a round.
    pub(crate) fn of(self, values: &[f64], reference: &[f64]) -> Option<Spread> {
        let compared: Vec<f64> = values
            .iter()
            .zip(reference)
            .map(|(value, reference)| match self {
                Self::Ratio => value / reference,
                Self::Difference => value - reference,
            })
            .collect();
        Spread::of(&compared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[3.0]), Some(Spread { min: 3.0, median: 3.0, max: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0, 3.0, 2.0]), Some(Spread { min: 1.0, median: 2.5, max: 4.0 }));
    }

    #[test]
    fn rounds_are_compared_with_themselves_and_not_their_medians() {
        // The machine was three times as slow in the second round; the ratio is 2 in each.
        let spread = Comparison::Ratio.of(&[20.0, 60.0, 22.0], &[10.0, 30.0, 11.0]).unwrap();
        assert_eq!(spread, Spread { min: 2.0, median: 2.0, max: 2.0 });
        let spread = Comparison::Difference.of(&[5.0, 7.0], &[4.0, 5.0]).unwrap();
        assert_eq!(spread, Spread { min: 1.0, median: 1.5, max: 2.0 });
    }
}
