//! Messages as they stand on the wire.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::chat::{File, FileSource, Image, ImageSource};
use crate::protocol::sniff;

/// A message on its way out.
#[derive(Debug, serde::Serialize)]
pub(super) struct MessageOut<'a> {
    pub(super) role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<CallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_call_id: Option<Cow<'a, str>>,
}

/// A text where it is one text, else a list of parts.
#[derive(Debug, Default)]
pub(super) struct Content<'a> {
    pub(super) parts: Vec<PartOut<'a>>,
    /// Several texts are joined: the provider takes lists only where they hold more than text.
    pub(super) join_texts: bool,
}

#[derive(Debug, serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PartOut<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: ImageOut<'a> },
    InputAudio { input_audio: AudioOut<'a> },
    File { file: FileOut<'a> },
}

#[derive(Debug, serde::Serialize)]
pub(super) struct ImageOut<'a> {
    url: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct AudioOut<'a> {
    pub(super) data: &'a str,
    pub(super) format: &'a str,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct FileOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct CallOut<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) r#type: &'static str,
    pub(super) function: CallFunction<'a>,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct CallFunction<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: &'a str,
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.parts.as_slice() {
            [] => return serializer.serialize_str(""),
            [PartOut::Text { text }] => return serializer.serialize_str(text),
            _ => {}
        }
        let texts: Option<Vec<&str>> = self.parts.iter().map(PartOut::as_text).collect();
        if let (true, Some(texts)) = (self.join_texts, texts) {
            return serializer.serialize_str(&texts.join("\n"));
        }
        let mut list = serializer.serialize_seq(Some(self.parts.len()))?;
        for part in &self.parts {
            list.serialize_element(part)?;
        }
        list.end()
    }
}

impl PartOut<'_> {
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::ImageUrl { .. } | Self::InputAudio { .. } | Self::File { .. } => None,
        }
    }
}

impl MessageOut<'_> {
    pub(super) fn new(role: &'static str) -> Self {
        Self {
            role,
            content: None,
            name: None,
            reasoning_content: None,
            refusal: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }
}

pub(super) fn image_out(image: &Image) -> PartOut<'_> {
    let url = match &image.source {
        ImageSource::Url(url) => Cow::Borrowed(url.as_str()),
        ImageSource::Base64 { media_type, data } => {
            // A guess is better than a refusal: servers look at the bytes themselves.
            let media_type = media_type.as_deref().or_else(|| sniff::image_type(data)).unwrap_or("image/png");
            Cow::Owned(format!("data:{media_type};base64,{data}"))
        }
    };
    PartOut::ImageUrl { image_url: ImageOut { url, detail: image.detail.as_deref() } }
}

pub(super) fn file_out(file: &File) -> PartOut<'_> {
    let (file_id, file_data) = match &file.source {
        FileSource::Id(id) => (Some(id.as_str()), None),
        FileSource::Base64 { media_type, data } => (None, Some(format!("data:{media_type};base64,{data}"))),
    };
    PartOut::File { file: FileOut { file_id, file_data, filename: file.filename.as_deref() } }
}
