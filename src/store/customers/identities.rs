//! The ledger of identities: which customer has an identity, since when, from which source, and who had it before.

use std::time::Duration;

use entity::customer_identity;
use entity::customer_identity::Model;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, Select};

use crate::domain::customer::{DatedIdentity, Identity, IdentityKind, IdentitySource, PhoneNumber};
use crate::domain::{CustomerId, Timestamp};
use crate::store::database::row::word;
use crate::store::facet::{Database, Identities};
use crate::store::{Store, StoreError, Tx};

/// Precision of the time at which an identity was last seen. An identity that comes back sooner than this is continued.
const SEEN_EVERY: Duration = Duration::from_hours(24);
/// Source of an identity that a person set and WhatsApp has told as well. Before that, a LID that WhatsApp tells with
/// it is the customer's; afterwards a number that comes with another LID has passed to another person.
const CONFIRMED: &str = "confirmed";
/// Value of `closed` in an identity that is current.
const OPEN: i64 = 0;

impl Identities<'_, Store> {
    /// Returns the current identities of a customer, oldest first.
    pub async fn of_customer(&self, id: CustomerId) -> Result<Vec<Identity>, StoreError> {
        let rows = customer_identity::Entity::find()
            .filter(customer_identity::Column::CustomerId.eq(id))
            .filter(customer_identity::Column::Closed.eq(OPEN))
            .order_by_asc(customer_identity::Column::Id)
            .all(self.0.readers())
            .await?;
        rows.iter().map(read).collect()
    }
}

impl<D: Database> Identities<'_, D> {
    /// Returns all identities of a customer with their dates, also the past ones.
    pub async fn dated(&self, id: CustomerId) -> Result<Vec<DatedIdentity>, StoreError> {
        let rows = customer_identity::Entity::find()
            .filter(customer_identity::Column::CustomerId.eq(id))
            .order_by_asc(customer_identity::Column::Id)
            .all(self.0.connection())
            .await?;
        rows.iter().map(dated).collect()
    }
}

