//! Cuts secrets out of texts: keys and passwords that people paste into prompts, and that providers quote in errors.
//!
//! The built-in rules know how keys look; operators add patterns of their own. The `regex` crate takes linear time for
//! any pattern and any text, so nobody's pattern can hold up a request. [`Redactor::redact_body`] is for JSON: rules see
//! what the strings of a body say, not how JSON writes it, and what comes out is JSON again.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// Name and pattern. Where a pattern has a group, only the group is cut out. `(?-u:…)` keeps word boundaries fast.
const BUILT_IN: &[(&str, &str)] = &[
    ("private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)"),
    ("API key", r"(?-u:\b)(?:sk|rk|pk)-[A-Za-z0-9_-]{16,}"),
    ("API key", r"(?-u:\b)(?:gsk_|xai-|pplx-|hf_|fw_|r8_|nvapi-|csk-|tgp_v1_)[A-Za-z0-9_-]{16,}"),
    ("admin token", r"(?-u:\b)llmr-admin-[A-Za-z0-9_-]{16,}"),
    ("Google key", r"(?-u:\b)AIza[A-Za-z0-9_-]{30,}"),
    ("AWS key", r"(?-u:\b)(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)"),
    ("GitHub token", r"(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})"),
    ("GitLab token", r"(?-u:\b)glpat-[A-Za-z0-9_-]{16,}"),
    ("Slack token", r"(?-u:\b)xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("JSON web token", r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    ("bearer token", r"(?i)(?-u:\b)bearer[ \t]+([A-Za-z0-9._~+/=-]{12,})"),
    ("password in an address", r"://[^ \t\r\n/:@]+:([^ \t\r\n/@]+)@"),
    (
        "named secret",
        r#"(?i)(?:api[_-]?key|secret[_-]?key|client[_-]?secret|access[_-]?token|auth[_-]?token|password|passwd)["']?[ \t]*[:=][ \t]*["']?([^ \t\r\n"',;&]{8,})"#,
    ),
];

/// What a compiled pattern may take, bytes: a pattern that unfolds to more is refused.
const MAX_COMPILED_BYTES: usize = 256 << 10;

static OF_OURS: LazyLock<Redactor> = LazyLock::new(|| {
    // A test compiles each of them; a redactor that lacks one is better than a relay that does not answer.
    Redactor::compile(BUILT_IN.iter().copied()).unwrap_or_default()
});

/// A pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern `{name}` cannot be used: {reason}")]
pub struct PatternError {
    /// What the pattern is called.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A part of a text that a rule cuts out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<'r> {
    /// The rule's name.
    pub rule: &'r str,
    /// Where, in bytes of the text.
    pub range: Range<usize>,
}

/// Rules that cut things out.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    names: Vec<String>,
    rules: Vec<Regex>,
    /// All rules at once: texts in which none of them finds anything are read one time only.
    any: RegexSet,
}

