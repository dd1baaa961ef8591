//! Commands about the desk's work on the conversation: who has it, how it stands, its labels.

use std::fmt::Write as _;

use crate::bridge::core::refusal::Refusal;
use crate::bridge::desk::{self, Assignment};
use crate::domain::agent::{Agent, name_key};
use crate::domain::conversation::ConversationStatus;
use crate::domain::{MatrixUserId, Operation};
use crate::store::{Standing, StoreError, Tx};

use super::given::{Done, Given};
use super::told::cut_bytes;
use super::{Labelling, Whom};

/// Most agents that an answer names.
const MAX_NAMED: usize = 20;

/// Gives the conversation to somebody.
pub(super) async fn assign(tx: &mut Tx, given: &Given<'_>, whom: &Whom) -> Result<Done, Refusal> {
    let to = match whom {
        Whom::Me => Some(given.agent.id),
        Whom::Nobody => None,
        Whom::Agent(text) => match find(tx, given, text).await? {
            Ok(agent) => Some(agent.id),
            Err(told) => return Ok(Done::Told(told)),
        },
    };
    let assignment = Assignment {
        to,
        from: given.conversation.assignee.as_ref().map(|agent| agent.id),
        expected: None,
    };
    let changed = desk::assign(tx, given.core, given.conversation.id, &assignment).await?;
    Ok(Done::Told(match changed.assignee {
        Some(agent) => format!("{} has this conversation now.", agent.name),
        None => "Nobody has this conversation now.".to_owned(),
    }))
}

/// Returns the agent that a text means; the answer if it may mean several, or none.
async fn find(tx: &mut Tx, given: &Given<'_>, text: &str) -> Result<Result<Agent, String>, StoreError> {
    let mut agents = tx.agents().list().await?;
    agents.retain(|agent| agent.works_for(given.conversation.account_id));
    let (key, id) = (name_key(text), text.trim_start_matches('#'));
    let is_meant = |agent: &&Agent| {
        let user = agent.matrix_user.as_ref().map(MatrixUserId::as_str);
        name_key(&agent.name) == key || user == Some(text) || agent.id.to_string() == id
    };
    let begins = |agent: &&Agent| name_key(&agent.name).starts_with(&key);
    let mut found: Vec<&Agent> = agents.iter().filter(is_meant).collect();
    if found.is_empty() {
        found = agents.iter().filter(begins).collect();
    }
    if let [agent] = found[..] {
        return Ok(Ok(agent.clone()));
    }
    let (what, listed) = if found.is_empty() {
        (format!("no agent here is called {text}"), agents.iter().collect())
    } else {
        (format!("{text} may be several agents"), found)
    };
    let names: Vec<String> = listed
        .iter()
        .take(MAX_NAMED)
        .map(|agent| format!("{} ({})", agent.name, agent.id))
        .collect();
    Ok(Err(format!(
        "Not done: {what}. Write !assign with a name or number of these: {}.",
        names.join(", ")
    )))
}

/// Sets how the conversation stands.
pub(super) async fn stand(tx: &mut Tx, given: &Given<'_>, status: ConversationStatus) -> Result<Done, Refusal> {
    put(tx, given, Standing { status, until: None }).await?;
    Ok(Done::Told(format!("This conversation is {status} now.")))
}

/// Lets the conversation sleep.
pub(super) async fn snooze(tx: &mut Tx, given: &Given<'_>, until: Option<&str>) -> Result<Done, Refusal> {
    let until = match until {
        Some(text) => Some(given.time(tx, text).await?),
        None => None,
    };
    let status = ConversationStatus::Snoozed;
    put(tx, given, Standing { status, until }).await?;
    let until = match until {
        Some(until) => given.told(tx, until).await?,
        None => "the customer writes".to_owned(),
    };
    Ok(Done::Told(format!("This conversation sleeps until {until}.")))
}

async fn put(tx: &mut Tx, given: &Given<'_>, standing: Standing) -> Result<(), Refusal> {
    desk::stand(tx, given.core, given.conversation.id, standing, None)
        .await
        .map(|_| ())
}

/// Lists the labels of the conversation, and those that the desk has.
pub(super) async fn labels(tx: &mut Tx, given: &Given<'_>) -> Result<Done, Refusal> {
    let all = tx.labels().list().await?;
    let mut text = of_conversation(&given.conversation.labels);
    if all.is_empty() {
        text.push_str("\nThe desk has no labels. A manager makes one by putting it on: !label +NAME");
    } else {
        let names: Vec<&str> = all.iter().map(|label| label.name.as_str()).collect();
        let _ = write!(text, "\nLabels of the desk: {}.", names.join(", "));
    }
    Ok(Done::Told(cut_bytes(text)))
}

/// Puts labels on the conversation and takes others off: all of them, or none.
pub(super) async fn label(tx: &mut Tx, given: &Given<'_>, changes: &[Labelling]) -> Result<Done, Refusal> {
    let id = given.conversation.id;
    let may_create = given.agent.may(Operation::EditLabels);
    let mut labels = given.conversation.labels.clone();
    for change in changes {
        let conversation = match change {
            Labelling::Put(name) => desk::put_label(tx, given.core, id, name, may_create).await?,
            Labelling::Take(name) => desk::take_label(tx, given.core, id, name).await?,
        };
        labels = conversation.labels;
    }
    Ok(Done::Told(of_conversation(&labels)))
}

fn of_conversation(labels: &[String]) -> String {
    if labels.is_empty() {
        "This conversation has no labels now.".to_owned()
    } else {
        format!("Labels: {}.", labels.join(", "))
    }
}
