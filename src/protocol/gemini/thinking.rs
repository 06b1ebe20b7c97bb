//! `thinkingConfig`: a budget in tokens for 2.5, a level for 3 and later.

use super::generation::{self, Generation};
use super::wire::{ThinkingAmount, ThinkingConfig};
use crate::chat::{Effort, Reasoning};
use crate::protocol::ModelProfile;

/// Writes how much to think; `None` leaves it to the model.
///
/// Which of the two fields a model takes follows from its id: the API answers 400 to the other one,
/// and its list of models does not say.
pub(super) fn encode(
    asked: Option<Reasoning>,
    profile: &ModelProfile,
    generation: Option<Generation>,
    warnings: &mut Vec<String>,
) -> Option<ThinkingConfig> {
    let asked = asked?;
    let thinks = match profile.capabilities.reasoning {
        Some(thinks) => thinks,
        None => generation.is_some_and(|generation| generation >= generation::TWO_FIVE),
    };
    if !thinks {
        if asked != Reasoning::Off {
            warnings.push("reasoning".to_owned());
        }
        return None;
    }
    let amount = match generation {
        Some(generation) if generation < generation::THREE => budget(asked, &profile.id, warnings),
        Some(_) | None => level(asked, &profile.id, generation, warnings),
    };
    Some(ThinkingConfig { include_thoughts: asked != Reasoning::Off, amount })
}

/// Budgets a 2.5 model takes, by variant: least, most, and whether 0 switches thinking off.
fn budget_range(model: &str) -> (i64, i64, bool) {
    if model.contains("flash-lite") {
        (512, 24_576, true)
    } else if model.contains("pro") {
        (128, 32_768, false)
    } else {
        (0, 24_576, true)
    }
}

fn budget(asked: Reasoning, model: &str, warnings: &mut Vec<String>) -> Option<ThinkingAmount> {
    let (least, most, can_be_off) = budget_range(model);
    let tokens = match asked {
        Reasoning::Off | Reasoning::Budget(0) if can_be_off => 0,
        Reasoning::Off | Reasoning::Budget(0) => {
            warnings.push("thinking cannot be switched off".to_owned());
            least
        }
        // Let the model decide.
        Reasoning::On => -1,
        Reasoning::Effort(effort) => effort_budget(effort).clamp(least, most),
        Reasoning::Budget(tokens) => {
            let tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
            let clamped = tokens.clamp(least, most);
            if clamped != tokens {
                warnings.push(format!("thinking budget clamped to {clamped}"));
            }
            clamped
        }
    };
    Some(ThinkingAmount::ThinkingBudget(tokens))
}

fn effort_budget(effort: Effort) -> i64 {
    match effort {
        Effort::Minimal | Effort::Low => 1024,
        Effort::Medium => 2048,
        Effort::High => 4096,
        Effort::XHigh => 8192,
        Effort::Max => 16_384,
    }
}

