//! `llm-relay demo`: the same server in front of a simulated provider, reached over real loopback HTTP.

use std::fmt::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use http::Method;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::serve::{runtime, start, until_told_to_stop};
use super::{Common, log, print, settings};
use crate::catalog::{Api, Provider, ProviderOrigin, ProviderState};
use crate::config::{self, Settings, Variables};
use crate::demo;
use crate::protocol::Protocol;
use crate::providers::{Payload, Timeouts, Transport};

/// Settings of the environment that mean something to a demo. Keys and addresses of real providers do not: nothing
/// leaves this machine.
const RESPECTED: [&str; 10] = [
    "HOST",
    "PORT",
    "ADMIN_HOST",
    "ADMIN_PORT",
    "ADMIN_ENABLED",
    "ADMIN_PASSWORD",
    "AUTH_MODE",
    "API_KEYS",
    "LOG_FORMAT",
    "LOG_LEVEL",
];

pub(super) fn run(common: &Common) -> anyhow::Result<ExitCode> {
    let (process, _) = settings::variables(common);
    runtime(2)?.block_on(async {
        let provider = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot open a loopback port")?;
        let base_url = format!("http://{}/v1", provider.local_addr()?);
        let folder = config::demo_folder();
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let (relay, overrides) = (folder.join("relay.yaml"), folder.join("overrides.yaml"));
        std::fs::write(&relay, demo::relay_yaml(&base_url))?;
        std::fs::write(&overrides, demo::overrides_yaml())?;

        let respected = RESPECTED.iter().filter_map(|name| Some(((*name).to_owned(), process.get(name).ok()??)));
        let variables = respected
            .collect::<Variables>()
            .with("DATA_DIR", &folder.to_string_lossy())
            .with("CONFIG", &relay.to_string_lossy())
            .with("OVERRIDES", &overrides.to_string_lossy())
            // Nothing in it is anybody's, and a replay needs prompts.
            .with("KEEP_PROMPTS", "routed");
        let settings = Settings::load(&variables)
            .map_err(|problems| anyhow::anyhow!("{}", config::check(&problems).trim_end()))?;
        let (log, _output) = log::start(&settings.log)?;

        let stop = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "the provider is not a part of the app but what it talks to")]
        let provider = tokio::spawn(demo::serve(provider, stop.clone()));
        let app = start(variables, settings, log).await?;
        print(&welcome(&app.address().to_string(), &folder.to_string_lossy()));
        if let Err(error) = send_samples(app.address()).await {
            // With AUTH_MODE=keys the demo has no key for its own traffic.
            tracing::warn!(%error, "the sample requests were not answered");
        }
        until_told_to_stop().await?;
        app.stop().await;
        stop.cancel();
        let _ = provider.await;
        std::fs::remove_dir_all(&folder).ok();
        Ok(ExitCode::SUCCESS)
    })
}

fn welcome(address: &str, folder: &str) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        r#"LLM Relay demo, in front of a simulated provider. Try, in another terminal:

  curl http://{address}/api/chat -d '{{"model":"fast","messages":[{{"role":"user","content":"Hello"}}]}}'
  curl http://{address}/v1/chat/completions -d '{{"model":"writer","messages":[{{"role":"user","content":"Hello"}}]}}'
  curl http://{address}/api/tags
  DATA_DIR={folder} llm-relay report --by tag

A smart router, why it chooses as it does, and whether it is worth it:

  curl http://{address}/v1/chat/completions -d '{{"model":"smart","messages":[{{"role":"user","content":"Plan a party"}}]}}'
  export DATA_DIR={folder} CONFIG={folder}/relay.yaml OVERRIDES={folder}/overrides.yaml
  llm-relay resolve smart --prompt "Plan a party"
  llm-relay router eval smart --data tests/router-eval/prompts.jsonl

Ctrl-C stops it and removes its data.

"#
    );
    text
}

/// A bit of traffic through the relay's own front door.
async fn send_samples(relay: SocketAddr) -> anyhow::Result<()> {
    let patience = Duration::from_secs(30);
    let transport = Transport::new(Timeouts { connect: patience, first_byte: patience, idle: patience });
    for sample in demo::sample_requests() {
        let caller = Provider {
            id: "relay".to_owned(),
            protocol: Protocol::OpenAi,
            api: Api::Standard,
            base_url: Url::parse(&format!("http://{relay}/"))?,
            versioned: false,
            api_key: None,
            headers: vec![("x-proxy-tag".to_owned(), sample.tags.to_owned())],
            state: ProviderState::Ready,
            local: true,
            discover: false,
            origin: ProviderOrigin::BuiltIn,
        };
        let payload = Payload::Json(sample.body.to_string().into());
        let response = transport.send(&caller, Method::POST, caller.base_url.join(sample.path)?, payload).await?;
        anyhow::ensure!(response.status == 200, "POST {}: status {}", sample.path, response.status);
        response.body.collect(1 << 20, patience).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Sources};
    use std::collections::HashMap;

    use crate::config::{Definitions, OverridesFile, RelayFile};
    use crate::routing::settle;

    #[test]
    fn the_demos_configuration_is_sound_and_its_samples_lead_to_priced_models() {
        let variables = Variables::default();
        let relay = RelayFile::parse("relay.yaml", &demo::relay_yaml("http://127.0.0.1:1/v1"), &variables).unwrap();
        let overrides = OverridesFile::parse("overrides.yaml", demo::overrides_yaml()).unwrap().into();
        let (stored, discovered) = (Definitions::default(), HashMap::new());
        let sources =
            Sources { variables: &variables, relay: &relay, overrides, stored: &stored, discovered: &discovered };
        let (catalog, problems) = Catalog::build(&sources);
        assert_eq!(problems, []);
        for sample in demo::sample_requests() {
            let name = sample.body["model"].as_str().unwrap();
            let model = settle(&catalog, name).unwrap().route.first;
            assert!(model.price.is_some(), "{name}");
        }
    }
}
