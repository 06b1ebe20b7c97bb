//! Whether and how much the model thinks, and whether it can be forced to call a tool at the same time.
//!
//! Two kinds of models: those that take a *budget* of tokens and think only when told to, and *adaptive* ones that take
//! an effort and think unless told not to. Which of them can be told so is in the model's capabilities.

use crate::chat::{Effort, Reasoning};
use crate::protocol::Capabilities;
use crate::protocol::anthropic_messages::wire::Thinking;

/// The smallest budget the format takes.
const MIN_BUDGET: u64 = 1024;

/// What the request says about thinking.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) thinking: Option<Thinking>,
    pub(super) effort: Option<&'static str>,
    /// A tool was to be called by force, which this model cannot do while it thinks: the choice becomes `auto`.
    pub(super) unforced: bool,
}

impl Plan {
    /// The request switches thinking on.
    pub(super) fn is_on(&self) -> bool {
        match self.thinking {
            Some(Thinking::Enabled { .. } | Thinking::Adaptive { .. }) => true,
            Some(Thinking::Disabled) | None => false,
        }
    }

    const NOTHING: Self = Self { thinking: None, effort: None, unforced: false };
}

/// Decides. `forced`: the client wants some tool, or a certain one, to be called.
pub(super) fn plan(
    asked: Option<Reasoning>,
    forced: bool,
    capabilities: &Capabilities,
    max_tokens: u64,
    warnings: &mut Vec<String>,
) -> Plan {
    let adaptive = capabilities.adaptive_thinking == Some(true) && capabilities.reasoning != Some(false);
    let decide = |asked, warnings: &mut Vec<String>| match adaptive {
        true => plan_adaptive(asked, capabilities, warnings),
        false => plan_budget(asked, capabilities, max_tokens, warnings),
    };
    if !forced {
        return decide(asked, warnings);
    }
    // An adaptive model that is told nothing may think, and `any` and `tool` are refused then.
    let thinks = decide(asked, &mut Vec::new()).is_on() || adaptive && asked.is_none();
    let can_be_off = capabilities.thinking_off != Some(false);
    if capabilities.forced_tool == Some(false) || (thinks && !can_be_off) {
        warnings.push("tool_choice: this model cannot be forced to call a tool".to_owned());
        return Plan { unforced: true, ..decide(asked, warnings) };
    }
    if thinks && asked.is_some() {
        warnings.push("reasoning_effort: thinking is off where a tool call is forced".to_owned());
    }
    decide(if thinks { Some(Reasoning::Off) } else { asked }, warnings)
}

fn plan_adaptive(asked: Option<Reasoning>, capabilities: &Capabilities, warnings: &mut Vec<String>) -> Plan {
    let effort = match asked {
        None => return Plan::NOTHING,
        Some(Reasoning::Off) if capabilities.thinking_off == Some(false) => {
            warnings.push("reasoning_effort: thinking cannot be switched off, the lowest effort is used".to_owned());
            return Plan { effort: Some("low"), ..Plan::NOTHING };
        }
        Some(Reasoning::Off) => return Plan { thinking: Some(Thinking::Disabled), ..Plan::NOTHING },
        Some(Reasoning::On) => None,
        Some(Reasoning::Effort(effort)) => Some(effort_word(effort)),
        Some(Reasoning::Budget(tokens)) => Some(effort_for_budget(tokens)),
    };
    Plan { thinking: Some(Thinking::Adaptive { display: "summarized" }), effort, unforced: false }
}

fn plan_budget(
    asked: Option<Reasoning>,
    capabilities: &Capabilities,
    max_tokens: u64,
    warnings: &mut Vec<String>,
) -> Plan {
    let budget = match asked {
        // These models do not think unless told to, and the older ones do not know `disabled`.
        None | Some(Reasoning::Off) => return Plan::NOTHING,
        Some(Reasoning::On) => budget_for_effort(Effort::Medium),
        Some(Reasoning::Effort(effort)) => budget_for_effort(effort),
        Some(Reasoning::Budget(tokens)) => tokens,
    };
    if capabilities.reasoning == Some(false) {
        warnings.push("reasoning_effort: this model does not think".to_owned());
        return Plan::NOTHING;
    }
    // The budget lies inside `max_tokens`. That is the client's limit of what it pays for, so it is not raised.
    let budget_tokens = budget.min(max_tokens.saturating_sub(1));
    if budget_tokens < MIN_BUDGET {
        warnings.push(format!("reasoning_effort: thinking needs {MIN_BUDGET} tokens within max_tokens"));
        return Plan::NOTHING;
    }
    Plan { thinking: Some(Thinking::Enabled { budget_tokens }), ..Plan::NOTHING }
}

fn budget_for_effort(effort: Effort) -> u64 {
    match effort {
        Effort::Minimal | Effort::Low => 1024,
        Effort::Medium => 2048,
        Effort::High => 4096,
        Effort::XHigh => 8192,
        Effort::Max => 16384,
    }
}