impl Redactor {
    /// The built-in rules.
    pub fn built_in() -> &'static Self {
        &OF_OURS
    }

    /// The built-in rules and patterns of one's own, by name and pattern.
    ///
    /// # Errors
    /// The first pattern that cannot be used.
    pub fn with<'p>(own: impl Iterator<Item = (&'p str, &'p str)>) -> Result<Self, PatternError> {
        let own: Vec<_> = own.collect();
        for (name, pattern) in &own {
            check_pattern(name, pattern)?;
        }
        Self::compile(BUILT_IN.iter().copied().chain(own))
    }

    fn compile<'p>(patterns: impl Iterator<Item = (&'p str, &'p str)>) -> Result<Self, PatternError> {
        let (mut names, mut texts, mut rules) = (Vec::new(), Vec::new(), Vec::new());
        for (name, pattern) in patterns {
            rules.push(compiled(name, pattern)?);
            names.push(name.to_owned());
            texts.push(pattern);
        }
        let any = RegexSetBuilder::new(&texts).size_limit(MAX_COMPILED_BYTES * (texts.len() + 1)).build();
        let any = any.map_err(|error| PatternError { name: "all together".to_owned(), reason: error.to_string() })?;
        Ok(Self { names, rules, any })
    }

    /// What would be cut out of a text, in its order and without overlaps.
    pub fn cuts(&self, text: &str) -> Vec<Cut<'_>> {
        let found = self.any.matches(text);
        let mut cuts: Vec<Cut<'_>> = Vec::new();
        for at in &found {
            let (Some(rule), Some(name)) = (self.rules.get(at), self.names.get(at)) else { continue };
            cuts.extend(rule.captures_iter(text).filter_map(|captures| {
                let range = captures.get(1).or_else(|| captures.get(0))?.range();
                (!range.is_empty()).then_some(Cut { rule: name, range })
            }));
        }
        // Of what begins at the same place the longest counts; what overlaps is joined under the name of the first.
        cuts.sort_by_key(|cut| (cut.range.start, std::cmp::Reverse(cut.range.end)));
        let mut joined: Vec<Cut<'_>> = Vec::with_capacity(cuts.len());
        for cut in cuts {
            match joined.last_mut() {
                Some(last) if cut.range.start < last.range.end => last.range.end = last.range.end.max(cut.range.end),
                Some(_) | None => joined.push(cut),
            }
        }
        joined
    }

    /// The text with `[redacted: RULE]` in place of what was cut out.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let cuts = self.cuts(text);
        if cuts.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut kept = 0;
        for cut in cuts {
            out.push_str(&text[kept..cut.range.start]);
            out.push_str(&format!("[redacted: {}]", cut.rule));
            kept = cut.range.end;
        }
        out.push_str(&text[kept..]);
        Cow::Owned(out)
    }

    /// What the strings of a JSON body say, in its order: what [`Redactor::redact_body`] looks at.
    pub fn body_strings<'t>(&self, body: &'t str) -> Vec<Cow<'t, str>> {
        string_literals(body).filter_map(|literal| serde_json::from_str(&body[literal]).ok()).collect()
    }

    /// The same for a JSON body: each of its strings is looked at, and everything else stays as it is, byte for byte.
    pub fn redact_body<'t>(&self, body: &'t str) -> Cow<'t, str> {
        let mut out: Option<String> = None;
        let mut kept = 0;
        for literal in string_literals(body) {
            let Ok(said) = serde_json::from_str::<Cow<'_, str>>(&body[literal.clone()]) else { continue };
            let Cow::Owned(redacted) = self.redact(&said) else { continue };
            let out = out.get_or_insert_with(|| String::with_capacity(body.len()));
            out.push_str(&body[kept..literal.start]);
            // Turning text into JSON cannot fail.
            out.push_str(&serde_json::to_string(&redacted).unwrap_or_default());
            kept = literal.end;
        }
        match out {
            Some(mut out) => {
                out.push_str(&body[kept..]);
                Cow::Owned(out)
            }
            None => Cow::Borrowed(body),
        }
    }
}

/// Whether a pattern may be used, whatever else there is.
///
/// # Errors
/// When it is no regular expression, unfolds to too much, or finds something in an empty text.
pub fn check_pattern(name: &str, pattern: &str) -> Result<(), PatternError> {
    let refused = |reason: &str| PatternError { name: name.to_owned(), reason: reason.to_owned() };
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.');
    if name.trim().is_empty() || name.chars().count() > 40 || !name.chars().all(is_plain) {
        return Err(refused("its name needs 1 to 40 letters, digits, spaces, `-`, `_` or `.`"));
    }
    if pattern.is_empty() {
        return Err(refused("it is empty"));
    }
    if compiled(name, pattern)?.is_match("") {
        return Err(refused("it finds something in an empty text, so it would find it everywhere"));
    }
    Ok(())
}

fn compiled(name: &str, pattern: &str) -> Result<Regex, PatternError> {
    let regex = RegexBuilder::new(pattern).size_limit(MAX_COMPILED_BYTES).build();
    regex.map_err(|error| PatternError { name: name.to_owned(), reason: error.to_string() })
}

