//! Ids of function calls. Before Gemini 3 calls have none, and results are matched by them everywhere else.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Gives every call of an answer an id of its own.
#[derive(Debug, Default)]
pub(super) struct CallIds {
    response: Option<String>,
    given: Vec<String>,
}

impl CallIds {
    /// Invented ids are made from the answer's id: two turns that call the same tool must not share one.
    pub(super) fn belong_to(&mut self, response: Option<&str>) {
        self.response = response.filter(|id| !id.is_empty()).map(str::to_owned);
    }

    /// The call's own id when it is the first with it, else an invented one. The same answer always gives the same ids.
    pub(super) fn next(&mut self, own: Option<Cow<'_, str>>, name: &str, arguments: &str) -> String {
        let own = own.map(Cow::into_owned).filter(|id| !id.is_empty());
        let id = own.filter(|id| !self.given.contains(id)).unwrap_or_else(|| self.invent(name, arguments));
        self.given.push(id.clone());
        id
    }

    fn invent(&self, name: &str, arguments: &str) -> String {
        let number = self.given.len();
        match &self.response {
            Some(response) => format!("call_{response}_{number}"),
            None => {
                let mut hasher = DefaultHasher::new();
                (name, arguments).hash(&mut hasher);
                format!("call_{:016x}_{number}", hasher.finish())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_without_ids_get_unique_ones_that_differ_between_answers() {
        let mut seen = Vec::new();
        for response in [Some("r1"), Some("r2"), None] {
            let mut ids = CallIds::default();
            ids.belong_to(response);
            seen.extend([ids.next(None, "f", "{}"), ids.next(Some("".into()), "f", "{}")]);
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn an_id_of_its_own_is_kept_but_not_twice() {
        let mut ids = CallIds::default();
        ids.belong_to(Some("r"));
        assert_eq!(ids.next(Some("a".into()), "f", "{}"), "a");
        assert_eq!(ids.next(Some("a".into()), "f", "{}"), "call_r_1");
    }
}
