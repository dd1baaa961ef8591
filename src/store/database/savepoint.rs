//! Savepoints inside a transaction: the part of its work that is undone while the rest is kept.

use sea_orm::ConnectionTrait;

use crate::store::{StoreError, Tx};

/// Point of a transaction to which it can be rolled back. One at a time.
#[must_use = "roll back to it, or release it"]
pub struct Savepoint {
    events: usize,
}

impl Tx {
    /// Sets a savepoint: what follows can be undone without what was done before. (A statement that the database refuses
    /// undoes the whole transaction nevertheless.)
    pub async fn savepoint(&mut self) -> Result<Savepoint, StoreError> {
        self.session.execute_unprepared("SAVEPOINT part").await?;
        Ok(Savepoint {
            events: self.events.len(),
        })
    }

    /// Keeps what was done since the savepoint.
    pub async fn release(&mut self, _: Savepoint) -> Result<(), StoreError> {
        self.session.execute_unprepared("RELEASE SAVEPOINT part").await?;
        Ok(())
    }

    /// Undoes what was done since the savepoint, with its events. (Workers that it woke find nothing to do.)
    pub async fn roll_back(&mut self, to: Savepoint) -> Result<(), StoreError> {
        self.session.execute_unprepared("ROLLBACK TO SAVEPOINT part").await?;
        self.session.execute_unprepared("RELEASE SAVEPOINT part").await?;
        self.events.truncate(to.events);
        Ok(())
    }
}
