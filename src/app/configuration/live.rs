//! Settings that change while the relay runs: defaults, the database's, and above those the environment's.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Configuration;
use crate::config::{self, LiveSettings, Setting};
use crate::server::{KeepPrompts, Keeping};

/// What is in force where the database says this and the environment that.
pub(super) fn effective(stored: &LiveSettings, fixed: &[Setting]) -> LiveSettings {
    let mut live = stored.clone();
    for setting in fixed {
        live.set(setting.clone());
    }
    live
}

/// What becomes of bodies then.
pub(super) fn keeping(live: &LiveSettings) -> Keeping {
    match live.keep_prompts {
        config::KeepPrompts::Off => Keeping::Nothing,
        config::KeepPrompts::Routed => Keeping::Bodies(KeepPrompts::Routed, live.redactor()),
        config::KeepPrompts::All => Keeping::Bodies(KeepPrompts::All, live.redactor()),
    }
}

impl Configuration {
    /// The settings in force.
    pub(in crate::app) fn live(&self) -> Arc<LiveSettings> {
        self.live.load_full()
    }

    /// What becomes of bodies, for those who serve requests.
    pub(in crate::app) fn keeping(&self) -> &Arc<ArcSwap<Keeping>> {
        &self.keeping
    }

    /// Completes after a setting has changed.
    pub(in crate::app) async fn settings_changed(&self) {
        self.settings_changed.notified().await;
    }

    /// Completes when somebody wants deleted now what has had its time.
    pub(in crate::app) async fn tidying_wanted(&self) {
        self.tidying_wanted.notified().await;
    }

    /// Puts the database's settings into force.
    pub(super) fn follow_settings(&self, stored: &LiveSettings) {
        let live = effective(stored, &self.fixed);
        if **self.live.load() == live {
            return;
        }
        self.keeping.store(Arc::new(keeping(&live)));
        self.live.store(Arc::new(live));
        self.settings_changed.notify_one();
    }
}
