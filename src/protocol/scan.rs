//! The top level of a JSON object in one pass: its fields' names and where their values stand.
//!
//! Every byte of the object is checked against JSON's grammar, but nothing is built, so that a long prompt costs
//! little. Only the answer to "is this an object?" is given: who wants to know what is wrong asks `serde_json`, which
//! accepts the same texts (the tests hold both against each other).

use std::borrow::Cow;
use std::ops::Range;
use std::str::Utf8Error;

/// Values nested deeper than this are refused, as everywhere else in the program.
pub const MAX_DEPTH: usize = 128;

/// A field's name, and its value as it stands in the text.
pub(super) type Field<'a> = (Cow<'a, str>, &'a str);

/// The bytes as text.
///
/// # Errors
/// The place of what is not UTF-8.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Utf8Error> {
    // The fast check says yes or no, the standard library's says where.
    simdutf8::basic::from_utf8(bytes).or_else(|_| std::str::from_utf8(bytes))
}

/// The fields of the object that `text` begins with; whatever follows it is ignored.
/// `None` when there is none, when it is broken, or nested deeper than [`MAX_DEPTH`].
pub(super) fn object(text: &str) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::with_capacity(16);
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    if scanner.peek()? != b'{' {
        return None;
    }
    scanner.object(MAX_DEPTH, |key, value| {
        fields.push((name(&text[key])?, &text[value]));
        Some(())
    })?;
    Some(fields)
}

/// A name that is borrowed where it has no escapes. `None` for half a surrogate pair, which is no text.
fn name(quoted: &str) -> Option<Cow<'_, str>> {
    match quoted.contains('\\') {
        true => serde_json::from_str(quoted).ok().map(Cow::Owned),
        false => Some(Cow::Borrowed(&quoted[1..quoted.len() - 1])),
    }
}

/// Walks over JSON. `None` means that it is broken; then where the walk stopped means nothing.
struct Scanner<'a> {
    /// UTF-8, so that strings need not be looked at for it.
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.bytes.get(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Any value; `levels` are left for what nests.
    fn value(&mut self, levels: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' => self.object(levels, |_, _| Some(())),
            b'[' => self.array(levels),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => None,
        }
    }

    /// From `{` to past `}`; `member` is told where each key, with its quotes, and each value stand.
    fn object(
        &mut self,
        levels: usize,
        mut member: impl FnMut(Range<usize>, Range<usize>) -> Option<()>,
    ) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            if self.peek()? != b'"' {
                return None;
            }
            let key = self.at;
            self.string()?;
            let key = key..self.at;
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            self.peek()?;
            let value = self.at;
            self.value(levels)?;
            member(key, value..self.at)?;
            if self.ends(b'}')? {
                return Some(());
            }
        }
    }

    /// From `[` to past `]`.
    fn array(&mut self, levels: usize) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.value(levels)?;
            if self.ends(b']')? {
                return Some(());
            }
        }
    }

    /// After a value: past the comma (false) or past the closing bracket (true).
    fn ends(&mut self, bracket: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(false),
            _ if byte == bracket => Some(true),
            _ => None,
        }
    }

    /// From a quotation mark to past the one that closes.
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.plain_text();
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                // A control character, which has to be escaped.
                _ => return None,
            }
        }
    }

    /// From a backslash to past what it escapes. Half a surrogate pair passes: it is well formed, though no text.
    fn escape(&mut self) -> Option<()> {
        match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' if self.bytes.get(self.at + 2..self.at + 6)?.iter().all(u8::is_ascii_hexdigit) => self.at += 6,
            _ => return None,
        }
        Some(())
    }

    /// To the next [`is_special`] byte or the end. This is where the time goes.
    fn plain_text(&mut self) {
        while let Some(chunk) = self.bytes[self.at..].first_chunk::<16>() {
            // Written without a way out between the bytes, so that the compiler looks at all of them at once.
            if chunk.iter().fold(false, |any, byte| any | is_special(*byte)) {
                self.at += first_special(*chunk);
                return;
            }
            self.at += chunk.len();
        }
        while self.bytes.get(self.at).is_some_and(|byte| !is_special(*byte)) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<()> {
        self.past(b'-');
        // No digit follows a leading zero: a number ends there, and what comes then is looked at by `ends`.
        if !self.past(b'0') {
            self.digits()?;
        }
        if self.past(b'.') {
            self.digits()?;
        }
        if self.past(b'e') || self.past(b'E') {
            let _ = self.past(b'+') || self.past(b'-');
            self.digits()?;
        }
        Some(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Past this byte, if it is the next one.
    fn past(&mut self, byte: u8) -> bool {
        let is_next = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let is_next = self.bytes[self.at..].starts_with(word);
        self.at += word.len();
        is_next.then_some(())
    }
}

/// What ends a string, escapes, or must not stand in a string. Without short circuits, for the compiler's sake.
fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < b' ')
}

/// The place of the first special byte, of which there is one.
fn first_special(chunk: [u8; 16]) -> usize {
    const ONES: u128 = u128::MAX / 255;
    let bytes = u128::from_le_bytes(chunk);
    // All bytes at a time (Mycroft): a subtraction borrows into the highest bit of a byte that is too small, and then
    // from the next one, so that bytes above the first special one may be marked wrongly, but never one below it.
    // Another second bit makes `"` and the control characters neighbours: all that is up to 0x20.
    let quote_or_control = (bytes ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (bytes ^ (ONES * u128::from(b'\\'))).wrapping_sub(ONES);
    let marks = (quote_or_control | backslash) & !bytes & (ONES * 0x80);
    marks.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests;
