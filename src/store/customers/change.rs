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
        if let Some(phone) = phone {
            self.set_phone(id, phone.as_ref()).await?;
        }
        let changed = after != before;
        if changed {
            after = self.save(after, &before).await?;
        }
        match self.refresh(id).await? {
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

    async fn set_phone(&self, id: CustomerId, phone: Option<&PhoneNumber>) -> Result<(), StoreError> {
        let set = IdentitySource::Set;
        for row in self.0.identities().held_by(&[id]).await? {
            let is_set = row.source.as_deref() == Some(set.as_str());
            let is_wanted = phone.is_some_and(|phone| row.value == phone.as_str());
            if is_set && !is_wanted && row.kind == IdentityKind::Phone.as_str() {
                self.0.identities().end(&row).await?;
            }
        }
        let Some(phone) = phone else { return Ok(()) };
        let identity = Identity::phone(phone);
        let known = self.0.identities().known(std::slice::from_ref(&identity)).await?;
        match known.first() {
            Some(row) if row.customer_id == id => self.0.identities().set_source(row, set).await,
            Some(row) => Err(StoreError::Conflict(format!(
                "the number is customer {}'s; merge the two if they are one person",
                row.customer_id
            ))),
            None => self.0.identities().add(id, id, &identity, set).await,
        }
    }
}
