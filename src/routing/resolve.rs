//! Follows a name through redirects, routers, aliases, prefixes, search and default.

mod form;
mod trail;

use std::sync::Arc;

use smol_str::SmolStr;

use super::suggest::near_names;
use super::{Resolution, ResolvedBy, RouteError, Step};
use crate::catalog::{Alias, Catalog, FoundBy, MAX_REDIRECTS, Model, ProviderState, Router};
use form::forms;
use trail::Trail;

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

#[cfg(test)]
mod tests;
