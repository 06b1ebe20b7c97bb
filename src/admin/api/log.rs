//! The last lines of the log, and those to come.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use tokio::time::Instant;
use tracing::Level;
use warp::Reply as _;

use super::super::Shared;
use super::super::reply::Reply;
use super::{ApiError, flag};
use crate::log::RecentLog;
use crate::redaction::Redactor;

/// Whoever follows has to ask again after this time, so that a login that has ended does not see on.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// An empty line is sent after so much silence: nobody else would notice that the other side has gone.
const SILENCE: Duration = Duration::from_secs(15);

/// Somebody who watches.
struct Watch {
    log: Arc<RecentLog>,
    level: Level,
    /// In lower case.
    text: String,
    after: u64,
    follows: bool,
    until: Instant,
}

/// Lines of JSON: those there are, and with `follow` those to come. `level` and `q` leave out the others, `after` those
/// up to a number.
pub(super) fn watch(shared: &Shared, query: &str) -> Result<Reply, ApiError> {
    let mut watch = Watch {
        log: shared.instruments.log.clone(),
        level: Level::TRACE,
        text: String::new(),
        after: 0,
        follows: flag(query, "follow")?,
        until: Instant::now() + LONGEST,
    };
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let wrong = |expected: &str| ApiError::new(400, "query", format!("`{key}` is {expected}, not `{value}`"));
        match key {
            "level" => watch.level = value.parse().map_err(|_| wrong("error, warn, info, debug or trace"))?,
            "q" => {
                let spaced = value.replace('+', " ");
                let text = percent_decode_str(&spaced).decode_utf8().map_err(|_| wrong("a text in UTF-8"))?;
                watch.text = text.to_lowercase();
            }
            "after" => watch.after = value.parse().map_err(|_| wrong("the number `n` of a line"))?,
            "follow" => {}
            _ => {
                let message = format!("there is `level`, `q`, `after` and `follow`, not `{key}`");
                return Err(ApiError::new(400, "query", message));
            }
        }
    }
    if watch.after > watch.log.last() {
        // The number is from before the relay was started again.
        watch.after = 0;
    }
    let mut reply = warp::reply::stream(watch.lines()).into_response();
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    reply.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(reply)
}

impl Watch {
    fn lines(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(Some(self), |watch| async {
            let mut watch = watch?;
            let text = watch.next().await?;
            // Who does not follow has all there is.
            let next = watch.follows.then_some(watch);
            Some((Ok(Bytes::from(text)), next))
        })
    }

    async fn next(&mut self) -> Option<String> {
        loop {
            let log = self.log.clone();
            let mut added = pin!(log.added());
            // Before looking: what is added in between is not to be missed.
            added.as_mut().enable();
            let seen = self.after;
            let text = self.found()?;
            if !text.is_empty() || !self.follows {
                return Some(text);
            }
            if Instant::now() >= self.until {
                return None;
            }
            if self.after != seen {
                // Lines that were left out may have been the last ones.
                continue;
            }
            tokio::select! {
                () = added => {}
                () = tokio::time::sleep(SILENCE) => return Some("\n".to_owned()),
            }
        }
    }

    /// What is new; none: there will be no more.
    fn found(&mut self) -> Option<String> {
        let lines = self.log.after(self.after, self.level)?;
        let mut text = String::new();
        for line in lines {
            self.after = line.number;
            let json = line.json();
            if !self.text.is_empty() && !json.to_lowercase().contains(&self.text) {
                continue;
            }
            // Secrets should not have got here. If one has, this is where it stops.
            text.push_str(&Redactor::built_in().redact_body(&json));
            text.push('\n');
        }
        Some(text)
    }
}
