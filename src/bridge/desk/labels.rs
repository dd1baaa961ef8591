//! Labels: the list of them, and which conversation and which customer has which.

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::bridge::core::command::{Answered, Idempotency, check_key};
use crate::bridge::core::people;
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::contract::{Event, LabelView};
use crate::domain::conversation::Conversation;
use crate::domain::customer::Customer;
use crate::domain::label::{Label, LabelName, MAX_LABELS, MAX_OF_CONVERSATION, MAX_OF_CUSTOMER};
use crate::domain::{ConversationId, CustomerId, LabelId};
use crate::store::{LabelChange, NewLabel, Tx};

use super::customers::{SeenCustomer, current};
use super::handle::Desk;
use super::{idempotency, work};

/// Most conversations, and most customers, from which a label that is deleted is taken in one transaction.
const AT_ONCE: u64 = 200;

/// Change of a label, and what the caller has seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelEdit {
    /// The fields to change.
    pub change: LabelChange,
    /// Refused unless it was last changed then, in milliseconds since 1970; `None`: not checked.
    pub expected: Option<String>,
}

impl Desk {
    /// Creates a label. Refused if there is one of this name.
    pub async fn create_label(&self, new: NewLabel, asked: Option<Idempotency>) -> Result<Answered<Label>, Refusal> {
        check_key(asked.as_ref())?;
        self.core
            .write((new, asked), |tx, (new, asked)| {
                async move {
                    if let Some(stored) = idempotency::earlier(tx, asked.as_ref()).await? {
                        return Ok(Answered::Replayed(stored));
                    }
                    if let Some(known) = tx.labels().called(&new.name).await? {
                        return Err(Refusal::Conflict(format!(
                            "there is a label {} already; choose another name",
                            known.name
                        )));
                    }
                    let label = create(tx, new).await?;
                    idempotency::store(tx, asked.as_ref(), CREATED, &LabelView::from(label.clone()), None).await?;
                    Ok(Answered::New(label))
                }
                .boxed()
            })
            .await
    }

    /// Changes a label. Does nothing if it is so already.
    pub async fn edit_label(&self, name: LabelName, edit: LabelEdit) -> Result<Label, Refusal> {
        self.core
            .write((name, edit), |tx, (name, edit)| {
                async move {
                    let label = as_seen(called(tx, name).await?, edit.expected.as_deref())?;
                    let LabelChange { color, description } = &edit.change;
                    let is_so = color.as_ref().is_none_or(|color| *color == label.color)
                        && description.as_ref().is_none_or(|text| *text == label.description);
                    if is_so {
                        return Ok(label);
                    }
                    tx.labels().update(label.id, &edit.change).await?;
                    let changed = called(tx, name).await?;
                    tx.emit(Event::label_updated(&changed));
                    Ok(changed)
                }
                .boxed()
            })
            .await
    }

    /// Deletes a label, unless it was changed since `expected`, and takes it off all conversations and customers: in steps, so that other writes go on; one that is interrupted
    /// is finished by repeating it.
    pub async fn delete_label(&self, name: LabelName, expected: Option<String>) -> Result<(), Refusal> {
        loop {
            let is_done = self
                .core
                .write_with((name.clone(), expected.clone()), |tx, core, (name, expected)| {
                    async move {
                        let label = as_seen(called(tx, name).await?, expected.as_deref())?;
                        let with_it = tx.labels().conversations(label.id, AT_ONCE).await?;
                        for id in &with_it {
                            take_off(tx, core, *id, label.id).await?;
                        }
                        let customers = tx.labels().customers(label.id, AT_ONCE).await?;
                        for id in &customers {
                            take_off_customer(tx, *id, label.id).await?;
                        }
                        if !with_it.is_empty() || !customers.is_empty() {
                            return Ok::<_, Refusal>(false);
                        }
                        tx.labels().remove(label.id).await?;
                        tx.emit(Event::label_deleted(&label));
                        Ok(true)
                    }
                    .boxed()
                });
            if is_done.await? {
                return Ok(());
            }
        }
    }

    /// Puts a label on a conversation. `create`: a label that is not there is created. `expected`: revision that the caller
    /// has seen.
    pub async fn put_label(
        &self,
        id: ConversationId,
        name: LabelName,
        create: bool,
        expected: Option<String>,
    ) -> Result<Conversation, Refusal> {
        self.core
            .write_with(
                (id, name, create, expected),
                |tx, core, (id, name, create, expected)| {
                    async move {
                        work::check_seen(tx, *id, expected.as_deref()).await?;
                        put(tx, core, *id, name, *create).await
                    }
                    .boxed()
                },
            )
            .await
    }

    /// Takes a label off a conversation. Does nothing if it does not have it. `expected`: revision that the caller has seen.
    pub async fn take_label(
        &self,
        id: ConversationId,
        name: LabelName,
        expected: Option<String>,
    ) -> Result<Conversation, Refusal> {
        self.core
            .write_with((id, name, expected), |tx, core, (id, name, expected)| {
                async move {
                    work::check_seen(tx, *id, expected.as_deref()).await?;
                    take(tx, core, *id, name).await
                }
                .boxed()
            })
            .await
    }
}

