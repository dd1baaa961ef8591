//! The port's implementation: each call gets the session and runs under a deadline.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::catch_up::{self, Found};
use super::ghosts::Ghosts;
use super::inbox::{End, Inbox, Next, POLL};
use super::invitations;
use super::pulse;
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

/// Failures of a step of a sweep at a homeserver that answers, about a second apart, after which it goes on without these rooms.
const MAX_FAILURES: u32 = 30;
/// Rooms that a step of a sweep looks through; between two steps pushes are taken in.
const ROOMS_A_STEP: usize = 20;

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
    /// The sweep that is under way.
    sweep: tokio::sync::Mutex<Option<Sweep>>,
    /// Failures of its present step.
    failures: AtomicU32,
}

/// A sweep that is under way.
struct Sweep {
    /// Message at its end.
    end: End,
    /// Rooms that were not looked through yet.
    rest: Vec<MatrixRoomId>,
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
            sweep: tokio::sync::Mutex::new(None),
            failures: AtomicU32::new(0),
        });
        let pulse = pulse::watch(Arc::clone(&inner), supervisor.stopping());
        supervisor.spawn("matrix-pulse", pulse);
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
    /// Returns what others did in the rooms of events that were pushed in a connection, if something before them may be missing.
    pub(super) async fn before(
        &self,
        session: &Session,
        events: &[RoomEvent],
        connection: u64,
    ) -> Result<Vec<RoomEvent>, MatrixError> {
        let mut before = Vec::new();
        let mut seen = HashSet::new();
        for event in events.iter().filter(|event| seen.insert(&event.room)) {
            if let Some(since) = self.inbox.look_back(&event.room, connection).await {
                let scan = catch_up::scan(session, std::slice::from_ref(&event.room), since);
                before.extend(self.connection.within(CALL_TIMEOUT, scan).await?.events);
            }
        }
        Ok(before)
    }

    /// Looks through the next rooms of the sweep of this connection, which it begins if need be.
    async fn sweep(&self, session: &Session, since: Option<Timestamp>, connection: u64) -> Result<(), MatrixError> {
        let now = self.clock.now();
        let mut sweep = self.sweep.lock().await;
        let Some(since) = since else {
            let end = End { connection, began: now };
            self.inbox.offer_found(Vec::new(), Found::default(), Some(end));
            return Ok(());
        };
        let begun = sweep.take_if(|sweep| sweep.end.connection == connection);
        let progress = if let Some(progress) = begun {
            sweep.insert(progress)
        } else {
            let rooms = self.connection.within(CALL_TIMEOUT, catch_up::rooms(session)).await?;
            tracing::debug!(rooms = rooms.len(), "looking through all rooms for what was not pushed");
            let end = End { connection, began: now };
            sweep.insert(Sweep { end, rest: rooms })
        };
        let first = progress.rest.len().saturating_sub(ROOMS_A_STEP);
        let scan = catch_up::scan(session, &progress.rest[first..], since);
        let found = match self.connection.within(ROOM_TIMEOUT, scan).await {
            Ok(found) => found,
            Err(error) if self.connection.client().is_err() => return Err(error),
            Err(error) if self.failures.fetch_add(1, Ordering::Relaxed) + 1 < MAX_FAILURES => return Err(error),
            Err(error) => {
                tracing::error!(
                    "rooms could not be looked through for what was not pushed; they are at the next time: {error}"
                );
                Found::default()
            }
        };
        self.failures.store(0, Ordering::Relaxed);
        let rooms = progress.rest.split_off(first);
        let end = progress.rest.is_empty().then_some(progress.end);
        if end.is_some() {
            *sweep = None;
        }
        self.inbox.offer_found(rooms, found, end);
        Ok(())
    }

    /// Declines invitations of our users.
    pub(super) fn decline(&self, session: &Arc<Session>, invitations: Vec<(MatrixRoomId, MatrixUserId)>) {
        if !invitations.is_empty() {
            let decline = invitations::decline(Arc::clone(session), invitations);
            self.supervisor.spawn_short("matrix-invitations", decline);
        }
    }

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
        let inner = &self.inner;
        // In this order: if it is lost in between, the next pull catches up.
        let connection = inner.connection.times_ready();
        let session = inner.connection.client()?;
        // While rooms move to us the Space is another login's.
        if !inner.logins().is_moving && !inner.has_space.swap(true, Ordering::Relaxed) {
            self.update_space(Arc::clone(&session));
        }
        let end = Instant::now() + POLL;
        loop {
            let acknowledged = inner.inbox.acknowledge(acked, inner.clock.now(), connection);
            if acknowledged.is_overdue {
                self.ask_for_pushes(Arc::clone(&session));
            }
            let batch = match acknowledged.next {
                Next::Wait(longest) => tokio::select! {
                    batch = inner.inbox.next(longest) => batch,
                    () = inner.connection.until_changed(connection) => None,
                },
                Next::Sweep(since) => {
                    Box::pin(inner.sweep(&session, since, connection)).await?;
                    let found = inner.inbox.next(Duration::ZERO).await;
                    let is_news = |batch: &RoomBatch| acked != Some(&batch.mark) || !batch.events.is_empty();
                    match found.filter(is_news) {
                        // There is nothing to be stored yet.
                        None if Instant::now() < end => continue,
                        found => found,
                    }
                }
            };
            return Ok(batch.unwrap_or_else(|| RoomBatch::nothing_until(inner.inbox.mark())));
        }
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
