//! Finds the customer behind a contact, and reports changes of customers: in the journal, and in the rooms of their
//! conversations. Work for a room is queued only where the room exists.

use crate::contract::Event;
use crate::domain::account::Account;
use crate::domain::conversation::Conversation;
use crate::domain::customer::{Customer, Identity, IdentityKind, IdentitySource, PhoneNumber};
use crate::domain::merge::{Merged, Parted};
use crate::domain::outbox::MatrixWork;
use crate::domain::whatsapp::{WaContact, WaMessage};
use crate::domain::{ConversationId, MatrixRoomId};
use crate::store::{Contact, NewWork, ResolvedCustomer, StoreError, Tx};

use super::consent;
use super::policy::Policy;

/// Returns the customer behind a contact, created or merged as its identities and names require, and reports what
/// changed.
pub(crate) async fn meet(
    tx: &mut Tx,
    policy: &Policy,
    contact: &WaContact,
    source: IdentitySource,
) -> Result<ResolvedCustomer, StoreError> {
    let names = (contact.saved_name.as_deref(), contact.push_name.as_deref());
    let told = Contact::new(&contact.identities, names.0, names.1, source);
    let met = tx.customers().meet(&told).await?;
    for other in &met.others {
        tell_changed(tx, other).await?;
    }
    for merged in &met.merged {
        tell_merged(tx, policy, merged).await?;
    }
    if met.created {
        tx.emit(Event::customer_created(&met.customer));
    } else if met.changed {
        tell_changed(tx, &met.customer).await?;
    }
    Ok(met)
}

/// Stores a customer's new number, which WhatsApp reports by a notice in their chat. If the contact has a LID, the old
/// number is dropped; without one the customer keeps it, because the chat is found by it. Answers go to the new number
/// from now on.
pub(crate) async fn renumber(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    notice: &WaMessage,
    number: &PhoneNumber,
) -> Result<(), StoreError> {
    let mut contact = notice.contact.clone();
    let goes_by = contact.identities.first().map(|identity| identity.kind);
    if contact.identities.iter().any(|known| known.kind == IdentityKind::Lid) {
        contact.identities.retain(|known| known.kind != IdentityKind::Phone);
    }
    contact.identities.push(Identity::phone(number));
    meet(tx, policy, &contact, IdentitySource::WhatsApp).await?;
    if goes_by == Some(IdentityKind::Phone) {
        tx.conversations().free_chat(account.id, &notice.chat).await?;
    }
    Ok(())
}

/// Emits that a customer has changed, and queues the update of their rooms.
pub(crate) async fn tell_changed(tx: &mut Tx, customer: &Customer) -> Result<(), StoreError> {
    tx.emit(Event::customer_updated(customer));
    for conversation in tx.conversations().live_of_customer(customer.id).await? {
        update_room(tx, &conversation).await?;
    }
    Ok(())
}

/// Emits that a customer has changed in what the cards in their rooms show, and queues these.
pub(crate) async fn tell_on_cards(tx: &mut Tx, customer: &Customer) -> Result<(), StoreError> {
    tx.emit(Event::customer_updated(customer));
    for conversation in tx.conversations().live_of_customer(customer.id).await? {
        tx.cards().ask(conversation.account_id, conversation.id).await?;
    }
    Ok(())
}

/// Emits that two customers were merged, updates their rooms, and says in each room that has ended where the
/// conversation continues. If one of them had opted out, fails what is queued for either.
pub(crate) async fn tell_merged(tx: &mut Tx, policy: &Policy, merged: &Merged) -> Result<(), StoreError> {
    tx.emit(Event::customer_merged(merged));
    if merged.customer.opted_out_at.is_some() {
        consent::take_back(tx, policy, merged.customer.id).await?;
    }
    for conversation in &merged.conversations {
        update_room(tx, conversation).await?;
    }
    for joined in &merged.joined {
        let Some(room) = room_of(tx, joined.merged_conversation_id).await? else {
            continue;
        };
        let text = format!(
            "{} Messages that you write here are not sent.",
            goes_on(tx, joined.conversation_id).await?
        );
        tx.places().ask(joined.account_id, &room).await?;
        let work = MatrixWork::Tell { room, text };
        let lane = joined.merged_conversation_id;
        let work = NewWork::for_conversation(joined.account_id, lane, work);
        tx.outbox().enqueue(work).await?;
    }
    Ok(())
}

/// Emits that a merge was undone, updates the rooms, and says in each room that is in use again that it is. The restored
/// customer has an event of their own: those who see them need not see the one who had survived. Fails what is queued for a
/// customer who is opted out by it.
pub(crate) async fn tell_parted(tx: &mut Tx, policy: &Policy, parted: &Parted) -> Result<(), StoreError> {
    tx.emit(Event::customer_unmerged(parted));
    tx.emit(Event::customer_updated(&parted.restored));
    if let Some(customer) = parted.opted_out {
        consent::take_back(tx, policy, customer).await?;
    }
    for conversation in &parted.conversations {
        update_room(tx, conversation).await?;
        let ended = &parted.merge.conversations;
        let is_back = ended
            .iter()
            .any(|joined| joined.merged_conversation_id == conversation.id);
        if is_back && let Some(room) = room_of(tx, conversation.id).await? {
            let text = "This conversation is in this room again. What you write here goes to the customer.".to_owned();
            let work = MatrixWork::Tell { room, text };
            let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
            tx.outbox().enqueue(work).await?;
        }
    }
    Ok(())
}

/// Returns the sentence, for a room that has ended, that says where its conversation continues.
pub(crate) async fn goes_on(tx: &mut Tx, conversation: ConversationId) -> Result<String, StoreError> {
    let live = tx.conversations().live(conversation).await?;
    let room = match &live {
        Some(live) => room_of(tx, live.id).await?,
        None => None,
    };
    Ok(match (room, live) {
        (Some(room), _) => format!("This conversation continues in https://matrix.to/#/{room} ."),
        (None, Some(live)) => format!("This conversation continues as conversation {}.", live.id),
        (None, None) => "This conversation has ended.".to_owned(),
    })
}

async fn update_room(tx: &mut Tx, conversation: &Conversation) -> Result<(), StoreError> {
    if room_of(tx, conversation.id).await?.is_some() {
        let (account, lane) = (conversation.account_id, conversation.id);
        let work = NewWork::for_conversation(account, lane, MatrixWork::UpdateRoom);
        tx.outbox().enqueue(work).await?;
        tx.cards().ask(account, lane).await?;
    }
    Ok(())
}

async fn room_of(tx: &mut Tx, conversation: ConversationId) -> Result<Option<MatrixRoomId>, StoreError> {
    Ok(tx
        .rooms()
        .of_conversation(conversation)
        .await?
        .and_then(|room| room.room))
}
