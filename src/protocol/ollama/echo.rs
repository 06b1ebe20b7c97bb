//! The client's own name for a model, put into answers that are forwarded as they are.

use std::borrow::Cow;

use super::response::line::write_json;

/// Replaces the model's name where Ollama writes it: as the first key of every answer and line.
#[derive(Debug, Clone)]
pub struct ModelEcho {
    /// The name as JSON, with its quotes.
    name: Vec<u8>,
}

impl ModelEcho {
    /// Answers shall carry this name.
    pub fn new(name: &str) -> Self {
        let mut json = Vec::with_capacity(name.len() + 2);
        write_json(name, &mut json);
        Self { name: json }
    }

    /// A line or whole answer with the name replaced; borrowed when it has the name already or does not begin with one.
    pub fn apply<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        match self.other_name(line) {
            None => Cow::Borrowed(line),
            Some((start, end)) => Cow::Owned([&line[..start], &self.name, &line[end..]].concat()),
        }
    }

    /// Appends to `out` what [`ModelEcho::apply`] gives: lines of a stream go straight into their buffer.
    pub fn apply_to(&self, line: &[u8], out: &mut Vec<u8>) {
        match self.other_name(line) {
            None => out.extend_from_slice(line),
            Some((start, end)) => {
                for piece in [&line[..start], &self.name, &line[end..]] {
                    out.extend_from_slice(piece);
                }
            }
        }
    }

    /// Where a name stands that is not ours.
    fn other_name(&self, line: &[u8]) -> Option<(usize, usize)> {
        name_place(line).filter(|&(start, end)| line[start..end] != self.name)
    }
}

/// Where the name stands with its quotes, when `model` is the first key. Ollama writes no spaces, servers that imitate it do.
fn name_place(line: &[u8]) -> Option<(usize, usize)> {
    let rest = line.trim_ascii_start().strip_prefix(b"{")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"model\"")?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let length = string_length(rest.strip_prefix(b"\"")?)?;
    let start = line.len() - rest.len();
    Some((start, start + length + 2))
}

/// Bytes up to the quote that ends a JSON string.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_at_the_start_is_replaced() {
        let echo = ModelEcho::new("my \"m\"");
        let line = br#"{"model":"a\"b\\","response":"{\"model\":\"a\"","done":false}"#;
        let wanted = br#"{"model":"my \"m\"","response":"{\"model\":\"a\"","done":false}"#;
        assert_eq!(echo.apply(line).as_ref(), wanted);
        let mut appended = b"{}\n".to_vec();
        echo.apply_to(line, &mut appended);
        echo.apply_to(wanted, &mut appended);
        assert_eq!(appended, [b"{}\n", &wanted[..], wanted].concat());
        assert!(matches!(echo.apply(wanted), Cow::Borrowed(same) if same == wanted));
        assert_eq!(
            ModelEcho::new("b").apply(b"{ \"model\": \"a\", \"x\": 1}").as_ref(),
            b"{ \"model\": \"b\", \"x\": 1}"
        );
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        let echo = ModelEcho::new("m");
        for line in [&b"{\"error\":\"x\"}\n"[..], b"", b"{\"model\":\"x", b"{\"model\":\"x\\", b"{\"model\":7}"] {
            assert!(matches!(echo.apply(line), Cow::Borrowed(same) if same == line));
        }
    }
}
