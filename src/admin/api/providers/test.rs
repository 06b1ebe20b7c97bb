//! A provider tried out with a real, tiny call, whose steps are sent as they happen: one line of JSON each.

use std::sync::Arc;

use serde::Deserialize;

use super::super::super::reply::{self, Reply};
use super::super::super::{Request, Shared};
use super::super::error::ApiError;
use super::super::{ROOT, body};
use super::find;
use crate::catalog::{Catalog, Model, Provider, ProviderState};
use crate::money::PicoUsd;
use crate::protocol::ModelKind;

/// What lists have besides models for chats, without saying so.
const ODD: [&str; 8] = ["embed", "whisper", "tts", "dall-e", "image", "moderation", "rerank", "transcribe"];

/// Asked for where a provider names none.
const NO_MODEL: &str = "any";

/// What to ask.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wish {
    /// The model; else the cheapest one that is known.
    model: Option<String>,
}

/// Asks one of its models something. The answer is 200 also where the provider fails: the last line says how.
pub(in crate::admin::api) async fn test(shared: &Arc<Shared>, name: &str, request: Request) -> Result<Reply, ApiError> {
    let text = body(&request.headers, request.body).await?;
    let wish: Wish = if text.is_empty() {
        Wish::default()
    } else {
        serde_json::from_slice(&text).map_err(|error| ApiError::new(400, "unreadable", error.to_string()))?
    };
    let provider = find(shared, name)?;
    let why_not = match &provider.state {
        // One that is switched off can be tried out before it is switched on.
        ProviderState::Ready | ProviderState::Disabled => None,
        ProviderState::NoKey(setting) => Some(format!("set {setting}")),
        ProviderState::Unusable(reason) => Some(reason.clone()),
    };
    if let Some(why) = why_not {
        let message = format!("the provider `{}` cannot be called as it is: {why}", provider.id);
        return Err(ApiError::new(409, "not_ready", message));
    }
    let catalog = shared.catalog.load_full();
    let asked = wish.model.as_deref().map(str::trim).filter(|model| !model.is_empty());
    let model = match asked {
        Some(model) => named(&catalog, &provider, model),
        None => match cheapest(&catalog, &provider) {
            Some(model) => model,
            None => ask_for_one(shared, &provider).await,
        },
    };
    let endpoint = format!("{ROOT}providers/NAME/test");
    let relay = shared.relay.clone();
    // Whoever leaves ends the call, and the record says so.
    Ok(reply::lines(move |out| async move {
        Box::pin(relay.probe(&model, &endpoint, &mut |step| out.send(&step))).await;
    }))
}

/// The cheapest model of a provider that has not been asked for its models yet. If it does not say, something else is
/// wrong, or the operator has to name one: the call will tell.
async fn ask_for_one(shared: &Shared, provider: &Arc<Provider>) -> Arc<Model> {
    let listed = shared.relay.transport().models(provider).await;
    if provider.is_ready() {
        shared.in_force.listed(&provider.id, listed);
    }
    let catalog = shared.catalog.load();
    cheapest(&catalog, provider).unwrap_or_else(|| catalog.unlisted(provider, NO_MODEL))
}

/// The model of an id, with or without the provider's prefix; one that nobody has listed is asked all the same.
fn named(catalog: &Catalog, provider: &Arc<Provider>, model: &str) -> Arc<Model> {
    let known = |id: &str| catalog.model(&provider.id, id).cloned();
    let short = catalog.split_prefix(model).filter(|(found, _)| found.id == provider.id).map(|(_, id)| id);
    let found = known(model).or_else(|| known(short?));
    found.unwrap_or_else(|| catalog.unlisted(provider, short.unwrap_or(model)))
}

/// The chat model whose tokens cost least; of those that cost the same the smallest one.
fn cheapest(catalog: &Catalog, provider: &Provider) -> Option<Arc<Model>> {
    let price = |model: &Model| {
        let values = &model.price.as_ref()?.base;
        Some(values.input?.0.saturating_add(values.output.unwrap_or(PicoUsd(0)).0))
    };
    let size = |model: &Model| model.ollama.as_ref().and_then(|entry| entry.get("size")?.as_u64()).unwrap_or(u64::MAX);
    let ours = catalog.models().iter().filter(|model| model.provider.id == provider.id && model.enabled);
    let chats = ours.filter(|model| model.profile.kind == ModelKind::Chat);
    let is_odd = |model: &Model| ODD.iter().any(|word| model.profile.id.to_ascii_lowercase().contains(word));
    chats.min_by_key(|model| (is_odd(model), price(model).unwrap_or(i64::MAX), size(model))).cloned()
}
