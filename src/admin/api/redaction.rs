//! Trying out what would be cut out of a text.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::reply::Reply;
use super::super::{Request, Shared};
use super::{ApiError, read};
use crate::config::{LiveSettings, PatternEntry, Setting};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trial {
    text: String,
    /// Patterns to try instead of those that are in force.
    patterns: Option<Vec<PatternEntry>>,
}

/// Says what would be stored of a text, and what would not by which rule. Nothing of it is kept.
pub(super) async fn test(shared: &Arc<Shared>, request: Request) -> Result<Reply, ApiError> {
    let Trial { text, patterns } = read(request).await?;
    let live = shared.in_force.settings();
    let patterns = patterns.unwrap_or_else(|| live.redaction_patterns.clone());
    let problems = Setting::RedactionPatterns(patterns.clone()).problems();
    if !problems.is_empty() {
        let problems: Vec<Value> = problems
            .iter()
            .map(|message| json!({ "severity": "error", "place": "patterns", "message": message }))
            .collect();
        let error = ApiError::new(422, "invalid", "the patterns cannot be used as they are; `problems` says why");
        return Err(error.with("problems", json!(problems)));
    }
    let redactor = LiveSettings { redaction_patterns: patterns, ..LiveSettings::default() }.redactor();
    // Bodies are JSON, where rules see what the strings say.
    let is_body = text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
    let (redacted, cuts): (Cow<'_, str>, Vec<Value>) = if is_body {
        let strings = redactor.body_strings(&text);
        let cuts = strings.iter().flat_map(|said| {
            redactor
                .cuts(said)
                .into_iter()
                .map(|cut| json!({ "rule": cut.rule, "text": said[cut.range] }))
                .collect::<Vec<_>>()
        });
        (redactor.redact_body(&text), cuts.collect())
    } else {
        let cuts = redactor.cuts(&text).into_iter().map(|cut| json!({ "rule": cut.rule, "text": text[cut.range] }));
        (redactor.redact(&text), cuts.collect())
    };
    Ok(super::json(200, &json!({ "redacted": redacted, "is_body": is_body, "cuts": cuts })))
}
