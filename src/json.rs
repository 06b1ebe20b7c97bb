//! JSON for what is written with every answer.
//!
//! `serde_json` looks at every byte of a text in turn, names of members included. Here names are trusted, and a text is
//! looked at eight bytes at a time; whatever needs escapes goes to `serde_json`.

use serde::Serialize;

/// Appends a text.
pub fn text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let (chunks, rest) = bytes.as_chunks::<8>();
    if chunks.iter().any(|chunk| must_be_escaped(chunk)) || must_be_escaped(rest) {
        return value(out, text);
    }
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    out.extend_from_slice(bytes);
    out.push(b'"');
}

/// Appends anything that JSON can hold.
pub fn value(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Writing to a Vec cannot fail, and neither can turning texts and numbers into JSON.
    let _ = serde_json::to_writer(out, value);
}

/// Appends a list.
pub fn list<T>(out: &mut Vec<u8>, items: &[T], append: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        append(out, item);
    }
    out.push(b']');
}

/// Appends an object, whose members the function adds.
pub fn object(out: &mut Vec<u8>, add_members: impl FnOnce(&mut Members<'_>)) {
    out.push(b'{');
    add_members(&mut Members { out, is_first: true });
    out.push(b'}');
}

/// Members being added to an object. Their names must be such as need no escapes.
#[derive(Debug)]
pub struct Members<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl Members<'_> {
    /// Adds a text.
    #[inline]
    pub fn text(&mut self, name: &str, member: &str) {
        text(self.named(name), member);
    }

    /// Adds a text if there is one.
    #[inline]
    pub fn optional_text(&mut self, name: &str, member: Option<&str>) {
        if let Some(member) = member {
            self.text(name, member);
        }
    }

    /// Adds anything that JSON can hold.
    #[inline]
    pub fn value(&mut self, name: &str, member: &(impl Serialize + ?Sized)) {
        value(self.named(name), member);
    }

    /// Adds anything that JSON can hold if it is there.
    #[inline]
    pub fn optional(&mut self, name: &str, member: Option<&impl Serialize>) {
        if let Some(member) = member {
            self.value(name, member);
        }
    }

    /// Adds the name; its value is to be appended to what is returned.
    #[inline]
    pub fn named(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }
}

/// Without a jump for each byte, so that the compiler can look at all of them at once.
#[inline]
fn must_be_escaped(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| found | (*byte < b' ') | (*byte == b'"') | (*byte == b'\\'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_written_as_serde_json_writes_them(written in "[ -~\\x00-\\x1f\"\\\\ü€😀]{0,80}") {
            let mut out = Vec::new();
            text(&mut out, &written);
            prop_assert_eq!(out, serde_json::to_vec(&written).unwrap());
        }
    }

    #[test]
    fn lists_and_objects_have_their_commas() {
        let mut out = Vec::new();
        object(&mut out, |members| {
            list(members.named("none"), &[] as &[u8], value);
            list(members.named("two"), &["a", "b"], |out, item| text(out, item));
            members.optional("absent", None::<&u8>);
            members.optional_text("said", Some("x\n"));
            object(members.named("inner"), |_| {});
        });
        assert_eq!(out, br#"{"none":[],"two":["a","b"],"said":"x\n","inner":{}}"#);
    }
}
