//! The port to Matrix. `matrix` implements it with a real homeserver, the simulation with a fake.
//!
//! It fits two kinds of adapter: a bot, which asks the homeserver for events and sends everything itself, and an
//! application service, to which the homeserver pushes events and which sends as a user per customer.

mod incoming;
mod outgoing;

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::media::Sink;
use super::own_homeserver::OwnHomeserver;
use super::word::words;
use super::{CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};

pub use super::speaker::Speaker;
pub use incoming::{Membership, ReadUpTo, RoomBatch, RoomEvent, RoomEventKind, RoomFileError, RoomTyping, SentFile};
pub use outgoing::{Avatar, MAX_ROOM_TEXT, RoomContent, RoomFile, RoomSpec, Thumbnail};

words! {
    /// State of the connection to the homeserver.
    MatrixState {
        /// No homeserver is configured.
        Off = "off",
        /// Another server of the same database keeps the rooms.
        Elsewhere = "elsewhere",
        Starting = "starting",
        Ready = "ready",
        /// The homeserver does not answer; retried with a growing pause.
        Unreachable = "unreachable",
        /// The homeserver refuses our login.
        Refused = "refused",
    }
}

/// State of the connection to the homeserver, with an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixStatus {
    /// State of the connection.
    pub state: MatrixState,
    /// Problem and what to do about it.
    pub detail: Option<String>,
    /// Our own Matrix user, once it is known.
    pub user: Option<MatrixUserId>,
}

/// Failure of a call to the homeserver, and its certainty.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum MatrixError {
    /// The homeserver does not answer, or asks us to wait (429: for `retry_after`). A repeat with the same transaction
    /// id is safe for a while, so this counts as no attempt.
    #[error("the homeserver cannot be reached: {why}")]
    Unreachable { why: String, retry_after: Option<Duration> },
    /// The homeserver refused the call, and would refuse it again.
    #[error("the homeserver refused: {0}")]
    Refused(String),
    /// We are not in the room any more, or it does not exist: its mapping must be deleted.
    #[error("the room is gone: {0}")]
    RoomGone(String),
}

/// A transaction id (rule 18): `<instance uuid>.<message id>.<part>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TxnId(pub String);

/// Position up to which room events were stored, in the adapter's own format: for a bot the token of its last sync, for
/// an application service the time of its last sweep and the id of the last transaction that was pushed. All others only store
/// it and compare it for equality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomMark(pub String);

/// Our account on a homeserver. Every call ends within a deadline of the adapter.
///
/// The futures are boxed here by hand: the bounds that `async_trait` adds let the compiler find out for each method anew that
/// the SDK's client can be sent, which took it minutes.
pub trait Matrix: Send + Sync + 'static {
    /// Returns a receiver of the connection's state.
    fn status(&self) -> watch::Receiver<MatrixStatus>;

    /// Returns the events since `acked`, and waits up to half a minute for one. Everything up to `acked` is stored on
    /// our side: only now may the adapter acknowledge it to the homeserver. Without a mark, returns only the present
    /// mark (rule 17: nothing older goes to a customer). The same mark again returns the same events again, and newer
    /// ones. There is one call at a time, and always one under way: [`Self::send`] relies on it to know who may read.
    fn pull<'a>(&'a self, acked: Option<&'a RoomMark>) -> BoxFuture<'a, Result<RoomBatch, MatrixError>>;

    /// Returns one event again, decrypted if its key has arrived.
    fn event<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<RoomEvent, MatrixError>>;

    /// Returns the event and those before it in its room, newest first, as far back as one page goes.
    fn events_up_to<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<Vec<MatrixEventId>, MatrixError>>;

    /// Fetches the bytes of a file of a room, at most `max`. Its bytes are those that the sender sent, or the call fails.
    fn fetch_file<'a>(
        &'a self,
        file: &'a SentFile,
        max: u64,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), RoomFileError>>;

    /// Returns the room of this alias, and creates it if there is none. Fails if somebody else created it (rule 19).
    fn ensure_room<'a>(&'a self, spec: &'a RoomSpec) -> BoxFuture<'a, Result<MatrixRoomId, MatrixError>>;

    /// Sets name and topic where they differ, invites the users who are missing, and removes those who are excluded.
    fn update_room<'a>(&'a self, room: &'a MatrixRoomId, spec: &'a RoomSpec) -> BoxFuture<'a, Result<(), MatrixError>>;

    /// Sends content in a sender's name under a transaction id; the same id again returns the same event. Nothing is
    /// sent until the first [`Self::pull`] of this run has returned.
    fn send<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        speaker: &'a Speaker,
        txn: &'a TxnId,
        content: &'a RoomContent,
    ) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>>;

    /// As [`Self::send`], at a time of the past. Only for adapters whose customers have users of their own.
    fn send_at<'a>(
        &'a self,
        _room: &'a MatrixRoomId,
        _speaker: &'a Speaker,
        _txn: &'a TxnId,
        _content: &'a RoomContent,
        _at: Timestamp,
    ) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>> {
        async move {
            Err(MatrixError::Refused(
                "a bot sends nothing at a time of the past".to_owned(),
            ))
        }
        .boxed()
    }

    /// Searches the room's newest events for one of ours with this transaction id in its content (rule 18).
    fn find_sent<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<Option<MatrixEventId>, MatrixError>>;

    /// Redacts an event of ours, or an agent's reaction that was carried out.
    fn redact<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<(), MatrixError>>;

    /// Pins an event in its room, beside those that are pinned.
    fn pin<'a>(&'a self, room: &'a MatrixRoomId, id: &'a MatrixEventId) -> BoxFuture<'a, Result<(), MatrixError>>;

    /// Moves a read receipt to `id`: the customer has read it (rule 20). It is the receipt of the customer's own user, where
    /// the reader is known and has one, else ours.
    fn mark_read<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        reader: Option<CustomerId>,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<(), MatrixError>>;

    /// Shows for half a minute that a customer types, or that they do not: by their own user if they have one, else ours.
    fn typing<'a>(
        &'a self,
        _room: &'a MatrixRoomId,
        _customer: Option<CustomerId>,
        _is_typing: bool,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move { Ok(()) }.boxed()
    }

    /// Returns whether a user is one of ours: ourselves, or a customer's.
    fn is_ours(&self, user: &MatrixUserId) -> bool {
        self.status().borrow().user.as_ref() == Some(user)
    }

    /// Returns whether customers have users of their own, who can act for them.
    fn has_ghosts(&self) -> bool {
        false
    }

    /// Returns whether [`Self::set_avatar`] would change anything: customers have users of their own, and this one's shows
    /// another picture.
    fn wants_avatar<'a>(
        &'a self,
        _customer: CustomerId,
        _address: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, MatrixError>> {
        async move { Ok(false) }.boxed()
    }

    /// Gives the customer's own user this picture, or none.
    fn set_avatar<'a>(
        &'a self,
        _customer: CustomerId,
        _avatar: Option<&'a Avatar>,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move { Ok(()) }.boxed()
    }

    /// Says who belongs into the Space of all rooms, who is invited if they are missing, and who is put out of it.
    fn set_team<'a>(
        &'a self,
        _invite: &'a [MatrixUserId],
        _exclude: &'a [MatrixUserId],
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move { Ok(()) }.boxed()
    }

    /// Returns what rooms have besides, if the homeserver is one's own: customers have users of their own, who can act for them.
    fn own_homeserver(&self) -> Option<&dyn OwnHomeserver> {
        None
    }

    /// Closes the connection in order.
    fn close(&self) -> BoxFuture<'_, ()>;
}
