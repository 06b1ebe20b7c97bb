//! Sampling, penalties and stop texts: what the format and the model take, and a warning for the rest.

use crate::chat::ChatRequest;
use crate::protocol::Capabilities;
use crate::protocol::anthropic_messages::wire::Sampling;

/// The format's upper end; OpenAI's is 2. Values above are cut, not rescaled: 1 means the same to both.
const MAX_TEMPERATURE: f64 = 1.0;

/// With thinking on, `top_p` below this is refused.
const MIN_TOP_P_WITH_THINKING: f64 = 0.95;

/// What can be said about randomness. `thinking` says that the request switches thinking on.
pub(super) fn encode(
    request: &ChatRequest,
    capabilities: &Capabilities,
    thinking: bool,
    warnings: &mut Vec<String>,
) -> Sampling {
    warn_of_unknown(request, warnings);
    let sampling = capabilities.sampling != Some(false);
    let asked = &request.sampling;

    let mut temperature = asked.temperature;
    if temperature.is_some_and(|value| value > MAX_TEMPERATURE) {
        temperature = Some(MAX_TEMPERATURE);
        warnings.push("temperature clamped to 1".to_owned());
    }
    // Where the parameter is refused, its default still may be said, but nobody gains by saying it.
    let neutral = temperature.is_none_or(|value| value >= MAX_TEMPERATURE);
    if temperature.is_some() && (!sampling || thinking) {
        if !neutral {
            warnings.push("temperature".to_owned());
        }
        temperature = None;
    }

    let mut top_p = asked.top_p;
    if top_p.is_some_and(|value| !sampling || thinking && value < MIN_TOP_P_WITH_THINKING) {
        warnings.push("top_p".to_owned());
        top_p = None;
    }

    let mut top_k = asked.top_k;
    if top_k.is_some() && (!sampling || thinking) {
        warnings.push("top_k".to_owned());
        top_k = None;
    }
    Sampling { temperature, top_p, top_k }
}

/// Texts that end the answer. Blank ones are refused by the format.
pub(super) fn stop_sequences<'a>(request: &'a ChatRequest, warnings: &mut Vec<String>) -> Vec<&'a str> {
    let kept: Vec<&str> = request.stop.iter().map(String::as_str).filter(|text| !text.trim().is_empty()).collect();
    if kept.len() < request.stop.len() {
        warnings.push("blank stop".to_owned());
    }
    kept
}

/// Names what the format has no word for, unless it was set to a value that changes nothing.
fn warn_of_unknown(request: &ChatRequest, warnings: &mut Vec<String>) {
    let asked = &request.sampling;
    let differs = |value: Option<f64>, neutral: f64| value.is_some_and(|value| value != neutral);
    let unknown = [
        ("frequency_penalty", differs(asked.frequency_penalty, 0.0)),
        ("presence_penalty", differs(asked.presence_penalty, 0.0)),
        ("repeat_penalty", differs(asked.repeat_penalty, 1.0)),
        ("min_p", differs(asked.min_p, 0.0)),
        ("seed", asked.seed.is_some()),
        ("logit_bias", asked.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty())),
        ("logprobs", request.logprobs.is_some()),
    ];
    warnings.extend(unknown.iter().filter(|(_, asked)| *asked).map(|(name, _)| (*name).to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat;

    fn run(sampling: chat::Sampling, capability: Option<bool>, thinking: bool) -> (Sampling, Vec<String>) {
        let request = ChatRequest { sampling, ..ChatRequest::default() };
        let capabilities = Capabilities { sampling: capability, ..Capabilities::default() };
        let mut warnings = Vec::new();
        let result = encode(&request, &capabilities, thinking, &mut warnings);
        (result, warnings)
    }

    fn hot(temperature: f64) -> chat::Sampling {
        chat::Sampling {
            temperature: Some(temperature),
            top_p: Some(0.5),
            top_k: Some(40),
            ..chat::Sampling::default()
        }
    }

    #[test]
    fn zero_is_a_value_and_what_is_above_one_becomes_one() {
        assert_eq!(run(hot(0.0), None, false).0.temperature, Some(0.0));
        let (sampling, warnings) = run(hot(1.7), None, false);
        assert_eq!(sampling, Sampling { temperature: Some(1.0), top_p: Some(0.5), top_k: Some(40) });
        assert_eq!(warnings, ["temperature clamped to 1"]);
    }

    #[test]
    fn models_without_sampling_get_none_of_it() {
        let (sampling, warnings) = run(hot(0.2), Some(false), false);
        assert_eq!(sampling, Sampling::default());
        assert_eq!(warnings, ["temperature", "top_p", "top_k"]);
        let one = chat::Sampling { temperature: Some(1.0), ..chat::Sampling::default() };
        assert_eq!(run(one, Some(false), false), (Sampling::default(), vec![]));
    }

    #[test]
    fn thinking_leaves_only_a_high_top_p() {
        assert_eq!(run(hot(0.2), None, true).0, Sampling::default());
        let (sampling, warnings) = run(chat::Sampling { top_p: Some(0.97), ..hot(0.2) }, None, true);
        assert_eq!(sampling.top_p, Some(0.97));
        assert_eq!(warnings, ["temperature", "top_k"]);
    }

    #[test]
    fn penalties_are_named_unless_they_change_nothing() {
        let neutral = chat::Sampling {
            frequency_penalty: Some(0.0),
            presence_penalty: Some(0.0),
            repeat_penalty: Some(1.0),
            ..chat::Sampling::default()
        };
        assert!(run(neutral, None, false).1.is_empty());
        let asked = chat::Sampling { presence_penalty: Some(0.3), seed: Some(0), ..chat::Sampling::default() };
        assert_eq!(run(asked, None, false).1, ["presence_penalty", "seed"]);
    }
}
