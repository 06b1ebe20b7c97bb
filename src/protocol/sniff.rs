//! What a file is, by its first bytes seen through base64: clients often do not say, or guess.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The media type of a picture of the four kinds all providers see.
pub(super) fn image_type(base64: &str) -> Option<&'static str> {
    match head(base64).as_slice() {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Whether it is a PDF document.
pub(super) fn is_pdf(base64: &str) -> bool {
    head(base64).starts_with(b"%PDF")
}

/// The first twelve bytes, fewer when there are no more, none when the text is not base64.
fn head(base64: &str) -> Vec<u8> {
    // Four characters hold three bytes.
    let length = base64.len().min(16) / 4 * 4;
    base64.get(..length).and_then(|start| STANDARD.decode(start).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_say_what_a_file_is() {
        for (bytes, expected) in [
            (b"\x89PNG\r\n\x1a\n0000".as_slice(), Some("image/png")),
            (b"\xff\xd8\xff", Some("image/jpeg")),
            (b"GIF89a0123456789", Some("image/gif")),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x01\x02\x03\x04WAVEfmt ", None),
            (b"BM0123456789abcd", None),
            (b"", None),
        ] {
            assert_eq!(image_type(&STANDARD.encode(bytes)), expected, "{bytes:?}");
        }
        assert!(is_pdf(&STANDARD.encode("%PDF-1.7")) && !is_pdf(&STANDARD.encode("PDF")));
    }

    #[test]
    fn what_is_not_base64_is_nothing() {
        for odd in ["?", "????????????????", "éééééééé", "=", "AAAA=AAAAAAAAAAA"] {
            assert_eq!((image_type(odd), is_pdf(odd)), (None, false), "{odd}");
        }
    }
}
