//! Which generation of Gemini an id names.
//!
//! The API changed between generations in ways the list of models does not state: before 2.0 schemas must be the `OpenAPI`
//! subset, 2.5 takes `thinkingBudget` and refuses `thinkingLevel`, 3 does the opposite and insists on thought signatures.
//! The id is the only place where a request can see which it is.

/// A generation, ordered by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation {
    major: u32,
    minor: u32,
}

/// The first that takes JSON Schema as it is.
pub(super) const TWO: Generation = Generation { major: 2, minor: 0 };
/// The first that thinks, with a budget in tokens.
pub(super) const TWO_FIVE: Generation = Generation { major: 2, minor: 5 };
/// The first that thinks by levels, signs its tool calls and takes a schema beside tools.
pub(super) const THREE: Generation = Generation { major: 3, minor: 0 };
/// The first whose `pro` knows the level `medium`.
pub(super) const THREE_ONE: Generation = Generation { major: 3, minor: 1 };
/// Moving names such as `gemini-flash-latest`: they follow the newest.
const NEWEST: Generation = Generation { major: u32::MAX, minor: 0 };

impl Generation {
    /// The generation of `gemini-<major>[.<minor>]-…`, with or without `models/` in front.
    /// `None` for models of other families (Gemma, `LearnLM`).
    pub(super) fn of(model: &str) -> Option<Self> {
        let rest = model.strip_prefix("models/").unwrap_or(model).strip_prefix("gemini-")?;
        let number = rest.split('-').next().unwrap_or_default();
        let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Some(Self { major, minor }),
            _ => Some(NEWEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_tells_the_generation() {
        let of = |id| Generation::of(id).map(|generation| (generation.major, generation.minor));
        assert_eq!(of("gemini-1.5-pro-002"), Some((1, 5)));
        assert_eq!(of("models/gemini-2.5-flash-lite"), Some((2, 5)));
        assert_eq!(of("gemini-3-pro-preview"), Some((3, 0)));
        assert_eq!(of("gemini-12.34"), Some((12, 34)));
        assert_eq!(of("gemma-3-27b-it"), None);
        assert!(Generation::of("gemini-flash-latest").unwrap() > THREE_ONE);
    }
}
