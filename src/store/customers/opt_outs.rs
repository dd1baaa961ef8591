//! Opt-outs: which customers do not want to be written to, since when, and on whose word. An opt-out counts for all
//! accounts.

use crate::domain::customer::Customer;
use crate::domain::{CustomerId, Timestamp};
use crate::store::facet::OptOuts;

use crate::store::{StoreError, Tx, customers};

impl OptOuts<'_, Tx> {
    /// Records that a customer opted out at `at`, and returns the changed customer. Returns `None` if it is out of
    /// date: a later opt-out is stored, or the customer has opted in since.
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

    /// Ends an opt-out at `at` and returns the changed customer. Returns `None` if there is none, or only a later one.
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
