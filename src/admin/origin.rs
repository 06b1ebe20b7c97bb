//! Where a request comes from, as far as the browser says.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName};

/// Whether a page of another site, or of another port of this host, made a browser send it. Programs say nothing and are
/// not taken for pages.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"));
    let is_foreign_site = text(HeaderName::from_static("sec-fetch-site"))
        .is_some_and(|site| !site.eq_ignore_ascii_case("same-origin") && !site.eq_ignore_ascii_case("none"));
    let is_foreign_origin = text(ORIGIN).is_some_and(|origin| {
        let name = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        !name.zip(text(HOST)).is_some_and(|(name, host)| name.eq_ignore_ascii_case(host))
    });
    is_foreign_site || is_foreign_origin
}
