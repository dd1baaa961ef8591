//! The connection to the homeserver: opened, watched, and reopened with a growing pause. Calls get the client from it
//! and report their failures to it.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::wire::Fault;
use crate::domain::MatrixUserId;
use crate::domain::matrix::{MatrixError, MatrixState, MatrixStatus};

/// Deadline of a call with one request or a few.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(45);
/// Deadline of the creation of a room with its state and invitations.
pub const ROOM_TIMEOUT: Duration = Duration::from_mins(2);
/// Deadline of a file's upload.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);
/// First pause before a homeserver that is down is tried again; doubled each time up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Pause after a refused login: a person has to act first, and a homeserver locks out clients that try too often.
const REFUSED_PAUSE: Duration = Duration::from_mins(1);
/// Pause before a connection that works in part is checked again.
const TROUBLE_PAUSE: Duration = Duration::from_secs(10);

/// Says why we are not connected.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// A request failed.
    #[error("{0}")]
    Homeserver(#[from] Fault),
    /// The password login was refused.
    #[error("the homeserver refuses our login: {0}; check CRM_MATRIX_HOMESERVER, CRM_MATRIX_USER and the password")]
    Refused(String),
    /// The stored session cannot be used.
    #[error(
        "the Matrix session in {folder} cannot be used: {why}; to log in as a new device, end the server and delete that folder"
    )]
    Session {
        /// The session's folder.
        folder: String,
        /// The reason.
        why: String,
    },
    /// The homeserver makes no rooms of the configured version.
    #[error(
        "the homeserver makes no rooms of version {wanted}, only of {offered}; set CRM_MATRIX_ROOM_VERSION to one of these, or to \
         nothing for the homeserver's own"
    )]
    RoomVersion {
        /// The version that is configured.
        wanted: String,
        /// Versions that it offers.
        offered: String,
    },
    /// The homeserver does not know the application service.
    #[error("the homeserver refuses our registration: {0}; `crm matrix check` says what to do")]
    Registration(String),
}

/// Access to the homeserver, as a connection gives it to its calls.
pub struct Opened<C> {
    /// The client.
    pub client: C,
    /// Our user.
    pub user: Option<MatrixUserId>,
}

/// The connection's state and client.
pub struct Connection<C> {
    status: watch::Sender<MatrixStatus>,
    client: Mutex<Option<C>>,
    /// Number of times that the connection became ready.
    times_ready: AtomicU64,
    closed: CancellationToken,
}

impl<C: Clone> Connection<C> {
    /// Returns a connection that is not open yet; see [`Self::run`].
    pub fn new() -> Self {
        let status = MatrixStatus {
            state: MatrixState::Starting,
            detail: None,
            user: None,
        };
        Self {
            status: watch::Sender::new(status),
            client: Mutex::new(None),
            times_ready: AtomicU64::new(0),
            closed: CancellationToken::new(),
        }
    }

    /// Subscribes to the status.
    pub fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.status.subscribe()
    }

    /// Returns the client if the connection is ready, else an error at once: a call never waits for a connection.
    pub fn client(&self) -> Result<C, MatrixError> {
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

    /// Returns how often the connection became ready. As long as the number stays, the homeserver was not away.
    pub fn times_ready(&self) -> u64 {
        self.times_ready.load(Ordering::SeqCst)
    }

    /// Waits until the connection is ready, at most so long, and returns the client.
    pub async fn ready_within(&self, limit: Duration) -> Result<C, MatrixError> {
        // In vain: the client's error says why.
        let _ = tokio::time::timeout(limit, self.until_ready()).await;
        self.client()
    }

    /// Waits until the connection is ready.
    pub async fn until_ready(&self) {
        let mut status = self.status.subscribe();
        // The sender lives in `self`, so the wait cannot fail.
        let _ = status.wait_for(|status| status.state == MatrixState::Ready).await;
    }

    /// Updates the status after a failed call, if the failure concerns the whole connection.
    fn report(&self, fault: &Fault) {
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

    /// Runs the work under a deadline, and reports its failure.
    pub async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, MatrixError> {
        let done = tokio::time::timeout(limit, work).await;
        let done = done.unwrap_or_else(|_| {
            Err(Fault::Network(format!(
                "the homeserver did not answer within {} s",
                limit.as_secs()
            )))
        });
        done.map_err(|fault| {
            self.report(&fault);
            fault.into()
        })
    }

    /// Closes the connection for good.
    pub fn close(&self) {
        self.closed.cancel();
        self.drop_client();
    }

    /// Keeps the connection open until `stopping` or [`Self::close`]. `open` makes the client; `verify` checks that the
    /// homeserver knows us, and returns what does not work although we are connected.
    pub async fn run<O, V>(
        &self,
        open: impl Fn() -> O,
        verify: impl Fn(C) -> V,
        stopping: CancellationToken,
    ) -> anyhow::Result<()>
    where
        O: Future<Output = Result<Opened<C>, LoginError>>,
        V: Future<Output = Result<Option<String>, LoginError>>,
    {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = self.closed.cancelled() => {}
            never = self.maintain(open, verify) => match never {},
        }
        self.drop_client();
        stopping.cancelled().await;
        Ok(())
    }

    async fn maintain<O, V>(&self, open: impl Fn() -> O, verify: impl Fn(C) -> V) -> Infallible
    where
        O: Future<Output = Result<Opened<C>, LoginError>>,
        V: Future<Output = Result<Option<String>, LoginError>>,
    {
        let mut pause = FIRST_PAUSE;
        let Opened { client, user } = loop {
            match open().await {
                Ok(opened) => break opened,
                Err(error) => pause = self.back_off(error, pause).await,
            }
        };
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        loop {
            match verify(client.clone()).await {
                Ok(None) => {
                    tracing::info!("connected to the homeserver");
                    self.set(MatrixState::Ready, None, user.clone());
                    pause = FIRST_PAUSE;
                    self.until_lost().await;
                }
                Ok(Some(trouble)) => {
                    self.set(MatrixState::Ready, Some(trouble), user.clone());
                    pause = FIRST_PAUSE;
                    tokio::select! {
                        () = self.until_lost() => {}
                        () = tokio::time::sleep(TROUBLE_PAUSE) => {}
                    }
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
                tracing::warn!(state = %status.state, "the connection to the homeserver: {detail}");
            }
            // Before anybody can see that it is ready.
            if now.state != MatrixState::Ready && status.state == MatrixState::Ready {
                self.times_ready.fetch_add(1, Ordering::SeqCst);
            }
            *now = status;
            is_changed
        });
    }

    /// Waits until the connection is not ready, or was not since it became ready for the `known`th time.
    pub async fn until_changed(&self, known: u64) {
        let mut status = self.status.subscribe();
        let is_other = |status: &MatrixStatus| status.state != MatrixState::Ready || self.times_ready() != known;
        // The sender lives in `self`, so the wait cannot fail.
        let _ = status.wait_for(is_other).await;
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
