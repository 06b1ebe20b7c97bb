//! Reading a provider's whole answer.

use super::super::answer::{AnswerReader, Ending};
use super::super::error;
use super::super::wire::Answer;
use crate::chat::{ChatResponse, EventSink, Extra, ResponseBuilder};
use crate::protocol::envelope::Envelope;
use crate::protocol::{Protocol, StreamFault, framing, lenient};

/// Fields the chat model has, or that say nothing.
const KNOWN: [&str; 10] =
    ["id", "object", "created", "model", "system_fingerprint", "choices", "usage", "citations", "error", "x_groq"];

/// Reads `chat.completion` or `text_completion`. The answer goes through the same reader as a stream's chunks.
pub(in super::super) fn decode(body: &[u8]) -> Result<ChatResponse, StreamFault> {
    let mut builder = ResponseBuilder::default();
    let n_choices = observe(body, &mut builder)?;
    let mut response = builder.finish();
    // A choice that neither said anything nor stated a reason made no event, but it is there.
    let n_choices = n_choices.max(response.choices.len());
    response.choices.resize_with(n_choices, Default::default);
    response.extra = unknown_fields(body);
    Ok(response)
}

/// The events of a whole answer, and how many alternatives it has.
pub(in super::super) fn observe(body: &[u8], out: &mut dyn EventSink) -> Result<usize, StreamFault> {
    let text = framing::text(body)?;
    let answer: Answer<'_> = lenient::from_str(text).map_err(|fault| error::no_answer(body, fault.to_string()))?;
    let mut reader = AnswerReader::default();
    reader.read(answer, body, true, out)?;
    reader.complete(Ending::Whole, out)?;
    Ok(reader.n_choices())
}

/// Vendors' own fields (`search_results`, `provider`, `service_tier`, …) go on to clients of the same format.
fn unknown_fields(body: &[u8]) -> Extra {
    let Ok(envelope) = Envelope::parse(body) else { return Extra::default() };
    let mut fields = serde_json::Map::new();
    for key in envelope.keys().filter(|key| !KNOWN.contains(key)) {
        if let Ok(Some(value)) = envelope.read(key) {
            fields.insert(key.to_owned(), value);
        }
    }
    match fields.is_empty() {
        true => Extra::default(),
        false => Extra { protocol: Protocol::OpenAi.as_str(), fields },
    }
}
