//! The admin listener, as the settings want it.

use std::net::SocketAddr;

use anyhow::Context;

use crate::admin;
use crate::config::AdminSettings;
use crate::listener::{self, Listener};
use crate::secret::Secret;

/// A bound admin listener and what opens its pages.
pub(super) struct AdminListener {
    pub(super) listener: Listener,
    pub(super) password: Secret,
    /// The operator set none, so it has to be told.
    is_new: bool,
}

impl AdminListener {
    /// Binds it; `None` when it is switched off.
    pub(super) async fn bind(settings: &AdminSettings) -> anyhow::Result<Option<Self>> {
        if !settings.enabled {
            return Ok(None);
        }
        let listener = listener::bind(settings.address).await.with_context(|| {
            format!(
                "cannot listen on {} for the admin page; set ADMIN_PORT to another port, or ADMIN_ENABLED=false",
                settings.address
            )
        })?;
        let is_new = settings.password.is_none();
        let password = settings.password.clone().unwrap_or_else(admin::new_password);
        Ok(Some(Self { listener, password, is_new }))
    }

    /// The address, with the port the system chose if it was left to it.
    pub(super) fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The password, if the operator does not know it.
    pub(super) fn new_password(&self) -> Option<Secret> {
        self.is_new.then(|| self.password.clone())
    }
}
