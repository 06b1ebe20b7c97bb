//! Show, pull, push, create, copy and delete: reading which model they are about, and Ollama's answers
//! for models whose files are not here.

use serde::Serialize;

use crate::protocol::DecodeError;

use super::go_json::{self, Fields};
use super::head::{missing, model};
use super::names;
use super::response::line::write_json;

/// What an Ollama server says when its registry does not have a model.
pub const PULL_NOT_FOUND: &str = "pull model manifest: file does not exist";
/// The body of a pull, push or create that was not to be streamed.
pub const SUCCESS: &[u8] = b"{\"status\":\"success\"}";

/// An endpoint that is about one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manage {
    /// `POST /api/show`.
    Show,
    /// `POST /api/pull`.
    Pull,
    /// `POST /api/push`.
    Push,
    /// `POST /api/create`.
    Create,
    /// `DELETE /api/delete`.
    Delete,
}

/// What such a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManageRequest {
    /// `model`, or the older `name`; a possible name.
    pub model: String,
    /// Progress is wanted line by line (the default).
    pub stream: bool,
}

/// `POST /api/copy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRequest {
    /// The model to copy.
    pub source: String,
    /// The copy's name.
    pub destination: String,
}

impl Manage {
    /// Reads a request.
    ///
    /// # Errors
    /// A 400 in the endpoint's own words for a broken body, a missing or impossible name, or (create) nothing to create from.
    pub fn decode(self, body: &[u8]) -> Result<ManageRequest, DecodeError> {
        let text = go_json::text(body)?;
        let fields = Fields::parse(text, self.go_type())?;
        let model = model(&fields)?;
        self.check_name(&model)?;
        if self == Self::Create && fields.is_empty("from") && fields.is_empty("files") {
            return Err(DecodeError::field("from", "neither 'from' or 'files' was specified"));
        }
        Ok(ManageRequest { model, stream: fields.boolean("stream")?.unwrap_or(true) })
    }

    /// The 404 for a model nobody has. A pull says it in its stream instead, see [`pull_not_found`].
    pub fn not_found(self, name: &str) -> DecodeError {
        missing(match self {
            Self::Show => format!("model '{}' not found", names::display_name(name)),
            Self::Pull | Self::Push | Self::Create | Self::Delete => format!("model '{name}' not found"),
        })
    }

    fn check_name(self, name: &str) -> Result<(), DecodeError> {
        if names::is_valid_name(name) {
            return Ok(());
        }
        let message = match self {
            Self::Show | Self::Push | Self::Delete if name.is_empty() => "model is required".to_owned(),
            Self::Delete => format!("name \"{name}\" is invalid"),
            Self::Show | Self::Pull | Self::Push | Self::Create => "invalid model name".to_owned(),
        };
        Err(DecodeError::field("model", message))
    }

    fn go_type(self) -> &'static str {
        match self {
            Self::Show => "ShowRequest",
            Self::Pull => "PullRequest",
            Self::Push => "PushRequest",
            Self::Create => "CreateRequest",
            Self::Delete => "DeleteRequest",
        }
    }
}

impl CopyRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// A 400 for a broken body or a name that can be none.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let text = go_json::text(body)?;
        let fields = Fields::parse(text, "CopyRequest")?;
        let name = |key: &str| {
            let name = fields.string(key)?.unwrap_or_default().trim().to_owned();
            if names::is_valid_name(&name) {
                Ok(name)
            } else {
                Err(DecodeError::field(key, format!("{key} \"{name}\" is invalid")))
            }
        };
        Ok(Self { source: name("source")?, destination: name("destination")? })
    }

    /// The 404 for a source nobody has.
    pub fn not_found(&self) -> DecodeError {
        missing(format!("model \"{}\" not found", self.source))
    }
}

/// A line of progress; what is empty or zero is left out.
#[derive(Serialize, Default)]
struct Progress<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<u64>,
}

impl Progress<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        write_json(self, out);
        out.push(b'\n');
    }
}

fn status(status: &str, out: &mut Vec<u8>) {
    Progress { status, ..Progress::default() }.write(out);
}

