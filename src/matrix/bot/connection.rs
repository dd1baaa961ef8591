//! The connection to the homeserver: opened, watched, and reopened with a growing pause. Calls get the client from it
//! and report their failures to it.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use matrix_sdk::Client;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::login::LoginError;
use super::{cross_signing, login};
use crate::domain::MatrixUserId;
use crate::domain::matrix::{MatrixError, MatrixState, MatrixStatus};
use crate::matrix::options::MatrixOptions;
use crate::matrix::wire::Fault;

/// First pause before a homeserver that is down is tried again; doubled each time up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Pause after a refused login: a person has to act first, and a homeserver locks out clients that try too often.
const REFUSED_PAUSE: Duration = Duration::from_mins(1);

/// The connection's state and client.
pub(super) struct Connection {
    status: watch::Sender<MatrixStatus>,
    client: Mutex<Option<Client>>,
    closed: CancellationToken,
}

impl Connection {
    /// Returns a connection that is not open yet; see [`Self::run`].
    pub(super) fn new() -> Self {
        let status = MatrixStatus {
            state: MatrixState::Starting,
            detail: None,
            user: None,
        };
        Self {
            status: watch::Sender::new(status),
            client: Mutex::new(None),
            closed: CancellationToken::new(),
        }
    }

    /// Subscribes to the status.
    pub(super) fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.status.subscribe()
    }

    /// Returns the client if the connection is ready, else an error at once: a call never waits for a connection.
    pub(super) fn client(&self) -> Result<Client, MatrixError> {
        let status = self.status.borrow();
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match client {
            Some(client) if status.state == MatrixState::Ready => Ok(client),
            _ => Err(MatrixError::Unreachable {
                why: status
                    .detail
                    .clone()
                    .unwrap_or_else(|| format!("the connection is {}", status.state)),
                retry_after: None,
            }),
        }
    }

    /// Updates the status after a failed call, if the failure concerns the whole connection.
    pub(super) fn report(&self, fault: &Fault) {
        let state = match fault {
            Fault::Network(_) => MatrixState::Unreachable,
            Fault::LoggedOut(_) => MatrixState::Refused,
            _ => return,
        };
        self.status.send_if_modified(|status| {
            // Only a ready connection is set to failed: a late failure must not overwrite a newer status.
            let was_ready = status.state == MatrixState::Ready;
            if was_ready {
                tracing::warn!("the connection to the homeserver is lost: {fault}");
                status.state = state;
                status.detail = Some(fault.to_string());
            }
            was_ready
        });
    }

    /// Closes the connection for good.
    pub(super) fn close(&self) {
        self.closed.cancel();
        self.drop_client();
    }

    /// Keeps the connection open until `stopping` or [`Self::close`].
    pub(super) async fn run(&self, options: &MatrixOptions, stopping: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = self.closed.cancelled() => {}
            never = self.maintain(options) => match never {},
        }
        self.drop_client();
        stopping.cancelled().await;
        Ok(())
    }

    async fn maintain(&self, options: &MatrixOptions) -> Infallible {
        let mut pause = FIRST_PAUSE;
        let client = loop {
            match login::open(options).await {
                Ok(client) => break client,
                Err(error) => pause = self.back_off(error, pause).await,
            }
        };
        let user = client.user_id().map(|user| MatrixUserId(user.to_string()));
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        loop {
            match verify(&client, options).await {
                Ok(()) => {
                    tracing::info!("connected to the homeserver");
                    self.set(MatrixState::Ready, None, user.clone());
                    pause = FIRST_PAUSE;
                    self.until_lost().await;
                }
                Err(error) => pause = self.back_off(error, pause).await,
            }
        }
    }

    /// Publishes why there is no connection and waits. Returns the next pause.
    async fn back_off(&self, error: LoginError, pause: Duration) -> Duration {
        let is_passing = matches!(error, LoginError::Homeserver(Fault::Network(_) | Fault::Busy { .. }));
        let state = if is_passing {
            MatrixState::Unreachable
        } else {
            MatrixState::Refused
        };
        let user = self.status.borrow().user.clone();
        self.set(state, Some(error.to_string()), user);
        if is_passing {
            tokio::time::sleep(pause).await;
            (pause * 2).min(MAX_PAUSE)
        } else {
            tokio::time::sleep(REFUSED_PAUSE).await;
            FIRST_PAUSE
        }
    }

    fn set(&self, state: MatrixState, detail: Option<String>, user: Option<MatrixUserId>) {
        let status = MatrixStatus { state, detail, user };
        self.status.send_if_modified(|now| {
            let is_changed = *now != status;
            if is_changed && let Some(detail) = &status.detail {
                tracing::warn!(state = %status.state, "no connection to the homeserver: {detail}");
            }
            *now = status;
            is_changed
        });
    }

    async fn until_lost(&self) {
        let mut status = self.status.subscribe();
        // The sender lives in `self`, so the wait cannot fail.
        let _ = status.wait_for(|status| status.state != MatrixState::Ready).await;
    }

    fn drop_client(&self) {
        let gone = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(gone);
        self.set(MatrixState::Off, None, None);
    }
}

/// Checks that the homeserver knows our session, and that our device is signed.
async fn verify(client: &Client, options: &MatrixOptions) -> Result<(), LoginError> {
    match client.whoami().await.map_err(Fault::from) {
        Ok(_) => {}
        Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => return Err(passing.into()),
        Err(Fault::LoggedOut(why)) => {
            return Err(LoginError::Session {
                folder: options.folder.display().to_string(),
                why: format!("the homeserver no longer knows it: {why}"),
            });
        }
        Err(fault) => return Err(LoginError::Refused(fault.to_string())),
    }
    match cross_signing::ensure(client, options).await {
        Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => Err(passing.into()),
        Err(fault) => {
            // Not fatal: agents see a warning beside our messages, which is better than no messages.
            tracing::warn!(
                "could not sign the bot's Matrix device: {fault}; agents will see a warning beside its messages"
            );
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
