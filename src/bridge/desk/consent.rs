//! Keeps and obeys what customers say about being written to. Who opts out is sent nothing more, and what waited for them is
//! taken back; until they, or a person here, say otherwise.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::bridge::core::consent::{opt_in, opt_out};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::domain::CustomerId;
use crate::domain::customer::Customer;

use super::handle::Desk;

impl Desk {
    /// Notes that a customer does not want to be written to. `by`: who says so.
    pub async fn opt_out(&self, id: CustomerId, by: String) -> Result<Customer, Refusal> {
        self.core
            .write((Arc::clone(&self.core.policy), id, by), |tx, (policy, id, by)| {
                async move {
                    let now = tx.now();
                    opt_out(tx, policy, *id, now, by).await?;
                    tx.customers().get(*id).await?.ok_or_else(|| not_found("customer", *id))
                }
                .boxed()
            })
            .await
    }

    /// Takes an opt-out back.
    pub async fn opt_in(&self, id: CustomerId) -> Result<Customer, Refusal> {
        self.core
            .write(id, |tx, &id| {
                async move {
                    let now = tx.now();
                    opt_in(tx, id, now).await?;
                    tx.customers().get(id).await?.ok_or_else(|| not_found("customer", id))
                }
                .boxed()
            })
            .await
    }
}
