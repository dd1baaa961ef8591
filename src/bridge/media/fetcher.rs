//! Fetches what customers send: one worker an account. What is to be fetched stands in the database, so a crash costs a fetch
//! and never a medium; what came is kept only when its hash is the promised one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::bridge::core::lanes::{InHand, Pieces};
use crate::bridge::core::worker::Wakes;
use crate::domain::delivery::back_off;
use crate::domain::media::MediaState;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{FetchError, MediaKey, WhatsApp};
use crate::domain::{AccountId, MediaId, Timestamp};
use crate::store::{DueMedia, MediaChange, StoreError, WorkFor};
use crate::vault::{Incoming, VaultError};

use super::attach;

/// Media that are fetched at the same time: a voice note does not wait for a film.
const AT_ONCE: usize = 3;
/// Failures of a fetch before a medium counts as broken: some four minutes.
const MAX_FAILURES: u32 = 8;
/// How often what has expired is asked for again.
const MAX_ASKED: u32 = 3;
/// How often what came wrong is fetched.
const MAX_FLAWED: u32 = 2;
/// The pause after trouble of the account, and after trouble of the disk.
const PAUSE: Duration = Duration::from_secs(5);
/// The safety net behind the wake-ups.
const POLL: Duration = Duration::from_secs(1);

/// Works off one account's wanted media.
#[derive(Clone)]
pub struct Fetching {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
}

/// How a fetch ended.
enum End {
    /// Written down.
    Is(MediaChange),
    /// Again, later.
    Later { after: Duration, count: bool },
}

impl Fetching {
    pub fn new(core: Core, account: AccountId, port: Arc<dyn WhatsApp>) -> Self {
        Self { core, account, port }
    }
}

impl InHand<DueMedia> for Vec<MediaId> {
    fn take(&mut self, piece: &DueMedia) -> bool {
        self.push(piece.id);
        true
    }

    fn put_back(&mut self, piece: &DueMedia) {
        self.retain(|id| *id != piece.id);
    }
}

impl Pieces for Fetching {
    type Piece = DueMedia;
    type InHand = Vec<MediaId>;

    const AT_ONCE: usize = AT_ONCE;
    /// What is being fetched when the program stops is fetched anew.
    const FINISHES: bool = false;

    fn name(&self) -> &'static str {
        "fetching of media"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none()
            .and(self.core.store.wake_ups(WorkFor::Media(self.account)))
            .and(self.port.session())
    }

    fn poll(&self) -> Duration {
        POLL
    }

    async fn due(&self, in_hand: &Vec<MediaId>, limit: usize) -> Result<Vec<DueMedia>, StoreError> {
        if self.port.session().borrow().state != SessionState::Ready {
            return Ok(vec![]);
        }
        let (now, limit) = (self.core.clock.now(), limit as u64);
        self.core.store.media().due(self.account, now, limit, in_hand).await
    }

    async fn work(&self, due: &DueMedia) -> Result<(), StoreError> {
        let max = self.core.policy.media.max.largest();
        let mut incoming = match self.core.vault.incoming(max) {
            Ok(incoming) => incoming,
            Err(error) => return self.end(due, unkept(&error)).await,
        };
        let key = MediaKey {
            chat: due.chat.clone(),
            id: due.message.clone(),
            from_me: due.from_me,
        };
        match self.port.fetch_media(&key, max, &mut incoming).await {
            Ok(()) => self.check_and_keep(due, incoming).await,
            Err(error) => self.end(due, after(error, due.attempts)).await,
        }
    }
}

impl Fetching {
    async fn check_and_keep(&self, due: &DueMedia, incoming: Incoming) -> Result<(), StoreError> {
        if let Some(flaw) = flaw(due, &incoming) {
            return self.end(due, flawed(flaw, due.attempts)).await;
        }
        // Until its row is written the object is kept from being thrown away as nobody's.
        let kept = match self.core.vault.keep(incoming).await {
            Ok(kept) => kept,
            Err(error) => return self.end(due, unkept(&error)).await,
        };
        let stored = MediaChange::Stored {
            sha256: kept.sha256.clone(),
            size: kept.size,
            sniffed: kept.sniffed.map(str::to_owned),
        };
        self.end(due, End::Is(stored)).await
    }

