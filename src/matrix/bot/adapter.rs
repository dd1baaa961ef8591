//! The port's implementation: each call gets the client, runs under a deadline, and reports its failure to the
//! connection.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use matrix_sdk::{Client, reqwest};
use tokio::sync::{Mutex, Semaphore, watch};

use super::invitations::Invitations;
use super::sdk_sync::SdkSync;
use super::sync::{SYNC_TIMEOUT, Standing};
use super::{files, login, send, sync};
use crate::domain::matrix::{
    Matrix, MatrixError, MatrixStatus, RoomBatch, RoomContent, RoomEvent, RoomFileError, RoomMark, RoomSpec, SentFile,
    Speaker, TxnId,
};
use crate::domain::media::Sink;
use crate::domain::moving::Logins;
use crate::domain::{CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId};
use crate::matrix::connection::{CALL_TIMEOUT, Connection, Opened, ROOM_TIMEOUT, UPLOAD_TIMEOUT};
use crate::matrix::download;
use crate::matrix::options::MatrixOptions;
use crate::matrix::rooms::{self, Caller, Rooms, Team};
use crate::matrix::wire::{event_id, room_id};
use crate::supervisor::Supervisor;

/// Maximum time a send waits for the first sync of this run.
const FIRST_SYNC_TIMEOUT: Duration = Duration::from_secs(5);
/// Number of files that are uploaded at once.
const UPLOADS: usize = 2;

/// Our user on a real homeserver. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct Bot {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) options: MatrixOptions,
    pub(super) connection: Connection<Client>,
    /// Users that are or were this desk's own.
    pub(super) logins: std::sync::Mutex<Logins>,
    supervisor: Supervisor,
    rooms: Rooms,
    invitations: Invitations,
    /// Held during a sync: one at a time.
    standing: Mutex<Standing>,
    sdk: SdkSync,
    /// Client for files, which are too large for the SDK's.
    http: reqwest::Client,
    /// Held during an upload, whose file is in memory as a whole.
    uploads: Semaphore,
    /// Whether the SDK's keys and members are up to date.
    synced: watch::Sender<bool>,
}

impl Bot {
    /// Starts to connect, and returns at once. The connection stays open until the supervisor stops.
    ///
    /// # Errors
    /// If the system has no TLS certificates that could be read.
    pub fn start(options: MatrixOptions, supervisor: &Supervisor) -> Result<Self, reqwest::Error> {
        let inner = Arc::new(Inner {
            logins: std::sync::Mutex::new(options.logins.clone()),
            options,
            connection: Connection::new(),
            supervisor: supervisor.clone(),
            rooms: Rooms::new(),
            invitations: Invitations::default(),
            standing: Mutex::default(),
            sdk: SdkSync::default(),
            http: download::client()?,
            uploads: Semaphore::new(UPLOADS),
            synced: watch::Sender::new(false),
        });
        let (runner, stopping) = (Arc::clone(&inner), supervisor.stopping());
        supervisor.spawn("matrix", async move {
            let options = &runner.options;
            let open = || async {
                let client = login::open(options).await?;
                let user = client.user_id().map(|user| MatrixUserId(user.to_string()));
                Ok(Opened { client, user })
            };
            let sdk = &runner.sdk;
            let verify = |client| async move { login::verify(&client, options, sdk).await };
            runner.connection.run(open, verify, stopping).await
        });
        Ok(Self { inner })
    }

    /// Updates the Space at the start of a run and after a failure, so that a new agent is invited before the next
    /// customer writes. A failure is only logged: the next room runs into it again.
    fn update_space(&self, client: Client) {
        let inner = Arc::clone(&self.inner);
        self.inner.supervisor.spawn_short("matrix-space", async move {
            let ensure = async {
                let (caller, logins) = (send::caller(&client)?, inner.logins());
                inner.rooms.ensure_space(caller, inner.team(&logins), &[]).await
            };
            let ensured = inner.connection.within(ROOM_TIMEOUT, ensure).await;
            if let Err(error) = ensured {
                tracing::warn!("could not update the Space: {error}; trying again with the next room");
            }
        });
    }
}

impl Inner {
    /// Waits for the first sync of a run or after a failure: without it the SDK does not know for which devices to
    /// encrypt.
    async fn until_synced(&self) -> Result<(), MatrixError> {
        let mut synced = self.synced.subscribe();
        match tokio::time::timeout(FIRST_SYNC_TIMEOUT, synced.wait_for(|synced| *synced)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(MatrixError::Unreachable {
                why: "the first sync is not complete yet".to_owned(),
                retry_after: None,
            }),
        }
    }

    /// Returns the users that are or were this desk's own.
    pub(super) fn logins(&self) -> Logins {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns who belongs into the Space.
    fn team<'a>(&'a self, logins: &'a Logins) -> Team<'a> {
        Team {
            logins,
            space: &self.options.space,
            agents: &self.options.agents,
            owner: self.options.owner.as_ref(),
            room_version: self.options.room_version.as_deref(),
        }
    }
}

impl Matrix for Bot {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.inner.connection.status()
    }

