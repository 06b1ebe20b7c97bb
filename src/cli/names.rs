//! `llm-relay resolve` and `llm-relay models`. Both ask providers for their lists once, as a running relay would.

use std::process::ExitCode;
use std::sync::Arc;

use super::{Common, print, settings};
use crate::{app, catalog, routing};

pub(super) fn resolve(common: &Common, name: &str) -> anyhow::Result<ExitCode> {
    let catalog = current_catalog(common)?;
    let resolution = routing::settle(&catalog, name);
    print(&routing::explain(&resolution));
    Ok(if resolution.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn models(common: &Common) -> anyhow::Result<ExitCode> {
    let catalog = current_catalog(common)?;
    print(&catalog::table(&catalog));
    Ok(ExitCode::SUCCESS)
}

fn current_catalog(common: &Common) -> anyhow::Result<Arc<catalog::Catalog>> {
    let (variables, settings) = settings::load(common)?;
    Ok(settings::small_runtime()?.block_on(app::current_catalog(variables, &settings))?)
}
