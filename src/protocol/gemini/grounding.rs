//! `groundingMetadata`: the sources of an answer, and how many searches they took.

use serde::Deserialize;

use crate::chat::Citation;

/// What the metadata says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Grounding {
    /// Sources in the order they are cited; then those that are not cited at a place.
    pub(super) citations: Vec<Citation>,
    /// Web searches that ran; `None` when the answer is not grounded.
    pub(super) queries: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    web_search_queries: Vec<String>,
    grounding_chunks: Vec<Chunk>,
    grounding_supports: Vec<Support>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chunk {
    web: Option<Source>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Source {
    uri: String,
    title: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Support {
    segment: Segment,
    grounding_chunk_indices: Vec<usize>,
}

/// A piece of the answer, as offsets into its UTF-8 bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Segment {
    start_index: usize,
    end_index: usize,
    text: Option<String>,
}

/// Reads the metadata; `answer` is the answer's text so far. Sources decorate an answer, so what cannot be read
/// costs the sources and not the answer.
pub(super) fn decode(raw: &str, answer: &str) -> Grounding {
    let Ok(metadata) = serde_json::from_str::<Metadata>(raw) else { return Grounding::default() };
    if metadata.web_search_queries.is_empty() && metadata.grounding_chunks.is_empty() {
        return Grounding::default();
    }
    let mut citations = Vec::new();
    let mut cited = vec![false; metadata.grounding_chunks.len()];
    for support in &metadata.grounding_supports {
        let place = characters(answer, &support.segment);
        for &at in &support.grounding_chunk_indices {
            if let Some(source) = metadata.grounding_chunks.get(at).and_then(|chunk| chunk.web.as_ref()) {
                cited[at] = true;
                citations.push(citation(source, place));
            }
        }
    }
    for (chunk, _) in metadata.grounding_chunks.iter().zip(&cited).filter(|(_, cited)| !**cited) {
        citations.extend(chunk.web.as_ref().map(|source| citation(source, None)));
    }
    let queries = u64::try_from(metadata.web_search_queries.len()).unwrap_or(u64::MAX);
    Grounding { citations, queries: Some(queries) }
}

fn citation(source: &Source, place: Option<(usize, usize)>) -> Citation {
    Citation {
        url: source.uri.clone(),
        title: source.title.clone(),
        start: place.map(|(start, _)| start),
        end: place.map(|(_, end)| end),
    }
}

/// The segment in characters. `None` when the text there is not what the segment quotes (offsets count from a part of
/// the answer, and answers can have several): no place is better than a wrong one.
fn characters(answer: &str, segment: &Segment) -> Option<(usize, usize)> {
    let quoted = answer.get(segment.start_index..segment.end_index)?;
    if segment.text.as_ref().is_some_and(|text| text != quoted) {
        return None;
    }
    let start = answer[..segment.start_index].chars().count();
    Some((start, start + quoted.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "Zürich ist schön. 日本も。";

    fn segment(start: usize, end: usize, text: &str) -> String {
        format!(
            r#"{{"webSearchQueries":["a","b"],"groundingChunks":[{{"web":{{"uri":"u0","title":"t0"}}}},{{"retrievedContext":{{}}}},{{"web":{{"uri":"u2"}}}}],
               "groundingSupports":[{{"segment":{{"startIndex":{start},"endIndex":{end},"text":"{text}"}},"groundingChunkIndices":[0,9]}}]}}"#
        )
    }

    #[test]
    fn byte_offsets_become_character_offsets() {
        let start = ANSWER.find('日').unwrap();
        let grounding = decode(&segment(start, ANSWER.len(), "日本も。"), ANSWER);
        assert_eq!(grounding.queries, Some(2));
        let cited = Citation { url: "u0".into(), title: Some("t0".into()), start: Some(18), end: Some(22) };
        let uncited = Citation { url: "u2".into(), ..Citation::default() };
        assert_eq!(grounding.citations, [cited, uncited]);
    }

    #[test]
    fn places_that_do_not_hold_the_quoted_text_are_left_out() {
        for (start, end) in [(0, 3), (2, 5), (5, 2), (0, 999), (usize::MAX, usize::MAX)] {
            let grounding = decode(&segment(start, end, "日本も。"), ANSWER);
            assert_eq!((grounding.citations[0].start, grounding.citations.len()), (None, 2), "{start}..{end}");
        }
    }

    #[test]
    fn empty_or_unreadable_metadata_says_nothing() {
        for raw in ["{}", "null", "[]", r#"{"groundingChunks":7}"#] {
            assert_eq!(decode(raw, ANSWER), Grounding::default(), "{raw}");
        }
    }
}