fn effort_word(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh => "xhigh",
        Effort::Max => "max",
    }
}

fn effort_for_budget(tokens: u64) -> &'static str {
    match tokens {
        0..2048 => "low",
        2048..8192 => "medium",
        _ => "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADAPTIVE: Capabilities = Capabilities {
        tools: None,
        vision: None,
        audio: None,
        reasoning: Some(true),
        json_schema: None,
        insert: None,
        sampling: None,
        forced_tool: None,
        adaptive_thinking: Some(true),
        thinking_off: None,
        prefill: None,
    };
    const ALWAYS: Capabilities = Capabilities { thinking_off: Some(false), forced_tool: Some(false), ..ADAPTIVE };
    const SUMMARIZED: Option<Thinking> = Some(Thinking::Adaptive { display: "summarized" });

    fn decide(asked: Option<Reasoning>, forced: bool, capabilities: Capabilities, max: u64) -> (Plan, usize) {
        let mut warnings = Vec::new();
        let plan = plan(asked, forced, &capabilities, max, &mut warnings);
        (plan, warnings.len())
    }

    fn budget(asked: Reasoning, max: u64) -> (Option<Thinking>, usize) {
        let (plan, warnings) = decide(Some(asked), false, Capabilities::default(), max);
        (plan.thinking, warnings)
    }

    #[test]
    fn efforts_become_budgets_below_max_tokens() {
        let enabled = |budget_tokens| Some(Thinking::Enabled { budget_tokens });
        assert_eq!(budget(Reasoning::Effort(Effort::Minimal), 64_000), (enabled(1024), 0));
        assert_eq!(budget(Reasoning::Effort(Effort::Max), 64_000), (enabled(16_384), 0));
        assert_eq!(budget(Reasoning::Effort(Effort::High), 2000), (enabled(1999), 0));
        assert_eq!(budget(Reasoning::Budget(5000), 64_000), (enabled(5000), 0));
        assert_eq!(budget(Reasoning::Effort(Effort::Low), 1025), (enabled(1024), 0));
    }

    #[test]
    fn a_budget_too_small_for_the_format_is_no_thinking_and_a_warning() {
        assert_eq!(budget(Reasoning::Effort(Effort::High), 1024), (None, 1));
        assert_eq!(budget(Reasoning::Budget(100), 64_000), (None, 1));
        assert_eq!(budget(Reasoning::On, 0), (None, 1));
    }

    #[test]
    fn budget_models_are_told_nothing_to_keep_them_from_thinking() {
        assert_eq!(budget(Reasoning::Off, 64_000), (None, 0));
    }

    #[test]
    fn adaptive_models_take_an_effort() {
        let (plan, _) = decide(Some(Reasoning::Effort(Effort::Minimal)), false, ADAPTIVE, 100);
        assert_eq!((plan.thinking, plan.effort), (SUMMARIZED, Some("low")));
        let (plan, _) = decide(Some(Reasoning::Budget(4096)), false, ADAPTIVE, 100);
        assert_eq!((plan.thinking, plan.effort), (SUMMARIZED, Some("medium")));
        assert_eq!(decide(None, false, ADAPTIVE, 100), (Plan::NOTHING, 0));
    }

    #[test]
    fn off_survives_where_the_model_can_be_off() {
        let (plan, warnings) = decide(Some(Reasoning::Off), false, ADAPTIVE, 100);
        assert_eq!((plan.thinking, warnings), (Some(Thinking::Disabled), 0));
        let (plan, warnings) = decide(Some(Reasoning::Off), false, ALWAYS, 100);
        assert_eq!((plan.thinking, plan.effort, warnings), (None, Some("low"), 1));
    }

    #[test]
    fn a_forced_tool_switches_thinking_off_where_that_is_possible() {
        for asked in [None, Some(Reasoning::Effort(Effort::High))] {
            let (plan, warnings) = decide(asked, true, ADAPTIVE, 64_000);
            assert_eq!((plan.thinking, plan.unforced), (Some(Thinking::Disabled), false));
            assert_eq!(warnings, usize::from(asked.is_some()));
        }
        let (plan, warnings) = decide(Some(Reasoning::On), true, Capabilities::default(), 64_000);
        assert_eq!((plan, warnings), (Plan::NOTHING, 1));
        assert_eq!(decide(None, true, Capabilities::default(), 64_000), (Plan::NOTHING, 0));
    }

    #[test]
    fn a_model_that_cannot_be_forced_keeps_thinking_and_chooses_itself() {
        let (plan, warnings) = decide(Some(Reasoning::Effort(Effort::High)), true, ALWAYS, 64_000);
        assert_eq!(plan, Plan { thinking: SUMMARIZED, effort: Some("high"), unforced: true });
        assert_eq!(warnings, 1);
        let unforceable = Capabilities { forced_tool: Some(false), ..Capabilities::default() };
        assert!(decide(None, true, unforceable, 64_000).0.unforced);
    }
}
