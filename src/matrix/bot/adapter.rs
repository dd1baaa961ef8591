//! The port's implementation: each call gets the client, runs under a deadline, and reports its failure to the
//! connection.

use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId};
use matrix_sdk::{Client, reqwest};
use tokio::sync::{Mutex, Semaphore, watch};

use super::connection::Connection;
use super::invitations::Invitations;
use super::sdk_sync::{LastSdkSync, SdkSync};
use super::space::Space;
use super::sync::SYNC_TIMEOUT;
use super::{files, rooms, send, sync};
use crate::domain::matrix::{
    Matrix, MatrixError, MatrixStatus, RoomBatch, RoomContent, RoomEvent, RoomFileError, RoomMark, RoomSpec, SentFile,
    Speaker, TxnId,
};
use crate::domain::media::Sink;
use crate::domain::{MatrixEventId, MatrixRoomId};
use crate::matrix::download;
use crate::matrix::options::MatrixOptions;
use crate::matrix::wire::Fault;
use crate::supervisor::Supervisor;

/// Deadline of a call with one request or a few.
const CALL_TIMEOUT: Duration = Duration::from_secs(45);
/// Deadline of the creation of a room with its state and invitations.
const ROOM_TIMEOUT: Duration = Duration::from_mins(2);
/// Maximum time a send waits for the first sync of this run.
const FIRST_SYNC_TIMEOUT: Duration = Duration::from_secs(5);
/// Number of files that are uploaded at once.
const UPLOADS: usize = 2;
/// Number of locks that room creations are spread over.
const SHARDS: usize = 16;

/// Our user on a real homeserver. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct Bot {
    inner: Arc<Inner>,
}

struct Inner {
    options: MatrixOptions,
    connection: Connection,
    supervisor: Supervisor,
    space: Space,
    invitations: Invitations,
    /// Held during a sync: one at a time.
    last_sdk_sync: Mutex<LastSdkSync>,
    sdk: SdkSync,
    /// Client for files, which are too large for the SDK's.
    http: reqwest::Client,
    /// Held during an upload, whose file is in memory as a whole.
    uploads: Semaphore,
    /// Whether the SDK's keys and members are up to date.
    synced: watch::Sender<bool>,
    /// Locks of room creation, chosen by the alias: a room is created by one call at a time.
    creating: [Mutex<()>; SHARDS],
}

impl Bot {
    /// Starts to connect, and returns at once. The connection stays open until the supervisor stops.
    ///
    /// # Errors
    /// If the system has no TLS certificates that could be read.
    pub fn start(options: MatrixOptions, supervisor: &Supervisor) -> Result<Self, reqwest::Error> {
        let inner = Arc::new(Inner {
            options,
            connection: Connection::new(),
            supervisor: supervisor.clone(),
            space: Space::default(),
            invitations: Invitations::default(),
            last_sdk_sync: Mutex::default(),
            sdk: SdkSync::default(),
            http: download::client()?,
            uploads: Semaphore::new(UPLOADS),
            synced: watch::Sender::new(false),
            creating: std::array::from_fn(|_| Mutex::new(())),
        });
        let (runner, stopping) = (Arc::clone(&inner), supervisor.stopping());
        supervisor.spawn("matrix", async move {
            runner.connection.run(&runner.options, stopping).await
        });
        Ok(Self { inner })
    }

    /// Updates the Space at the start of a run and after a failure, so that a new agent is invited before the next
    /// customer writes. A failure is only logged: the next room runs into it again.
    fn update_space(&self, client: Client) {
        let inner = Arc::clone(&self.inner);
        self.inner.supervisor.spawn_short("matrix-space", async move {
            let Ok(us) = own_id(&client) else { return };
            let ensured = inner
                .within(ROOM_TIMEOUT, inner.space.ensure(&client, &us, &inner.options, &[]))
                .await;
            if let Err(error) = ensured {
                tracing::warn!("could not update the Space: {error}; trying again with the next room");
            }
        });
    }
}

impl Inner {
    /// Runs the work under a deadline, and reports its failure to the connection.
    async fn within<T>(
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
            self.connection.report(&fault);
            fault.into()
        })
    }

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

    /// Finds or creates the room and adds it to the Space.
    async fn ensure_room(&self, client: &Client, us: &OwnedUserId, spec: &RoomSpec) -> Result<OwnedRoomId, Fault> {
        let mut hasher = DefaultHasher::new();
        spec.alias.hash(&mut hasher);
        let shard = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0);
        let _exclusive = self.creating[shard].lock().await;
        let space = self.space_of(client, us, spec).await?;
        let plan = rooms::plan(spec, space.as_deref(), us, self.options.encryption);
        let room = rooms::ensure(client, us, &plan).await?;
        if let Some(space) = space {
            self.space.add_room(client, us, &space, &room).await?;
        }
        Ok(room)
    }

    async fn update_room(
        &self,
        client: &Client,
        us: &OwnedUserId,
        room: &RoomId,
        spec: &RoomSpec,
    ) -> Result<(), Fault> {
        let space = self.space_of(client, us, spec).await?;
        let plan = rooms::plan(spec, space.as_deref(), us, self.options.encryption);
        rooms::update(client, us, room, &plan).await
    }

    async fn space_of(&self, client: &Client, us: &OwnedUserId, spec: &RoomSpec) -> Result<Option<OwnedRoomId>, Fault> {
        if spec.direct {
            return Ok(None);
        }
        Ok(Some(self.space.ensure(client, us, &self.options, &spec.exclude).await?))
    }
}

