//! Postpones messages that a person would not send now, with the reason and the time (rule 8). The decision itself is
//! in [`crate::domain::pacing`].

use futures_util::FutureExt;

use crate::contract::Event;
use crate::domain::conversation::ChatKind;
use crate::domain::outbox::{OutboxItem, WhatsAppWork};
use crate::domain::pacing::{DAY, Facts, FirstContact, Waiting};
use crate::store::StoreError;

use super::outgoing::Outgoing;
use super::relay::WhatsAppRelay;

impl WhatsAppRelay {
    /// Postpones a message that has to wait. Returns whether it was postponed.
    pub(crate) async fn hold_back(
        &self,
        item: &OutboxItem<WhatsAppWork>,
        outgoing: &Outgoing,
    ) -> Result<bool, StoreError> {
        let Some(waiting) = self.waits(outgoing).await? else {
            return Ok(false);
        };
        self.put_off(item, outgoing, waiting).await?;
        Ok(true)
    }

    /// Returns why and until when a message has to wait; `None` if it may go.
    pub(super) async fn waits(&self, outgoing: &Outgoing) -> Result<Option<Waiting>, StoreError> {
        let facts = self.facts(outgoing).await?;
        Ok(self.core.policy.pace.waits(&facts, self.core.clock.now()))
    }

    async fn facts(&self, outgoing: &Outgoing) -> Result<Facts, StoreError> {
        let (store, pace) = (&self.core.store, &self.core.policy.pace);
        let conversation = &outgoing.conversation;
        let mut facts = Facts {
            written: outgoing.message.timestamp,
            ..Facts::default()
        };
        if pace.quiet.is_some() {
            facts.heard = store.pace().last_heard(conversation.id).await?;
        }
        let is_counted = conversation.kind == ChatKind::Direct && !pace.first_contacts.is_unlimited();
        if is_counted && store.pace().is_first_contact(conversation.id).await? {
            let since = self.core.clock.now().minus(DAY);
            let ahead = store
                .pace()
                .first_contacts_before(self.account, outgoing.message.id)
                .await?;
            facts.first = Some(FirstContact {
                made: store.pace().first_contacts(self.account, since).await?,
                ahead: usize::try_from(ahead).unwrap_or(usize::MAX),
            });
        }
        Ok(facts)
    }

    /// Postpones a queued message, and stores for people why and until when.
    pub(super) async fn put_off(
        &self,
        item: &OutboxItem<WhatsAppWork>,
        outgoing: &Outgoing,
        waiting: Waiting,
    ) -> Result<(), StoreError> {
        let (item, id) = (item.id, outgoing.message.id);
        // The wait is our own decision, so the expiry is counted from its end.
        let expires = self.core.policy.send_expires.map(|span| waiting.until.plus(span));
        self.core
            .write((id, waiting, expires, item), |tx, &(id, waiting, expires, item)| {
                async move {
                    if let Some(told) = tx.pace().set_waiting(id, waiting).await? {
                        tx.messages().set_expiry(id, expires).await?;
                        tx.emit(Event::message_state(&told));
                    }
                    tx.outbox()
                        .retry(item, waiting.until, waiting.reason.as_str(), false)
                        .await
                }
                .boxed()
            })
            .await
    }
}
