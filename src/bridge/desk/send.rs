//! Accepts a send: finds the recipient's conversation, checks consent, and queues the message under its idempotency
//! key.

use futures_util::FutureExt;

use crate::bridge::core::command::{Answered, Idempotency, SendCommand, SendFile, SendTo, check_key};
use crate::bridge::core::policy::Policy;
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::{Core, accounts, consent, people};
use crate::bridge::outbound::queue::{NewText, Queued};
use crate::bridge::outbound::{file, queue};
use crate::contract::MessageView;
use crate::domain::account::Account;
use crate::domain::conversation::{ChatKind, Conversation};
use crate::domain::customer::{Customer, Identity, IdentitySource};
use crate::domain::forward::Forwarded;
use crate::domain::message::Message;
use crate::domain::whatsapp::WaContact;
use crate::domain::{AccountId, MessageId};
use crate::store::Tx;

use super::handle::Desk;
use super::later::{SEND_AT, later_than_now};
use super::{customers, guard, idempotency, media, templates};

impl Desk {
    /// Puts a message into the outbox. Returns it, or the stored answer of an earlier request with the same key.
    pub async fn send(&self, command: SendCommand) -> Result<Answered<Message>, Refusal> {
        check(&command)?;
        self.core
            .write_with(command, |tx, core, command| {
                async move { accept(tx, core, command).await }.boxed()
            })
            .await
    }
}

/// Puts a message into the outbox in the caller's transaction, as [`Desk::send`] does. Every send is also a message of its
/// own: the caller knows a repeat by other means.
pub(crate) async fn put_in(tx: &mut Tx, core: &Core, command: &SendCommand) -> Result<Message, Refusal> {
    check(command)?;
    match accept(tx, core, command).await? {
        Answered::New(message) => Ok(message),
        Answered::Replayed(_) => Err(Refusal::IdempotencyMismatch),
    }
}

/// Refuses a command that can be seen to be wrong without the store.
fn check(command: &SendCommand) -> Result<(), Refusal> {
    let says_it_all = command.special.is_some() || command.file.is_some() || command.template.is_some();
    let says_it_all = says_it_all || command.forward.is_some();
    if !says_it_all || !command.content.is_empty() {
        queue::check_text(&command.content)?;
    }
    check_key(command.idempotency.as_ref())
}

async fn accept(tx: &mut Tx, core: &Core, command: &SendCommand) -> Result<Answered<Message>, Refusal> {
    if let Some(stored) = idempotency::earlier(tx, command.idempotency.as_ref()).await? {
        return Ok(Answered::Replayed(stored));
    }
    let (conversation, account) = locked(tx, &core.policy, command).await?;
    if let Some(refusal) = consent::opted_out(tx, &conversation).await? {
        return Err(refusal);
    }
    if let Some(seen) = command.seen_up_to {
        guard::check(tx, &conversation, seen, &command.author).await?;
    }
    if let Some(send_at) = command.send_at {
        later_than_now(tx, send_at, SEND_AT)?;
    }
    let policy = &core.policy_of(&account.name);
    let is_template = command.template.is_some();
    let filled = match (&command.template, command.forward) {
        (Some(wanted), _) => Some(templates::fill(tx, command, wanted, &conversation).await?),
        (None, Some(id)) => Some(forward(tx, command, id).await?),
        (None, None) => None,
    };
    let command = filled.as_ref().unwrap_or(command);
    if let Some(replied) = command.reply_to {
        let replied_in = tx.messages().get(replied).await?.map(|message| message.conversation_id);
        if replied_in != Some(conversation.id) {
            return Err(not_found("message to reply to in this conversation:", replied));
        }
    }
    let file = match &command.file {
        Some(file) => {
            if !tx.sights().medium(&command.sight, file.id).await? {
                return Err(not_found("medium", file.id));
            }
            Some(media::sendable(tx, &policy.media, file).await?)
        }
        None => None,
    };
    let stand_in = match &file {
        Some(file) if command.content.is_empty() => Some(file::stands_for(file.kind, Some(&file.media))),
        _ => None,
    };
    let has_text = command.special.is_none() && !command.content.is_empty();
    let takes_text = file.as_ref().is_none_or(|file| file.kind.kind().takes_caption());
    let signature = match command.agent {
        // What others have said is not signed.
        Some(agent) if has_text && takes_text && command.forward.is_none() => {
            queue::signature_under(tx, agent, &command.content, is_template).await?
        }
        _ => None,
    };
    if let Some(signature) = &signature {
        queue::signed(signature, &command.content)?;
    }
    let new = NewText {
        conversation: &conversation,
        content: stand_in.as_deref().unwrap_or(&command.content),
        special: command.special.as_ref(),
        file,
        author: command.author.clone(),
        signature,
        forwarded_from: command.forward,
        reply_to: command.reply_to,
        client_key: command.idempotency.as_ref().map(Idempotency::client_key),
        event: None,
        send_at: command.send_at,
        addressee: match &command.to {
            SendTo::Phone(phone) => Some(phone),
            SendTo::Customer(_) | SendTo::Latest { .. } | SendTo::Conversation(_) => None,
        },
    };
    let message = match queue::queue(tx, policy, new).await? {
        Queued::New(message) | Queued::Known { message, is_same: true } => message,
        // A message keeps its key for longer than the answer to it is kept.
        Queued::Known { is_same: false, .. } => return Err(Refusal::IdempotencyMismatch),
    };
    let asked = command.idempotency.as_ref();
    if asked.is_some() {
        let body = MessageView::from(&message);
        idempotency::store(tx, asked, ACCEPTED, &body, Some(message.id)).await?;
    }
    Ok(Answered::New(message))
}