    fn pull<'a>(&'a self, acked: Option<&'a RoomMark>) -> BoxFuture<'a, Result<RoomBatch, MatrixError>> {
        async move {
            let inner = &self.inner;
            let client = inner.connection.client()?;
            let mut standing = inner.standing.lock().await;
            let is_moving = inner.logins().is_moving;
            let batch = inner
                .connection
                .within(
                    SYNC_TIMEOUT,
                    sync::sync(&client, (acked, is_moving), &inner.sdk, &mut standing),
                )
                .await
                .inspect_err(|_| {
                    inner.synced.send_replace(false);
                })?;
            // While rooms move to us the Space is another login's.
            if !inner.synced.send_replace(true) && !is_moving {
                self.update_space(client.clone());
            }
            // While rooms move to us, the invitations are those of the login that hands them over.
            if !is_moving && !client.invited_rooms().is_empty() {
                let inner = Arc::clone(&self.inner);
                let decline = async move { inner.invitations.decline(&client).await };
                self.inner.supervisor.spawn_short("matrix-invitations", decline);
            }
            Ok(batch)
        }
        .boxed()
    }

    fn event<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<RoomEvent, MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            self.inner
                .connection
                .within(CALL_TIMEOUT, send::event(&client, &room, &id))
                .await
        }
        .boxed()
    }

    fn events_up_to<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<Vec<MatrixEventId>, MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            let found = rooms::up_to(caller(&client)?, &room, &id);
            self.inner.connection.within(CALL_TIMEOUT, found).await
        }
        .boxed()
    }

    fn fetch_file<'a>(
        &'a self,
        file: &'a SentFile,
        max: u64,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), RoomFileError>> {
        async move {
            let client = self.inner.connection.client()?;
            let token = client.access_token().unwrap_or_default();
            let source = download::Source {
                http: &self.inner.http,
                homeserver: &client.homeserver(),
                token: &token,
            };
            source.fetch(&file.source, max, sink).await
        }
        .boxed()
    }

    fn ensure_room<'a>(&'a self, spec: &'a RoomSpec) -> BoxFuture<'a, Result<MatrixRoomId, MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let (inner, caller, logins) = (&self.inner, caller(&client)?, self.inner.logins());
            let ensured = inner
                .rooms
                .ensure(caller, inner.team(&logins), spec, inner.options.encryption);
            let room = inner.connection.within(ROOM_TIMEOUT, ensured).await?;
            Ok(MatrixRoomId(room.to_string()))
        }
        .boxed()
    }

    fn update_room<'a>(&'a self, room: &'a MatrixRoomId, spec: &'a RoomSpec) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let (inner, caller, room) = (&self.inner, caller(&client)?, room_id(room)?);
            let logins = inner.logins();
            let updated = inner
                .rooms
                .update(caller, inner.team(&logins), &room, spec, inner.options.encryption);
            inner.connection.within(ROOM_TIMEOUT, updated).await
        }
        .boxed()
    }

    fn send<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        speaker: &'a Speaker,
        txn: &'a TxnId,
        content: &'a RoomContent,
    ) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            self.inner.until_synced().await?;
            let room = room_id(room)?;
            // Before the send, which keeps the SDK's own sync waiting.
            let source = match content {
                RoomContent::File { file, .. } => {
                    let _turn = self.inner.uploads.acquire().await;
                    let upload = files::upload(&client, &room, file);
                    Some(self.inner.connection.within(UPLOAD_TIMEOUT, upload).await?)
                }
                _ => None,
            };
            let send = async {
                self.inner.sdk.load_members(&client, &room).await?;
                let _gate = self.inner.sdk.lock_for_send().await;
                send::send(&client, &room, speaker, txn, content, source).await
            };
            self.inner.connection.within(CALL_TIMEOUT, send).await
        }
        .boxed()
    }

    fn find_sent<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<Option<MatrixEventId>, MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let (room, logins) = (room_id(room)?, self.inner.logins());
            self.inner
                .connection
                .within(CALL_TIMEOUT, send::find_sent(&client, &logins, &room, txn))
                .await
        }
        .boxed()
    }

    fn redact<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            let redacted = rooms::redact(caller(&client)?, &room, &id, txn);
            self.inner.connection.within(CALL_TIMEOUT, redacted).await
        }
        .boxed()
    }

    fn pin<'a>(&'a self, room: &'a MatrixRoomId, id: &'a MatrixEventId) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            let pinned = rooms::pin(caller(&client)?, &room, &id);
            self.inner.connection.within(CALL_TIMEOUT, pinned).await
        }
        .boxed()
    }

    fn mark_read<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        _reader: Option<CustomerId>,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            let marked = rooms::mark_read(caller(&client)?, &room, &id);
            self.inner.connection.within(CALL_TIMEOUT, marked).await
        }
        .boxed()
    }

    fn typing<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        _customer: Option<CustomerId>,
        is_typing: bool,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let room = room_id(room)?;
            let told = rooms::type_in(caller(&client)?, &room, is_typing);
            self.inner.connection.within(CALL_TIMEOUT, told).await
        }
        .boxed()
    }

    fn set_team<'a>(
        &'a self,
        invite: &'a [MatrixUserId],
        exclude: &'a [MatrixUserId],
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let client = self.inner.connection.client()?;
            let (inner, caller, logins) = (&self.inner, caller(&client)?, self.inner.logins());
            let set = inner.rooms.set_team(caller, inner.team(&logins), invite, exclude);
            inner.connection.within(ROOM_TIMEOUT, set).await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.inner.connection.close();
        }
        .boxed()
    }
}

pub(super) fn caller(client: &Client) -> Result<Caller<'_>, MatrixError> {
    Ok(send::caller(client)?)
}
