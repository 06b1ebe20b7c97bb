//! Writing a whole chat answer for an OpenAI client.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::json;
use super::super::sources::{AnnotationOut, addresses, annotations};
use super::super::usage::UsageOut;
use crate::chat::{ChatResponse, Choice, FinishReason, Part, ToolCall};
use crate::protocol::{Protocol, ReasoningField, ReplyContext};

#[derive(Debug, Serialize)]
struct Answer<'a> {
    id: Cow<'a, str>,
    object: &'static str,
    created: i64,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_fingerprint: Option<&'a str>,
    choices: Vec<ChoiceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    citations: Vec<&'a str>,
    #[serde(flatten)]
    extra: Option<&'a Map<String, Value>>,
}

#[derive(Debug, Serialize)]
struct ChoiceOut<'a> {
    index: usize,
    message: MessageOut<'a>,
    logprobs: Option<LogprobsOut<'a>>,
    finish_reason: &'static str,
}

#[derive(Debug, Serialize)]
struct LogprobsOut<'a> {
    content: &'a [Value],
    refusal: Option<()>,
}

/// OpenAI's schema requires `refusal`, null or not, and forbids null for `tool_calls`.
#[derive(Debug, Serialize)]
struct MessageOut<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<AnnotationOut<'a>>,
}

#[derive(Debug, Serialize)]
struct CallOut<'a> {
    id: &'a str,
    r#type: &'static str,
    function: FunctionOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Value>,
}

#[derive(Debug, Serialize)]
struct FunctionOut<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// Writes `chat.completion`.
pub(in super::super) fn encode(context: &ReplyContext, response: &ChatResponse) -> Vec<u8> {
    let choices =
        response.choices.iter().enumerate().map(|(index, choice)| choice_out(context, response, index, choice));
    let extra = &response.extra;
    let answer = Answer {
        id: answer_id("chatcmpl-", response.id.as_deref(), context),
        object: "chat.completion",
        created: response.created.unwrap_or_else(|| context.started.seconds()),
        model: &context.model,
        system_fingerprint: response.fingerprint.as_deref(),
        choices: choices.collect(),
        usage: UsageOut::new(&response.usage),
        citations: addresses(&response.citations),
        extra: (extra.protocol == Protocol::OpenAi.as_str()).then_some(&extra.fields),
    };
    let mut out = Vec::new();
    json::write(&mut out, &answer);
    out
}

fn choice_out<'a>(
    context: &ReplyContext,
    response: &'a ChatResponse,
    index: usize,
    choice: &'a Choice,
) -> ChoiceOut<'a> {
    let tool_calls: Vec<CallOut<'_>> = choice.tool_calls().map(call_out).collect();
    let text = choice.text();
    let refusal = refusal(choice);
    // Ollama's own shim writes "" here, and its clients are used to it.
    let without_text_is_null =
        (!tool_calls.is_empty() || refusal.is_some()) && response.fingerprint.as_deref() != Some("fp_ollama");
    let reasoning = Some(choice.reasoning()).filter(|text| !text.is_empty());
    let (reasoning_content, reasoning) = match context.reasoning_as {
        ReasoningField::ReasoningContent => (reasoning, None),
        ReasoningField::Reasoning => (None, reasoning),
        ReasoningField::Both => (reasoning.clone(), reasoning),
    };
    ChoiceOut {
        index,
        finish_reason: finish_word(choice.finish, !tool_calls.is_empty()),
        message: MessageOut {
            role: "assistant",
            content: if text.is_empty() && without_text_is_null { None } else { Some(text) },
            refusal,
            reasoning_content,
            reasoning,
            tool_calls,
            annotations: if index == 0 { annotations(&response.citations) } else { Vec::new() },
        },
        logprobs: (!choice.logprobs.is_empty()).then_some(LogprobsOut { content: &choice.logprobs, refusal: None }),
    }
}

fn refusal(choice: &Choice) -> Option<String> {
    let refused: String = choice
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Refusal(text) => Some(text.as_str()),
            Part::Text(_)
            | Part::Image(_)
            | Part::Audio { .. }
            | Part::File(_)
            | Part::Reasoning(_)
            | Part::ToolCall(_)
            | Part::ToolResult(_) => None,
        })
        .collect();
    (!refused.is_empty()).then_some(refused)
}

fn call_out(call: &ToolCall) -> CallOut<'_> {
    CallOut {
        id: &call.id,
        r#type: "function",
        function: FunctionOut {
            name: &call.name,
            // An empty text is not JSON, and clients parse what they get.
            arguments: if call.arguments.trim().is_empty() { "{}" } else { &call.arguments },
        },
        extra_content: call
            .signature
            .as_ref()
            .map(|signature| serde_json::json!({"google": {"thought_signature": signature}})),
    }
}

/// The answer's id: the upstream's where it has the form clients expect, else one made from the request's.
pub(in super::super) fn answer_id<'a>(prefix: &str, upstream: Option<&'a str>, context: &ReplyContext) -> Cow<'a, str> {
    match upstream {
        Some(id) if id.starts_with(prefix) || (prefix == "chatcmpl-" && !id.is_empty()) => Cow::Borrowed(id),
        Some(_) | None => Cow::Owned(format!("{prefix}{}", context.request_id)),
    }
}

/// OpenAI's word for the end. A model that called tools did not just stop, whatever its provider says;
/// a length limit or a filter outweighs the calls.
pub(in super::super) fn finish_word(reason: Option<FinishReason>, has_calls: bool) -> &'static str {
    match reason {
        Some(FinishReason::Stop) | None if has_calls => FinishReason::ToolCalls.as_str(),
        Some(reason) => reason.as_str(),
        None => FinishReason::Stop.as_str(),
    }
}
