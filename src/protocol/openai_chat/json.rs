//! Appending JSON to a buffer.

use serde::Serialize;

/// Appends `value` as JSON.
///
/// The values written by this folder are texts, numbers and structs of them, which always serialise;
/// should one ever not, `null` stands in its place rather than a broken body.
pub(super) fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let before = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(before);
        out.extend_from_slice(b"null");
    }
}
