//! The `.env` file: one `NAME=value` per line.

use super::Problem;

/// Reads the text of a `.env` file.
///
/// Blank lines and lines that begin with `#` are skipped, `export ` in front is allowed. A value may stand in single
/// quotes (taken as it is) or double quotes (`\n`, `\t`, `\"`, `\\`, `\$` are understood); without quotes it ends at
/// ` #`. Nothing is expanded. Of two lines with one name the later wins.
pub(super) fn parse(file: &str, text: &str) -> (Vec<(String, String)>, Vec<Problem>) {
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match entry(line) {
            Some(pair) => values.push(pair),
            None => problems.push(Problem::error(format!("{file}:{}", index + 1), "expected NAME=value")),
        }
    }
    (values, problems)
}

fn entry(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, rest) = line.split_once('=')?;
    let name = name.trim();
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !is_name {
        return None;
    }
    Some((name.to_owned(), value(rest.trim())?))
}

/// `None`: a quote is not closed, or something other than a comment follows it.
fn value(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('\'') {
        let (inside, after) = inner.split_once('\'')?;
        return is_comment(after).then(|| inside.to_owned());
    }
    if let Some(inner) = text.strip_prefix('"') {
        return double_quoted(inner);
    }
    let end = text.find(" #").unwrap_or(text.len());
    Some(if text.starts_with('#') { String::new() } else { text[..end].trim_end().to_owned() })
}

fn double_quoted(inner: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => return is_comment(chars.as_str()).then_some(value),
            '\\' => match chars.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                escaped @ ('"' | '\\' | '$') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

fn is_comment(after: &str) -> bool {
    let after = after.trim_start();
    after.is_empty() || after.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Option<String> {
        let (mut values, problems) = parse(".env", line);
        assert_eq!(values.is_empty(), !problems.is_empty());
        values.pop().map(|(_, value)| value)
    }

    #[test]
    fn values_may_be_bare_or_quoted() {
        assert_eq!(one("A=b c  # why").as_deref(), Some("b c"));
        assert_eq!(one("export A = sk-1#2").as_deref(), Some("sk-1#2"));
        assert_eq!(one(r"A='x # \n $y' # why").as_deref(), Some(r"x # \n $y"));
        assert_eq!(one(r#"A="a\nb \"c\" \d""#).as_deref(), Some("a\nb \"c\" \\d"));
        assert_eq!(one("A=").as_deref(), Some(""));
        assert_eq!(one("A=#").as_deref(), Some(""));
    }

    #[test]
    fn a_broken_line_is_named() {
        let (values, problems) = parse(".env", "# fine\n\nA=1\nnonsense\nB-C=2\nD=\"open\n");
        assert_eq!(values, [("A".to_owned(), "1".to_owned())]);
        let places: Vec<_> = problems.iter().map(|problem| problem.place.as_str()).collect();
        assert_eq!(places, [".env:4", ".env:5", ".env:6"]);
    }
}
