//! The port's implementation: each call gets the session and runs under a deadline.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};

use super::ghosts::Ghosts;
use super::inbox::{Inbox, Pulled};
use super::sending::{self, Sending};
use super::session::Session;
use crate::domain::matrix::{
    Avatar, Matrix, MatrixError, MatrixStatus, RoomBatch, RoomContent, RoomEvent, RoomFileError, RoomMark, RoomSpec,
    SentFile, Speaker, TxnId,
};
use crate::domain::media::Sink;
use crate::domain::moving::Logins;
use crate::domain::own_homeserver::OwnHomeserver;
use crate::domain::{Clock, CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};
use crate::matrix::connection::{CALL_TIMEOUT, Connection, Opened, ROOM_TIMEOUT, UPLOAD_TIMEOUT};
use crate::matrix::options::ServiceOptions;
use crate::matrix::rooms::{self, Caller, Rooms, Team};
use crate::matrix::wire::{Fault, event_id, room_id};
use crate::supervisor::Supervisor;

/// Number of files that are uploaded at once.
const UPLOADS: usize = 2;

/// Our application service on a homeserver. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct Service {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) options: ServiceOptions,
    pub(super) connection: Connection<Arc<Session>>,
    pub(super) supervisor: Supervisor,
    pub(super) inbox: Inbox,
    clock: Arc<dyn Clock>,
    pub(super) rooms: Rooms,
    ghosts: Ghosts,
    /// Users that are or were this desk's own.
    pub(super) logins: Mutex<Logins>,
    /// Held during an upload, whose file is in memory as a whole.
    uploads: Semaphore,
    /// Whether the Space was looked at in this run.
    has_space: AtomicBool,
}

impl Service {
    /// Starts to connect, and returns at once. The connection stays open until the supervisor stops.
    pub fn start(options: ServiceOptions, clock: Arc<dyn Clock>, supervisor: &Supervisor) -> Self {
        let inner = Arc::new(Inner {
            logins: Mutex::new(options.logins.clone()),
            options,
            connection: Connection::new(),
            supervisor: supervisor.clone(),
            inbox: Inbox::new(),
            clock,
            rooms: Rooms::new(),
            ghosts: Ghosts::new(),
            uploads: Semaphore::new(UPLOADS),
            has_space: AtomicBool::new(false),
        });
        let (runner, stopping) = (Arc::clone(&inner), supervisor.stopping());
        supervisor.spawn("matrix", async move {
            let options = &runner.options;
            let open = || async {
                let session = Session::open(options).await?;
                let user = Some(MatrixUserId(session.us().to_string()));
                Ok(Opened {
                    client: Arc::new(session),
                    user,
                })
            };
            let verify = |session: Arc<Session>| async move { session.verify(options).await };
            runner.connection.run(open, verify, stopping).await
        });
        Self { inner }
    }

    /// Makes the Space at the start of a run, so that a new agent is invited before the next customer writes. A failure is
    /// only logged: the next room runs into it again.
    fn update_space(&self, session: Arc<Session>) {
        let inner = Arc::clone(&self.inner);
        self.inner.supervisor.spawn_short("matrix-space", async move {
            let logins = inner.logins();
            let ensured = inner.rooms.ensure_space(session.caller(), inner.team(&logins), &[]);
            if let Err(error) = inner.connection.within(ROOM_TIMEOUT, ensured).await {
                tracing::warn!("could not update the Space: {error}; trying again with the next room");
            }
        });
    }

    /// Asks the homeserver to call us, and with it to push again what it gave up on.
    fn ask_for_pushes(&self, session: Arc<Session>) {
        let inner = Arc::clone(&self.inner);
        self.inner.supervisor.spawn_short("matrix-ping", async move {
            let ping = session.ping(&inner.options.registration.id);
            if let Err(error) = inner.connection.within(CALL_TIMEOUT, ping).await {
                tracing::warn!("the homeserver does not push again at once: {error}");
            }
        });
    }

    /// Sends an event, now or at a time of the past.
    async fn put(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
        at: Option<Timestamp>,
    ) -> Result<MatrixEventId, MatrixError> {
        let (inner, session, room) = (&self.inner, self.inner.connection.client()?, room_id(room)?);
        let uploaded = match content {
            RoomContent::File { file, .. } => {
                let _turn = inner.uploads.acquire().await;
                let upload = sending::upload(&session, file);
                Some(inner.connection.within(UPLOAD_TIMEOUT, upload).await?)
            }
            _ => None,
        };
        let sending = Sending {
            room: &room,
            speaker,
            txn,
            content,
            uploaded,
            at,
        };
        inner
            .connection
            .within(CALL_TIMEOUT, sending.send(&session, &inner.ghosts))
            .await
    }
}

impl Inner {
    /// Returns the users that are or were this desk's own.
    pub(super) fn logins(&self) -> Logins {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns who belongs into the Space.
    pub(super) fn team<'a>(&'a self, logins: &'a Logins) -> Team<'a> {
        Team {
            logins,
            space: &self.options.space,
            agents: &self.options.agents,
            owner: self.options.owner.as_ref(),
            room_version: self.options.room_version.as_deref(),
        }
    }
}

#[async_trait]
impl Matrix for Service {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.inner.connection.status()
    }

    async fn pull(&self, acked: Option<&RoomMark>) -> Result<RoomBatch, MatrixError> {
        let session = self.inner.connection.client()?;
        // While rooms move to us the Space is another login's.
        if !self.inner.logins().is_moving && !self.inner.has_space.swap(true, Ordering::Relaxed) {
            self.update_space(Arc::clone(&session));
        }
        let Pulled { batch, is_overdue } = self.inner.inbox.pull(acked, self.inner.clock.now()).await;
        if is_overdue {
            self.ask_for_pushes(session);
        }
        Ok(batch)
    }

