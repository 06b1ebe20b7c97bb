//! Follows a name through redirects, routers, aliases, prefixes, search and default.

use std::sync::Arc;

use smol_str::SmolStr;

use super::suggest::near_names;
use super::{Resolution, ResolvedBy, Route, Step};
use crate::catalog::{Alias, Catalog, FoundBy, MAX_REDIRECTS, Model, ProviderState, Router};

/// Why a name leads to no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Nothing is called that, and there is no default.
    #[error("model `{asked}` not found{}", suggestion(near))]
    NotFound {
        /// The name as the client wrote it.
        asked: String,
        /// Up to three names that look alike, the nearest first.
        near: Vec<String>,
    },
    /// An alias, a router or the default names something that is not there: the configuration's mistake.
    #[error("{by} leads to `{target}`, which does not exist{}", suggestion(near))]
    TargetNotFound {
        /// What points at it: "alias `fast`".
        by: String,
        /// What it points at.
        target: String,
        /// Up to three names that look alike, the nearest first.
        near: Vec<String>,
    },
    /// The operator switched it off.
    #[error("{what} is switched off")]
    Disabled {
        /// "model `openai/o3`" or "provider `openai`".
        what: String,
    },
    /// The provider lacks a setting.
    #[error("model `{model}` cannot be used: provider `{provider}` is not configured, set {setting}")]
    NoKey {
        /// The model asked for.
        model: String,
        /// Its provider.
        provider: String,
        /// The setting that would configure it.
        setting: String,
    },
    /// The provider cannot be used as it is configured.
    #[error("model `{model}` cannot be used: provider `{provider}`: {reason}")]
    Unusable {
        /// The model asked for.
        model: String,
        /// Its provider.
        provider: String,
        /// Why, and what to do.
        reason: String,
    },
    /// No candidate of a router can answer, nor can its fallback.
    #[error("no model of router `{router}` can answer this: {}", reasons.join("; "))]
    NoCandidate {
        /// The router's name.
        router: String,
        /// Why each cannot: "`openai/gpt-4o-mini` cannot see images".
        reasons: Vec<String>,
        /// The request asks for more than any of them can do; else it is the moment, and another may do.
        blames_request: bool,
    },
    /// Redirects go round in a circle, or there are too many.
    #[error("redirects go on for too long: {}", hops.join(" -> "))]
    RedirectLoop {
        /// The names passed, the first one first.
        hops: Vec<String>,
    },
}

fn suggestion(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let quoted: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}

/// Where a name led, so far.
#[derive(Debug)]
pub enum Resolved<'a> {
    /// To a model.
    Model(Resolution),
    /// To a smart router: somebody has to choose.
    Router(AtRouter<'a>),
}

/// A name that led to a smart router, which has not chosen yet.
#[derive(Debug)]
pub struct AtRouter<'a> {
    catalog: &'a Catalog,
    router: &'a Router,
    trail: Trail,
    by_default: bool,
}

impl<'a> AtRouter<'a> {
    /// The router.
    pub fn router(&self) -> &'a Router {
        self.router
    }

    /// Tags of the way so far, the router's included.
    pub fn tags(&self) -> &[String] {
        &self.trail.tags
    }

    /// Every step of the way so far, in order.
    pub fn steps(&self) -> &[Step] {
        &self.trail.steps
    }

    /// The outermost alias passed through.
    pub fn alias(&self) -> Option<&str> {
        self.trail.alias.as_deref()
    }

    /// Goes on without an opinion on the messages: to the fallback.
    ///
    /// # Errors
    /// [`RouteError`] when it cannot be called.
    pub fn settle(self) -> Result<Resolution, RouteError> {
        let fallback = &self.router.entry.fallback;
        self.choose(fallback)
    }

    /// Goes on with what was chosen: a candidate's name, or the fallback's.
    ///
    /// # Errors
    /// [`RouteError`] when it cannot be called.
    pub fn choose(mut self, name: &str) -> Result<Resolution, RouteError> {
        self.trail.step("router", &self.router.name, name);
        let known = Known::behind(self.catalog, name, || format!("router `{}`", self.router.name))?;
        match follow(self.catalog, name, known, &mut self.trail)? {
            End::Model(model, found_by) => {
                let by = if self.by_default { ResolvedBy::Default } else { found_by };
                Ok(self.trail.end(model, by))
            }
            // Refused when it is saved; an alias may have been changed since.
            End::Router(other) => Err(RouteError::RedirectLoop {
                hops: vec![self.router.name.clone(), name.to_owned(), other.name.clone()],
            }),
        }
    }
}

