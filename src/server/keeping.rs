//! What becomes of requests' bodies, where the operator keeps them.

use crate::redaction::Redactor;

/// Larger bodies are not kept, whatever the settings say: pictures, mostly.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// What becomes of requests' bodies. Swapped as a whole while the relay runs.
#[derive(Debug, Clone)]
pub enum Keeping {
    /// They are forgotten.
    Nothing,
    /// Those of the one or the other are kept, without the secrets in them.
    Bodies(KeepPrompts, Redactor),
}

/// Whose request bodies are kept in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepPrompts {
    /// Those of requests to smart routers.
    Routed,
    /// All.
    All,
}

impl Keeping {
    /// A body as it is to be kept, if it is. Secrets are cut out here, because the next place it comes to is a file.
    pub(super) fn kept(&self, is_routed: bool, body: &[u8]) -> Option<String> {
        let redactor = match self {
            Self::Bodies(KeepPrompts::All, redactor) => redactor,
            Self::Bodies(KeepPrompts::Routed, redactor) if is_routed => redactor,
            Self::Bodies(KeepPrompts::Routed, _) | Self::Nothing => return None,
        };
        let body = std::str::from_utf8(body).ok().filter(|body| body.len() <= MAX_KEPT_BYTES)?;
        Some(redactor.redact_body(body).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_kept_of_those_they_shall_be_kept_of_and_without_secrets() {
        let body = br#"{"a":"key sk-abcdefghijklmnopqrst"}"#;
        let redactor = Redactor::built_in().clone();
        let routed = Keeping::Bodies(KeepPrompts::Routed, redactor.clone());
        let all = Keeping::Bodies(KeepPrompts::All, redactor);
        let kept = Some(r#"{"a":"key [redacted: API key]"}"#.to_owned());
        assert_eq!((routed.kept(true, body), routed.kept(false, body)), (kept.clone(), None));
        assert_eq!((all.kept(false, body), Keeping::Nothing.kept(true, body)), (kept, None));
        assert_eq!(all.kept(true, &vec![b' '; MAX_KEPT_BYTES + 1]), None);
    }
}
