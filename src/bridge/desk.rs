//! The desk: what the faces (API, and through it shell and console) may ask for. Each request that changes something is one
//! transaction and an answer; nothing external happens in it.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::domain::account::Account;
use crate::domain::conversation::{ChatKind, Conversation};
use crate::domain::customer::{Identity, IdentitySource, PhoneNumber};
use crate::domain::matrix::MatrixStatus;
use crate::domain::media::{FileKind, readable_size};
use crate::domain::message::{Author, Message};
use crate::domain::session::{Session, SessionState};
use crate::domain::special::Special;
use crate::domain::vitals::Vitals;
use crate::domain::whatsapp::{LoginMethod, WaContact};
use crate::domain::{AccountId, ApiKeyId, ConversationId, CustomerId, MediaId, MessageId, Timestamp};
use crate::store::{StoreError, Tx};
use crate::vault::NoThumbnail;

use super::board::{Board, Line};
use super::core::Core;
use super::outbound::{self, NewText};
use super::{accounts, consent, media_desk, outgoing_file, people};

/// Longest idempotency key, in bytes.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;
/// How long a request waits for the line of an account that was just added.
const UP_SOON: Duration = Duration::from_secs(5);
/// What a send answers with (HTTP's "accepted").
const ACCEPTED: u16 = 202;

/// To whom a message is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendTo {
    Phone(PhoneNumber),
    Customer(CustomerId),
    Conversation(ConversationId),
}

/// A text to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct SendCommand {
    pub to: SendTo,
    /// Which account sends, where `to` leaves a choice; by name or id.
    pub account: Option<String>,
    /// Empty where `special` says it all, and where a file has no caption.
    pub content: String,
    /// What is sent that is neither text nor file.
    pub special: Option<Special>,
    pub file: Option<SendFile>,
    pub reply_to: Option<MessageId>,
    pub author: Author,
    pub idempotency: Option<Idempotency>,
}

/// A file that was handed in before, or that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendFile {
    pub id: MediaId,
    /// As what it goes out; none: as what it is.
    pub kind: Option<FileKind>,
}

/// Makes a repeated request one (`RULES` 25).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub scope: ApiKeyId,
    /// At most [`MAX_IDEMPOTENCY_KEY`] bytes.
    pub key: String,
    /// SHA-256 of what was asked, so that the same key with another body is found out.
    pub body_hash: [u8; 32],
}

/// A message that is in the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// As it was when it was accepted.
    pub message: Message,
    /// Whether this is the answer to an earlier request with the same key.
    pub replayed: bool,
}

/// Why the desk does not do what was asked. Maps one to one to the API's problems.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the text is empty; write something")]
    EmptyText,
    #[error("the text has {chars} characters and WhatsApp takes {limit} at the most; send it in parts", limit = crate::domain::message::MAX_TEXT_CHARS)]
    TextTooLong { chars: usize },
    #[error("the text has a NUL character, which nobody can read; take it out")]
    NulInText,
    #[error("the name shows nothing; write one, or take it back with null")]
    EmptyName,
    #[error("{0}")]
    Changed(String),
    #[error("the file is empty; choose another")]
    EmptyFile,
    #[error("the file is larger than {}, the most that is taken (CRM_MEDIA_MAX_SIZE); send a smaller one", readable_size(*max))]
    FileTooLarge { max: u64 },
    #[error("{0}")]
    WrongFileKind(String),
    #[error("there is no small picture of this: {0}")]
    NoThumbnail(NoThumbnail),
    #[error("this is no emoji; give one, or none to take yours away")]
    BadEmoji,
    #[error("the idempotency key is empty or longer than {MAX_IDEMPOTENCY_KEY} bytes; use a UUID")]
    BadIdempotencyKey,
    #[error("this idempotency key was used for another request; use a new one")]
    IdempotencyMismatch,
    #[error("there is no {what} {which}")]
    NotFound { what: &'static str, which: String },
    #[error("several accounts can send this; name one of them: {}", names.join(", "))]
    AmbiguousAccount { names: Vec<String> },
    #[error(
        "customer {customer} has opted out ({since}) and is not written to; they may take it back themselves, or somebody \
         does with `crm customer opt-in {customer}`"
    )]
    OptedOut { customer: CustomerId, since: Timestamp },
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Unavailable(String),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unreachable(_)
            | StoreError::ReadOnly(_)
            | StoreError::Full(_)
            | StoreError::Busy(_)
            | StoreError::Closed => Self::Unavailable(error.to_string()),
            StoreError::Missing { what } => Self::NotFound {
                what,
                which: String::new(),
            },
            StoreError::Conflict(_) => Self::Conflict(error.to_string()),
            other => Self::Internal(anyhow::Error::new(other)),
        }
    }
}

