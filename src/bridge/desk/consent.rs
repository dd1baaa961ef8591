//! Opt-outs and opt-ins that people here enter. A customer who has opted out gets no messages, and their queued
//! messages fail, until they or a person here opt them in again.

use futures_util::FutureExt;

use crate::bridge::core::consent::{opt_in, opt_out};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::domain::CustomerId;
use crate::domain::customer::Customer;

use super::customers::current;
use super::handle::Desk;

impl Desk {
    /// Opts a customer out and fails their queued messages. `by`: the person or program that asks. Succeeds if the
    /// customer had opted out already.
    pub async fn opt_out(&self, id: CustomerId, by: String) -> Result<Customer, Refusal> {
        self.core
            .write_with((id, by), |tx, core, (id, by)| {
                async move {
                    let (id, now) = (current(tx, *id).await?.id, tx.now());
                    opt_out(tx, &core.policy, id, now, by).await?;
                    tx.customers().get(id).await?.ok_or_else(|| not_found("customer", id))
                }
                .boxed()
            })
            .await
    }

    /// Ends an opt-out. Succeeds if there was none.
    pub async fn opt_in(&self, id: CustomerId) -> Result<Customer, Refusal> {
        self.core
            .write(id, |tx, &id| {
                async move {
                    let (id, now) = (current(tx, id).await?.id, tx.now());
                    opt_in(tx, id, now).await?;
                    tx.customers().get(id).await?.ok_or_else(|| not_found("customer", id))
                }
                .boxed()
            })
            .await
    }
}
