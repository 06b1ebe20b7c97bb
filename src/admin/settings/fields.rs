//! Settings as fields of a form.

use serde_json::Value;

use super::super::api::settings::{SettingOrigin, ShownSetting};

/// A field of the form.
#[derive(Default)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) input: Input,
    /// The value as the input has it.
    pub(super) value: String,
    /// Words that can be chosen, and what they mean.
    pub(super) choices: Vec<(&'static str, &'static str)>,
    /// Why it cannot be changed here; empty: it can.
    pub(super) locked: String,
    /// It was set here, so it can be taken back.
    pub(super) is_set: bool,
    /// What it would be again then.
    pub(super) default: String,
    pub(super) problems: Vec<String>,
    /// For the script.
    pub(super) json: String,
}

/// How a value is put in.
#[derive(Default, PartialEq, Eq, Clone, Copy)]
pub(super) enum Input {
    /// A name, or nothing.
    #[default]
    Name,
    /// A number of days.
    Days,
    /// The same, or nothing: for good.
    DaysOrEver,
    /// Yes or no.
    Flag,
    /// One of the choices.
    Choice,
    /// Names and regular expressions.
    Patterns,
}

impl Input {
    /// For the script, which turns the text of the input into a value.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Days => "days",
            Self::DaysOrEver => "days-or-ever",
            Self::Flag => "flag",
            Self::Choice => "choice",
            Self::Patterns => "patterns",
        }
    }

    pub(super) fn is_days(self) -> bool {
        matches!(self, Self::Days | Self::DaysOrEver)
    }
}

impl Field {
    pub(super) fn new(shown: ShownSetting) -> Self {
        let json = serde_json::to_string(&shown).unwrap_or_default();
        let (label, hint, input): (_, _, Input) = match shown.name {
            "default_model" => {
                ("Default model", "What a name becomes that nobody knows. Empty: such a name is an error.", Input::Name)
            }
            "reverse_dns" => (
                "Names of clients",
                "Asks the system’s resolver what an address is called, after its answer has gone. The name stands beside the address.",
                Input::Flag,
            ),
            "keep_prompts" => (
                "Request bodies",
                "Needed to try a changed router on past requests. Secrets are cut out before a body is kept; answers are never kept.",
                Input::Choice,
            ),
            "keep_prompts_days" => ("Days to keep bodies", "Older ones are deleted.", Input::Days),
            "keep_requests_days" => (
                "Days to keep records",
                "One record per answer, with its tokens and cost. Empty: for good. Sums per hour stay in any case, so reports do not change.",
                Input::DaysOrEver,
            ),
            "keep_decisions_days" => {
                ("Days to keep decisions", "How routers came to their choices. Empty: for good.", Input::DaysOrEver)
            }
            _ => ("Your own patterns", "", Input::Patterns),
        };
        let choices = if input == Input::Choice {
            vec![("off", "Not kept"), ("routed", "Kept of requests to smart routers"), ("all", "Kept of all chats")]
        } else {
            Vec::new()
        };
        let text = |value: Option<&Value>| match value {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let place = shown.place.clone().unwrap_or_default();
        let locked = match shown.origin {
            SettingOrigin::Default | SettingOrigin::Database => String::new(),
            SettingOrigin::Environment => {
                format!("{place} in the environment says so: change it there and start again.")
            }
            SettingOrigin::File => format!("The file says so: change it at {place}."),
        };
        let default = text(shown.default.as_ref());
        let default_words = choices.iter().find(|(word, _)| *word == default).map(|(_, words)| (*words).to_owned());
        Self {
            name: shown.name,
            label,
            hint,
            input,
            value: text(shown.value.as_ref()),
            default: match input {
                Input::Flag => "off".to_owned(),
                Input::DaysOrEver => "for good".to_owned(),
                Input::Name | Input::Patterns => "none".to_owned(),
                Input::Days | Input::Choice => default_words.unwrap_or(default),
            },
            choices,
            locked,
            is_set: shown.origin == SettingOrigin::Database,
            problems: shown.problems.into_iter().map(|problem| problem.message).collect(),
            json,
        }
    }

    pub(super) fn is_locked(&self) -> bool {
        !self.locked.is_empty()
    }
}
