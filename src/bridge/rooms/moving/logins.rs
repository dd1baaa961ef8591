//! Which logins this desk has and had, as it is stored.

use futures_util::FutureExt;

use crate::domain::matrix::RoomMark;
use crate::domain::moving::{LoginKind, Logins};
use crate::store::{Store, StoreError, Tx};

use crate::bridge::rooms::management::wants::{self, Place};

/// Name of the cursor that holds the mark of the present login.
pub(super) const CURSOR: &str = "matrix.sync";
/// Name of the cursor that holds the mark of the former login while rooms move from it.
pub(super) const FORMER_CURSOR: &str = "matrix.sync.former";
/// Setting that holds the kind of the login of the last run.
const LOGIN: &str = "matrix.login";
/// Setting that holds the kind of the former login while rooms move from it.
const FORMER: &str = "matrix.former";
/// Setting that holds the fence of the management room, or the end of the one that is replaced.
pub(super) const FENCE: &str = "matrix.management_fence";
/// Setting that holds the last fence up to which the former login has read in the management room.
pub(super) const READ: &str = "matrix.management_read";
/// Setting that holds the room that replaces the management room, until the former login has read that to its end; empty until
/// that end is stored.
pub(super) const NEXT: &str = "matrix.management_next";
/// Setting that exists while the rooms of a former login, which cannot hand them over any more, are still to be forgotten.
const ABANDONED: &str = "matrix.abandoned";
/// Setting that holds the users that are or were this desk's own.
pub(super) const LOGINS: &str = "matrix.logins";

/// Knowledge of logins at the start of a run.
#[derive(Clone, Debug, Default)]
pub struct KnownLogins {
    /// Users that are or were this desk's own.
    pub logins: Logins,
    /// Kind of the login from which rooms move, if they do.
    pub former: Option<LoginKind>,
}

/// Takes note of the login of this run, before it connects. If the last run had one of another kind, a move begins: the place
/// up to which each has read goes with it. `of_mark` returns the kind of login that has made a mark, for databases from
/// before this was stored.
pub async fn know_logins(
    store: &Store,
    present: LoginKind,
    of_mark: fn(&RoomMark) -> Option<LoginKind>,
) -> Result<KnownLogins, StoreError> {
    store
        .write((present, of_mark), |tx, &(present, of_mark)| {
            async move { know(tx, present, of_mark).await }.boxed()
        })
        .await
}

async fn know(
    tx: &mut Tx,
    present: LoginKind,
    of_mark: fn(&RoomMark) -> Option<LoginKind>,
) -> Result<KnownLogins, StoreError> {
    let read = |word: Option<String>| word.and_then(|word| word.parse::<LoginKind>().ok());
    let settings = tx.settings();
    let mark = settings.cursor(CURSOR).await?;
    let last = read(settings.get(LOGIN).await?).or_else(|| mark.clone().and_then(|mark| of_mark(&RoomMark(mark))));
    let mut former = read(settings.get(FORMER).await?);
    if let Some(last) = last.filter(|last| *last != present) {
        let of_former = settings.cursor(FORMER_CURSOR).await?;
        settings.put_cursor(CURSOR, of_former.as_deref()).await?;
        settings.put_cursor(FORMER_CURSOR, mark.as_deref()).await?;
        former = Some(last);
    }
    // A mark without any room is of no use to anybody.
    if former.is_some() && !tx.rooms().is_any().await? && wants::place(tx).await? == Place::None {
        tx.settings().put_cursor(FORMER_CURSOR, None).await?;
        former = None;
    }
    let settings = tx.settings();
    if last != Some(present) && former.is_some() {
        tx.settings().note_move().await?;
    }
    settings.set(LOGIN, Some(present.as_str())).await?;
    settings.set(FORMER, former.map(LoginKind::as_str)).await?;
    let logins = settings.get(LOGINS).await?;
    let mut logins = Logins::read(&logins.unwrap_or_default());
    logins.is_moving = former.is_some();
    Ok(KnownLogins { logins, former })
}

/// Returns whether rooms move from a former login.
pub async fn rooms_move(store: &Store) -> Result<bool, StoreError> {
    Ok(store.settings().get(FORMER).await?.is_some())
}

/// Ends a move whose former login is gone for good: its rooms are forgotten as soon as the present login is connected, and
/// what nobody has read there is lost.
pub async fn abandon_former(store: &Store) -> Result<(), StoreError> {
    store
        .write((), |tx, ()| {
            async move {
                tx.rooms().forget_fences().await?;
                end(tx).await?;
                tx.settings().set(ABANDONED, Some("yes")).await
            }
            .boxed()
        })
        .await
}

/// Returns whether rooms of a login that is gone for good are still to be forgotten.
pub(super) async fn has_abandoned(store: &Store) -> Result<bool, StoreError> {
    Ok(store.settings().get(ABANDONED).await?.is_some())
}

/// Stores that no rooms of such a login are left.
pub(super) async fn forget_abandoned(tx: &mut Tx) -> Result<(), StoreError> {
    tx.settings().set(ABANDONED, None).await
}

/// Returns whether rooms move from a former login.
pub(super) async fn is_moving(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(tx.settings().get(FORMER).await?.is_some())
}

/// Stores that no rooms move any more.
pub(super) async fn end(tx: &mut Tx) -> Result<(), StoreError> {
    for setting in [FENCE, READ, NEXT, FORMER] {
        tx.settings().set(setting, None).await?;
    }
    tx.settings().put_cursor(FORMER_CURSOR, None).await
}
