//! All keys at a moment, and what a credential amounts to.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::key::KeyHash;
use super::tags;
use crate::clock::UnixMillis;
use crate::secret::Secret;
use crate::store::keys::StoredKey;

/// Whether a key is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// Anyone may call; what stands where a key would is only an attribution.
    Open,
    /// A valid key is needed.
    Keys,
}

/// A key of the environment or of `relay.yaml`.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What requests with it are recorded under.
    pub name: String,
    /// The key.
    pub key: Secret,
    /// Tags of every request with it.
    pub tags: Vec<String>,
    /// Patterns of the models it may use; empty: all.
    pub models: Vec<String>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Id of the database row; `None` for keys of the environment or a file.
    pub id: Option<String>,
    /// What requests with it are recorded under.
    pub name: String,
    /// Tags of every request with it.
    pub tags: Vec<String>,
    /// Patterns of the models it may use; `None`: all.
    pub models: Option<Arc<[String]>>,
    /// From when on it is no longer accepted.
    pub expires: Option<UnixMillis>,
}

/// Who is asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Principal {
    /// Name of the key; `None` in open mode without a known one.
    pub key: Option<SmolStr>,
    /// The key's tags, or those the credential amounts to. Not yet checked: [`tags::union`] does that.
    pub tags: Vec<String>,
    /// Patterns of the models it may use; `None`: all.
    pub models: Option<Arc<[String]>>,
}

/// Why a caller is turned away: a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There was none.
    #[error("an API key is needed: send it as `Authorization: Bearer …`")]
    Missing,
    /// It is not ours, or was revoked.
    #[error("the API key is not valid")]
    Unknown,
    /// It was ours.
    #[error("the API key has expired")]
    Expired,
}

/// All keys at a moment. Immutable: a change makes a new one.
#[derive(Debug, Default)]
pub struct KeyRing {
    /// By the hash's bucket; within one, hashes are compared wholly and in constant time.
    keys: HashMap<u64, Vec<(KeyHash, KeyInfo)>>,
}

impl KeyRing {
    /// The keys of environment and file, and those of the database that are not revoked.
    /// A key that is in both is what the first list says.
    pub fn new(configured: Vec<NewKey>, stored: Vec<StoredKey>) -> Self {
        let mut ring = Self::default();
        for key in configured {
            let models = limit(key.models);
            let info = KeyInfo { id: None, name: key.name, tags: key.tags, models, expires: None };
            ring.add(KeyHash::of(key.key.expose()), info);
        }
        for key in stored.into_iter().filter(|key| key.revoked.is_none()) {
            let models = limit(key.models);
            let info = KeyInfo { id: Some(key.id), name: key.name, tags: key.tags, models, expires: key.expires };
            match KeyHash::from_hex(&key.hash) {
                Some(hash) => ring.add(hash, info),
                None => {
                    tracing::warn!(key.name = %info.name, "a key in the database has no readable hash and is skipped");
                }
            }
        }
        ring
    }

    /// There is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Says who is asking, from the texts of the `Authorization` and `x-api-key` headers.
    ///
    /// A known key counts in both modes. In open mode anything else is an attribution, see [`tags::of_credential`].
    ///
    /// # Errors
    /// [`AuthError`], in [`AuthMode::Keys`] only.
    pub fn authenticate(
        &self,
        mode: AuthMode,
        authorization: Option<&str>,
        x_api_key: Option<&str>,
        now: UnixMillis,
    ) -> Result<Principal, AuthError> {
        let offered = [authorization.and_then(bearer), x_api_key.map(str::trim)];
        let mut refusal = AuthError::Missing;
        for credential in offered.into_iter().flatten().filter(|credential| !credential.is_empty()) {
            match self.find(credential) {
                Some(info) if info.expires.is_none_or(|expires| now < expires) => {
                    return Ok(Principal {
                        key: Some(info.name.as_str().into()),
                        tags: info.tags.clone(),
                        models: info.models.clone(),
                    });
                }
                Some(_) => refusal = AuthError::Expired,
                None if refusal == AuthError::Missing => refusal = AuthError::Unknown,
                None => {}
            }
        }
        match mode {
            AuthMode::Keys => Err(refusal),
            AuthMode::Open => {
                let credential = offered.into_iter().flatten().find(|credential| !credential.is_empty());
                Ok(Principal { tags: credential.map(tags::of_credential).unwrap_or_default(), ..Principal::default() })
            }
        }
    }

    fn add(&mut self, hash: KeyHash, info: KeyInfo) {
        let bucket = self.keys.entry(hash.bucket()).or_default();
        if !bucket.iter().any(|(known, _)| *known == hash) {
            bucket.push((hash, info));
        }
    }

    fn find(&self, credential: &str) -> Option<&KeyInfo> {
        let hash = KeyHash::of(credential);
        let bucket = self.keys.get(&hash.bucket())?;
        bucket.iter().find(|(known, _)| *known == hash).map(|(_, info)| info)
    }
}

impl Principal {
    /// Whether there are models it may not use.
    pub fn is_restricted(&self) -> bool {
        self.models.is_some()
    }

    /// Whether it may use the model, alias or router of this name. Patterns are compared case-insensitively;
    /// `*` stands for any characters.
    pub fn may_use(&self, name: &str) -> bool {
        let name = name.trim().to_ascii_lowercase();
        self.models
            .as_ref()
            .is_none_or(|models| models.iter().any(|pattern| matches(&pattern.trim().to_ascii_lowercase(), &name)))
    }
}

/// An empty list is no limit.
fn limit(models: Vec<String>) -> Option<Arc<[String]>> {
    if models.is_empty() { None } else { Some(models.into()) }
}

/// The credential of an `Authorization` header: what follows `Bearer` in any case, or the whole text when it names no
/// scheme (some clients send the bare key). Other schemes hold nothing for us.
fn bearer(header: &str) -> Option<&str> {
    let header = header.trim();
    match header.split_once(' ') {
        Some((scheme, credential)) if scheme.eq_ignore_ascii_case("bearer") => Some(credential.trim()),
        Some(_) => None,
        None if header.eq_ignore_ascii_case("bearer") => None,
        None => Some(header),
    }
}

/// Whether a key's pattern covers the name of a model, alias or router: compared without case, `*` stands for any
/// characters.
pub fn covers(pattern: &str, name: &str) -> bool {
    matches(&pattern.trim().to_ascii_lowercase(), &name.trim().to_ascii_lowercase())
}

/// Whether `pattern`, in which `*` stands for any characters, covers the whole of `name`.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(start) else {
        return false;
    };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        // The first place that fits leaves the most for the parts that follow.
        let Some(at) = left.find(part) else {
            return false;
        };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests;
