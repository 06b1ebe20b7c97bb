//! What is wrong with a configuration, and where.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where: `relay.yaml:12:5 aliases.fast`, or the name of a setting.
    pub place: String,
    /// The part of an entry it is about, where one can be named: `target`, `candidates.2`. For forms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong, and if possible what would be right. Never holds a key.
    pub message: String,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The relay works, but probably not as intended.
    Warning,
}

impl Problem {
    /// A problem that refuses the configuration.
    pub fn error(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place: place.into(), field: None, message: message.into() }
    }

    /// A problem worth telling.
    pub fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, place: place.into(), field: None, message: message.into() }
    }

    /// The same, about a part of the entry.
    pub fn of(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// Whether the configuration is refused because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.severity {
            Severity::Error => write!(f, "{}: {}", self.place, self.message),
            Severity::Warning => write!(f, "{}: warning: {}", self.place, self.message),
        }
    }
}

/// The text `llm-relay check` prints: every problem on its own line, errors first, then a line that sums up.
pub fn check(problems: &[Problem]) -> String {
    let (errors, warnings): (Vec<_>, Vec<_>) = problems.iter().partition(|problem| problem.is_error());
    let mut text = String::new();
    for problem in errors.iter().chain(&warnings) {
        text.push_str(&format!("{problem}\n"));
    }
    match (errors.len(), warnings.len()) {
        (0, 0) => text.push_str("the configuration is sound\n"),
        (0, n) => text.push_str(&format!("the configuration can be used; warnings: {n}\n")),
        (n, _) => text.push_str(&format!("the configuration is refused; errors: {n}\n")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stand_before_warnings() {
        let text = check(&[Problem::warning("a", "odd"), Problem::error("b", "wrong")]);
        assert_eq!(text, "b: wrong\na: warning: odd\nthe configuration is refused; errors: 1\n");
        assert_eq!(check(&[]), "the configuration is sound\n");
    }
}
