//! Smart routers, as far as they are pure: what is weighed and remembered by, what a designator is shown, and what its
//! answer means. The candidates are three of a catalogue's thousand models.

use std::hint::black_box;

use llm_relay::catalog::{Catalog, Model, Router};
use llm_relay::chat::ChatRequest;
use llm_relay::protocol::ClientFormat;
use llm_relay::routing::smart::{Brief, Candidate, Demands, Gates, read_verdict, session_key, weigh};
use llm_relay::routing::{Resolved, reach, resolve};

use crate::case::Case;
use crate::fixtures::{ROUTER, Size, catalog, request};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("router: three candidates at the gates, small", || {
            let (catalog, request) = (catalog(), decoded(Size::Small));
            move || passing(&candidates(&catalog, &request))
        }),
        Case::new("router: a conversation that has its model, small", || {
            let (catalog, request) = (catalog(), decoded(Size::Small));
            move || pinned(&catalog, black_box(&request))
        }),
        Case::new("router: the key of a question decided before, small", || {
            let (catalog, request) = (catalog(), decoded(Size::Small));
            move || with_brief(&catalog, black_box(&request), |brief| usize::from(brief.hash() != 0))
        }),
        designated(Size::Small),
        designated(Size::Tools),
        designated(Size::Large),
        verdict("router: verdict read, JSON", r#"{"candidate": "m2"}"#),
        verdict("router: verdict read, prose", "I would take m2, because the question is short and it costs least."),
    ]
}

/// A request from the gates to what its designator is sent.
fn designated(size: Size) -> Case {
    Case::new(format!("router: gates and brief, {}", size.as_str()), move || {
        let (catalog, request) = (catalog(), decoded(size));
        let designator = reach(&catalog, &router(&catalog).entry.designator).expect("the designator is known");
        move || with_brief(&catalog, black_box(&request), |brief| brief.request(&designator).messages.len())
    })
}

fn verdict(name: &'static str, answer: &'static str) -> Case {
    let names = ["anthropic/claude-sonnet-4-5", "openai/gpt-5-mini", "home/home-model-7-instruct"];
    Case::new(name, move || move || read_verdict(black_box(answer), &names).unwrap_or_default())
}

/// What happens to a request whose choice is remembered, without remembering it.
fn pinned(catalog: &Catalog, request: &ChatRequest) -> usize {
    let Ok(Resolved::Router(at)) = resolve(catalog, ROUTER) else { return 0 };
    let candidates = candidates(catalog, request);
    let (key, _) = session_key(&at.router().name, Some("5b0e3c1e"), None, [Some("open-webui"), None], request);
    let chosen = at.choose(&candidates[1].name);
    usize::from(key != 0 && chosen.is_ok_and(|resolution| resolution.router.is_some()))
}

fn with_brief(catalog: &Catalog, request: &ChatRequest, look: impl FnOnce(&Brief<'_>) -> usize) -> usize {
    let candidates = candidates(catalog, request);
    look(&Brief::new(router(catalog), &candidates, &[0, 1, 2], request, &Demands::of(request)))
}

fn candidates(catalog: &Catalog, request: &ChatRequest) -> Vec<Candidate> {
    let gates = Gates { may_use: &|_, model: &Model| model.enabled, is_healthy: &|model| model.enabled };
    weigh(catalog, router(catalog), &Demands::of(request), gates)
}

fn passing(candidates: &[Candidate]) -> usize {
    candidates.iter().filter(|candidate| candidate.passing().is_some()).count()
}

fn router(catalog: &Catalog) -> &Router {
    catalog.routers().get(ROUTER).expect("the router is in the catalogue")
}

fn decoded(size: Size) -> ChatRequest {
    let body = request(ClientFormat::OpenAiChat, size);
    ClientFormat::OpenAiChat.codec().decode_request(&body).expect("the request is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_candidates_pass_whatever_is_asked() {
        let catalog = catalog();
        for size in Size::ALL {
            assert_eq!(passing(&candidates(&catalog, &decoded(size))), 3, "{size:?}");
        }
        assert_eq!(pinned(&catalog, &decoded(Size::Small)), 1);
    }
}
