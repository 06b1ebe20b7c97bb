//! Tags: the words a bill is split by.

use super::key::KeyHash;

/// Tags of one request at most.
const MAX_TAGS: usize = 16;
/// Characters of one tag at most.
const MAX_CHARACTERS: usize = 64;
/// A credential without a comma that has this many characters is a secret, not a list of tags.
const SECRET_LENGTH: usize = 24;

/// The tags of a request cannot be recorded: a 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// More than a request may have.
    #[error("a request can have at most {MAX_TAGS} tags, this one has {0}")]
    TooMany(usize),
    /// More characters than a tag may have.
    #[error("a tag can have at most {MAX_CHARACTERS} characters: `{0}…`")]
    TooLong(String),
    /// A tag is shown in terminals, tables and headers.
    #[error("a tag cannot hold control characters")]
    ControlCharacter,
}

/// The union of all tags of a request, sorted and without duplicates.
///
/// Each text is split at commas and trimmed, empty tags are dropped, case is kept. Give it the key's tags,
/// the `X-Proxy-Tag` header, the `@` suffix, and the tags of redirect, alias and router.
///
/// # Errors
/// [`TagError`] for more than 16 tags, tags of more than 64 characters, and control characters.
pub fn union<'a, T: From<&'a str> + Ord>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<T>, TagError> {
    let mut tags = Vec::new();
    for tag in texts.into_iter().flat_map(split) {
        if tag.chars().count() > MAX_CHARACTERS {
            return Err(TagError::TooLong(tag.chars().take(16).collect()));
        }
        if tag.chars().any(char::is_control) {
            return Err(TagError::ControlCharacter);
        }
        tags.push(T::from(tag));
    }
    tags.sort();
    tags.dedup();
    if tags.len() > MAX_TAGS { Err(TagError::TooMany(tags.len())) } else { Ok(tags) }
}

/// What a credential that is no key of ours amounts to in open mode: its tags, split at commas.
///
/// What looks like a secret is never kept: it becomes `key:` and the first 8 hexadecimal digits of its SHA-256,
/// which still tells one caller from another.
pub fn of_credential(credential: &str) -> Vec<String> {
    let credential = credential.trim();
    let is_long = credential.chars().count() >= SECRET_LENGTH && !credential.contains(',');
    if is_long || is_key(credential) {
        return vec![fingerprint(credential)];
    }
    split(credential).map(|tag| if is_key(tag) { fingerprint(tag) } else { tag.to_owned() }).collect()
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty())
}

fn is_key(text: &str) -> bool {
    text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("sk-"))
}

fn fingerprint(secret: &str) -> String {
    format!("key:{}", &KeyHash::of(secret).to_hex()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn union<const N: usize>(texts: [&str; N]) -> Result<Vec<String>, TagError> {
        super::union(texts)
    }

    #[test]
    fn tags_are_trimmed_joined_sorted_and_keep_their_case() {
        assert_eq!(union(["b, a", " ", "a", "B,,", "team x"]).unwrap(), ["B", "a", "b", "team x"]);
        assert_eq!(union([]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn the_limits_are_sixteen_tags_of_sixty_four_characters() {
        let many = |count: usize| (0..count).map(|number| format!("t{number},")).collect::<String>();
        assert_eq!(union([many(16).as_str(), "t1"]).unwrap().len(), 16);
        assert_eq!(union([many(17).as_str()]), Err(TagError::TooMany(17)));
        assert_eq!(union([&*"ü".repeat(64)]).unwrap().len(), 1);
        assert_eq!(union([&*"a".repeat(65)]), Err(TagError::TooLong("a".repeat(16))));
        assert_eq!(union(["a\nb"]), Err(TagError::ControlCharacter));
    }

    #[test]
    fn a_secret_is_never_a_tag() {
        for secret in ["sk-x", "SK-proj-abc", "gsk_abcdefghijklmnopqrstuvwx", "sk-a,b", "012345678901234567890123"] {
            let tags = of_credential(secret);
            assert_eq!(tags.len(), 1, "{secret}");
            assert!(tags[0].starts_with("key:") && tags[0].len() == 12, "{tags:?}");
        }
        assert_eq!(of_credential("team, sk-x"), ["team".to_owned(), fingerprint("sk-x")]);
    }

    #[test]
    fn a_short_credential_is_a_list_of_tags() {
        assert_eq!(of_credential(" ollama "), ["ollama"]);
        assert_eq!(of_credential("a,b,,"), ["a", "b"]);
        assert_eq!(of_credential("the-research-team,the-home-team"), ["the-research-team", "the-home-team"]);
        assert_eq!(of_credential(""), Vec::<String>::new());
    }
}