/// Returns the message that a request to forward means, as if its content had been given. Without numbers for those who see
/// none: they could forward it to themselves.
async fn forward(tx: &mut Tx, command: &SendCommand, id: MessageId) -> Result<SendCommand, Refusal> {
    let message = tx.messages().get(id).await?;
    let message = message.filter(|message| command.sight.sees(message.account_id));
    let message = message.ok_or_else(|| not_found("message", id))?;
    let content = if command.sight.hides_numbers() {
        message.without_numbers().forwarded()?.without_numbers()
    } else {
        message.forwarded()?
    };
    let bare = SendCommand {
        content: String::new(),
        ..command.clone()
    };
    Ok(match content {
        Forwarded::Text(content) => SendCommand { content, ..bare },
        Forwarded::Special(special) => SendCommand {
            special: Some(special),
            ..bare
        },
        Forwarded::File { id, kind, caption } => SendCommand {
            content: caption,
            file: Some(SendFile { id, kind: Some(kind) }),
            ..bare
        },
    })
}

/// Returns the recipient's conversation, locked, and its account. Looks the recipient up again if another process has changed
/// the conversation while its lock was waited for: it may have merged it, or given it to another customer.
async fn locked(tx: &mut Tx, policy: &Policy, command: &SendCommand) -> Result<(Conversation, Account), Refusal> {
    for _ in 0..MAX_LOCKED {
        let found = address(tx, policy, command).await?;
        let account = accounts::usable(tx, found.account_id).await?;
        if tx.conversations().relock(&found).await?.as_ref() == Some(&found) {
            return Ok((found, account));
        }
    }
    Err(Refusal::Unavailable(
        "the conversation is changed again and again by others; try again later".to_owned(),
    ))
}

/// Returns the recipient's conversation, created if there is none.
async fn address(tx: &mut Tx, policy: &Policy, command: &SendCommand) -> Result<Conversation, Refusal> {
    let sight = &command.sight;
    let mut within = sight.accounts();
    if let SendTo::Customer(id) | SendTo::Latest { customer: id, .. } = &command.to
        && !tx.sights().customer(sight, *id).await?
    {
        return Err(not_found("customer", id));
    }
    let customer = match &command.to {
        SendTo::Latest {
            customer,
            within: accounts,
        } => {
            let customer = customers::current(tx, *customer).await?;
            if let Some(latest) = latest(tx, &customer, accounts.as_deref()).await? {
                return Ok(latest);
            }
            within = accounts.as_deref();
            customer
        }
        SendTo::Conversation(id) => {
            let conversation = tx
                .conversations()
                .live(*id)
                .await?
                .filter(|conversation| sight.sees(conversation.account_id))
                .ok_or_else(|| not_found("conversation", id))?;
            if let Some(name) = &command.account
                && account(tx, Some(name), None).await?.id != conversation.account_id
            {
                return Err(Refusal::Conflict(format!(
                    "conversation {id} does not belong to account {name}"
                )));
            }
            return Ok(conversation);
        }
        SendTo::Customer(id) => customers::current(tx, *id).await?,
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
    let account = account(tx, command.account.as_deref(), within).await?;
    let resolved = tx
        .conversations()
        .resolve(account.id, Some(customer.id), None, ChatKind::Direct, &customer.name)
        .await?;
    Ok(resolved.conversation)
}

/// Returns the customer's conversation that was active last, of those in accounts that this server drives, else of those
/// of gateways, whose answer is refused. `None` if they have none.
async fn latest(
    tx: &mut Tx,
    customer: &Customer,
    within: Option<&[AccountId]>,
) -> Result<Option<Conversation>, Refusal> {
    let mut accounts = tx.accounts().present().await?;
    accounts.retain(Account::is_in_use);
    let mut conversations = tx.conversations().live_of_customer(customer.id).await?;
    conversations.retain(|of| within.is_none_or(|within| within.contains(&of.account_id)));
    let rank = |of: &Conversation| {
        let account = accounts.iter().find(|account| account.id == of.account_id)?;
        Some((!account.is_gateway(), of.last_message_at, of.id))
    };
    conversations.retain(|of| rank(of).is_some());
    Ok(conversations.into_iter().max_by_key(rank))
}

/// Returns the account of this name or id; without a name the only one in use that this server drives, of those `within`.
async fn account(tx: &mut Tx, name: Option<&str>, within: Option<&[AccountId]>) -> Result<Account, Refusal> {
    if let Some(name) = name {
        return tx
            .accounts()
            .called(name)
            .await?
            .filter(|account| within.is_none_or(|within| within.contains(&account.id)))
            .ok_or_else(|| not_found("account", name));
    }
    let mut accounts = tx.accounts().present().await?;
    accounts.retain(|account| {
        let is_ours = account.is_in_use() && !account.is_gateway();
        is_ours && within.is_none_or(|within| within.contains(&account.id))
    });
    match accounts.len() {
        1 => Ok(accounts.remove(0)),
        0 => Err(not_found("account", "at all; add one with `crm account add NAME`")),
        _ => Err(Refusal::AmbiguousAccount {
            names: accounts.into_iter().map(|account| account.name).collect(),
        }),
    }
}

/// Most times that a recipient is looked up, because their conversation was changed while its lock was waited for.
const MAX_LOCKED: u32 = 10;
/// HTTP status of the answer to a send ("accepted").
const ACCEPTED: u16 = 202;
