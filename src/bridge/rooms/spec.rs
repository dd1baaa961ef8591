//! Specifications of rooms: name, topic, alias and members.

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::domain::conversation::{ChatKind, Conversation};
use crate::domain::matrix::RoomSpec;
use crate::domain::{AccountId, ConversationId, MatrixUserId};
use crate::store::{RoomOf, StoreError};

/// Returns the specification of a conversation's room, and reserves its alias for us.
pub(crate) async fn of(core: &Core, id: ConversationId, us: Option<&MatrixUserId>) -> Result<RoomSpec, StoreError> {
    let missing = StoreError::Missing { what: "conversation" };
    let conversation = core.store.conversations().get(id).await?.ok_or(missing)?;
    let phone = match conversation.customer_id {
        Some(customer) => core
            .store
            .customers()
            .get(customer)
            .await?
            .and_then(|customer| customer.phone),
        None => None,
    };
    let number = match (phone, conversation.kind) {
        (Some(phone), _) if !core.policy.hide_numbers => format!("WhatsApp {phone}"),
        (None, ChatKind::Group) => "WhatsApp group".to_owned(),
        (_, ChatKind::Direct | ChatKind::Group) => "WhatsApp".to_owned(),
    };
    let number = match account_name(core, conversation.account_id).await? {
        Some(account) => format!("{number} · account {account}"),
        None => number,
    };
    let Members { invite, allow, exclude } = members(core, &conversation).await?;
    let topic = [number, conversation.status.to_string()].into_iter();
    let topic = topic.chain(conversation.assignee.as_ref().map(|agent| agent.name.clone()));
    let topic: Vec<String> = topic.chain(conversation.labels.iter().cloned()).collect();
    let reserved = reserve(core, id, us).await?;
    Ok(RoomSpec {
        alias: reserved.alias,
        creator: reserved.creator,
        name: core.policy.shown_name(&conversation.name, conversation.customer_id),
        topic: topic.join(" · "),
        invite,
        allow,
        exclude,
        replaces: None,
        direct: false,
        closed: false,
    })
}

/// Members of a conversation's room.
struct Members {
    invite: Vec<MatrixUserId>,
    allow: Vec<MatrixUserId>,
    exclude: Vec<MatrixUserId>,
}

/// Returns who is asked into a conversation's room, who may be there, and who must not. Until somebody has the conversation all agents
/// are asked, since nobody is notified of a room that they are not in; afterwards its assignee, and others may join.
async fn members(core: &Core, conversation: &Conversation) -> Result<Members, StoreError> {
    let agents = core.store.agents();
    let (all, exclude) = agents.of_account(conversation.account_id).await?;
    let assignee = match &conversation.assignee {
        Some(assignee) => agents.get(assignee.id).await?.and_then(|agent| agent.matrix_user),
        None => None,
    };
    // One who is no agent here any more, or not on Matrix, would leave the room without anybody to notify.
    let assignee = assignee.filter(|user| all.contains(user));
    let allow = all.iter().chain(&core.policy.owner).cloned().collect();
    Ok(Members {
        invite: assignee.map_or(all, |user| vec![user]),
        allow,
        exclude,
    })
}

/// Returns the account's name, unless it is the only account that ever existed.
async fn account_name(core: &Core, id: AccountId) -> Result<Option<String>, StoreError> {
    let accounts = core.store.accounts().all().await?;
    let several = accounts.len() > 1;
    let account = accounts.into_iter().find(|account| account.id == id);
    Ok(account.filter(|_| several).map(|account| account.name))
}

/// Stores the alias before the room is created, and who is to create it: after a crash the same alias is requested again,
/// and finds the room.
async fn reserve(core: &Core, id: ConversationId, us: Option<&MatrixUserId>) -> Result<RoomOf, StoreError> {
    let candidate = format!("crm_{}", core.random.word());
    core.write((id, candidate, us.cloned()), |tx, (id, candidate, us)| {
        async move { tx.rooms().reserve(*id, candidate, us.as_ref()).await }.boxed()
    })
    .await
}

/// Returns the alias of the room in which the owner is told of trouble. It contains the instance, so that two desks on one
/// homeserver do not share the room.
pub(crate) fn trouble_alias(core: &Core) -> String {
    format!("crm_{}_trouble", core.instance)
}

/// Returns the alias of the management room.
pub(crate) fn management_alias(core: &Core) -> String {
    format!("crm_{}_management", core.instance)
}

/// Returns the specification of the room in which the owner is told of trouble.
pub(crate) fn trouble(core: &Core, owner: &MatrixUserId) -> RoomSpec {
    RoomSpec {
        alias: trouble_alias(core),
        creator: None,
        name: "crm".to_owned(),
        topic: "Problems of crm, and their end".to_owned(),
        invite: vec![owner.clone()],
        allow: vec![],
        exclude: vec![],
        replaces: None,
        direct: true,
        closed: false,
    }
}

/// Returns the specification of the management room, for these managers and nobody else (`exclude`).
pub(crate) fn management(core: &Core, invite: Vec<MatrixUserId>, exclude: Vec<MatrixUserId>) -> RoomSpec {
    RoomSpec {
        alias: management_alias(core),
        creator: None,
        name: "crm management".to_owned(),
        topic: "For managers: accounts, codes for linking, problems. !help lists the commands; nothing here goes to customers."
            .to_owned(),
        invite,
        allow: vec![],
        exclude,
        replaces: None,
        direct: false,
        closed: true,
    }
}
