//! Messages and the parts they are made of.

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order. May be empty (encoders drop messages that say nothing).
    pub parts: Vec<Part>,
    /// OpenAI's participant name.
    pub name: Option<String>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions of the operator.
    System,
    /// OpenAI's newer name for `System`; only reasoning models of OpenAI and Azure prefer it.
    Developer,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// Results of tool calls: the parts are [`Part::ToolResult`] only.
    Tool,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(Text),
    /// A picture.
    Image(Image),
    /// Sound: standard base64 and its format (`wav`, `mp3`).
    Audio {
        /// Standard base64.
        data: String,
        /// `wav`, `mp3`, ….
        format: String,
    },
    /// A document.
    File(File),
    /// What the model thought before it spoke.
    Reasoning(ReasoningPart),
    /// The model declined (OpenAI keeps this apart from text).
    Refusal(String),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// The client's answer to a tool call.
    ToolResult(ToolResult),
}

/// Text, possibly marked as the end of a cacheable prefix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Anthropic's cache mark, also accepted from OpenAI clients.
    pub cache_control: Option<CacheControl>,
}

/// A mark that everything up to here may be cached by the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheControl {
    /// Keep for one hour instead of five minutes.
    pub one_hour: bool,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Where the bytes are.
    pub source: ImageSource,
    /// OpenAI's `detail`.
    pub detail: Option<String>,
}

/// Where a picture's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// In the request.
    Base64 {
        /// Media type such as `image/png`; `None` when the client did not say (Ollama): sniff it from the bytes.
        media_type: Option<String>,
        /// Standard base64 with padding.
        data: String,
    },
    /// To be fetched by the provider.
    Url(String),
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where the bytes are.
    pub source: FileSource,
    /// Name with extension.
    pub filename: Option<String>,
}

/// Where a document's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// In the request.
    Base64 {
        /// Media type such as `application/pdf`.
        media_type: String,
        /// Standard base64 with padding.
        data: String,
    },
    /// Uploaded to the provider earlier; means nothing to another provider.
    Id(String),
}

/// What the model thought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReasoningPart {
    /// The text; empty when the provider hides it but signs it.
    pub text: String,
    /// Anthropic's signature; without it the part is never replayed to Anthropic. Nobody else's may stand here, because
    /// Anthropic refuses what it has not signed: Gemini's stand on [`ToolCall::signature`].
    pub signature: Option<String>,
    /// Anthropic's redacted thinking: opaque data, replayed as it is.
    pub redacted: Option<String>,
}

/// The model calls a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Unique within the answer. Decoders invent one when the provider gives none.
    pub id: String,
    /// The tool's name as offered.
    pub name: String,
    /// The arguments as the model wrote them: JSON text that may be invalid or empty.
    pub arguments: String,
    /// Gemini's thought signature, to be given back with the call. Other providers do not get it.
    pub signature: Option<String>,
}

/// The client's answer to a tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The call's id; Home Assistant and older Ollama clients send none.
    pub call_id: Option<String>,
    /// The tool's name; OpenAI clients send none, it is found through the id.
    pub name: Option<String>,
    /// Texts and images.
    pub content: Vec<Part>,
    /// The tool failed.
    pub is_error: bool,
}

/// A source the answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Citation {
    /// Address of the source.
    pub url: String,
    /// Its title.
    pub title: Option<String>,
    /// Start of the cited text in the answer, in characters.
    pub start: Option<usize>,
    /// End of the cited text in the answer, in characters.
    pub end: Option<usize>,
}

impl Message {
    /// A message of one text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::text(text)], name: None }
    }
}

impl Part {
    /// A text without a cache mark.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Text { text: text.into(), cache_control: None })
    }
}
