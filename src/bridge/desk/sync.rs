//! Comparisons with the page on request. The account's inbound worker does them, as it does all comparisons, so that
//! live events wait for them.

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

use super::accounts::is_down;
use super::handle::Desk;

impl Desk {
    /// Queues a comparison of an account, or of one of its chats, with the page. Returns the channel of its result.
    /// Refused if the account is not ready or too many comparisons wait.
    pub async fn sync(&self, account: AccountId, chat: Option<SendTo>) -> Result<oneshot::Receiver<Synced>, Refusal> {
        let handle = self.driven(account).await?;
        let scope = match chat {
            None => Scope::Thorough,
            Some(chat) => Scope::One(self.chat_of(account, &chat).await?),
        };
        let state = handle.port.session().borrow().state;
        if state.needs_login() || state == SessionState::Conflict || is_down(state) {
            return Err(Refusal::Conflict(format!(
                "the account {} is {state}, and `crm status` says what to do; what it misses meanwhile is recovered by itself \
                 when it is ready",
                handle.name
            )));
        }
        if state != SessionState::Ready {
            return Err(Refusal::Unavailable(format!(
                "the account {} is {state}; what it misses meanwhile is recovered by itself when it is ready again",
                handle.name
            )));
        }
        let answered = handle.syncs.ask(scope);
        answered.ok_or_else(|| {
            Refusal::Unavailable("too many comparisons of this account wait; try again later".to_owned())
        })
    }

    /// Returns the conversation of an account with the given recipient.
    async fn chat_of(&self, account: AccountId, chat: &SendTo) -> Result<ConversationId, Refusal> {
        let store = &self.core.store;
        let found = match chat {
            SendTo::Conversation(id) => store.conversations().live(*id).await?,
            SendTo::Customer(id) | SendTo::Latest { customer: id, .. } => match store.customers().current(*id).await? {
                Some(customer) => store.conversations().of_customer(account, customer.id).await?,
                None => None,
            },
            SendTo::Phone(phone) => match store.customers().by_identity(&Identity::phone(phone)).await? {
                Some(customer) => store.conversations().of_customer(account, customer.id).await?,
                None => None,
            },
        };
        let of_account = found.filter(|conversation| conversation.account_id == account);
        of_account
            .map(|conversation| conversation.id)
            .ok_or_else(|| not_found("conversation of this account", "with that recipient"))
    }

    /// Sets how much history an account imports: at its first login, or now if it is linked, then never less than
    /// before. Returns the import's state.
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
