//! Changes who may do what: agents, and the keys of the API; and the audit log of who did what.

mod agents;
mod audit;
mod keys;

pub use agents::{AgentEdit, AgentRequest};
pub use audit::AuditLine;
pub use keys::{KeyMade, KeyRequest, MAX_OVERLAP, Rotation, create_key};

use crate::bridge::core::refusal::Refusal;
use crate::contract::AccountRef;
use crate::domain::AccountId;
use crate::store::Tx;

/// Returns the ids of the accounts that a request names, in order, each once; also of removed ones, whose conversations
/// stay. Refused with a pointer to the first that does not exist.
async fn accounts(tx: &mut Tx, named: &[AccountRef]) -> Result<Vec<AccountId>, Refusal> {
    let mut ids = vec![];
    for (at, named) in named.iter().enumerate() {
        let name = match named {
            AccountRef::Id(id) => id.to_string(),
            AccountRef::Name(name) => name.clone(),
        };
        let account = tx.accounts().called(&name).await?;
        let account = account.ok_or_else(|| Refusal::WrongField {
            pointer: format!("/accounts/{at}"),
            detail: format!("there is no account {name}; `crm account list` shows those that there are"),
        })?;
        ids.push(account.id);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