/// The handle that faces hold. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    pub(super) core: Core,
    pub(super) board: Board,
    matrix: Option<watch::Receiver<MatrixStatus>>,
}

impl Desk {
    /// `matrix`: the homeserver's state, where one is configured.
    pub fn new(core: Core, lines: Vec<Line>, matrix: Option<watch::Receiver<MatrixStatus>>) -> Self {
        Self::over(core, Board::of(lines), matrix)
    }

    /// Over lines that come and go.
    pub(super) const fn over(core: Core, board: Board, matrix: Option<watch::Receiver<MatrixStatus>>) -> Self {
        Self { core, board, matrix }
    }

    /// Puts a text into the outbox.
    pub async fn send(&self, command: SendCommand) -> Result<Accepted, Refusal> {
        let says_it_all = command.special.is_some() || command.file.is_some();
        if !says_it_all || !command.content.is_empty() {
            outbound::check_text(&command.content)?;
        }
        check_key(command.idempotency.as_ref())?;
        let core = self.core.clone();
        self.core
            .write(move |tx| {
                let (core, command) = (core.clone(), command.clone());
                async move { accept(tx, &core, command).await }.boxed()
            })
            .await
    }

    /// An agent has read a conversation: nothing is unread any more, and the customer may see it.
    pub async fn mark_read(&self, id: ConversationId) -> Result<Conversation, Refusal> {
        let conversation = self
            .core
            .write(move |tx| {
                async move {
                    let conversation = tx
                        .live_conversation(id)
                        .await?
                        .ok_or_else(|| not_found("conversation", id))?;
                    outbound::mark_answered(tx, &conversation).await?;
                    Ok::<_, Refusal>(tx.conversation(conversation.id).await?.unwrap_or(conversation))
                }
                .boxed()
            })
            .await?;
        self.agent_read(&conversation);
        Ok(conversation)
    }

    /// An agent has read: the customer's phone may show it.
    pub(super) fn agent_read(&self, conversation: &Conversation) {
        if let Some(line) = self.line(conversation.account_id) {
            let core = self.core.of_account(&line.name);
            line.reader.agent_read(&core, conversation.id);
        }
    }

    /// The session of an account, with its codes: only for those who may link a device.
    pub async fn session(&self, account: AccountId) -> Result<watch::Receiver<Session>, Refusal> {
        Ok(self.driven(account).await?.port.session())
    }

    /// How an account's browser fares, where it is driven here.
    pub fn vitals(&self, account: AccountId) -> Option<Vitals> {
        self.line(account).map(|line| line.port.vitals())
    }

    /// Returns when the account is linked and what it missed is taken in.
    pub async fn until_taken_in(&self, account: AccountId) -> Result<(), Refusal> {
        let line = self.driven(account).await?;
        let (mut session, mut resynced) = (line.port.session(), line.resynced.clone());
        loop {
            {
                let session = session.borrow_and_update();
                if session.state == SessionState::Ready && session.resync <= *resynced.borrow_and_update() {
                    return Ok(());
                }
            }
            let closed = tokio::select! {
                changed = session.changed() => changed.is_err(),
                changed = resynced.changed() => changed.is_err(),
            };
            if closed {
                return Err(Refusal::Unavailable("the account is not driven any more".to_owned()));
            }
        }
    }

    /// Starts linking a device; the codes appear in [`Self::session`].
    pub async fn login(&self, account: AccountId, method: LoginMethod) -> Result<(), Refusal> {
        let line = self.driven(account).await?;
        line.port
            .login(method)
            .await
            .map_err(|error| Refusal::Unavailable(error.to_string()))
    }

    /// Unlinks the device.
    pub async fn logout(&self, account: AccountId) -> Result<(), Refusal> {
        let line = self.driven(account).await?;
        line.port
            .logout()
            .await
            .map_err(|error| Refusal::Unavailable(error.to_string()))
    }

    /// Takes the session over from another window.
    pub async fn take_over(&self, account: AccountId) -> Result<(), Refusal> {
        let line = self.driven(account).await?;
        line.port
            .take_over()
            .await
            .map_err(|error| Refusal::Unavailable(error.to_string()))
    }

    /// The homeserver's state; `None` when none is configured.
    pub fn matrix_status(&self) -> Option<MatrixStatus> {
        self.matrix.as_ref().map(|status| status.borrow().clone())
    }

