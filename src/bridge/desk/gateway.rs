//! Takes in what outside gateways tell: messages that they received, and delivery states. Both go the way of our own events.

use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::accounts::{note_added, removal};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::{Core, state};
use crate::bridge::inbound::message;
use crate::bridge::inbound::message::{Arrival, IntakeOutcome};
use crate::bridge::outbound::queue;
use crate::domain::account::{Account, AccountKind, GATEWAY_ACCOUNT};
use crate::domain::conversation::ChatKind;
use crate::domain::gateway::GatewayPerson;
use crate::domain::message::{Kind, Message};
use crate::domain::whatsapp::{WaContact, WaMessage};
use crate::domain::{AccountId, CustomerId, Timestamp, WaMessageId, WaUserId};
use crate::store::{StoreError, Tx};

use super::handle::Desk;

/// How long an ack waits for its message.
pub const EARLY_ACK_WAITS: Duration = Duration::from_hours(24);
/// Content of a message without text, of which a gateway tells nothing else.
const NO_TEXT: &str = "[message without text]";

/// A message that a gateway received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayMessage {
    /// The sender.
    pub from: GatewayPerson,
    /// Name that the sender has chosen, if the gateway knows it.
    pub name: Option<String>,
    /// Text.
    pub content: String,
    /// The gateway's id of the message, unique in its account.
    pub whatsapp_id: WaMessageId,
    /// Time of writing; `None`: now.
    pub written: Option<Timestamp>,
}

impl Desk {
    /// Stores a message that a gateway received, once by its id. Returns it as stored. `account`: the gateway's account;
    /// `None`: the one called [`GATEWAY_ACCOUNT`], which is made if there is none.
    pub async fn take_in(&self, account: Option<AccountId>, message: GatewayMessage) -> Result<Message, Refusal> {
        if !message.content.trim().is_empty() {
            queue::check_text(&message.content)?;
        }
        self.core
            .write_with((account, message), |tx, core, (account, message)| {
                Box::pin(take_in(tx, core, *account, message))
            })
            .await
    }

    /// Applies a delivery state that a gateway tells to the message that it sent. If that message is not there yet, the
    /// state waits for it for [`EARLY_ACK_WAITS`], and `None` is returned. `account` as in [`Self::take_in`].
    pub async fn take_ack(
        &self,
        account: Option<AccountId>,
        id: WaMessageId,
        ack: i32,
    ) -> Result<Option<Message>, Refusal> {
        self.core
            .write_with((account, id, ack), |tx, core, (account, id, ack)| {
                async move { take_ack(tx, core, *account, id, *ack).await }.boxed()
            })
            .await
    }
}

async fn take_in(
    tx: &mut Tx,
    core: &Core,
    account: Option<AccountId>,
    told: &GatewayMessage,
) -> Result<Message, Refusal> {
    let account = gateway(tx, core, account).await?;
    if let Some(known) = known(tx, &account, told).await? {
        return Ok(known);
    }
    let message = as_reported(told, tx.now());
    if let IntakeOutcome::New(stored) = Box::pin(store(tx, core, &account, &message)).await? {
        return Ok(*stored);
    }
    let stored = known(tx, &account, told).await?;
    stored.ok_or_else(|| StoreError::Missing { what: "message" }.into())
}

