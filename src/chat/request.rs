//! What a client asks for.

use serde_json::{Map, Value};

use super::Message;

/// A chat (or prompt completion) request, without the model's name: which model answers is routing's business.
///
/// `None` always means that the client did not say, which is different from zero, false or empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChatRequest {
    /// The conversation, oldest first. System messages stand where the client put them.
    pub messages: Vec<Message>,
    /// Tools the model may call, in the client's order (prompt caches hash it).
    pub tools: Vec<Tool>,
    /// Which tool the model must or must not call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called in one answer.
    pub parallel_tool_calls: Option<bool>,
    /// Randomness and penalties.
    pub sampling: Sampling,
    /// Upper bound of generated tokens, reasoning included.
    pub max_tokens: Option<u64>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// Constraint on the answer's text.
    pub format: Option<OutputFormat>,
    /// How much the model shall think before it answers.
    pub reasoning: Option<Reasoning>,
    /// Number of alternative answers (`n`).
    pub choices: Option<u32>,
    /// Log probabilities of the answer's tokens were asked for, with this many alternatives per token.
    pub logprobs: Option<u8>,
    /// Fill-in-the-middle: the text after the gap. The prompt is the last user message.
    pub suffix: Option<String>,
    /// How long a local model shall stay loaded afterwards.
    pub keep_alive: Option<KeepAlive>,
    /// Whether the client wants the answer piece by piece.
    pub stream: bool,
    /// The client's own name for the person behind the request.
    pub end_user: Option<String>,
    /// Fields of the client's protocol that the model above does not know.
    pub extra: Extra,
    /// The first thing of the request that the model above cannot hold, and so leaves out.
    pub unread: Option<Unread>,
}

/// A part or tool of a kind that only the client's own protocol has. Providers of that protocol can be given it in a body
/// that goes through as it is; no translation carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The client's protocol, as in [`Extra`].
    pub protocol: &'static str,
    /// Where it stands, as the protocol names it: `messages[0].content[1]`.
    pub place: String,
    /// What it is, in words for the client.
    pub message: String,
}

/// Randomness and penalties. Ranges differ between providers; encoders clamp and warn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sampling {
    /// 0 is deterministic.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Only the k most likely tokens.
    pub top_k: Option<i64>,
    /// Minimum probability relative to the most likely token.
    pub min_p: Option<f64>,
    /// Penalty for tokens by how often they occurred.
    pub frequency_penalty: Option<f64>,
    /// Penalty for tokens that occurred at all.
    pub presence_penalty: Option<f64>,
    /// Ollama's and llama.cpp's multiplicative penalty.
    pub repeat_penalty: Option<f64>,
    /// Best-effort reproducibility.
    pub seed: Option<i64>,
    /// Token id (as text) to bias.
    pub logit_bias: Option<Map<String, Value>>,
}

/// A function the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// The name as the client knows it; encoders map names a provider would refuse, and map them back.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON Schema of the arguments, key order kept. `None`: the function takes none.
    pub parameters: Option<Value>,
    /// Arguments must match the schema exactly.
    pub strict: Option<bool>,
    /// Function with JSON arguments, or free text.
    pub kind: ToolKind,
    /// Anthropic-style cache mark.
    pub cache_control: Option<super::CacheControl>,
}

/// The two kinds of client-side tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ToolKind {
    /// Arguments are a JSON object.
    #[default]
    Function,
    /// OpenAI's custom tools: the input is free text. No translation carries them; encoders refuse them.
    Custom,
}

/// Which tool the model must or must not call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool may be called.
    None,
    /// Some tool must be called.
    Required,
    /// This tool must be called.
    Function(String),
}

/// Constraint on the answer's text.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputFormat {
    /// Any JSON value.
    Json,
    /// JSON that matches a schema.
    Schema {
        /// OpenAI requires a name; other protocols have none.
        name: Option<String>,
        /// What the answer is for.
        description: Option<String>,
        /// JSON Schema, key order kept.
        schema: Value,
        /// The schema must be followed exactly.
        strict: Option<bool>,
    },
}

/// How much the model shall think before it answers. Thinking *off* must survive translation:
/// for many models an absent field means *on*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reasoning {
    /// No thinking.
    Off,
    /// Thinking, as much as the model likes.
    On,
    /// Thinking with an effort.
    Effort(Effort),
    /// Thinking with at most this many tokens.
    Budget(u64),
}

/// Thinking effort, from little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// As little as possible.
    Minimal,
    /// A little.
    Low,
    /// The usual.
    Medium,
    /// A lot.
    High,
    /// More than a lot.
    XHigh,
    /// As much as the model can.
    Max,
}

/// How long a local model shall stay loaded after the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KeepAlive {
    /// Seconds; zero unloads at once.
    Seconds(f64),
    /// Until told otherwise.
    Forever,
}

/// Fields the chat model does not know, kept for the protocol they came from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extra {
    /// Name of the protocol the fields belong to (`Protocol::as_str`), empty when there are none.
    pub protocol: &'static str,
    /// The fields, in the client's order.
    pub fields: Map<String, Value>,
}
