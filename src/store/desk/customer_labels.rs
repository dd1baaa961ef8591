//! Which customer has which label. A merge moves the labels of the one who ends; each keeps its home, to which undoing the
//! merge gives it back.

use std::collections::BTreeSet;

use entity::{customer, customer_label};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::customer::Customer;
use crate::domain::{CustomerId, LabelId};
use crate::store::customers::read;
use crate::store::database::row::to_json;
use crate::store::facet::Labels;
use crate::store::{StoreError, Tx};

use super::labels::names;

impl Labels<'_, Tx> {
    /// Puts a label on a customer. Returns the changed customer, or `None` if they have the label already.
    pub async fn put_on_customer(&self, id: CustomerId, label: LabelId) -> Result<Option<Customer>, StoreError> {
        if self.ids_of(id).await?.contains(&label) {
            return Ok(None);
        }
        let row = customer_label::ActiveModel {
            id: NotSet,
            customer_id: Set(id),
            home_id: Set(id),
            label_id: Set(label),
            created_at: Set(self.0.now.0),
        };
        customer_label::Entity::insert(row).exec(&self.0.session).await?;
        self.copy_to_customer(id).await.map(Some)
    }

    /// Takes a label off a customer, and off those who were merged into them. Returns the changed customer, or `None` if
    /// they do not have the label.
    pub async fn take_off_customer(&self, id: CustomerId, label: LabelId) -> Result<Option<Customer>, StoreError> {
        let deleted = customer_label::Entity::delete_many()
            .filter(customer_label::Column::CustomerId.eq(id))
            .filter(customer_label::Column::LabelId.eq(label))
            .exec(&self.0.session)
            .await?;
        if deleted.rows_affected == 0 {
            return Ok(None);
        }
        self.copy_to_customer(id).await.map(Some)
    }

    /// Returns customers who have a label, at most `limit`.
    pub async fn customers(&self, label: LabelId, limit: u64) -> Result<Vec<CustomerId>, StoreError> {
        let ids = customer_label::Entity::find()
            .select_only()
            .column(customer_label::Column::CustomerId)
            .distinct()
            .filter(customer_label::Column::LabelId.eq(label))
            .order_by_asc(customer_label::Column::CustomerId)
            .limit(limit)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        Ok(ids)
    }

    /// Gives the labels of a customer who ends to the one who goes on.
    pub(in crate::store) async fn merge(&self, from: CustomerId, to: CustomerId) -> Result<(), StoreError> {
        customer_label::Entity::update_many()
            .col_expr(customer_label::Column::CustomerId, Expr::value(to))
            .filter(customer_label::Column::CustomerId.eq(from))
            .exec(&self.0.session)
            .await?;
        self.copy_to_customer(from).await?;
        self.copy_to_customer(to).await.map(|_| ())
    }

    /// Gives a restored customer back the labels whose homes are `theirs`.
    pub(in crate::store) async fn part(
        &self,
        kept: CustomerId,
        restored: CustomerId,
        theirs: &BTreeSet<CustomerId>,
    ) -> Result<(), StoreError> {
        customer_label::Entity::update_many()
            .col_expr(customer_label::Column::CustomerId, Expr::value(restored))
            .filter(customer_label::Column::CustomerId.eq(kept))
            .filter(customer_label::Column::HomeId.is_in(theirs.iter().copied()))
            .exec(&self.0.session)
            .await?;
        self.copy_to_customer(kept).await?;
        self.copy_to_customer(restored).await.map(|_| ())
    }

    async fn ids_of(&self, id: CustomerId) -> Result<Vec<LabelId>, StoreError> {
        let ids = customer_label::Entity::find()
            .select_only()
            .column(customer_label::Column::LabelId)
            .filter(customer_label::Column::CustomerId.eq(id))
            .into_tuple()
            .all(&self.0.session)
            .await?;
        Ok(ids)
    }

    /// Copies the names of a customer's labels into their row, where lists read them.
    async fn copy_to_customer(&self, id: CustomerId) -> Result<Customer, StoreError> {
        let names = names(&self.0.session, self.ids_of(id).await?).await?;
        let change = customer::ActiveModel {
            labels: Set(match names.as_slice() {
                [] => None,
                names => Some(to_json(&names)?),
            }),
            ..customer::ActiveModel::default()
        };
        self.0.customers().change(id, change).await?;
        self.0.customers().need(id).await.and_then(read)
    }
}