impl Desk {
    /// Puts a label on a customer. `create`: a label that is not there is created. `expected`: revision that the caller has
    /// seen.
    pub async fn put_customer_label(
        &self,
        id: CustomerId,
        name: LabelName,
        create: bool,
        expected: Option<SeenCustomer>,
    ) -> Result<Customer, Refusal> {
        self.core
            .write((id, name, create, expected), |tx, (id, name, create, expected)| {
                async move {
                    if let Some(seen) = expected {
                        seen.check(&current(tx, *id).await?)?;
                    }
                    put_on_customer(tx, *id, name, *create).await
                }
                .boxed()
            })
            .await
    }

    /// Takes a label off a customer. Does nothing if they do not have it. `expected`: revision that the caller has seen.
    pub async fn take_customer_label(
        &self,
        id: CustomerId,
        name: LabelName,
        expected: Option<SeenCustomer>,
    ) -> Result<Customer, Refusal> {
        self.core
            .write((id, name, expected), |tx, (id, name, expected)| {
                async move {
                    let customer = current(tx, *id).await?;
                    if let Some(seen) = expected {
                        seen.check(&customer)?;
                    }
                    let label = called(tx, name).await?;
                    let changed = take_off_customer(tx, customer.id, label.id).await?;
                    Ok(changed.unwrap_or(customer))
                }
                .boxed()
            })
            .await
    }
}

/// Fails if a label was changed since the time that the caller has seen.
fn as_seen(label: Label, expected: Option<&str>) -> Result<Label, Refusal> {
    if expected.is_some_and(|known| known != label.updated_at.0.to_string()) {
        return Err(Refusal::Changed(format!(
            "label {} has changed since you looked at it; load it again, then repeat your change",
            label.name
        )));
    }
    Ok(label)
}

async fn put_on_customer(tx: &mut Tx, id: CustomerId, name: &LabelName, may_create: bool) -> Result<Customer, Refusal> {
    let customer = current(tx, id).await?;
    let label = called_or_new(tx, name, may_create).await?;
    if customer.labels.len() >= MAX_OF_CUSTOMER && !customer.labels.contains(&label.name) {
        return Err(Refusal::Conflict(format!(
            "customer {id} has {MAX_OF_CUSTOMER} labels, which is the most; take one off first"
        )));
    }
    let Some(changed) = tx.labels().put_on_customer(customer.id, label.id).await? else {
        return Ok(customer);
    };
    people::tell_on_cards(tx, &changed).await?;
    Ok(changed)
}

async fn take_off_customer(tx: &mut Tx, id: CustomerId, label: LabelId) -> Result<Option<Customer>, Refusal> {
    let changed = tx.labels().take_off_customer(id, label).await?;
    if let Some(changed) = &changed {
        people::tell_on_cards(tx, changed).await?;
    }
    Ok(changed)
}

/// Puts a label on a conversation in the caller's transaction, as [`Desk::put_label`] does.
pub(crate) async fn put(
    tx: &mut Tx,
    core: &Core,
    id: ConversationId,
    name: &LabelName,
    may_create: bool,
) -> Result<Conversation, Refusal> {
    let conversation = work::live(tx, id).await?;
    let label = called_or_new(tx, name, may_create).await?;
    let is_full = conversation.labels.len() >= MAX_OF_CONVERSATION;
    if is_full && !conversation.labels.contains(&label.name) {
        return Err(Refusal::Conflict(format!(
            "conversation {id} has {MAX_OF_CONVERSATION} labels, which is the most; take one off first"
        )));
    }
    let Some(changed) = tx.labels().put_on(conversation.id, label.id).await? else {
        return Ok(conversation);
    };
    tx.emit(Event::conversation_updated(&changed));
    work::show(tx, core, &changed).await?;
    Ok(changed)
}

/// Takes a label off a conversation in the caller's transaction, as [`Desk::take_label`] does.
pub(crate) async fn take(
    tx: &mut Tx,
    core: &Core,
    id: ConversationId,
    name: &LabelName,
) -> Result<Conversation, Refusal> {
    let conversation = work::live(tx, id).await?;
    let label = called(tx, name).await?;
    let changed = take_off(tx, core, conversation.id, label.id).await?;
    Ok(changed.unwrap_or(conversation))
}

async fn take_off(
    tx: &mut Tx,
    core: &Core,
    id: ConversationId,
    label: LabelId,
) -> Result<Option<Conversation>, Refusal> {
    let Some(changed) = tx.labels().take_off(id, label).await? else {
        return Ok(None);
    };
    tx.emit(Event::conversation_updated(&changed));
    work::show(tx, core, &changed).await?;
    Ok(Some(changed))
}

async fn create(tx: &mut Tx, new: &NewLabel) -> Result<Label, Refusal> {
    if tx.labels().count().await? >= MAX_LABELS {
        return Err(Refusal::Conflict(format!(
            "there are {MAX_LABELS} labels, which is the most; delete one first"
        )));
    }
    let label = tx.labels().add(new).await?;
    tx.emit(Event::label_created(&label));
    Ok(label)
}

async fn called_or_new(tx: &mut Tx, name: &LabelName, may_create: bool) -> Result<Label, Refusal> {
    match tx.labels().called(name).await? {
        Some(label) => Ok(label),
        None if may_create => {
            let new = NewLabel {
                name: name.clone(),
                color: None,
                description: None,
            };
            create(tx, &new).await
        }
        None => Err(not_found("label", name.as_str())),
    }
}

async fn called(tx: &mut Tx, name: &LabelName) -> Result<Label, Refusal> {
    let label = tx.labels().called(name).await?;
    label.ok_or_else(|| not_found("label", name.as_str()))
}

/// HTTP status of the answer to a new label ("created").
const CREATED: u16 = 201;
