//! Comparisons with the page that somebody wants now. They are asked of the account's inbound, which alone compares, so that
//! what is live waits for them as it does for every other.

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

use crate::domain::customer::Identity;
use crate::domain::event::{Event, EventType};
use crate::domain::history::{History, HistoryDepth, Synced};
use crate::domain::session::SessionState;
use crate::domain::{AccountId, ConversationId};

use super::desk::{Desk, Refusal, SendTo, not_found};
use super::resync::Scope;

/// Comparisons of one account that may wait.
pub(super) const MAX_ASKED: usize = 16;

/// Where an account's comparisons are asked for. Cheap to clone.
#[derive(Clone)]
pub struct Syncs(mpsc::Sender<Asked>);

impl Syncs {
    pub(super) const fn new(ask: mpsc::Sender<Asked>) -> Self {
        Self(ask)
    }
}

/// Of an account that nobody compares.
impl Default for Syncs {
    fn default() -> Self {
        Self(mpsc::channel(1).0)
    }
}

/// A comparison that was asked for.
pub(super) struct Asked {
    pub scope: Scope,
    answer: oneshot::Sender<Synced>,
}

impl Asked {
    /// Whoever asked may be gone by now.
    pub fn answer(self, synced: Synced) {
        let _: Result<(), Synced> = self.answer.send(synced);
    }
}

impl Desk {
    /// Compares an account, or one of its chats, with the page now. The answer comes when that is done.
    pub async fn sync(&self, account: AccountId, chat: Option<SendTo>) -> Result<oneshot::Receiver<Synced>, Refusal> {
        let line = self.driven(account).await?;
        let scope = match chat {
            None => Scope::Thorough,
            Some(chat) => Scope::One(self.chat_of(account, &chat).await?),
        };
        let state = line.port.session().borrow().state;
        if state != SessionState::Ready {
            return Err(Refusal::Unavailable(format!(
                "the account {} is {state}; what it misses meanwhile is recovered by itself when it is ready again",
                line.name
            )));
        }
        let (answer, answered) = oneshot::channel();
        let asked = line.syncs.0.try_send(Asked { scope, answer });
        asked.map_err(|_| Refusal::Unavailable("the account is being compared already; try again later".to_owned()))?;
        Ok(answered)
    }

    /// The conversation of an account that is meant.
    async fn chat_of(&self, account: AccountId, chat: &SendTo) -> Result<ConversationId, Refusal> {
        let store = &self.core.store;
        let found = match chat {
            SendTo::Conversation(id) => store.conversation(*id).await?,
            SendTo::Customer(id) => store.conversation_of(account, *id).await?,
            SendTo::Phone(phone) => match store.customer_of(&Identity::phone(phone)).await? {
                Some(customer) => store.conversation_of(account, customer.id).await?,
                None => None,
            },
        };
        let of_account = found.filter(|conversation| conversation.account_id == account);
        of_account
            .map(|conversation| conversation.id)
            .ok_or_else(|| not_found("conversation of this account:", "with whom you named"))
    }

    /// How much history an account is to have: of the next first login, or from now on.
    pub async fn ask_history(&self, account: AccountId, depth: HistoryDepth) -> Result<History, Refusal> {
        self.core
            .write(move |tx| {
                async move {
                    let history = tx.ask_history(account, depth).await?;
                    tx.emit(Event::of_account(EventType::AccountHistory, account, &history));
                    Ok(history)
                }
                .boxed()
            })
            .await
    }
}
