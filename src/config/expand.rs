//! `${NAME}` and `${NAME:-default}` in text values.

use super::Variables;

/// The text with its variables filled in; `None` when it holds none. `$${` stands for `${` itself.
///
/// # Errors
/// When a variable is neither set nor has a default, or a brace is not closed.
pub(super) fn expand(text: &str, variables: &Variables) -> Result<Option<String>, String> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let before = &rest[..start];
        if let Some(literal) = before.strip_suffix('$') {
            expanded.push_str(literal);
            expanded.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        expanded.push_str(before);
        let inner = &rest[start + 2..];
        let end = inner.find('}').ok_or("`${` without `}`")?;
        expanded.push_str(&value(&inner[..end], variables)?);
        rest = &inner[end + 1..];
    }
    expanded.push_str(rest);
    Ok(Some(expanded))
}

fn value(reference: &str, variables: &Variables) -> Result<String, String> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name.trim(), Some(default)),
        None => (reference.trim(), None),
    };
    match variables.get(name) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => default.map(str::to_owned).ok_or_else(|| format!("the variable {name} is not set")),
        Err(problem) => Err(problem.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_defaults_and_literals() {
        let variables: Variables = [("A", "one")].into_iter().collect();
        let expand = |text: &str| expand(text, &variables).map(Option::unwrap_or_default);
        assert_eq!(expand("x${A}y${A}").as_deref(), Ok("xoneyone"));
        assert_eq!(expand("${B:-two}").as_deref(), Ok("two"));
        assert_eq!(expand("${B:-}").as_deref(), Ok(""));
        assert_eq!(expand("$${A} $5").as_deref(), Ok("${A} $5"));
        assert_eq!(expand("${B}"), Err("the variable B is not set".to_owned()));
        assert_eq!(expand("${A"), Err("`${` without `}`".to_owned()));
    }

    #[test]
    fn a_text_without_variables_is_left_alone() {
        assert_eq!(expand("a $ b }", &Variables::default()), Ok(None));
    }
}
