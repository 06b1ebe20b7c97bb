//! What the way back of an answer needs to know about its request.

use std::sync::Arc;
use std::time::Duration;

use super::pipe::{Forward, Output};
use super::{Answer, AnswerBody};
use crate::catalog::Model;
use crate::clock::{Timing, UnixNanos};
use crate::money::NanoUsd;
use crate::protocol::ollama::ModelEcho;
use crate::protocol::{ClientFormat, ReplyContext, Restoration};
use crate::providers::RateHeaders;

/// How an answer crosses back to the client.
pub(super) enum Crossing {
    /// Untouched.
    Forward {
        /// The usage chunk was asked for by us, not by the client.
        drop_usage: bool,
    },
    /// Through the chat model, where what was bent for the provider is bent back.
    Translate(Restoration),
}

/// The way back of one answer.
pub(super) struct Passage {
    /// The target.
    pub model: Arc<Model>,
    /// What the client speaks.
    pub format: ClientFormat,
    /// What the answer must carry.
    pub context: ReplyContext,
    /// What could not be carried.
    pub warnings: Vec<String>,
    /// How the answer crosses back.
    pub crossing: Crossing,
    /// Silence of the provider that is taken for its end.
    pub idle: Duration,
    /// Silence after which the client gets a sign of life.
    pub keep_alive: Duration,
    /// How much of its allowance at the provider is left, in the provider's own words.
    pub rate_headers: RateHeaders,
}

impl Passage {
    /// The answer, with its body.
    pub(super) fn answer(&self, content_type: &'static str, cost: Option<NanoUsd>, body: AnswerBody) -> Answer {
        Answer {
            provider: self.model.provider.id.clone(),
            model: self.model.profile.id.clone(),
            content_type,
            warnings: self.warnings.clone(),
            rate_headers: self.rate_headers.clone(),
            cost,
            body,
        }
    }

    /// How a stream's bytes are made for this client.
    pub(super) fn output(&self) -> Output {
        match &self.crossing {
            Crossing::Forward { drop_usage } => Output::Forward(Forward {
                codec: self.format.codec(),
                drop_usage: *drop_usage,
                echo: self.echo(),
                terminator: self.format.stream_terminator(),
            }),
            Crossing::Translate(restoration) => Output::Translate {
                encoder: self.format.codec().encoder(self.context.clone()),
                restoration: restoration.clone(),
            },
        }
    }

    /// Puts the client's own name for the model into forwarded Ollama answers, which echo it.
    pub(super) fn echo(&self) -> Option<ModelEcho> {
        let echoes = match self.format {
            ClientFormat::OllamaChat | ClientFormat::OllamaGenerate => true,
            ClientFormat::OpenAiChat | ClientFormat::OpenAiCompletions => false,
        };
        (echoes && self.context.model != self.model.profile.id).then(|| ModelEcho::new(&self.context.model))
    }

    /// The times of an answer that ends now.
    pub(super) fn timing(&self, first_token: Option<UnixNanos>) -> Timing {
        Timing { started: self.context.started, first_token, ended: UnixNanos::now() }
    }
}
