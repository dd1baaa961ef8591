//! The agents, who answer customers. This table is the only source for that; the configuration is reconciled into it.

use entity::{agent, setting};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::agent::{Agent, AgentSource, Deactivated, name_key};
use crate::domain::signature::Signature;
use crate::domain::{AccountId, AgentId, MatrixUserId, Role, Timestamp};
use crate::store::facet::{Agents, Database};

use super::database::page;
use super::database::page::{Cursor, Page, PageRequest};
use super::database::row::{from_json, to_json, word};
use super::database::session::exclusive;
use super::{Store, StoreError, Tx, WorkFor};

/// Beginning of the setting that holds the Matrix users that an agent had before; the agent's id follows.
const FORMER: &str = "agents.former.";

/// An agent to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAgent {
    /// Name that colleagues see.
    pub name: String,
    /// Matrix user of the agent.
    pub matrix_user: Option<MatrixUserId>,
    /// Role of the agent.
    pub role: Role,
    /// Accounts that the agent is limited to; `None`: all.
    pub accounts: Option<Vec<AccountId>>,
    /// Signature under what they write.
    pub signature: Option<Signature>,
    /// Name of their time zone.
    pub time_zone: Option<String>,
    /// Source of the decision to add the agent.
    pub source: AgentSource,
}

/// A change of an agent. A field that is `None` is not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentChange {
    /// Name that colleagues see.
    pub name: Option<String>,
    /// Matrix user; `Some(None)` removes it.
    pub matrix_user: Option<Option<MatrixUserId>>,
    /// Role of the agent.
    pub role: Option<Role>,
    /// Accounts that the agent is limited to; `Some(None)`: all.
    pub accounts: Option<Option<Vec<AccountId>>>,
    /// Signature under what they write; `Some(None)`: none.
    pub signature: Option<Option<Signature>>,
    /// Name of their time zone; `Some(None)`: none.
    pub time_zone: Option<Option<String>>,
}

impl<D: Database> Agents<'_, D> {
    /// Returns all agents, oldest first.
    pub async fn list(&self) -> Result<Vec<Agent>, StoreError> {
        all(self.0.connection()).await
    }

    /// Returns the Matrix users that agents had before and no agent has now, each with its agent. They may still be in rooms.
    pub async fn former(&self) -> Result<Vec<(AgentId, MatrixUserId)>, StoreError> {
        former(self.0.connection()).await
    }
}

