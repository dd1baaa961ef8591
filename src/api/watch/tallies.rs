//! Counts of rows for `/metrics`. Each reads an index as long as its table, so they are read at most once a minute, however often
//! they are asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::domain::media::MediaState;
use crate::store::{Store, StoreError};

/// Maximum age of a count.
const MAX_AGE: Duration = Duration::from_mins(1);

/// Numbers of rows.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Messages of a kind that is not known.
    pub unknown_messages: u64,
    /// Media, by their state.
    pub media: HashMap<MediaState, u64>,
}

/// The latest counts. Cheap to clone; clones share them.
#[derive(Clone, Default)]
pub struct Tallies(Arc<Mutex<Option<(Instant, Tally)>>>);

impl Tallies {
    /// Returns counts that are at most [`MAX_AGE`] old. Of requests at the same time one counts, and the others wait for it.
    pub async fn current(&self, store: &Store) -> Result<Tally, StoreError> {
        let mut latest = self.0.lock().await;
        if let Some((at, tally)) = &*latest
            && at.elapsed() < MAX_AGE
        {
            return Ok(tally.clone());
        }
        let tally = Tally {
            unknown_messages: store.messages().count_unknown().await?,
            media: store.media().count().await?,
        };
        *latest = Some((Instant::now(), tally.clone()));
        Ok(tally)
    }
}
