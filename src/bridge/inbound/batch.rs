//! Commits the page's events: together, or, if the store refuses one, one by one with the refused in quarantine (rule
//! 13).

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::reader::ReadReceipts;
use crate::bridge::core::{Core, state};
use crate::domain::account::Account;
use crate::domain::whatsapp::{MessageRef, PageEvent};
use crate::domain::{AccountId, ConversationId};
use crate::store::{StoreError, Tx};

use super::events::Events;
use super::message::{Arrival, IntakeOutcome};
use super::{changes, groups, message};

/// Commits events as [`each_or_quarantine`] does, then queues the read receipts of new messages.
pub(crate) async fn take_batch(
    core: &Core,
    account: &Arc<Account>,
    events: Events,
    reader: &ReadReceipts,
) -> Result<BatchOutcome, StoreError> {
    let commit = |events| take_together(core, account, events);
    let told = match each_or_quarantine(core, account, &events, commit).await? {
        Commit::Together(told) => told,
        Commit::Singly(each) => each.into_iter().fold(BatchOutcome::default(), BatchOutcome::plus),
    };
    for conversation in &told.fresh {
        reader.message_came(core, *conversation);
    }
    Ok(told)
}

/// Way in which events were committed.
pub(crate) enum Commit<T> {
    /// All of them in one transaction.
    Together(T),
    /// Each in its own transaction, without those in quarantine.
    Singly(Vec<T>),
}

/// Commits events together. If the store refuses that permanently, commits each alone and quarantines the refused ones
/// (rule 13). Other errors are returned.
pub(crate) async fn each_or_quarantine<T, F>(
    core: &Core,
    account: &Account,
    events: &Events,
    commit: impl Fn(Events) -> F,
) -> Result<Commit<T>, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    match commit(events.clone()).await {
        Err(error) if error.is_permanent() => {}
        other => return other.map(Commit::Together),
    }
    let mut each = Vec::new();
    for event in events.each() {
        match commit(event.clone()).await {
            Ok(one) => each.push(one),
            Err(error) if error.is_permanent() => quarantine(core, account.id, event, &error).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(Commit::Singly(each))
}

/// Commits events in one transaction: all or none.
pub(crate) async fn take_together(
    core: &Core,
    account: &Arc<Account>,
    events: Events,
) -> Result<BatchOutcome, StoreError> {
    let input = (Arc::clone(account), events);
    core.write_with(input, |tx, core, (account, events)| {
        async move {
            let mut told = BatchOutcome::default();
            for event in events.iter() {
                take_event(tx, &core.policy, account, event, &mut told).await?;
            }
            Ok(told)
        }
        .boxed()
    })
    .await
}

async fn take_event(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    event: &PageEvent,
    told: &mut BatchOutcome,
) -> Result<(), StoreError> {
    match event {
        PageEvent::Message(message) => {
            let taken = Box::pin(message::take_in(tx, policy, account, message, Arrival::Live)).await?;
            told.new += usize::from(taken != IntakeOutcome::Known);
            if let IntakeOutcome::New(stored) = taken {
                told.fresh.push(stored.conversation_id);
            }
        }
        PageEvent::Ack { chat, ids, ack } => {
            for id in ids {
                match tx.messages().ours(account.id, id, Some(chat)).await? {
                    Some(message) => {
                        state::apply_ack(tx, policy, &message, *ack).await?;
                    }
                    None => told.strays.push(Stray {
                        of: MessageRef::ours(chat.clone(), id.clone()),
                        event: None,
                    }),
                }
            }
        }
        PageEvent::Edited { target, .. }
        | PageEvent::Deleted { target, .. }
        | PageEvent::Kept { target, .. }
        | PageEvent::Reacted { target, .. }
        | PageEvent::Voted { target, .. }
        | PageEvent::Moved { target, .. } => {
            let is_stored = changes::apply(tx, policy, account, event).await?;
            // A message says itself whether it is kept.
            if !is_stored && !matches!(event, PageEvent::Kept { .. }) {
                told.strays.push(Stray {
                    of: target.into(),
                    event: Some(event.clone()),
                });
            }
        }
        PageEvent::Group(group) => groups::take_in(tx, policy, account, group).await?,
        PageEvent::Poison { bytes, error } => {
            tx.quarantine()
                .add(AS_THE_PAGE_TOLD, Some(account.id), bytes, error)
                .await?;
        }
    }
    Ok(())
}

/// Stores events in quarantine, with the reason (rule 13).
pub(crate) async fn quarantine(
    core: &Core,
    account: AccountId,
    events: Events,
    why: &impl ToString,
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    for _ in events.iter() {
        tracing::warn!(%account, "an event could not be stored; it is in quarantine: see `crm doctor`");
    }
    core.write((account, events, why.to_string()), |tx, (account, events, why)| {
        async move {
            for event in events.iter() {
                let (source, bytes) = match event {
                    PageEvent::Poison { bytes, .. } => (AS_THE_PAGE_TOLD, Cow::from(bytes)),
                    // Our own types have string keys, so they can always be written.
                    event => ("whatsapp.event", serde_json::to_vec(event).unwrap_or_default().into()),
                };
                tx.quarantine().add(source, Some(*account), &bytes, why).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .await
}

/// Result of a committed batch.
#[derive(Default)]
pub(crate) struct BatchOutcome {
    /// Number of new messages.
    pub new: usize,
    /// Conversations with a new message of a customer, for the read receipts.
    pub fresh: Vec<ConversationId>,
    /// Events about messages that we do not have.
    pub(super) strays: Vec<Stray>,
}

impl BatchOutcome {
    fn plus(mut self, other: Self) -> Self {
        self.new += other.new;
        self.fresh.extend(other.fresh);
        self.strays.extend(other.strays);
        self
    }
}

/// Event about a message that we do not have.
pub(super) struct Stray {
    /// The message.
    pub of: MessageRef,
    /// The event, to be applied once its message is stored; `None` for an ack, which the message itself carries.
    pub event: Option<PageEvent>,
}

/// Source word of quarantined bytes that only the adapter can parse; bytes of any other source are a `PageEvent` as
/// JSON.
pub(crate) const AS_THE_PAGE_TOLD: &str = "whatsapp.page";