fn level(
    asked: Reasoning,
    model: &str,
    generation: Option<Generation>,
    warnings: &mut Vec<String>,
) -> Option<ThinkingAmount> {
    let is_pro = model.contains("pro");
    let effort = match asked {
        Reasoning::On => return None,
        Reasoning::Off | Reasoning::Budget(0) => {
            if is_pro {
                warnings.push("thinking cannot be switched off".to_owned());
            }
            Effort::Minimal
        }
        Reasoning::Effort(effort) => effort,
        Reasoning::Budget(..2048) => Effort::Low,
        Reasoning::Budget(2048..8192) => Effort::Medium,
        Reasoning::Budget(8192..) => Effort::High,
    };
    let has_medium = !is_pro || generation.is_none_or(|generation| generation >= generation::THREE_ONE);
    Some(ThinkingAmount::ThinkingLevel(match effort {
        Effort::Minimal if !is_pro => "minimal",
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium if has_medium => "medium",
        Effort::Medium | Effort::High | Effort::XHigh | Effort::Max => "high",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Capabilities;

    fn config(model: &str, asked: Reasoning) -> (String, usize) {
        let profile = ModelProfile { id: model.into(), ..ModelProfile::default() };
        let mut warnings = Vec::new();
        let config = encode(Some(asked), &profile, Generation::of(model), &mut warnings);
        (serde_json::to_string(&config).unwrap(), warnings.len())
    }

    #[test]
    fn two_five_takes_budgets_within_the_variants_range() {
        let flash = "gemini-2.5-flash";
        let lite = "gemini-2.5-flash-lite";
        let pro = "gemini-2.5-pro";
        for (model, asked, budget, warnings) in [
            (flash, Reasoning::Effort(Effort::Low), 1024, 0),
            (flash, Reasoning::Effort(Effort::High), 4096, 0),
            (flash, Reasoning::Effort(Effort::Max), 16_384, 0),
            (flash, Reasoning::On, -1, 0),
            (flash, Reasoning::Budget(7), 7, 0),
            (flash, Reasoning::Budget(u64::MAX), 24_576, 1),
            (lite, Reasoning::Budget(7), 512, 1),
            (pro, Reasoning::Budget(7), 128, 1),
        ] {
            let expected = format!(r#"{{"includeThoughts":true,"thinkingBudget":{budget}}}"#);
            assert_eq!(config(model, asked), (expected, warnings), "{model} {asked:?}");
        }
    }

    #[test]
    fn thinking_off_survives_where_the_model_can_and_warns_where_it_cannot() {
        for (model, expected, warnings) in [
            ("gemini-2.5-flash", r#"{"includeThoughts":false,"thinkingBudget":0}"#, 0),
            ("gemini-2.5-flash-lite", r#"{"includeThoughts":false,"thinkingBudget":0}"#, 0),
            ("gemini-2.5-pro", r#"{"includeThoughts":false,"thinkingBudget":128}"#, 1),
            ("gemini-3-flash-preview", r#"{"includeThoughts":false,"thinkingLevel":"minimal"}"#, 0),
            ("gemini-3-pro-preview", r#"{"includeThoughts":false,"thinkingLevel":"low"}"#, 1),
            ("gemini-2.0-flash", "null", 0),
        ] {
            assert_eq!(config(model, Reasoning::Off), (expected.to_owned(), warnings), "{model}");
        }
    }

    #[test]
    fn three_takes_levels_and_never_a_budget() {
        for (model, asked, level) in [
            ("gemini-3-flash", Reasoning::Effort(Effort::Minimal), "minimal"),
            ("gemini-3-flash", Reasoning::Effort(Effort::Medium), "medium"),
            ("gemini-3-flash", Reasoning::Effort(Effort::XHigh), "high"),
            ("gemini-3-pro-preview", Reasoning::Effort(Effort::Minimal), "low"),
            ("gemini-3-pro-preview", Reasoning::Effort(Effort::Medium), "high"),
            ("gemini-3.1-pro", Reasoning::Effort(Effort::Medium), "medium"),
            ("gemini-flash-latest", Reasoning::Budget(2000), "low"),
            ("gemini-flash-latest", Reasoning::Budget(50_000), "high"),
        ] {
            let expected = format!(r#"{{"includeThoughts":true,"thinkingLevel":"{level}"}}"#);
            assert_eq!(config(model, asked), (expected, 0), "{model} {asked:?}");
        }
        assert_eq!(config("gemini-3-flash", Reasoning::On).0, r#"{"includeThoughts":true}"#);
    }

    #[test]
    fn models_that_do_not_think_are_not_asked_to() {
        assert_eq!(config("gemini-2.0-flash", Reasoning::On), ("null".into(), 1));
        assert_eq!(config("gemma-3-27b-it", Reasoning::On), ("null".into(), 1));
        let profile = ModelProfile {
            id: "gemini-2.5-flash-image".into(),
            capabilities: Capabilities { reasoning: Some(false), ..Capabilities::default() },
            ..ModelProfile::default()
        };
        assert_eq!(encode(Some(Reasoning::Off), &profile, Generation::of(&profile.id), &mut Vec::new()), None);
    }
}
