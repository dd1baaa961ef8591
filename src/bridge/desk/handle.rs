//! Handle of the desk: the operations for the faces (API, and through it shell and console). Each request that changes
//! something is one transaction and an answer; nothing external happens in it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::registry::{AccountHandle, AccountRegistry};
use crate::bridge::core::{Core, clock, state};
use crate::domain::account::Account;
use crate::domain::conversation::Conversation;
use crate::domain::customer::{NotAPhoneNumber, PhoneNumber};
use crate::domain::matrix::MatrixStatus;
use crate::domain::session::{Session, SessionState};
use crate::domain::vitals::BrowserHealth;
use crate::domain::{AccountId, ConversationId};

/// How long a request waits for an account that was just added.
const UP_SOON: Duration = Duration::from_secs(5);

/// Operations that the faces may call. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    /// Shared context of the bridge.
    pub(crate) core: Core,
    /// Handles of the accounts that run.
    pub(crate) registry: AccountRegistry,
    matrix: Option<watch::Receiver<MatrixStatus>>,
}

impl Desk {
    /// Builds a desk over a fixed set of accounts. `matrix`: the homeserver's state, where one is configured.
    pub fn new(core: Core, handles: Vec<AccountHandle>, matrix: Option<watch::Receiver<MatrixStatus>>) -> Self {
        Self::over(core, AccountRegistry::of(handles), matrix)
    }

    /// Builds a desk over a registry whose accounts start and end.
    pub(crate) const fn over(
        core: Core,
        registry: AccountRegistry,
        matrix: Option<watch::Receiver<MatrixStatus>>,
    ) -> Self {
        Self { core, registry, matrix }
    }

    /// Parses a phone number that a person or a program gives: in international form, or as it is written in the
    /// configured region.
    pub fn phone_number(&self, text: &str) -> Result<PhoneNumber, NotAPhoneNumber> {
        PhoneNumber::read(text, self.core.policy.phone_region)
    }

    /// Marks a conversation as read by an agent: sets its unread count to 0, and queues the read receipt. Returns the
    /// conversation.
    pub async fn mark_read(&self, id: ConversationId) -> Result<Conversation, Refusal> {
        let conversation = self
            .core
            .write(id, |tx, &id| {
                async move {
                    let conversation = tx
                        .conversations()
                        .live(id)
                        .await?
                        .ok_or_else(|| not_found("conversation", id))?;
                    state::mark_answered(tx, &conversation).await?;
                    Ok::<_, Refusal>(tx.conversations().get(conversation.id).await?.unwrap_or(conversation))
                }
                .boxed()
            })
            .await?;
        self.agent_read(&conversation);
        Ok(conversation)
    }

    /// Shows the customer that an agent types, or has ceased to. Nothing is stored: a phone that is not there now is not told
    /// later.
    pub async fn show_typing(&self, id: ConversationId, is_typing: bool) -> Result<(), Refusal> {
        let conversation = self.core.store.conversations().live(id).await?;
        let conversation = conversation.ok_or_else(|| not_found("conversation", id))?;
        let place = (conversation.account_id, conversation.id);
        self.core.typing.agents.note(place, is_typing, self.core.clock.now());
        Ok(())
    }

    /// Queues the read receipt of a conversation that an agent has read.
    pub(crate) fn agent_read(&self, conversation: &Conversation) {
        if let Some(handle) = self.handle(conversation.account_id) {
            let core = self.core.of_account(&handle.name);
            handle.reader.agent_read(&core, conversation.id);
        }
    }

    /// Returns an account's session with its login codes, which only callers that may link a device may see.
    pub async fn session(&self, account: AccountId) -> Result<watch::Receiver<Session>, Refusal> {
        Ok(self.driven(account).await?.port.session())
    }

    /// Returns the vitals of an account's browser, if this process runs it.
    pub fn vitals(&self, account: AccountId) -> Option<BrowserHealth> {
        self.handle(account).map(|handle| handle.port.vitals())
    }

    /// Returns how many of the rooms' events were looked for and found, before the homeserver pushed them.
    pub fn caught_up_events(&self) -> u64 {
        self.core.caught_up.load(Ordering::Relaxed)
    }

    /// Waits until the account is ready and its missed messages are stored. Fails if the account ends meanwhile.
    pub async fn until_taken_in(&self, account: AccountId) -> Result<(), Refusal> {
        let handle = self.driven(account).await?;
        let (mut session, mut resynced) = (handle.port.session(), handle.resynced);
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

    /// Returns the channel that holds why the last request to link or unlink has failed; `None` while it has not.
    pub async fn link_failed(&self, account: AccountId) -> Result<watch::Receiver<Option<String>>, Refusal> {
        Ok(self.driven(account).await?.link_failed.subscribe())
    }

    /// Returns the homeserver's state; `None` if none is configured.
    pub fn matrix_status(&self) -> Option<MatrixStatus> {
        self.matrix.as_ref().map(|status| status.borrow().clone())
    }

    /// Believes the server's clock, however far it is ahead, because a person says that it is right.
    pub async fn confirm_clock(&self) -> Result<(), Refusal> {
        Ok(clock::confirm_clock(&self.core).await?)
    }

    /// Resumes an outbox that a restore has parked (rule 5).
    pub async fn resume_outbox(&self) -> Result<(), Refusal> {
        self.core
            .write((), |tx, ()| {
                async move { Ok(tx.settings().set_parked(false).await?) }.boxed()
            })
            .await
    }

    /// Returns the handle of an account. Waits up to [`UP_SOON`] for one that was just added, then fails; at once for an account
    /// that an outside gateway drives.
    pub(crate) async fn driven(&self, account: AccountId) -> Result<AccountHandle, Refusal> {
        if self.handle(account).is_none() {
            let stored = self.core.store.accounts().get(account).await?;
            if let Some(stored) = stored.filter(Account::is_gateway) {
                return Err(Refusal::Conflict(format!(
                    "an outside gateway drives the account {}, which has no session here; see to it there",
                    stored.name
                )));
            }
        }
        let up = tokio::time::timeout(UP_SOON, self.registry.until_up(account)).await;
        up.map_err(|_| {
            Refusal::Unavailable(format!(
                "this server does not drive the account {account}; `crm status` says why"
            ))
        })
    }

    /// Returns the handle of an account, if it runs here.
    pub(crate) fn handle(&self, account: AccountId) -> Option<AccountHandle> {
        self.registry.get(account)
    }
}
