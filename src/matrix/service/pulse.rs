//! Notices at once that the homeserver was away, however soon it is back: a request waits at it all the time, which breaks when
//! it is killed. What it had not pushed by then is asked for before anything newer is taken in.
//!
//! The request is a sync of a user of ours who is in no room, so that nothing that happens wakes it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use matrix_sdk::ruma::api::client::sync::sync_events::v3::Request;
use matrix_sdk::ruma::presence::PresenceState;
use tokio_util::sync::CancellationToken;

use super::inner::Inner;
use super::session::Session;
use crate::domain::CustomerId;
use crate::matrix::wire::{Fault, position_filter};

/// How long a request waits at the homeserver.
const WAIT: Duration = Duration::from_secs(30);
/// Deadline of a request.
const WITHIN: Duration = Duration::from_secs(75);
/// Interval between two requests, at least, also if the homeserver does not let them wait.
const BETWEEN: Duration = Duration::from_secs(1);
/// No customer has this number.
const NOBODY: CustomerId = CustomerId(0);

/// Keeps a request waiting at the homeserver until `stopping`. The connection is told of each that breaks.
pub(super) async fn watch(inner: Arc<Inner>, stopping: CancellationToken) -> anyhow::Result<()> {
    tokio::select! {
        () = stopping.cancelled() => Ok(()),
        never = keep_waiting(&inner) => match never {},
    }
}

async fn keep_waiting(inner: &Inner) -> Infallible {
    let mut position: Option<String> = None;
    loop {
        inner.connection.until_ready().await;
        let Ok(session) = inner.connection.client() else {
            // It is closing.
            tokio::time::sleep(BETWEEN).await;
            continue;
        };
        let pause = if position.is_some() { BETWEEN } else { Duration::ZERO };
        let beat = inner.connection.within(WITHIN, beat(&session, position.take()));
        let (beat, ()) = tokio::join!(beat, tokio::time::sleep(pause));
        match beat {
            Ok(reached) => position = Some(reached),
            // Whatever it refuses, it is there.
            Err(_) if inner.connection.client().is_ok() => tokio::time::sleep(BETWEEN).await,
            Err(_) => {}
        }
    }
}

/// Waits at the homeserver, and returns the position for the next time. The first time it does not wait.
async fn beat(session: &Session, position: Option<String>) -> Result<String, Fault> {
    let nobody = session.ghost(NOBODY)?;
    if position.is_none() {
        session.make_user(&nobody).await?;
    }
    let mut request = Request::new();
    request.timeout = position.is_some().then_some(WAIT);
    request.since = position;
    request.filter = Some(position_filter().into());
    request.set_presence = PresenceState::Offline;
    Ok(session.acting_as(&nobody).send(request).await?.next_batch)
}
