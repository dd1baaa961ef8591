//! The port itself: each call finds the client, has its deadline, and tells the connection how it ended.

use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use matrix_sdk::Client;
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId};
use tokio::sync::{Mutex, watch};

use super::invitations::Invitations;
use super::link::Link;
use super::space::Space;
use super::sync::SYNC;
use super::turn::{Turn, Turned};
use super::{rooms, send, sync};
use crate::domain::matrix::{
    Matrix, MatrixError, MatrixStatus, RoomContent, RoomEvent, RoomSpec, SyncBatch, SyncToken, TxnId,
};
use crate::domain::{MatrixEventId, MatrixRoomId};
use crate::matrix::options::MatrixOptions;
use crate::matrix::wire::Fault;
use crate::supervisor::Supervisor;

/// A call of one request or a few.
const CALL: Duration = Duration::from_secs(45);
/// A room with all that belongs to it.
const ROOM: Duration = Duration::from_mins(2);
/// How long a send waits for the first sync of this run.
const FIRST_SYNC: Duration = Duration::from_secs(5);
/// Rooms that can be in the making at one time without waiting for each other.
const SHARDS: usize = 16;

/// Our account on a real homeserver. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Bot {
    inner: Arc<Inner>,
}

struct Inner {
    options: MatrixOptions,
    link: Link,
    supervisor: Supervisor,
    space: Space,
    invitations: Invitations,
    /// One sync at a time.
    syncing: Mutex<Turned>,
    turn: Turn,
    /// Whether the keys and members of now are known.
    synced: watch::Sender<bool>,
    /// A room is made by one call at a time; which lock is its alias's.
    making: [Mutex<()>; SHARDS],
}

impl Bot {
    /// Starts to connect. The connection is held until the supervisor stops.
    pub fn start(options: MatrixOptions, supervisor: &Supervisor) -> Self {
        let inner = Arc::new(Inner {
            options,
            link: Link::new(),
            supervisor: supervisor.clone(),
            space: Space::default(),
            invitations: Invitations::default(),
            syncing: Mutex::default(),
            turn: Turn::default(),
            synced: watch::Sender::new(false),
            making: std::array::from_fn(|_| Mutex::new(())),
        });
        let (link, stopping) = (Arc::clone(&inner), supervisor.stopping());
        supervisor.spawn("matrix", async move { link.link.run(&link.options, stopping).await });
        Self { inner }
    }

    /// Sees to the Space when a run begins and after trouble, so that an agent who is new is asked in before the next customer writes. Whatever
    /// goes wrong here comes up again with the next room.
    fn invite_to_space(&self, client: Client) {
        let inner = Arc::clone(&self.inner);
        self.inner.supervisor.spawn_short("matrix-space", async move {
            let Ok(us) = ours(&client) else { return };
            let ensured = inner
                .within(ROOM, inner.space.ensure(&client, &us, &inner.options))
                .await;
            if let Err(error) = ensured {
                tracing::warn!("the Space could not be seen to: {error}");
            }
        });
    }
}

impl Inner {
    /// Awaits the work under a deadline.
    async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, MatrixError> {
        let done = tokio::time::timeout(limit, work).await;
        let done = done.unwrap_or_else(|_| Err(Fault::Network(format!("no answer within {} s", limit.as_secs()))));
        done.map_err(|fault| {
            self.link.note(&fault);
            fault.into()
        })
    }

    /// Nothing is encrypted before it is known who has which devices: the first sync of a run, and after trouble, brings that.
    async fn until_synced(&self) -> Result<(), MatrixError> {
        let mut synced = self.synced.subscribe();
        match tokio::time::timeout(FIRST_SYNC, synced.wait_for(|synced| *synced)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(MatrixError::Unreachable {
                why: "the first sync has not come back yet".to_owned(),
                retry_after: None,
            }),
        }
    }

