//! What a foreign web page might make an operator's browser send is refused.
//!
//! Browsers send the session's cookie, and a password they remember, along with whatever a page makes them send here. So what changes something
//! has to be JSON, which no form can send and no script without asking first, and has to come from our own page, as far
//! as the browser says where it comes from.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, Method};

use super::super::origin::is_foreign;
use super::error::ApiError;

/// Looks at where a request comes from and what it carries.
pub(super) fn check(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if [Method::GET, Method::HEAD].contains(method) {
        return Ok(());
    }
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"));
    if is_foreign(headers) {
        return Err(ApiError::new(403, "cross_site", "pages of other sites cannot change anything here"));
    }
    let has_body =
        headers.contains_key(TRANSFER_ENCODING) || text(CONTENT_LENGTH).is_some_and(|length| length.trim() != "0");
    let is_json = text(CONTENT_TYPE).is_some_and(|value| {
        value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
    });
    if has_body && !is_json {
        return Err(ApiError::new(415, "not_json", "a body needs the header `Content-Type: application/json`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status a `PUT` with these headers gets; 200: it passes.
    fn status(more: &[(&'static str, &str)]) -> u16 {
        let headers = [("host", "relay.lan:8080"), ("content-length", "2")].iter().chain(more);
        let headers = headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        check(&Method::PUT, &headers).map_or_else(|error| error.into_reply().status().as_u16(), |()| 200)
    }

    #[test]
    fn only_our_own_page_and_programs_may_write() {
        const JSON: (&str, &str) = ("content-type", "Application/JSON; charset=utf-8");
        assert_eq!(status(&[JSON]), 200);
        for (name, value, expected) in [
            ("origin", "http://relay.lan:8080", 200),
            ("origin", "https://RELAY.lan:8080", 200),
            ("origin", "http://relay.lan", 403),
            ("origin", "http://relay.lan:8080.evil.example", 403),
            ("origin", "null", 403),
            ("origin", "", 403),
            ("sec-fetch-site", "same-origin", 200),
            ("sec-fetch-site", "none", 200),
            ("sec-fetch-site", "same-site", 403),
            ("sec-fetch-site", "cross-site", 403),
        ] {
            assert_eq!(status(&[JSON, (name, value)]), expected, "{name}: {value}");
        }
        for value in ["text/plain", "application/x-www-form-urlencoded", "text/plain; application/json", ""] {
            assert_eq!(status(&[("content-type", value)]), 415, "{value}");
        }
        assert_eq!(status(&[]), 415);
        assert!(check(&Method::DELETE, &HeaderMap::new()).is_ok(), "there is no body");
    }
}
