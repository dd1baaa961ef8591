//! What of the program is told of rooms: with the only login, or with two between which rooms move.

use std::sync::Arc;

use crm::bridge::{Core, Desk, KnownLogins, Moving, Progress, RoomInbound, RoomMover, Worker as _, know_logins};
use crm::domain::matrix::Matrix;
use crm::domain::moving::LoginKind;
use crm::store::{Store, StoreError};

use super::homeserver::FakeMatrix;
use super::homeserver::logins::{FakeLogin, Places};

/// A login, whether a bot's rooms are encrypted, and what is known of logins.
pub type Known = ((LoginKind, bool), KnownLogins);

/// Takes note of the login of this life.
pub async fn know(store: &Store, login: Option<(LoginKind, bool)>) -> Option<Known> {
    let login = login?;
    let known = know_logins(store, login.0, |_| None).await.unwrap();
    Some((login, known))
}

/// The program's logins at the fake homeserver.
pub struct LoggedIn {
    pub port: Arc<dyn Matrix>,
    moving: Option<Moving>,
    mover: Option<RoomMover>,
}

impl LoggedIn {
    /// As the only user that there is, or as one of two, from the other of which rooms may move.
    pub fn new(core: &Core, (matrix, places): (&FakeMatrix, &Places), known: Option<Known>) -> Self {
        let Some(((kind, encrypts), known)) = known else {
            return Self {
                port: Arc::new(matrix.clone()),
                moving: None,
                mover: None,
            };
        };
        let log_in = |kind| Arc::new(FakeLogin::new(matrix.clone(), places.clone(), kind, encrypts));
        let (present, logins) = (log_in(kind), known.logins);
        let begin = |former| Moving::new(core.clone(), present.clone(), log_in(former), logins.clone());
        let moving = known.former.map(begin);
        let port: Arc<dyn Matrix> = match &moving {
            Some(moving) => moving.port(),
            None => present.clone(),
        };
        let mover = Some(RoomMover::new(core.clone(), present, logins, moving.clone()));
        Self { port, moving, mover }
    }

    /// The workers that are told of rooms, or move them.
    pub fn told(self, core: &Core, desk: &Desk) -> Told {
        let Self { port, moving, mover } = self;
        Told {
            inbound: match &moving {
                Some(moving) => RoomInbound::of_present(core.clone(), moving.clone(), desk.clone()),
                None => RoomInbound::new(core.clone(), port, desk.clone()),
            },
            former: moving.map(|moving| RoomInbound::of_former(core.clone(), moving, desk.clone())),
            mover,
        }
    }
}

/// The workers that are told of rooms, or move them.
pub struct Told {
    inbound: RoomInbound,
    former: Option<RoomInbound>,
    mover: Option<RoomMover>,
}

impl Told {
    /// One step of each.
    pub async fn step(&mut self) -> Result<Progress, StoreError> {
        let mut all = self.inbound.step().await?;
        if let Some(former) = &mut self.former
            && former.step().await? == Progress::Worked
        {
            all = Progress::Worked;
        }
        if let Some(mover) = &mut self.mover
            && mover.step().await? == Progress::Worked
        {
            all = Progress::Worked;
        }
        Ok(all)
    }
}
