//! The people who answer.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
};

use entity::agent;

use crate::domain::{AgentId, MatrixUserId};

use super::{Store, StoreError, Tx};

/// A person who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub id: AgentId,
    pub name: String,
    pub matrix_user: Option<MatrixUserId>,
}

impl Store {
    /// All of them, the first met first.
    pub async fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        let rows = agent::Entity::find()
            .order_by_asc(agent::Column::Id)
            .all(self.readers())
            .await?;
        Ok(rows.into_iter().map(read).collect())
    }
}

impl Tx {
    /// The agent behind a Matrix user, made when there is none; takes `name` when it differs.
    pub async fn resolve_agent(&mut self, user: &MatrixUserId, name: &str) -> Result<Agent, StoreError> {
        let found = agent::Entity::find()
            .filter(agent::Column::MatrixUser.eq(user.as_str()))
            .one(&self.session)
            .await?;
        let Some(mut row) = found else {
            let new = agent::ActiveModel {
                id: NotSet,
                name: Set(name.to_owned()),
                matrix_user: Set(Some(user.clone())),
                created_at: Set(self.now.0),
            };
            let id = agent::Entity::insert(new).exec(&self.session).await?.last_insert_id;
            return Ok(Agent {
                id,
                name: name.to_owned(),
                matrix_user: Some(user.clone()),
            });
        };
        if row.name != name {
            agent::Entity::update_many()
                .col_expr(agent::Column::Name, Expr::value(name))
                .filter(agent::Column::Id.eq(row.id))
                .exec(&self.session)
                .await?;
            name.clone_into(&mut row.name);
        }
        Ok(read(row))
    }
}

fn read(row: agent::Model) -> Agent {
    Agent {
        id: row.id,
        name: row.name,
        matrix_user: row.matrix_user,
    }
}
