//! Looks up messages that may have been handed over already: after a crash, a failure, or a time without an ack (rule 3).

use crate::bridge::core::Progress;
use crate::domain::account::Account;
use crate::domain::delivery::{self, Next};
use crate::domain::message::MessageState;
use crate::domain::outbox::{OutboxItem, WhatsAppWork};
use crate::store::{HandOver, StoreError};

use super::outgoing::Outgoing;
use super::relay::{LOOK_AGAIN, Stop, UNCLEAR_PAUSE, WhatsAppRelay};

impl WhatsAppRelay {
    /// Looks up in the page a message that may have been handed over, before anything else is done with it (rule 3).
    pub(super) async fn look_up(
        &mut self,
        item: &OutboxItem<WhatsAppWork>,
        outgoing: &Outgoing,
    ) -> Result<Progress, Stop> {
        let message = &outgoing.message;
        let Some(HandOver { id, chat, login }) = &outgoing.hand_over else {
            let detail = "it was handed over without an id, which is a fault; check the chat on the phone, then run `crm message resolve`";
            self.give_up(message, MessageState::Unknown, "no_id", detail.to_owned())
                .await?;
            return Ok(Progress::Worked);
        };
        let account = self.account().await?;
        let found = self.port.look_up(chat, id).await?;
        let now = self.core.clock.now();
        match delivery::after_look_up(&found, *login == account.login) {
            Next::Is(MessageState::Failed) => {
                let detail =
                    "WhatsApp refused it; check the chat on the phone, and send it again if still relevant".to_owned();
                self.give_up(message, MessageState::Failed, "refused_by_whatsapp", detail)
                    .await?;
            }
            Next::Is(state) => self.set_state(message, state, None).await?,
            Next::PageHasIt => {
                if message.state == MessageState::Queued {
                    // It goes out by itself now, so nobody can take it back.
                    self.set_state(message, MessageState::Sending, None).await?;
                }
                self.postpone(item, now.plus(LOOK_AGAIN), "the page has not sent it yet", false)
                    .await?;
            }
            Next::SendAgain if self.is_past(item, outgoing).await? => {}
            Next::SendAgain => {
                if let Some(message) = self.choose_again(item, message.id).await? {
                    return self.hand_over(item, &message, chat, id, outgoing.quoted.as_ref()).await;
                }
            }
            Next::GiveUpUnknown => {
                let detail = format!(
                    "the device was linked again before WhatsApp confirmed it; check the chat on the phone, then run `crm message resolve {}`",
                    message.id
                );
                self.give_up(message, MessageState::Unknown, "login_changed", detail)
                    .await?;
            }
            Next::Wait => {
                self.postpone(item, now.plus(UNCLEAR_PAUSE), "cannot be looked up yet", false)
                    .await?;
            }
        }
        Ok(Progress::Worked)
    }

    /// Returns whether a message that was certainly not sent does not go out now: the time between its choice and this look
    /// may be days, or a night. One that has expired fails, and one that quiet hours keep back is queued again, so that people
    /// see why it waits and can still change it or take it back.
    async fn is_past(&self, item: &OutboxItem<WhatsAppWork>, outgoing: &Outgoing) -> Result<bool, StoreError> {
        let (message, now) = (&outgoing.message, self.core.clock.now());
        let expires = self.core.store.messages().expires_at(message.id).await?;
        if expires.is_some_and(|at| at <= now) {
            if self.core.store.clock_doubted_until().await?.is_some() {
                self.postpone(item, now.plus(UNCLEAR_PAUSE), "the clock is doubted", false)
                    .await?;
            } else {
                self.expired(message).await?;
            }
            return Ok(true);
        }
        let Some(waiting) = self.waits(outgoing).await? else {
            return Ok(false);
        };
        if message.state == MessageState::Sending {
            self.set_state(message, MessageState::Queued, None).await?;
        }
        self.put_off(item, outgoing, waiting).await?;
        Ok(true)
    }

    async fn account(&self) -> Result<Account, StoreError> {
        self.core
            .store
            .accounts()
            .get(self.account)
            .await?
            .ok_or(StoreError::Missing { what: "account" })
    }
}
