//! Customers and the dated identities by which WhatsApp knows them.

use std::time::Duration;

use futures_util::Stream;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
};
use serde_json::{Map, Value};

use entity::{customer, customer_identity};

use crate::domain::customer::{Customer, Identity, IdentityKind, PhoneNumber};
use crate::domain::{CustomerId, Timestamp};

use super::page::{self, Page, PageKey, PageRequest};
use super::row::{from_json, to_json, word};
use super::{Store, StoreError, Tx};

/// Of what status a customer is until a person says otherwise.
const DEFAULT_STATUS: &str = "active";
/// How exactly an identity's last use is dated.
const SEEN_EVERY: Duration = Duration::from_hours(24);
/// Makes the next character of a search pattern mean itself; a backslash would mean more than that to MySQL.
const ESCAPE: char = '!';

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
        find(self.readers(), id).await
    }

    pub async fn customer_of(&self, identity: &Identity) -> Result<Option<Customer>, StoreError> {
        by_identity(self.readers(), identity).await
    }

    /// By id. `search` finds a part of a name or number, in whatever case.
    pub async fn customers(&self, page: PageRequest, search: Option<&str>) -> Result<Page<Customer>, StoreError> {
        let mut query = customer::Entity::find();
        if let Some(search) = search.map(str::trim).filter(|search| !search.is_empty()) {
            query = query.filter(customer::Column::Search.like(containing(search)));
        }
        let columns = (None, customer::Column::Id);
        page::read(
            query,
            page,
            columns,
            self.readers(),
            |row| PageKey::of_id(row.id.0),
            read,
        )
        .await
    }

    /// The names by which WhatsApp knows a customer, the first known first.
    pub async fn identities(&self, id: CustomerId) -> Result<Vec<Identity>, StoreError> {
        let rows = customer_identity::Entity::find()
            .filter(customer_identity::Column::CustomerId.eq(id))
            .order_by_asc(customer_identity::Column::Id)
            .all(self.readers())
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Identity {
                    kind: word("customer_identities", &row.kind)?,
                    value: row.value,
                })
            })
            .collect()
    }

    /// Every customer by id, a page at a time in memory.
    pub fn stream_customers(&self) -> impl Stream<Item = Result<Customer, StoreError>> + Send + use<> {
        let store = self.clone();
        page::stream(move |request| {
            let store = store.clone();
            async move { store.customers(request, None).await }
        })
    }

    pub async fn count_customers(&self) -> Result<u64, StoreError> {
        Ok(customer::Entity::find().count(self.readers()).await?)
    }
}

impl Tx {
    pub async fn customer(&mut self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        find(&self.session, id).await
    }

    pub async fn customer_of(&mut self, identity: &Identity) -> Result<Option<Customer>, StoreError> {
        by_identity(&self.session, identity).await
    }

    /// The customer who has any of these identities, made when there is none (`RULES` 12). Identities not yet known are
    /// added. When they point at several customers the oldest is taken and each known identity stays where it is:
    /// merging is a person's decision. `name` is WhatsApp's; it replaces a name that no person has given.
    pub async fn resolve_customer(
        &mut self,
        identities: &[Identity],
        name: Option<&str>,
    ) -> Result<ResolvedCustomer, StoreError> {
        let Some(fallback) = fallback_name(identities) else {
            return Err(StoreError::Unstorable("a contact without any identity".to_owned()));
        };
        let known = self.known(identities).await?;
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let (before, created) = match known.iter().map(|row| row.customer_id).min() {
            Some(id) => (self.need_customer(id).await?, false),
            None => (self.create_customer(name.unwrap_or(&fallback)).await?, true),
        };
        self.learn(before.id, identities, &known).await?;
        let mut after = before.clone();
        if let Some(name) = name
            && !before.named
        {
            name.clone_into(&mut after.name);
        }
        if let Some(phone) = newest_phone(before.id, identities, &known) {
            after.phone = Some(phone);
        }
        let changed = after != before;
        if changed {
            after = self.save_customer(after, &before).await?;
        }
        Ok(ResolvedCustomer {
            customer: read(after)?,
            created,
            changed: changed && !created,
        })
    }

