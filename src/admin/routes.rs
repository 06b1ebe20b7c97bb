//! Every path of the admin listener but those of the API, which has a table of its own. Whoever asks is looked at before
//! it is said what exists.

use std::sync::Arc;
use std::time::Instant;

use http::header::{ALLOW, AUTHORIZATION, HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method};

use super::api::ApiError;
use super::login::Verdict;
use super::reply::{self, Reply};
use super::{Request, Shared, api, assets, overview};
use crate::auth::client_address;
use crate::listener::is_local_host;

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Overview,
    Style,
    Icon,
    Health,
}

const ROUTES: [(&str, Route); 4] = [
    ("/", Route::Overview),
    ("/static/admin.css", Route::Style),
    ("/static/icon.svg", Route::Icon),
    // Load balancers and containers, which have no password.
    ("/health", Route::Health),
];

/// Answers any request.
pub(super) async fn dispatch(shared: Arc<Shared>, request: Request) -> Reply {
    let mut reply = route(&shared, request).await;
    reply::protect(reply.headers_mut());
    reply
}

async fn route(shared: &Arc<Shared>, request: Request) -> Reply {
    let host = request.headers.get(HOST).map(|value| value.to_str().unwrap_or("\u{fffd}"));
    if shared.policy.loopback_only && !host.is_none_or(is_local_host) {
        return refused(&request, 403, "foreign_host", "This page answers to names of this machine only.\n");
    }
    let route = ROUTES.iter().find_map(|(path, route)| (*path == request.path).then_some(*route));
    if route != Some(Route::Health)
        && let Some(refusal) = refusal(shared, &request)
    {
        return refusal;
    }
    if api::is_path(&request.path) {
        return api::dispatch(shared, request).await;
    }
    let Some(route) = route else {
        return reply::text(404, "There is no such page.\n");
    };
    if ![Method::GET, Method::HEAD].contains(&request.method) {
        let mut refused = reply::text(405, "This page can only be read.\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match route {
        Route::Overview => overview::page(shared, &request.query).await,
        Route::Style => assets::STYLE.answer(&request.headers),
        Route::Icon => assets::ICON.answer(&request.headers),
        Route::Health => reply::bytes(200, "application/json", &b"{\"status\":\"ok\"}"[..]),
    }
}

/// The answer to somebody who may not look.
fn refusal(shared: &Shared, request: &Request) -> Option<Reply> {
    let text = |name| request.headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("\u{fffd}"));
    let forwarded_for = text("x-forwarded-for");
    let client = client_address(request.peer.ip(), forwarded_for, &shared.policy.trusted_proxies);
    let verdict = shared.login.judge(text(AUTHORIZATION.as_str()), client, Instant::now());
    match verdict {
        Verdict::Admitted => return None,
        Verdict::Wrong => tracing::warn!(client.address = %client, "wrong admin password"),
        Verdict::Unknown => {}
        Verdict::Throttled(wait) => {
            let mut refused = refused(request, 429, "too_many_attempts", "Too many wrong passwords. Wait a minute.\n");
            refused.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            return Some(refused);
        }
    }
    let mut refused = refused(
        request,
        401,
        "password_needed",
        "The admin password is needed; any user name will do.\n\
         It is ADMIN_PASSWORD, or the one printed when the relay started.\n",
    );
    let challenge = HeaderValue::from_static("Basic realm=\"LLM Relay\", charset=\"UTF-8\"");
    refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    Some(refused)
}

/// A refusal, in the form the caller understands: a sentence for people, or the API's JSON.
fn refused(request: &Request, status: u16, code: &str, message: &'static str) -> Reply {
    if api::is_path(&request.path) {
        ApiError::new(status, code, message.trim_end().replace('\n', " ")).into_reply()
    } else {
        reply::text(status, message)
    }
}