    async fn end(&self, due: &DueMedia, end: End) -> Result<(), StoreError> {
        let id = due.id;
        let again = |after: Duration| -> Timestamp { self.core.clock.now().plus(after) };
        match end {
            End::Later { after, count } => {
                let at = again(after);
                self.core
                    .write((id, at, count), |tx, &(id, at, count)| {
                        async move { tx.media().retry(id, at, count).await }.boxed()
                    })
                    .await
            }
            End::Is(change) => {
                if let MediaChange::Lost { state, detail } = &change {
                    tracing::warn!(media = %id, %state, "a medium is not to be had: {detail}");
                }
                self.core
                    .write((id, change), |tx, (id, change)| {
                        async move { attach::change(tx, *id, change).await }.boxed()
                    })
                    .await
            }
        }
    }
}

/// What is wrong with what came, if anything is.
fn flaw(due: &DueMedia, incoming: &Incoming) -> Option<String> {
    let size = incoming.size();
    if size == 0 {
        return Some("it is empty".to_owned());
    }
    match (&due.promised_sha256, due.size) {
        (Some(promised), _) => {
            (*promised != incoming.sha256()).then(|| "its hash is not the one that WhatsApp promised".to_owned())
        }
        (None, Some(promised)) => {
            (promised != size).then(|| format!("{size} bytes came, and {promised} were promised"))
        }
        (None, None) => None,
    }
}

fn lost(state: MediaState, detail: String) -> End {
    End::Is(MediaChange::Lost { state, detail })
}

fn flawed(flaw: String, attempts: u32) -> End {
    if attempts + 1 >= MAX_FLAWED {
        return lost(MediaState::Broken, flaw);
    }
    End::Later {
        after: back_off(attempts),
        count: true,
    }
}

/// What a failed fetch means; `attempts`: how often it failed before.
fn after(error: FetchError, attempts: u32) -> End {
    let later = End::Later {
        after: back_off(attempts),
        count: true,
    };
    match error {
        FetchError::Unreachable(_) => End::Later {
            after: PAUSE,
            count: false,
        },
        FetchError::Expired(_) if attempts + 1 < MAX_ASKED => later,
        FetchError::Expired(why) => lost(
            MediaState::Expired,
            format!("WhatsApp does not have it any more ({why}); the phone may: open it there, then ask for it again"),
        ),
        FetchError::Failed(_) if attempts + 1 < MAX_FAILURES => later,
        FetchError::Failed(why) => lost(MediaState::Broken, format!("it could not be fetched: {why}")),
        FetchError::Sink(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            lost(MediaState::Refused, format!("{error} (CRM_MEDIA_MAX_SIZE)"))
        }
        FetchError::Sink(error) => unkept(&error.into()),
    }
}

/// Our own disk or bucket is in trouble: nothing is said against the medium.
fn unkept(error: &VaultError) -> End {
    tracing::error!("a medium could not be kept, trying again: {error}");
    End::Later {
        after: PAUSE,
        count: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::whatsapp::Unreachable;

    fn state(end: &End) -> Option<MediaState> {
        match end {
            End::Is(MediaChange::Lost { state, .. }) => Some(*state),
            _ => None,
        }
    }

    /// A failure ends after a few attempts; trouble of the account or of the disk counts as none.
    #[test]
    fn failed_fetch_is_retried_outage_is_not_counted() {
        let expired = || FetchError::Expired("410".into());
        assert_eq!(state(&after(expired(), 0)), None);
        assert_eq!(state(&after(expired(), MAX_ASKED - 1)), Some(MediaState::Expired));
        let failed = || FetchError::Failed("hash".into());
        assert_eq!(state(&after(failed(), MAX_FAILURES - 2)), None);
        assert_eq!(state(&after(failed(), MAX_FAILURES - 1)), Some(MediaState::Broken));
        assert_eq!(
            state(&flawed("it is empty".into(), MAX_FLAWED - 1)),
            Some(MediaState::Broken)
        );
        let away = FetchError::Unreachable(Unreachable("offline".into()));
        assert!(matches!(after(away, 100), End::Later { count: false, .. }));
        let full = FetchError::Sink(std::io::ErrorKind::StorageFull.into());
        assert!(matches!(after(full, 100), End::Later { count: false, .. }));
        let large = FetchError::Sink(std::io::ErrorKind::FileTooLarge.into());
        assert_eq!(state(&after(large, 0)), Some(MediaState::Refused));
    }
}
