//! Who does not want to be written to, since when and by what word. A customer's wish counts for every account.

use crate::domain::customer::Customer;
use crate::domain::{CustomerId, Timestamp};
use crate::store::facet::OptOuts;

use crate::store::{StoreError, Tx, customers};

impl OptOuts<'_, Tx> {
    /// Notes that a customer opted out at a moment; gives the customer as they then are. `None` when that is no news: they
    /// had opted out later than that, or have since taken it back.
    pub async fn add(&self, id: CustomerId, at: Timestamp, by: &str) -> Result<Option<Customer>, StoreError> {
        let before = self.0.customers().need(id).await?;
        let is_old =
            before.opted_out_at.is_some_and(|out| out >= at.0) || before.opted_in_at.is_some_and(|back| back > at.0);
        if is_old {
            return Ok(None);
        }
        let mut after = before.clone();
        after.opted_out_at = Some(at.0);
        after.opted_out_by = Some(by.to_owned());
        self.0
            .customers()
            .save(after, &before)
            .await
            .and_then(customers::read)
            .map(Some)
    }

    /// Takes an opt-out back; `None` when there is none, or only a later one.
    pub async fn end(&self, id: CustomerId, at: Timestamp) -> Result<Option<Customer>, StoreError> {
        let before = self.0.customers().need(id).await?;
        if before.opted_out_at.is_none_or(|out| out > at.0) {
            return Ok(None);
        }
        let mut after = before.clone();
        after.opted_out_at = None;
        after.opted_out_by = None;
        after.opted_in_at = Some(at.0);
        self.0
            .customers()
            .save(after, &before)
            .await
            .and_then(customers::read)
            .map(Some)
    }
}
