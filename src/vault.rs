//! Keys of providers that were entered on the admin listener, encrypted before they are written down.
//!
//! XChaCha20-Poly1305 with a random nonce; the id of the database's row is associated data, so that what stands in one
//! row cannot be read out of another. The encryption key is made from `SECRET_KEY`, or is a file in `DATA_DIR` that is
//! made when it is first needed. A [`Vault`] keeps no key of the file in memory: it is read when something is opened,
//! which happens when entries change, so that processes which share the folder agree.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// The file in `DATA_DIR`.
const FILE: &str = "secret.key";
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Seals and opens.
#[derive(Debug)]
pub struct Vault {
    /// `SECRET_KEY`.
    given: Option<Secret>,
    file: PathBuf,
}

/// A secret as it can be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which encryption key it was sealed with: eight hexadecimal digits that say nothing else about it.
    pub key_version: String,
    /// Base64 of the nonce and what follows from it.
    pub text: String,
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The encryption key has changed, or is lost.
    #[error(
        "it was encrypted with another SECRET_KEY (version {sealed_with}): enter the key again, or bring back SECRET_KEY \
         or {} as it was", file.display()
    )]
    OtherKey {
        /// The version of the key that would open it.
        sealed_with: String,
        /// Where the key would be without `SECRET_KEY`.
        file: PathBuf,
    },
    /// What the database has is not what was written there.
    #[error("what the database has of it is damaged: enter the key again")]
    Damaged,
    /// The file of the encryption key holds something else.
    #[error("{} is not a key of 64 hexadecimal digits: bring it back, or move it away and enter the keys again", .0.display())]
    NotAKey(PathBuf),
    /// The file of the encryption key cannot be read or made.
    #[error("the encryption key in {} cannot be {verb}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// "read" or "made".
        verb: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

/// What seals and opens.
struct EncryptionKey([u8; KEY_BYTES]);

impl Vault {
    /// A vault with the key `SECRET_KEY` gives, else with the one in the data folder.
    pub fn new(given: Option<Secret>, data_dir: &Path) -> Self {
        Self { given, file: data_dir.join(FILE) }
    }

    /// Seals a secret for the row of an id. Makes the file of the encryption key, where there is none and one is needed.
    ///
    /// # Errors
    /// When the file can neither be read nor made.
    pub fn seal(&self, id: &str, secret: &Secret) -> Result<Sealed, VaultError> {
        let key = match &self.given {
            Some(given) => EncryptionKey::from_setting(given),
            None => match self.key_of_file()? {
                Some(key) => key,
                None => self.make_file()?,
            },
        };
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: id.as_bytes() };
        // It fails for texts of 256 GiB.
        let sealed = key.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Damaged)?;
        let text = STANDARD.encode([nonce.as_slice(), &sealed].concat());
        Ok(Sealed { key_version: key.version(), text })
    }

    /// Opens what was sealed for the row of this id, with `SECRET_KEY` or the file, whichever it was sealed with: so a
    /// `SECRET_KEY` can be set later on, and nothing has to be entered again.
    ///
    /// # Errors
    /// When neither is the key it was sealed with, or the row has been tampered with.
    pub fn open(&self, id: &str, sealed: &Sealed) -> Result<Secret, VaultError> {
        let is_it = |key: &EncryptionKey| key.version() == sealed.key_version;
        let given = self.given.as_ref().map(EncryptionKey::from_setting).filter(is_it);
        let key = match given {
            Some(key) => key,
            None => self.key_of_file()?.filter(is_it).ok_or_else(|| VaultError::OtherKey {
                sealed_with: sealed.key_version.clone(),
                file: self.file.clone(),
            })?,
        };
        let bytes = STANDARD.decode(&sealed.text).map_err(|_| VaultError::Damaged)?;
        let (nonce, message) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError::Damaged)?;
        let payload = Payload { msg: message, aad: id.as_bytes() };
        let text = key.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::Damaged)?;
        String::from_utf8(text).map(Secret::new).map_err(|_| VaultError::Damaged)
    }

    /// `None`: there is no file.
    fn key_of_file(&self) -> Result<Option<EncryptionKey>, VaultError> {
        match fs::read_to_string(&self.file) {
            Ok(text) => EncryptionKey::from_hex(text.trim()).map(Some).ok_or(VaultError::NotAKey(self.file.clone())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(VaultError::File { file: self.file.clone(), verb: "read", source }),
        }
    }

    fn make_file(&self) -> Result<EncryptionKey, VaultError> {
        let mut key = EncryptionKey([0; KEY_BYTES]);
        rand::fill(&mut key.0);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&self.file).and_then(|mut file| {
            file.write_all(format!("{}\n", hex(&key.0)).as_bytes())?;
            file.sync_all()
        });
        match written {
            Ok(()) => Ok(key),
            // Another process was quicker.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.key_of_file()?.ok_or(VaultError::NotAKey(self.file.clone()))
            }
            Err(source) => Err(VaultError::File { file: self.file.clone(), verb: "made", source }),
        }
    }
}