    /// Adds names by which WhatsApp knows a customer; one that belongs to somebody else stays where it is.
    pub async fn add_identities(&mut self, id: CustomerId, identities: &[Identity]) -> Result<(), StoreError> {
        let known = self.known(identities).await?;
        let before = self.need_customer(id).await?;
        self.learn(id, identities, &known).await?;
        let phone = newest_phone(id, identities, &known);
        if phone.is_some() && phone != before.phone {
            let after = customer::Model {
                phone,
                ..before.clone()
            };
            self.save_customer(after, &before).await?;
        }
        Ok(())
    }

    /// Changes a customer; `None` when that changes nothing.
    pub async fn update_customer(
        &mut self,
        id: CustomerId,
        change: &CustomerChange,
    ) -> Result<Option<Customer>, StoreError> {
        let before = self.need_customer(id).await?;
        let mut after = before.clone();
        let CustomerChange {
            name,
            status,
            photo_url,
            attributes,
        } = change;
        if let Some(name) = name {
            after.name.clone_from(name);
            after.named = true;
        }
        if let Some(status) = status {
            after.status.clone_from(status);
        }
        if let Some(photo_url) = photo_url {
            after.photo_url.clone_from(photo_url);
        }
        if let Some(attributes) = attributes {
            after.attributes = to_json(attributes)?;
        }
        if after == before {
            return Ok(None);
        }
        self.save_customer(after, &before).await.and_then(read).map(Some)
    }

    async fn known(&mut self, identities: &[Identity]) -> Result<Vec<customer_identity::Model>, StoreError> {
        if identities.is_empty() {
            return Ok(Vec::new());
        }
        let any = identities.iter().fold(Condition::any(), |any, identity| {
            any.add(
                customer_identity::Column::Kind
                    .eq(identity.kind.as_str())
                    .and(customer_identity::Column::Value.eq(identity.value.as_str())),
            )
        });
        Ok(customer_identity::Entity::find().filter(any).all(&self.session).await?)
    }

    async fn create_customer(&mut self, name: &str) -> Result<customer::Model, StoreError> {
        let mut row = customer::Model {
            id: CustomerId(0),
            name: name.to_owned(),
            named: false,
            phone: None,
            status: DEFAULT_STATUS.to_owned(),
            photo_url: None,
            unread_count: 0,
            attributes: "{}".to_owned(),
            search: search_text(name, None),
            opted_out_at: None,
            opted_out_by: None,
            opted_in_at: None,
            created_at: self.now.0,
            updated_at: self.now.0,
        };
        let mut new = row.clone().into_active_model();
        new.id = NotSet;
        row.id = customer::Entity::insert(new).exec(&self.session).await?.last_insert_id;
        Ok(row)
    }

    /// Adds the identities that nobody has yet, and dates the others anew.
    async fn learn(
        &mut self,
        id: CustomerId,
        told: &[Identity],
        known: &[customer_identity::Model],
    ) -> Result<(), StoreError> {
        for (i, identity) in told.iter().enumerate() {
            match known.iter().find(|row| is(row, identity)) {
                None if told[..i].contains(identity) => {}
                None => self.add_identity(id, identity).await?,
                Some(row) => self.see_identity(row).await?,
            }
        }
        Ok(())
    }

    async fn add_identity(&mut self, customer: CustomerId, identity: &Identity) -> Result<(), StoreError> {
        let row = customer_identity::ActiveModel {
            id: NotSet,
            customer_id: Set(customer),
            kind: Set(identity.kind.to_string()),
            value: Set(identity.value.clone()),
            first_seen: Set(self.now.0),
            last_seen: Set(self.now.0),
        };
        customer_identity::Entity::insert(row).exec(&self.session).await?;
        Ok(())
    }

    /// Dates an identity anew, once a day.
    async fn see_identity(&mut self, row: &customer_identity::Model) -> Result<(), StoreError> {
        if self.now.since(Timestamp(row.last_seen)) < SEEN_EVERY {
            return Ok(());
        }
        customer_identity::Entity::update_many()
            .col_expr(customer_identity::Column::LastSeen, Expr::value(self.now.0))
            .filter(customer_identity::Column::Id.eq(row.id))
            .exec(&self.session)
            .await?;
        Ok(())
    }

