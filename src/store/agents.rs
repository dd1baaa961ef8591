//! The agents, who answer customers. This table is the only source for that; the configuration is reconciled into it.

use entity::agent;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::domain::agent::{Agent, AgentSource, Deactivated};
use crate::domain::{AgentId, MatrixUserId, Timestamp};
use crate::store::facet::{Agents, Database};

use super::database::row::word;
use super::{Store, StoreError, Tx};

impl<D: Database> Agents<'_, D> {
    /// Returns all agents, oldest first.
    pub async fn list(&self) -> Result<Vec<Agent>, StoreError> {
        all(self.0.connection()).await
    }
}

impl Agents<'_, Store> {
    /// Returns the Matrix users of the active agents.
    pub async fn answering(&self) -> Result<Vec<MatrixUserId>, StoreError> {
        self.users(Agent::is_active).await
    }

    /// Returns the Matrix users of the agents who were deactivated.
    pub async fn former(&self) -> Result<Vec<MatrixUserId>, StoreError> {
        self.users(|agent| !agent.is_active()).await
    }

    async fn users(&self, which: impl FnMut(&Agent) -> bool) -> Result<Vec<MatrixUserId>, StoreError> {
        let agents = all(self.0.readers()).await?.into_iter();
        Ok(agents.filter(which).filter_map(|agent| agent.matrix_user).collect())
    }
}

impl Agents<'_, Tx> {
    /// Returns whether a Matrix user is an active agent.
    pub async fn is_answering(&self, user: &MatrixUserId) -> Result<bool, StoreError> {
        let found = agent::Entity::find()
            .filter(agent::Column::MatrixUser.eq(user.as_str()))
            .filter(agent::Column::DeactivatedAt.is_null())
            .one(&self.0.session)
            .await?;
        Ok(found.is_some())
    }

    /// Adds an agent and returns its id. A Matrix user can be one agent at most: the database refuses a second one.
    pub async fn add(&self, user: &MatrixUserId, name: &str, source: AgentSource) -> Result<AgentId, StoreError> {
        let row = agent::ActiveModel {
            id: NotSet,
            name: Set(name.to_owned()),
            matrix_user: Set(Some(user.clone())),
            created_at: Set(self.0.now.0),
            source: Set(Some(source.to_string())),
            deactivated_at: Set(None),
            deactivated_by: Set(None),
        };
        Ok(agent::Entity::insert(row).exec(&self.0.session).await?.last_insert_id)
    }

    /// Deactivates an agent. A later decision replaces an earlier one, so a person's decision replaces the
    /// configuration's.
    pub async fn deactivate(&self, id: AgentId, by: AgentSource) -> Result<(), StoreError> {
        let change = agent::ActiveModel {
            deactivated_at: Set(Some(self.0.now.0)),
            deactivated_by: Set(Some(by.to_string())),
            ..agent::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Activates an agent again.
    pub async fn activate(&self, id: AgentId) -> Result<(), StoreError> {
        let change = agent::ActiveModel {
            deactivated_at: Set(None),
            deactivated_by: Set(None),
            ..agent::ActiveModel::default()
        };
        self.change(id, change).await
    }

    async fn change(&self, id: AgentId, change: agent::ActiveModel) -> Result<(), StoreError> {
        let updated = agent::Entity::update_many()
            .set(change)
            .filter(agent::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        if updated.rows_affected == 0 {
            return Err(StoreError::Missing { what: "agent" });
        }
        Ok(())
    }
}

async fn all(database: &impl ConnectionTrait) -> Result<Vec<Agent>, StoreError> {
    let rows = agent::Entity::find()
        .order_by_asc(agent::Column::Id)
        .all(database)
        .await?;
    rows.into_iter().map(read).collect()
}

fn read(row: agent::Model) -> Result<Agent, StoreError> {
    // Rows older than the column have no source; they came from the configuration.
    let source = |text: Option<String>| text.map_or(Ok(AgentSource::Config), |text| word("agents", &text));
    let deactivated = match row.deactivated_at {
        Some(at) => Some(Deactivated {
            at: Timestamp(at),
            by: source(row.deactivated_by)?,
        }),
        None => None,
    };
    Ok(Agent {
        id: row.id,
        name: row.name,
        matrix_user: row.matrix_user,
        source: source(row.source)?,
        deactivated,
    })
}