/// The model a configured name leads to, through aliases but through no router.
///
/// # Errors
/// [`RouteError`] when it leads nowhere, or to what cannot be called.
pub fn reach(catalog: &Catalog, name: &str) -> Result<Arc<Model>, RouteError> {
    let known = match Known::behind(catalog, name, || format!("`{name}`"))? {
        // Nearly always, and asked of each candidate of a router at each request: nobody reads the steps.
        Known::Model(model, _) => return callable(model),
        known @ (Known::Alias(_) | Known::Router(_)) => known,
    };
    match follow(catalog, name, known, &mut Trail::default())? {
        End::Model(model, _) => Ok(model),
        End::Router(router) => Err(RouteError::RedirectLoop { hops: vec![name.to_owned(), router.name.clone()] }),
    }
}

/// Resolves the name a client wrote.
///
/// The whole name is looked up first. Only when nothing is called that is it split at its last `@` (what follows are
/// tags), and only then is one `:latest` taken off. A redirect starts over with the new name; what aliases and routers
/// point at is not redirected.
///
/// # Errors
/// [`RouteError`]. A name that is known but cannot be called is an error that says so: it never becomes the default.
pub fn resolve<'a>(catalog: &'a Catalog, asked: &str) -> Result<Resolved<'a>, RouteError> {
    let asked = asked.trim();
    let mut trail = Trail::default();
    let mut name = SmolStr::new(asked);
    let mut hops = Vec::new();
    'start: loop {
        for form in forms(&name) {
            if let Some((target, redirect)) = catalog.redirects().find(form.name) {
                trail.read_as(&form);
                trail.step("redirect", form.name, &target);
                trail.tags.extend(redirect.entry.tags.iter().cloned());
                hops.push(target);
                if hops.len() > MAX_REDIRECTS {
                    hops.insert(0, asked.to_owned());
                    return Err(RouteError::RedirectLoop { hops });
                }
                name = hops[hops.len() - 1].as_str().into();
                continue 'start;
            }
            if let Some(known) = Known::find(catalog, form.name) {
                trail.read_as(&form);
                let end = follow(catalog, form.name, known, &mut trail)?;
                return Ok(end.resolved(catalog, trail, false));
            }
        }
        break;
    }
    // Nobody knows the name: read as much out of it as can be read.
    let form = forms(&name).pop().expect("a name can be read as it stands");
    trail.read_as(&form);
    if let Some(model) = catalog.pass_through(form.name) {
        trail.step("prefix", form.name, &model.name());
        return Ok(Resolved::Model(trail.end(callable(model)?, ResolvedBy::Prefix)));
    }
    let Some(default) = catalog.default_model() else {
        return Err(RouteError::NotFound { asked: asked.to_owned(), near: near_names(catalog, form.name) });
    };
    trail.step("default", form.name, default);
    let known = Known::behind(catalog, default, || "the default model".to_owned())?;
    let end = follow(catalog, default, known, &mut trail)?;
    Ok(end.resolved(catalog, trail, true))
}

/// Resolves a name where there are no messages to choose by: a router counts as its fallback.
///
/// # Errors
/// [`RouteError`], as for [`resolve`].
pub fn settle(catalog: &Catalog, asked: &str) -> Result<Resolution, RouteError> {
    match resolve(catalog, asked)? {
        Resolved::Model(resolution) => Ok(resolution),
        Resolved::Router(at) => at.settle(),
    }
}

