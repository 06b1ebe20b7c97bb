//! Why a provider that is tried out does not answer, and what to do about it.

use crate::catalog::{Model, Provider};
use crate::providers::{Unreachable, UnreachableCause};
use crate::relay::error::UpstreamError;
use crate::tracking::ErrorClass;

/// A failure and what to do about it.
pub(super) struct Failure {
    pub(super) error: Box<UpstreamError>,
    pub(super) hint: String,
}

impl Failure {
    /// There is no way to the provider.
    pub(super) fn of_way(provider: &Provider, unreachable: &Unreachable) -> Self {
        let host = provider.base_url.host_str().unwrap_or_default();
        let port = provider.base_url.port_or_known_default().unwrap_or_default();
        let hint = match unreachable.cause {
            UnreachableCause::UnknownHost => {
                format!(
                    "No name server knows `{host}`: look for a typing error in the base URL, or at the network's DNS."
                )
            }
            UnreachableCause::Refused => format!(
                "Nothing listens at {host}, port {port}: is the server running, is the port right, and does it listen on \
                 more than its own loopback address?"
            ),
            UnreachableCause::Timeout if provider.base_url.scheme() == "https" => format!(
                "{host} does not complete a connection at port {port}: a firewall may be in between, or it speaks plain \
                 HTTP, and the base URL begins with http://."
            ),
            UnreachableCause::Timeout => {
                format!("{host} does not answer at port {port}: a firewall may be in between, or the machine is off.")
            }
            UnreachableCause::Tls => {
                "The server is there, but TLS fails: if it speaks plain HTTP, the base URL begins with \
                 http://; if its certificate is your own, add that to the system's."
                    .to_owned()
            }
            UnreachableCause::Other => "Look at the base URL, and whether the machine is on the network.".to_owned(),
        };
        Self { error: Box::new(UpstreamError::transport(provider, &unreachable.error)), hint }
    }

    /// The provider has answered with a refusal.
    pub(super) fn of_status(error: UpstreamError, model: &Model, status: u16) -> Self {
        if error.class == ErrorClass::BadRequest && matches!(status, 404 | 405) {
            let id = &model.profile.id;
            let hint = format!(
                "Either there is no model `{id}` there, so choose another one, or the base URL lacks its path, such as /v1."
            );
            return Self { error: Box::new(error), hint };
        }
        Self::of(error, model)
    }

    pub(super) fn of(error: UpstreamError, model: &Model) -> Self {
        let provider = &model.provider;
        let hint = match error.class {
            ErrorClass::ProviderAuth if provider.api_key.is_none() => "It wants a key: enter one.",
            ErrorClass::ProviderAuth => {
                "The key is not accepted: is it complete, still valid, of this vendor, and allowed to use this model? \
                 Enter it again."
            }
            ErrorClass::RateLimit => {
                "Address and key are right, but the allowance is used up: wait, or look at the plan."
            }
            ErrorClass::Overloaded => "Address and key are right; the provider is overloaded: try again in a minute.",
            ErrorClass::Connect => "Look at the base URL, and whether the server runs.",
            ErrorClass::Timeout => "It takes too long: a local model may still be loading; try again.",
            ErrorClass::BadRequest => "The provider refuses this request: try another model.",
            ErrorClass::Malformed | ErrorClass::Truncated => {
                "What came is not what this protocol says: look at the protocol and at the path of the base URL."
            }
            ErrorClass::Provider | ErrorClass::ClientClosed | ErrorClass::Shutdown => {
                "The provider has failed: try again, and look at its own log or status page."
            }
        };
        Self { error: Box::new(error), hint: hint.to_owned() }
    }
}
