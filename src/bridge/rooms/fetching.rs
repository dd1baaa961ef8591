//! Fetches the files that agents send in rooms from the homeserver into the vault, and lets them go on from there. An event
//! waits in the store until its file is here, and later events of its room wait behind it.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, TryStreamExt};

use crate::bridge::core::Core;
use crate::bridge::core::lanes::{InHand, Pieces};
use crate::bridge::core::refusal::Refusal;
use crate::bridge::core::worker::Wakes;
use crate::bridge::desk::{Upload, describe};
use crate::bridge::media::Room;
use crate::domain::delivery::back_off;
use crate::domain::details::ContactCard;
use crate::domain::matrix::{Matrix, MatrixError, MatrixState, RoomEvent, RoomEventKind, RoomFileError, SentFile};
use crate::domain::{MatrixEventId, MatrixRoomId, vcard};
use crate::store::{NewMedia, PendingEvent, StoreError, WorkFor};
use crate::vault::{Kept, VaultError};

use super::commands::context::RoomContext;
use super::effects::{Taken, refuse_to};
use super::event;
use super::pending;

/// Upper bound of concurrent fetches.
const AT_ONCE: usize = 3;
/// Refusals of a file by the homeserver before its sender is told.
const MAX_REFUSALS: u32 = 3;
/// Tries, and the time since the event came, after which a file is given up that a homeserver cannot be reached for. Later
/// events of its room wait behind it, and texts are asked about after an hour. Ours itself is reached, or nothing would be
/// tried. While space is short nothing is tried, and the time alone counts.
const MAX_TRIES: u32 = 12;
const GIVE_UP_AFTER: Duration = Duration::from_mins(30);
/// How long the worker waits for a wake-up before it looks anyway.
const POLL: Duration = Duration::from_secs(1);

/// Worker that fetches the files of all rooms, and lets events go on that have waited for a receipt.
#[derive(Clone)]
pub struct RoomFiles {
    core: Core,
    port: Arc<dyn Matrix>,
}

impl RoomFiles {
    /// Builds the worker; `port` is the connection to the homeserver.
    pub fn new(core: Core, port: Arc<dyn Matrix>) -> Self {
        Self { core, port }
    }
}

impl InHand<PendingEvent> for Vec<MatrixRoomId> {
    fn take(&mut self, piece: &PendingEvent) -> bool {
        let is_free = !self.contains(&piece.room);
        if is_free {
            self.push(piece.room.clone());
        }
        is_free
    }

    fn put_back(&mut self, piece: &PendingEvent) {
        self.retain(|room| *room != piece.room);
    }
}

impl Pieces for RoomFiles {
    type Piece = PendingEvent;
    type InHand = Vec<MatrixRoomId>;

    const AT_ONCE: usize = AT_ONCE;
    /// Unfinished fetches are dropped when the program stops; the next start repeats them.
    const FINISHES: bool = false;