/// A way to read a name.
struct Form<'a> {
    name: &'a str,
    tags: Vec<&'a str>,
    /// How the name came to be read so: stage, before, after.
    steps: Vec<(&'static str, &'a str, &'a str)>,
}

/// The ways to read a name, in the order they are tried; the last one reads the most out of it. Never empty.
fn forms(name: &str) -> Vec<Form<'_>> {
    let mut forms = vec![Form { name, tags: Vec::new(), steps: Vec::new() }];
    let split = name.rsplit_once('@').map(|(stem, tags)| (stem.trim(), tags)).filter(|(stem, _)| !stem.is_empty());
    let stem = split.map_or(name, |(stem, _)| stem);
    let mut tags = Vec::new();
    let mut steps = Vec::new();
    if let Some((_, text)) = split {
        // An id that itself holds an `@` may carry `:latest` too.
        if let Some(short) = without_latest(name) {
            forms.push(Form { name: short, tags: Vec::new(), steps: vec![("latest", name, short)] });
        }
        // Ollama clients put `:latest` behind whatever they were told the name is, tags and all.
        let text = without_latest(text).unwrap_or(text);
        tags.extend(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()));
        steps.push(("tags", name, stem));
        forms.push(Form { name: stem, tags: tags.clone(), steps: steps.clone() });
    }
    if let Some(short) = without_latest(stem).filter(|short| !short.is_empty()) {
        steps.push(("latest", stem, short));
        forms.push(Form { name: short, tags, steps });
    }
    if let Some(short) = without_registry(name) {
        forms.extend(self::forms(short).into_iter().map(|mut form| {
            form.steps.insert(0, ("registry", name, short));
            form
        }));
    }
    forms
}

/// Ollama's full names: `registry.ollama.ai/library/m` and `library/m` are `m`.
fn without_registry(name: &str) -> Option<&str> {
    let bare = strip_prefix(name, "registry.ollama.ai/").unwrap_or(name);
    let bare = strip_prefix(bare, "library/").unwrap_or(bare);
    (bare.len() < name.len() && !bare.is_empty()).then_some(bare)
}

fn strip_prefix<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.get(..prefix.len())?.eq_ignore_ascii_case(prefix).then(|| &name[prefix.len()..])
}

fn without_latest(name: &str) -> Option<&str> {
    let at = name.len().checked_sub(":latest".len())?;
    name.get(at..)?.eq_ignore_ascii_case(":latest").then(|| name[..at].trim_end())
}

