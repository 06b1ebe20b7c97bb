//! Chat request to body. What decides something has a file of its own below; here it is put together.

mod conversation;
mod media;
mod sampling;
mod schema;
mod thinking;
mod tools;
mod turns;

#[cfg(test)]
mod tests;

use super::wire::{Block, Body, CacheMark, Format, Metadata, OutputConfig, System};
use crate::chat::{ChatRequest, OutputFormat, Text};
use crate::protocol::tool_names::{NameRule, ToolNames};
use crate::protocol::{EncodeError, Encoded, ModelProfile, Protocol, offered_tools};
use conversation::Conversation;
pub(super) use schema::InputSchema;

/// `max_tokens` is required. This stands where neither the client nor the catalogue knows a number.
const DEFAULT_MAX_TOKENS: u64 = 4096;

/// Breakpoints for the prompt cache allowed per request.
const MAX_CACHE_MARKS: usize = 4;

/// There is no JSON mode without a schema, so the model is asked for it.
const JSON_INSTRUCTION: &str =
    "Answer with a single valid JSON value and nothing else: no explanation and no code fences.";

/// Writes the body.
///
/// # Errors
/// When something cannot be carried that the caller would miss.
pub(super) fn encode(request: &ChatRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
    refuse_impossible(request)?;
    offered_tools::check(request, profile)?;
    let mut warnings = Vec::new();
    let names = ToolNames::for_request(request, NameRule::ANTHROPIC);
    let Conversation { system, turns } = Conversation::gather(&request.messages, &mut warnings)?;
    let messages = turns::encode(turns, &names, profile, &mut warnings)?;
    let tools = tools::definitions(request, &names, profile, &mut warnings);
    let max_tokens = max_tokens(request, profile, &mut warnings);
    let plan =
        thinking::plan(request.reasoning, tools::is_forced(request), &profile.capabilities, max_tokens, &mut warnings);
    let format = output_format(request, profile)?;
    let mut body = Body {
        model: &profile.id,
        max_tokens,
        system: system_prompt(&system, request.format == Some(OutputFormat::Json)),
        messages,
        tool_choice: tools::choice(request, &names, !tools.is_empty(), plan.unforced),
        tools,
        thinking: plan.thinking,
        output_config: Some(OutputConfig { effort: plan.effort, format }),
        sampling: sampling::encode(request, &profile.capabilities, plan.is_on(), &mut warnings),
        stop_sequences: sampling::stop_sequences(request, &mut warnings),
        metadata: request.end_user.as_deref().filter(|user| !is_personal(user)).map(|user_id| Metadata { user_id }),
        stream: request.stream,
        extra: (request.extra.protocol == Protocol::Anthropic.as_str()).then_some(&request.extra.fields),
    };
    drop_unsupported(&mut body, &profile.quirks.unsupported_params, &mut warnings);
    limit_cache_marks(&mut body, &mut warnings);
    let body = serde_json::to_vec(&body).expect("strings, numbers and JSON values always serialise");
    Ok(Encoded { body, warnings })
}

fn refuse_impossible(request: &ChatRequest) -> Result<(), EncodeError> {
    if request.choices.is_some_and(|choices| choices > 1) {
        return Err(EncodeError::new("n", "Anthropic models give one answer per request"));
    }
    if request.suffix.as_ref().is_some_and(|suffix| !suffix.is_empty()) {
        return Err(EncodeError::new("suffix", "Anthropic models cannot fill in the middle"));
    }
    Ok(())
}

fn max_tokens(request: &ChatRequest, profile: &ModelProfile, warnings: &mut Vec<String>) -> u64 {
    let asked = request.max_tokens.or(profile.max_output).unwrap_or(DEFAULT_MAX_TOKENS);
    match profile.max_output {
        Some(most) if asked > most => {
            warnings.push(format!("max_tokens clamped to {most}"));
            most
        }
        Some(_) | None => asked,
    }
}

