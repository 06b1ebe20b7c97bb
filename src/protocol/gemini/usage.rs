//! `usageMetadata` as disjoint counters.

use serde::Deserialize;

use super::generation::{self, Generation};
use super::wire::tokens;
use crate::chat::Usage;
use crate::protocol::StreamFault;

/// Everything an answer has said so far about what it took.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// `usageMetadata` as it was sent.
    pub(super) raw: Option<String>,
    /// The answer is complete, so counts that are left out are zero (proto3 leaves zeros out) and not still to come.
    pub(super) is_complete: bool,
    /// Searches to be paid for.
    pub(super) searches: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UsageMetadata {
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
    prompt_tokens_details: Option<Vec<ModalityCount>>,
    cache_tokens_details: Option<Vec<ModalityCount>>,
    candidates_tokens_details: Option<Vec<ModalityCount>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ModalityCount {
    modality: String,
    #[serde(deserialize_with = "tokens")]
    token_count: Option<u64>,
}

/// Google charges 2.x by the grounded prompt and 3 by the query.
pub(super) fn searches(queries: u64, generation: Option<Generation>) -> u64 {
    let by_query = generation.is_none_or(|generation| generation >= generation::THREE);
    if by_query { queries } else { 1 }
}

impl Report {
    /// There is something to hand out.
    pub(super) fn says_anything(&self) -> bool {
        self.raw.is_some() || self.searches.is_some()
    }

    /// The counters.
    pub(super) fn decode(&self) -> Result<Usage, StreamFault> {
        let mut usage = match &self.raw {
            None => Usage::default(),
            Some(raw) => {
                let metadata: UsageMetadata = serde_json::from_str(raw)
                    .map_err(|error| StreamFault::Malformed(format!("`usageMetadata`: {error}")))?;
                metadata.counters(self.is_complete)
            }
        };
        usage.searches = self.searches;
        usage.raw.clone_from(&self.raw);
        Ok(usage)
    }
}

impl UsageMetadata {
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

fn audio(details: Option<&[ModalityCount]>) -> Option<u64> {
    details?.iter().find(|detail| detail.modality == "AUDIO").and_then(|detail| detail.token_count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(raw: &str) -> Usage {
        let usage = Report { raw: Some(raw.into()), is_complete: true, searches: None }.decode().unwrap();
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
        let raw = Some(r#"{"promptTokenCount":5,"totalTokenCount":5}"#.to_owned());
        let mut report = Report { raw, is_complete: false, searches: None };
        assert_eq!(report.decode().unwrap().output, None);
        report.is_complete = true;
        assert_eq!(report.decode().unwrap().output, Some(0));
    }
}
