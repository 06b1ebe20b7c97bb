//! The admin password: made here if nobody chose one, kept as an argon2id hash.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::Secret;

/// One of the settings OWASP gives as equally strong (7 MiB, 5 passes, 1 lane): the one with the least memory, because
/// the relay is at home on small machines.
const MEMORY_KIB: u32 = 7 * 1024;
const PASSES: u32 = 5;
const LANES: u32 = 1;

/// Characters a chosen password has at least.
pub(super) const MIN_CHARACTERS: usize = 10;
/// Bytes a chosen password has at most.
pub(super) const MAX_BYTES: usize = 1024;

/// A password nobody has to invent: 18 random bytes as base64url, 24 characters.
pub(super) fn new() -> Secret {
    let mut random = [0_u8; 18];
    rand::fill(&mut random);
    Secret::new(URL_SAFE_NO_PAD.encode(random))
}

/// The hash of a password, as a PHC string with a salt of its own. Takes a core for tens of milliseconds.
pub(super) fn hash(password: &Secret) -> String {
    let mut salt = [0_u8; 16];
    rand::fill(&mut salt);
    let hash: PasswordHash = argon2()
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .expect("argon2 takes any password of less than 4 GiB");
    hash.to_string()
}

/// Whether this is the password of a hash. Takes as long as [`hash`].
pub(super) fn is_right(password: &Secret, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2().verify_password(password.expose().as_bytes(), &hash).is_ok())
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let password = Secret::new("pass:wörd");
        let (one, two) = (hash(&password), hash(&password));
        assert!(one.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{one}");
        assert_ne!(one, two, "each has a salt of its own");
        assert!(is_right(&password, &one) && is_right(&password, &two));
        for wrong in ["", "pass:word", "pass:wörd "] {
            assert!(!is_right(&Secret::new(wrong), &one), "{wrong}");
        }
        assert!(!is_right(&password, "") && !is_right(&password, &one[..40]));
    }

    #[test]
    fn new_passwords_are_long_and_different() {
        let (one, two) = (new(), new());
        assert!(one.expose().len() == 24 && one != two);
    }
}