/// Plain text, or blocks where a cache mark has to keep its place.
fn system_prompt<'a>(texts: &[&'a Text], json: bool) -> Option<System<'a>> {
    if texts.iter().any(|text| text.cache_control.is_some()) {
        let mut blocks: Vec<Block<'a>> = texts.iter().map(|text| turns::marked_text(text)).collect();
        blocks.extend(json.then(|| turns::text(JSON_INSTRUCTION)));
        return Some(System::Blocks(blocks));
    }
    let texts = texts.iter().map(|text| text.text.as_str()).chain(json.then_some(JSON_INSTRUCTION));
    let joined = texts.collect::<Vec<_>>().join("\n\n");
    (!joined.is_empty()).then_some(System::Text(joined))
}

fn output_format<'a>(request: &'a ChatRequest, profile: &ModelProfile) -> Result<Option<Format<'a>>, EncodeError> {
    match &request.format {
        None | Some(OutputFormat::Json) => Ok(None),
        Some(OutputFormat::Schema { .. }) if profile.capabilities.json_schema == Some(false) => {
            let message = format!("model `{}` cannot be held to a JSON schema", profile.id);
            Err(EncodeError::new("response_format", message))
        }
        Some(OutputFormat::Schema { schema, .. }) => Ok(Some(Format::JsonSchema { schema })),
    }
}

/// Anthropic refuses e-mail addresses and phone numbers as `user_id`.
fn is_personal(user: &str) -> bool {
    let digits = user.bytes().filter(u8::is_ascii_digit).count();
    let phone = (7..=15).contains(&digits) && user.chars().all(|c| c.is_ascii_digit() || "+-.()/ ".contains(c));
    user.is_empty() || user.contains('@') || phone
}

/// Takes out what the catalogue says this model refuses, by OpenAI's names.
fn drop_unsupported(body: &mut Body<'_>, params: &[String], warnings: &mut Vec<String>) {
    for param in params {
        let dropped = match param.as_str() {
            "temperature" => body.sampling.temperature.take().is_some(),
            "top_p" => body.sampling.top_p.take().is_some(),
            "top_k" => body.sampling.top_k.take().is_some(),
            "stop" => !std::mem::take(&mut body.stop_sequences).is_empty(),
            "tool_choice" => body.tool_choice.take().is_some(),
            "reasoning_effort" => {
                let effort = body.output_config.as_mut().and_then(|config| config.effort.take());
                body.thinking.take().is_some() || effort.is_some()
            }
            // Names of fields that this format does not have, or that cannot be left out.
            _ => false,
        };
        if dropped {
            warnings.push(param.clone());
        }
    }
    body.output_config.take_if(|config| config.effort.is_none() && config.format.is_none());
}

/// Keeps the last marks: the longest prefixes, which save most.
fn limit_cache_marks(body: &mut Body<'_>, warnings: &mut Vec<String>) {
    let in_system = match &mut body.system {
        Some(System::Blocks(blocks)) => blocks.as_mut_slice(),
        Some(System::Text(_)) | None => &mut [],
    };
    let in_blocks = in_system.iter_mut().chain(body.messages.iter_mut().flat_map(|turn| &mut turn.content));
    let places = body.tools.iter_mut().map(|tool| &mut tool.cache_control).chain(in_blocks.filter_map(mark_of));
    let marks: Vec<_> = places.filter(|place| place.is_some()).collect();
    let surplus = marks.len().saturating_sub(MAX_CACHE_MARKS);
    if surplus > 0 {
        warnings.push(format!("cache_control: only the last {MAX_CACHE_MARKS} marks are kept"));
    }
    for mark in marks.into_iter().take(surplus) {
        *mark = None;
    }
}

fn mark_of<'b>(block: &'b mut Block<'_>) -> Option<&'b mut Option<CacheMark>> {
    match block {
        Block::Text { cache_control, .. } | Block::ToolResult { cache_control, .. } => Some(cache_control),
        Block::Image { .. }
        | Block::Document { .. }
        | Block::ToolUse { .. }
        | Block::Thinking { .. }
        | Block::RedactedThinking { .. } => None,
    }
}
