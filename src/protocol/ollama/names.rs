//! Model names as Ollama writes them, and the digests that stand for models which have no files here.
//!
//! Ollama's grammar is `[host/][namespace/]model[:tag]`, with `registry.ollama.ai`, `library` and `latest` as defaults.
//! Names here may also be those of other providers (`openrouter/meta-llama/x:free`, `fast@team-a`),
//! so only what cannot be any name is refused.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The defaults that are left out when a name is shown.
const DEFAULT_PREFIXES: [&str; 3] = ["registry.ollama.ai/library/", "registry.ollama.ai/", "library/"];
/// The longest part of a name; Ollama allows this for hosts.
const MAX_PART_CHARACTERS: usize = 350;

/// The name as lists show it: default host and namespace left out, the tag always present.
pub fn display_name(name: &str) -> String {
    let name = name.trim();
    let short = DEFAULT_PREFIXES.iter().find_map(|prefix| {
        let (start, rest) = name.split_at_checked(prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then_some(rest)
    });
    // `library/` alone in front of a longer path is somebody's namespace, not the default one.
    with_tag(short.filter(|rest| !rest.contains('/')).unwrap_or(name)).into_owned()
}

/// The name as Ollama's capability errors write it: `registry.ollama.ai/library/m:latest` for a plain name.
pub(super) fn fully_qualified(name: &str) -> String {
    let tagged = with_tag(name.trim());
    if tagged.contains('/') { tagged.into_owned() } else { format!("registry.ollama.ai/library/{tagged}") }
}

/// Whether the text can be a model's name.
///
/// Parts between `/` and the tag after `:` must be there when promised, begin with a letter, a digit or one of `_@~`,
/// and hold no white space or control character.
/// What follows the last `@` of a longer name are tags, which may be anything.
pub fn is_valid_name(name: &str) -> bool {
    let name = match name.trim().rsplit_once('@') {
        Some((before, _)) if !before.is_empty() && !before.ends_with('/') => before,
        Some(_) | None => name.trim(),
    };
    let path = name.split_once("://").map_or(name, |(_, path)| path);
    let (parts, tag) = match split_tag(path) {
        Some((parts, tag)) => (parts, Some(tag)),
        None => (path, None),
    };
    parts.split('/').chain(tag).all(is_valid_part)
}

/// A digest for a model that has no manifest: 64 hex digits made from its name, so every model has its own
/// (clients keep one model per digest) and it never changes.
pub fn digest(name: &str) -> String {
    hex(&Sha256::digest(display_name(name).to_ascii_lowercase()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn is_valid_part(part: &str) -> bool {
    part.chars().next().is_some_and(|first| first.is_alphanumeric() || matches!(first, '_' | '@' | '~'))
        && part.chars().count() <= MAX_PART_CHARACTERS
        && !part.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A `:` separates the tag only after the last `/`; before it, it belongs to a host's port.
fn split_tag(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))
}

fn with_tag(name: &str) -> Cow<'_, str> {
    if split_tag(name).is_some() { Cow::Borrowed(name) } else { Cow::Owned(format!("{name}:latest")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_names_drop_defaults_and_always_have_a_tag() {
        for (name, shown) in [
            ("m", "m:latest"),
            (" m:7b ", "m:7b"),
            ("library/m", "m:latest"),
            ("registry.ollama.ai/library/m:latest", "m:latest"),
            ("Registry.Ollama.AI/someone/m", "Registry.Ollama.AI/someone/m:latest"),
            ("openai/gpt-4o", "openai/gpt-4o:latest"),
            ("host:8080/a/m", "host:8080/a/m:latest"),
        ] {
            assert_eq!(display_name(name), shown);
        }
    }

    #[test]
    fn one_latest_is_stripped() {}

    #[test]
    fn errors_use_the_full_name_of_a_plain_name_only() {
        assert_eq!(fully_qualified("m"), "registry.ollama.ai/library/m:latest");
        assert_eq!(fully_qualified("m:7b"), "registry.ollama.ai/library/m:7b");
        assert_eq!(fully_qualified("openai/gpt-4o"), "openai/gpt-4o:latest");
        assert_eq!(fully_qualified("a/b:x"), "a/b:x");
    }

    #[test]
    fn empty_promised_parts_are_invalid() {
        for name in ["", " ", "foo:", ":x", "/foo", "foo/", "a//b", "a b", "-x", "a:\u{7}"] {
            assert!(!is_valid_name(name), "{name:?}");
        }
        for name in [
            "m",
            "M:7b-q4_K_M",
            "library/m",
            "host:8080/ns/m:tag",
            "https://h/n/m",
            "openrouter/a/b:free",
            "accounts/x/models/y",
            "@cf/meta/llama",
            "fast@team a, b",
        ] {
            assert!(is_valid_name(name), "{name:?}");
        }
    }

    #[test]
    fn digests_are_one_per_model() {
        assert_eq!(digest("m"), digest("M:latest"));
        assert_ne!(digest("m"), digest("n"));
        assert!(digest("m").len() == 64 && digest("m").chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
    }
}
