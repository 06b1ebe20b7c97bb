//! `llm-relay serve`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::{Common, arenas, log, print, settings};
use crate::app::App;
use crate::config::{Settings, Variables};
use crate::log::RecentLog;

pub(super) fn run(common: &Common) -> anyhow::Result<ExitCode> {
    arenas::limit();
    let (variables, settings) = settings::load(common)?;
    let (log, _output) = log::start(&settings.log)?;
    runtime(settings.api.worker_threads)?.block_on(async {
        let app = start(variables, settings, log).await?;
        until_told_to_stop().await?;
        app.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The runtime of a serving process.
pub(super) fn runtime(worker_threads: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(worker_threads).enable_all().build().context("cannot start the runtime")
}

/// Starts the relay and tells the operator the key and the password that may have been made.
pub(super) async fn start(variables: Variables, settings: Settings, log: Arc<RecentLog>) -> anyhow::Result<App> {
    raise_file_limit();
    let mut app = App::start(variables, settings, log).await?;
    if let Some(key) = app.take_new_key() {
        print(&format!(
            "Callers need an API key, and there was none. This one is shown only now:\n\n    {}\n\n\
             More of them: llm-relay keys create NAME\n",
            key.expose()
        ));
    }
    if let (Some(address), Some(password)) = (app.admin_address(), app.take_new_password()) {
        print(&format!(
            "The admin page is at http://{address}/ and asks for a password. ADMIN_PASSWORD is not set, so one was made. \
             It is shown only now:\n\n    {}\n\nIf it gets lost: llm-relay admin password\n\n",
            password.expose()
        ));
    }
    Ok(app)
}

/// Waits for Ctrl-C or SIGTERM.
pub(super) async fn until_told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: no new requests, answers in flight may finish");
    Ok(())
}

/// Every connection is a file; the usual soft limit of 1,024 is far below the connections allowed by default.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::debug!(%error, "cannot raise the limit of open files");
    }
}
