//! Spaces: who belongs into the one of all rooms, and, where the homeserver is one's own, the sub-spaces in which conversations
//! are as the desk has them. A room is in one of them, and moves as the conversation's row changes; the children of a Space are
//! never read.

mod placing;
mod worker;

use crate::domain::agent::Agent;
use crate::domain::conversation::Conversation;
use crate::domain::sub_space::{SubSpace, SubSpaceSpec};
use crate::domain::{AccountId, AgentId, MatrixRoomId, MatrixUserId};
use crate::store::{Store, StoreError, Tx};

pub use worker::DeskSpaces;

/// Returns where a conversation belongs. Who is no agent of its account any more, or not on Matrix, counts as nobody, as in
/// its room's members.
fn place_of(conversation: &Conversation, agents: &[Agent]) -> SubSpace {
    // It goes on in another conversation's room.
    if conversation.merged_into.is_some() {
        return SubSpace::Closed;
    }
    let assignee = conversation.assignee.as_ref().and_then(|assignee| {
        let agent = agents.iter().find(|agent| agent.id == assignee.id)?;
        (agent.works_for(conversation.account_id) && agent.matrix_user.is_some()).then_some(agent.id)
    });
    SubSpace::of(conversation.status, assignee)
}

/// People of whom some belong into a Space.
struct People {
    /// The agents, also deactivated ones.
    agents: Vec<Agent>,
    /// Matrix users that agents had before, who may still be in it.
    former: Vec<(AgentId, MatrixUserId)>,
}

impl People {
    /// Returns the people as they are now.
    async fn now(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            agents: store.agents().list().await?,
            former: store.agents().former().await?,
        })
    }

    /// Parts the Matrix users into those of agents of whom something holds, and the others.
    fn parted(&self, holds: impl Fn(&Agent) -> bool) -> (Vec<MatrixUserId>, Vec<MatrixUserId>) {
        let (ours, others): (Vec<&Agent>, Vec<&Agent>) = self.agents.iter().partition(|agent| holds(agent));
        let user = |agent: &Agent| agent.matrix_user.clone();
        let former = self.former.iter().map(|(_, user)| user.clone());
        let ours = ours.into_iter().filter_map(user);
        (
            ours.collect(),
            others.into_iter().filter_map(user).chain(former).collect(),
        )
    }
}

/// Returns the sub-spaces that there have to be: those of all, and one of each agent's, also of a former one, or of one who was
/// on Matrix before, whose Space may still have rooms and the agent in it.
fn all(people: &People) -> impl Iterator<Item = SubSpace> {
    let was_here = |agent: &Agent| people.former.iter().any(|(id, _)| *id == agent.id);
    let agents = people.agents.iter();
    let own = agents.filter(move |agent| agent.matrix_user.is_some() || was_here(agent));
    SubSpace::SHARED
        .into_iter()
        .chain(own.map(|agent| SubSpace::Mine(agent.id)))
}

/// Returns the specification of a sub-space, as the agents are now.
fn spec(instance: &str, place: SubSpace, people: &People) -> SubSpaceSpec {
    let is_inside = |agent: &Agent| match place {
        SubSpace::Mine(id) => agent.is_active() && agent.id == id,
        SubSpace::Unassigned | SubSpace::Snoozed | SubSpace::Closed => agent.is_active(),
    };
    let (invite, exclude) = people.parted(is_inside);
    let name = match place {
        SubSpace::Unassigned => "Unassigned".to_owned(),
        SubSpace::Snoozed => "Snoozed".to_owned(),
        SubSpace::Closed => "Closed".to_owned(),
        SubSpace::Mine(id) => {
            let agent = people.agents.iter().find(|agent| agent.id == id);
            format!("Mine ({})", agent.map_or("?", |agent| agent.name.as_str()))
        }
    };
    SubSpaceSpec {
        alias: format!("crm_{instance}_{}", place.key()),
        name,
        order: place.order(),
        invite,
        exclude,
        is_personal: matches!(place, SubSpace::Mine(_)),
    }
}

/// Returns the setting that holds a sub-space's id.
fn setting(place: SubSpace) -> String {
    format!("sub_space.{}", place.key())
}

/// Returns a sub-space, if it was made.
async fn known(store: &Store, place: SubSpace) -> Result<Option<MatrixRoomId>, StoreError> {
    Ok(store.settings().get(&setting(place)).await?.map(MatrixRoomId))
}

/// As [`known`], in a transaction.
async fn known_in(tx: &Tx, place: SubSpace) -> Result<Option<MatrixRoomId>, StoreError> {
    Ok(tx.settings().get(&setting(place)).await?.map(MatrixRoomId))
}

/// Stores a sub-space's id. The rooms in another that it had before are looked at anew.
async fn set(tx: &Tx, place: SubSpace, space: &MatrixRoomId) -> Result<(), StoreError> {
    if let Some(before) = known_in(tx, place).await?.filter(|before| before != space) {
        tx.places().lose(&before).await?;
    }
    tx.settings().set(&setting(place), Some(space.as_str())).await
}

/// Forgets a sub-space that is gone, if it is this one, and the rooms in it.
async fn forget(tx: &Tx, place: SubSpace, space: &MatrixRoomId) -> Result<(), StoreError> {
    tx.places().lose(space).await?;
    if known_in(tx, place).await?.as_ref() == Some(space) {
        tx.settings().set(&setting(place), None).await?;
    }
    Ok(())
}

/// Queues that a room is put where it belongs, if it is elsewhere.
pub(super) async fn ask(tx: &mut Tx, account: AccountId, room: &MatrixRoomId) -> Result<(), StoreError> {
    let Some(place) = tx.places().of_room(room).await? else {
        return Ok(());
    };
    let conversation = match tx.rooms().conversation(room).await? {
        Some(id) => tx.conversations().get(id).await?,
        None => None,
    };
    let wanted = match &conversation {
        Some(conversation) => known_in(tx, place_of(conversation, &tx.agents().list().await?)).await?,
        None => None,
    };
    // One that was not made yet is another too.
    if place.is_done && place.space == wanted && (wanted.is_some() || conversation.is_none()) {
        return Ok(());
    }
    tx.places().ask(account, room).await
}
