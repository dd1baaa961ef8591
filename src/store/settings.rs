//! Named values: what is set once (the instance's id), what is switched (the parked outbox), and the cursors of followers.

use super::{Store, StoreError, Tx};

impl Store {
    /// This database's random id, made when it is first asked for: Matrix transaction ids begin with it (`RULES` 18).
    pub async fn instance(&self) -> Result<String, StoreError> {
        todo!()
    }

    /// Whether the outbox is parked: nothing goes out until a person says so (`RULES` 5).
    pub async fn parked(&self) -> Result<bool, StoreError> {
        todo!()
    }

    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        todo!()
    }

    /// Where a follower stands, in its own words (a sync token, a sequence number).
    pub async fn cursor(&self, name: &str) -> Result<Option<String>, StoreError> {
        todo!()
    }
}

impl Tx {
    pub async fn setting(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        todo!()
    }

    /// Sets a value, or takes it away.
    pub async fn set_setting(&mut self, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        todo!()
    }

    /// Parks the outbox, or lets it go.
    pub async fn set_parked(&mut self, parked: bool) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn cursor(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        todo!()
    }

    pub async fn set_cursor(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        todo!()
    }
}