/// The stream of a pull of a model that cannot be had. It is a 200: Ollama has sent its first line when it finds out.
/// (Without a stream it is a 500 with [`PULL_NOT_FOUND`].)
pub fn pull_not_found() -> Vec<u8> {
    let mut out = Vec::new();
    status("pulling manifest", &mut out);
    out.extend_from_slice(b"{\"error\":");
    write_json(PULL_NOT_FOUND, &mut out);
    out.extend_from_slice(b"}\n");
    out
}

/// The stream of a pull of a model that is there already: one layer, complete at once.
/// `digest` is the model's, 64 hex digits without prefix; `size_bytes` what it takes.
pub fn pull_present(digest: &str, size_bytes: u64) -> Vec<u8> {
    let mut out = Vec::new();
    status("pulling manifest", &mut out);
    let size = Some(size_bytes).filter(|size| *size > 0);
    let pulling = format!("pulling {}", digest.get(..12).unwrap_or(digest));
    let prefixed = format!("sha256:{digest}");
    Progress { status: &pulling, digest: Some(&prefixed), total: size, completed: size }.write(&mut out);
    for step in ["verifying sha256 digest", "writing manifest", "success"] {
        status(step, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(endpoint: Manage, body: &str) -> String {
        let error = endpoint.decode(body.as_bytes()).unwrap_err();
        assert_eq!(error.status, 400);
        error.message
    }

    #[test]
    fn model_and_name_are_interchangeable() {
        let request = Manage::Show.decode(br#"{"name":" m ","verbose":true}"#).unwrap();
        assert_eq!(request, ManageRequest { model: "m".to_owned(), stream: true });
        assert!(!Manage::Pull.decode(br#"{"model":"m","stream":false,"insecure":true}"#).unwrap().stream);
    }

    #[test]
    fn each_endpoint_refuses_names_in_its_own_words() {
        assert_eq!(refusal(Manage::Show, "{}"), "model is required");
        assert_eq!(refusal(Manage::Show, r#"{"model":"foo:"}"#), "invalid model name");
        assert_eq!(refusal(Manage::Pull, "{}"), "invalid model name");
        assert_eq!(refusal(Manage::Push, "{}"), "model is required");
        assert_eq!(refusal(Manage::Delete, "{}"), "model is required");
        assert_eq!(refusal(Manage::Delete, r#"{"model":"a//b"}"#), "name \"a//b\" is invalid");
        assert_eq!(refusal(Manage::Create, r#"{"model":"n"}"#), "neither 'from' or 'files' was specified");
        assert_eq!(refusal(Manage::Delete, ""), "missing request body");
        assert_eq!(Manage::Show.not_found("nope").message, "model 'nope:latest' not found");
        assert_eq!(Manage::Delete.not_found("nope").message, "model 'nope' not found");
    }

    #[test]
    fn copies_name_both_ends() {
        let request = CopyRequest::decode(br#"{"source":"a","destination":"b"}"#).unwrap();
        assert_eq!(request.not_found().message, "model \"a\" not found");
        let error = CopyRequest::decode(br#"{"source":"a"}"#).unwrap_err();
        assert_eq!(error.message, "destination \"\" is invalid");
    }

    #[test]
    fn a_pull_of_a_missing_model_fails_inside_its_stream() {
        assert_eq!(
            pull_not_found(),
            b"{\"status\":\"pulling manifest\"}\n{\"error\":\"pull model manifest: file does not exist\"}\n"
        );
    }

    #[test]
    fn a_pull_of_a_model_that_is_there_ends_in_success() {
        let digest = names::digest("m");
        let stream = String::from_utf8(pull_present(&digest, 7)).unwrap();
        let lines: Vec<&str> = stream.lines().collect();
        let layer =
            format!(r#"{{"status":"pulling {}","digest":"sha256:{digest}","total":7,"completed":7}}"#, &digest[..12]);
        assert_eq!(lines[1], layer);
        assert_eq!(lines.last(), Some(&r#"{"status":"success"}"#));
    }
}
