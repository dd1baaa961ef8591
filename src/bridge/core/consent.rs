//! Opt-outs: read from a customer's messages, and checked before every send (an account in removal refuses as well).

use crate::domain::consent;
use crate::domain::consent::Wish;
use crate::domain::conversation::Conversation;
use crate::domain::message::{Kind, Message, MessageState};
use crate::domain::outbox::MatrixWork;
use crate::domain::{CustomerId, Timestamp};
use crate::store::{NewWork, StoreError, Tx};

use super::policy::Policy;
use super::refusal::Refusal;
use super::{accounts, people, state};

/// Stores an opt-out or opt-in that a customer's new message contains. Also wakes the conversation's lane: a customer
/// who writes is awake, so messages that wait for the end of the quiet hours are looked at again.
pub(crate) async fn heard(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    message: &Message,
) -> Result<(), StoreError> {
    tx.outbox()
        .hasten_lane(conversation.account_id, conversation.id)
        .await?;
    let Some(customer) = conversation.customer_id.filter(|_| message.kind == Kind::Text) else {
        return Ok(());
    };
    let told = match policy.pace.consent.read(&message.content) {
        None => return Ok(()),
        Some(Wish::NoMore) => opt_out(tx, policy, customer, message.timestamp, message.content.trim())
            .await?
            .then(|| {
                format!(
                    "The customer has opted out and gets no more messages. They can opt in again by a message, or you \
                     run `crm customer opt-in {customer}`."
                )
            }),
        Some(Wish::Again) => opt_in(tx, customer, message.timestamp)
            .await?
            .then(|| "The customer has opted in again and gets messages.".to_owned()),
    };
    if let Some(text) = told.filter(|_| policy.matrix) {
        let work = MatrixWork::Answer {
            about: message.id,
            text,
        };
        tx.outbox().enqueue(NewWork::for_message(message, work)).await?;
    }
    Ok(())
}

/// Returns why nothing may be sent in this conversation, if nothing may: the account was removed, or the customer has
/// opted out.
pub(crate) async fn refusal(tx: &mut Tx, conversation: &Conversation) -> Result<Option<Refusal>, StoreError> {
    if let Some(refusal) = accounts::refusal(tx, conversation.account_id).await? {
        return Ok(Some(refusal));
    }
    opted_out(tx, conversation).await
}

/// Returns the refusal of a message in this conversation, if the customer has opted out and is not to be answered.
pub(crate) async fn opted_out(tx: &mut Tx, conversation: &Conversation) -> Result<Option<Refusal>, StoreError> {
    let Some(id) = conversation.customer_id else {
        return Ok(None);
    };
    let Some(since) = tx.customers().get(id).await?.and_then(|customer| customer.opted_out_at) else {
        return Ok(None);
    };
    let heard = tx.pace().last_heard(conversation.id).await?;
    let may_write = consent::may_write(Some(since), heard, tx.now());
    Ok((!may_write).then_some(Refusal::OptedOut { customer: id, since }))
}

/// Fails with the [`refusal`] of a conversation, if there is one.
pub(crate) async fn check(tx: &mut Tx, conversation: &Conversation) -> Result<(), Refusal> {
    match refusal(tx, conversation).await? {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

/// Stores an opt-out and fails the customer's queued messages. `by`: the words or the person that said so. Returns
/// `false` if the customer had opted out before.
pub(crate) async fn opt_out(
    tx: &mut Tx,
    policy: &Policy,
    id: CustomerId,
    at: Timestamp,
    by: &str,
) -> Result<bool, StoreError> {
    let Some(customer) = tx.opt_outs().add(id, at, by).await? else {
        return Ok(false);
    };
    people::tell_on_cards(tx, &customer).await?;
    take_back(tx, policy, id).await?;
    Ok(true)
}

/// Fails the queued messages of a customer who has opted out, in all accounts.
pub(crate) async fn take_back(tx: &mut Tx, policy: &Policy, id: CustomerId) -> Result<(), StoreError> {
    for message in tx.pace().queued_for(id).await? {
        fail(tx, policy, &message).await?;
    }
    Ok(())
}

/// Fails a message that was not sent, because the customer has opted out.
pub(crate) async fn fail(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<(), StoreError> {
    let failure = state::failure(OPTED_OUT, "the customer opted out before it was sent");
    state::set_state(tx, policy, message, MessageState::Failed, Some(&failure)).await?;
    Ok(())
}

/// Code of the failure of what is not sent because of an opt-out.
pub(crate) const OPTED_OUT: &str = "opted_out";

/// Ends an opt-out. Returns `false` if there was none.
pub(crate) async fn opt_in(tx: &mut Tx, id: CustomerId, at: Timestamp) -> Result<bool, StoreError> {
    let Some(customer) = tx.opt_outs().end(id, at).await? else {
        return Ok(false);
    };
    people::tell_on_cards(tx, &customer).await?;
    Ok(true)
}