    fn name(&self) -> &'static str {
        "fetching of the rooms' files"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none()
            .and(self.core.store.wake_ups(WorkFor::RoomFiles))
            .and(self.port.status())
    }

    fn poll(&self) -> Duration {
        POLL
    }

    async fn due(&self, in_hand: &Vec<MatrixRoomId>, limit: usize) -> Result<Vec<PendingEvent>, StoreError> {
        if self.port.status().borrow().state != MatrixState::Ready {
            return Ok(vec![]);
        }
        let (now, limit) = (self.core.clock.now(), limit as u64);
        let mut due = self.core.store.pending_events().with_files(now, in_hand, limit).await?;
        if Room::now(&self.core).is_short() {
            // The oldest come first, so that none that is given up waits behind one that is not.
            due.retain(|event| !event.has_file || self.is_overdue(event));
        }
        Ok(due)
    }

    async fn work(&self, due: &PendingEvent) -> Result<(), StoreError> {
        if !due.has_file {
            return pending::go_on(&self.core, &*self.port, &due.room).await;
        }
        if let Err(refusal) = Room::now(&self.core).check()
            && self.is_overdue(due)
        {
            self.give_up(due, &refusal.to_string()).await?;
            return pending::go_on(&self.core, &*self.port, &due.room).await;
        }
        match self.fetch(due).await {
            Ok(()) => pending::go_on(&self.core, &*self.port, &due.room).await,
            Err(Unfetched::Store(error)) => Err(error),
            Err(Unfetched::Unreachable(why)) if self.is_hopeless(due) => {
                let why = format!("the file could not be fetched from the homeserver ({why}); send it again");
                self.give_up(due, &why).await?;
                pending::go_on(&self.core, &*self.port, &due.room).await
            }
            Err(Unfetched::Later(why) | Unfetched::Unreachable(why)) => self.postpone(due, &why).await,
            Err(Unfetched::Never(why)) => {
                self.give_up(due, &why).await?;
                pending::go_on(&self.core, &*self.port, &due.room).await
            }
        }
    }
}

/// Reason why a file is not here.
enum Unfetched {
    /// To be tried again: neither the file nor its sender is the cause.
    Later(String),
    /// To be tried again, for a time: the homeserver, or another one that has the file, cannot be reached.
    Unreachable(String),
    /// Final; the sender is told.
    Never(String),
    Store(StoreError),
}

impl From<StoreError> for Unfetched {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl RoomFiles {
    /// Fetches the file of an event, and queues it for the customer.
    async fn fetch(&self, due: &PendingEvent) -> Result<(), Unfetched> {
        let event = match self.port.event(&due.room, &due.event).await {
            Ok(event) => event,
            Err(MatrixError::Unreachable { why, .. }) => return Err(Unfetched::Unreachable(why)),
            Err(MatrixError::Refused(why)) => return Err(Self::refused(due, why)),
            Err(MatrixError::RoomGone(_)) => return Ok(self.drop_event(due).await?),
        };
        let file = match &event.what {
            RoomEventKind::File { file, .. } => file,
            // Its sender has redacted it.
            RoomEventKind::Other => return Ok(self.drop_event(due).await?),
            _ => {
                let why = "I cannot read the file's event any more; send the file again";
                return Err(Unfetched::Never(why.to_owned()));
            }
        };
        let largest = self.core.policies().map(|policy| policy.media.max.largest());
        let max = largest.max().unwrap_or_default();
        let mut incoming = self.core.vault.incoming(max).map_err(|error| unkept(&error))?;
        match self.port.fetch_file(file, max, &mut incoming).await {
            Ok(()) => {}
            Err(RoomFileError::Matrix(MatrixError::Unreachable { why, .. })) => {
                return Err(Unfetched::Unreachable(why));
            }
            Err(RoomFileError::Matrix(error)) => return Err(Self::refused(due, error.to_string())),
            Err(RoomFileError::Sink(error)) if error.kind() == ErrorKind::FileTooLarge => {
                return Err(Unfetched::Never(Refusal::FileTooLarge { max }.to_string()));
            }
            Err(RoomFileError::Sink(error)) => return Err(unkept(&error.into())),
        }
        if incoming.size() == 0 {
            return Err(Unfetched::Never(Refusal::EmptyFile.to_string()));
        }
        let kept = self.core.vault.keep(incoming).await.map_err(|error| unkept(&error))?;
        self.take_in(due, event, &kept).await?;
        // `kept` protects the object from the sweep until its row is written.
        drop(kept);
        Ok(())
    }

