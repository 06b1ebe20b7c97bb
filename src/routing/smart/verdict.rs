//! What a designator's answer means. Strict: exactly one candidate must be named, or it is no answer.

/// Which of the candidates the answer names, by its index in `names`.
///
/// Accepted are one id (`m2`), alone, in JSON or within a sentence, and a candidate's own name standing alone. An answer
/// that mentions several ids, or one that does not exist, is none: guessing is what routers are distrusted for.
pub fn read_verdict(answer: &str, names: &[&str]) -> Option<usize> {
    // What comes before the end of a thought is no answer.
    let answer = answer.rsplit_once("</think>").map_or(answer, |(_, said)| said);
    let alone = answer.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '.' | '*'));
    let mut named = names.iter().enumerate().filter(|(_, name)| name.eq_ignore_ascii_case(alone));
    if let (Some((index, _)), None) = (named.next(), named.next()) {
        return Some(index);
    }
    let words = answer.split(|c: char| !c.is_alphanumeric() && c != '_');
    let mut ids = words.filter_map(id_number);
    let first = ids.next()?;
    if ids.any(|other| other != first) {
        return None;
    }
    first.checked_sub(1).filter(|index| *index < names.len())
}

/// The number of a word that looks like an id.
fn id_number(word: &str) -> Option<usize> {
    let digits = word.strip_prefix(['m', 'M'])?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // A number that is too large for any list is an id that does not exist.
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 3] = ["openai/gpt-4o", "small", "anthropic/claude-sonnet-4-5"];

    #[test]
    fn one_candidate_must_be_named() {
        for (answer, expected) in [
            ("m2", Some(1)),
            (" M3.\n", Some(2)),
            (r#"{"candidate":"m1"}"#, Some(0)),
            (r#"{"candidate": "m1", "why": "m1 is good"}"#, Some(0)),
            ("I would take m2, because it is short.", Some(1)),
            ("`Small`", Some(1)),
            ("anthropic/claude-sonnet-4-5", Some(2)),
            ("<think>m1? no</think>m3", Some(2)),
            ("m1 or m2", None),
            ("m4", None),
            ("m0", None),
            ("m99999999999999999999999", None),
            ("m1 m4", None),
            ("", None),
            ("the small one", None),
            ("I'm sorry, I cannot help with that.", None),
            ("em2", None),
            ("m2b", None),
            ("{\"candidate\":\"", None),
        ] {
            assert_eq!(read_verdict(answer, &NAMES), expected, "{answer}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Whatever a designator says, there is no panic, and what is chosen was named.
        #[test]
        fn no_answer_leads_to_a_candidate_it_does_not_name(
            answer in prop_oneof![
                any::<String>(),
                "[mM0-9{}\" :,.a-c<>/]{0,20}",
                "(m[0-9]{1,22} ?){0,3}",
                "(.{0,9}(m[1-4]|small|</think>).{0,9}){1,2}",
            ],
            count in 0..=3_usize,
        ) {
            if let Some(index) = read_verdict(&answer, &NAMES[..count]) {
                prop_assert!(index < count);
                let answer = answer.to_lowercase();
                let forms = [format!("m{}", index + 1), format!("0{}", index + 1), NAMES[index].to_owned()];
                prop_assert!(forms.iter().any(|form| answer.contains(form)));
            }
        }
    }
}
