//! Ends what is open when its key ends: answers that are streamed, and requests that wait. Followers of the journal look at
//! their keys themselves.

use std::task::Poll;
use std::time::Duration;

use axum::Error;
use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use futures_util::future::Fuse;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Access;
use super::auth::Caller;
use crate::api::http::problem::{Code, Problem};

/// Interval of the checks of a key while something is open. It finds revocations by other processes, which wake up nobody.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Mark of an answer that ends by itself when its key does.
#[derive(Clone, Copy)]
pub struct EndsByItself;

/// The reason why an answer breaks off.
#[derive(Debug, thiserror::Error)]
#[error("the key is revoked or expired, or has lost a right")]
struct KeyEnded;

impl Access {
    /// Waits until the caller's key has ended, or any of their rights. `revoked` was subscribed before the caller was checked,
    /// so that no revocation falls between the two.
    async fn end_of(&self, caller: &Caller, mut revoked: watch::Receiver<u64>) {
        let expired = caller.expiry(&*self.clock);
        tokio::pin!(expired);
        let mut ticks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // The sender lives as long as we do.
                _ = revoked.changed() => {}
                _ = ticks.tick() => {}
                () = &mut expired => return,
            }
            match self.is_still_valid(caller).await {
                Ok(true) => {}
                Ok(false) => return,
                // A database that fails for a moment breaks off no backup of hours.
                Err(error) => {
                    tracing::warn!(key = %caller.key, "a key could not be looked at, and is at the next tick: {error}");
                }
            }
        }
    }

    /// Waits for something that a request asks for. A problem (401) if the caller's key ends before.
    pub async fn unless_ended<T>(&self, caller: &Caller, wanted: impl Future<Output = T>) -> Result<T, Problem> {
        let mut revoked = self.revoked();
        // The key may have been revoked since the request was let in.
        revoked.mark_changed();
        tokio::select! {
            biased;
            found = wanted => Ok(found),
            () = self.end_of(caller, revoked) => Err(Problem::new(
                Code::Unauthenticated,
                "the key was revoked, has expired or has lost a right; use another key",
            )),
        }
    }

    /// Returns an answer whose body, if it is a stream, breaks off when the caller's key ends: the client sees a broken transfer,
    /// and does not take a part for the whole. `revoked`: as of [`Self::end_of`].
    pub fn bound_to_key(&self, caller: Caller, revoked: watch::Receiver<u64>, answer: Response) -> Response {
        let is_at_hand = answer.body().size_hint().exact().is_some();
        if is_at_hand || answer.extensions().get::<EndsByItself>().is_some() {
            return answer;
        }
        let mut end = self.watch_of(caller, revoked);
        answer.map(|body| {
            let mut pieces = Some(body.into_data_stream());
            Body::from_stream(stream::poll_fn(move |context| {
                let Some(open) = &mut pieces else {
                    return Poll::Ready(None);
                };
                // Without a watch, the server stops, and ends its connections itself.
                if matches!(end.poll_unpin(context), Poll::Ready(Ok(()))) {
                    pieces = None;
                    return Poll::Ready(Some(Err(Error::new(KeyEnded))));
                }
                open.poll_next_unpin(context)
            }))
        })
    }

    /// Waits for the end of a key in a task of its own, for as long as the receiver is there. What asks the database must not be
    /// part of a body: nobody polls that while its client does not read, and it would keep a connection from everybody.
    fn watch_of(&self, caller: Caller, revoked: watch::Receiver<u64>) -> Fuse<oneshot::Receiver<()>> {
        let (mut ended, end) = oneshot::channel();
        let access = self.clone();
        self.supervisor.spawn_short("watch of a key", async move {
            let is_ended = tokio::select! {
                () = ended.closed() => false,
                () = access.end_of(&caller, revoked) => true,
            };
            if is_ended {
                // The answer may be over by now.
                let _ = ended.send(());
            }
        });
        end.fuse()
    }
}
