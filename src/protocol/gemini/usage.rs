//! `usageMetadata` as disjoint counters.

use std::borrow::Cow;

use serde::Deserialize;

use super::generation::{self, Generation};
use super::wire::tokens;
use crate::chat::Usage;
use crate::protocol::StreamFault;

/// Everything an answer has said so far about what it took.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The last `usageMetadata` as it was sent, which is cumulative; empty when there was none.
    raw: String,
    /// The answer is complete, so counts that are left out are zero (proto3 leaves zeros out) and not still to come.
    is_complete: bool,
    /// Searches to be paid for.
    searches: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UsageMetadata<'a> {
    #[serde(deserialize_with = "tokens")]
    prompt_token_count: Option<u64>,
    #[serde(deserialize_with = "tokens")]
    candidates_token_count: Option<u64>,
    #[serde(deserialize_with = "tokens")]
    thoughts_token_count: Option<u64>,
    #[serde(deserialize_with = "tokens")]
    cached_content_token_count: Option<u64>,
    #[serde(deserialize_with = "tokens")]
    tool_use_prompt_token_count: Option<u64>,
    #[serde(deserialize_with = "tokens")]
    total_token_count: Option<u64>,
    #[serde(borrow)]
    prompt_tokens_details: Option<Details<'a>>,
    #[serde(borrow)]
    cache_tokens_details: Option<Details<'a>>,
    #[serde(borrow)]
    candidates_tokens_details: Option<Details<'a>>,
}

type Details<'a> = Vec<ModalityCount<'a>>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ModalityCount<'a> {
    #[serde(borrow)]
    modality: Cow<'a, str>,
    #[serde(deserialize_with = "tokens")]
    token_count: Option<u64>,
}

/// Google charges 2.x by the grounded prompt and 3 by the query.
pub(super) fn searches(queries: u64, generation: Option<Generation>) -> u64 {
    let by_query = generation.is_none_or(|generation| generation >= generation::THREE);
    if by_query { queries } else { 1 }
}

impl Report {
    /// Takes what is new; says whether that makes a difference.
    pub(super) fn update(&mut self, metadata: Option<&str>, is_complete: bool, searches: Option<u64>) -> bool {
        let is_new = metadata.is_some_and(|raw| raw != self.raw);
        if let Some(raw) = metadata.filter(|_| is_new) {
            raw.clone_into(&mut self.raw);
        }
        let is_known = !self.raw.is_empty() || searches.is_some();
        let differs = (is_complete, searches) != (self.is_complete, self.searches);
        (self.is_complete, self.searches) = (is_complete, searches);
        is_known && (is_new || differs)
    }

    /// The counters.
    pub(super) fn decode(&self) -> Result<Usage, StreamFault> {
        let known = if self.raw.is_empty() { Usage::default() } else { decode(&self.raw, self.is_complete)? };
        Ok(Usage { searches: self.searches, ..known })
    }
}

/// The counters of a `usageMetadata`; see [`Report`] for `is_complete`.
pub(super) fn decode(raw: &str, is_complete: bool) -> Result<Usage, StreamFault> {
    let metadata: UsageMetadata<'_> =
        serde_json::from_str(raw).map_err(|error| StreamFault::Malformed(format!("`usageMetadata`: {error}")))?;
    Ok(Usage { raw: Some(raw.to_owned()), ..metadata.counters(is_complete) })
}

