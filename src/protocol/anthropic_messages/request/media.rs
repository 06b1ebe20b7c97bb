//! Images and documents as content blocks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::chat::{File, FileSource, Image, ImageSource};
use crate::protocol::anthropic_messages::wire::{Block, Source};
use crate::protocol::{EncodeError, sniff};

const PDF: &str = "application/pdf";

/// An image block.
///
/// # Errors
/// When the picture is none of the four kinds Anthropic reads.
pub(super) fn image(image: &Image) -> Result<Block<'_>, EncodeError> {
    let source = match &image.source {
        ImageSource::Url(url) => Source::Url { url },
        ImageSource::Base64 { media_type, data } => {
            // The bytes come first: clients often guess the type, and a wrong one is refused.
            let media_type =
                sniff::image_type(data).or_else(|| known_image(media_type.as_deref()?)).ok_or_else(|| {
                    EncodeError::new("messages", "images must be JPEG, PNG, GIF or WebP for Anthropic models")
                })?;
            Source::Base64 { media_type, data }
        }
    };
    Ok(Block::Image { source })
}

/// A document block, or an image block when the file is a picture.
///
/// # Errors
/// When the file is neither PDF, text nor picture, or lies with another provider.
pub(super) fn file(file: &File) -> Result<Block<'_>, EncodeError> {
    let (media_type, data) = match &file.source {
        FileSource::Base64 { media_type, data } => (media_type.as_str(), data.as_str()),
        FileSource::Id(_) => {
            let message = "a `file_id` names a file at another provider; send the file's content to Anthropic models";
            return Err(EncodeError::new("messages", message));
        }
    };
    let title = file.filename.as_deref();
    if media_type == PDF || sniff::is_pdf(data) {
        return Ok(Block::Document { source: Source::Base64 { media_type: PDF, data }, title });
    }
    if let Some(media_type) = sniff::image_type(data).or_else(|| known_image(media_type)) {
        return Ok(Block::Image { source: Source::Base64 { media_type, data } });
    }
    if media_type.starts_with("text/") || media_type == "application/json" {
        let text = STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let data = text.ok_or_else(|| EncodeError::new("messages", "a text file is not base64 of UTF-8 text"))?;
        return Ok(Block::Document { source: Source::Text { media_type: "text/plain", data }, title });
    }
    let message = format!("files of type `{media_type}` cannot be sent to Anthropic models: only PDF, text and images");
    Err(EncodeError::new("messages", message))
}

fn known_image(media_type: &str) -> Option<&'static str> {
    match media_type {
        "image/jpeg" | "image/jpg" => Some("image/jpeg"),
        "image/png" => Some("image/png"),
        "image/gif" => Some("image/gif"),
        "image/webp" => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_as(bytes: &[u8], declared: Option<&str>) -> Option<&'static str> {
        let source = ImageSource::Base64 { media_type: declared.map(Into::into), data: STANDARD.encode(bytes) };
        match image(&Image { source, detail: None }) {
            Ok(Block::Image { source: Source::Base64 { media_type, .. } }) => Some(media_type),
            _ => None,
        }
    }

    #[test]
    fn the_bytes_come_before_the_clients_word() {
        assert_eq!(sent_as(b"\x89PNG\r\n\x1a\n0000", None), Some("image/png"));
        assert_eq!(sent_as(b"\xff\xd8\xff\xe0 0123456789", Some("image/png")), Some("image/jpeg"));
        assert_eq!(sent_as(b"short", Some("image/jpg")), Some("image/jpeg"));
        assert_eq!(sent_as(b"BM0123456789abcd", Some("image/bmp")), None);
        assert_eq!(sent_as(b"0123456789abcdef", None), None);
    }

    fn document(media_type: &str, bytes: &[u8]) -> Option<serde_json::Value> {
        let source = FileSource::Base64 { media_type: media_type.into(), data: STANDARD.encode(bytes) };
        let given = File { source, filename: Some("a".into()) };
        file(&given).ok().map(|block| serde_json::to_value(block).unwrap())
    }

    #[test]
    fn pdf_and_text_become_documents_and_others_are_refused() {
        let pdf = document("", b"%PDF-1.7 and more").unwrap();
        assert_eq!(pdf["source"]["media_type"], "application/pdf");
        assert_eq!(pdf["title"], "a");
        let text = document("text/markdown", "# é".as_bytes()).unwrap();
        let source = serde_json::json!({"type": "text", "media_type": "text/plain", "data": "# é"});
        assert_eq!(text["source"], source);
        assert_eq!(document("image/png", b"?").unwrap()["type"], "image");
        assert_eq!(document("text/plain", b"\xff"), None);
        assert_eq!(document("application/zip", b"PK"), None);
        assert!(file(&File { source: FileSource::Id("file-1".into()), filename: None }).is_err());
    }
}
