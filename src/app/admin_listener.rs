//! The admin listener, as the settings want it.

use std::net::SocketAddr;

use anyhow::Context;

use crate::config::AdminSettings;
use crate::listener::{self, Listener};

/// A bound admin listener.
pub(super) struct AdminListener {
    pub(super) listener: Listener,
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
        Ok(Some(Self { listener }))
    }

    /// The address, with the port the system chose if it was left to it.
    pub(super) fn address(&self) -> SocketAddr {
        self.listener.address()
    }
}
