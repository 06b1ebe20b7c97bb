//! How many requests are under way: from their head until the last byte of their answer is handed to the socket, or until
//! whoever asked has left.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use http::Response;
use hyper::body::{Body, Frame, SizeHint};

/// The requests of a listener, for whoever counts them.
///
/// The counter is how many clones there are of one `UnderWay`, which all that look at it share.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<UnderWay>);

/// Held by a request for as long as it is under way: beginning and ending are one atomic addition and one subtraction, and
/// no way out of a request forgets the second.
#[derive(Debug, Clone, Default)]
struct UnderWay(Arc<()>);

impl Requests {
    /// How many are under way.
    pub fn under_way(&self) -> usize {
        // One of them is our own.
        Arc::strong_count(&self.0.0).saturating_sub(1)
    }

    /// Counts a request while its answer is made, and then while its body is sent.
    pub(super) fn counting<B, F: Future<Output = Result<Response<B>, Infallible>>>(
        &self,
        answer: F,
    ) -> impl Future<Output = Result<Response<Counted<B>>, Infallible>> + use<B, F> {
        let guard = UnderWay::clone(&self.0);
        answer.map(move |answered| answered.map(|response| response.map(|body| Counted { body, _guard: guard })))
    }
}

/// A body whose request is under way until it has been sent or dropped.
pub(super) struct Counted<B> {
    body: B,
    _guard: UnderWay,
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn a_request_counts_until_its_body_is_gone_or_nobody_waits_for_it() {
        let requests = Requests::default();
        let looking = requests.clone();
        assert_eq!(looking.under_way(), 0, "whoever looks is no request");
        let answered = requests.counting(ready(Ok(Response::new("body"))));
        let never = requests.counting::<&str, _>(pending());
        assert_eq!(looking.under_way(), 2);
        let Some(Ok(response)) = answered.now_or_never() else { panic!("it is ready") };
        assert_eq!(looking.under_way(), 2, "its body is still to be sent");
        drop(response);
        assert_eq!(looking.under_way(), 1);
        drop(never);
        assert_eq!(looking.under_way(), 0);
    }
}
