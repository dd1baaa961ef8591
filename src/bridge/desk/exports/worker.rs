//! Writes the exports that were asked for, one at a time in each process, and deletes their files when they expire.
//!
//! An export is claimed, written to a spool file, put into the vault, and ended, in this order. A process that dies anywhere
//! in between lets its claim run out: the export is then begun anew. What it has put into the vault has no row, and is swept.

use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt as _};

use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::bridge::media::Room;
use crate::contract::Event;
use crate::domain::ExportId;
use crate::domain::export::{ExportJob, MAX_ATTEMPTS};
use crate::domain::media::{Sink as _, readable_size};
use crate::store::{ExportEnd, StoreError, WorkFor};
use crate::vault::{Incoming, Kept, VaultError};

use super::{discard, export_rows};

/// How often it looks, also without a wake-up: at what another process was asked for, and for files that expire.
const POLL: Duration = Duration::from_secs(5);
/// How often a running export is claimed anew. A cancelled one ends within this time.
const HOLD: Duration = Duration::from_secs(5);
/// Most expired files that are deleted in one step.
const AT_ONCE: u64 = 20;

/// Worker that writes exports to files. Several processes may run one on the same database.
pub struct ExportWorker {
    core: Core,
    /// The export in hand, and the number of the attempt.
    running: Option<(ExportId, i64)>,
}

/// A file that was written, or why not.
enum Written {
    Kept {
        kept: Kept,
        rows: u64,
    },
    Failed(String),
    /// Somebody else has it now, or nobody wants it any more.
    Lost,
}

impl ExportWorker {
    /// Builds the worker.
    pub const fn new(core: Core) -> Self {
        Self { core, running: None }
    }

    /// Claims the next export, if there is one.
    async fn claim(&self) -> Result<Option<ExportJob>, StoreError> {
        let Some(id) = self.core.store.exports().takeable(self.core.clock.now()).await? else {
            return Ok(None);
        };
        self.core
            .write(id, |tx, id| {
                async move {
                    let claimed = tx.exports().claim(*id).await?;
                    if let Some(job) = &claimed {
                        tx.emit(Event::export_state(job));
                    }
                    Ok(claimed)
                }
                .boxed()
            })
            .await
    }

    /// Deletes files that have expired. Returns whether there were some.
    async fn expire(&self) -> Result<bool, StoreError> {
        let store = &self.core.store;
        let expired = store.exports().expired(self.core.clock.now(), AT_ONCE).await?;
        // By a clock that is doubted nothing has come to its time.
        if expired.is_empty() || store.clock_doubted_until().await?.is_some() {
            return Ok(false);
        }
        for id in expired {
            let object = self.core.write(id, |tx, id| {
                async move {
                    let object = tx.exports().get(*id).await?.and_then(|job| job.object);
                    tx.exports().forget_object(*id).await?;
                    Ok::<_, StoreError>(object)
                }
                .boxed()
            });
            if let Some(object) = object.await?
                && let Err(error) = discard(&self.core, &object).await
            {
                tracing::warn!("the file of export {id} could not be deleted; it is swept later: {error}");
            }
        }
        Ok(true)
    }

