//! The sources an answer rests on: OpenAI's annotations, Perplexity's lists, and both as clients get them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::chat::Citation;
use crate::protocol::lenient::Scalar;

/// Collects sources while an answer is read. Perplexity repeats its lists on every chunk, so only the latest text is kept,
/// and read once at the end.
#[derive(Debug, Default)]
pub(super) struct Sources {
    citations: String,
    search_results: String,
    annotations: Vec<Citation>,
}

impl Sources {
    /// Takes Perplexity's lists.
    pub(super) fn remember(&mut self, citations: Option<&RawValue>, search_results: Option<&RawValue>) {
        for (kept, raw) in [(&mut self.citations, citations), (&mut self.search_results, search_results)] {
            if let Some(raw) = raw
                && raw.get() != kept
            {
                raw.get().clone_into(kept);
            }
        }
    }

    /// Takes OpenAI's `annotations`; in streams some providers repeat them.
    pub(super) fn annotate(&mut self, raw: &RawValue) {
        let Ok(annotations) = serde_json::from_str::<Vec<Annotation<'_>>>(raw.get()) else { return };
        for source in annotations.into_iter().filter_map(|annotation| annotation.url_citation) {
            let Some(url) = source.url.text() else { continue };
            let citation = Citation {
                url: url.to_owned(),
                title: source.title.text().map(str::to_owned),
                start: source.start_index.count().and_then(|index| usize::try_from(index).ok()),
                end: source.end_index.count().and_then(|index| usize::try_from(index).ok()),
            };
            if !self.annotations.contains(&citation) {
                self.annotations.push(citation);
            }
        }
    }

    /// The sources: annotations where there are some, for they say more; else the list of addresses
    /// with titles from the search results; else the search results themselves.
    pub(super) fn citations(&self) -> Vec<Citation> {
        if !self.annotations.is_empty() {
            return self.annotations.clone();
        }
        let found = list(&self.search_results);
        let mut cited = list(&self.citations);
        if cited.is_empty() {
            return found;
        }
        for citation in &mut cited {
            if citation.title.is_none() {
                citation.title =
                    found.iter().find(|result| result.url == citation.url).and_then(|result| result.title.clone());
            }
        }
        cited
    }
}

/// A list of addresses, or of objects with `url` and `title`.
fn list(json: &str) -> Vec<Citation> {
    let items: Vec<Value> = serde_json::from_str(json).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| {
            let url = item.as_str().or_else(|| item.get("url")?.as_str())?;
            let title = item.get("title").and_then(Value::as_str).map(str::to_owned);
            Some(Citation { url: url.to_owned(), title, start: None, end: None })
        })
        .collect()
}

#[derive(Debug, Deserialize)]
struct Annotation<'a> {
    #[serde(borrow, default)]
    url_citation: Option<UrlCitation<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UrlCitation<'a> {
    #[serde(borrow)]
    url: Scalar<'a>,
    #[serde(borrow)]
    title: Scalar<'a>,
    #[serde(borrow)]
    start_index: Scalar<'a>,
    #[serde(borrow)]
    end_index: Scalar<'a>,
}

/// An annotation as OpenAI writes it.
#[derive(Debug, Serialize)]
pub(super) struct AnnotationOut<'a> {
    r#type: &'static str,
    url_citation: UrlCitationOut<'a>,
}

#[derive(Debug, Serialize)]
struct UrlCitationOut<'a> {
    url: &'a str,
    title: &'a str,
    start_index: usize,
    end_index: usize,
}

/// The sources as annotations. OpenAI knows no annotation without title and place: the address stands in for a title,
/// zero for a place nobody stated.
pub(super) fn annotations(citations: &[Citation]) -> Vec<AnnotationOut<'_>> {
    citations
        .iter()
        .map(|citation| AnnotationOut {
            r#type: "url_citation",
            url_citation: UrlCitationOut {
                url: &citation.url,
                title: citation.title.as_deref().unwrap_or(&citation.url),
                start_index: citation.start.unwrap_or(0),
                end_index: citation.end.unwrap_or(0),
            },
        })
        .collect()
}

/// The addresses alone: the top-level list that Perplexity's clients know.
pub(super) fn addresses(citations: &[Citation]) -> Vec<&str> {
    citations.iter().map(|citation| citation.url.as_str()).collect()
}
