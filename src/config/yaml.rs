//! YAML into typed values: the one place that knows the YAML crate, and where its errors become [`Problem`]s.

use serde::de::DeserializeOwned;

use super::expand::expand;
use super::{Problem, Variables};

/// Reads a document; an empty one is the default.
pub(crate) fn parse<T: DeserializeOwned + Default>(file: &str, text: &str) -> Result<T, Problem> {
    serde_yaml::from_str::<Option<T>>(text).map(Option::unwrap_or_default).map_err(|error| problem(file, &error))
}

/// Reads a document whose text values may hold `${NAME}` or `${NAME:-default}`.
pub(super) fn parse_expanded<T: DeserializeOwned + Default>(
    file: &str,
    text: &str,
    variables: &Variables,
) -> Result<T, Vec<Problem>> {
    // The first reading names line and column of whatever is wrong; the second, over the expanded values, cannot.
    parse::<T>(file, text).map_err(|problem| vec![problem])?;
    let mut value: serde_yaml::Value = parse(file, text).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    expand_values(&mut value, "", &mut |path, text| match expand(text, variables) {
        Ok(expanded) => expanded,
        Err(message) => {
            problems.push(Problem::error(format!("{file} {path}"), message));
            None
        }
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    let expanded: Result<Option<T>, _> = serde_yaml::from_value(value);
    expanded.map(Option::unwrap_or_default).map_err(|error| vec![problem(file, &error)])
}

fn expand_values(value: &mut serde_yaml::Value, path: &str, replace: &mut impl FnMut(&str, &str) -> Option<String>) {
    match value {
        serde_yaml::Value::String(text) => {
            if let Some(expanded) = replace(path, text) {
                *text = expanded;
            }
        }
        serde_yaml::Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                expand_values(item, &format!("{path}[{index}]"), replace);
            }
        }
        serde_yaml::Value::Mapping(entries) => {
            for (key, item) in entries.iter_mut() {
                let key = key.as_str().unwrap_or("?");
                let below = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                expand_values(item, &below, replace);
            }
        }
        serde_yaml::Value::Tagged(tagged) => expand_values(&mut tagged.value, path, replace),
        serde_yaml::Value::Null | serde_yaml::Value::Bool(_) | serde_yaml::Value::Number(_) => {}
    }
}

/// The parser's error with its place taken out of the text: `file:line:column path`.
fn problem(file: &str, error: &serde_yaml::Error) -> Problem {
    let mut message = error.to_string();
    let mut place = file.to_owned();
    if let Some(at) = error.location() {
        let suffix = format!(" at line {} column {}", at.line(), at.column());
        message = message.strip_suffix(&suffix).unwrap_or(&message).to_owned();
        place.push_str(&format!(":{}:{}", at.line(), at.column()));
    }
    if let Some((path, rest)) = message.split_once(": ")
        && !path.contains(' ')
    {
        place.push_str(&format!(" {path}"));
        message = rest.to_owned();
    }
    // What stands in a wrong place may well be a key: say what kind of thing it is, not what it says.
    if let Some(rest) = message.strip_prefix("invalid type: string ")
        && let Some(at) = rest.rfind(", expected ")
    {
        message = format!("invalid type: text{}", &rest[at..]);
    }
    Problem::error(place, message)
}

#[cfg(test)]
mod tests;
