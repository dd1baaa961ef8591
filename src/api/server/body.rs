//! A request's body whose client may not stop in the middle.

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// The body. It fails when nothing more of it comes in time, so that a half-sent request holds its connection, and what
/// its handler holds, no longer than that.
pub struct Patient {
    body: Incoming,
    within: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    /// Wraps a body, each piece of which has to come within a time.
    pub const fn new(body: Incoming, within: Duration) -> Self {
        Self {
            body,
            within,
            stalled: None,
        }
    }
}

impl Body for Patient {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.stalled = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let within = self.within;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(within)));
        stalled
            .as_mut()
            .poll(cx)
            .map(|()| Some(Err(std::io::Error::from(ErrorKind::TimedOut).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
