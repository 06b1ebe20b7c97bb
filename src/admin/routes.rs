//! Every path of the admin listener but those of the API, which has a table of its own. Whoever asks is looked at before
//! it is said what exists.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{ACCEPT, HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method};

use super::access::{Verdict, Who};
use super::api::ApiError;
use super::entries::NameKind;
use super::reply::{self, Reply};
use super::{
    Request, Shared, api, assets, docs, entries, keys, login, models, overview, playground, providers, requests,
    settings, usage, words,
};
use crate::listener::is_local_host;

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Overview,
    Login,
    Logout,
    Requests,
    Keys,
    Playground,
    /// One request's page: any id below [`REQUEST`].
    Request,
    Providers,
    Ollama,
    Usage,
    /// A month to print.
    UsageMonth,
    Entries(NameKind),
    History,
    Models,
    ModelsSync,
    /// One model's page: any name below [`MODEL`].
    Model,
    Settings,
    Docs,
    OpenApi,
    /// A file that pages need.
    Asset,
    Health,
}

/// The challenge to a token that was good once (RFC 6750, section 3.1).
const EXPIRED: &str = "Bearer realm=\"LLM Relay\", error=\"invalid_token\", error_description=\"The token expired\"";

/// What stands before the id of a request.
const REQUEST: &str = "/requests/";

/// What stands before a model's name.
const MODEL: &str = "/models/";

const ROUTES: &[(&str, Route)] = &[
    ("/", Route::Overview),
    ("/login", Route::Login),
    ("/logout", Route::Logout),
    ("/requests", Route::Requests),
    ("/providers", Route::Providers),
    ("/ollama", Route::Ollama),
    ("/usage", Route::Usage),
    ("/usage/month", Route::UsageMonth),
    ("/keys", Route::Keys),
    ("/playground", Route::Playground),
    ("/aliases", Route::Entries(NameKind::Alias)),
    ("/redirects", Route::Entries(NameKind::Redirect)),
    ("/routers", Route::Entries(NameKind::Router)),
    ("/history", Route::History),
    ("/models", Route::Models),
    ("/models/sync", Route::ModelsSync),
    ("/settings", Route::Settings),
    ("/docs", Route::Docs),
    ("/docs/openapi.json", Route::OpenApi),
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
    let route = find(&request.path);
    match route {
        Some(Route::Login) => return login::page(shared, request).await,
        Some(Route::Logout) => return login::logout(shared, request).await,
        // The form needs files too.
        Some(Route::Health | Route::Asset) => {}
        _ => match admit(shared, &request).await {
            Ok(who) if api::is_path(&request.path) => return api::dispatch(shared, request, &who).await,
            Ok(_) => {}
            Err(refusal) => return refusal,
        },
    }
    let Some(route) = route else {
        return reply::text(404, "There is no such page.\n");
    };
    if ![Method::GET, Method::HEAD].contains(&request.method) {
        return reply::not_allowed("GET, HEAD");
    }
    match route {
        Route::Login | Route::Logout | Route::Overview => overview::page(shared).await,
        Route::Requests => requests::list(shared, &request.query).await,
        Route::Request => requests::one(shared, request.path.strip_prefix(REQUEST).unwrap_or_default()).await,
        Route::Providers => providers::page(shared).await,
        Route::Ollama => providers::ollama(shared),
        Route::Usage => usage::page(shared, &request.query).await,
        Route::UsageMonth => usage::month(shared, &request.query).await,
        Route::Keys => keys::page(shared, &request).await,
        Route::Playground => playground::page(shared, &request),
        Route::Entries(kind) => entries::list(shared, kind, &request.query).await,
        Route::History => entries::history(shared, &request.query).await,
        Route::Models => models::list(shared, &request.query).await,
        Route::ModelsSync => models::sync(shared),
        Route::Model => models::one(shared, request.path.strip_prefix(MODEL).unwrap_or_default()).await,
        Route::Settings => settings::page(shared).await,
        Route::Docs => docs::page(),
        Route::OpenApi => docs::file(),
        Route::Asset => assets::answer(&request.path, &request.headers),
        Route::Health => reply::bytes(200, "application/json", &b"{\"status\":\"ok\"}"[..]),
    }
}

fn find(path: &str) -> Option<Route> {
    let exact = ROUTES.iter().find_map(|(known, route)| (*known == path).then_some(*route));
    exact
        .or_else(|| path.starts_with(REQUEST).then_some(Route::Request))
        .or_else(|| path.starts_with(MODEL).then_some(Route::Model))
        .or_else(|| assets::is_path(path).then_some(Route::Asset))
}

/// Who asks, or the answer to somebody who may not look.
async fn admit(shared: &Shared, request: &Request) -> Result<Who, Reply> {
    let verdict = request.judge(shared).await.map_err(|error| {
        if api::is_path(&request.path) { ApiError::from(error).into_reply() } else { reply::no_database(&error) }
    })?;
    match verdict {
        Verdict::Admitted(who) => return Ok(who),
        Verdict::Unknown if is_browser(request) => return Err(login::ask(request)),
        Verdict::Unknown | Verdict::Wrong => {}
        Verdict::Expired { token, ended } => {
            let ended = words::moment(ended, "%Y-%m-%d %H:%M:%S UTC");
            let message = format!("The token `{token}` expired on {ended}: make another one.\n");
            let mut refused = refused(request, 401, "token_expired", message);
            refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(EXPIRED));
            return Err(refused);
        }
        Verdict::Throttled(wait) => {
            let mut refused = refused(request, 429, "too_many_attempts", "Too many wrong passwords. Wait a minute.\n");
            refused.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            return Err(refused);
        }
    }
    let mut refused = refused(
        request,
        401,
        "password_needed",
        "The admin password is needed; any user name will do.\n\
         It is ADMIN_PASSWORD, or the one printed when the relay first started.\n",
    );
    // For a page's script browsers would open a dialog of their own, and keep the answer from it; it knows the form.
    if request.text("sec-fetch-mode").is_none_or(|mode| mode == "navigate") {
        let challenge = HeaderValue::from_static("Basic realm=\"LLM Relay\", charset=\"UTF-8\"");
        refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    Err(refused)
}

/// Somebody who would rather see a form than a status: it wants to read a page.
fn is_browser(request: &Request) -> bool {
    [Method::GET, Method::HEAD].contains(&request.method)
        && !api::is_path(&request.path)
        && request.text(ACCEPT.as_str()).is_some_and(|accepted| accepted.contains("text/html"))
}

/// A refusal, in the form the caller understands: a sentence for people, or the API's JSON.
fn refused(request: &Request, status: u16, code: &str, message: impl Into<Cow<'static, str>>) -> Reply {
    let message = message.into();
    if api::is_path(&request.path) {
        ApiError::new(status, code, message.trim_end().replace('\n', " ")).into_reply()
    } else {
        reply::text(status, message)
    }
}