impl UsageMetadata<'_> {
    fn counters(&self, is_complete: bool) -> Usage {
        let prompt = self
            .prompt_token_count
            .map(|prompt| prompt.saturating_add(self.tool_use_prompt_token_count.unwrap_or_default()));
        // The parts never pass the whole, whatever the provider counts.
        let mut rest = prompt.unwrap_or_default();
        let mut take = |count: u64| {
            let taken = count.min(rest);
            rest -= taken;
            taken
        };
        let cache_read = self.cached_content_token_count.map(&mut take);
        // Sound that came from the cache is counted in both lists.
        let cached_audio = audio(self.cache_tokens_details.as_deref()).unwrap_or_default();
        let audio_input =
            audio(self.prompt_tokens_details.as_deref()).map(|audio| take(audio.saturating_sub(cached_audio)));
        let input = prompt.map(|_| rest);
        let audio_output = audio(self.candidates_tokens_details.as_deref());
        let output = self.output(is_complete).map(|output| output.saturating_sub(audio_output.unwrap_or_default()));
        Usage {
            input,
            output,
            reasoning: self.thoughts_token_count,
            cache_read,
            audio_input,
            audio_output,
            ..Usage::default()
        }
    }

    /// All generated tokens. Thoughts stand beside the candidates' tokens, except on servers whose total says
    /// that they are inside (seen on Vertex and the live API).
    fn output(&self, is_complete: bool) -> Option<u64> {
        let candidates = self.candidates_token_count.or(is_complete.then_some(0));
        let thoughts = self.thoughts_token_count;
        let visible = candidates.unwrap_or_default();
        let thoughts_inside =
            self.total_token_count == Some(self.prompt_token_count.unwrap_or_default().saturating_add(visible));
        match (candidates, thoughts) {
            (None, None) => None,
            (Some(_), thoughts) if thoughts_inside => Some(visible.max(thoughts.unwrap_or_default())),
            (_, thoughts) => Some(visible.saturating_add(thoughts.unwrap_or_default())),
        }
    }
}

fn audio(details: Option<&[ModalityCount<'_>]>) -> Option<u64> {
    details?.iter().find(|detail| detail.modality == "AUDIO").and_then(|detail| detail.token_count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(raw: &str) -> Usage {
        let usage = decode(raw, true).unwrap();
        assert_eq!(usage.raw.as_deref(), Some(raw));
        Usage { raw: None, ..usage }
    }

    #[test]
    fn thoughts_are_output_beside_the_candidates() {
        let usage = counters(
            r#"{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":20,"totalTokenCount":35}"#,
        );
        assert_eq!(usage, Usage { input: Some(10), output: Some(25), reasoning: Some(20), ..Usage::default() });
    }

    #[test]
    fn thoughts_are_not_counted_twice_when_the_total_says_they_are_inside() {
        let usage = counters(
            r#"{"promptTokenCount":10,"candidatesTokenCount":25,"thoughtsTokenCount":20,"totalTokenCount":35}"#,
        );
        assert_eq!(usage, Usage { input: Some(10), output: Some(25), reasoning: Some(20), ..Usage::default() });
    }

    #[test]
    fn an_answer_of_thoughts_alone_counts_them() {
        let usage = counters(r#"{"promptTokenCount":10,"thoughtsTokenCount":20,"totalTokenCount":30}"#);
        assert_eq!((usage.output, usage.reasoning), (Some(20), Some(20)));
    }

    #[test]
    fn cache_tool_results_and_sound_are_taken_out_of_the_input() {
        let usage = counters(
            r#"{"promptTokenCount":100,"toolUsePromptTokenCount":7,"cachedContentTokenCount":60,"candidatesTokenCount":9.0,
                "promptTokensDetails":[{"modality":"TEXT","tokenCount":70},{"modality":"AUDIO","tokenCount":30}],
                "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":10}],
                "candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":4}]}"#,
        );
        let expected = Usage {
            input: Some(27),
            output: Some(5),
            cache_read: Some(60),
            audio_input: Some(20),
            audio_output: Some(4),
            ..Usage::default()
        };
        assert_eq!(usage, expected);
        assert_eq!(usage.prompt_total(), Some(107));
    }

    #[test]
    fn counters_never_fall_below_zero() {
        let usage = counters(
            r#"{"promptTokenCount":5,"cachedContentTokenCount":9,"candidatesTokenCount":1,
                "candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":4}]}"#,
        );
        assert_eq!((usage.input, usage.cache_read, usage.output), (Some(0), Some(5), Some(0)));
    }

    #[test]
    fn output_left_out_is_zero_only_when_the_answer_is_complete() {
        let raw = r#"{"promptTokenCount":5,"totalTokenCount":5}"#;
        assert_eq!(decode(raw, false).unwrap().output, None);
        assert_eq!(decode(raw, true).unwrap().output, Some(0));
    }

    #[test]
    fn only_what_makes_a_difference_is_reported() {
        let mut report = Report::default();
        assert!(!report.update(None, true, None));
        assert!(report.update(Some("{}"), false, None));
        assert!(!report.update(Some("{}"), false, None));
        assert!(!report.update(None, false, None));
        assert!(report.update(None, true, None));
        assert!(report.update(None, true, Some(1)));
        assert_eq!(report.decode().unwrap().searches, Some(1));
    }
}
