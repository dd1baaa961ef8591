//! Accepts a send: finds the recipient's conversation, checks consent, and queues the message under its idempotency
//! key.

use futures_util::FutureExt;

use crate::bridge::core::command::{Answered, Idempotency, SendCommand, SendTo, check_key};
use crate::bridge::core::policy::Policy;
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::{Core, accounts, consent, people};
use crate::bridge::outbound::queue::NewText;
use crate::bridge::outbound::{file, queue};
use crate::contract::MessageView;
use crate::domain::account::Account;
use crate::domain::conversation::{ChatKind, Conversation};
use crate::domain::customer::{Identity, IdentitySource};
use crate::domain::message::Message;
use crate::domain::whatsapp::WaContact;
use crate::store::Tx;

use super::handle::Desk;
use super::{idempotency, media};

impl Desk {
    /// Puts a message into the outbox. Returns it, or the stored answer of an earlier request with the same key.
    pub async fn send(&self, command: SendCommand) -> Result<Answered<Message>, Refusal> {
        let says_it_all = command.special.is_some() || command.file.is_some();
        if !says_it_all || !command.content.is_empty() {
            queue::check_text(&command.content)?;
        }
        check_key(command.idempotency.as_ref())?;
        self.core
            .write((self.core.clone(), command), |tx, (core, command)| {
                async move { accept(tx, core, command).await }.boxed()
            })
            .await
    }
}

async fn accept(tx: &mut Tx, core: &Core, command: &SendCommand) -> Result<Answered<Message>, Refusal> {
    if let Some(stored) = idempotency::earlier(tx, command.idempotency.as_ref()).await? {
        return Ok(Answered::Replayed(stored));
    }
    let conversation = address(tx, &core.policy, command).await?;
    consent::check(tx, &conversation).await?;
    let policy = &accounts::policy(tx, core, conversation.account_id).await?;
    if let Some(replied) = command.reply_to {
        let replied_in = tx.messages().get(replied).await?.map(|message| message.conversation_id);
        if replied_in != Some(conversation.id) {
            return Err(not_found("message to reply to in this conversation:", replied));
        }
    }
    let file = match &command.file {
        Some(file) => Some(media::sendable(tx, &policy.media, file).await?),
        None => None,
    };
    let stand_in = match &file {
        Some(file) if command.content.is_empty() => Some(file::stands_for(file.kind, Some(&file.media))),
        _ => None,
    };
    let new = NewText {
        conversation: &conversation,
        content: stand_in.as_deref().unwrap_or(&command.content),
        special: command.special.as_ref(),
        file,
        author: command.author.clone(),
        reply_to: command.reply_to,
        client_key: command.idempotency.as_ref().map(Idempotency::client_key),
        event: None,
        addressee: match &command.to {
            SendTo::Phone(phone) => Some(phone),
            SendTo::Customer(_) | SendTo::Conversation(_) => None,
        },
    };
    let message = queue::queue(tx, policy, new).await?;
    let asked = command.idempotency.as_ref();
    if asked.is_some() {
        let body = MessageView::from(&message);
        idempotency::store(tx, asked, ACCEPTED, &body, Some(message.id)).await?;
    }
    Ok(Answered::New(message))
}

/// Returns the recipient's conversation, created if there is none.
async fn address(tx: &mut Tx, policy: &Policy, command: &SendCommand) -> Result<Conversation, Refusal> {
    let customer = match &command.to {
        SendTo::Conversation(id) => {
            let conversation = tx
                .conversations()
                .live(*id)
                .await?
                .ok_or_else(|| not_found("conversation", id))?;
            if let Some(name) = &command.account
                && account(tx, Some(name)).await?.id != conversation.account_id
            {
                return Err(Refusal::Conflict(format!(
                    "conversation {id} does not belong to account {name}"
                )));
            }
            return Ok(conversation);
        }
        SendTo::Customer(id) => tx
            .customers()
            .current(*id)
            .await?
            .ok_or_else(|| not_found("customer", id))?,
        SendTo::Phone(phone) => {
            let contact = WaContact {
                identities: vec![Identity::phone(phone)],
                ..WaContact::default()
            };
            people::meet(tx, policy, &contact, IdentitySource::Asked)
                .await?
                .customer
        }
    };
    let account = account(tx, command.account.as_deref()).await?;
    let resolved = tx
        .conversations()
        .resolve(account.id, Some(customer.id), None, ChatKind::Direct, &customer.name)
        .await?;
    Ok(resolved.conversation)
}

/// Returns the account of this name or id; without a name the only one in use.
async fn account(tx: &mut Tx, name: Option<&str>) -> Result<Account, Refusal> {
    if let Some(name) = name {
        return tx
            .accounts()
            .called(name)
            .await?
            .ok_or_else(|| not_found("account", name));
    }
    let mut accounts = tx.accounts().present().await?;
    accounts.retain(Account::is_in_use);
    match accounts.len() {
        1 => Ok(accounts.remove(0)),
        0 => Err(not_found("account", "at all; add one with `crm account add NAME`")),
        _ => Err(Refusal::AmbiguousAccount {
            names: accounts.into_iter().map(|account| account.name).collect(),
        }),
    }
}

/// HTTP status of the answer to a send ("accepted").
const ACCEPTED: u16 = 202;
