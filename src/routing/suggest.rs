//! Names that look like one that was not found.

use std::collections::HashSet;

use crate::catalog::Catalog;

/// How many names are suggested.
const MOST: usize = 3;
/// Longer names are compared by their beginning: nobody mistypes the 97th letter, and the work stays bounded.
const COMPARED_CHARS: usize = 96;

/// Up to three names a client could have meant, the nearest first: routers, aliases and models that can be called.
/// A model counts by its bare id too, and is suggested as `provider/model`.
pub(super) fn near_names(catalog: &Catalog, asked: &str) -> Vec<String> {
    let asked = letters(asked);
    let furthest = (asked.len() / 3).clamp(1, 6);
    let mut near: Vec<(usize, &str)> = Vec::new();
    let mut row = Vec::new();
    for listed in catalog.listing() {
        let whole = letters(&listed.name);
        let bare = whole.iter().position(|letter| *letter == '/').map(|slash| &whole[slash + 1..]);
        let names = std::iter::once(&whole[..]).chain(bare);
        if let Some(distance) = names.filter_map(|name| distance(&asked, name, furthest, &mut row)).min() {
            near.push((distance, &listed.name));
        }
    }
    // A stable sort: of equally near names, routers and aliases stay in front.
    near.sort_by_key(|(distance, _)| *distance);
    let mut seen = HashSet::new();
    near.retain(|(_, name)| seen.insert(*name));
    near.into_iter().take(MOST).map(|(_, name)| name.to_owned()).collect()
}

fn letters(name: &str) -> Vec<char> {
    name.chars().take(COMPARED_CHARS).map(|char| char.to_ascii_lowercase()).collect()
}

/// Edit distance (insert, delete, replace), unless it is more than `furthest`. `row` is room to work in.
///
/// Letters further apart than `furthest` cannot be matched, so only a band of the table is computed; and a row in which
/// everything is too far is the last one, which for most names is one of the first.
fn distance(left: &[char], right: &[char], furthest: usize, row: &mut Vec<usize>) -> Option<usize> {
    if left.len().abs_diff(right.len()) > furthest {
        return None;
    }
    row.clear();
    row.extend(0..=right.len());
    for (i, from) in left.iter().enumerate() {
        let first = i.saturating_sub(furthest);
        let band = first..right.len().min(i + furthest + 1);
        let mut diagonal = row[first];
        // Left of the band, and above its right end, everything is too far.
        row[first] = if first == 0 { i + 1 } else { furthest + 1 };
        let mut nearest = row[first];
        for j in band {
            let replaced = diagonal + usize::from(*from != right[j]);
            let deleted = if j + 1 > i + furthest { furthest } else { row[j + 1] };
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(deleted + 1).min(row[j] + 1);
            nearest = nearest.min(row[j + 1]);
        }
        if nearest > furthest {
            return None;
        }
    }
    row.last().copied().filter(|&distance| distance <= furthest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook's whole table.
    fn plain_distance(left: &[char], right: &[char]) -> usize {
        let mut row: Vec<usize> = (0..=right.len()).collect();
        for (i, from) in left.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], i + 1);
            for (j, to) in right.iter().enumerate() {
                let replaced = diagonal + usize::from(from != to);
                diagonal = row[j + 1];
                row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
            }
        }
        row[right.len()]
    }

    proptest::proptest! {
        #[test]
        fn the_band_gives_what_the_whole_table_gives(left in "[ab]{0,12}", right in "[ab]{0,12}", furthest in 0_usize..7) {
            let (left, right) = (letters(&left), letters(&right));
            let expected = Some(plain_distance(&left, &right)).filter(|&distance| distance <= furthest);
            proptest::prop_assert_eq!(distance(&left, &right, furthest, &mut Vec::new()), expected);
        }
    }

    #[test]
    fn distances_count_single_edits() {
        for (left, right, expected) in [
            ("", "", Some(0)),
            ("gpt-4o", "gpt-4o", Some(0)),
            ("gpt4o", "gpt-4o", Some(1)),
            ("kitten", "sitting", Some(3)),
            ("abcd", "wxyz", None),
            ("a", "abcdef", None),
        ] {
            assert_eq!(distance(&letters(left), &letters(right), 3, &mut Vec::new()), expected, "{left} {right}");
        }
    }
}
