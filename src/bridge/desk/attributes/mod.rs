//! Definitions of customers' attributes, and what they ask of a customer's values.

use futures_util::FutureExt;
use serde_json::{Map, Value};

use crate::bridge::core::command::{Answered, Idempotency, check_key};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::contract::{AttributeView, Event};
use crate::domain::attribute::{Attribute, AttributeName, MAX_ATTRIBUTES, check_choices};
use crate::store::{AttributeChange, NewAttribute, Tx};

use super::handle::Desk;
use super::idempotency;

/// HTTP status of the answer to a new definition ("created").
const CREATED: u16 = 201;

/// Change of a definition, and what the caller has seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeEdit {
    /// The fields to change.
    pub change: AttributeChange,
    /// Revision that the caller has seen; refused if there is another. `None`: not checked.
    pub expected: Option<String>,
}

impl Desk {
    /// Defines an attribute. Refused if there is a definition of this name. Values that customers have already stay.
    pub async fn create_attribute(
        &self,
        new: NewAttribute,
        asked: Option<Idempotency>,
    ) -> Result<Answered<Attribute>, Refusal> {
        check_key(asked.as_ref())?;
        self.core
            .write((new, asked), |tx, (new, asked)| {
                async move { create(tx, new, asked.as_ref()).await }.boxed()
            })
            .await
    }

    /// Changes a definition. Values that customers have stay.
    pub async fn edit_attribute(&self, name: AttributeName, edit: AttributeEdit) -> Result<Attribute, Refusal> {
        self.core
            .write((name, edit), |tx, (name, edit)| {
                async move { change(tx, name, edit).await }.boxed()
            })
            .await
    }

    /// Deletes a definition: the attribute is free from then on, and values that customers have stay. `expected`:
    /// revision that the caller has seen.
    pub async fn delete_attribute(&self, name: AttributeName, expected: Option<String>) -> Result<(), Refusal> {
        self.core
            .write((name, expected), |tx, (name, expected)| {
                async move {
                    let known = called(tx, name, expected.as_deref()).await?;
                    tx.attributes().remove(known.id).await?;
                    tx.emit(Event::attribute_deleted(&known));
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}

async fn create(tx: &mut Tx, new: &NewAttribute, asked: Option<&Idempotency>) -> Result<Answered<Attribute>, Refusal> {
    if let Some(stored) = idempotency::earlier(tx, asked).await? {
        return Ok(Answered::Replayed(stored));
    }
    checked_choices(check_choices(new.kind, &new.choices))?;
    if tx.attributes().called(&new.name).await?.is_some() {
        let name = new.name.as_str();
        return Err(Refusal::Conflict(format!(
            "there is an attribute {name} already; choose another name, or change that one"
        )));
    }
    if tx.attributes().count().await? >= MAX_ATTRIBUTES {
        return Err(Refusal::Conflict(format!(
            "there are {MAX_ATTRIBUTES} attributes, which is the most; delete one first"
        )));
    }
    let made = tx.attributes().add(new).await?;
    tx.emit(Event::attribute_created(&made));
    idempotency::store(tx, asked, CREATED, &AttributeView::from(made.clone()), None).await?;
    Ok(Answered::New(made))
}

async fn change(tx: &mut Tx, name: &AttributeName, edit: &AttributeEdit) -> Result<Attribute, Refusal> {
    let known = called(tx, name, edit.expected.as_deref()).await?;
    let AttributeChange { choices, description } = &edit.change;
    if let Some(choices) = choices {
        checked_choices(check_choices(known.kind, choices))?;
    }
    let same = choices.as_ref().is_none_or(|choices| *choices == known.choices)
        && description.as_ref().is_none_or(|text| *text == known.description);
    if same {
        return Ok(known);
    }
    let changed = tx.attributes().update(&known, &edit.change).await?;
    tx.emit(Event::attribute_updated(&changed));
    Ok(changed)
}

/// Returns the definition of this name. Refused if it has not the revision `expected`.
async fn called(tx: &mut Tx, name: &AttributeName, expected: Option<&str>) -> Result<Attribute, Refusal> {
    let known = tx.attributes().called(name).await?;
    let known = known.ok_or_else(|| not_found("attribute", name.as_str()))?;
    if expected.is_some_and(|expected| expected != known.tag()) {
        return Err(Refusal::Changed(format!(
            "attribute {} has changed since you looked at it; load it again, then repeat your change",
            known.name
        )));
    }
    Ok(known)
}

fn checked_choices(checked: Result<(), impl std::fmt::Display>) -> Result<(), Refusal> {
    checked.map_err(|why| wrong("/choices".to_owned(), why.to_string()))
}

/// Checks the attributes that a customer is to have, where they differ from those of now: a value that its definition
/// does not take any more stays until somebody changes it.
pub(super) async fn check_values(
    tx: &mut Tx,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Result<(), Refusal> {
    let is_new = |(name, value): &(&String, &Value)| before.get(*name) != Some(*value);
    if after.iter().find(is_new).is_none() {
        return Ok(());
    }
    let definitions = tx.attributes().list().await?;
    for (name, value) in after.iter().filter(is_new) {
        let definition = definitions.iter().find(|known| known.name == *name);
        if let Some(definition) = definition {
            // Names of definitions have no sign that a pointer would have to escape.
            let pointer = format!("/attributes/{name}");
            definition.check(value).map_err(|why| wrong(pointer, why))?;
        }
    }
    Ok(())
}

const fn wrong(pointer: String, detail: String) -> Refusal {
    Refusal::WrongField { pointer, detail }
}
