//! Every route of the API listener, in one table, with who calls it.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{ALLOW, CONNECTION, TRANSFER_ENCODING};
use http::{HeaderValue, Method};
use percent_encoding::percent_decode_str;

use super::origin::{self, Verdict};
use super::reply::{self, Reply};
use super::{Request, Shared, embeddings, inference, lists, manage};
use crate::protocol::{ClientFormat, EmbedFormat};

const GET: Method = Method::GET;
const HEAD: Method = Method::HEAD;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Chat(ClientFormat),
    Embed(EmbedFormat),
    Running,
    Version,
    Tags,
    Ps,
    Show,
    Pull,
    Push,
    Create,
    Copy,
    Delete,
    Blob,
    Models,
    Model,
    Health,
    Ready,
}

/// A path (a trailing `*` takes the rest), the methods that exist on it, and what it stands for.
const ROUTES: &[(&str, &[Method], Route)] = &[
    // OpenAI SDKs, Open WebUI's OpenAI connection, agents.
    ("/v1/chat/completions", &[POST], Route::Chat(ClientFormat::OpenAiChat)),
    ("/v1/completions", &[POST], Route::Chat(ClientFormat::OpenAiCompletions)),
    ("/v1/embeddings", &[POST], Route::Embed(EmbedFormat::OpenAi)),
    ("/v1/models", &[GET], Route::Models),
    ("/v1/models/*", &[GET], Route::Model),
    // Open WebUI, Ollama's libraries and command line, editors, Home Assistant.
    ("/api/chat", &[POST], Route::Chat(ClientFormat::OllamaChat)),
    ("/api/generate", &[POST], Route::Chat(ClientFormat::OllamaGenerate)),
    ("/api/tags", &[GET, HEAD], Route::Tags),
    ("/api/ps", &[GET], Route::Ps),
    ("/api/show", &[POST], Route::Show),
    ("/api/version", &[GET, HEAD], Route::Version),
    ("/api/embed", &[POST], Route::Embed(EmbedFormat::Ollama)),
    ("/api/embeddings", &[POST], Route::Embed(EmbedFormat::OllamaLegacy)),
    // Open WebUI posts OpenAI bodies here.
    ("/api/chat/completions", &[POST], Route::Chat(ClientFormat::OpenAiChat)),
    // Model management: passed to the Ollama instance that holds the model.
    ("/api/pull", &[POST], Route::Pull),
    ("/api/push", &[POST], Route::Push),
    ("/api/create", &[POST], Route::Create),
    ("/api/copy", &[POST], Route::Copy),
    ("/api/delete", &[DELETE], Route::Delete),
    ("/api/blobs/*", &[HEAD, POST], Route::Blob),
    // The heartbeat of Ollama's clients, and of load balancers.
    ("/", &[GET, HEAD], Route::Running),
    ("/health", &[GET, HEAD], Route::Health),
    ("/ready", &[GET, HEAD], Route::Ready),
];

/// Answers any request.
pub(super) async fn dispatch(shared: Arc<Shared>, request: Request) -> Reply {
    // hyper hides a `Content-Length` that came beside `Transfer-Encoding`; RFC 9112 §6.1 wants the connection closed
    // after such a request, so it is closed after every chunked one.
    let close = request.headers.contains_key(TRANSFER_ENCODING);
    let mut reply = match origin::check(&shared.policy, &request.method, &request.headers) {
        Verdict::Stop(reply) => reply,
        Verdict::Pass(allow) => {
            let mut reply = route(shared, request).await;
            if let Some(allow) = allow {
                allow.write(reply.headers_mut());
            }
            reply
        }
    };
    if close {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

/// Answers a request that has passed the guard, or has no need of it.
pub(super) async fn route(shared: Arc<Shared>, mut request: Request) -> Reply {
    if let Cow::Owned(clean) = without_double_slashes(&request.path) {
        request.path = clean;
    }
    let path = request.path.as_str();
    let Some((route, methods, rest)) = find(path) else {
        if let Some(target) = path.strip_suffix('/').filter(|target| find(target).is_some()) {
            let status = if request.method == GET { 301 } else { 307 };
            return reply::redirect(status, &with_query(target, &request.query));
        }
        return reply::text(404, "404 page not found");
    };
    if !methods.contains(&request.method) {
        let mut refused = reply::text(405, "405 method not allowed");
        let allowed = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        if let Ok(value) = HeaderValue::from_str(&allowed) {
            refused.headers_mut().insert(ALLOW, value);
        }
        return refused;
    }
    let rest = percent_decode_str(rest).decode_utf8_lossy().into_owned();
    match route {
        Route::Chat(format) => inference::chat(&shared, request, format).await,
        Route::Embed(format) => embeddings::embed(&shared, request, format).await,
        Route::Running => reply::text(200, "Ollama is running"),
        Route::Version => lists::version(),
        Route::Tags => lists::tags(&shared, &request),
        Route::Ps => lists::ps(&shared, &request),
        Route::Show => lists::show(&shared, request).await,
        Route::Models => lists::models(&shared, &request),
        Route::Model => lists::model(&shared, &request, &rest),
        Route::Pull => manage::pull(&shared, request).await,
        Route::Push => manage::push(&shared, request).await,
        Route::Create => manage::create(&shared, request).await,
        Route::Copy => manage::copy(&shared, request).await,
        Route::Delete => manage::delete(&shared, request).await,
        Route::Blob => manage::blob(&shared, request, &rest).await,
        // Nothing listens before the store is open and the configuration read, so whoever answers is ready.
        Route::Health | Route::Ready => reply::bytes(200, "application/json", &b"{\"status\":\"ok\"}"[..]),
    }
}

/// The route of a path, its methods, and what a trailing `*` took.
fn find(path: &str) -> Option<(Route, &'static [Method], &str)> {
    ROUTES.iter().find_map(|(pattern, methods, route)| {
        let rest = match pattern.strip_suffix('*') {
            Some(prefix) => path.strip_prefix(prefix).filter(|rest| !rest.is_empty())?,
            None => (path == *pattern).then_some("")?,
        };
        Some((*route, *methods, rest))
    })
}

/// `//api/tags` comes from base addresses that end in a slash; serving it directly is a superset of Ollama's redirect,
/// under which a POST would lose its body.
fn without_double_slashes(path: &str) -> Cow<'_, str> {
    if !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut clean = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !clean.ends_with('/') {
            clean.push(character);
        }
    }
    Cow::Owned(clean)
}

fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route_of(path: &str) -> Option<Route> {
        find(path).map(|(route, _, _)| route)
    }

    #[test]
    fn paths_find_their_route_and_no_other() {
        assert_eq!(route_of("/api/chat"), Some(Route::Chat(ClientFormat::OllamaChat)));
        assert_eq!(route_of("/api/chat/completions"), Some(Route::Chat(ClientFormat::OpenAiChat)));
        assert_eq!(route_of("/v1/models/openai/gpt-4o"), Some(Route::Model));
        for path in ["/api/chat/", "/v1/models/", "/api", "/API/chat", "/nothing", ""] {
            assert_eq!(route_of(path), None, "{path}");
        }
    }

    #[test]
    fn the_format_of_a_kept_body_is_told_by_its_path() {
        for (path, _, route) in ROUTES {
            let format = match route {
                Route::Chat(format) => Some(*format),
                _ => None,
            };
            assert_eq!(ClientFormat::of_path(path), format, "{path}");
        }
    }

    #[test]
    fn double_slashes_collapse() {
        assert_eq!(without_double_slashes("//api///tags"), "/api/tags");
        assert_eq!(without_double_slashes("/api/tags"), "/api/tags");
    }
}
