//! Exports: their rows, and those that become a file while nobody waits. The files are in the vault, as media are: what
//! several processes share is shared there, a crash leaves nothing that its sweep does not find, and their names are their
//! hashes.

pub mod csv;
mod rows;
mod worker;

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::bridge::core::command::{Answered, Idempotency, check_key};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::media::SweepError;
use crate::contract::{Event, ExportView};
use crate::domain::ExportId;
use crate::domain::export::{ExportJob, ExportOrder, ExportState, MAX_WAITING};
use crate::store::Tx;

use super::handle::Desk;
use super::idempotency;

pub use rows::{export_rows, of_messages};
pub use worker::ExportWorker;

/// HTTP status of the answer to a new export ("accepted").
const ACCEPTED: u16 = 202;

impl Desk {
    /// Accepts an export. Refused if too many of the owner's wait.
    pub async fn ask_export(
        &self,
        order: ExportOrder,
        asked: Option<Idempotency>,
    ) -> Result<Answered<ExportJob>, Refusal> {
        check_key(asked.as_ref())?;
        self.core
            .write((order, asked), |tx, (order, asked)| {
                async move { ask(tx, order, asked.as_ref()).await }.boxed()
            })
            .await
    }

    /// Cancels an export that waits or runs; deletes one that has ended, with its file.
    pub async fn delete_export(&self, id: ExportId) -> Result<(), Refusal> {
        let object = self
            .core
            .write(id, |tx, id| async move { delete(tx, *id).await }.boxed())
            .await?;
        // A crash in between leaves an object to which nothing refers, for the sweep.
        if let Some(object) = object
            && let Err(error) = discard(&self.core, &object).await
        {
            tracing::warn!("the file of export {id} could not be deleted; it is swept later: {error}");
        }
        Ok(())
    }

    /// Returns the name of an export's file in the vault and its size. Refused while there is none, and when it has expired.
    pub fn export_file(&self, job: &ExportJob) -> Result<(String, u64), Refusal> {
        let id = job.id;
        if job.is_expired(self.core.clock.now()) {
            return Err(Refusal::Gone(format!(
                "the file of export {id} has expired and is deleted; ask for the export again"
            )));
        }
        match (&job.object, job.state) {
            (Some(object), ExportState::Done) => Ok((object.clone(), job.bytes)),
            (_, ExportState::Failed) => {
                let why = job.failure.as_deref().unwrap_or("ask for it again");
                Err(Refusal::Conflict(format!("export {id} has failed: {why}")))
            }
            (_, ExportState::Cancelled) => Err(Refusal::Conflict(format!(
                "export {id} was cancelled; ask for it again"
            ))),
            _ => Err(Refusal::Conflict(format!(
                "export {id} is {}; ask again when it is done",
                job.state
            ))),
        }
    }
}

async fn ask(tx: &mut Tx, order: &ExportOrder, asked: Option<&Idempotency>) -> Result<Answered<ExportJob>, Refusal> {
    if let Some(stored) = idempotency::earlier(tx, asked).await? {
        return Ok(Answered::Replayed(stored));
    }
    if tx.exports().open_of(order.owner).await? >= MAX_WAITING {
        return Err(Refusal::Conflict(format!(
            "{MAX_WAITING} of your exports wait, which is the most; wait until one is done, or cancel one"
        )));
    }
    let job = tx.exports().add(order).await?;
    tx.emit(Event::export_state(&job));
    idempotency::store(tx, asked, ACCEPTED, &ExportView::from(job.clone()), None).await?;
    Ok(Answered::New(job))
}

/// Returns the object that the export had.
async fn delete(tx: &mut Tx, id: ExportId) -> Result<Option<String>, Refusal> {
    let job = tx.exports().get(id).await?.ok_or_else(|| not_found("export", id))?;
    if job.state.is_open() {
        if let Some(cancelled) = tx.exports().cancel(id).await? {
            tx.emit(Event::export_state(&cancelled));
            return Ok(None);
        }
        return Err(Refusal::Conflict(format!(
            "export {id} has just ended; look at it again"
        )));
    }
    tx.exports().remove(id).await?;
    Ok(job.object)
}

/// Deletes an object of the vault unless something refers to it.
async fn discard(core: &Core, object: &str) -> Result<(), SweepError> {
    let names = vec![object.to_owned()];
    core.vault
        .discard(object, || async {
            let is_medium = !core.store.media().known_objects(&names).await?.is_empty();
            Ok(is_medium || !core.store.exports().known_objects(&names).await?.is_empty())
        })
        .await
}