impl Identities<'_, Tx> {
    /// Returns the current rows of these identities.
    pub(in crate::store) async fn known(&self, told: &[Identity]) -> Result<Vec<Model>, StoreError> {
        Ok(holding(told).all(&self.0.session).await?)
    }

    /// Returns the current identities of these customers, oldest first.
    pub(super) async fn held_by(&self, customers: &[CustomerId]) -> Result<Vec<Model>, StoreError> {
        let rows = customer_identity::Entity::find()
            .filter(customer_identity::Column::CustomerId.is_in(customers.iter().copied()))
            .filter(customer_identity::Column::Closed.eq(OPEN))
            .order_by_asc(customer_identity::Column::Id)
            .all(&self.0.session)
            .await?;
        Ok(rows)
    }

    /// Adds an identity that nobody has to a customer. `home` is the customer to whom it belongs if a merge is undone.
    pub(super) async fn add(
        &self,
        customer: CustomerId,
        home: CustomerId,
        identity: &Identity,
        source: IdentitySource,
    ) -> Result<(), StoreError> {
        let since = self.0.now.minus(SEEN_EVERY);
        let lately = self
            .last_held(customer, identity)
            .await?
            .filter(|row| row.last_seen > since.0);
        if let Some(row) = lately {
            self.set_source(&row, source).await?;
            return self.set_end(&row, OPEN).await;
        }
        let row = customer_identity::ActiveModel {
            id: NotSet,
            customer_id: Set(customer),
            kind: Set(identity.kind.to_string()),
            value: Set(identity.value.clone()),
            first_seen: Set(self.0.now.0),
            last_seen: Set(self.0.now.0),
            home_id: Set(Some(home).filter(|home| *home != customer)),
            source: Set(Some(source.to_string())),
            closed: Set(OPEN),
        };
        customer_identity::Entity::insert(row).exec(&self.0.session).await?;
        Ok(())
    }

    /// Returns the row of the last time that this customer had the identity and lost it.
    pub(super) async fn last_held(
        &self,
        customer: CustomerId,
        identity: &Identity,
    ) -> Result<Option<Model>, StoreError> {
        let row = customer_identity::Entity::find()
            .filter(customer_identity::Column::CustomerId.eq(customer))
            .filter(of(identity))
            .filter(customer_identity::Column::Closed.ne(OPEN))
            .order_by_desc(customer_identity::Column::Id)
            .one(&self.0.session)
            .await?;
        Ok(row)
    }

    /// Ends an identity: it passed to another customer, or was given up.
    pub(super) async fn end(&self, row: &Model) -> Result<(), StoreError> {
        self.set_end(row, row.id).await
    }

    async fn set_end(&self, row: &Model, closed: i64) -> Result<(), StoreError> {
        customer_identity::Entity::update_many()
            .col_expr(customer_identity::Column::Closed, Expr::value(closed))
            .col_expr(customer_identity::Column::LastSeen, Expr::value(self.0.now.0))
            .filter(customer_identity::Column::Id.eq(row.id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Sets the source of an identity.
    pub(super) async fn set_source(&self, row: &Model, source: IdentitySource) -> Result<(), StoreError> {
        customer_identity::Entity::update_many()
            .col_expr(customer_identity::Column::Source, Expr::value(source.as_str()))
            .filter(customer_identity::Column::Id.eq(row.id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Records that WhatsApp has told an identity that a person set.
    pub(super) async fn confirm(&self, row: &Model) -> Result<(), StoreError> {
        customer_identity::Entity::update_many()
            .col_expr(customer_identity::Column::Source, Expr::value(CONFIRMED))
            .filter(customer_identity::Column::Id.eq(row.id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Updates the time at which an identity was last seen, at most once a day.
    pub(super) async fn mark_seen(&self, row: &Model) -> Result<(), StoreError> {
        if self.0.now.since(Timestamp(row.last_seen)) < SEEN_EVERY {
            return Ok(());
        }
        customer_identity::Entity::update_many()
            .col_expr(customer_identity::Column::LastSeen, Expr::value(self.0.now.0))
            .filter(customer_identity::Column::Id.eq(row.id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Returns the id of the newest identity of all, or 0.
    pub(in crate::store) async fn newest(&self) -> Result<i64, StoreError> {
        let newest = customer_identity::Entity::find()
            .order_by_desc(customer_identity::Column::Id)
            .one(&self.0.session)
            .await?;
        Ok(newest.map_or(0, |row| row.id))
    }
}

/// Selects the current rows of these identities.
pub(super) fn holding(told: &[Identity]) -> Select<customer_identity::Entity> {
    let any = told
        .iter()
        .fold(Condition::any(), |any, identity| any.add(of(identity)));
    customer_identity::Entity::find()
        .filter(any)
        .filter(customer_identity::Column::Closed.eq(OPEN))
}

fn of(identity: &Identity) -> Condition {
    Condition::all()
        .add(customer_identity::Column::Kind.eq(identity.kind.as_str()))
        .add(customer_identity::Column::Value.eq(identity.value.as_str()))
}

pub(super) fn is(row: &Model, identity: &Identity) -> bool {
    row.kind == identity.kind.as_str() && row.value == identity.value
}

/// Returns whether a person set the identity.
pub(super) fn is_set(row: &Model) -> bool {
    awaits_word(row) || row.source.as_deref() == Some(CONFIRMED)
}

/// Returns whether a person set the identity and WhatsApp has not told it yet.
pub(super) fn awaits_word(row: &Model) -> bool {
    row.source.as_deref() == Some(IdentitySource::Set.as_str())
}

/// Returns the customer to whom the row belongs if no merge is counted.
pub(super) fn home(row: &Model) -> CustomerId {
    row.home_id.unwrap_or(row.customer_id)
}

pub(super) fn is_of_kind(row: &Model, kind: IdentityKind) -> bool {
    row.kind == kind.as_str()
}

/// Returns the phone number to show. A service's short code is an identity but not an international number: returns
/// `None`.
pub(super) fn phone(row: &Model) -> Option<PhoneNumber> {
    let is_phone = is_of_kind(row, IdentityKind::Phone);
    is_phone.then(|| row.value.parse().ok()).flatten()
}

pub(super) fn read(row: &Model) -> Result<Identity, StoreError> {
    Ok(Identity {
        kind: word("customer_identities", &row.kind)?,
        value: row.value.clone(),
    })
}

fn dated(row: &Model) -> Result<DatedIdentity, StoreError> {
    Ok(DatedIdentity {
        identity: read(row)?,
        source: match row.source.as_deref() {
            Some(CONFIRMED) => Some(IdentitySource::Set),
            source => source.map(|source| word("customer_identities", source)).transpose()?,
        },
        first_seen: Timestamp(row.first_seen),
        last_seen: Timestamp(row.last_seen),
        current: row.closed == OPEN,
        merged_customer_id: row.home_id.filter(|home| *home != row.customer_id),
    })
}
