//! The moment in which a queued message goes over to `Sending`: under the stanza id that it keeps for ever, to the
//! recipient that is meant now, unless that recipient has opted out.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::{consent, state};
use crate::bridge::inbound::message::{self, Learned};
use crate::contract::Event;
use crate::domain::conversation::{ChatKind, Conversation};
use crate::domain::customer::{Customer, PhoneNumber};
use crate::domain::message::{Message, MessageState};
use crate::domain::outbox::{MatrixWork, OutboxItem, WhatsAppWork};
use crate::domain::whatsapp::{Recipient, Resolved};
use crate::domain::{MessageId, OutboxId, Timestamp, WaMessageId};
use crate::store::{NewWork, StoreError, Tx};

use super::outgoing::{self, Outgoing};
use super::relay::{LOOK_AGAIN, WhatsAppRelay};
use super::{later, quote};

/// A message for which a chat was resolved and a stanza id chosen.
struct Goal {
    resolved: Resolved,
    stanza: WaMessageId,
    item: OutboxId,
    /// Whether WhatsApp cannot quote the message that it replies to.
    quote_lost: bool,
    /// When the message is looked up if no ack has come.
    again: Timestamp,
}

impl WhatsAppRelay {
    /// Stores the stanza id and the state `Sending` before anything is handed over (rule 2): after a crash from here on
    /// the message is looked up under this id. Returns the message as stored, since it may have been edited meanwhile;
    /// `None` if it is not queued any more, or is meant for another chat now.
    pub(super) async fn choose(
        &self,
        item: &OutboxItem<WhatsAppWork>,
        outgoing: &Arc<Outgoing>,
        goal: &(Resolved, WaMessageId, bool),
    ) -> Result<Option<Message>, StoreError> {
        let goal = Goal {
            resolved: goal.0.clone(),
            stanza: goal.1.clone(),
            item: item.id,
            quote_lost: goal.2,
            again: self.core.clock.now().plus(LOOK_AGAIN),
        };
        let input = (Arc::clone(outgoing), goal);
        self.core
            .write_with(input, |tx, core, (outgoing, goal)| {
                async move { choose(tx, &core.policy, outgoing, goal).await }.boxed()
            })
            .await
    }

    /// Lets a message that was certainly not sent go over to `Sending` once more, under the stanza id that it has. Returns it as
    /// stored, since it may have been edited meanwhile; `None` if it has been cancelled, or its recipient has opted out.
    pub(super) async fn choose_again(
        &self,
        item: &OutboxItem<WhatsAppWork>,
        id: MessageId,
    ) -> Result<Option<Message>, StoreError> {
        let again = self.core.clock.now().plus(LOOK_AGAIN);
        self.core
            .write_with((item.id, id, again), |tx, core, &(item, id, again)| {
                async move { choose_again(tx, &core.policy, id, (item, again)).await }.boxed()
            })
            .await
    }

