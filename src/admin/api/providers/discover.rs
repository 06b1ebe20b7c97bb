//! Asks a provider for its models now.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;

use super::super::super::Shared;
use super::super::super::reply::Reply;
use super::super::error::ApiError;
use super::find;
use crate::catalog::ModelSource;

/// Its models, those that were not known before marked. They can be called from now on.
pub(in crate::admin::api) async fn discover(shared: &Arc<Shared>, name: &str) -> Result<Reply, ApiError> {
    let provider = find(shared, name)?;
    if !provider.is_ready() {
        let message = format!("the provider `{}` is not ready: it cannot be asked for its models", provider.id);
        return Err(ApiError::new(409, "not_ready", message));
    }
    let before = shared.catalog.load_full();
    let ours = |source: ModelSource| {
        let known = before.models().iter().filter(|model| model.provider.id == provider.id && model.source == source);
        known.map(|model| model.profile.id.to_ascii_lowercase()).collect::<HashSet<_>>()
    };
    let listed_before = ours(ModelSource::Discovered);
    let known_before: HashSet<_> = [ModelSource::Seed, ModelSource::File].into_iter().flat_map(ours).collect();
    let listed = shared.relay.transport().models(&provider).await;
    shared.in_force.listed(&provider.id, listed.clone());
    let listed = listed.map_err(|reason| {
        let message = format!("the provider `{}` does not say which models it has: {reason}", provider.id);
        ApiError::new(502, "provider", message)
    })?;
    let after = shared.catalog.load_full();
    let models: Vec<_> = listed
        .iter()
        .map(|model| {
            let id = model.id.to_ascii_lowercase();
            let known = after.model(&provider.id, &model.id);
            json!({
                "id": model.id,
                "new": !listed_before.contains(&id) && !known_before.contains(&id),
                "kind": known.map(|known| known.profile.kind),
                "context_length": known.and_then(|known| known.profile.context_length),
                "priced": known.is_some_and(|known| known.price.is_some()),
            })
        })
        .collect();
    let new = models.iter().filter(|model| model["new"] == true).count();
    Ok(super::super::json(200, &json!({ "models": models, "new": new })))
}
