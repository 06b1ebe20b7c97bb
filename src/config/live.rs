//! What operators set while the relay runs: settings of the database, beside those of the environment.

use serde::{Deserialize, Serialize};

use crate::redaction::Redactor;

/// Nothing is kept for longer than a century.
const MOST_DAYS: u32 = 36_500;
/// Patterns of one's own at most.
const MOST_PATTERNS: usize = 50;

/// Whose request bodies are kept in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepPrompts {
    /// Nobody's.
    Off,
    /// Those of requests to smart routers, so that a changed router can be tried on them.
    Routed,
    /// All.
    All,
}

/// A pattern of one's own, cut out of bodies before they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternEntry {
    /// Stands in place of what was cut out.
    pub name: String,
    /// A regular expression; where it has a group, only the group is cut out.
    pub pattern: String,
}

/// One setting and its value. Its JSON is an object with the setting's name: `{"keep_prompts": "all"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// What an unknown name becomes; `None`: unknown names are errors.
    DefaultModel(Option<String>),
    /// Whose request bodies are kept.
    KeepPrompts(KeepPrompts),
    /// Days for which bodies are kept.
    KeepPromptsDays(u32),
    /// Days for which usage records are kept; `None`: for good. Sums per hour stay in any case.
    KeepRequestsDays(Option<u32>),
    /// Days for which decisions of routers are kept; `None`: for good.
    KeepDecisionsDays(Option<u32>),
    /// Whether names of clients' addresses are looked up.
    ReverseDns(bool),
    /// Patterns of one's own.
    RedactionPatterns(Vec<PatternEntry>),
}

/// Every setting with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSettings {
    /// What an unknown name becomes, unless `relay.yaml` says it.
    pub default_model: Option<String>,
    /// Whose request bodies are kept.
    pub keep_prompts: KeepPrompts,
    /// Days for which bodies are kept.
    pub keep_prompts_days: u32,
    /// Days for which usage records are kept; `None`: for good.
    pub keep_requests_days: Option<u32>,
    /// Days for which decisions of routers are kept; `None`: for good.
    pub keep_decisions_days: Option<u32>,
    /// Whether names of clients' addresses are looked up.
    pub reverse_dns: bool,
    /// Patterns of one's own.
    pub redaction_patterns: Vec<PatternEntry>,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            default_model: None,
            keep_prompts: KeepPrompts::Off,
            keep_prompts_days: 7,
            keep_requests_days: None,
            keep_decisions_days: None,
            reverse_dns: false,
            redaction_patterns: Vec::new(),
        }
    }
}

impl LiveSettings {
    /// Takes a setting's value.
    pub fn set(&mut self, setting: Setting) {
        match setting {
            Setting::DefaultModel(name) => self.default_model = name,
            Setting::KeepPrompts(whose) => self.keep_prompts = whose,
            Setting::KeepPromptsDays(days) => self.keep_prompts_days = days,
            Setting::KeepRequestsDays(days) => self.keep_requests_days = days,
            Setting::KeepDecisionsDays(days) => self.keep_decisions_days = days,
            Setting::ReverseDns(is_on) => self.reverse_dns = is_on,
            Setting::RedactionPatterns(patterns) => self.redaction_patterns = patterns,
        }
    }

    /// Gives the setting of a name its default again.
    pub fn unset(&mut self, name: &str) {
        let default = Self::default().all().into_iter().find(|setting| setting.name() == name);
        if let Some(default) = default {
            self.set(default);
        }
    }

    /// Every setting, in the order in which they are shown.
    pub fn all(self) -> [Setting; 7] {
        [
            Setting::DefaultModel(self.default_model),
            Setting::ReverseDns(self.reverse_dns),
            Setting::KeepPrompts(self.keep_prompts),
            Setting::KeepPromptsDays(self.keep_prompts_days),
            Setting::KeepRequestsDays(self.keep_requests_days),
            Setting::KeepDecisionsDays(self.keep_decisions_days),
            Setting::RedactionPatterns(self.redaction_patterns),
        ]
    }

    /// What cuts secrets out of bodies. A pattern that cannot be used, which only another program can have stored, is left
    /// out with all of its kind: the built-in rules stay.
    pub fn redactor(&self) -> Redactor {
        let own = self.redaction_patterns.iter().map(|one| (one.name.as_str(), one.pattern.as_str()));
        Redactor::with(own).unwrap_or_else(|_| Redactor::built_in().clone())
    }
}