impl Agents<'_, Store> {
    /// Returns the agent with this id, also a deactivated one.
    pub async fn get(&self, id: AgentId) -> Result<Option<Agent>, StoreError> {
        let row = agent::Entity::find_by_id(id).one(self.0.readers()).await?;
        row.map(read).transpose()
    }

    /// Returns a page of agents, ordered by id. With `active`, only those who are active, or who are not.
    pub async fn page(&self, page: PageRequest, active: Option<bool>) -> Result<Page<Agent>, StoreError> {
        let columns = (None, agent::Column::Id);
        let key = |row: &agent::Model| Cursor::of_id(row.id.0);
        let end = agent::Column::DeactivatedAt;
        let wanted = active.map(|active| if active { end.is_null() } else { end.is_not_null() });
        let query = agent::Entity::find().filter(Condition::all().add_option(wanted));
        page::read(query, page, columns, self.0.readers(), key, read).await
    }

    /// Returns the Matrix users of the active agents.
    pub async fn answering(&self) -> Result<Vec<MatrixUserId>, StoreError> {
        self.users(Agent::is_active).await
    }

    /// Returns the Matrix users of the active agents who are limited to no account.
    pub async fn unlimited(&self) -> Result<Vec<MatrixUserId>, StoreError> {
        self.users(|agent| agent.is_active() && agent.accounts.is_none()).await
    }

    /// Returns the Matrix users of the agents who work for an account, and of those who do not, or not any more, with those that
    /// agents had before.
    pub async fn of_account(&self, account: AccountId) -> Result<(Vec<MatrixUserId>, Vec<MatrixUserId>), StoreError> {
        let agents = all(self.0.readers()).await?;
        let (ours, others): (Vec<_>, Vec<_>) = agents.into_iter().partition(|agent| agent.works_for(account));
        let users = |agents: Vec<Agent>| agents.into_iter().filter_map(|agent| agent.matrix_user);
        let former = former(self.0.readers()).await?.into_iter().map(|(_, user)| user);
        Ok((users(ours).collect(), users(others).chain(former).collect()))
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

    /// Returns the agent with this Matrix user, also a deactivated one.
    pub async fn of_user(&self, user: &MatrixUserId) -> Result<Option<Agent>, StoreError> {
        let query = agent::Entity::find().filter(agent::Column::MatrixUser.eq(user.as_str()));
        query.one(&self.0.session).await?.map(read).transpose()
    }

    /// Returns the agent with this id, also a deactivated one.
    pub async fn find(&self, id: AgentId) -> Result<Option<Agent>, StoreError> {
        self.row(id).await?.map(read).transpose()
    }

    /// Returns the signature of an agent, if they have one.
    pub async fn signature(&self, id: AgentId) -> Result<Option<Signature>, StoreError> {
        let query = agent::Entity::find_by_id(id)
            .select_only()
            .column(agent::Column::Signature)
            .into_tuple::<Option<String>>();
        let text = query.one(&self.0.session).await?.flatten();
        text.map(|text| word("agents", &text)).transpose()
    }

    /// Adds an agent of the least role, for all accounts, and returns its id. A Matrix user can be one agent at most: the
    /// database refuses a second one.
    pub async fn add(&self, user: &MatrixUserId, name: &str, source: AgentSource) -> Result<AgentId, StoreError> {
        let new = NewAgent {
            name: name.to_owned(),
            matrix_user: Some(user.clone()),
            role: Role::default(),
            accounts: None,
            signature: None,
            time_zone: None,
            source,
        };
        Ok(self.create(&new).await?.id)
    }

    /// Adds an agent. The database refuses a name that another active agent has, and a Matrix user who is an agent.
    pub async fn create(&self, new: &NewAgent) -> Result<Agent, StoreError> {
        let row = agent::ActiveModel {
            id: NotSet,
            name: Set(new.name.clone()),
            matrix_user: Set(new.matrix_user.clone()),
            created_at: Set(self.0.now.0),
            source: Set(Some(new.source.to_string())),
            deactivated_at: Set(None),
            deactivated_by: Set(None),
            role: Set(Some(new.role.to_string())),
            accounts: Set(new.accounts.as_ref().map(to_json).transpose()?),
            active_name: Set(Some(name_key(&new.name))),
            signature: Set(new.signature.as_ref().map(|text| text.as_str().to_owned())),
            time_zone: Set(new.time_zone.clone()),
        };
        let id = agent::Entity::insert(row).exec(&self.0.session).await?.last_insert_id;
        self.0.wake(WorkFor::Spaces);
        self.find(id).await?.ok_or(StoreError::Missing { what: "agent" })
    }

    /// Changes an agent, and returns it. A Matrix user that the agent had is kept as a former one.
    pub async fn update(&self, id: AgentId, change: &AgentChange) -> Result<Agent, StoreError> {
        let before = self.row(id).await?.ok_or(StoreError::Missing { what: "agent" })?;
        let mut update = agent::ActiveModel::default();
        if let Some(name) = &change.name {
            update.name = Set(name.clone());
            if before.deactivated_at.is_none() {
                update.active_name = Set(Some(name_key(name)));
            }
        }
        if let Some(user) = &change.matrix_user {
            if let Some(left) = before.matrix_user.filter(|left| user.as_ref() != Some(left)) {
                self.keep_former(id, left).await?;
            }
            update.matrix_user = Set(user.clone());
        }
        if let Some(role) = change.role {
            update.role = Set(Some(role.to_string()));
        }
        if let Some(accounts) = &change.accounts {
            update.accounts = Set(accounts.as_ref().map(to_json).transpose()?);
        }
        if let Some(signature) = &change.signature {
            update.signature = Set(signature.as_ref().map(|text| text.as_str().to_owned()));
        }
        if let Some(time_zone) = &change.time_zone {
            update.time_zone = Set(time_zone.clone());
        }
        if *change != AgentChange::default() {
            self.change(id, update).await?;
        }
        self.find(id).await?.ok_or(StoreError::Missing { what: "agent" })
    }

    /// Deactivates an agent. A later decision replaces an earlier one, so a person's decision replaces the
    /// configuration's.
    pub async fn deactivate(&self, id: AgentId, by: AgentSource) -> Result<(), StoreError> {
        let change = agent::ActiveModel {
            deactivated_at: Set(Some(self.0.now.0)),
            deactivated_by: Set(Some(by.to_string())),
            active_name: Set(None),
            ..agent::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Activates an agent again. The database refuses it while another active agent has the name.
    pub async fn activate(&self, id: AgentId) -> Result<(), StoreError> {
        let row = self.row(id).await?.ok_or(StoreError::Missing { what: "agent" })?;
        let change = agent::ActiveModel {
            deactivated_at: Set(None),
            deactivated_by: Set(None),
            active_name: Set(Some(name_key(&row.name))),
            ..agent::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Stores a Matrix user that an agent had. The agent's row is locked: of two changes at once neither is lost.
    async fn keep_former(&self, id: AgentId, user: MatrixUserId) -> Result<(), StoreError> {
        let (settings, name) = (self.0.settings(), format!("{FORMER}{id}"));
        let stored = settings.get(&name).await?;
        let mut users: Vec<MatrixUserId> = stored.map_or(Ok(vec![]), |users| from_json("settings", &users))?;
        if users.contains(&user) {
            return Ok(());
        }
        users.push(user);
        settings.set(&name, Some(&to_json(&users)?)).await
    }

    async fn row(&self, id: AgentId) -> Result<Option<agent::Model>, StoreError> {
        let query = exclusive(&self.0.session, agent::Entity::find_by_id(id));
        Ok(query.one(&self.0.session).await?)
    }

    async fn change(&self, id: AgentId, change: agent::ActiveModel) -> Result<(), StoreError> {
        self.0.wake(WorkFor::Spaces);
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

async fn former(database: &impl ConnectionTrait) -> Result<Vec<(AgentId, MatrixUserId)>, StoreError> {
    let rows = setting::Entity::find()
        .filter(setting::Column::Name.starts_with(FORMER))
        .order_by_asc(setting::Column::Name)
        .all(database)
        .await?;
    let mut former = vec![];
    for row in rows {
        let id = AgentId(word("settings", row.name.trim_start_matches(FORMER))?);
        let users: Vec<MatrixUserId> = from_json("settings", &row.value)?;
        former.extend(users.into_iter().map(|user| (id, user)));
    }
    if !former.is_empty() {
        // One who is an agent again is in rooms as what they are now.
        let agents = all(database).await?;
        former.retain(|(_, user)| agents.iter().all(|agent| agent.matrix_user.as_ref() != Some(user)));
    }
    Ok(former)
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
        role: row.role.map_or(Ok(Role::default()), |text| word("agents", &text))?,
        accounts: row.accounts.map(|ids| from_json("agents", &ids)).transpose()?,
        signature: row.signature.map(|text| word("agents", &text)).transpose()?,
        time_zone: row.time_zone,
        source: source(row.source)?,
        created_at: Timestamp(row.created_at),
        deactivated,
    })
}
