//! The shuffled control: the router's own choices, dealt out at random.
//!
//! A router that sends 60 % of all requests to the strong model is better than the weak model alone, whichever requests
//! these are. Only what it gains over the same shares at random is its own merit.

use serde::Serialize;

use super::Trial;
use super::policy::{MeanCost, Tally, nearest_rank, ratio, score};

/// Enough that the 5 % and 95 % marks hardly move with the seed.
const PERMUTATIONS: usize = 1_000;
/// The same data give the same result, on every machine.
const SEED: u64 = 20_261_121;

/// What the router's choices bring when they are dealt out at random.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Control {
    /// Deals.
    pub permutations: usize,
    /// Cases whose choices were dealt out; the others kept theirs.
    pub cases: usize,
    /// Mean quality over all deals.
    pub quality: f64,
    /// 5 % of the deals are no better.
    pub p5: f64,
    /// 95 % of the deals are no better.
    pub p95: f64,
    /// Mean cost of the answers; a control asks no designator.
    pub cost: MeanCost,
    /// The router's quality is above the 95 % mark.
    pub is_beaten: bool,
}

/// Deals the choices at `places` out among these places, again and again.
pub(super) fn shuffled(trials: &[&Trial], choices: &[Option<usize>], places: &[usize], quality: f64) -> Control {
    let mut random = SplitMix(SEED);
    let mut dealt = choices.to_vec();
    let mut cards: Vec<Option<usize>> = places.iter().map(|&at| choices[at]).collect();
    let mut cost = Tally::default();
    let mut qualities: Vec<f64> = (0..PERMUTATIONS)
        .map(|_| {
            random.shuffle(&mut cards);
            for (&at, &card) in places.iter().zip(&cards) {
                dealt[at] = card;
            }
            for (trial, choice) in trials.iter().zip(&dealt) {
                cost.add(choice.map(|choice| trial.costs[choice]));
            }
            ratio(trials.iter().zip(&dealt).map(|(trial, choice)| score(trial, *choice)).sum(), trials.len())
        })
        .collect();
    qualities.sort_by(f64::total_cmp);
    let p95 = nearest_rank(&qualities, 95).copied().unwrap_or(0.0);
    let mut cost = cost.mean();
    cost.unpriced = cost.unpriced.div_ceil(PERMUTATIONS);
    Control {
        permutations: PERMUTATIONS,
        cases: places.len(),
        quality: ratio(qualities.iter().sum(), qualities.len()),
        p5: nearest_rank(&qualities, 5).copied().unwrap_or(0.0),
        p95,
        cost,
        // Sums in another order differ in their last digits, which is no merit.
        is_beaten: quality > p95 + 1e-9,
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): small, and the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Fisher and Yates. With 64 random bits the choice is even to one part in 10¹⁶.
    fn shuffle<T>(&mut self, cards: &mut [T]) {
        for last in (1..cards.len()).rev() {
            let at = (u128::from(self.next()) * (last as u128 + 1)) >> 64;
            cards.swap(last, usize::try_from(at).unwrap_or(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // First outputs of the reference implementation for seed 1234567.
        let mut random = SplitMix(1_234_567);
        assert_eq!(
            [random.next(), random.next(), random.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn every_order_comes_up_about_equally_often() {
        let mut random = SplitMix(1);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..6_000 {
            let mut cards = [1, 2, 3];
            random.shuffle(&mut cards);
            *counts.entry(cards).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1,000 expected, with a standard deviation of 29.
        assert!(counts.values().all(|count| (870..=1_130).contains(count)), "{counts:?}");
    }
}
