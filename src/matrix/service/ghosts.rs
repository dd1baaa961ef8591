//! Ghosts: the users of customers. What is known of them is kept in a cache of bounded size, and in each one's own account
//! data on the homeserver.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use matrix_sdk::ruma::api::client::config::{get_global_account_data, set_global_account_data};
use matrix_sdk::ruma::api::client::profile::{delete_profile_field, set_profile_field};
use matrix_sdk::ruma::profile::{ProfileFieldName, ProfileFieldValue};
use matrix_sdk::ruma::{OwnedUserId, UserId};

use super::session::Session;
use crate::domain::CustomerId;
use crate::domain::matrix::Avatar;
use crate::domain::speaker::foreign;
use crate::matrix::rooms::{read_file, upload_request};
use crate::matrix::wire::{Fault, GhostProfile};

/// Greatest number of ghosts that are kept in memory, some 200 bytes each. When it is reached, all are forgotten: each that
/// speaks again costs one request.
const MAX_KNOWN: usize = 4096;
/// Longest name of a ghost, in characters.
const MAX_NAME_CHARS: usize = 100;
/// Number of locks that ghosts are spread over.
const SHARDS: usize = 16;

/// Knowledge about ghosts in this run.
pub(super) struct Ghosts {
    known: Mutex<HashMap<CustomerId, GhostProfile>>,
    /// Locks, chosen by the customer: a ghost is changed by one call at a time.
    changing: [tokio::sync::Mutex<()>; SHARDS],
}

impl Ghosts {
    /// Returns an empty cache.
    pub(super) fn new() -> Self {
        Self {
            known: Mutex::default(),
            changing: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
        }
    }

    /// Returns the customer's user, who exists and has this name.
    pub(super) async fn named(
        &self,
        session: &Session,
        customer: CustomerId,
        name: &str,
    ) -> Result<OwnedUserId, Fault> {
        let ghost = session.ghost(customer)?;
        let name: String = foreign(name).chars().take(MAX_NAME_CHARS).collect();
        if self.look(customer).is_some_and(|profile| profile.name == name) {
            return Ok(ghost);
        }
        let _exclusive = self.changing(customer).lock().await;
        let profile = self.profile(session, customer, &ghost).await?;
        if profile.name != name {
            let value = ProfileFieldValue::DisplayName(name.clone());
            let request = set_profile_field::v3::Request::new(ghost.clone(), value);
            session.acting_as(&ghost).send(request).await?;
            self.store(session, customer, &ghost, GhostProfile { name, ..profile })
                .await?;
        }
        Ok(ghost)
    }

    /// Returns whether the customer's user has another picture.
    pub(super) async fn wants_avatar(
        &self,
        session: &Session,
        customer: CustomerId,
        address: Option<&str>,
    ) -> Result<bool, Fault> {
        if let Some(profile) = self.look(customer) {
            return Ok(profile.avatar.as_deref() != address);
        }
        let _exclusive = self.changing(customer).lock().await;
        let ghost = session.ghost(customer)?;
        let profile = self.profile(session, customer, &ghost).await?;
        Ok(profile.avatar.as_deref() != address)
    }

    /// Gives the customer's user a picture, or none.
    pub(super) async fn set_avatar(
        &self,
        session: &Session,
        customer: CustomerId,
        avatar: Option<&Avatar>,
    ) -> Result<(), Fault> {
        let _exclusive = self.changing(customer).lock().await;
        let ghost = session.ghost(customer)?;
        let acting = session.acting_as(&ghost);
        let profile = self.profile(session, customer, &ghost).await?;
        if let Some(Avatar { path, mimetype, .. }) = avatar {
            let bytes = read_file(path, "of a customer's picture").await?;
            let uploaded = acting.send(upload_request(bytes, mimetype, None)).await?;
            let value = ProfileFieldValue::AvatarUrl(uploaded.content_uri);
            let request = set_profile_field::v3::Request::new(ghost.clone(), value);
            acting.send(request).await?;
        } else {
            let request = delete_profile_field::v3::Request::new(ghost.clone(), ProfileFieldName::AvatarUrl);
            acting.send(request).await?;
        }
        let avatar = avatar.map(|avatar| avatar.address.clone());
        self.store(session, customer, &ghost, GhostProfile { avatar, ..profile })
            .await
    }

    /// Forgets a ghost whom the homeserver does not know as we do; the next call looks.
    pub(super) fn forget(&self, customer: CustomerId) {
        self.known().remove(&customer);
    }

    /// Returns what we wrote into the ghost's profile. Makes the user if there is none yet.
    async fn profile(&self, session: &Session, customer: CustomerId, ghost: &UserId) -> Result<GhostProfile, Fault> {
        if let Some(profile) = self.look(customer) {
            return Ok(profile);
        }
        let request = get_global_account_data::v3::Request::new(ghost.to_owned(), GhostProfile::kind());
        let profile = match session.acting_as(ghost).send(request).await {
            Ok(found) => GhostProfile::read(&found.account_data),
            // There is no such user, no such device, or a crash came before the profile.
            Err(Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_) | Fault::LoggedOut(_)) => {
                session.make_user(ghost).await?;
                GhostProfile::default()
            }
            Err(fault) => return Err(fault),
        };
        self.remember(customer, profile.clone());
        Ok(profile)
    }

    /// Stores what was written into the profile.
    async fn store(
        &self,
        session: &Session,
        customer: CustomerId,
        ghost: &UserId,
        profile: GhostProfile,
    ) -> Result<(), Fault> {
        let content = profile.content()?;
        let request = set_global_account_data::v3::Request::new_raw(ghost.to_owned(), GhostProfile::kind(), content);
        session.acting_as(ghost).send(request).await?;
        self.remember(customer, profile);
        Ok(())
    }

    fn changing(&self, customer: CustomerId) -> &tokio::sync::Mutex<()> {
        let shard = usize::try_from(customer.0.unsigned_abs() % SHARDS as u64).unwrap_or(0);
        &self.changing[shard]
    }

    fn look(&self, customer: CustomerId) -> Option<GhostProfile> {
        self.known().get(&customer).cloned()
    }

    fn remember(&self, customer: CustomerId, profile: GhostProfile) {
        let mut known = self.known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(customer, profile);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<CustomerId, GhostProfile>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