/// Returns the stored message that `told` repeats. Senders choose their ids and may copy somebody else's (rule 12), so the id
/// alone is not the message's.
async fn known(tx: &mut Tx, account: &Account, told: &GatewayMessage) -> Result<Option<Message>, StoreError> {
    let stored = tx.messages().received(account.id, &told.whatsapp_id).await?;
    if stored.is_empty() {
        return Ok(None);
    }
    let sender = tx.customers().by_identity(&told.from.identity).await?;
    for message in stored {
        let Some(customer) = message.customer_id else { continue };
        let customer = tx.customers().surviving(customer).await?;
        let is_repeat = match &sender {
            Some(sender) => sender.id == customer,
            None => may_be(tx, customer, &message, told).await?,
        };
        if is_repeat {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// Returns whether `told`, whose sender is not known yet, repeats a customer's message and names them in another form: by a LID
/// in place of a number, or the reverse. Nobody can tell that from another person's message but by what it says.
async fn may_be(
    tx: &mut Tx,
    customer: CustomerId,
    message: &Message,
    told: &GatewayMessage,
) -> Result<bool, StoreError> {
    let says = as_reported(told, message.timestamp);
    if says.content != message.content || says.timestamp != message.timestamp {
        return Ok(false);
    }
    let forms = tx.identities().dated(customer).await?;
    Ok(forms.iter().all(|known| known.identity.kind != told.from.identity.kind))
}

/// Stores a message of a gateway, and applies the ack that waits for it.
async fn store(tx: &mut Tx, core: &Core, account: &Account, message: &WaMessage) -> Result<IntakeOutcome, StoreError> {
    let policy = core.policy_of(&account.name);
    let taken = Box::pin(message::take_in(tx, &policy, account, message, Arrival::Live)).await?;
    if message.from_me
        && let Some(ours) = tx.messages().ours(account.id, &message.id, None).await?
    {
        let since = tx.now().minus(EARLY_ACK_WAITS);
        if let Some(ack) = tx.early_acks().take(account.id, &message.id, since).await? {
            state::apply_ack(tx, &policy, &ours, ack).await?;
        }
    }
    Ok(taken)
}

async fn take_ack(
    tx: &mut Tx,
    core: &Core,
    account: Option<AccountId>,
    id: &WaMessageId,
    ack: i32,
) -> Result<Option<Message>, Refusal> {
    let account = gateway(tx, core, account).await?;
    if let Some(ours) = tx.messages().ours(account.id, id, None).await? {
        state::apply_ack(tx, &core.policy_of(&account.name), &ours, ack).await?;
        return Ok(tx.messages().get(ours.id).await?);
    }
    // A customer's own message has no state.
    let theirs = tx.messages().received(account.id, id).await?;
    if let Some(theirs) = theirs.into_iter().next() {
        return Ok(Some(theirs));
    }
    tx.early_acks().put(account.id, id, ack).await?;
    Ok(None)
}

/// Returns the account of the gateway that tells something. Refused if it was removed, or is not a gateway's.
async fn gateway(tx: &mut Tx, core: &Core, account: Option<AccountId>) -> Result<Account, Refusal> {
    let found = match account {
        Some(id) => Some(tx.accounts().get(id).await?.ok_or_else(|| not_found("account", id))?),
        None => tx.accounts().by_name(GATEWAY_ACCOUNT).await?,
    };
    let Some(found) = found else {
        return make(tx, core).await;
    };
    if !found.is_gateway() {
        return Err(Refusal::Conflict(format!(
            "this server drives the account {} itself, so no gateway can tell for it; use a key of a gateway's account",
            found.name
        )));
    }
    match removal(&found) {
        Some(refusal) => Err(refusal),
        None => Ok(found),
    }
}

async fn make(tx: &mut Tx, core: &Core) -> Result<Account, Refusal> {
    let account = tx
        .accounts()
        .create_of_kind(GATEWAY_ACCOUNT, AccountKind::Gateway)
        .await?;
    note_added(tx, &account, core.policy.matrix).await?;
    Ok(account)
}

/// Returns a gateway's message in the form in which pages report theirs.
fn as_reported(told: &GatewayMessage, now: Timestamp) -> WaMessage {
    let has_text = !told.content.trim().is_empty();
    WaMessage {
        id: told.whatsapp_id.clone(),
        chat: told.from.chat.clone(),
        chat_kind: ChatKind::Direct,
        contact: WaContact {
            identities: vec![told.from.identity.clone()],
            saved_name: None,
            push_name: told.name.clone(),
        },
        chat_name: None,
        from_me: false,
        sender: WaUserId::from("them"),
        timestamp: told.written.unwrap_or(now),
        kind: if has_text { Kind::Text } else { Kind::Unknown },
        content: if has_text {
            told.content.clone()
        } else {
            NO_TEXT.to_owned()
        },
        ack: 0,
        quoted: None,
        details: None,
        media: None,
        edited_at: None,
        is_deleted: false,
        reactions: None,
        votes: None,
        new_number: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::core::testing;
    use crate::domain::message::MessageState;

    async fn ack(desk: &Desk, id: &str, ack: i32) -> Option<MessageState> {
        let message = desk.take_ack(None, WaMessageId::from(id), ack).await.unwrap();
        message.map(|message| message.state)
    }

    /// A gateway's own sends come later; until then a message of its phone stands for one.
    async fn sent(desk: &Desk, id: &str) {
        let from = GatewayPerson::read("447700900123").unwrap();
        let told = GatewayMessage {
            from,
            name: Some("Ada".to_owned()),
            content: "hello".to_owned(),
            whatsapp_id: WaMessageId::from(id),
            written: None,
        };
        let stored = desk.core.write((desk.core.clone(), told), |tx, (core, told)| {
            async move {
                let account = gateway(tx, core, None).await?;
                let message = WaMessage {
                    from_me: true,
                    ack: 1,
                    ..as_reported(told, tx.now())
                };
                store(tx, core, &account, &message).await?;
                Ok::<_, Refusal>(())
            }
            .boxed()
        });
        stored.await.unwrap();
    }

    #[tokio::test]
    async fn early_ack_waits_for_message_and_never_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::new(testing::core(folder.path()).await, vec![], None);
        assert_eq!(ack(&desk, "A1", 2).await, None);
        assert_eq!(ack(&desk, "A1", 3).await, None);
        assert_eq!(ack(&desk, "A1", 1).await, None);
        sent(&desk, "A1").await;
        assert_eq!(
            ack(&desk, "A1", 1).await,
            Some(MessageState::Read),
            "the greatest counts"
        );
        assert_eq!(ack(&desk, "A1", -1).await, Some(MessageState::Read));
        assert_eq!(ack(&desk, "A1", 4).await, Some(MessageState::Played));
        sent(&desk, "A2").await;
        assert_eq!(ack(&desk, "A2", 0).await, Some(MessageState::Sent), "each has its own");
    }
}