    /// Handles an event whose file is here.
    async fn take_in(&self, due: &PendingEvent, event: RoomEvent, kept: &Kept) -> Result<(), StoreError> {
        let RoomEventKind::File { file, .. } = &event.what else {
            return Ok(());
        };
        let upload = Upload {
            mimetype: file.mimetype.clone(),
            filename: file.name.clone(),
            ..Upload::default()
        };
        let media = describe(kept, &upload);
        let around = RoomContext {
            cards: self.cards(file, &media).await,
            file: Some(media),
            ..RoomContext::of_waiting(&self.core, &*self.port, &event).await?
        };
        let input = (due.event.clone(), event, around);
        self.core
            .write_with(input, |tx, core, (due, event, around)| {
                async move {
                    // Its sender may have redacted it meanwhile.
                    if !tx.pending_events().remove(due).await? {
                        return Ok::<_, StoreError>(());
                    }
                    event::take_in(tx, core, event, around).await.map(|_: Taken| ())
                }
                .boxed()
            })
            .await
    }

    /// Returns the contact cards that a fetched file holds; none if it is another file, or cannot be read as such.
    async fn cards(&self, file: &SentFile, media: &NewMedia) -> Vec<ContactCard> {
        let (Some(sha256), Some(size)) = (&media.sha256, media.size) else {
            return vec![];
        };
        if size > vcard::MAX_FILE_BYTES || !vcard::is_named(file.mimetype.as_deref(), file.name.as_deref()) {
            return vec![];
        }
        let Ok(pieces) = self.core.vault.read(sha256, 0..size).await else {
            return vec![];
        };
        let read: Result<Vec<Bytes>, _> = pieces.try_collect().await;
        let text = read.ok().and_then(|read| String::from_utf8(read.concat()).ok());
        text.and_then(|text| vcard::cards(&text)).unwrap_or_default()
    }

    fn is_hopeless(&self, due: &PendingEvent) -> bool {
        due.attempts + 1 >= MAX_TRIES && self.is_overdue(due)
    }

    fn is_overdue(&self, due: &PendingEvent) -> bool {
        self.core.clock.now().since(due.first_seen) > GIVE_UP_AFTER
    }

    fn refused(due: &PendingEvent, why: String) -> Unfetched {
        if due.attempts + 1 < MAX_REFUSALS {
            return Unfetched::Later(why);
        }
        Unfetched::Never(format!(
            "the file could not be fetched from the homeserver ({why}); send it again"
        ))
    }

    async fn postpone(&self, due: &PendingEvent, why: &str) -> Result<(), StoreError> {
        tracing::debug!(event = %due.event, "a file cannot be fetched now: {why}");
        let at = self.core.clock.now().plus(back_off(due.attempts));
        self.core
            .write(
                (due.event.clone(), due.attempts + 1, at),
                |tx, (event, attempts, at)| {
                    async move { tx.pending_events().retry(event, *attempts, *at).await }.boxed()
                },
            )
            .await
    }

    async fn give_up(&self, due: &PendingEvent, why: &str) -> Result<(), StoreError> {
        let text = format!("Not sent: {why}.");
        self.core
            .write((due.clone(), text), |tx, (due, text)| {
                async move {
                    if !tx.pending_events().remove(&due.event).await? {
                        return Ok::<_, StoreError>(());
                    }
                    let Some(id) = tx.rooms().conversation(&due.room).await? else {
                        return Ok(());
                    };
                    let Some(conversation) = tx.conversations().get(id).await? else {
                        return Ok(());
                    };
                    let place = (&due.room, &due.event);
                    refuse_to(tx, &conversation, place, text.clone()).await.map(|_| ())
                }
                .boxed()
            })
            .await
    }

    async fn drop_event(&self, due: &PendingEvent) -> Result<(), StoreError> {
        self.core
            .write(due.event.clone(), |tx, event: &MatrixEventId| {
                async move { tx.pending_events().remove(event).await.map(|_| ()) }.boxed()
            })
            .await
    }
}

/// Returns the outcome when our own disk or bucket fails.
fn unkept(error: &VaultError) -> Unfetched {
    tracing::error!("a file of a room could not be stored, trying again: {error}");
    Unfetched::Later(error.to_string())
}
