//! Files that pages need. They are part of the binary.

use std::sync::LazyLock;

use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

use super::reply::{self, Reply};
use crate::store::hex;

/// How pages look.
pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("text/css; charset=utf-8", include_str!("../../static/admin.css")));
/// The picture in the browser's tab.
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("image/svg+xml", include_str!("../../static/icon.svg")));

/// A file that is part of the binary.
pub(super) struct Asset {
    content_type: &'static str,
    text: &'static str,
    /// Made from the content, so that it changes with a new version and only then.
    tag: String,
}

impl Asset {
    fn new(content_type: &'static str, text: &'static str) -> Self {
        let hash = hex(&Sha256::digest(text));
        Self { content_type, text, tag: format!("\"{}\"", &hash[..16]) }
    }

    /// The file, or a 304 to a browser that has it. Browsers keep it but ask each time: after an upgrade nobody sees a
    /// new page in the old style.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Reply {
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let is_known = known.flat_map(|list| list.split(',')).any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag
        });
        let (status, body) = if is_known { (304, "") } else { (200, self.text) };
        let mut reply = reply::bytes(status, self.content_type, body);
        reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            reply.headers_mut().insert(ETAG, tag);
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_that_has_the_file_is_told_so() {
        let status = |tags: &str| {
            let value = HeaderValue::from_str(tags).unwrap();
            STYLE.answer(&HeaderMap::from_iter([(IF_NONE_MATCH, value)])).status().as_u16()
        };
        assert_eq!(STYLE.answer(&HeaderMap::new()).status(), 200);
        assert_eq!(status(&STYLE.tag), 304);
        assert_eq!(status(&format!("\"other\", W/{}", STYLE.tag)), 304);
        assert_eq!(status(&ICON.tag), 200);
    }
}