    /// Runs a claimed export to its end.
    async fn run(&self, job: &ExportJob) -> Result<(), StoreError> {
        let (end, _kept) = if job.attempts > MAX_ATTEMPTS {
            let why = format!(
                "it was interrupted {MAX_ATTEMPTS} times; see the server's log, or ask for fewer rows (from, until)"
            );
            (ExportEnd::Failed(why), None)
        } else {
            match self.write(job).await? {
                Written::Lost => return Ok(()),
                Written::Failed(why) => (ExportEnd::Failed(why), None),
                Written::Kept { kept, rows } => {
                    let end = ExportEnd::Done {
                        sha256: kept.sha256.clone(),
                        rows,
                        bytes: kept.size,
                        expires_at: self.core.clock.now().plus(self.core.exports.keep),
                    };
                    // Held until its row is committed: no sweep deletes the object before.
                    (end, Some(kept))
                }
            }
        };
        let input = (job.id, job.attempts, end);
        self.core
            .write(input, |tx, (id, attempt, end)| {
                async move {
                    if let Some(ended) = tx.exports().end(*id, *attempt, end).await? {
                        tx.emit(Event::export_state(&ended));
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Writes an export into the vault.
    async fn write(&self, job: &ExportJob) -> Result<Written, StoreError> {
        let core = &self.core;
        let total = core.exports.max_total;
        let left = total.saturating_sub(core.store.exports().kept_bytes().await?);
        if let Some(why) = no_room(core) {
            return Ok(Written::Failed(why));
        }
        let mut incoming = match core.vault.incoming(left) {
            Ok(incoming) => incoming,
            Err(error) => return Ok(Written::Failed(failure(&error, total))),
        };
        let (order, sight) = (&job.order, job.order.sight.clone());
        let mut pieces = export_rows(&core.store, sight, order.what, order.filter, order.format);
        let (mut rows, mut held_at) = (0, core.clock.now());
        loop {
            let piece = match pieces.try_next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return unreadable(job.id, error),
            };
            if let Err(error) = incoming.write(&piece.bytes).await {
                return Ok(Written::Failed(failure(&error.into(), total)));
            }
            rows += piece.rows;
            if core.clock.now().since(held_at) >= HOLD {
                if let Some(why) = no_room(core) {
                    return Ok(Written::Failed(why));
                }
                if !self.hold(job, rows, incoming.size()).await? {
                    return Ok(Written::Lost);
                }
                held_at = core.clock.now();
            }
        }
        self.keep(job, incoming, rows).await
    }

    /// Puts the file into the vault. That may take long where the vault is a bucket.
    async fn keep(&self, job: &ExportJob, incoming: Incoming, rows: u64) -> Result<Written, StoreError> {
        let core = &self.core;
        let bytes = incoming.size();
        if !self.hold(job, rows, bytes).await? {
            return Ok(Written::Lost);
        }
        let mut keeping = std::pin::pin!(core.vault.keep(incoming));
        loop {
            tokio::select! {
                kept = &mut keeping => {
                    return Ok(match kept {
                        Ok(kept) => Written::Kept { kept, rows },
                        Err(error) => Written::Failed(failure(&error, core.exports.max_total)),
                    });
                }
                () = core.clock.sleep(HOLD) => {
                    if !self.hold(job, rows, bytes).await? {
                        return Ok(Written::Lost);
                    }
                }
            }
        }
    }

    /// Goes on claiming an export. Returns whether it is still ours.
    async fn hold(&self, job: &ExportJob, rows: u64, bytes: u64) -> Result<bool, StoreError> {
        self.core
            .write((job.id, job.attempts, rows, bytes), |tx, (id, attempt, rows, bytes)| {
                async move { tx.exports().hold(*id, *attempt, *rows, *bytes).await }.boxed()
            })
            .await
    }

    /// Gives the export in hand back, so that it is begun again without waiting for the claim to run out.
    async fn give_back(&mut self) {
        let Some(claimed) = self.running.take() else { return };
        let given = self.core.write(claimed, |tx, (id, attempt)| {
            async move { tx.exports().give_back(*id, *attempt).await }.boxed()
        });
        if let Err(error) = given.await {
            tracing::warn!("export {} goes on in a minute: {error}", claimed.0);
        }
    }
}

impl Worker for ExportWorker {
    fn name(&self) -> &'static str {
        "writing of exports"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none().and(self.core.store.wake_ups(WorkFor::Exports))
    }

    fn poll(&self) -> Duration {
        POLL
    }

    async fn step(&mut self) -> Result<Progress, StoreError> {
        let has_expired = self.expire().await?;
        let Some(job) = self.claim().await? else {
            return Ok(if has_expired { Progress::Worked } else { Progress::Idle });
        };
        self.running = Some((job.id, job.attempts));
        if let Err(error) = self.run(&job).await {
            self.give_back().await;
            return Err(error);
        }
        self.running = None;
        Ok(Progress::Worked)
    }

    async fn drain(&mut self) {
        self.give_back().await;
    }
}

/// Says that less is free than the floor, if so.
fn no_room(core: &Core) -> Option<String> {
    let room = Room::now(core);
    room.is_short().then(|| {
        format!(
            "less than {} are free where exports are stored (CRM_MEDIA_FREE_SPACE_FLOOR); free some space on the server, or \
             ask for fewer rows, then ask again",
            readable_size(room.floor)
        )
    })
}

/// Returns why no file could be written. Nothing else is lost.
fn failure(error: &VaultError, total: u64) -> String {
    match error {
        VaultError::Io(error) if error.kind() == std::io::ErrorKind::FileTooLarge => format!(
            "all exports together may have {}; delete older ones, or ask for fewer rows, then ask again",
            readable_size(total)
        ),
        error if error.is_full() => {
            "no space is left where exports are stored; free some space on the server, then ask again".to_owned()
        }
        error => {
            tracing::error!("an export could not be written: {error}");
            "the place where exports are stored cannot be used; check that it is there and that the server may write to it, \
             then ask again"
                .to_owned()
        }
    }
}

/// Decides what an error of reading means: the database's is tried again, any other is for good.
fn unreadable(id: ExportId, error: anyhow::Error) -> Result<Written, StoreError> {
    match error.downcast::<StoreError>() {
        Ok(error) => Err(error),
        Err(error) => {
            tracing::error!("export {id} cannot be written: {error:#}");
            Ok(Written::Failed(
                "a row cannot be written; the server's log says which, please report it".to_owned(),
            ))
        }
    }
}
