//! The ways to read a name: with tags behind an `@`, with what Ollama's clients put around it.

/// A way to read a name.
pub(super) struct Form<'a> {
    pub(super) name: &'a str,
    pub(super) tags: Vec<&'a str>,
    /// How the name came to be read so: stage, before, after.
    pub(super) steps: Vec<(&'static str, &'a str, &'a str)>,
}

/// The ways to read a name, in the order they are tried; the last one reads the most out of it. Never empty.
pub(super) fn forms(name: &str) -> Vec<Form<'_>> {
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
