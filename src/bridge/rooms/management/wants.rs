//! State of the management room that outlives a crash, as named values: its id, the logins whose codes it shows, the codes
//! that it shows now, and the comparisons that were asked for.

use crate::domain::agent::Agent;
use crate::domain::{AccountId, MatrixEventId, MatrixRoomId, Operation, Timestamp};
use crate::store::{Store, StoreError, Tx, WorkFor};

/// Setting that holds the room's id; empty while the room is being made.
const ROOM: &str = "management.room";
/// Stands for an event that is not known yet.
const UNKNOWN: &str = "-";

/// The management room, as far as it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nobody needed it yet, or it is gone.
    None,
    /// It is being made.
    Making,
    /// It exists.
    Room(MatrixRoomId),
}

impl Place {
    /// Reads the value of a setting.
    pub(crate) fn read(value: Option<String>) -> Self {
        match value {
            None => Self::None,
            Some(id) if id.is_empty() => Self::Making,
            Some(id) => Self::Room(MatrixRoomId(id)),
        }
    }

    /// Returns whether it is this room.
    pub(crate) fn is(&self, room: &MatrixRoomId) -> bool {
        matches!(self, Self::Room(known) if known == room)
    }
}

/// Returns the management room.
pub(crate) async fn place(tx: &mut Tx) -> Result<Place, StoreError> {
    Ok(Place::read(tx.settings().get(ROOM).await?))
}

/// Returns the management room, outside a transaction.
pub(crate) async fn place_in(store: &Store) -> Result<Place, StoreError> {
    Ok(Place::read(store.settings().get(ROOM).await?))
}

/// Stores the management room.
pub(crate) async fn set_place(tx: &mut Tx, place: &Place) -> Result<(), StoreError> {
    let value = match place {
        Place::None => None,
        Place::Making => Some(""),
        Place::Room(room) => Some(room.as_str()),
    };
    tx.settings().set(ROOM, value).await
}

/// Forgets the management room if it is this one: it is gone, and the next use makes another.
pub(crate) async fn forget(tx: &mut Tx, room: &MatrixRoomId) -> Result<(), StoreError> {
    if place(tx).await?.is(room) {
        set_place(tx, &Place::None).await?;
        tx.wake(WorkFor::Management);
    }
    Ok(())
}

/// Returns whether an agent belongs into the management room: one who may link any account, since its code is shown there.
pub(crate) fn is_member(agent: &Agent) -> bool {
    agent.is_active() && agent.accounts.is_none() && agent.may(Operation::LinkAccount)
}

/// A login whose code the management room shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantedLogin {
    /// Time after which no code is shown any more.
    pub until: Timestamp,
    /// Whether it is a pairing code, and no QR code.
    pub by_number: bool,
}

impl WantedLogin {
    fn value(self) -> String {
        let how = if self.by_number { "number" } else { "qr" };
        format!("{} {how}", self.until.0)
    }
}

fn login_key(account: AccountId) -> String {
    format!("management.login.{account}")
}

/// Stores that the codes of an account are shown, or not any more.
pub(crate) async fn set_login(tx: &mut Tx, account: AccountId, login: Option<WantedLogin>) -> Result<(), StoreError> {
    let value = login.map(WantedLogin::value);
    tx.wake(WorkFor::Management);
    tx.settings().set(&login_key(account), value.as_deref()).await
}

/// Returns whether and until when the codes of an account are shown.
pub(crate) async fn login(store: &Store, account: AccountId) -> Result<Option<WantedLogin>, StoreError> {
    let Some(value) = store.settings().get(&login_key(account)).await? else {
        return Ok(None);
    };
    let read = value.split_once(' ').and_then(|(until, how)| {
        let until = Timestamp(until.parse().ok()?);
        let by_number = how == "number";
        Some(WantedLogin { until, by_number })
    });
    let wrong = || StoreError::corrupt("settings", format_args!("the login shown for account {account}"));
    read.map(Some).ok_or_else(wrong)
}

/// Stores that the codes of an account are not shown any more, if they are shown for this login still. Returns whether they
/// were.
pub(crate) async fn end_login(tx: &mut Tx, account: AccountId, login: WantedLogin) -> Result<bool, StoreError> {
    let stands = tx.settings().get(&login_key(account)).await? == Some(login.value());
    if stands {
        tx.settings().set(&login_key(account), None).await?;
    }
    Ok(stands)
}

/// A code in the room. Stored before it is sent, so that a crash leaves none behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownCode {
    /// Name of its transaction id.
    pub name: String,
    /// Its event; `None` before it is known.
    pub event: Option<MatrixEventId>,
}

fn code_key(account: AccountId) -> String {
    format!("management.code.{account}")
}

/// Stores the code that the room shows of an account.
pub(crate) async fn set_code(tx: &mut Tx, account: AccountId, code: Option<&ShownCode>) -> Result<(), StoreError> {
    let value = code.map(|code| {
        let event = code.event.as_ref().map_or(UNKNOWN, |event| event.as_str());
        format!("{} {event}", code.name)
    });
    tx.settings().set(&code_key(account), value.as_deref()).await
}

/// Returns the code that the room shows of an account, or may show.
pub(crate) async fn code(store: &Store, account: AccountId) -> Result<Option<ShownCode>, StoreError> {
    let value = store.settings().get(&code_key(account)).await?;
    Ok(value.map(|value| {
        let (name, event) = value.split_once(' ').unwrap_or((&value, UNKNOWN));
        ShownCode {
            name: name.to_owned(),
            event: (event != UNKNOWN).then(|| MatrixEventId::from(event)),
        }
    }))
}

/// The event that asked for a comparison, which is answered with its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WantedSync {
    /// Room of the event.
    pub room: MatrixRoomId,
    /// The event.
    pub event: MatrixEventId,
}

impl WantedSync {
    fn value(&self) -> String {
        format!("{} {}", self.room, self.event)
    }
}

/// Ends a request for a comparison, unless another has replaced it. Returns whether it did.
pub(crate) async fn end_sync(tx: &mut Tx, account: AccountId, sync: &WantedSync) -> Result<bool, StoreError> {
    let stands = tx.settings().get(&sync_key(account)).await? == Some(sync.value());
    if stands {
        tx.settings().set(&sync_key(account), None).await?;
    }
    Ok(stands)
}

fn sync_key(account: AccountId) -> String {
    format!("management.sync.{account}")
}

/// Stores that an account is to be compared with WhatsApp, or was. Replaces an earlier request.
pub(crate) async fn set_sync(tx: &mut Tx, account: AccountId, sync: Option<&WantedSync>) -> Result<(), StoreError> {
    let value = sync.map(WantedSync::value);
    tx.wake(WorkFor::Management);
    tx.settings().set(&sync_key(account), value.as_deref()).await
}

/// Returns who asked for a comparison of an account.
pub(crate) async fn sync(store: &Store, account: AccountId) -> Result<Option<WantedSync>, StoreError> {
    let value = store.settings().get(&sync_key(account)).await?;
    let read = value.as_deref().and_then(|value| value.split_once(' '));
    Ok(read.map(|(room, event)| WantedSync {
        room: MatrixRoomId::from(room),
        event: MatrixEventId::from(event),
    }))
}
