//! `generationConfig`: sampling, limits, output format and thinking.

use super::generation::{self, Generation};
use super::wire::GenerationConfig;
use super::{schema, thinking};
use crate::chat::{ChatRequest, OutputFormat};
use crate::protocol::{EncodeError, ModelProfile};

/// Most alternative answers of one request.
const MAX_CANDIDATES: u32 = 8;
/// Most stop texts.
const MAX_STOP_SEQUENCES: usize = 5;
/// Most alternatives per token in log probabilities.
const MAX_LOGPROBS: u8 = 20;
/// Hottest temperature.
const MAX_TEMPERATURE: f64 = 2.0;

/// Writes the settings; what the model cannot take is dropped with a warning, or an error where that would change
/// the kind of the answer.
pub(super) fn encode<'a>(
    request: &'a ChatRequest,
    profile: &ModelProfile,
    generation: Option<Generation>,
    warnings: &mut Vec<String>,
) -> Result<GenerationConfig<'a>, EncodeError> {
    let mut config = GenerationConfig {
        candidate_count: candidates(request)?,
        max_output_tokens: max_output(request, profile, warnings),
        thinking_config: thinking::encode(request.reasoning, profile, generation, warnings),
        ..GenerationConfig::default()
    };
    set_format(&mut config, request, generation, warnings)?;
    let mut filter = Filter { profile, warnings };
    set_sampling(&mut config, request, &mut filter);
    if let Some(stop) = filter.keep("stop", Some(&request.stop).filter(|stop| !stop.is_empty())) {
        config.stop_sequences = stop_sequences(stop, filter.warnings);
    }
    if let Some(alternatives) = filter.keep("logprobs", request.logprobs) {
        config.response_logprobs = Some(true);
        config.logprobs = (alternatives > 0).then_some(alternatives.min(MAX_LOGPROBS));
    }
    Ok(config)
}

/// Lets parameters through that the model takes, and writes down those it does not.
struct Filter<'a> {
    profile: &'a ModelProfile,
    warnings: &'a mut Vec<String>,
}

impl Filter<'_> {
    /// `value`, unless the model refuses the field of this name (OpenAI's spelling).
    fn keep<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        if self.profile.quirks.unsupported_params.iter().any(|refused| refused == name) {
            return self.drop(name, value);
        }
        value
    }

    /// As `keep`, for the three fields models without sampling refuse.
    fn keep_sampling<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        if self.profile.capabilities.sampling == Some(false) {
            return self.drop(name, value);
        }
        self.keep(name, value)
    }

    fn drop<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        if value.is_some() {
            self.warnings.push(name.to_owned());
        }
        None
    }
}

fn set_sampling(config: &mut GenerationConfig<'_>, request: &ChatRequest, filter: &mut Filter<'_>) {
    let sampling = &request.sampling;
    config.temperature = filter.keep_sampling("temperature", sampling.temperature).map(|asked| {
        let clamped = asked.clamp(0.0, MAX_TEMPERATURE);
        if clamped != asked {
            filter.warnings.push(format!("temperature clamped to {clamped}"));
        }
        clamped
    });
    config.top_p = filter.keep_sampling("top_p", sampling.top_p);
    config.top_k = filter.keep_sampling("top_k", sampling.top_k);
    config.presence_penalty = filter.keep("presence_penalty", sampling.presence_penalty);
    config.frequency_penalty = filter.keep("frequency_penalty", sampling.frequency_penalty);
    if let Some(seed) = filter.keep("seed", sampling.seed) {
        config.seed = i32::try_from(seed).ok();
        if config.seed.is_none() {
            filter.warnings.push("seed".to_owned());
        }
    }
    filter.drop("min_p", sampling.min_p);
    filter.drop("repeat_penalty", sampling.repeat_penalty);
    filter.drop("logit_bias", sampling.logit_bias.as_ref().filter(|bias| !bias.is_empty()));
}

fn candidates(request: &ChatRequest) -> Result<Option<u32>, EncodeError> {
    match request.choices {
        None | Some(1..=MAX_CANDIDATES) => Ok(request.choices),
        Some(_) => Err(EncodeError::new("n", format!("Gemini gives 1 to {MAX_CANDIDATES} alternative answers"))),
    }
}

fn max_output(request: &ChatRequest, profile: &ModelProfile, warnings: &mut Vec<String>) -> Option<u64> {
    let asked = request.max_tokens?;
    match profile.max_output {
        Some(limit) if asked > limit => {
            warnings.push(format!("max_tokens clamped to {limit}"));
            Some(limit)
        }
        Some(_) | None => Some(asked),
    }
}

fn stop_sequences<'a>(asked: &'a [String], warnings: &mut Vec<String>) -> Vec<&'a str> {
    let mut stop: Vec<&str> = asked.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    if stop.len() > MAX_STOP_SEQUENCES {
        stop.truncate(MAX_STOP_SEQUENCES);
        warnings.push(format!("stop cut to {MAX_STOP_SEQUENCES}"));
    }
    stop
}

fn set_format<'a>(
    config: &mut GenerationConfig<'a>,
    request: &'a ChatRequest,
    generation: Option<Generation>,
    warnings: &mut Vec<String>,
) -> Result<(), EncodeError> {
    let Some(format) = &request.format else { return Ok(()) };
    if !request.tools.is_empty() && generation.is_some_and(|generation| generation < generation::THREE) {
        // The API answers 400: "Function calling with a response mime type: 'application/json' is unsupported".
        return Err(EncodeError::new("response_format", "Gemini before 3 cannot combine a JSON format with tools"));
    }
    config.response_mime_type = Some("application/json");
    match format {
        OutputFormat::Json => {}
        OutputFormat::Schema { schema, .. } if generation.is_some_and(|generation| generation < generation::TWO) => {
            config.response_schema = Some(schema::openapi_subset(schema, "response_format", warnings));
        }
        OutputFormat::Schema { schema, .. } => config.response_json_schema = Some(schema),
    }
    Ok(())
}
