//! What a conversation's room is to look like.

use futures_util::FutureExt;

use crate::domain::conversation::ChatKind;
use crate::domain::matrix::RoomSpec;
use crate::domain::{ConversationId, MatrixUserId};
use crate::store::StoreError;

use super::core::Core;

/// The room of a conversation.
pub(super) async fn of(core: &Core, id: ConversationId) -> Result<RoomSpec, StoreError> {
    let missing = StoreError::Missing { what: "conversation" };
    let conversation = core.store.conversation(id).await?.ok_or(missing)?;
    let phone = match conversation.customer_id {
        Some(customer) => core.store.customer(customer).await?.and_then(|customer| customer.phone),
        None => None,
    };
    let number = match (phone, conversation.kind) {
        (Some(phone), _) => format!("WhatsApp {phone}"),
        (None, ChatKind::Direct) => "WhatsApp".to_owned(),
        (None, ChatKind::Group) => "WhatsApp group".to_owned(),
    };
    Ok(RoomSpec {
        alias: reserve_alias(core, id).await?,
        name: conversation.name,
        topic: format!("{number} · {}", conversation.status),
        invite: core.policy.agents.clone(),
        direct: false,
    })
}

/// The alias is stored before the room is made: after a crash the same one is asked for again, and finds the room.
async fn reserve_alias(core: &Core, id: ConversationId) -> Result<String, StoreError> {
    let candidate = format!("crm_{}", core.random.word());
    let room = core
        .write(move |tx| {
            let candidate = candidate.clone();
            async move { tx.reserve_room(id, &candidate).await }.boxed()
        })
        .await?;
    Ok(room.alias)
}

/// The room in which the owner is told of trouble. Its alias holds the instance, so that two desks on one homeserver do
/// not share it.
pub(super) fn trouble(core: &Core, owner: &MatrixUserId) -> RoomSpec {
    RoomSpec {
        alias: format!("crm_{}_trouble", core.instance),
        name: "crm".to_owned(),
        topic: "Trouble, and its end".to_owned(),
        invite: vec![owner.clone()],
        direct: true,
    }
}
