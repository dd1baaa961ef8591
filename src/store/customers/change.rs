//! Changes that a person makes to a customer.

use entity::customer;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Map, Value};

use crate::domain::CustomerId;
use crate::domain::customer::{Customer, Identity, IdentityKind, IdentitySource, PhoneNumber};
use crate::store::database::bounds::MAX_NAMED;
use crate::store::database::row::to_json;
use crate::store::facet::Customers;
use crate::store::{StoreError, Tx};

use super::identities::{is_of_kind, is_set};
use super::read;

/// A change of a customer. A field that is `None` is not changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerChange {
    /// Name that takes precedence over WhatsApp's names; `Some(None)` removes it.
    pub name: Option<Option<String>>,
    /// Phone number that takes precedence over those from WhatsApp; `Some(None)` removes it. Refused with
    /// [`StoreError::Conflict`] when another customer has it.
    pub phone: Option<Option<PhoneNumber>>,
    /// Status of the customer, a word of the team's own.
    pub status: Option<String>,
    /// Address of a picture that the team has set; `Some(None)` removes it.
    pub photo_url: Option<Option<String>>,
    /// Replaces all attributes.
    pub attributes: Option<Map<String, Value>>,
}

impl Customers<'_, Tx> {
    /// Changes a customer and returns it, or `None` when nothing changed.
    pub async fn update(&self, id: CustomerId, change: &CustomerChange) -> Result<Option<Customer>, StoreError> {
        let before = self.need(id).await?;
        let mut after = before.clone();
        let CustomerChange {
            name,
            phone,
            status,
            photo_url,
            attributes,
        } = change;
        if let Some(status) = status {
            after.status.clone_from(status);
        }
        if let Some(photo_url) = photo_url {
            after.photo_url.clone_from(photo_url);
        }
        if let Some(attributes) = attributes {
            after.attributes = to_json(attributes)?;
        }
        if let Some(name) = name {
            after.given_name.clone_from(name);
            if name.is_none() {
                self.forget_given_names(id).await?;
            }
        }
        let mut corrected = false;
        if let Some(phone) = phone {
            corrected = self.set_phone(id, phone.as_ref()).await?;
        }
        let changed = after != before;
        if changed {
            after = self.save(after, &before).await?;
        }
        let refreshed = self.refresh(id).await?;
        if corrected {
            let has_number = self.need(id).await?.phone.is_some();
            self.0.conversations().address_anew(id, has_number).await?;
            self.0.messages().forget_addressees(id).await?;
        }
        match refreshed {
            Some(customer) => Ok(Some(customer)),
            None if changed => read(after).map(Some),
            None => Ok(None),
        }
    }

    /// Deletes the given names of the customers who were merged into this one too.
    async fn forget_given_names(&self, id: CustomerId) -> Result<(), StoreError> {
        for some in self.merged_into(id).await?.chunks(MAX_NAMED) {
            customer::Entity::update_many()
                .set(customer::ActiveModel {
                    given_name: Set(None),
                    ..customer::ActiveModel::default()
                })
                .filter(customer::Column::Id.is_in(some.iter().map(|row| row.id)))
                .exec(&self.0.session)
                .await?;
        }
        Ok(())
    }

    /// Sets the number that takes precedence, or removes it. Returns whether a person's word about the number changed, so
    /// that messages have to find their way anew.
    async fn set_phone(&self, id: CustomerId, phone: Option<&PhoneNumber>) -> Result<bool, StoreError> {
        let mut corrected = false;
        let held = self.0.identities().held_by(&[id]).await?;
        let has_lid = held.iter().any(|row| is_of_kind(row, IdentityKind::Lid));
        for row in &held {
            let is_wanted = phone.is_some_and(|phone| row.value == phone.as_str());
            if is_set(row) && !is_wanted && is_of_kind(row, IdentityKind::Phone) {
                self.0.identities().end(row).await?;
                corrected = true;
            }
        }
        let Some(phone) = phone else { return Ok(corrected) };
        let identity = Identity::phone(phone);
        let known = self.0.identities().known(std::slice::from_ref(&identity)).await?;
        match known.first() {
            Some(row) if row.customer_id == id && is_set(row) => Ok(corrected),
            Some(row) if row.customer_id == id => {
                let is_told = has_lid || row.source.as_deref() == Some(IdentitySource::WhatsApp.as_str());
                if is_told {
                    self.0.identities().confirm(row).await?;
                } else {
                    self.0.identities().set_source(row, IdentitySource::Set).await?;
                }
                Ok(true)
            }
            Some(row) => Err(StoreError::Conflict(format!(
                "the number is customer {}'s; merge the two if they are one person",
                row.customer_id
            ))),
            None => {
                self.0.identities().add(id, id, &identity, IdentitySource::Set).await?;
                Ok(true)
            }
        }
    }
}