/// What is called by a name.
enum Known<'a> {
    Router(&'a Router),
    Alias(&'a Alias),
    Model(Arc<Model>, FoundBy),
}

impl<'a> Known<'a> {
    fn find(catalog: &'a Catalog, name: &str) -> Option<Self> {
        if let Some(router) = catalog.routers().get(name) {
            return Some(Self::Router(router));
        }
        if let Some(alias) = catalog.aliases().get(name) {
            return Some(Self::Alias(alias));
        }
        catalog.find(name).map(|(model, by)| Self::Model(model, by))
    }

    /// What the configuration points at, which may also be a model nobody listed. `by` is what points.
    fn behind(catalog: &'a Catalog, name: &str, by: impl FnOnce() -> String) -> Result<Self, RouteError> {
        Self::find(catalog, name)
            .or_else(|| Some(Self::Model(catalog.pass_through(name)?, FoundBy::Prefix)))
            .ok_or_else(|| RouteError::TargetNotFound {
                by: by(),
                target: name.to_owned(),
                near: near_names(catalog, name),
            })
    }
}

/// What aliases lead to.
enum End<'a> {
    Model(Arc<Model>, ResolvedBy),
    Router(&'a Router),
}

impl<'a> End<'a> {
    fn resolved(self, catalog: &'a Catalog, trail: Trail, by_default: bool) -> Resolved<'a> {
        match self {
            Self::Model(model, by) => {
                Resolved::Model(trail.end(model, if by_default { ResolvedBy::Default } else { by }))
            }
            Self::Router(router) => Resolved::Router(AtRouter { catalog, router, trail, by_default }),
        }
    }
}

/// Follows aliases to the model or router at the end.
fn follow<'a>(
    catalog: &'a Catalog,
    name: &str,
    mut known: Known<'a>,
    trail: &mut Trail,
) -> Result<End<'a>, RouteError> {
    let mut passed = vec![name.to_owned()];
    loop {
        let name = passed.last().map_or("", String::as_str);
        let (target, next) = match known {
            Known::Model(model, found_by) => {
                let (stage, resolved_by) = match found_by {
                    FoundBy::Prefix => ("prefix", ResolvedBy::Prefix),
                    FoundBy::Search => ("search", ResolvedBy::Search),
                };
                trail.step(stage, name, &model.name());
                return Ok(End::Model(callable(model)?, resolved_by));
            }
            Known::Router(router) if !router.entry.enabled => {
                return Err(RouteError::Disabled { what: format!("router `{}`", router.name) });
            }
            Known::Router(router) => {
                // The outer one has chosen; that its choice leads here is an error of its own.
                if trail.router.is_none() {
                    trail.router = Some(router.name.clone());
                    trail.tags.extend(router.entry.tags.iter().cloned());
                }
                return Ok(End::Router(router));
            }
            Known::Alias(alias) => {
                trail.alias.get_or_insert_with(|| alias.name.clone());
                trail.tags.extend(alias.entry.tags.iter().cloned());
                let target = &alias.entry.target;
                trail.step("alias", name, target);
                (target, Known::behind(catalog, target, || format!("alias `{}`", alias.name)))
            }
        };
        let circle = passed.iter().any(|other| other.eq_ignore_ascii_case(target));
        passed.push(target.clone());
        if circle {
            return Err(RouteError::RedirectLoop { hops: passed });
        }
        known = next?;
    }
}

fn callable(model: Arc<Model>) -> Result<Arc<Model>, RouteError> {
    match &model.provider.state {
        ProviderState::Disabled => Err(RouteError::Disabled { what: format!("provider `{}`", model.provider.id) }),
        ProviderState::NoKey(setting) if model.enabled => Err(RouteError::NoKey {
            model: model.name(),
            provider: model.provider.id.clone(),
            setting: setting.clone(),
        }),
        ProviderState::Unusable(reason) if model.enabled => Err(RouteError::Unusable {
            model: model.name(),
            provider: model.provider.id.clone(),
            reason: reason.clone(),
        }),
        ProviderState::Ready if model.enabled => Ok(model),
        ProviderState::Ready | ProviderState::NoKey(_) | ProviderState::Unusable(_) => {
            Err(RouteError::Disabled { what: format!("model `{}`", model.name()) })
        }
    }
}

/// What was passed on the way.
#[derive(Debug, Default)]
struct Trail {
    steps: Vec<Step>,
    tags: Vec<String>,
    alias: Option<String>,
    router: Option<String>,
}

impl Trail {
    fn step(&mut self, stage: &'static str, from: &str, to: &str) {
        self.steps.push(Step { stage: SmolStr::new_static(stage), from: from.into(), to: to.into() });
    }

    /// Notes how a name was read.
    fn read_as(&mut self, form: &Form<'_>) {
        for (stage, from, to) in &form.steps {
            self.step(stage, from, to);
        }
        self.tags.extend(form.tags.iter().map(|tag| (*tag).to_owned()));
    }

    /// The stage that decided is the router or the outermost alias where one was passed, except for the default.
    fn end(self, model: Arc<Model>, by: ResolvedBy) -> Resolution {
        let resolved_by = match (&by, &self.router, &self.alias) {
            (ResolvedBy::Default, ..) => by,
            (_, Some(router), _) => ResolvedBy::Router(router.clone()),
            (_, None, Some(alias)) => ResolvedBy::Alias(alias.clone()),
            (_, None, None) => by,
        };
        Resolution {
            route: Route { first: model, rest: Vec::new() },
            resolved_by,
            steps: self.steps,
            tags: self.tags,
            alias: self.alias,
            router: self.router,
        }
    }
}

#[cfg(test)]
mod tests;
