//! What a codec must know about the model it writes for: abilities, limits and the provider's quirks, all as data.

use serde::{Deserialize, Serialize};

/// The model at the other end, as codecs see it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelProfile {
    /// The model's id in the provider's own spelling: what goes on the wire.
    pub id: String,
    /// Chat, embedding, ….
    pub kind: ModelKind,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Prompt window in tokens.
    pub context_length: Option<u64>,
    /// Longest answer in tokens.
    pub max_output: Option<u64>,
    /// Where the provider differs from its protocol.
    pub quirks: Quirks,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Answers conversations.
    #[default]
    Chat,
    /// Turns texts into vectors.
    Embedding,
}

/// What a model can do. `None` is "not known": the request is sent and the provider decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Calls tools.
    pub tools: Option<bool>,
    /// Sees images.
    pub vision: Option<bool>,
    /// Hears sound.
    pub audio: Option<bool>,
    /// Thinks before it answers.
    pub reasoning: Option<bool>,
    /// Follows a JSON schema.
    pub json_schema: Option<bool>,
    /// Fills in the middle.
    pub insert: Option<bool>,
    /// Takes `temperature`, `top_p` and `top_k`.
    pub sampling: Option<bool>,
    /// Anthropic: can be forced to call a tool.
    pub forced_tool: Option<bool>,
    /// Anthropic: takes adaptive thinking with an effort instead of a budget.
    pub adaptive_thinking: Option<bool>,
    /// Anthropic: thinking can be switched off.
    pub thinking_off: Option<bool>,
    /// Anthropic: continues a trailing assistant message.
    pub prefill: Option<bool>,
}

impl Capabilities {
    /// `self`, with what it leaves open taken from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            tools: self.tools.or(other.tools),
            vision: self.vision.or(other.vision),
            audio: self.audio.or(other.audio),
            reasoning: self.reasoning.or(other.reasoning),
            json_schema: self.json_schema.or(other.json_schema),
            insert: self.insert.or(other.insert),
            sampling: self.sampling.or(other.sampling),
            forced_tool: self.forced_tool.or(other.forced_tool),
            adaptive_thinking: self.adaptive_thinking.or(other.adaptive_thinking),
            thinking_off: self.thinking_off.or(other.thinking_off),
            prefill: self.prefill.or(other.prefill),
        }
    }
}

/// Where a provider or model differs from the protocol it speaks. The default is "not at all".
#[derive(Debug, Clone, PartialEq)]
pub struct Quirks {
    /// Send `max_completion_tokens` whatever the client called it (reasoning models of OpenAI and Azure).
    pub use_max_completion_tokens: bool,
    /// Send `max_tokens` whatever the client called it (servers that do not know the newer name ignore it
    /// and generate without limit).
    pub use_max_tokens: bool,
    /// `false`: system text is put in front of the first user message.
    pub supports_system_prompt: bool,
    /// `true`: takes the role `developer`; else it becomes `system`.
    pub supports_developer_role: bool,
    /// Request fields the model refuses: dropped with a warning, or the request is refused where that would change the
    /// kind of answer.
    pub unsupported_params: Vec<String>,
    /// Request fields sent under another name: (OpenAI's, the provider's), for example (`seed`, `random_seed`).
    pub renamed_params: Vec<(String, String)>,
    /// `stream_options.include_usage` may be asked for.
    pub stream_usage: bool,
    /// Explicit `null`s are refused: leave them out.
    pub strip_nulls: bool,
    /// Form of tool call ids the provider insists on.
    pub tool_ids: ToolIds,
    /// Message content must be a plain string where it is text only.
    pub text_content_only_string: bool,
    /// Roles must alternate: neighbouring messages of one role are merged.
    pub merge_roles: bool,
    /// `messages[].name` is refused.
    pub strip_names: bool,
    /// The word for "some tool must be called".
    pub tool_choice_required: String,
    /// Answers put thinking into the text between `<think>` and `</think>`.
    pub think_tags: bool,
    /// Earlier thinking must be sent back as `reasoning_content` (DeepSeek in thinking mode).
    pub replay_reasoning: bool,
    /// The provider has `/completions` of its own; else prompts are sent as chats.
    pub completions: bool,
    /// The provider refuses `response_format: json_object`.
    pub no_json_object: bool,
}

/// Form of tool call ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolIds {
    /// Anything.
    #[default]
    Any,
    /// Exactly nine letters and digits (Mistral).
    Alnum9,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            use_max_completion_tokens: false,
            use_max_tokens: false,
            supports_system_prompt: true,
            supports_developer_role: false,
            unsupported_params: Vec::new(),
            renamed_params: Vec::new(),
            stream_usage: true,
            strip_nulls: false,
            tool_ids: ToolIds::Any,
            text_content_only_string: false,
            merge_roles: false,
            strip_names: false,
            tool_choice_required: "required".to_owned(),
            think_tags: false,
            replay_reasoning: false,
            completions: false,
            no_json_object: false,
        }
    }
}

impl Quirks {
    /// The messages themselves must be rewritten, so a body cannot be forwarded with edits at its top level only.
    pub fn reshapes_messages(&self) -> bool {
        !self.supports_system_prompt
            || self.tool_ids != ToolIds::Any
            || self.text_content_only_string
            || self.merge_roles
            || self.strip_names
            || self.think_tags
            || self.replay_reasoning
    }
}
