//! Fetches the media of messages from WhatsApp: one worker per account. The wanted media are in the database, so a
//! crash repeats a fetch and loses no medium. Bytes are kept only if their hash is the one that WhatsApp has announced.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::bridge::core::lanes::{InHand, Pieces};
use crate::bridge::core::worker::Wakes;
use crate::domain::delivery::back_off;
use crate::domain::media::MediaState;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{FetchError, MessageRef, WhatsApp};
use crate::domain::{AccountId, MediaId};
use crate::store::{DueMedia, MediaChange, StoreError, WorkFor};
use crate::vault::{Incoming, VaultError};

use super::attach;
use super::room::Room;
use super::vault_pause::VaultPause;

/// Upper bound of concurrent fetches, so that a voice note does not wait for a film.
const AT_ONCE: usize = 3;
/// Failures of a fetch before a medium counts as broken: about four minutes.
const MAX_FAILURES: u32 = 8;
/// Attempts to fetch an expired medium.
const MAX_ASKED: u32 = 3;
/// Attempts to fetch a medium whose bytes are wrong.
const MAX_FLAWED: u32 = 2;
/// Pause after a failure of the account.
const PAUSE: Duration = Duration::from_secs(5);
/// How long the worker waits for a wake-up before it looks anyway.
const POLL: Duration = Duration::from_secs(5);

/// Worker that fetches the wanted media of one account.
#[derive(Clone)]
pub struct MediaFetcher {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
    /// Pause while the vault fails.
    pause: VaultPause,
}

/// Outcome of a fetch.
enum End {
    /// Final: stored in the medium's row.
    Is(MediaChange),
    /// To be repeated after a pause; `count`: it counts as a failure of the medium.
    Later { after: Duration, count: bool },
    /// Our own disk or bucket has failed: to be repeated once it works, which says nothing about the medium.
    Unkept(VaultError),
}

impl MediaFetcher {
    /// Builds the worker of `account`; `port` is the account's connection to WhatsApp.
    pub fn new(core: Core, account: AccountId, port: Arc<dyn WhatsApp>) -> Self {
        Self {
            core,
            account,
            port,
            pause: VaultPause::default(),
        }
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

impl Pieces for MediaFetcher {
    type Piece = DueMedia;
    type InHand = Vec<MediaId>;

    const AT_ONCE: usize = AT_ONCE;
    /// Unfinished fetches are dropped when the program stops; the next start repeats them.
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
        if Room::now(&self.core).is_short() {
            return Ok(vec![]);
        }
        let now = self.core.clock.now();
        let limit = self.pause.allows(limit, in_hand.len(), now);
        if limit == 0 {
            return Ok(vec![]);
        }
        let store = &self.core.store;
        store.media().due(self.account, now, limit as u64, in_hand).await
    }

    async fn work(&self, due: &DueMedia) -> Result<(), StoreError> {
        let max = self.core.policy.media.max.largest();
        let mut incoming = match self.core.vault.incoming(max) {
            Ok(incoming) => incoming,
            Err(error) => return self.end(due, End::Unkept(error)).await,
        };
        let key = MessageRef {
            chat: due.chat.clone(),
            id: due.message.clone(),
            from_me: due.from_me,
            sender: due.sender.clone(),
        };
        match self.port.fetch_media(&key, max, &mut incoming).await {
            Ok(()) => self.check_and_keep(due, incoming).await,
            Err(error) => self.end(due, after(error, due.attempts)).await,
        }
    }
}

impl MediaFetcher {
    async fn check_and_keep(&self, due: &DueMedia, incoming: Incoming) -> Result<(), StoreError> {
        if let Some(flaw) = flaw(due, &incoming) {
            return self.end(due, flawed(flaw, due.attempts)).await;
        }
        // `kept` protects the object from the sweep until its row is written.
        let kept = match self.core.vault.keep(incoming).await {
            Ok(kept) => kept,
            Err(error) => return self.end(due, End::Unkept(error)).await,
        };
        let stored = MediaChange::Stored {
            sha256: kept.sha256.clone(),
            size: kept.size,
            sniffed: kept.sniffed.map(str::to_owned),
        };
        self.end(due, End::Is(stored)).await?;
        self.pause.worked(&self.core).await
    }

    async fn end(&self, due: &DueMedia, end: End) -> Result<(), StoreError> {
        let id = due.id;
        match end {
            End::Later { after, count } => self.postpone(id, after, count).await,
            End::Unkept(error) => {
                let after = self.pause.failed(&self.core, &error).await?;
                self.postpone(id, after, false).await
            }
            End::Is(change) => {
                if let MediaChange::Lost { state, detail } = &change {
                    tracing::warn!(media = %id, %state, "a medium could not be fetched: {detail}");
                }
                self.core
                    .write((id, change), |tx, (id, change)| {
                        async move { attach::change(tx, *id, change).await }.boxed()
                    })
                    .await
            }
        }
    }

    async fn postpone(&self, id: MediaId, after: Duration, count: bool) -> Result<(), StoreError> {
        let at = self.core.clock.now().plus(after);
        self.core
            .write((id, at, count), |tx, &(id, at, count)| {
                async move { tx.media().retry(id, at, count).await }.boxed()
            })
            .await
    }
}

/// Returns what is wrong with the fetched bytes, if anything is.
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

/// Returns the outcome of a failed fetch; `attempts`: number of earlier failures.
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
            format!("WhatsApp no longer has it ({why}); open it on the phone, then request it again"),
        ),
        FetchError::Failed(_) if attempts + 1 < MAX_FAILURES => later,
        FetchError::Failed(why) => lost(MediaState::Broken, format!("it could not be fetched: {why}")),
        FetchError::Sink(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            lost(MediaState::Refused, format!("{error} (CRM_MEDIA_MAX_SIZE)"))
        }
        FetchError::Sink(error) => End::Unkept(error.into()),
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
        assert!(matches!(after(full, 100), End::Unkept(_)));
        let large = FetchError::Sink(std::io::ErrorKind::FileTooLarge.into());
        assert_eq!(state(&after(large, 0)), Some(MediaState::Refused));
    }
}
