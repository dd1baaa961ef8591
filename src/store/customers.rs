//! Customers and the dated identities by which WhatsApp knows them.

use futures_util::Stream;
use serde_json::{Map, Value};

use crate::domain::CustomerId;
use crate::domain::customer::{Customer, Identity};

use super::{Page, PageRequest, Store, StoreError, Tx};

/// What [`Tx::resolve_customer`] found or made.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedCustomer {
    pub customer: Customer,
    pub created: bool,
    /// Name or number are other than before.
    pub changed: bool,
}

/// What a person changes about a customer; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerChange {
    /// Given by a person, so WhatsApp's names no longer replace it.
    pub name: Option<String>,
    pub status: Option<String>,
    pub photo_url: Option<Option<String>>,
    pub attributes: Option<Map<String, Value>>,
}

impl Store {
    pub async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        todo!()
    }

    pub async fn customer_of(&self, identity: &Identity) -> Result<Option<Customer>, StoreError> {
        todo!()
    }

    /// By id. `search` finds a part of a name or number, in whatever case.
    pub async fn customers(&self, page: PageRequest, search: Option<&str>) -> Result<Page<Customer>, StoreError> {
        todo!()
    }

    /// The names by which WhatsApp knows a customer, the first known first.
    pub async fn identities(&self, id: CustomerId) -> Result<Vec<Identity>, StoreError> {
        todo!()
    }

    /// Every customer by id, a page at a time in memory.
    pub fn stream_customers(&self) -> impl Stream<Item = Result<Customer, StoreError>> + Send + use<> {
        futures_util::stream::once(async { todo!() })
    }
}

impl Tx {
    pub async fn customer(&mut self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        todo!()
    }

    pub async fn customer_of(&mut self, identity: &Identity) -> Result<Option<Customer>, StoreError> {
        todo!()
    }

    /// The customer who has any of these identities, made when there is none (`RULES` 12). Identities not yet known are
    /// added. When they point at several customers the oldest is taken and each known identity stays where it is:
    /// merging is a person's decision. `name` is WhatsApp's; it replaces a name that no person has given.
    pub async fn resolve_customer(
        &mut self,
        identities: &[Identity],
        name: Option<&str>,
    ) -> Result<ResolvedCustomer, StoreError> {
        todo!()
    }

    /// Adds names by which WhatsApp knows a customer; one that belongs to somebody else stays where it is.
    pub async fn add_identities(&mut self, id: CustomerId, identities: &[Identity]) -> Result<(), StoreError> {
        todo!()
    }

    /// Changes a customer; `None` when that changes nothing.
    pub async fn update_customer(
        &mut self,
        id: CustomerId,
        change: &CustomerChange,
    ) -> Result<Option<Customer>, StoreError> {
        todo!()
    }
}
