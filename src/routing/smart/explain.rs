//! A router and its decisions in words, for the command line.

use std::fmt::Write;

use super::{Considered, Decision, Demands, DesignatorCall, Outcome};
use crate::catalog::Router;

/// What a router is, for a name that was resolved without a prompt.
pub fn describe(router: &Router) -> String {
    let entry = &router.entry;
    let mut text = format!("router       {}", router.name);
    // Writing to a String cannot fail.
    if !entry.purpose.trim().is_empty() {
        let _ = write!(text, ": {}", entry.purpose.trim());
    }
    let _ = write!(text, "\ndesignator   {}", entry.designator);
    if let Some(second) = &entry.second_designator {
        let _ = write!(text, ", then {second}");
    }
    for (index, candidate) in entry.candidates.iter().enumerate() {
        let label = if index == 0 { "candidates" } else { "" };
        let _ = write!(text, "\n{label:12} {}", candidate.model);
        if !candidate.notes.trim().is_empty() {
            let _ = write!(text, " - {}", candidate.notes.trim());
        }
        if !candidate.enabled {
            text.push_str(" (switched off)");
        }
    }
    let _ = writeln!(text, "\nfallback     {}", entry.fallback);
    text.push_str(
        "Without a prompt there is nothing to choose by, so the fallback stands above; try --prompt \"...\".\n",
    );
    text
}

/// Why a router chose as it did: what was asked for, each candidate at the gates, what designators said, and the choice.
pub fn explain_decision(decision: &Decision) -> String {
    let mut text = format!("router       {} (version {})\n", decision.router, decision.version);
    let _ = writeln!(text, "request      {}", demands(&decision.demands));
    let width = decision.candidates.iter().map(|candidate| candidate.name.chars().count()).max().unwrap_or(0);
    for (index, candidate) in decision.candidates.iter().enumerate() {
        let label = if index == 0 { "candidates" } else { "" };
        let _ = writeln!(text, "{label:12} {:width$}  {}", candidate.name, standing(candidate));
    }
    for call in &decision.calls {
        let _ = writeln!(text, "designator   {} {}", call.model, said(call));
    }
    let _ = writeln!(text, "cause        {}: {}", decision.cause, decision.cause.meaning());
    let _ = writeln!(text, "choice       {} ({})", decision.choice, decision.model);
    let cost = match (decision.calls.is_empty(), decision.cost()) {
        (true, _) => "nobody was asked, so it cost nothing".to_owned(),
        (false, Some(cost)) => format!("asking cost {cost}"),
        (false, None) => "what asking cost is unknown".to_owned(),
    };
    let milliseconds = decision.took_us / 1000;
    let _ = writeln!(text, "took         {milliseconds} ms; {cost}");
    text
}

fn demands(demands: &Demands) -> String {
    let mut text = format!("about {} prompt tokens", demands.prompt_tokens);
    if let Some(tokens) = demands.answer_tokens {
        let _ = write!(text, ", answer up to {tokens}");
    }
    for (is_there, what) in [
        (demands.images, "images"),
        (demands.audio, "audio"),
        (demands.tools, "tools"),
        (demands.json_schema, "a JSON schema"),
        (demands.thinking, "thinking"),
        (demands.untranslatable.is_some(), "its own protocol"),
    ] {
        if is_there {
            let _ = write!(text, ", {what}");
        }
    }
    text
}

fn standing(candidate: &Considered) -> String {
    match (&candidate.gate, &candidate.reason) {
        (None, _) => "can be chosen".to_owned(),
        (Some(gate), Some(reason)) => format!("falls at gate `{gate}`: {reason}"),
        (Some(gate), None) => format!("falls at gate `{gate}`"),
    }
}

fn said(call: &DesignatorCall) -> String {
    let answer = call.answer.as_deref().unwrap_or_default();
    let outcome = match call.outcome {
        Outcome::Chosen => format!("said {answer}"),
        Outcome::Invalid => format!("said {answer}, which names no candidate"),
        Outcome::Timeout => format!("did not answer in time: {answer}"),
        Outcome::Error => format!("could not be asked: {answer}"),
    };
    let tokens = match (call.input_tokens, call.output_tokens) {
        (Some(input), Some(output)) => format!("{input} tokens in, {output} out"),
        (None, _) | (_, None) => "tokens unknown".to_owned(),
    };
    let cost = call.cost_nano_usd.map_or_else(|| "cost unknown".to_owned(), |cost| cost.to_string());
    format!("{outcome} ({} ms, {tokens}, {cost})", call.ms)
}
