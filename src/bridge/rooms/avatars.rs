//! Pictures of customers in Matrix: their own user's, and their room's.

use futures_util::FutureExt;

use crate::domain::matrix::Avatar;
use crate::domain::media::MediaState;
use crate::domain::{ConversationId, CustomerId, MatrixRoomId, media};
use crate::store::StoreError;

use super::relay::RoomRelay;

impl RoomRelay {
    /// Shows a customer's present picture, of this address, beside what they write. A failure delays no message: the next one
    /// tries again. A picture on another server is not fetched.
    pub(super) async fn show_avatar(&self, customer: CustomerId, address: Option<&str>) -> Result<(), StoreError> {
        match self.port.wants_avatar(customer, address).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                tracing::debug!(%customer, "the picture cannot be shown now: {error}");
                return Ok(());
            }
        }
        let avatar = match address {
            Some(address) => match self.avatar(customer, address).await? {
                Some(avatar) => Some(avatar),
                None => return Ok(()),
            },
            None => None,
        };
        if let Err(error) = self.port.set_avatar(customer, avatar.as_ref()).await {
            tracing::warn!(%customer, "the picture cannot be shown in rooms: {error}; trying again with the next message");
        }
        Ok(())
    }

    /// Gives a room its customer's present picture, or takes it away, where customers have users of their own. (Elsewhere it
    /// would lie unencrypted on somebody else's server.) A failure delays nothing: the next change tries again.
    pub(super) async fn show_room_avatar(&self, room: &MatrixRoomId, id: ConversationId) -> Result<(), StoreError> {
        let (store, Some(own)) = (&self.core.store, self.port.own_homeserver()) else {
            return Ok(());
        };
        let conversation = store.conversations().get(id).await?;
        let customer = match conversation.and_then(|conversation| conversation.customer_id) {
            Some(id) => store.customers().get(id).await?,
            None => None,
        };
        let Some(customer) = customer else { return Ok(()) };
        let address = customer.photo_url;
        if store.rooms().avatar(room).await? == address {
            return Ok(());
        }
        self.show_avatar(customer.id, address.as_deref()).await?;
        let avatar = match &address {
            Some(address) => match self.avatar(customer.id, address).await? {
                Some(avatar) => Some(avatar),
                None => return Ok(()),
            },
            None => None,
        };
        if let Err(error) = own.set_room_avatar(room, avatar.as_ref()).await {
            tracing::warn!(%room, "the room cannot be given its customer's picture: {error}; trying again with the next change");
            return Ok(());
        }
        self.core
            .write((room.clone(), address), |tx, (room, address)| {
                async move { tx.rooms().set_avatar(room, address.as_deref()).await }.boxed()
            })
            .await
    }

    /// Returns the customer's picture, if it is here.
    async fn avatar(&self, customer: CustomerId, address: &str) -> Result<Option<Avatar>, StoreError> {
        let store = &self.core.store;
        let Some(medium) = store
            .avatars()
            .of(customer)
            .await?
            .filter(|id| media::url(*id) == address)
        else {
            return Ok(None);
        };
        let stored = store.media().get(medium).await?;
        let stored = stored.filter(|stored| stored.media.state == MediaState::Stored);
        let Some(stored) = stored else { return Ok(None) };
        let Some(sha256) = &stored.media.sha256 else {
            return Ok(None);
        };
        match self.core.vault.file(sha256).await {
            Ok(path) => Ok(Some(Avatar {
                address: address.to_owned(),
                path,
                mimetype: stored.sniffed.unwrap_or(stored.media.mimetype),
            })),
            Err(error) => {
                tracing::warn!(%customer, "the picture cannot be read: {error}");
                Ok(None)
            }
        }
    }
}
