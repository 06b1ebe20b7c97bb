//! Pictures, sound and documents, which travel as `inlineData`.

use std::borrow::Cow;

use super::wire::{InlineData, PartContent};
use crate::chat::{File, FileSource, Image, ImageSource};
use crate::protocol::{Capabilities, EncodeError, sniff};

pub(super) fn image<'a>(image: &'a Image, capabilities: Capabilities) -> Result<PartContent<'a>, EncodeError> {
    if capabilities.vision == Some(false) {
        return Err(refused("the model cannot see images"));
    }
    match &image.source {
        ImageSource::Base64 { media_type: Some(media_type), data } => Ok(inline(media_type, data)),
        ImageSource::Base64 { media_type: None, data } => sniff::image_type(data)
            .map(|media_type| inline(media_type, data))
            .ok_or_else(|| refused("an image is not PNG, JPEG, GIF or WebP")),
        ImageSource::Url(_) => Err(refused("image URLs cannot be sent to Gemini, use base64")),
    }
}

pub(super) fn audio<'a>(
    data: &'a str,
    format: &str,
    capabilities: Capabilities,
) -> Result<PartContent<'a>, EncodeError> {
    if capabilities.audio == Some(false) {
        return Err(refused("the model cannot hear audio"));
    }
    Ok(inline(format!("audio/{format}"), data))
}

pub(super) fn file(file: &File) -> Result<PartContent<'_>, EncodeError> {
    match &file.source {
        FileSource::Base64 { media_type, data } => Ok(inline(media_type, data)),
        FileSource::Id(_) => {
            Err(refused("a file id of another provider means nothing to Gemini, send the file itself"))
        }
    }
}

fn inline<'a>(media_type: impl Into<Cow<'a, str>>, data: &'a str) -> PartContent<'a> {
    PartContent::InlineData(InlineData { mime_type: media_type.into(), data })
}

fn refused(message: &str) -> EncodeError {
    EncodeError::new("messages", message)
}
