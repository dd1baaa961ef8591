//! Keeps the Space of all rooms and the sub-spaces with the agents who belong into them, and looks for rooms that are in no
//! sub-space yet: those from before an upgrade, and those of a sub-space that is gone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::domain::agent::Agent;
use crate::domain::matrix::{Matrix, MatrixState};
use crate::domain::own_homeserver::OwnHomeserver;
use crate::domain::sub_space::{SubSpace, SubSpaceSpec};
use crate::domain::{MatrixUserId, Timestamp};
use crate::store::{StoreError, WorkFor};

use super::{People, all, ask, known, set, spec};
use crate::bridge::rooms::management::NoRoom;

/// Interval between two looks while there are rooms to be put somewhere.
const BUSY_POLL: Duration = Duration::from_millis(200);
/// Interval between two looks otherwise.
const POLL: Duration = Duration::from_secs(10);
/// Pause after the homeserver refused or did not answer.
const PAUSE: Duration = Duration::from_secs(5);
/// Interval between two looks for rooms that are nowhere.
const SEARCH_EVERY: Duration = Duration::from_mins(1);
/// Most rooms that are moved at once without a person having asked for it: messages go beside them.
const AT_ONCE: u64 = 8;

/// Members of the Space: who is invited, and who is put out.
type Team = (Vec<MatrixUserId>, Vec<MatrixUserId>);

/// Worker of the Spaces.
pub struct DeskSpaces {
    core: Core,
    port: Arc<dyn Matrix>,
    /// The Space's members as they were last brought up to date in this run.
    team: Option<Team>,
    /// The sub-spaces as they were.
    applied: HashMap<SubSpace, SubSpaceSpec>,
    /// Whether there are rooms to be put somewhere.
    is_busy: bool,
    /// Time of the next look for such.
    search_at: Timestamp,
    /// Time before which the homeserver is not tried again.
    retry_at: Timestamp,
}

impl DeskSpaces {
    /// Builds the worker.
    pub fn new(core: Core, port: Arc<dyn Matrix>) -> Self {
        Self {
            core,
            port,
            team: None,
            applied: HashMap::new(),
            is_busy: false,
            search_at: Timestamp::ZERO,
            retry_at: Timestamp::ZERO,
        }
    }
}

impl Worker for DeskSpaces {
    fn name(&self) -> &'static str {
        "Spaces"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none()
            .and(self.core.store.wake_ups(WorkFor::Spaces))
            .and(self.port.status())
    }

    fn poll(&self) -> Duration {
        if self.is_busy { BUSY_POLL } else { POLL }
    }

    async fn step(&mut self) -> Result<Progress, StoreError> {
        let now = self.core.clock.now();
        let is_ready = self.port.status().borrow().state == MatrixState::Ready;
        // After a restore nothing is sent to rooms before a person resumes the outbox (rule 5).
        if !is_ready || now < self.retry_at || self.core.store.settings().is_parked().await? {
            return Ok(Progress::Idle);
        }
        match self.look(now).await {
            Ok(worked) => Ok(if worked { Progress::Worked } else { Progress::Idle }),
            Err(NoRoom::Store(error)) => Err(error),
            Err(NoRoom::Port(error)) => {
                tracing::warn!("the Spaces cannot be brought up to date, trying again: {error}");
                self.retry_at = now.plus(PAUSE);
                Ok(Progress::Idle)
            }
        }
    }
}

impl DeskSpaces {
    /// Brings up to date what differs. Returns whether anything was done.
    async fn look(&mut self, now: Timestamp) -> Result<bool, NoRoom> {
        let people = People::now(&self.core.store).await?;
        let mut worked = self.see_to_team(&people).await?;
        let port = Arc::clone(&self.port);
        let Some(spaces) = port.own_homeserver() else {
            return Ok(worked);
        };
        for place in all(&people) {
            worked |= self.see_to(spaces, place, &people).await?;
        }
        if worked || now >= self.search_at {
            worked |= self.search(now).await?;
        }
        Ok(worked)
    }

    /// Brings the members of the Space up to date: its rooms can be joined by whoever is in it, so it is for those who work for
    /// all accounts.
    async fn see_to_team(&mut self, people: &People) -> Result<bool, NoRoom> {
        let accounts = self.core.store.accounts().present().await?;
        let works_for_all =
            |agent: &Agent| agent.is_active() && accounts.iter().all(|account| agent.works_for(account.id));
        let team = people.parted(works_for_all);
        if self.team.as_ref() == Some(&team) {
            return Ok(false);
        }
        self.port.set_team(&team.0, &team.1).await?;
        self.team = Some(team);
        Ok(true)
    }

    /// Brings a sub-space up to date. That of somebody who never was here in this time is not made to put them out of it.
    async fn see_to(&mut self, spaces: &dyn OwnHomeserver, place: SubSpace, people: &People) -> Result<bool, NoRoom> {
        let wanted = spec(&self.core.instance, place, people);
        if self.applied.get(&place) == Some(&wanted) {
            return Ok(false);
        }
        let before = known(&self.core.store, place).await?;
        if before.is_none() && wanted.invite.is_empty() {
            return Ok(false);
        }
        let space = spaces.ensure_sub_space(&wanted).await?;
        if before.as_ref() != Some(&space) {
            self.core
                .write((place, space), |tx, (place, space)| {
                    async move { set(tx, *place, space).await }.boxed()
                })
                .await?;
        }
        self.applied.insert(place, wanted);
        Ok(true)
    }

    /// Lets some rooms that are in no sub-space be put into theirs. Returns whether there were such.
    async fn search(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let waiting = self.core.store.places().waiting().await?;
        let free = AT_ONCE.saturating_sub(waiting);
        self.is_busy = true;
        if free == 0 {
            return Ok(false);
        }
        let rooms = self.core.store.places().unknown(free).await?;
        if rooms.is_empty() {
            self.is_busy = false;
            self.search_at = now.plus(SEARCH_EVERY);
            return Ok(false);
        }
        self.core
            .write(rooms, |tx, rooms| {
                async move {
                    for room in rooms {
                        tx.places().add(room).await?;
                        if let Some(id) = tx.rooms().conversation(room).await?
                            && let Some(conversation) = tx.conversations().get(id).await?
                        {
                            ask(tx, conversation.account_id, room).await?;
                        }
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await?;
        Ok(true)
    }
}
