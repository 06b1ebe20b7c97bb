//! Files that pages need, all of `static/`. They are part of the binary.

use std::io::Write;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use super::reply::{self, Reply};
use crate::store::hex;

/// What stands before a file's path.
const FOLDER: &str = "/static/";

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// A file below `static/`.
macro_rules! file {
    ($path:literal, $type:ident) => {
        ($path, $type, include_str!(concat!("../../static/", $path)))
    };
}

/// Path, type and content.
const FILES: &[(&str, &str, &str)] = &[
    file!("icon.svg", PICTURE),
    file!("css/base.css", STYLE),
    file!("css/providers.css", STYLE),
    file!("css/overview.css", STYLE),
    file!("css/usage.css", STYLE),
    file!("js/overview.js", SCRIPT),
    file!("css/keys.css", STYLE),
    file!("css/playground.css", STYLE),
    file!("js/expiry.js", SCRIPT),
    file!("js/keys.js", SCRIPT),
    file!("css/entries.css", STYLE),
    file!("js/conflict.js", SCRIPT),
    file!("js/entries.js", SCRIPT),
    file!("js/entry_forms.js", SCRIPT),
    file!("js/history.js", SCRIPT),
    file!("js/resolver.js", SCRIPT),
    file!("js/trial.js", SCRIPT),
    file!("js/undo.js", SCRIPT),
    file!("css/models.css", STYLE),
    file!("js/models.js", SCRIPT),
    file!("js/models_sync.js", SCRIPT),
    file!("js/palette.js", SCRIPT),
    file!("js/playground.js", SCRIPT),
    file!("js/protocols.js", SCRIPT),
    file!("js/relay.js", SCRIPT),
    file!("js/ollama.js", SCRIPT),
    file!("js/providers.js", SCRIPT),
    file!("js/requests.js", SCRIPT),
    file!("css/settings.css", STYLE),
    file!("js/settings.js", SCRIPT),
    file!("js/settings/access.js", SCRIPT),
    file!("js/settings/log.js", SCRIPT),
    file!("js/settings/redaction.js", SCRIPT),
    file!("js/settings/restore.js", SCRIPT),
    file!("js/settings/setting.js", SCRIPT),
    file!("js/settings/storage.js", SCRIPT),
    file!("js/start.js", SCRIPT),
    file!("js/usage.js", SCRIPT),
    file!("vendor/alpine.js", SCRIPT),
    file!("vendor/uplot.css", STYLE),
    file!("vendor/uplot.js", SCRIPT),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.iter().map(Asset::new).collect());

/// Whether a path is one of a file, there or not. The files say nothing about this relay, so nobody has to log in.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with(FOLDER)
}

/// The file of a path.
pub(super) fn answer(path: &str, headers: &HeaderMap) -> Reply {
    let path = path.strip_prefix(FOLDER).unwrap_or_default();
    match ASSETS.iter().find(|asset| asset.path == path) {
        Some(asset) => asset.answer(headers),
        None => reply::text(404, "There is no such file.\n"),
    }
}

/// A file that is part of the binary.
struct Asset {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
    compressed: Bytes,
    /// Made from the content, so that it changes with a new version and only then.
    tag: String,
}

impl Asset {
    fn new(&(path, content_type, text): &(&'static str, &'static str, &'static str)) -> Self {
        let hash = hex(&Sha256::digest(text));
        Self { path, content_type, text, compressed: compress(text), tag: format!("\"{}\"", &hash[..16]) }
    }

    /// The file, or a 304 to a browser that has it. Browsers keep it but ask each time: after an upgrade nobody sees a
    /// new page in the old style.
    fn answer(&self, headers: &HeaderMap) -> Reply {
        let is_known =
            list(headers, IF_NONE_MATCH).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag);
        let takes_gzip = list(headers, ACCEPT_ENCODING).any(|coding| coding == "gzip");
        let (status, body) = match (is_known, takes_gzip) {
            (true, _) => (304, Bytes::new()),
            (false, true) => (200, self.compressed.clone()),
            (false, false) => (200, Bytes::from_static(self.text.as_bytes())),
        };
        let mut reply = reply::bytes(status, self.content_type, body);
        let headers = reply.headers_mut();
        if status == 200 && takes_gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        // The same tag for both codings, so a weak one.
        headers.extend(HeaderValue::from_str(&format!("W/{}", self.tag)).ok().map(|tag| (ETAG, tag)));
        reply
    }
}

/// The values of a header that is a list; one with a weight of its own (`gzip;q=0`) is none we look for.
fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn compress(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    written.expect("memory can be written to").into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn ask(path: &str, name: HeaderName, value: &str) -> Reply {
        answer(path, &HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]))
    }

    #[test]
    fn a_browser_that_has_the_file_is_told_so() {
        let style = answer("/static/css/base.css", &HeaderMap::new());
        let tag = style.headers()[ETAG].to_str().unwrap().to_owned();
        assert_eq!(style.status(), 200);
        assert_eq!(ask("/static/css/base.css", IF_NONE_MATCH, &tag).status(), 304);
        assert_eq!(ask("/static/css/base.css", IF_NONE_MATCH, &format!("\"other\", {tag}")).status(), 304);
        assert_eq!(ask("/static/icon.svg", IF_NONE_MATCH, &tag).status(), 200);
        assert_eq!(ask("/static/none.css", IF_NONE_MATCH, &tag).status(), 404);
    }

    #[test]
    fn only_browsers_that_take_it_get_a_file_compressed() {
        for (accepted, coding) in [("br, gzip", Some("gzip")), ("gzip;q=0", None), ("identity", None)] {
            let reply = ask("/static/vendor/alpine.js", ACCEPT_ENCODING, accepted);
            let found = reply.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(found, coding, "{accepted}");
        }
    }

    #[test]
    fn every_file_is_in_the_binary() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
        let mut folders = vec![folder.clone()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.extension().is_some_and(|extension| extension == "md" || extension == "LICENSE") {
                    let path = path.strip_prefix(&folder).unwrap().to_str().unwrap();
                    assert!(FILES.iter().any(|(known, ..)| *known == path), "{path} is not in the table");
                }
            }
        }
    }
}
