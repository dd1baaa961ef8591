//! Avatars of customers and groups: looked up when one is new and from time to time after that, one at a time and
//! slowly, as a person would see them. The due times are in the database, so a crash repeats one look-up and loses no
//! avatar.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress, notice, people};
use crate::domain::AccountId;
use crate::domain::media::MediaState;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{AvatarLookup, FetchError, WhatsApp};
use crate::store::{AvatarOwner, AvatarTimes, DueAvatar, NewMedia, StoreError, Tx, WorkFor};
use crate::vault::Kept;

use super::room::Room;

/// Pause between two look-ups.
const PAUSE: Duration = Duration::from_secs(3);
/// How long the worker waits for a wake-up before it looks anyway.
const POLL: Duration = Duration::from_mins(1);
/// Time since the last message after which a customer's or group's avatar is not looked up any more.
const ACTIVE: Duration = Duration::from_hours(30 * 24);
/// Pause before a failed look-up is repeated.
const AGAIN: Duration = Duration::from_hours(1);
/// Upper bound of an avatar, in bytes. WhatsApp's have 640 pixels a side.
pub const MAX_AVATAR_BYTES: u64 = 512 << 10;
/// Accepted image types: those that browsers show and that cannot contain scripts.
pub(crate) const AVATAR_TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// Worker that looks up the avatars of one account's customers and groups.
pub struct AvatarFetcher {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
}

impl AvatarFetcher {
    /// Builds the worker of `account`; `port` is the account's connection to WhatsApp.
    pub fn new(core: Core, account: AccountId, port: Arc<dyn WhatsApp>) -> Self {
        Self { core, account, port }
    }
}

impl Worker for AvatarFetcher {
    const FINISHES_STEPS: bool = true;

    fn name(&self) -> &'static str {
        "look-up of avatars"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none()
            .and(self.core.store.wake_ups(WorkFor::Avatars(self.account)))
            .and(self.port.session())
    }

    /// Returns `POLL`, or less if avatars are looked up more often than that.
    fn poll(&self) -> Duration {
        self.core
            .policy
            .media
            .avatars
            .map_or(POLL, |every| every.clamp(PAUSE, POLL))
    }

    /// Looks up the avatar that is due, if the account is ready.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let Some(every) = self.core.policy.media.avatars else {
            return Ok(Progress::Idle);
        };
        if self.port.session().borrow().state != SessionState::Ready {
            return Ok(Progress::Idle);
        }
        if Room::now(&self.core).is_short() {
            return Ok(Progress::Idle);
        }
        let now = self.core.clock.now();
        let store = &self.core.store;
        let Some(due) = store.avatars().due(self.account, now.minus(ACTIVE), now).await? else {
            return Ok(Progress::Idle);
        };
        let looked = |span| AvatarTimes {
            at: now,
            again: now.plus(span),
        };
        match self.look(&due).await {
            Ok(Shown::Same) => self.saw(&due, looked(every)).await?,
            Ok(Shown::Nothing) => self.keep(&due, None, looked(every)).await?,
            Ok(Shown::New { tag, kept }) => self.keep(&due, Some((tag, kept)), looked(every)).await?,
            // The page is away, which says nothing about the avatar: it stays due.
            Err(FetchError::Unreachable(_)) => return Ok(Progress::Idle),
            Err(error) => {
                tracing::debug!(of = ?due.of, "an avatar could not be fetched: {error}");
                self.saw(&due, looked(every.min(AGAIN))).await?;
            }
        }
        Ok(Progress::Worked)
    }

    async fn between(&mut self, _last: Progress) {
        self.core.clock.sleep(PAUSE).await;
    }
}

impl AvatarFetcher {
    async fn look(&self, due: &DueAvatar) -> Result<Shown, FetchError> {
        let failed = |error: &dyn std::fmt::Display| FetchError::Failed(error.to_string());
        let mut incoming = self
            .core
            .vault
            .incoming(MAX_AVATAR_BYTES)
            .map_err(|error| failed(&error))?;
        let avatar = self
            .port
            .avatar(&due.chat, due.tag.as_deref(), MAX_AVATAR_BYTES, &mut incoming)
            .await?;
        let tag = match avatar {
            AvatarLookup::None => return Ok(Shown::Nothing),
            AvatarLookup::Same => return Ok(Shown::Same),
            AvatarLookup::New { tag } => tag,
        };
        let kept = self.core.vault.keep(incoming).await.map_err(|error| failed(&error))?;
        if !kept.sniffed.is_some_and(|sniffed| AVATAR_TYPES.contains(&sniffed)) {
            return Err(FetchError::Failed("it is not a JPEG, PNG or WebP image".to_owned()));
        }
        Ok(Shown::New { tag, kept })
    }

    async fn saw(&self, due: &DueAvatar, looked: AvatarTimes) -> Result<(), StoreError> {
        self.core
            .write((due.of, looked), |tx, &(of, looked)| {
                async move { tx.avatars().mark_checked(of, looked).await }.boxed()
            })
            .await
    }

    async fn keep(&self, due: &DueAvatar, new: Option<(String, Kept)>, looked: AvatarTimes) -> Result<(), StoreError> {
        // `Kept` protects the bytes from the sweep until the row refers to them.
        let (row, _kept) = new
            .map(|(tag, kept)| ((tag, avatar_row(Some(self.account), &kept)), kept))
            .unzip();
        let input = (due.of, row, looked);
        self.core
            .write_with(input, |tx, core, (of, row, looked)| {
                async move {
                    let shown = match row {
                        Some((tag, row)) => Some((tag.clone(), tx.media().insert(row).await?.id)),
                        None => None,
                    };
                    if tx.avatars().set(*of, shown, *looked).await? {
                        tell(tx, &core.policy, *of).await?;
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await
    }
}

enum Shown {
    Nothing,
    Same,
    New { tag: String, kept: Kept },
}

/// Emits that the avatar of a customer or group has changed.
async fn tell(tx: &mut Tx, policy: &Policy, of: AvatarOwner) -> Result<(), StoreError> {
    match of {
        AvatarOwner::Customer(id) => {
            if let Some(customer) = tx.customers().get(id).await? {
                Box::pin(people::tell_changed(tx, &customer)).await?;
            }
            Ok(())
        }
        AvatarOwner::Group(conversation) => notice::announce(tx, policy, conversation).await,
    }
}

/// Returns the row of a picture in the vault. `account`: the one that WhatsApp showed it to.
pub(crate) fn avatar_row(account: Option<AccountId>, kept: &Kept) -> NewMedia {
    NewMedia {
        account,
        state: MediaState::Stored,
        wanted: false,
        mimetype: kept.sniffed.unwrap_or_default().to_owned(),
        sniffed: kept.sniffed.map(str::to_owned),
        size: Some(kept.size),
        sha256: Some(kept.sha256.clone()),
        promised_sha256: None,
        filename: None,
        detail: None,
    }
}
