//! The people who answer.

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
    pub async fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        todo!()
    }
}

impl Tx {
    /// The agent behind a Matrix user, made when there is none; takes `name` when it differs.
    pub async fn resolve_agent(&mut self, user: &MatrixUserId, name: &str) -> Result<Agent, StoreError> {
        todo!()
    }
}
