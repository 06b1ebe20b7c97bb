//! Models that nobody listed, kept once they were asked for: making one (rules, price and the price's id) takes longer
//! than everything else about a name.

use std::sync::Arc;

use dashmap::DashMap;

use super::Model;

/// Clients may ask for any name: when so many are kept, all are forgotten.
const MOST_KEPT: usize = 1_000;
/// Bytes of a name that is worth keeping.
const LONGEST_NAME: usize = 200;

/// Models by the name they were asked for.
#[derive(Debug, Default)]
pub(super) struct PassedThrough(DashMap<Box<str>, Arc<Model>>);

impl PassedThrough {
    /// The model of a name. The same name must always make the same model.
    pub(super) fn get_or_make(&self, name: &str, make: impl FnOnce() -> Model) -> Arc<Model> {
        if let Some(kept) = self.0.get(name) {
            return Arc::clone(&kept);
        }
        let made = Arc::new(make());
        if name.len() <= LONGEST_NAME {
            if self.0.len() >= MOST_KEPT {
                self.0.clear();
            }
            self.0.insert(name.into(), Arc::clone(&made));
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::Fixture;

    #[test]
    fn a_name_is_made_a_model_once_and_never_too_many_are_kept() {
        let variables = &[("OPENAI_API_KEY", "k")];
        let catalog = Fixture { variables, ..Fixture::default() }.catalog();
        let ask = |name: &str| catalog.pass_through(name).unwrap();
        assert!(Arc::ptr_eq(&ask("openai/new"), &ask("openai/new")));
        assert_eq!((&*ask("openai/new").profile.id, &*ask("openai/other").profile.id), ("new", "other"));
        let first = ask("openai/new");
        for number in 0..3 * MOST_KEPT {
            assert_eq!(ask(&format!("openai/{number}")).profile.id, number.to_string());
            assert!(catalog.passed_through.0.len() <= MOST_KEPT);
        }
        assert!(!Arc::ptr_eq(&first, &ask("openai/new")));

        let long = format!("openai/{}", "x".repeat(LONGEST_NAME));
        assert_eq!(ask(&long).profile.id.len(), LONGEST_NAME);
        assert!(catalog.passed_through.0.get(&*long).is_none());
    }
}