    /// Writes a changed customer, and its new name into its direct conversations.
    pub(super) async fn save_customer(
        &mut self,
        mut row: customer::Model,
        before: &customer::Model,
    ) -> Result<customer::Model, StoreError> {
        row.updated_at = self.now.0;
        row.search = search_text(&row.name, row.phone.as_deref());
        let change = row.clone().into_active_model().reset_all();
        customer::Entity::update_many()
            .set(change)
            .filter(customer::Column::Id.eq(row.id))
            .exec(&self.session)
            .await?;
        if row.name != before.name {
            self.rename_conversations(row.id, &row.name).await?;
        }
        Ok(row)
    }

    pub(super) async fn need_customer(&mut self, id: CustomerId) -> Result<customer::Model, StoreError> {
        let row = customer::Entity::find_by_id(id).one(&self.session).await?;
        row.ok_or(StoreError::Missing { what: "customer" })
    }
}

async fn find(database: &impl ConnectionTrait, id: CustomerId) -> Result<Option<Customer>, StoreError> {
    let row = customer::Entity::find_by_id(id).one(database).await?;
    row.map(read).transpose()
}

async fn by_identity(database: &impl ConnectionTrait, identity: &Identity) -> Result<Option<Customer>, StoreError> {
    let row = customer_identity::Entity::find()
        .filter(customer_identity::Column::Kind.eq(identity.kind.as_str()))
        .filter(customer_identity::Column::Value.eq(identity.value.as_str()))
        .one(database)
        .await?;
    match row {
        Some(row) => find(database, row.customer_id).await,
        None => Ok(None),
    }
}

/// The last phone number of these that is the customer's own. One that belongs to another customer stays theirs; one that is no
/// international number (a service's short code) is an identity, and no number to show.
fn newest_phone(id: CustomerId, told: &[Identity], known: &[customer_identity::Model]) -> Option<String> {
    told.iter()
        .rev()
        .filter(|identity| identity.kind == IdentityKind::Phone)
        .filter(|identity| known.iter().all(|row| row.customer_id == id || !is(row, identity)))
        .find_map(|identity| identity.value.parse::<PhoneNumber>().ok())
        .map(String::from)
}

fn is(row: &customer_identity::Model, identity: &Identity) -> bool {
    row.kind == identity.kind.as_str() && row.value == identity.value
}

/// What a customer is called as long as WhatsApp tells no name; none without any identity.
fn fallback_name(identities: &[Identity]) -> Option<String> {
    let of = |kind| identities.iter().find(|identity| identity.kind == kind);
    if let Some(phone) = of(IdentityKind::Phone) {
        return Some(phone.value.clone());
    }
    if let Some(username) = of(IdentityKind::Username) {
        return Some(format!("@{}", username.value));
    }
    of(IdentityKind::Lid).map(|lid| format!("WhatsApp {}", lid.value))
}

/// Lower case by Unicode's rules, which the databases' own do not all follow.
fn search_text(name: &str, phone: Option<&str>) -> String {
    format!("{}\n{}", name.to_lowercase(), phone.unwrap_or_default())
}

/// `%` and `_` in what is searched for mean themselves.
fn containing(search: &str) -> LikeExpr {
    let mut pattern = String::from("%");
    for c in search.to_lowercase().chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    LikeExpr::new(pattern).escape(ESCAPE)
}

pub(super) fn read(row: customer::Model) -> Result<Customer, StoreError> {
    Ok(Customer {
        id: row.id,
        name: row.name,
        phone: row.phone.map(|phone| word("customers", &phone)).transpose()?,
        status: row.status,
        photo_url: row.photo_url,
        unread_count: row.unread_count,
        attributes: from_json("customers", &row.attributes)?,
        opted_out_at: row.opted_out_at.map(Timestamp),
        opted_out_by: row.opted_out_by,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
    })
}
