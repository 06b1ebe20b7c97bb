//! Who asks: principal, tags, client address, and the ids Open WebUI sends.

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};
use smol_str::{SmolStr, ToSmolStr};
use uuid::Uuid;

use super::reply::Failure;
use super::{Asker, Request, Shared};
use crate::auth::{self, Principal, tags};
use crate::clock::UnixNanos;
use crate::routing::Resolution;
use crate::tracking::UsageRecord;

/// The tag of what an operator tries out.
const PLAYGROUND: &str = "playground";

/// A caller, before it is known what for.
#[derive(Debug)]
pub(super) struct Caller {
    /// The request's id.
    pub id: String,
    /// When the request arrived.
    pub started: UnixNanos,
    /// Who the key, if any, belongs to.
    pub principal: Principal,
    header_tags: Vec<String>,
    client: SmolStr,
    end_user: Option<SmolStr>,
    chat_id: Option<SmolStr>,
    message_id: Option<SmolStr>,
    /// The conversation, where the client names it for smart routers.
    pub session: Option<String>,
}

/// The caller of a request, without a key check: what errors need before one is made.
pub(super) fn new_request_id() -> String {
    Uuid::now_v7().to_string()
}

impl Caller {
    /// Recognises the caller.
    ///
    /// # Errors
    /// [`Failure::Auth`] when a key is needed and none, or a wrong one, was given.
    pub(super) fn of(shared: &Shared, request: &Request, id: String) -> Result<Self, Failure> {
        let started = UnixNanos::now();
        let headers = &request.headers;
        let principal = match request.asker {
            Asker::Operator => Principal { tags: vec![PLAYGROUND.to_owned()], ..Principal::default() },
            Asker::Client => shared.keys.load().authenticate(
                shared.policy.auth_mode,
                text(headers, &AUTHORIZATION),
                text(headers, &HeaderName::from_static("x-api-key")),
                started.millis(),
            )?,
        };
        let named = |name: &'static str| text(headers, &HeaderName::from_static(name)).map(bounded);
        let client = auth::client_address(
            request.peer.ip(),
            text(headers, &HeaderName::from_static("x-forwarded-for")),
            &shared.policy.trusted_proxies,
        );
        Ok(Self {
            id,
            started,
            principal,
            header_tags: text(headers, &HeaderName::from_static("x-proxy-tag"))
                .map(|value| value.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
            client: client.to_smolstr(),
            end_user: named("x-openwebui-user-email")
                .or_else(|| named("x-openwebui-user-id"))
                .or_else(|| named("x-openwebui-user-name")),
            chat_id: named("x-openwebui-chat-id"),
            message_id: named("x-openwebui-message-id"),
            session: named("x-llm-relay-session").map(String::from),
        })
    }

    /// The beginning of the record: who asked for what.
    pub(super) fn draft(
        &self,
        endpoint: &str,
        asked: &str,
        stream: bool,
        end_user: Option<String>,
    ) -> Box<UsageRecord> {
        Box::new(UsageRecord {
            id: self.id.clone(),
            started: self.started.millis(),
            end_user: self.end_user.clone().or(end_user.map(|user| bounded(&user))),
            chat_id: self.chat_id.clone(),
            message_id: self.message_id.clone(),
            key: self.principal.key.clone(),
            client: self.client.clone(),
            endpoint: endpoint.into(),
            asked: asked.into(),
            stream,
            ..UsageRecord::default()
        })
    }

    /// The request's tags: of the key, the header, and the way its name went.
    ///
    /// # Errors
    /// [`Failure::Tags`] when there are too many.
    pub(super) fn tags(&self, of_the_way: &[String]) -> Result<Vec<SmolStr>, Failure> {
        let sources = [&self.principal.tags[..], &self.header_tags, of_the_way];
        Ok(tags::union(sources.into_iter().flatten().map(String::as_str))?)
    }

    /// Notes in the record how the name was resolved.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when the key may not use the model, [`Failure::Tags`] when there are too many tags.
    pub(super) fn route(&self, draft: &mut UsageRecord, resolution: &Resolution) -> Result<(), Failure> {
        // Not the name as it was asked for: one that nobody knows may fit a pattern and lead to the default model.
        let target = resolution.route.first.name();
        let names = [resolution.alias.as_deref(), resolution.router.as_deref(), Some(&target)];
        if !names.into_iter().flatten().any(|name| self.principal.may_use(name)) {
            return Err(Failure::Forbidden(draft.asked.to_string()));
        }
        draft.tags = self.tags(&resolution.tags)?;
        draft.steps.clone_from(&resolution.steps);
        draft.resolved_by = resolution.resolved_by.to_smolstr();
        draft.alias = resolution.alias.as_deref().map(SmolStr::from);
        draft.router = resolution.router.as_deref().map(SmolStr::from);
        Ok(())
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|value| !value.is_empty())
}

/// Ids from clients go into every record; none needs more than this.
fn bounded(value: &str) -> SmolStr {
    value.chars().take(200).collect()
}
