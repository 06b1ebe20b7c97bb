//! What may be said of a key: its name, its tags, the models it may use and how long.

use serde::Deserialize;

use super::super::expiry;
use crate::auth::{covers, tags};
use crate::catalog::Catalog;
use crate::clock::UnixMillis;
use crate::config::Problem;

/// Characters of a name, or of a pattern, at most.
const MAX_CHARACTERS: usize = 128;
const MAX_PATTERNS: usize = 100;

/// What can be changed of a key. Everything has to be said: a limit is not lifted by forgetting it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Terms {
    pub(in crate::admin) tags: Vec<String>,
    pub(in crate::admin) models: Vec<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(in crate::admin) expires_ms: Option<i64>,
}

/// Tidies the terms, and says what is wrong with them or odd about them; the place of a problem is the field's name.
/// `earliest` is the first moment at which a key may expire.
pub(in crate::admin) fn judge(terms: &mut Terms, catalog: &Catalog, earliest: UnixMillis) -> Vec<Problem> {
    let mut problems = Vec::new();
    match tags::union(terms.tags.iter().map(String::as_str)) {
        Ok(tidy) => terms.tags = tidy,
        Err(error) => problems.push(Problem::error("tags", error.to_string())),
    }
    terms.models = terms.models.iter().map(|pattern| pattern.trim().to_owned()).collect();
    let mut wrong = |is_wrong: bool, place: &str, message: String| {
        if is_wrong {
            problems.push(Problem::error(place, message));
        }
    };
    let too_long = |pattern: &&String| pattern.chars().count() > MAX_CHARACTERS;
    let strange = |pattern: &&String| pattern.is_empty() || pattern.chars().any(char::is_control);
    wrong(terms.models.len() > MAX_PATTERNS, "models", format!("a key has {MAX_PATTERNS} patterns at most"));
    if let Some(pattern) = terms.models.iter().find(too_long) {
        let start: String = pattern.chars().take(16).collect();
        wrong(true, "models", format!("a pattern has {MAX_CHARACTERS} characters at most: `{start}…`"));
    }
    let message = "a pattern is the name of a model, alias or router, in which `*` stands for any characters";
    wrong(terms.models.iter().any(|pattern| strange(&pattern)), "models", message.to_owned());
    let ends = expiry::problem(terms.expires_ms.map(UnixMillis), earliest);
    problems.extend(ends.map(|message| Problem::error("expires_ms", message)));
    if problems.is_empty() {
        problems = problems_of_models(catalog, &terms.models);
    }
    problems
}

/// What is wrong with the name of a new key.
pub(in crate::admin) fn problem_of_name(name: &str) -> Option<Problem> {
    let is_fine = !name.is_empty() && name.chars().count() <= MAX_CHARACTERS && !name.chars().any(char::is_control);
    let message = "a name has 1 to 128 characters, none of them a control character";
    (!is_fine).then(|| Problem::error("name", message))
}

/// Patterns that cover nothing there is now. They do no harm, and models come and go: these are warnings.
pub(in crate::admin) fn problems_of_models(catalog: &Catalog, patterns: &[String]) -> Vec<Problem> {
    let idle = patterns.iter().filter(|pattern| !catalog.listing().iter().any(|listed| covers(pattern, &listed.name)));
    idle.map(|pattern| {
        let bare = catalog.models().iter().find(|model| model.is_callable() && covers(pattern, &model.profile.id));
        let message = match bare {
            Some(model) => {
                format!("`{pattern}` covers nothing: a model is written as provider/model, here `{}`", model.name())
            }
            None => format!("`{pattern}` covers no model, alias or router that there is now"),
        };
        Problem::warning("models", message)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::catalog::{Sources, built_in_overrides};
    use crate::config::{Definitions, RelayFile, Variables};

    fn catalog() -> Catalog {
        let text = "aliases: { fast: lab/small }\nproviders:\n  lab: { protocol: openai, base_url: \"http://x/v1\", \
                    models: [small, team/large] }\n";
        let relay = RelayFile::parse("relay.yaml", text, &Variables::default()).unwrap();
        let (catalog, problems) = Catalog::build(&Sources {
            variables: &Variables::default(),
            relay: &relay,
            overrides: built_in_overrides(),
            stored: &Definitions::default(),
            discovered: &HashMap::new(),
        });
        assert_eq!(problems, []);
        catalog
    }

    fn judged(tags: &[&str], models: &[&str], expires_ms: Option<i64>) -> (Terms, Vec<String>) {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        let mut terms = Terms { tags: texts(tags), models: texts(models), expires_ms };
        let problems = judge(&mut terms, &catalog(), UnixMillis(1_000));
        let problems = problems.into_iter().map(|problem| {
            format!("{}{} {}", if problem.is_error() { "" } else { "? " }, problem.place, problem.message)
        });
        (terms, problems.collect())
    }

    #[test]
    fn patterns_that_cover_something_are_fine_and_tags_are_tidied() {
        let (terms, problems) = judged(&["b, a", "a"], &[" FAST ", "lab/*", "*"], Some(1_001));
        assert_eq!(problems, [] as [String; 0]);
        assert_eq!(
            (terms.tags, terms.models),
            (vec!["a".into(), "b".into()], vec!["FAST".to_owned(), "lab/*".into(), "*".into()])
        );
    }

    #[test]
    fn a_pattern_that_covers_nothing_is_a_warning_that_helps() {
        let problems = judged(&[], &["small", "nobody"], None).1;
        assert_eq!(
            problems,
            [
                "? models `small` covers nothing: a model is written as provider/model, here `lab/small`",
                "? models `nobody` covers no model, alias or router that there is now",
            ]
        );
    }

    #[test]
    fn what_cannot_be_is_refused_at_its_field() {
        let place = |(_, problems): (Terms, Vec<String>)| {
            problems.first().map(|problem| problem.split(' ').next().unwrap_or_default().to_owned())
        };
        assert_eq!(place(judged(&[&"x".repeat(65)], &[], None)).as_deref(), Some("tags"));
        for pattern in ["", " ", "a\nb", &"x".repeat(129)] {
            assert_eq!(place(judged(&[], &[pattern], None)).as_deref(), Some("models"), "{pattern}");
        }
        assert_eq!(place(judged(&[], &["*"; 101], None)).as_deref(), Some("models"));
        for moment in [i64::MIN, 0, 1_000, i64::MAX] {
            assert_eq!(place(judged(&[], &[], Some(moment))).as_deref(), Some("expires_ms"), "{moment}");
        }
        for name in ["", "a\tb", &"x".repeat(129)] {
            assert!(problem_of_name(name).is_some(), "{name}");
        }
        assert_eq!(problem_of_name("Büro, 2. Stock"), None);
    }

    #[test]
    fn nothing_is_lifted_by_forgetting_it() {
        let read = |text: &str| serde_json::from_str::<Terms>(text).is_ok();
        assert!(read(r#"{"tags": [], "models": [], "expires_ms": null}"#));
        for text in [
            r#"{"models": [], "expires_ms": null}"#,
            r#"{"tags": [], "expires_ms": null}"#,
            r#"{"tags": [], "models": []}"#,
            r#"{"tags": [], "models": [], "expires_ms": null, "model": []}"#,
        ] {
            assert!(!read(text), "{text}");
        }
    }
}