    async fn make(&self, client: &Client, us: &OwnedUserId, spec: &RoomSpec) -> Result<OwnedRoomId, Fault> {
        let mut hasher = DefaultHasher::new();
        spec.alias.hash(&mut hasher);
        let shard = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0);
        let _alone = self.making[shard].lock().await;
        let space = self.space_of(client, us, spec).await?;
        let plan = rooms::plan(spec, space.as_deref(), us, self.options.encryption);
        let room = rooms::ensure(client, us, &plan).await?;
        if let Some(space) = space {
            self.space.adopt(client, us, &space, &room).await?;
        }
        Ok(room)
    }

    async fn update(&self, client: &Client, us: &OwnedUserId, room: &RoomId, spec: &RoomSpec) -> Result<(), Fault> {
        let space = self.space_of(client, us, spec).await?;
        let plan = rooms::plan(spec, space.as_deref(), us, self.options.encryption);
        rooms::update(client, us, room, &plan).await
    }

    async fn space_of(&self, client: &Client, us: &OwnedUserId, spec: &RoomSpec) -> Result<Option<OwnedRoomId>, Fault> {
        if spec.direct {
            return Ok(None);
        }
        Ok(Some(self.space.ensure(client, us, &self.options).await?))
    }
}

#[async_trait]
impl Matrix for Bot {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.inner.link.status()
    }

    async fn sync(&self, since: Option<&SyncToken>) -> Result<SyncBatch, MatrixError> {
        let inner = &self.inner;
        let client = inner.link.client()?;
        let mut turned = inner.syncing.lock().await;
        let batch = inner
            .within(SYNC, sync::sync(&client, since, &inner.turn, &mut turned))
            .await
            .inspect_err(|_| {
                inner.synced.send_replace(false);
            })?;
        if !inner.synced.send_replace(true) {
            self.invite_to_space(client.clone());
        }
        if !client.invited_rooms().is_empty() {
            let inner = Arc::clone(&self.inner);
            let decline = async move { inner.invitations.decline(&client).await };
            self.inner.supervisor.spawn_short("matrix-invitations", decline);
        }
        Ok(batch)
    }

    async fn event(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<RoomEvent, MatrixError> {
        let client = self.inner.link.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        self.inner.within(CALL, send::event(&client, &room, &id)).await
    }

    async fn ensure_room(&self, spec: &RoomSpec) -> Result<MatrixRoomId, MatrixError> {
        let client = self.inner.link.client()?;
        let us = ours(&client)?;
        let room = self.inner.within(ROOM, self.inner.make(&client, &us, spec)).await?;
        Ok(MatrixRoomId(room.to_string()))
    }

    async fn update_room(&self, room: &MatrixRoomId, spec: &RoomSpec) -> Result<(), MatrixError> {
        let client = self.inner.link.client()?;
        let (us, room) = (ours(&client)?, room_id(room)?);
        self.inner
            .within(ROOM, self.inner.update(&client, &us, &room, spec))
            .await
    }

    async fn send(
        &self,
        room: &MatrixRoomId,
        txn: &TxnId,
        content: &RoomContent,
    ) -> Result<MatrixEventId, MatrixError> {
        let client = self.inner.link.client()?;
        self.inner.until_synced().await?;
        let room = room_id(room)?;
        let send = async {
            self.inner.turn.introduce(&client, &room).await?;
            let _gate = self.inner.turn.sending().await;
            send::send(&client, &room, txn, content).await
        };
        self.inner.within(CALL, send).await
    }

    async fn find_sent(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, MatrixError> {
        let client = self.inner.link.client()?;
        let room = room_id(room)?;
        self.inner.within(CALL, send::find_sent(&client, &room, txn)).await
    }

    async fn redact(&self, room: &MatrixRoomId, id: &MatrixEventId, txn: &TxnId) -> Result<(), MatrixError> {
        let client = self.inner.link.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        self.inner.within(CALL, send::redact(&client, &room, &id, txn)).await
    }

    async fn mark_read(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<(), MatrixError> {
        let client = self.inner.link.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        self.inner.within(CALL, send::mark_read(&client, &room, &id)).await
    }

    async fn close(&self) {
        self.inner.link.close();
    }
}

fn room_id(room: &MatrixRoomId) -> Result<OwnedRoomId, MatrixError> {
    RoomId::parse(room.as_str()).map_err(|error| MatrixError::RoomGone(format!("{room:?} is no room id: {error}")))
}

fn event_id(id: &MatrixEventId) -> Result<OwnedEventId, MatrixError> {
    EventId::parse(id.as_str()).map_err(|error| MatrixError::Refused(format!("{id:?} is no event id: {error}")))
}

fn ours(client: &Client) -> Result<OwnedUserId, MatrixError> {
    let us = client.user_id().map(ToOwned::to_owned);
    us.ok_or_else(|| Fault::LoggedOut("we are not logged in".to_owned()).into())
}