impl Setting {
    /// What it is called in the database, by the API, and in `relay.yaml` if it can stand there.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DefaultModel(_) => "default_model",
            Self::KeepPrompts(_) => "keep_prompts",
            Self::KeepPromptsDays(_) => "keep_prompts_days",
            Self::KeepRequestsDays(_) => "keep_requests_days",
            Self::KeepDecisionsDays(_) => "keep_decisions_days",
            Self::ReverseDns(_) => "reverse_dns",
            Self::RedactionPatterns(_) => "redaction_patterns",
        }
    }

    /// The variable of the environment that says the same, if there is one. It wins.
    pub fn variable(&self) -> Option<&'static str> {
        match self {
            Self::KeepPrompts(_) => Some("KEEP_PROMPTS"),
            Self::KeepPromptsDays(_) => Some("KEEP_PROMPTS_DAYS"),
            Self::KeepRequestsDays(_) => Some("KEEP_REQUESTS_DAYS"),
            Self::KeepDecisionsDays(_) => Some("KEEP_DECISIONS_DAYS"),
            Self::ReverseDns(_) => Some("REVERSE_DNS"),
            Self::DefaultModel(_) | Self::RedactionPatterns(_) => None,
        }
    }

    /// What is wrong with it, whatever a name in it means.
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::DefaultModel(Some(name)) if name.trim().is_empty() => {
                vec!["the name of a model is needed; null for none".to_owned()]
            }
            Self::KeepPromptsDays(days) | Self::KeepRequestsDays(Some(days)) | Self::KeepDecisionsDays(Some(days))
                if !(1..=MOST_DAYS).contains(days) =>
            {
                vec![format!("{days} is no number of days from 1 to {MOST_DAYS}")]
            }
            Self::RedactionPatterns(patterns) => wrong_patterns(patterns),
            Self::DefaultModel(_)
            | Self::KeepPrompts(_)
            | Self::KeepPromptsDays(_)
            | Self::KeepRequestsDays(_)
            | Self::KeepDecisionsDays(_)
            | Self::ReverseDns(_) => Vec::new(),
        }
    }
}

fn wrong_patterns(patterns: &[PatternEntry]) -> Vec<String> {
    let mut problems = Vec::new();
    if patterns.len() > MOST_PATTERNS {
        problems.push(format!("there can be {MOST_PATTERNS} patterns at most"));
        return problems;
    }
    let checked = patterns.iter().map(|one| crate::redaction::check_pattern(&one.name, &one.pattern));
    problems.extend(checked.filter_map(Result::err).map(|error| error.to_string()));
    if problems.is_empty() {
        // Each for itself is fine; all together may be too much.
        let all = Redactor::with(patterns.iter().map(|one| (one.name.as_str(), one.pattern.as_str())));
        problems.extend(all.err().map(|error| error.to_string()));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reads_what_it_wrote_under_its_own_name() {
        let mut set = LiveSettings {
            default_model: Some("a".into()),
            keep_prompts: KeepPrompts::Routed,
            keep_prompts_days: 3,
            keep_requests_days: Some(4),
            keep_decisions_days: Some(5),
            reverse_dns: true,
            redaction_patterns: vec![PatternEntry { name: "n".into(), pattern: "p+".into() }],
        };
        for setting in set.clone().all() {
            let written = serde_json::to_value(&setting).unwrap();
            assert_eq!(written.as_object().unwrap().keys().collect::<Vec<_>>(), [setting.name()]);
            assert_eq!(serde_json::from_value::<Setting>(written).unwrap(), setting);
            assert_eq!(setting.problems(), Vec::<String>::new());
        }
        let expected = set.clone();
        for setting in expected.clone().all() {
            set.set(setting);
        }
        assert_eq!(set, expected);
    }

    #[test]
    fn what_cannot_be_is_said() {
        let pattern = |pattern: &str| PatternEntry { name: "n".into(), pattern: pattern.into() };
        for (setting, expected) in [
            (Setting::KeepPromptsDays(0), "0 is no number of days"),
            (Setting::KeepRequestsDays(Some(99_999)), "99999 is no number"),
            (Setting::DefaultModel(Some(" ".into())), "name of a model"),
            (Setting::RedactionPatterns(vec![pattern("a"), pattern("(")]), "unclosed group"),
            (Setting::RedactionPatterns(vec![pattern("a"); 51]), "50 patterns"),
        ] {
            assert!(setting.problems()[0].contains(expected), "{:?}", setting.problems());
        }
    }
}
