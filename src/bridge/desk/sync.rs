//! Comparisons with the page that somebody wants now. They are asked of the account's inbound, which alone compares, so that
//! what is live waits for them as it does for every other.

use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::bridge::core::command::SendTo;
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::syncs::Scope;
use crate::contract::Event;
use crate::domain::customer::Identity;
use crate::domain::history::{History, HistoryDepth, Synced};
use crate::domain::session::SessionState;
use crate::domain::{AccountId, ConversationId};

use super::handle::Desk;

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
        let answered = line.syncs.ask(scope);
        answered
            .ok_or_else(|| Refusal::Unavailable("the account is being compared already; try again later".to_owned()))
    }

    /// The conversation of an account that is meant.
    async fn chat_of(&self, account: AccountId, chat: &SendTo) -> Result<ConversationId, Refusal> {
        let store = &self.core.store;
        let found = match chat {
            SendTo::Conversation(id) => store.conversations().get(*id).await?,
            SendTo::Customer(id) => store.conversations().of_customer(account, *id).await?,
            SendTo::Phone(phone) => match store.customers().by_identity(&Identity::phone(phone)).await? {
                Some(customer) => store.conversations().of_customer(account, customer.id).await?,
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
            .write((account, depth), |tx, &(account, depth)| {
                async move {
                    let history = tx.history().ask(account, depth).await?;
                    tx.emit(Event::account_history(account, &history));
                    Ok(history)
                }
                .boxed()
            })
            .await
    }
}