    /// Fails a message because of its recipient, `why` being a code and its detail, unless it is meant for another one by
    /// now: then the next step looks for that one.
    pub(super) async fn fail_addressed(
        &self,
        outgoing: &Arc<Outgoing>,
        (code, detail): (&'static str, &'static str),
    ) -> Result<(), StoreError> {
        let input = (Arc::clone(outgoing), state::failure(code, detail));
        self.core
            .write_with(input, |tx, core, (outgoing, failure)| {
                async move {
                    let Some((current, conversation)) = queued(tx, outgoing).await? else {
                        return Ok(());
                    };
                    if conversation.kind == ChatKind::Direct
                        && address(tx, &current, &conversation).await? != outgoing.to
                    {
                        return Ok(());
                    }
                    state::set_state(tx, &core.policy, &current, MessageState::Failed, Some(failure)).await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}

async fn choose(tx: &mut Tx, policy: &Policy, outgoing: &Outgoing, goal: &Goal) -> Result<Option<Message>, StoreError> {
    let id = outgoing.message.id;
    let Some((current, conversation)) = queued(tx, outgoing).await? else {
        return Ok(None);
    };
    // Resolving and typing take time. The next step fails what has expired meanwhile.
    if tx.messages().is_expired(id).await? {
        return Ok(None);
    }
    if conversation.kind == ChatKind::Direct {
        if address(tx, &current, &conversation).await? != outgoing.to {
            // A person has corrected the number, or the customer has written in another chat: resolved anew.
            return Ok(None);
        }
        let asked = match &outgoing.to {
            Some(Recipient::Phone(phone)) => Some(phone),
            _ => None,
        };
        // A number and a LID that are reported together belong to one customer (rule 12).
        match message::learn(tx, policy, &conversation, &goal.resolved, asked).await? {
            Learned::Meant(_) => {}
            Learned::Passed(owner) => {
                pass_on(tx, policy, &current, &owner, &goal.resolved).await?;
                return Ok(None);
            }
        }
    }
    // A merge may have moved the message, and failed it because of an opt-out.
    let Some((current, conversation)) = queued(tx, outgoing).await? else {
        return Ok(None);
    };
    if consent::opted_out(tx, &conversation).await?.is_some() {
        consent::fail(tx, policy, &current).await?;
        return Ok(None);
    }
    let account = tx.accounts().get(current.account_id).await?;
    let login = account.ok_or(StoreError::Missing { what: "account" })?.login;
    if conversation.scheduled_count > 0 && !later::may_go(tx, policy, &current).await? {
        return Ok(None);
    }
    tx.pace().note_first_contact(conversation.id).await?;
    tx.messages()
        .choose_stanza(id, &goal.resolved.chat, &goal.stanza, login)
        .await?;
    if goal.quote_lost {
        quote::leave_out(tx, policy, &current).await?;
    }
    let sending = tx.messages().set_state(id, MessageState::Sending, None).await?;
    tx.emit(Event::message_state(&sending));
    tx.outbox().start(goal.item).await?;
    tx.outbox().retry(goal.item, goal.again, "handed over", false).await?;
    Ok(Some(sending))
}

async fn choose_again(
    tx: &mut Tx,
    policy: &Policy,
    id: MessageId,
    (item, again): (OutboxId, Timestamp),
) -> Result<Option<Message>, StoreError> {
    let Some(current) = tx.messages().lock(id).await? else {
        return Ok(None);
    };
    if !matches!(current.state, MessageState::Queued | MessageState::Sending) {
        return Ok(None);
    }
    let Some(conversation) = tx.conversations().get(current.conversation_id).await? else {
        return Ok(None);
    };
    if consent::opted_out(tx, &conversation).await?.is_some() {
        consent::fail(tx, policy, &current).await?;
        return Ok(None);
    }
    // WhatsApp counts the time in which it allows changes from this hand-over.
    tx.messages().renew_choice(id).await?;
    tx.outbox().retry(item, again, "handed over again", false).await?;
    state::set_state(tx, policy, &current, MessageState::Sending, None)
        .await
        .map(Some)
}

/// Returns the message and its conversation as they are now, if it is still queued.
async fn queued(tx: &mut Tx, outgoing: &Outgoing) -> Result<Option<(Message, Conversation)>, StoreError> {
    let Some(current) = tx.messages().lock(outgoing.message.id).await? else {
        return Ok(None);
    };
    if current.state != MessageState::Queued {
        return Ok(None);
    }
    let conversation = tx.conversations().get(current.conversation_id).await?;
    Ok(conversation.map(|conversation| (current, conversation)))
}

/// Returns where the message goes as things are now.
async fn address(tx: &mut Tx, message: &Message, conversation: &Conversation) -> Result<Option<Recipient>, StoreError> {
    let customer = match conversation.customer_id {
        Some(customer) => tx.customers().get(customer).await?,
        None => None,
    };
    let named = tx.messages().addressee(message.id).await?;
    Ok(outgoing::recipient(
        named,
        conversation.chat_id.clone(),
        customer.as_ref(),
    ))
}

/// Handles a message whose number belongs to another customer now. One that was addressed to the number goes on to its new
/// owner, in their conversation, where all limits are checked again. One that was for the customer, or that quotes them,
/// fails: it is not for the new owner.
async fn pass_on(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    owner: &Customer,
    resolved: &Resolved,
) -> Result<(), StoreError> {
    let named = tx.messages().addressee(message.id).await?;
    let Some(number) = named.filter(|_| message.reply_to.is_none()) else {
        let detail = format!(
            "the number belongs to another customer now ({}); set the right number with `crm customer edit`, then send \
             it again",
            owner.id
        );
        let failure = state::failure("number_passed", &detail);
        state::set_state(tx, policy, message, MessageState::Failed, Some(&failure)).await?;
        return Ok(());
    };
    let to = tx
        .conversations()
        .resolve(
            message.account_id,
            Some(owner.id),
            Some(&resolved.chat),
            ChatKind::Direct,
            &owner.name,
        )
        .await?
        .conversation;
    let moved = tx.messages().readdress(message.id, &to).await?;
    tx.emit(Event::message_state(&moved));
    tell(tx, policy, &moved, &number).await
}

/// Reports beside the message, wherever it is shown, that it goes to somebody else than before.
async fn tell(tx: &mut Tx, policy: &Policy, moved: &Message, number: &PhoneNumber) -> Result<(), StoreError> {
    if !policy.matrix {
        return Ok(());
    }
    let number = if policy.hide_numbers {
        "The number".to_owned()
    } else {
        number.to_string()
    };
    let text = format!(
        "{number} belongs to another customer now: this goes to them, in conversation {}.",
        moved.conversation_id
    );
    let work = MatrixWork::Answer { about: moved.id, text };
    tx.outbox().enqueue(NewWork::for_message(moved, work)).await?;
    Ok(())
}
