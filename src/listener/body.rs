//! Request bodies, collected with a running limit. The content type is not looked at.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

/// Why a body could not be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is larger than allowed.
    #[error("the request body is larger than {limit} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// The client stopped sending.
    #[error("the request body broke off")]
    BrokenOff,
}

/// Collects a body. One that announces too much is refused before it is read.
///
/// # Errors
/// [`BodyError`].
pub async fn collect<E>(
    headers: &HeaderMap,
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(BodyError::TooLarge { limit });
    }
    let Some(first) = body.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|_| BodyError::BrokenOff)?;
    // Most bodies come in one piece, which is used as it is.
    let Some(second) = body.next().await else {
        return if first.len() > limit { Err(BodyError::TooLarge { limit }) } else { Ok(first) };
    };
    let mut all = BytesMut::with_capacity(announced.unwrap_or(first.len() * 2).min(limit));
    all.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(|_| BodyError::BrokenOff)?;
        if all.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        all.extend_from_slice(&chunk);
        next = body.next().await;
    }
    Ok(all.freeze())
}
