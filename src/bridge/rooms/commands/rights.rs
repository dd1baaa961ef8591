//! Rights of agents in rooms, and the audit log of what they do there.

use crate::bridge::desk::AuditLine;
use crate::domain::agent::Agent;
use crate::domain::matrix::RoomEvent;
use crate::domain::{ConversationId, Operation};
use crate::store::{StoreError, Tx};

/// Returns the answer to an agent whose role does not allow what they want.
pub(crate) fn not_allowed(agent: &Agent) -> String {
    format!(
        "Not done: your role ({}) does not allow this; ask a manager.",
        agent.role
    )
}

/// Writes the audit line of an operation that an agent asks for in a conversation's room, if it is one that is audited.
/// `how`: the command, or what else they did.
pub(crate) async fn audit(
    tx: &mut Tx,
    (event, agent): (&RoomEvent, &Agent),
    conversation: ConversationId,
    operation: Operation,
    how: &str,
) -> Result<(), StoreError> {
    let subject = format!("/api/v1/conversations/{conversation}");
    audit_of(tx, (event, agent), subject, operation, how).await
}

/// As [`audit`], for what concerns no conversation. `subject`: path of what is changed.
pub(crate) async fn audit_of(
    tx: &mut Tx,
    (event, agent): (&RoomEvent, &Agent),
    subject: String,
    operation: Operation,
    how: &str,
) -> Result<(), StoreError> {
    let actor = format!("agent {} ({}), {}", agent.id, agent.name, event.sender);
    let line = AuditLine::of(operation, actor, format!("ROOM {how}"), subject, event.id.as_str());
    match line {
        Some(line) => line.write(tx).await,
        None => Ok(()),
    }
}
