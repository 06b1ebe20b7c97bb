//! Smart routers at work: gates, then what is remembered, then a designator, then the fallback.
//!
//! The order and every rule is in `routing::smart`, without I/O; here are the calls (`designator`), the memory of
//! decisions and sessions (`memory`) and the breakers (`breaker`). Start at [`Relay::choose`].

mod breaker;
mod designator;
mod memory;

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Relay, RelayError};
use crate::catalog::{Catalog, Model, Router};
use crate::chat::ChatRequest;
use crate::clock::UnixMillis;
use crate::routing::smart::{
    Brief, Candidate, Cause, Decision, Demands, DesignatorCall, Gates, Outcome, SideCall, session_key, weigh,
};
use crate::routing::{AtRouter, Resolution, RouteError, reach};
use crate::tracking::UsageRecord;
use breaker::Breakers;
use memory::Memory;
use smol_str::{SmolStr, format_smolstr};

/// Decisions and sessions remembered at most, over all routers: some megabytes of each.
const MAX_DECISIONS: usize = 10_000;
const MAX_PINS: usize = 50_000;
/// How long a candidate that failed three times in a row is not chosen.
const MODEL_REST: Duration = Duration::from_secs(30);
/// Timers ring up to this much late, which must not come on top of the hard limit.
const TIMER_SLACK: Duration = Duration::from_millis(2);
/// A repair is not begun with less time than this: no model answers so fast.
const LEAST_TIME: Duration = Duration::from_millis(50);

/// What routers remember between requests. In memory: a restart begins anew, and each replica has its own.
#[derive(Debug)]
pub(super) struct Routers {
    /// By router version, the candidates that passed, and what a designator would be shown.
    decisions: Memory<(u64, u64, u128)>,
    /// By router and conversation.
    pins: Memory<u128>,
    designators: Breakers,
    /// Of the models that answer requests.
    models: Breakers,
}

impl Default for Routers {
    fn default() -> Self {
        Self {
            decisions: Memory::new(MAX_DECISIONS),
            pins: Memory::new(MAX_PINS),
            designators: Breakers::default(),
            models: Breakers::default(),
        }
    }
}

/// A request somebody has to choose a model for.
#[derive(Clone, Copy)]
pub struct Choosing<'a> {
    /// What can be called.
    pub catalog: &'a Catalog,
    /// The request, read.
    pub request: &'a ChatRequest,
    /// Who asks for what: what the records of designator calls are made from.
    pub draft: &'a UsageRecord,
    /// The session the client named.
    pub session: Option<&'a str>,
    /// Whether the caller may use a candidate: its name in the router, and the model at its end.
    pub may_use: &'a (dyn Fn(&str, &Model) -> bool + Sync),
    /// `false`: earlier decisions do not count and this one leaves no trace but its records: to try a router out.
    pub remembers: bool,
}

/// Where a choice came from.
struct Choice {
    name: String,
    cause: Cause,
    calls: Vec<DesignatorCall>,
    told_by: Option<&'static str>,
}

impl Choice {
    fn new(name: &str, cause: Cause) -> Self {
        Self { name: name.to_owned(), cause, calls: Vec::new(), told_by: None }
    }
}

impl Relay {
    /// Has a smart router choose: gates, session, cache, designators, fallback, in this order.
    ///
    /// It takes no longer than the router's hard limit, whatever designators do.
    ///
    /// # Errors
    /// [`RouteError::NoCandidate`] when nothing passes the gates, the fallback included.
    pub async fn choose(&self, at: AtRouter<'_>, choosing: Choosing<'_>) -> Result<(Resolution, Decision), RouteError> {
        let started = Instant::now();
        let router = at.router();
        let demands = Demands::of(choosing.request);
        let is_healthy = |model: &Model| self.routers.models.is_closed(&model.name(), started);
        let gates = Gates { may_use: choosing.may_use, is_healthy: &is_healthy };
        let candidates = weigh(choosing.catalog, router, &demands, gates);
        let question =
            Question { relay: self, router, choosing, demands: &demands, gates, candidates: &candidates, started };
        let choice = question.answer().await?;
        let resolution = at.choose(&choice.name)?;
        let decision = Decision {
            router: router.name.clone(),
            version: router.version.clone(),
            cause: choice.cause,
            model: resolution.route.first.name(),
            choice: choice.name,
            candidates: candidates.iter().map(Candidate::to_considered).collect(),
            calls: choice.calls,
            session: choice.told_by.map(str::to_owned),
            demands,
            took_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        note(&choosing.draft.id, &decision);
        Ok((resolution, decision))
    }

    /// Has a router choose as it would for the operator: every model allowed, nothing remembered, designators really asked.
    /// `asked` is the name as it was written, `endpoint` where somebody wants to know.
    ///
    /// # Errors
    /// As for [`Relay::choose`].
    pub async fn try_out(
        &self,
        catalog: &Catalog,
        at: AtRouter<'_>,
        asked: &str,
        endpoint: &str,
        request: &ChatRequest,
    ) -> Result<(Resolution, Decision), RouteError> {
        let draft = UsageRecord {
            id: Uuid::now_v7().to_string(),
            started: UnixMillis::now(),
            endpoint: endpoint.into(),
            asked: asked.into(),
            ..UsageRecord::default()
        };
        let may_use = &|_: &str, _: &Model| true;
        self.choose(at, Choosing { catalog, request, draft: &draft, session: None, may_use, remembers: false }).await
    }

    /// Notes how a try at a model ended, for the gates of routers.
    pub(super) fn note_health<T>(&self, model: &Model, result: &Result<T, RelayError>) {
        match result {
            Ok(_) => self.routers.models.succeeded(|| model.name()),
            Err(RelayError::Upstream(error)) if error.blames_target() => {
                self.routers.models.failed(&model.name(), Instant::now(), MODEL_REST);
            }
            Err(RelayError::Upstream(_) | RelayError::Decode(_) | RelayError::Encode(_)) => {}
        }
    }
}

/// One line for each decision: a warning when nobody chose. What designators said stays out of the log.
fn note(request_id: &str, decision: &Decision) {
    let (router, cause, model) = (&decision.router, decision.cause.as_str(), &decision.model);
    if decision.cause.is_fallback() {
        tracing::warn!(request.id = request_id, router, cause, model.id = model, "router fell back");
    } else {
        tracing::debug!(request.id = request_id, router, cause, model.id = model, "router chose");
    }
}

/// A router before a request.
struct Question<'a> {
    relay: &'a Relay,
    router: &'a Router,
    choosing: Choosing<'a>,
    demands: &'a Demands,
    gates: Gates<'a>,
    candidates: &'a [Candidate],
    started: Instant,
}

