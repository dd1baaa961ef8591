//! The way in from the rooms: what agents write goes to customers, what is not meant for them does not, and what cannot
//! go is answered. The sync token is stored in the transaction of its events (invariant 4).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::domain::conversation::Conversation;
use crate::domain::matrix::{Matrix, MatrixState, RoomEvent, RoomEventKind, SyncBatch, SyncToken};
use crate::domain::{MatrixEventId, MatrixUserId};
use crate::store::StoreError;

use super::core::{Core, Progress};
use super::desk::Desk;
use super::room_event::{self, Around, Taken};

/// The cursor's name in the store.
const CURSOR: &str = "matrix.sync";
/// The pause after trouble.
const PAUSE: Duration = Duration::from_secs(1);
/// How often events that could not be decrypted are tried again, and how many at a time.
const RETRY_EVERY: Duration = Duration::from_secs(15);
const RETRIES: u64 = 50;

/// Takes in what happens in the rooms.
pub struct RoomInbound {
    core: Core,
    port: Arc<dyn Matrix>,
    desk: Desk,
    /// When what could not be decrypted is tried again.
    retry_at: crate::domain::Timestamp,
}

impl RoomInbound {
    pub fn new(core: Core, port: Arc<dyn Matrix>, desk: Desk) -> Self {
        Self {
            core,
            port,
            desk,
            retry_at: crate::domain::Timestamp::ZERO,
        }
    }

    /// Works until `stopping`.
    pub async fn run(mut self, stopping: CancellationToken) {
        let mut status = self.port.status();
        loop {
            let step = async {
                match self.step().await {
                    Ok(Progress::Worked) => {}
                    Ok(Progress::Idle) => tokio::select! {
                        _ = status.changed() => {}
                        () = self.core.clock.sleep(PAUSE) => {}
                    },
                    Err(error) => {
                        tracing::error!("what happened in the rooms could not be taken in, trying again: {error}");
                        self.core.clock.sleep(PAUSE).await;
                    }
                }
            };
            tokio::select! {
                () = step => {}
                () = stopping.cancelled() => return,
            }
        }
    }

    /// Takes in what has happened since the stored token.
    pub async fn step(&mut self) -> Result<Progress, StoreError> {
        if self.port.status().borrow().state != MatrixState::Ready {
            return Ok(Progress::Idle);
        }
        self.retry_undecryptable().await?;
        let since = self.core.store.cursor(CURSOR).await?.map(SyncToken);
        let batch = match self.port.sync(since.as_ref()).await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::debug!("the rooms cannot be read now: {error}");
                return Ok(Progress::Idle);
            }
        };
        if since.as_ref() == Some(&batch.next) && batch.events.is_empty() && batch.receipts.is_empty() {
            return Ok(Progress::Idle);
        }
        self.commit(batch).await?;
        Ok(Progress::Worked)
    }

    async fn commit(&self, batch: SyncBatch) -> Result<(), StoreError> {
        let around = Around {
            confirmed: self.fetch_confirmed(&batch).await,
            bot: self.bot(),
        };
        let policy = self.core.policy.clone();
        let read: Vec<Conversation> = self
            .core
            .write(move |tx| {
                let (policy, batch, around) = (policy.clone(), batch.clone(), around.clone());
                async move {
                    for event in &batch.events {
                        room_event::take_in(tx, &policy, event, &around).await?;
                    }
                    let mut read = Vec::new();
                    for receipt in &batch.receipts {
                        read.extend(room_event::read_up_to(tx, &policy, receipt).await?);
                    }
                    tx.set_cursor(CURSOR, &batch.next.0).await?;
                    Ok::<_, StoreError>(read)
                }
                .boxed()
            })
            .await?;
        for conversation in &read {
            self.desk.agent_read(conversation);
        }
        Ok(())
    }

    fn bot(&self) -> Option<MatrixUserId> {
        self.port.status().borrow().user.clone()
    }

    /// The events that agents confirm with `!send`, fetched before the transaction begins (invariant 5).
    async fn fetch_confirmed(&self, batch: &SyncBatch) -> HashMap<MatrixEventId, RoomEvent> {
        let mut confirmed = HashMap::new();
        for event in &batch.events {
            if let RoomEventKind::Text {
                body,
                reply_to: Some(original),
            } = &event.what
                && room_event::is_confirmation(body)
                && let Ok(original) = self.port.event(&event.room, original).await
            {
                confirmed.insert(original.id.clone(), original);
            }
        }
        confirmed
    }

    /// Keys come late: what could not be decrypted is asked for again (`RULES` 1).
    async fn retry_undecryptable(&mut self) -> Result<(), StoreError> {
        if self.retry_at > self.core.clock.now() {
            return Ok(());
        }
        self.retry_at = self.core.clock.now().plus(RETRY_EVERY);
        for pending in self.core.store.pending_events(RETRIES).await? {
            let Ok(event) = self.port.event(&pending.room, &pending.event).await else {
                continue;
            };
            if event.what == RoomEventKind::Undecryptable {
                continue;
            }
            let policy = self.core.policy.clone();
            self.core
                .write(move |tx| {
                    let (policy, event) = (policy.clone(), event.clone());
                    async move {
                        tx.remove_pending_event(&event.id).await?;
                        room_event::take_in(tx, &policy, &event, &Around::default())
                            .await
                            .map(|_: Taken| ())
                    }
                    .boxed()
                })
                .await?;
        }
        Ok(())
    }
}
