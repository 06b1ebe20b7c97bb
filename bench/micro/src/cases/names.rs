//! From the name a client wrote to a model, in a catalogue of a thousand models and the built-in table.

use std::hint::black_box;

use llm_relay::protocol::Protocol;
use llm_relay::providers::{Operation, address};
use llm_relay::routing::{ResolvedBy, RouteError, resolve, settle};

use crate::case::Case;
use crate::fixtures::{catalog, model_of};

pub(super) fn cases() -> Vec<Case> {
    let alias = |name: &str| ResolvedBy::Alias(name.to_owned());
    vec![
        found("name: provider/model", "openai/gpt-5-mini", ResolvedBy::Prefix),
        found("name: alias", "fast", alias("fast")),
        found("name: alias with tags and :latest", "smart@team-blue:latest", alias("smart")),
        found("name: redirect to an alias", "gpt-4o", alias("fast")),
        found("name: bare name searched", "openrouter-model-640-instruct", ResolvedBy::Search),
        found("name: not listed, passed through", "openai/gpt-9-preview", ResolvedBy::Prefix),
        Case::new("name: unknown, with suggestions", || {
            let catalog = catalog();
            move || match resolve(&catalog, black_box("openrouter-modell-64-instruct")) {
                Err(RouteError::NotFound { near, .. }) => near.len(),
                _ => 0,
            }
        }),
        Case::new("name: address at the provider", || {
            let model = model_of(Protocol::OpenAi);
            move || {
                let operation = Operation::Chat { stream: true };
                address(&model.provider, black_box(&model.profile.id), operation).as_str().len()
            }
        }),
    ]
}

fn found(name: &'static str, asked: &'static str, by: ResolvedBy) -> Case {
    Case::new(name, move || {
        let catalog = catalog();
        let by = by.clone();
        move || settle(&catalog, black_box(asked)).map_or(0, |found| usize::from(found.resolved_by == by))
    })
}
