//! API tokens: what scripts show instead of the password.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::expiry;
use crate::auth::KeyHash;
use crate::clock::UnixMillis;
use crate::secret::Secret;
use crate::store::admin::{self, StoredToken};
use crate::store::{Conn, StoreError};

const PREFIX: &str = "llmr-admin-";
/// Characters of a token that are shown in lists: its prefix and four of its 43 random ones.
const SHOWN: usize = PREFIX.len() + 4;
/// Characters of a name at most.
const MAX_NAME: usize = 64;

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The name cannot be used.
    #[error("a token needs a name of 1 to 64 characters, none of them a control character")]
    Name,
    /// It would be over already, or far beyond any calendar.
    #[error("the token cannot end then: {0}")]
    Expiry(&'static str),
    /// The name is in use.
    #[error("there is a token `{0}` already; revoke it first, or take another name")]
    Exists(String),
    /// The database cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a token and keeps its hash: `llmr-admin-` and 32 random bytes as base64url. It is shown only now, and holds until
/// it `expires` or is revoked.
///
/// # Errors
/// [`TokenError`].
pub fn create_token(
    conn: &mut Conn<'_>,
    name: &str,
    expires: Option<UnixMillis>,
    now: UnixMillis,
) -> Result<(Secret, StoredToken), TokenError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(TokenError::Name);
    }
    if let Some(problem) = expiry::problem(expires, now) {
        return Err(TokenError::Expiry(problem));
    }
    let mut random = [0_u8; 32];
    rand::fill(&mut random);
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let stored = StoredToken {
        name: name.to_owned(),
        hash: KeyHash::of(&text).to_hex(),
        shown_prefix: text.chars().take(SHOWN).collect(),
        created: now,
        expires,
        last_used: None,
    };
    if !admin::create_token(conn, &stored)? {
        return Err(TokenError::Exists(stored.name));
    }
    Ok((Secret::new(text), stored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_token_is_known_by_its_hash_and_its_name_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let until = |name: &str, expires: Option<i64>| {
            store.blocking(|conn| Ok(create_token(conn, name, expires.map(UnixMillis), UnixMillis(7)))).unwrap()
        };
        let create = |name: &str| until(name, None);
        let (token, stored) = create(" ci ").unwrap();
        assert!(token.expose().starts_with("llmr-admin-") && token.expose().len() == 54, "{}", token.expose());
        assert_eq!((stored.name.as_str(), stored.hash), ("ci", KeyHash::of(token.expose()).to_hex()));
        assert_eq!(stored.shown_prefix, token.expose()[..15]);
        assert!(matches!(create("ci"), Err(TokenError::Exists(name)) if name == "ci"));
        for name in ["", " ", "a\nb", &"x".repeat(65)] {
            assert!(matches!(create(name), Err(TokenError::Name)), "{name}");
        }
        assert!(matches!(until("late", Some(7)), Err(TokenError::Expiry(_))));
        assert_eq!(until("late", Some(8)).unwrap().1.expires, Some(UnixMillis(8)));
    }
}
