//! The connection's life: it comes up, is lost, is tried again with a growing pause. Everybody else asks it for the client,
//! and tells it what went wrong.

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

/// Between two tries to reach a homeserver that is down: the first pause, doubled up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// After a refusal: somebody has to do something first, and a homeserver locks out who tries too often.
const REFUSED_PAUSE: Duration = Duration::from_mins(1);

pub(super) struct Link {
    status: watch::Sender<MatrixStatus>,
    client: Mutex<Option<Client>>,
    closed: CancellationToken,
}

impl Link {
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

    pub(super) fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.status.subscribe()
    }

    /// The client, while the homeserver answers. Otherwise an error at once: a call never waits for a connection.
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

    /// Hears how a call failed; what concerns the connection as a whole becomes its state.
    pub(super) fn note(&self, fault: &Fault) {
        let state = match fault {
            Fault::Network(_) => MatrixState::Unreachable,
            Fault::LoggedOut(_) => MatrixState::Refused,
            _ => return,
        };
        self.status.send_if_modified(|status| {
            // Only what was well can become unwell; a late failure does not overwrite what is known by now.
            let is_news = status.state == MatrixState::Ready;
            if is_news {
                tracing::warn!("the connection to the homeserver is lost: {fault}");
                status.state = state;
                status.detail = Some(fault.to_string());
            }
            is_news
        });
    }

    pub(super) fn close(&self) {
        self.closed.cancel();
        self.drop_client();
    }

    /// Holds the connection until `stopping`.
    pub(super) async fn run(&self, options: &MatrixOptions, stopping: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = self.closed.cancelled() => {}
            never = self.keep_up(options) => match never {},
        }
        self.drop_client();
        stopping.cancelled().await;
        Ok(())
    }

    async fn keep_up(&self, options: &MatrixOptions) -> Infallible {
        let mut pause = FIRST_PAUSE;
        let client = loop {
            match login::open(options).await {
                Ok(client) => break client,
                Err(error) => pause = self.suffer(error, pause).await,
            }
        };
        let user = client.user_id().map(|user| MatrixUserId(user.to_string()));
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        loop {
            match prove(&client, options).await {
                Ok(()) => {
                    tracing::info!("connected to the homeserver");
                    self.set(MatrixState::Ready, None, user.clone());
                    pause = FIRST_PAUSE;
                    self.until_trouble().await;
                }
                Err(error) => pause = self.suffer(error, pause).await,
            }
        }
    }

    /// Publishes why there is no connection, waits, and gives the next pause.
    async fn suffer(&self, error: LoginError, pause: Duration) -> Duration {
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
            (pause * 2).min(LAST_PAUSE)
        } else {
            tokio::time::sleep(REFUSED_PAUSE).await;
            FIRST_PAUSE
        }
    }

    fn set(&self, state: MatrixState, detail: Option<String>, user: Option<MatrixUserId>) {
        let status = MatrixStatus { state, detail, user };
        self.status.send_if_modified(|now| {
            let is_news = *now != status;
            if is_news && let Some(detail) = &status.detail {
                tracing::warn!(state = %status.state, "no connection to the homeserver: {detail}");
            }
            *now = status;
            is_news
        });
    }

    async fn until_trouble(&self) {
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

/// Asks the homeserver whether it knows us, and sees to our identity.
async fn prove(client: &Client, options: &MatrixOptions) -> Result<(), LoginError> {
    match client.whoami().await.map_err(Fault::from) {
        Ok(_) => {}
        Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => return Err(passing.into()),
        Err(Fault::LoggedOut(why)) => {
            return Err(LoginError::Kept {
                folder: options.folder.display().to_string(),
                why: format!("the homeserver no longer knows it: {why}"),
            });
        }
        Err(fault) => return Err(LoginError::Refused(fault.to_string())),
    }
    match cross_signing::ensure(client, options).await {
        Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => Err(passing.into()),
        Err(fault) => {
            // Agents then see a warning beside our messages, which is better than no messages.
            tracing::warn!("our Matrix device could not be signed; agents will see a warning: {fault}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
