//! What is measured, in the order of a request's journey.

mod accounting;
mod answers;
mod callers;
mod framing;
mod names;
mod requests;
mod routers;
mod streams;

use std::hint::black_box;

use llm_relay::clock::{Timing, UnixNanos};
use llm_relay::protocol::{ClientFormat, Protocol, ReasoningField, ReplyContext};

use crate::case::Case;

/// Every wire format of providers.
const PROTOCOLS: [Protocol; 4] = [Protocol::OpenAi, Protocol::Anthropic, Protocol::Gemini, Protocol::Ollama];

/// The chat formats of clients.
const CLIENTS: [ClientFormat; 2] = [ClientFormat::OpenAiChat, ClientFormat::OllamaChat];

/// A moment within the streams' own times.
const NOW: UnixNanos = UnixNanos(1_761_033_600_123_456_789);

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    [
        vec![control()],
        callers::cases(),
        names::cases(),
        requests::cases(),
        routers::cases(),
        framing::cases(),
        streams::cases(),
        answers::cases(),
        accounting::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is known beforehand: it shows that counting works.
fn control() -> Case {
    Case::new("control: three allocations", || || [1_usize, 2, 3].map(|number| *black_box(Box::new(number))).len())
}

/// What an answer to a client must carry.
fn reply_context() -> ReplyContext {
    ReplyContext {
        request_id: "0199f6a1-7c52-7e30-9d1b-3f6f0a7c2e11".to_owned(),
        model: "fast".to_owned(),
        started: NOW,
        include_usage: true,
        tools_offered: false,
        reasoning_as: ReasoningField::ReasoningContent,
    }
}

fn timing() -> Timing {
    let later = |millis: i64| UnixNanos(NOW.0 + millis * 1_000_000);
    Timing { started: NOW, first_token: Some(later(412)), ended: later(2_800) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_does_something() {
        for case in all() {
            case.execute();
        }
    }

    #[test]
    fn names_are_unique_and_fit_the_baseline_file() {
        let cases = all();
        let names: HashSet<_> = cases.iter().map(|case| &case.name).collect();
        assert_eq!(names.len(), cases.len());
        assert!(names.iter().all(|name| !name.contains(['\t', '\n'])));
    }
}
