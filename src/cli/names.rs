//! `llm-relay models`. Asks providers for their lists once, as a running relay would.

use std::process::ExitCode;
use std::sync::Arc;

use super::{Common, print, settings};
use crate::{app, catalog};

pub(super) fn models(common: &Common) -> anyhow::Result<ExitCode> {
    let catalog = current_catalog(common)?;
    print(&catalog::table(&catalog));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn current_catalog(common: &Common) -> anyhow::Result<Arc<catalog::Catalog>> {
    let (variables, settings) = settings::load(common)?;
    Ok(settings::small_runtime()?.block_on(app::current_catalog(variables, &settings))?)
}