#[async_trait]
impl Matrix for Bot {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.inner.connection.status()
    }

    async fn pull(&self, acked: Option<&RoomMark>) -> Result<RoomBatch, MatrixError> {
        let inner = &self.inner;
        let client = inner.connection.client()?;
        let mut last = inner.last_sdk_sync.lock().await;
        let batch = inner
            .within(SYNC_TIMEOUT, sync::sync(&client, acked, &inner.sdk, &mut last))
            .await
            .inspect_err(|_| {
                inner.synced.send_replace(false);
            })?;
        if !inner.synced.send_replace(true) {
            self.update_space(client.clone());
        }
        if !client.invited_rooms().is_empty() {
            let inner = Arc::clone(&self.inner);
            let decline = async move { inner.invitations.decline(&client).await };
            self.inner.supervisor.spawn_short("matrix-invitations", decline);
        }
        Ok(batch)
    }

    async fn event(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<RoomEvent, MatrixError> {
        let client = self.inner.connection.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        self.inner.within(CALL_TIMEOUT, send::event(&client, &room, &id)).await
    }

    async fn events_up_to(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<Vec<MatrixEventId>, MatrixError> {
        let client = self.inner.connection.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        self.inner
            .within(CALL_TIMEOUT, send::events_up_to(&client, &room, &id))
            .await
    }

    async fn fetch_file(&self, file: &SentFile, max: u64, sink: &mut dyn Sink) -> Result<(), RoomFileError> {
        let client = self.inner.connection.client()?;
        let token = client.access_token().unwrap_or_default();
        let source = download::Source {
            http: &self.inner.http,
            homeserver: &client.homeserver(),
            token: &token,
        };
        let fetched = tokio::time::timeout(download::TIMEOUT, source.fetch(&file.source, max, sink)).await;
        fetched.unwrap_or_else(|_| Err(Fault::busy("the file did not come in time").into()))
    }

    async fn ensure_room(&self, spec: &RoomSpec) -> Result<MatrixRoomId, MatrixError> {
        let client = self.inner.connection.client()?;
        let us = own_id(&client)?;
        let room = self
            .inner
            .within(ROOM_TIMEOUT, self.inner.ensure_room(&client, &us, spec))
            .await?;
        Ok(MatrixRoomId(room.to_string()))
    }

    async fn update_room(&self, room: &MatrixRoomId, spec: &RoomSpec) -> Result<(), MatrixError> {
        let client = self.inner.connection.client()?;
        let (us, room) = (own_id(&client)?, room_id(room)?);
        self.inner
            .within(ROOM_TIMEOUT, self.inner.update_room(&client, &us, &room, spec))
            .await
    }

    async fn send(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
    ) -> Result<MatrixEventId, MatrixError> {
        let client = self.inner.connection.client()?;
        self.inner.until_synced().await?;
        let room = room_id(room)?;
        // Before the send, which keeps the SDK's own sync waiting.
        let source = match content {
            RoomContent::File { file, .. } => {
                let _turn = self.inner.uploads.acquire().await;
                let upload = files::upload(&client, &room, file);
                Some(self.inner.within(files::UPLOAD_TIMEOUT, upload).await?)
            }
            _ => None,
        };
        let send = async {
            self.inner.sdk.load_members(&client, &room).await?;
            let _gate = self.inner.sdk.lock_for_send().await;
            send::send(&client, &room, speaker, txn, content, source).await
        };
        self.inner.within(CALL_TIMEOUT, send).await
    }

    async fn find_sent(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, MatrixError> {
        let client = self.inner.connection.client()?;
        let room = room_id(room)?;
        self.inner
            .within(CALL_TIMEOUT, send::find_sent(&client, &room, txn))
            .await
    }

    async fn redact(&self, room: &MatrixRoomId, id: &MatrixEventId, txn: &TxnId) -> Result<(), MatrixError> {
        let client = self.inner.connection.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        self.inner
            .within(CALL_TIMEOUT, send::redact(&client, &room, &id, txn))
            .await
    }

    async fn mark_read(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<(), MatrixError> {
        let client = self.inner.connection.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        self.inner
            .within(CALL_TIMEOUT, send::mark_read(&client, &room, &id))
            .await
    }

    async fn close(&self) {
        self.inner.connection.close();
    }
}

fn room_id(room: &MatrixRoomId) -> Result<OwnedRoomId, MatrixError> {
    RoomId::parse(room.as_str()).map_err(|error| MatrixError::RoomGone(format!("{room:?} is not a room id: {error}")))
}

fn event_id(id: &MatrixEventId) -> Result<OwnedEventId, MatrixError> {
    EventId::parse(id.as_str()).map_err(|error| MatrixError::Refused(format!("{id:?} is not an event id: {error}")))
}

fn own_id(client: &Client) -> Result<OwnedUserId, MatrixError> {
    let us = client.user_id().map(ToOwned::to_owned);
    us.ok_or_else(|| Fault::LoggedOut("the bot is not logged in".to_owned()).into())
}