impl Question<'_> {
    async fn answer(&self) -> Result<Choice, RouteError> {
        let entry = &self.router.entry;
        if let Some(choice) = self.side_call() {
            return Ok(choice);
        }
        let passing: Vec<usize> = (0..self.candidates.len()).filter(|&at| self.candidates[at].fell.is_none()).collect();
        let Some(&first) = passing.first() else {
            return Ok(Choice::new(self.fallback()?, Cause::FallbackGates));
        };
        let session = entry.session_ttl().map(|ttl| (ttl, self.session()));
        let told_by = session.map(|(_, (_, told_by))| told_by);
        let choice = self.choose(&passing, first, session.map(|(_, (key, _))| key)).await?;
        if let Some((ttl, (key, _))) = session
            && self.choosing.remembers
            && !choice.cause.is_fallback()
        {
            // Also when it was pinned before: the time counts from the last request. What nobody chose is not kept, so
            // that a conversation gets its choice as soon as the designator is back.
            self.relay.routers.pins.keep(key, &choice.name, ttl, self.started);
        }
        Ok(Choice { told_by, ..choice })
    }

    async fn choose(&self, passing: &[usize], first: usize, session: Option<u128>) -> Result<Choice, RouteError> {
        let routers = &self.relay.routers;
        let name_of = |at: usize| self.candidates[at].name.as_str();
        if passing.len() == 1 {
            return Ok(Choice::new(name_of(first), Cause::Single));
        }
        let is_passing = |name: &String| passing.iter().any(|&at| name_of(at) == name);
        let remembers = self.choosing.remembers;
        let pinned = session.filter(|_| remembers).and_then(|key| routers.pins.recall(&key, self.started));
        if let Some(name) = pinned.filter(is_passing) {
            return Ok(Choice::new(&name, Cause::Pin));
        }
        let brief = Brief::new(self.router, self.candidates, passing, self.choosing.request, self.demands);
        let ttl = self.router.entry.cache_ttl();
        let caches = remembers && !ttl.is_zero();
        let version = u64::from_str_radix(&self.router.version, 16).unwrap_or_default();
        let key = (version, passing.iter().fold(0, |set, at| set | 1 << (at % 64)), brief.hash());
        let cached = if caches { routers.decisions.recall(&key, self.started) } else { None };
        if let Some(name) = cached.filter(is_passing) {
            return Ok(Choice::new(&name, Cause::Cache));
        }
        let (chosen, cause, calls) = self.ask_with_hedge(&brief).await;
        let Some(at) = chosen else {
            // A fallback that cannot answer this request is none; then the operator's first candidate that can.
            let name = self.fallback().unwrap_or_else(|_| name_of(first));
            return Ok(Choice { calls, ..Choice::new(name, cause) });
        };
        if caches {
            routers.decisions.keep(key, name_of(at), ttl, self.started);
        }
        Ok(Choice { calls, ..Choice::new(name_of(at), cause) })
    }

    /// Questions the client program asks for itself need nobody's opinion.
    fn side_call(&self) -> Option<Choice> {
        let entry = &self.router.entry;
        if !entry.side_calls {
            return None;
        }
        SideCall::of(self.choosing.request)?;
        let name = entry.side_call_model.as_ref().unwrap_or(&entry.fallback);
        Candidate::weigh(self.choosing.catalog, name, self.demands, self.gates).passing()?;
        Some(Choice::new(name, Cause::SideCall))
    }

    /// The conversation.
    fn session(&self) -> (u128, &'static str) {
        let draft = self.choosing.draft;
        let caller = [draft.key.as_deref(), draft.end_user.as_deref()];
        let router = self.router.name.to_ascii_lowercase();
        session_key(&router, self.choosing.session, draft.chat_id.as_deref(), caller, self.choosing.request)
    }

    /// The fallback, if it passes the gates.
    fn fallback(&self) -> Result<&str, RouteError> {
        let name = &self.router.entry.fallback;
        let fallback = Candidate::weigh(self.choosing.catalog, name, self.demands, self.gates);
        if fallback.passing().is_some() {
            return Ok(name);
        }
        let is_candidate = self.candidates.iter().any(|candidate| candidate.name.eq_ignore_ascii_case(name));
        let all = || self.candidates.iter().chain((!is_candidate).then_some(&fallback));
        let fallen = || all().filter_map(|candidate| Some((&candidate.name, candidate.fell.as_ref()?)));
        Err(RouteError::NoCandidate {
            router: self.router.name.clone(),
            reasons: fallen().map(|(name, gate)| format!("`{name}` {gate}")).collect(),
            blames_request: fallen().any(|(_, gate)| gate.blames_request()),
        })
    }

    /// Asks designators; meanwhile, if they take their time, opens a connection for the case that they fail.
    async fn ask_with_hedge(&self, brief: &Brief<'_>) -> (Option<usize>, Cause, Vec<DesignatorCall>) {
        // Large, and most requests to routers know their answer already.
        let asking = Box::pin(self.ask_designators(brief));
        let Some(after) = self.router.entry.hedge_after else { return asking.await };
        let hedging = async {
            tokio::time::sleep(after.get()).await;
            if let Ok(fallback) = reach(self.choosing.catalog, &self.router.entry.fallback) {
                self.relay.transport.preconnect(&fallback.provider).await;
            }
            std::future::pending().await
        };
        tokio::select! {
            asked = asking => asked,
            never = hedging => never,
        }
    }

    async fn ask_designators(&self, brief: &Brief<'_>) -> (Option<usize>, Cause, Vec<DesignatorCall>) {
        let entry = &self.router.entry;
        let breakers = &self.relay.routers.designators;
        let latest = self.started + entry.hard_limit().saturating_sub(TIMER_SLACK);
        let (mut calls, mut cause) = (Vec::new(), Cause::Breaker);
        for name in std::iter::once(&entry.designator).chain(&entry.second_designator) {
            let Ok(designator) = reach(self.choosing.catalog, name) else {
                cause = Cause::FallbackError;
                continue;
            };
            let id = designator.name();
            let now = Instant::now();
            let deadline = latest.min(now + entry.budget());
            if deadline < now + LEAST_TIME || !breakers.admits(&id, now) {
                continue;
            }
            let chosen = self.ask(brief, name, &designator, deadline, &mut calls).await;
            let outcome = calls.last().map_or(Outcome::Error, |call| call.outcome);
            if let Some(at) = chosen {
                breakers.succeeded(|| id);
                return (Some(at), Cause::Designator, calls);
            }
            breakers.failed(&id, Instant::now(), entry.breaker_time());
            cause = match outcome {
                Outcome::Invalid | Outcome::Chosen => Cause::FallbackInvalid,
                Outcome::Timeout => Cause::FallbackTimeout,
                Outcome::Error => Cause::FallbackError,
            };
        }
        (None, cause, calls)
    }

    /// Asks one designator, and once more where that may help: after an answer that names nobody, and after a refusal of
    /// the bounded form of the question.
    async fn ask(
        &self,
        brief: &Brief<'_>,
        name: &str,
        designator: &Arc<Model>,
        deadline: Instant,
        calls: &mut Vec<DesignatorCall>,
    ) -> Option<usize> {
        let mut request = brief.request(designator);
        for is_last in [false, true] {
            let draft = self.designator_draft(name);
            let said = designator::ask(self.relay, designator, request.clone(), draft, deadline).await;
            let chosen = said.text.as_deref().and_then(|text| brief.read(text));
            let outcome = if chosen.is_some() { Outcome::Chosen } else { said.call.outcome };
            calls.push(DesignatorCall { outcome, ..said.call });
            if chosen.is_some() || is_last || Instant::now() + LEAST_TIME > deadline {
                return chosen;
            }
            match said.text {
                Some(text) => request = brief.repair(request, &text),
                None if said.is_refused && request.format.is_some() => request = brief.unbound(request),
                None => return None,
            }
        }
        None
    }

    /// The record of a designator's call: on the bill of whoever sent the request, under the router's name.
    fn designator_draft(&self, name: &str) -> UsageRecord {
        let draft = self.choosing.draft;
        UsageRecord {
            parent: Some(draft.id.as_str().into()),
            endpoint: SmolStr::new_static(UsageRecord::DESIGNATOR),
            asked: name.into(),
            resolved_by: format_smolstr!("designator:{}", self.router.name),
            router: Some(self.router.name.as_str().into()),
            stream: false,
            ..draft.clone()
        }
    }
}
