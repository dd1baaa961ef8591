//! Opening the database: which server, which connections, and whether its tables are ours.

use std::sync::Arc;

use crate::domain::Clock;

use super::{Store, StoreError};

/// How sure a SQLite commit is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// On the disk, over a power cut.
    #[default]
    Full,
    /// Over `kill -9` of the program only: for tests and simulations.
    Off,
}

/// How to open a database.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    pub url: String,
    pub synchronous: Synchronous,
    /// Connections that read at once.
    pub readers: u32,
    /// Largest size of a SQLite file in pages of 4 KiB.
    pub max_pages: Option<u32>,
}

impl OpenOptions {
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            synchronous: Synchronous::Full,
            readers: 4,
            max_pages: None,
        }
    }

    pub async fn open(self, clock: Arc<dyn Clock>) -> Result<Store, StoreError> {
        todo!()
    }
}
