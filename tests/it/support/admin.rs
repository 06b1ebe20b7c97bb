//! The admin listener, asked by somebody who has the password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Client, Reply, Setup, TestRelay};

/// The password of a relay set up [`Setup::with_admin`].
const ADMIN_PASSWORD: &str = "sesame";

impl Setup {
    /// Switches the admin listener on.
    pub(crate) fn with_admin(self) -> Self {
        self.env("ADMIN_ENABLED", "true").env("ADMIN_PORT", "0").env("ADMIN_PASSWORD", ADMIN_PASSWORD)
    }
}

/// Asks the admin listener. A body is JSON unless a header says otherwise.
pub(crate) fn call_admin(admin: Client, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Reply {
    let authorization = format!("Basic {}", STANDARD.encode(format!("admin:{ADMIN_PASSWORD}")));
    let mut headers = vec![("authorization", authorization.as_str())];
    if !body.is_empty() && !more.iter().any(|(name, _)| *name == "content-type") {
        headers.push(("content-type", "application/json"));
    }
    headers.extend(more);
    admin.request(method, path, &headers, body.as_bytes())
}

/// Calls the admin API of a relay; `path` is what follows `/admin/api/`.
pub(crate) fn call_api(relay: &TestRelay, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Reply {
    call_admin(relay.admin(), method, &format!("/admin/api/{path}"), more, body)
}

/// What the admin API has there.
pub(crate) fn read_api(relay: &TestRelay, path: &str) -> Value {
    let reply = call_api(relay, "GET", path, &[], "");
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}
