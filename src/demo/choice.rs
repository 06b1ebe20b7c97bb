//! Choosing among described things: a request that lists candidates (`m1: name - what it is good at.`) and wants one of
//! their ids back. A real model would weigh them; this one counts words.

use serde_json::Value;

/// Questions from so many characters on count as long.
const LONG: usize = 160;
/// Words that begin alike are taken for the same: `plan` and `planning`.
const STEM: usize = 4;

/// The id, among `ids`, of the description that fits the question best: the one that shares most words with it, else the
/// one that speaks of short or long things as the question is. `None`: nothing is described, or nothing fits.
pub(super) fn best<'a>(ids: &'a [Value], instructions: &str, question: &str) -> Option<&'a Value> {
    let question = asked(question);
    let stems = stems(&question);
    let length = if question.chars().count() < LONG { "short" } else { "long" };
    let fit = |id: &Value| {
        let description = description(id.as_str()?, instructions)?;
        let words = self::stems(&description);
        let shared = words.iter().filter(|word| stems.contains(word)).count();
        Some(2 * shared + usize::from(description.to_lowercase().contains(length)))
    };
    let fits = ids.iter().filter_map(|id| Some((fit(id)?, id)));
    // The first of several that fit as well: which one is first is up to whoever asks.
    fits.filter(|(fit, _)| *fit > 0).rev().max_by_key(|(fit, _)| *fit).map(|(_, id)| id)
}

/// What stands behind `id:`, up to its first full stop: figures come after it.
fn description(id: &str, instructions: &str) -> Option<String> {
    let mut lines = instructions.lines().filter_map(|line| line.trim().strip_prefix(id)?.strip_prefix(':'));
    lines.next().map(|text| text.split(". ").next().unwrap_or_default().to_owned())
}

/// Where a conversation is handed over as JSON, its last turn; else all of the text.
fn asked(question: &str) -> String {
    let conversation = question.lines().find_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value["turns"].as_array()?.last()?["text"].as_str().map(str::to_owned)
    });
    conversation.unwrap_or_else(|| question.to_owned())
}

/// The beginnings of a text's longer words, each once.
fn stems(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let mut stems: Vec<String> =
        words.filter(|word| word.chars().count() >= STEM).map(|word| word.chars().take(STEM).collect()).collect();
    stems.sort_unstable();
    stems.dedup();
    stems
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LISTED: &str = "You choose.\nCandidates:\nm1: a/large - long texts, careful analysis. Context 9 tokens.\n\
        m2: a/thinker - puzzles and planning.\nm3: a/small - short everyday questions\n";

    fn chosen(question: &str) -> Value {
        let ids = json!(["m1", "m2", "m3"]);
        best(ids.as_array().unwrap(), LISTED, question).cloned().unwrap_or_default()
    }

    #[test]
    fn words_in_common_decide_then_the_length() {
        assert_eq!(chosen("Plan a birthday party"), "m2");
        assert_eq!(chosen("Analyse these texts"), "m1");
        assert_eq!(chosen("hi"), "m3");
        assert_eq!(chosen(&"word ".repeat(50)), "m1");
        assert_eq!(chosen("how many tokens, and in which context?"), "m3", "figures are no description");
    }

    #[test]
    fn of_a_conversation_the_last_turn_counts() {
        let talk = json!({ "turns": [{ "role": "user", "text": "plan this" }, { "role": "user", "text": "thanks" }] });
        assert_eq!(chosen(&format!("Request:\n{talk}\n\nAnswer with JSON, careful analysis")), "m3");
    }

    #[test]
    fn without_descriptions_there_is_nothing_to_choose_by() {
        let ids = json!(["red", "green", 3]);
        assert_eq!(best(ids.as_array().unwrap(), "Be brief.", "red?"), None);
    }
}
