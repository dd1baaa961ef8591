//! One person's two ids in a group: WhatsApp names a member sometimes by number and sometimes by LID.

use crate::bridge::core::names::{LID_KEY, is_same_person};
use crate::domain::customer::{Identity, IdentityKind};
use crate::domain::message::Message;
use crate::domain::whatsapp::WaContact;
use crate::domain::{ConversationId, WaMessageId, WaUserId};
use crate::store::{StoreError, Tx};

/// Returns the contact with the other id of the same member, if the group's members tell it and the contact does not.
pub(crate) async fn with_other_id(
    tx: &mut Tx,
    conversation: ConversationId,
    contact: &WaContact,
) -> Result<WaContact, StoreError> {
    let mut contact = contact.clone();
    let has = |kind| contact.identities.iter().any(|identity| identity.kind == kind);
    if contact.identities.is_empty() || (has(IdentityKind::Lid) && has(IdentityKind::Phone)) {
        return Ok(contact);
    }
    let Some(group) = tx.groups().get(conversation).await? else {
        return Ok(contact);
    };
    let member = group.participants.into_iter().find(|member| {
        let ids = contact.identities.iter();
        let mut ids = ids.filter(|identity| identity.kind != IdentityKind::Username);
        ids.any(|identity| {
            let digits = identity.value.trim_start_matches('+');
            member.user.as_str() == digits || member.phone.as_ref().is_some_and(|phone| phone.digits() == digits)
        })
    });
    let Some(member) = member else {
        return Ok(contact);
    };
    let phone = member.phone.as_ref().map(Identity::phone);
    // A member who goes by number has no LID that we know.
    let user = member.user.as_str();
    let is_number = member.phone.as_ref().is_none_or(|phone| phone.digits() == user);
    let lid = (!is_number).then(|| Identity::lid(user));
    for identity in phone.into_iter().chain(lid) {
        if !contact.identities.contains(&identity) {
            contact.identities.push(identity);
        }
    }
    Ok(contact)
}

/// Returns the message of a group's member with this stanza id, under whichever of the member's ids it is stored.
pub(crate) async fn message_of(
    tx: &mut Tx,
    conversation: ConversationId,
    id: &WaMessageId,
    sender: &WaUserId,
    contact: &WaContact,
) -> Result<Option<Message>, StoreError> {
    let senders = tx.messages().senders_under(conversation, id).await?;
    let exact = senders.iter().find(|(_, stored)| stored == sender);
    let found = exact.or_else(|| {
        let mut senders = senders.iter();
        senders.find(|(_, stored)| is_same_person(stored, sender, contact))
    });
    let Some((found, stored)) = found else {
        return Ok(None);
    };
    if stored != sender && sender.as_str().starts_with(LID_KEY) {
        // The LID does not change, so the message goes by it as soon as it is known.
        tx.messages().set_sender(*found, sender).await?;
    }
    tx.messages().get(*found).await
}
