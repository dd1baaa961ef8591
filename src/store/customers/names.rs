//! Name and phone number of a customer: computed from all that is known about them, stored when they change.

use entity::{customer, customer_identity};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, EntityTrait, IntoActiveModel, Iterable as _, ModelTrait as _, QueryFilter,
};

use crate::domain::customer::{Customer, Identity, PhoneNumber};
use crate::domain::names::{NameSource, Names};
use crate::domain::{CustomerId, Timestamp, names};
use crate::store::facet::Customers;
use crate::store::{StoreError, Tx};

use super::meet::Contact;
use super::{identities, read};

/// Status of a customer until a person changes it.
const DEFAULT_STATUS: &str = "active";

impl Customers<'_, Tx> {
    /// Creates a customer with the reported names; identities are added later.
    pub(super) async fn create(&self, told: &Contact) -> Result<CustomerId, StoreError> {
        let row = customer::ActiveModel {
            id: NotSet,
            name: Set(String::new()),
            named: Set(false),
            phone: Set(None),
            status: Set(DEFAULT_STATUS.to_owned()),
            photo_url: Set(None),
            unread_count: Set(0),
            attributes: Set("{}".to_owned()),
            search: Set(String::new()),
            opted_out_at: Set(None),
            opted_out_by: Set(None),
            opted_in_at: Set(None),
            created_at: Set(self.0.now.0),
            updated_at: Set(self.0.now.0),
            merged_into: Set(None),
            given_name: Set(None),
            saved_name: Set(told.saved_name.clone()),
            push_name: Set(told.push_name.clone()),
            names_told_at: Set(Some(self.0.now.0)),
            name_source: Set(None),
            photo_id: Set(None),
            photo_tag: Set(None),
            photo_due_at: Set(None),
            given_photo_id: Set(None),
            labels: Set(None),
        };
        Ok(customer::Entity::insert(row)
            .exec(&self.0.session)
            .await?
            .last_insert_id)
    }

    /// Stores the reported names. Returns the customer as stored if none of them changed. A name that is not reported any
    /// more stays.
    pub(super) async fn learn_names(
        &self,
        id: CustomerId,
        told: &Contact,
    ) -> Result<Option<customer::Model>, StoreError> {
        let before = self.need(id).await?;
        let mut after = before.clone();
        if told.saved_name.is_some() {
            after.saved_name.clone_from(&told.saved_name);
        }
        if told.push_name.is_some() {
            after.push_name.clone_from(&told.push_name);
        }
        if after == before {
            return Ok(Some(before));
        }
        let change = customer::ActiveModel {
            saved_name: Set(after.saved_name),
            push_name: Set(after.push_name),
            names_told_at: Set(Some(self.0.now.0)),
            ..Default::default()
        };
        self.change(id, change).await?;
        Ok(None)
    }

    /// Computes the name and the phone number again. Returns the customer if they changed.
    pub(in crate::store) async fn refresh(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        let before = self.need(id).await?;
        let merged = self.merged_into(id).await?;
        let held = self.0.identities().held_by(&[id]).await?;
        let phone = current_phone(id, &held);
        let others: Vec<Names> = merged.iter().map(names_of).collect();
        let mut after = before.clone();
        after.phone = phone.map(String::from);
        let (source, name) = match names::best(&names_of(&before), &others) {
            Some(best) => best,
            None => (NameSource::Number, unnamed(&held, &after)?),
        };
        after.name = name;
        after.name_source = Some(source.to_string());
        after.named = source == NameSource::Set;
        if after == before {
            return Ok(None);
        }
        self.save(after, &before).await.and_then(read).map(Some)
    }

    /// Stores a changed customer, and its new name in its conversations.
    pub(in crate::store) async fn save(
        &self,
        mut row: customer::Model,
        before: &customer::Model,
    ) -> Result<customer::Model, StoreError> {
        row.updated_at = self.0.now.0;
        row.search = search_text(&row.name, row.phone.as_deref());
        let change = changed(&row, before);
        customer::Entity::update_many()
            .set(change)
            .filter(customer::Column::Id.eq(row.id))
            .exec(&self.0.session)
            .await?;
        if row.name != before.name {
            self.0.conversations().rename(row.id, &row.name).await?;
        }
        Ok(row)
    }

    pub(in crate::store) async fn change(
        &self,
        id: CustomerId,
        change: customer::ActiveModel,
    ) -> Result<(), StoreError> {
        let change = customer::ActiveModel {
            updated_at: Set(self.0.now.0),
            ..change
        };
        customer::Entity::update_many()
            .set(change)
            .filter(customer::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

/// Returns the columns that differ: a column that another process has changed meanwhile keeps that change.
fn changed(row: &customer::Model, before: &customer::Model) -> customer::ActiveModel {
    let mut change = row.clone().into_active_model();
    for column in customer::Column::iter() {
        if row.get(column) == before.get(column) {
            change.not_set(column);
        } else {
            change.reset(column);
        }
    }
    change
}

pub(super) fn names_of(row: &customer::Model) -> Names {
    Names {
        given: row.given_name.clone(),
        saved: row.saved_name.clone(),
        push: row.push_name.clone(),
        told_at: Timestamp(row.names_told_at.unwrap_or(0)),
    }
}

/// Returns the number of a customer: one of their own before those of customers who were merged into them, then one that a
/// person set, else the one that became theirs last.
fn current_phone(id: CustomerId, held: &[customer_identity::Model]) -> Option<PhoneNumber> {
    let numbers = held.iter().filter_map(|row| {
        let is_own = identities::home(row) == id;
        Some(((is_own, identities::is_set(row), row.id), identities::phone(row)?))
    });
    numbers.max_by_key(|(rank, _)| *rank).map(|(_, phone)| phone)
}

/// Returns the text to show instead of a name. A customer who has lost every identity keeps their last name.
fn unnamed(held: &[customer_identity::Model], row: &customer::Model) -> Result<String, StoreError> {
    if let Some(phone) = &row.phone {
        return Ok(phone.clone());
    }
    let held: Vec<Identity> = held.iter().map(identities::read).collect::<Result<_, _>>()?;
    Ok(names::fallback(&held).unwrap_or_else(|| row.name.clone()))
}

/// Returns the text for searches. Lower case by Unicode's rules, because the databases' own rules differ.
fn search_text(name: &str, phone: Option<&str>) -> String {
    format!("{}\n{}", name.to_lowercase(), phone.unwrap_or_default())
}
