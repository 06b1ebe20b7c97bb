//! The cookie of a browser that is logged in: 32 random bytes and their signature.
//!
//! The random bytes alone cannot be guessed. The signature is there so that a cookie somebody made up is refused without
//! a question to the database.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

use super::session::ABSOLUTE;
use crate::store::hex;

/// Bytes of the random part.
const RANDOM: usize = 32;
const NAME: &str = "llm-relay-session";
/// Over TLS: browsers then take it from this very host alone, and only with `Secure`.
const HOST_NAME: &str = "__Host-llm-relay-session";

/// What cookies are signed with.
#[derive(Clone, Copy)]
pub(super) struct CookieKey([u8; 32]);

/// What a new key is made of, to be kept.
pub(super) fn new_key() -> String {
    let mut random = [0; 32];
    rand::fill(&mut random);
    hex(&random)
}

/// A cookie's random part, kept by its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    /// What the browser sends.
    pub(super) value: String,
    /// What is kept: 64 hexadecimal digits.
    pub(super) hash: String,
}

impl CookieKey {
    /// The key made of a text. It is as secret as the text is.
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// A new cookie.
    pub(super) fn ticket(&self) -> Ticket {
        let mut random = [0; RANDOM];
        rand::fill(&mut random);
        let signature = self.mac(&random).finalize().into_bytes();
        let value = URL_SAFE_NO_PAD.encode([random.as_slice(), signature.as_slice()].concat());
        Ticket { value, hash: hex(&Sha256::digest(random)) }
    }

    /// The hash under which a cookie's session is kept; `None`: we never signed it.
    pub(super) fn check(&self, value: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (random, signature) = bytes.split_at_checked(RANDOM)?;
        self.mac(random).verify_slice(signature).ok()?;
        Some(hex(&Sha256::digest(random)))
    }

    fn mac(&self, random: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(random);
        mac
    }
}

/// The session cookie of a request. Over TLS only the name that nobody else can set is looked at.
pub(super) fn of(headers: &HeaderMap, over_tls: bool) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == self::name(over_tls)).then_some(value))
}

/// Gives a browser its cookie.
pub(in crate::admin) fn set(value: &str, over_tls: bool) -> Option<HeaderValue> {
    header(value, ABSOLUTE.as_secs(), over_tls)
}

/// Takes the cookie back.
pub(in crate::admin) fn clear(over_tls: bool) -> Option<HeaderValue> {
    header("", 0, over_tls)
}

/// `Lax`, because a link to the page from a wiki or a chat should show the page and not a login. That gives nothing
/// away: what is only read changes nothing, and what changes something looks at `Origin` and `Sec-Fetch-Site`, which also
/// tell apart the other ports of this host, for browsers the same site.
fn header(value: &str, max_age: u64, over_tls: bool) -> Option<HeaderValue> {
    let secure = if over_tls { "; Secure" } else { "" };
    let name = name(over_tls);
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")).ok()
}

fn name(over_tls: bool) -> &'static str {
    if over_tls { HOST_NAME } else { NAME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_is_looked_up() {
        let key = CookieKey::of("key");
        let ticket = key.ticket();
        assert_eq!(key.check(&ticket.value), Some(ticket.hash.clone()));
        assert_ne!(key.ticket(), ticket);
        assert_eq!(CookieKey::of("other").check(&ticket.value), None);
        for at in 0..ticket.value.len() - 1 {
            let mut tampered = ticket.value.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(key.check(&String::from_utf8(tampered).unwrap()), None, "{at}");
        }
        for value in ["", "A", &ticket.value[..43], &format!("{}AAAA", ticket.value)] {
            assert_eq!(key.check(value), None, "{value}");
        }
    }

    #[test]
    fn over_tls_nobody_else_can_set_the_cookie() {
        let headers = |text: &str| HeaderMap::from_iter([(COOKIE, text.parse().unwrap())]);
        let both = headers("a=b; llm-relay-session=plain; __Host-llm-relay-session=ours");
        assert_eq!((of(&both, false), of(&both, true)), (Some("plain"), Some("ours")));
        assert_eq!(of(&headers("llm-relay-session=plain"), true), None);
        assert_eq!(of(&headers("xllm-relay-session=plain"), false), None);
        let text = |over_tls| set("x", over_tls).unwrap().to_str().unwrap().to_owned();
        assert_eq!(text(false), "llm-relay-session=x; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax");
        assert_eq!(text(true), "__Host-llm-relay-session=x; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax; Secure");
    }
}
