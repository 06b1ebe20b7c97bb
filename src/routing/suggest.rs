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
    for listed in catalog.listing() {
        let whole = letters(&listed.name);
        let bare = listed.name.split_once('/').map(|(_, id)| letters(id));
        let distances = std::iter::once(whole).chain(bare).filter_map(|name| distance(&asked, &name, furthest));
        if let Some(distance) = distances.min() {
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

/// Edit distance (insert, delete, replace), unless it is more than `furthest`.
fn distance(left: &[char], right: &[char], furthest: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) > furthest {
        return None;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().filter(|&distance| distance <= furthest)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(distance(&letters(left), &letters(right), 3), expected, "{left} {right}");
        }
    }
}