impl EncryptionKey {
    fn from_setting(text: &Secret) -> Self {
        Self(Sha256::new().chain_update("llm-relay SECRET_KEY\0").chain_update(text.expose()).finalize().into())
    }

    fn from_hex(text: &str) -> Option<Self> {
        let mut key = [0; KEY_BYTES];
        if text.len() != 2 * KEY_BYTES || !text.is_ascii() {
            return None;
        }
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(key))
    }

    fn version(&self) -> String {
        hex(&Sha256::new().chain_update("llm-relay key version\0").chain_update(self.0).finalize()[..4])
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(self.0))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTING: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn what_was_sealed_is_opened_in_its_own_row_alone() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::new(Some(Secret::new(SETTING)), folder.path());
        let secret = Secret::new("sk-öffnen");
        let sealed = vault.seal("row-1", &secret).unwrap();
        assert_eq!(vault.open("row-1", &sealed).unwrap(), secret);
        assert!(matches!(vault.open("row-2", &sealed), Err(VaultError::Damaged)));
        assert_ne!(vault.seal("row-1", &secret).unwrap().text, sealed.text, "the nonce is another one");
        assert!(!folder.path().join(FILE).exists(), "SECRET_KEY needs no file");
        let mut bytes = STANDARD.decode(&sealed.text).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = Sealed { text: STANDARD.encode(&bytes), ..sealed.clone() };
            assert!(matches!(vault.open("row-1", &changed), Err(VaultError::Damaged)), "byte {at}");
            bytes[at] ^= 1;
        }
        for text in ["", "AAAA", "not base64"] {
            let cut = Sealed { text: text.into(), ..sealed.clone() };
            assert!(matches!(vault.open("row-1", &cut), Err(VaultError::Damaged)), "{text}");
        }
    }

    #[test]
    fn the_file_is_made_once_for_the_owner_alone_and_outlives_the_vault() {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::new("sk-1");
        let sealed = Vault::new(None, folder.path()).seal("a", &secret).unwrap();
        let path = folder.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let vault = Vault::new(None, folder.path());
        assert_eq!(vault.open("a", &sealed).unwrap(), secret);
        vault.seal("b", &secret).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        // Set later, SECRET_KEY seals what comes then; what the file has sealed stays readable.
        let both = Vault::new(Some(Secret::new(SETTING)), folder.path());
        assert_eq!(both.open("a", &sealed).unwrap(), secret);
        let later = both.seal("c", &secret).unwrap();
        assert_ne!(later.key_version, sealed.key_version);
        assert!(matches!(vault.open("c", &later), Err(VaultError::OtherKey { .. })));
    }

    #[test]
    fn a_lost_or_broken_key_is_told_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::new(None, folder.path());
        let sealed = vault.seal("a", &Secret::new("sk-1")).unwrap();
        fs::write(folder.path().join(FILE), "z".repeat(64)).unwrap();
        for result in [vault.open("a", &sealed).map(|_| ()), vault.seal("b", &Secret::new("x")).map(|_| ())] {
            let message = result.unwrap_err().to_string();
            assert!(message.contains("is not a key") && message.contains(FILE), "{message}");
        }
        fs::remove_file(folder.path().join(FILE)).unwrap();
        let message = vault.open("a", &sealed).unwrap_err().to_string();
        assert!(message.contains("another SECRET_KEY") && message.contains("enter the key again"), "{message}");
        assert!(!message.contains("sk-1"));
    }
}
