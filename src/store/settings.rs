//! Named values: set once (the instance's id), switched (the parked outbox), and the cursors of followers.

use entity::{cursor, setting};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};

use crate::domain::OutboxId;
use crate::store::facet::{Database, Settings};

use super::{Holder, Store, StoreError, Tx, WorkFor};

/// Setting that holds the instance's id.
pub(super) const INSTANCE: &str = "instance";
/// Setting that holds the id of the instance that a restored database was made from. What that instance sent without
/// being sure may be found under this id.
pub(super) const RESTORED: &str = "restored_instance";
/// Setting that holds the id of the last outbox row in the backup. The old instance did not know any newer row.
pub(super) const RESTORED_WORK: &str = "restored_work";
/// Setting that holds the id of the last outbox row that was there when rooms began to move from one login to another.
const MOVED_WORK: &str = "matrix.moved_work";
/// Setting that holds the process that keeps the rooms: its folder and its name, in two lines.
pub(super) const ROOMS_HOLDER: &str = "matrix.holder";
/// Setting that exists while the outbox is parked.
pub(super) const PARKED: &str = "parked";

/// The instance whose backup a database was restored from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Id of that instance.
    pub instance: String,
    /// Last outbox row in the backup. The old instance may have done this row, and those before it, after the backup.
    pub last_work: OutboxId,
}

impl<D: Database> Settings<'_, D> {
    /// Returns the value of a setting.
    pub async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = setting::Entity::find_by_id(name).one(self.0.connection()).await?;
        Ok(row.map(|row| row.value))
    }

    /// Returns the cursor of a follower, in its own format (a sync token, a sequence number).
    pub async fn cursor(&self, name: &str) -> Result<Option<String>, StoreError> {
        cursor(self.0.connection(), name).await
    }

    /// Returns the process that keeps the rooms, if one does.
    pub async fn rooms_holder(&self) -> Result<Option<Holder>, StoreError> {
        let stored = self.get(ROOMS_HOLDER).await?;
        let holder = stored.as_deref().and_then(|stored| stored.split_once('\n'));
        Ok(holder.map(|(folder, process)| Holder {
            folder: folder.to_owned(),
            process: process.to_owned(),
        }))
    }
}

impl Settings<'_, Store> {
    /// Returns this database's random id, created by the first call. Matrix transaction ids begin with it (rule 18).
    pub async fn instance(&self) -> Result<String, StoreError> {
        if let Some(instance) = self.get(INSTANCE).await? {
            return Ok(instance);
        }
        self.0
            .write((), |tx, ()| {
                Box::pin(async move {
                    if let Some(instance) = tx.settings().get(INSTANCE).await? {
                        return Ok(instance);
                    }
                    let instance = random_id();
                    tx.settings().set(INSTANCE, Some(&instance)).await?;
                    Ok(instance)
                })
            })
            .await
    }

    /// Returns the instance that this database was restored from, if it was restored.
    pub async fn restored(&self) -> Result<Option<Restored>, StoreError> {
        let Some(instance) = self.get(RESTORED).await? else {
            return Ok(None);
        };
        let work = self.get(RESTORED_WORK).await?;
        let last_work = work.and_then(|id| id.parse().ok()).unwrap_or(0);
        Ok(Some(Restored {
            instance,
            last_work: OutboxId(last_work),
        }))
    }

    /// Returns the last outbox row that another login may have done, if rooms have moved from one to another.
    pub async fn moved_work(&self) -> Result<Option<OutboxId>, StoreError> {
        let work = self.get(MOVED_WORK).await?;
        Ok(work.and_then(|id| id.parse().ok()).map(OutboxId))
    }

    /// Returns whether the outbox is parked: nothing is sent until a person resumes it (rule 5).
    pub async fn is_parked(&self) -> Result<bool, StoreError> {
        Ok(self.get(PARKED).await?.is_some())
    }
}

impl Settings<'_, Tx> {
    /// Sets a setting, or deletes it if `value` is `None`.
    pub async fn set(&self, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        let db = &self.0.session;
        let Some(value) = value else {
            setting::Entity::delete_by_id(name).exec(db).await?;
            return Ok(());
        };
        let row = setting::ActiveModel {
            name: Set(name.to_owned()),
            value: Set(value.to_owned()),
            updated_at: Set(self.0.now.0),
        };
        match setting::Entity::find_by_id(name).one(db).await? {
            None => drop(setting::Entity::insert(row).exec_without_returning(db).await?),
            Some(found) if found.value == value => {}
            Some(_) => drop(setting::Entity::update(row).exec(db).await?),
        }
        Ok(())
    }

    /// Lets a process keep the rooms: one at a time, because two would show each message twice. Returns the process that keeps
    /// them if it has another folder.
    pub async fn hold_rooms(&self, holder: &Holder) -> Result<Option<Holder>, StoreError> {
        // So that of two that ask at the same time one gets them.
        self.0.journal().lock().await?;
        let present = self.rooms_holder().await?;
        if present.as_ref().is_some_and(|present| present.folder != holder.folder) {
            return Ok(present);
        }
        let value = format!("{}\n{}", holder.folder, holder.process);
        self.set(ROOMS_HOLDER, Some(&value)).await?;
        Ok(None)
    }

    /// Lets go of the rooms, if a process with this folder keeps them.
    pub async fn release_rooms(&self, folder: &str) -> Result<(), StoreError> {
        let present = self.rooms_holder().await?;
        if present.is_some_and(|present| present.folder == folder) {
            self.set(ROOMS_HOLDER, None).await?;
        }
        Ok(())
    }

    /// Parks the outbox, or resumes it and wakes the relays to WhatsApp.
    pub async fn set_parked(&self, parked: bool) -> Result<(), StoreError> {
        if !parked {
            for account in self.0.accounts().present().await? {
                self.0.wake(WorkFor::WhatsApp(account.id));
            }
        }
        self.set(PARKED, parked.then_some("yes")).await
    }

    /// Stores the cursor of a follower, or deletes it if `value` is `None`.
    pub async fn put_cursor(&self, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        if let Some(value) = value {
            return self.set_cursor(name, value).await;
        }
        cursor::Entity::delete_by_id(name).exec(&self.0.session).await?;
        Ok(())
    }

    /// Stores that rooms begin to move to another login: the one before may have done what waits now, or have begun it.
    pub async fn note_move(&self) -> Result<(), StoreError> {
        let last = self.0.outbox().last().await?;
        self.set(MOVED_WORK, last.map(|id| id.to_string()).as_deref()).await
    }

    /// Stores the cursor of a follower.
    pub async fn set_cursor(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let db = &self.0.session;
        let row = cursor::Model {
            name: name.to_owned(),
            value: value.to_owned(),
            updated_at: self.0.now.0,
        };
        match cursor::Entity::find_by_id(name).one(db).await? {
            None => drop(
                cursor::Entity::insert(row.into_active_model())
                    .exec_without_returning(db)
                    .await?,
            ),
            Some(_) => drop(
                cursor::Entity::update(row.into_active_model().reset_all())
                    .exec(db)
                    .await?,
            ),
        }
        Ok(())
    }
}

async fn cursor(database: &impl ConnectionTrait, name: &str) -> Result<Option<String>, StoreError> {
    let row = cursor::Entity::find_by_id(name).one(database).await?;
    Ok(row.map(|row| row.value))
}

#[expect(
    clippy::disallowed_methods,
    reason = "it has to differ from that of every other database, also of one made with the same seed"
)]
fn random_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
