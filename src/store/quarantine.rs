//! What came from outside and could not be taken in, byte for byte (`RULES` 13).

use crate::domain::{AccountId, QuarantineId, Timestamp};

use super::{Page, PageRequest, Store, StoreError, Tx};

/// Something that could not be taken in.
#[derive(Clone, PartialEq, Eq)]
pub struct QuarantineItem {
    pub id: QuarantineId,
    /// Where it came from: `whatsapp` or `matrix`.
    pub source: String,
    pub account_id: Option<AccountId>,
    pub bytes: Vec<u8>,
    pub error: String,
    /// How often the same bytes came.
    pub times: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
}

impl Store {
    /// By id.
    pub async fn quarantine(&self, page: PageRequest) -> Result<Page<QuarantineItem>, StoreError> {
        todo!()
    }

    pub async fn count_quarantine(&self) -> Result<u64, StoreError> {
        todo!()
    }
}

impl Tx {
    /// Keeps bytes that could not be taken in; the same bytes again are counted, not kept twice.
    pub async fn add_quarantine(
        &mut self,
        source: &str,
        account: Option<AccountId>,
        bytes: &[u8],
        error: &str,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Forgets an item that could be taken in after all.
    pub async fn remove_quarantine(&mut self, id: QuarantineId) -> Result<(), StoreError> {
        todo!()
    }
}
