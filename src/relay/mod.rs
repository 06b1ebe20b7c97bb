//! One request on its way: resolve the targets, get the first one that answers, wrap the answer so that its end is recorded.
//!
//! The relay does not know which protocol the client speaks: it is handed a codec.
//! `plan` decides from the pair of formats whether bytes are forwarded or events translated; to everyone else both are
//! an [`Answer`]. Start at [`Relay::run`]; [`Relay::choose`] comes before it where the name is a smart router's.

mod answer;
mod attempt;
mod embed;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod observation;
mod passage;
mod pipe;
mod plan;
mod probe;
mod record;
mod smart;
mod stream;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use answer::{Answer, AnswerBody};
pub use embed::EmbedCall;
pub use error::{RelayError, UpstreamError};
pub use probe::ProbeStep;
pub use smart::Choosing;
pub use stream::AnswerStream;

use crate::catalog::Model;
use crate::chat::ChatRequest;
use crate::protocol::envelope::Envelope;
use crate::protocol::{ClientFormat, ReplyContext};
use crate::providers::Transport;
use crate::routing::Route;
use crate::tracking::{Journal, UsageRecord};

/// Carries requests to providers and answers back.
#[derive(Debug)]
pub struct Relay {
    transport: Arc<Transport>,
    journal: Arc<Journal>,
    keep_alive: Duration,
    routers: smart::Routers,
}

/// A request that has been read, authorised and resolved.
#[derive(Clone)]
pub struct Call<'a> {
    /// What the client speaks.
    pub format: ClientFormat,
    /// The body as it came.
    pub body: &'a Bytes,
    /// Its top level, where the server has read it already.
    pub envelope: Option<Envelope<'a>>,
    /// The request, where it has been read already; what it leaves unread can only be forwarded.
    pub decoded: Option<ChatRequest>,
    /// The models to try.
    pub route: &'a Route,
    /// The client asked for a stream.
    pub stream: bool,
    /// What the answer must carry.
    pub context: ReplyContext,
    /// Who asked for what, and how the name was resolved.
    pub draft: Box<UsageRecord>,
}

impl Relay {
    /// A relay over a transport, recording into a journal. `keep_alive`: silence within a stream after which the client
    /// gets a sign of life, where its protocol has one.
    pub fn new(transport: Arc<Transport>, journal: Arc<Journal>, keep_alive: Duration) -> Self {
        Self { transport, journal, keep_alive, routers: smart::Routers::default() }
    }

    /// The way to providers, for calls that are not relayed chats (lists, model management).
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Asks the targets in order until one answers. A stream counts as answered once its first event is there;
    /// from then on nothing falls back.
    ///
    /// # Errors
    /// The last target's [`RelayError`]; every failed try has been recorded.
    pub async fn run(&self, call: Call<'_>) -> Result<Answer, RelayError> {
        let route = call.route;
        let mut attempts = 1;
        let mut model = &route.first;
        for next in &route.rest {
            match self.attempt(call.clone(), model, attempts).await {
                Err(error) if error.may_fall_back() => {
                    tracing::info!(request.id = %call.draft.id, model.id = %next.name(), "falling back");
                }
                result => return result,
            }
            attempts += 1;
            model = next;
        }
        self.attempt(call, model, attempts).await
    }

    async fn attempt(&self, call: Call<'_>, model: &Arc<Model>, attempts: u32) -> Result<Answer, RelayError> {
        let result = attempt::run(self, call, model, attempts).await;
        self.note_health(model, &result);
        result
    }
}