    /// Lets an outbox go that was parked by a restore (`RULES` 5).
    pub async fn resume_outbox(&self) -> Result<(), Refusal> {
        self.core
            .write(|tx| async move { Ok(tx.set_parked(false).await?) }.boxed())
            .await
    }

    /// The line of an account; one that was just added is waited for.
    pub(super) async fn driven(&self, account: AccountId) -> Result<Line, Refusal> {
        let up = tokio::time::timeout(UP_SOON, self.board.until_up(account)).await;
        up.map_err(|_| {
            Refusal::Unavailable(format!(
                "this server does not drive the account {account}; `crm status` says why"
            ))
        })
    }

    pub(super) fn line(&self, account: AccountId) -> Option<Line> {
        self.board.get(account)
    }
}

pub(super) fn check_key(idempotency: Option<&Idempotency>) -> Result<(), Refusal> {
    match idempotency {
        Some(Idempotency { key, .. }) if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY => {
            Err(Refusal::BadIdempotencyKey)
        }
        _ => Ok(()),
    }
}

pub(super) fn not_found(what: &'static str, which: impl std::fmt::Display) -> Refusal {
    Refusal::NotFound {
        what,
        which: which.to_string(),
    }
}

async fn accept(tx: &mut Tx, core: &Core, command: SendCommand) -> Result<Accepted, Refusal> {
    if let Some(asked) = &command.idempotency
        && let Some(stored) = tx.answer(asked.scope, &asked.key).await?
    {
        if stored.body_hash != asked.body_hash {
            return Err(Refusal::IdempotencyMismatch);
        }
        let message = serde_json::from_value(stored.response).map_err(|error| Refusal::Internal(error.into()))?;
        return Ok(Accepted {
            message,
            replayed: true,
        });
    }
    let conversation = address(tx, &command).await?;
    consent::check(tx, &conversation).await?;
    let policy = &accounts::policy(tx, core, conversation.account_id).await?;
    if let Some(replied) = command.reply_to {
        let replied_in = tx.message(replied).await?.map(|message| message.conversation_id);
        if replied_in != Some(conversation.id) {
            return Err(not_found("message to reply to in this conversation:", replied));
        }
    }
    let file = match &command.file {
        Some(file) => Some(media_desk::sendable(tx, &policy.media, file).await?),
        None => None,
    };
    let content = match &file {
        Some(file) if command.content.is_empty() => outgoing_file::stands_for(file.kind, Some(&file.media)),
        _ => command.content,
    };
    let new = NewText {
        conversation,
        content,
        special: command.special,
        file,
        author: command.author,
        reply_to: command.reply_to,
        client_key: command
            .idempotency
            .as_ref()
            .map(|asked| format!("{}:{}", asked.scope, asked.key)),
        event: None,
    };
    let message = outbound::queue(tx, policy, &new).await?;
    if let Some(asked) = &command.idempotency {
        let response = serde_json::to_value(&message).map_err(|error| Refusal::Internal(error.into()))?;
        tx.put_answer(
            asked.scope,
            &asked.key,
            &asked.body_hash,
            ACCEPTED,
            &response,
            Some(message.id),
        )
        .await?;
    }
    Ok(Accepted {
        message,
        replayed: false,
    })
}

/// The conversation that a command means, made when there is none.
async fn address(tx: &mut Tx, command: &SendCommand) -> Result<Conversation, Refusal> {
    let customer = match &command.to {
        SendTo::Conversation(id) => {
            let conversation = tx
                .live_conversation(*id)
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
            .current_customer(*id)
            .await?
            .ok_or_else(|| not_found("customer", id))?,
        SendTo::Phone(phone) => {
            let contact = WaContact {
                identities: vec![Identity::phone(phone)],
                ..WaContact::default()
            };
            people::meet(tx, &contact, IdentitySource::Asked).await?.customer
        }
    };
    let account = account(tx, command.account.as_deref()).await?;
    let resolved = tx
        .resolve_conversation(account.id, Some(customer.id), None, ChatKind::Direct, &customer.name)
        .await?;
    Ok(resolved.conversation)
}

/// The account of this name, or the only one.
async fn account(tx: &mut Tx, name: Option<&str>) -> Result<Account, Refusal> {
    if let Some(name) = name {
        return tx.account_called(name).await?.ok_or_else(|| not_found("account", name));
    }
    let mut accounts = tx.accounts().await?;
    accounts.retain(Account::is_in_use);
    match accounts.len() {
        1 => Ok(accounts.remove(0)),
        0 => Err(not_found("account", "at all; add one with `crm account add NAME`")),
        _ => Err(Refusal::AmbiguousAccount {
            names: accounts.into_iter().map(|account| account.name).collect(),
        }),
    }
}
