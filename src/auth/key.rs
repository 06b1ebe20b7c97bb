//! API keys: made here, kept as hashes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::UnixMillis;
use crate::secret::Secret;
use crate::store::hex;
use crate::store::keys::StoredKey;

const PREFIX: &str = "sk-relay-";
/// Characters of a key that are shown in lists: its prefix and four of its 43 random ones.
const SHOWN: usize = PREFIX.len() + 4;

/// SHA-256 of a key. A fast hash is right here: keys are 256 random bits, there is nothing to guess.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a key.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// From 64 hexadecimal digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        // `from_str_radix` would take a sign for a digit.
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// Where the hash belongs in a table. It is made from the hash alone and so says nothing about a key.
    pub(super) fn bucket(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// Takes the same time wherever the difference lies.
impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(***)")
    }
}

/// A new key, of which this is the only copy.
#[derive(Debug, Clone)]
pub struct MintedKey {
    /// To be shown once.
    pub key: Secret,
    /// To be kept.
    pub hash: KeyHash,
    /// To be shown in lists.
    pub shown_prefix: String,
}

/// Makes a key: `sk-relay-` and 32 random bytes as base64url, 52 characters.
pub fn new_key() -> MintedKey {
    let mut random = [0_u8; 32];
    rand::fill(&mut random);
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let hash = KeyHash::of(&text);
    let shown_prefix = text.chars().take(SHOWN).collect();
    MintedKey { key: Secret::new(text), hash, shown_prefix }
}

impl MintedKey {
    /// The row to keep for this key.
    pub fn to_stored(
        &self,
        name: &str,
        tags: Vec<String>,
        models: Vec<String>,
        expires: Option<UnixMillis>,
        now: UnixMillis,
    ) -> StoredKey {
        StoredKey {
            id: uuid::Uuid::now_v7().to_string(),
            name: name.to_owned(),
            hash: self.hash.to_hex(),
            shown_prefix: self.shown_prefix.clone(),
            tags,
            models,
            created: now,
            expires,
            revoked: None,
            last_used: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_keys_are_long_different_and_known_by_their_hash() {
        let (one, two) = (new_key(), new_key());
        let text = one.key.expose();
        assert!(text.starts_with("sk-relay-") && text.len() == 52, "{text}");
        assert_ne!(text, two.key.expose());
        assert_eq!(one.hash, KeyHash::of(text));
        assert_eq!(one.shown_prefix, text[..13]);
        assert!(!format!("{one:?}").contains(&text[9..20]));
    }

    #[test]
    fn hashes_survive_being_written_as_digits() {
        let hash = KeyHash::of("abc");
        assert_eq!(hash.to_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(KeyHash::from_hex(&hash.to_hex()), Some(hash));
        for text in ["", "ba", &"x".repeat(64), &"ü".repeat(32), &"+1".repeat(32)] {
            assert_eq!(KeyHash::from_hex(text), None, "{text}");
        }
    }
}
