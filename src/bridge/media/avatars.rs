//! Pictures of customers and groups: looked up when one is new and once in a while after, one at a time and slowly, as a person
//! would come across them. Whose turn it is stands in the database, so a crash costs a look and never a picture.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress, notice};
use crate::contract::Event;
use crate::domain::AccountId;
use crate::domain::media::MediaState;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{FetchError, Portrait, WhatsApp};
use crate::store::{DuePortrait, Face, Looked, NewMedia, StoreError, Tx, WorkFor};
use crate::vault::Kept;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(3);
/// The safety net behind the wake-ups.
const POLL: Duration = Duration::from_mins(1);
/// Who was last heard of longer ago is not looked up.
const ACTIVE: Duration = Duration::from_hours(30 * 24);
/// Until a look that failed is made again.
const AGAIN: Duration = Duration::from_hours(1);
/// The largest picture that is kept. WhatsApp's own have 640 pixels a side.
const MAX_BYTES: u64 = 512 << 10;
/// What browsers show as a picture, and nothing that could be more.
const PICTURES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// Looks up the pictures of one account's customers and groups.
pub struct Portraits {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
}

impl Portraits {
    pub fn new(core: Core, account: AccountId, port: Arc<dyn WhatsApp>) -> Self {
        Self { core, account, port }
    }
}

impl Worker for Portraits {
    const FINISHES_STEPS: bool = true;

    fn name(&self) -> &'static str {
        "looking up of profile pictures"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none()
            .and(self.core.store.wake_ups(WorkFor::Avatars(self.account)))
            .and(self.port.session())
    }

    /// Those who are looked up more often than once in a while are found when they are due.
    fn poll(&self) -> Duration {
        self.core
            .policy
            .media
            .portraits
            .map_or(POLL, |every| every.clamp(PAUSE, POLL))
    }

    /// Looks at whoever's turn it is.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let Some(every) = self.core.policy.media.portraits else {
            return Ok(Progress::Idle);
        };
        if self.port.session().borrow().state != SessionState::Ready {
            return Ok(Progress::Idle);
        }
        let now = self.core.clock.now();
        let store = &self.core.store;
        let Some(due) = store.avatars().due(self.account, now.minus(ACTIVE), now).await? else {
            return Ok(Progress::Idle);
        };
        let looked = |span| Looked {
            at: now,
            again: now.plus(span),
        };
        match self.look(&due).await {
            Ok(Shown::Same) => self.saw(&due, looked(every)).await?,
            Ok(Shown::Nothing) => self.keep(&due, None, looked(every)).await?,
            Ok(Shown::New { tag, kept }) => self.keep(&due, Some((tag, kept)), looked(every)).await?,
            // Not the picture's fault: whoever it is has their turn again.
            Err(FetchError::Unreachable(_)) => return Ok(Progress::Idle),
            Err(error) => {
                tracing::debug!(of = ?due.of, "a picture was not to be had: {error}");
                self.saw(&due, looked(every.min(AGAIN))).await?;
            }
        }
        Ok(Progress::Worked)
    }

    async fn between(&mut self, _last: Progress) {
        self.core.clock.sleep(PAUSE).await;
    }
}

impl Portraits {
    async fn look(&self, due: &DuePortrait) -> Result<Shown, FetchError> {
        let failed = |error: &dyn std::fmt::Display| FetchError::Failed(error.to_string());
        let mut incoming = self.core.vault.incoming(MAX_BYTES).map_err(|error| failed(&error))?;
        let portrait = self
            .port
            .portrait(&due.chat, due.tag.as_deref(), MAX_BYTES, &mut incoming)
            .await?;
        let tag = match portrait {
            Portrait::None => return Ok(Shown::Nothing),
            Portrait::Same => return Ok(Shown::Same),
            Portrait::New { tag } => tag,
        };
        let kept = self.core.vault.keep(incoming).await.map_err(|error| failed(&error))?;
        if !kept.sniffed.is_some_and(|sniffed| PICTURES.contains(&sniffed)) {
            return Err(FetchError::Failed("it is no picture that is known here".to_owned()));
        }
        Ok(Shown::New { tag, kept })
    }

    async fn saw(&self, due: &DuePortrait, looked: Looked) -> Result<(), StoreError> {
        self.core
            .write((due.of, looked), |tx, &(of, looked)| {
                async move { tx.avatars().mark_checked(of, looked).await }.boxed()
            })
            .await
    }

    async fn keep(&self, due: &DuePortrait, new: Option<(String, Kept)>, looked: Looked) -> Result<(), StoreError> {
        // `Kept` is held until the row is there: until then nobody else would keep the bytes.
        let (row, _kept) = new
            .map(|(tag, kept)| ((tag, describe(self.account, &kept)), kept))
            .unzip();
        let input = (Arc::clone(&self.core.policy), due.of, row, looked);
        self.core
            .write(input, |tx, (policy, of, row, looked)| {
                async move {
                    let shown = match row {
                        Some((tag, row)) => Some((tag.clone(), tx.media().insert(row).await?.id)),
                        None => None,
                    };
                    if tx.avatars().set(*of, shown, *looked).await? {
                        tell(tx, policy, *of).await?;
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

/// Tells everybody that somebody looks other than before.
async fn tell(tx: &mut Tx, policy: &Policy, of: Face) -> Result<(), StoreError> {
    match of {
        Face::Customer(id) => {
            if let Some(customer) = tx.customers().get(id).await? {
                tx.emit(Event::customer_updated(&customer));
            }
            Ok(())
        }
        Face::Group(conversation) => notice::announce(tx, policy, conversation).await,
    }
}

fn describe(account: AccountId, kept: &Kept) -> NewMedia {
    NewMedia {
        account: Some(account),
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