    async fn event(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<RoomEvent, MatrixError> {
        let session = self.inner.connection.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        let found = sending::event(&session, &room, &id);
        self.inner.connection.within(CALL_TIMEOUT, found).await
    }

    async fn events_up_to(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<Vec<MatrixEventId>, MatrixError> {
        let session = self.inner.connection.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        let found = rooms::up_to(session.caller(), &room, &id);
        self.inner.connection.within(CALL_TIMEOUT, found).await
    }

    async fn fetch_file(&self, file: &SentFile, max: u64, sink: &mut dyn Sink) -> Result<(), RoomFileError> {
        let session = self.inner.connection.client()?;
        session.files().fetch(&file.source, max, sink).await
    }

    async fn ensure_room(&self, spec: &RoomSpec) -> Result<MatrixRoomId, MatrixError> {
        let (inner, session) = (&self.inner, self.inner.connection.client()?);
        let logins = inner.logins();
        let ensured = inner.rooms.ensure(session.caller(), inner.team(&logins), spec, false);
        let room = inner.connection.within(ROOM_TIMEOUT, ensured).await?;
        Ok(MatrixRoomId(room.to_string()))
    }

    async fn update_room(&self, room: &MatrixRoomId, spec: &RoomSpec) -> Result<(), MatrixError> {
        let (inner, session, room) = (&self.inner, self.inner.connection.client()?, room_id(room)?);
        let logins = inner.logins();
        let updated = inner
            .rooms
            .update(session.caller(), inner.team(&logins), &room, spec, false);
        inner.connection.within(ROOM_TIMEOUT, updated).await
    }

    async fn send(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
    ) -> Result<MatrixEventId, MatrixError> {
        self.put(room, speaker, txn, content, None).await
    }

    async fn send_at(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
        at: Timestamp,
    ) -> Result<MatrixEventId, MatrixError> {
        self.put(room, speaker, txn, content, Some(at)).await
    }

    async fn find_sent(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, MatrixError> {
        let (session, room) = (self.inner.connection.client()?, room_id(room)?);
        let logins = self.inner.logins();
        let found = sending::find_sent(&session, &logins, &room, txn);
        self.inner.connection.within(CALL_TIMEOUT, found).await
    }

    async fn redact(&self, room: &MatrixRoomId, id: &MatrixEventId, txn: &TxnId) -> Result<(), MatrixError> {
        let session = self.inner.connection.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        // As our own user, who may also redact what a customer's user sent.
        let redacted = rooms::redact(session.caller(), &room, &id, txn);
        self.inner.connection.within(CALL_TIMEOUT, redacted).await
    }

    async fn pin(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<(), MatrixError> {
        let session = self.inner.connection.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        let pinned = rooms::pin(session.caller(), &room, &id);
        self.inner.connection.within(CALL_TIMEOUT, pinned).await
    }

    async fn mark_read(
        &self,
        room: &MatrixRoomId,
        reader: Option<CustomerId>,
        id: &MatrixEventId,
    ) -> Result<(), MatrixError> {
        let session = self.inner.connection.client()?;
        let (room, id) = (room_id(room)?, event_id(id)?);
        let mark = async {
            if let Some(reader) = reader {
                let ghost = session.ghost(reader)?;
                let caller = Caller::Service(session.acting_as(&ghost));
                match rooms::mark_read(caller, &room, &id).await {
                    // They have no user yet, or are not in the room: they have read without ever writing.
                    Err(Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_) | Fault::Gone(_)) => {}
                    done => return done,
                }
            }
            rooms::mark_read(session.caller(), &room, &id).await
        };
        self.inner.connection.within(CALL_TIMEOUT, mark).await
    }

    async fn typing(
        &self,
        room: &MatrixRoomId,
        customer: Option<CustomerId>,
        is_typing: bool,
    ) -> Result<(), MatrixError> {
        let (session, room) = (self.inner.connection.client()?, room_id(room)?);
        let tell = async {
            if let Some(customer) = customer {
                let ghost = session.ghost(customer)?;
                let caller = Caller::Service(session.acting_as(&ghost));
                match rooms::type_in(caller, &room, is_typing).await {
                    // They have no user yet, or are not in the room.
                    Err(Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_) | Fault::Gone(_)) => {}
                    done => return done,
                }
            }
            rooms::type_in(session.caller(), &room, is_typing).await
        };
        self.inner.connection.within(CALL_TIMEOUT, tell).await
    }

    fn has_ghosts(&self) -> bool {
        true
    }

    async fn wants_avatar(&self, customer: CustomerId, address: Option<&str>) -> Result<bool, MatrixError> {
        let session = self.inner.connection.client()?;
        let wants = self.inner.ghosts.wants_avatar(&session, customer, address);
        self.inner.connection.within(CALL_TIMEOUT, wants).await
    }

    async fn set_avatar(&self, customer: CustomerId, avatar: Option<&Avatar>) -> Result<(), MatrixError> {
        let session = self.inner.connection.client()?;
        let set = self.inner.ghosts.set_avatar(&session, customer, avatar);
        self.inner.connection.within(CALL_TIMEOUT, set).await
    }

    async fn set_team(&self, invite: &[MatrixUserId], exclude: &[MatrixUserId]) -> Result<(), MatrixError> {
        let (inner, session, logins) = (&self.inner, self.inner.connection.client()?, self.inner.logins());
        let set = inner
            .rooms
            .set_team(session.caller(), inner.team(&logins), invite, exclude);
        inner.connection.within(ROOM_TIMEOUT, set).await
    }

    fn own_homeserver(&self) -> Option<&dyn OwnHomeserver> {
        Some(self)
    }

    async fn close(&self) {
        self.inner.connection.close();
    }
}
