//! Pictures that a person or program sets for customers. They go before what WhatsApp shows.

use futures_util::FutureExt;

use crate::bridge::core::people;
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::media::{AVATAR_TYPES, avatar_row};
use crate::domain::customer::{Customer, Identity};
use crate::domain::media::Sink as _;
use crate::domain::{AccountId, CustomerId};
use crate::store::{NewMedia, Tx};

use super::customers::current;
use super::handle::Desk;

impl Desk {
    /// Sets the picture of the customer with this identity, and returns the customer. `within`: accounts, one of which has
    /// a conversation with them; `None`: all. Refused if there is no such customer, the bytes are no picture, or there is too little
    /// space.
    pub async fn set_photo(
        &self,
        of: &Identity,
        within: Option<&[AccountId]>,
        bytes: &[u8],
    ) -> Result<Customer, Refusal> {
        let store = &self.core.store;
        let unknown = || {
            not_found(
                "customer",
                "with this number; they write first, then their picture can be set",
            )
        };
        let customer = store.customers().by_identity(of).await?.ok_or_else(unknown)?.id;
        if within.is_some()
            && store
                .conversations()
                .ids_of_customer(customer, within)
                .await?
                .is_empty()
        {
            return Err(unknown());
        }
        self.room().check()?;
        let mut incoming = self.core.vault.incoming(bytes.len() as u64)?;
        incoming.write(bytes).await.map_err(Self::write_error)?;
        let kept = self.core.vault.keep(incoming).await?;
        if !kept.sniffed.is_some_and(|sniffed| AVATAR_TYPES.contains(&sniffed)) {
            return Err(Refusal::NotAPicture);
        }
        let set = self
            .core
            .write((customer, avatar_row(None, &kept)), |tx, (customer, new)| {
                async move { set(tx, *customer, new).await }.boxed()
            })
            .await;
        // `Kept` protects the bytes from the sweep until the row refers to them.
        drop(kept);
        set
    }
}

async fn set(tx: &mut Tx, customer: CustomerId, new: &NewMedia) -> Result<Customer, Refusal> {
    // A merge may have come in between.
    let customer = current(tx, customer).await?;
    if let Some(before) = tx.avatars().given(customer.id).await?
        && let Some(before) = tx.media().get(before).await?
        && before.media.sha256 == new.sha256
    {
        return Ok(customer);
    }
    let media = tx.media().insert(new).await?;
    let changed = tx.avatars().give(customer.id, media.id).await?;
    people::tell_changed(tx, &changed).await?;
    Ok(changed)
}