/// Where the string literals of a JSON text are, quotes included. What is no JSON has none that are whole.
fn string_literals(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + memchr::memchr(b'"', bytes.get(at..)?)?;
        let mut end = start + 1;
        loop {
            end += memchr::memchr2(b'"', b'\\', bytes.get(end..)?)?;
            if bytes[end] == b'"' {
                break;
            }
            end += 2;
        }
        at = end + 1;
        Some(start..at)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redacted(text: &str) -> String {
        Redactor::built_in().redact(text).into_owned()
    }

    #[test]
    fn every_built_in_rule_compiles_and_finds_its_kind_of_secret() {
        assert_eq!(Redactor::compile(BUILT_IN.iter().copied()).map(|all| all.rules.len()), Ok(BUILT_IN.len()));
        for (secret, rule) in [
            ("sk-proj-abcdefghijklmnop", "API key"),
            ("sk-ant-api03-AbCdEfGhIjKlMnOpQr", "API key"),
            ("sk-relay-AbCdEfGhIjKlMnOpQr", "API key"),
            ("gsk_AbCdEfGhIjKlMnOpQr", "API key"),
            ("llmr-admin-AbCdEfGhIjKlMnOpQr", "admin token"),
            ("AIzaSyAbCdEfGhIjKlMnOpQrStUvWxYz0123456", "Google key"),
            ("AKIAIOSFODNN7EXAMPLE", "AWS key"),
            ("ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "GitHub token"),
            ("glpat-AbCdEfGhIjKlMnOpQr", "GitLab token"),
            ("xoxb-1234567890-abc", "Slack token"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abc.c2lnbmF0dXJl", "JSON web token"),
        ] {
            assert_eq!(redacted(&format!("a {secret}, b")), format!("a [redacted: {rule}], b"), "{secret}");
        }
        for (text, expected) in [
            ("Authorization: Bearer abc.def-ghi_jkl=", "Authorization: Bearer [redacted: bearer token]"),
            ("postgres://me:hunter22@db/x", "postgres://me:[redacted: password in an address]@db/x"),
            ("API_KEY = \"0123456789abcdef\";", "API_KEY = \"[redacted: named secret]\";"),
            (
                "x\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\ny",
                "x\n[redacted: private key]\ny",
            ),
            ("-----BEGIN PRIVATE KEY-----\ncut off", "[redacted: private key]"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in [
            "How do I write a task-oriented risk-assessment?",
            "the bearer of this letter; a password is needed",
            "http://localhost:8080/a@b and me@example.org",
            "sk-short, AKIA, eyJ, ghp_x",
            "",
        ] {
            assert!(matches!(Redactor::built_in().redact(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn what_overlaps_is_cut_once() {
        let text = "api_key=sk-abcdefghijklmnopqrst!more next";
        assert_eq!(redacted(text), "api_key=[redacted: named secret] next");
        let own = [("number", r"\d{4}"), ("pair", r"\d{4} (\d{4})")];
        let redactor = Redactor::with(own.into_iter()).unwrap();
        assert_eq!(redactor.redact("a 1234 5678 b"), "a [redacted: number] [redacted: number] b");
    }

    #[test]
    fn bodies_stay_json_and_are_otherwise_untouched() {
        let own = [("line", "(?s)alpha.omega"), ("quote", "\"q\"")];
        let redactor = Redactor::with(own.into_iter()).unwrap();
        let body = "{ \"a\":1.50, \"b\": [\"alpha\\nomega\", \"\\u0041\"], \"c\\\"\": \"say \\\"q\\\" \\\\\", \"n\":12345678901234567890 }";
        let expected = "{ \"a\":1.50, \"b\": [\"[redacted: line]\", \"\\u0041\"], \"c\\\"\": \"say [redacted: quote] \\\\\", \"n\":12345678901234567890 }";
        assert_eq!(redactor.redact_body(body), expected);
        assert!(matches!(redactor.redact_body("{\"a\": \"\\u0041\\/ü\"}"), Cow::Borrowed(_)));
    }

    #[test]
    fn patterns_that_cannot_work_are_refused_with_their_reason() {
        for (name, pattern, expected) in [
            ("a", "(", "unclosed group"),
            ("a", "", "is empty"),
            ("a", "x*", "empty text"),
            ("", "x", "its name needs"),
            ("a]\"", "x", "its name needs"),
            ("a", r"\w{1000}{1000}", "size limit"),
            ("a", r"(a)\1", "backreferences are not supported"),
        ] {
            let error = Redactor::with([(name, pattern)].into_iter()).unwrap_err();
            assert!(error.to_string().contains(expected), "{pattern}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_json_stays_json(text in "[ -~\\n\"\\\\ü€]{0,60}", secret in "sk-[a-z]{16,20}") {
            let value = serde_json::json!({ text.clone(): [text.clone(), secret, 1.5, null], "k": { "x": format!("{text} {secret}") } });
            let written = value.to_string();
            let redacted = Redactor::built_in().redact_body(&written);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&redacted).is_ok());
            prop_assert!(!redacted.contains(&secret));
        }
    }
}
