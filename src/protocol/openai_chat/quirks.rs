//! How a profile's quirks apply to the fields of a request, whether it is written anew or forwarded.

use crate::protocol::{EncodeError, ModelProfile, Quirks};

/// Fields that are dropped without a warning: bookkeeping that does not change the answer.
const BOOKKEEPING: [&str; 8] = [
    "user",
    "store",
    "metadata",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "stream_options",
];

/// What becomes of a field on its way to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate<'a> {
    /// It is sent under this name.
    Sent(&'a str),
    /// It is left out, and the client is told.
    Dropped,
    /// It is left out, and nobody misses it.
    DroppedSilently,
}

/// What becomes of the field `name` (in OpenAI's spelling).
pub(super) fn fate<'a>(profile: &'a ModelProfile, name: &'a str) -> Fate<'a> {
    let quirks = &profile.quirks;
    let samples = matches!(name, "temperature" | "top_p" | "top_k");
    let refused = quirks.unsupported_params.iter().any(|refused| refused == name)
        || (samples && profile.capabilities.sampling == Some(false));
    if refused {
        return if BOOKKEEPING.contains(&name) { Fate::DroppedSilently } else { Fate::Dropped };
    }
    Fate::Sent(quirks.renamed_params.iter().find(|(ours, _)| ours == name).map_or(name, |(_, theirs)| theirs))
}

/// Refuses a request that needs a field the provider does not take: the answer would be one of another kind.
pub(super) fn refuse_without(profile: &ModelProfile, name: &str) -> Result<(), EncodeError> {
    match fate(profile, name) {
        Fate::Sent(_) => Ok(()),
        Fate::Dropped | Fate::DroppedSilently => {
            Err(EncodeError::new(name, format!("model `{}` does not take `{name}`", profile.id)))
        }
    }
}

/// The name for the bound on generated tokens. The older one is the default: a server that does not know the newer one
/// ignores it and generates without limit.
pub(super) fn max_tokens_name(quirks: &Quirks) -> &'static str {
    if quirks.use_max_completion_tokens { "max_completion_tokens" } else { "max_tokens" }
}

/// `response_format` for "any JSON object" at a provider that refuses `json_object`.
pub(super) const ANY_OBJECT_SCHEMA: &str =
    r#"{"type":"json_schema","json_schema":{"name":"object","schema":{"type":"object"}}}"#;
