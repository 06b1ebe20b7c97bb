//! Asks providers which models they have, in the background. Requests and lists only ever read what is in memory.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::SharedTransport;
use super::configuration::Configuration;
use crate::admin::AskedProvider;
use crate::protocol::Protocol;

/// Ollama instances gain and lose models at any time, and come and go; asking costs them nothing.
const OLLAMA_EVERY: Duration = Duration::from_secs(15);
/// Vendors' lists change a few times a week.
const VENDORS_EVERY: Duration = Duration::from_secs(1800);

/// The task: asks at the start, whenever the configuration or an instance's models change, and from time to time.
pub(super) async fn run(
    configuration: Arc<Configuration>,
    transport: SharedTransport,
    instances_changed: Arc<Notify>,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(OLLAMA_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut vendors_due = Instant::now();
    if configuration.catalog().load().providers().iter().any(|one| one.is_ready() && one.base_url.scheme() == "https") {
        // The certificates are read here, so that no request has to wait for them.
        transport.warm_up();
    }
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = instances_changed.notified() => {}
            () = configuration.instances_changed() => {}
            () = configuration.changed() => vendors_due = Instant::now(),
            () = stop.cancelled() => return,
        }
        transport.sweep();
        let all = Instant::now() >= vendors_due;
        if all {
            vendors_due = Instant::now() + VENDORS_EVERY;
        }
        tokio::select! {
            _ = ask_all(&configuration, &transport, all) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Asks once: every ready provider, or only Ollama instances. What they say is in force then.
pub(super) async fn ask_all(
    configuration: &Configuration,
    transport: &SharedTransport,
    all: bool,
) -> Vec<AskedProvider> {
    let catalog = configuration.catalog().load_full();
    let asked = catalog
        .providers()
        .iter()
        .filter(|provider| provider.is_ready() && provider.discover && (all || provider.protocol == Protocol::Ollama));
    let answers = join_all(asked.map(async |provider| (provider.clone(), transport.models(provider).await))).await;
    let mut news = Vec::new();
    for (provider, answer) in &answers {
        match answer {
            Ok(models) => {
                tracing::debug!(provider.id = %provider.id, models = models.len(), "models listed");
                news.push((provider.id.clone(), Some(models.clone())));
            }
            Err(reason) => {
                // What an Ollama instance listed is gone with it; a vendor's list outlives a bad minute.
                let forget = provider.protocol == Protocol::Ollama;
                configuration.note_unreachable(&provider.id, reason);
                if forget {
                    news.push((provider.id.clone(), None));
                }
            }
        }
    }
    configuration.discovered(news);
    answers.into_iter().map(|(provider, answer)| AskedProvider { provider: provider.id.clone(), answer }).collect()
}
