//! Lines in a room that report an event beside the messages themselves.

use crate::contract::Event;
use crate::domain::ConversationId;
use crate::domain::conversation::Conversation;
use crate::domain::message::{Kind, Message, Origin};
use crate::domain::outbox::MatrixWork;
use crate::store::{NewWork, StoreError, Tx};

use super::policy::Policy;

/// Most lines of one notice; how many others there are is said.
const MAX_LINES: usize = 20;

/// Queues a line that answers `message` in its room, so that agents notice a change of an older message. Does nothing
/// for imported history that no room shows, for system messages, and without a homeserver.
pub(crate) async fn tell(tx: &mut Tx, policy: &Policy, message: &Message, text: String) -> Result<(), StoreError> {
    let work = MatrixWork::Answer {
        about: message.id,
        text,
    };
    show(tx, policy, message, work).await
}

/// Queues that the room of an edited message shows its new text: in place of the old one where the bot has sent that, else
/// by a line that answers it.
pub(crate) async fn show_edit(tx: &mut Tx, policy: &Policy, message: &Message, line: String) -> Result<(), StoreError> {
    if is_written_in_room(message) || message.media.is_some() {
        return tell(tx, policy, message, line).await;
    }
    show(tx, policy, message, MatrixWork::ShowEdit { message: message.id }).await
}

/// Queues that the room of a message loses it, and says who has deleted it.
pub(crate) async fn show_deletion(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    line: String,
) -> Result<(), StoreError> {
    show(tx, policy, message, MatrixWork::ShowDeletion { message: message.id }).await?;
    tell(tx, policy, message, line).await
}

/// Queues that the room of a message whose time is over loses it. Nobody has deleted it, so nothing is said.
pub(crate) async fn show_end(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<(), StoreError> {
    show(tx, policy, message, MatrixWork::ShowDeletion { message: message.id }).await
}

/// Queues that the room of a message shows the present reactions to it: as reactions where only the customer and we react,
/// in a group by a line that names who it was, but for what an agent did in the room itself.
pub(crate) async fn show_reactions(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    line: String,
) -> Result<(), StoreError> {
    let is_direct = message.customer_id.is_some();
    if is_direct {
        return show(tx, policy, message, MatrixWork::ShowReactions { message: message.id }).await;
    }
    tell(tx, policy, message, line).await
}

/// Queues that the room of a poll shows a vote; `line` says whose and for what.
pub(crate) async fn show_vote(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    from_me: bool,
    line: String,
) -> Result<(), StoreError> {
    let work = MatrixWork::ShowVote {
        message: message.id,
        from_me,
        text: line,
    };
    show(tx, policy, message, work).await
}

/// Returns lines as one text. In a large group many react to a message while nobody listens.
pub(crate) fn in_one(mut lines: Vec<String>) -> String {
    let others = lines.len().saturating_sub(MAX_LINES);
    if others > 0 {
        lines.truncate(MAX_LINES);
        lines.push(format!("and {others} more"));
    }
    lines.join("\n")
}

async fn show(tx: &mut Tx, policy: &Policy, message: &Message, work: MatrixWork) -> Result<(), StoreError> {
    if !policy.matrix || message.kind == Kind::System {
        return Ok(());
    }
    // Of imported history a room shows only what it began with.
    if !message.backfilled || tx.rooms().is_shown(message.id).await? {
        tx.outbox().enqueue(NewWork::for_message(message, work)).await?;
        tx.cards().ask(message.account_id, message.conversation_id).await?;
    }
    Ok(())
}

/// Returns whether an agent wrote the message in its room: the event is the agent's own.
fn is_written_in_room(message: &Message) -> bool {
    let origin = message.author.as_ref().and_then(|author| author.origin);
    origin == Some(Origin::Matrix)
}

/// Emits that a conversation has changed (a group's name or members), and queues the update of its room.
pub(crate) async fn announce(tx: &mut Tx, policy: &Policy, id: ConversationId) -> Result<(), StoreError> {
    let Some(conversation) = tx.conversations().get(id).await? else {
        return Ok(());
    };
    tx.emit(Event::conversation_updated(&conversation));
    show_room(tx, policy, &conversation).await
}

/// Queues the update of a conversation's room, if there is a homeserver.
pub(crate) async fn show_room(tx: &mut Tx, policy: &Policy, conversation: &Conversation) -> Result<(), StoreError> {
    if policy.matrix {
        let work = NewWork::for_conversation(conversation.account_id, conversation.id, MatrixWork::UpdateRoom);
        tx.outbox().enqueue(work).await?;
        tx.cards().ask(conversation.account_id, conversation.id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lines_are_one_bounded_notice() {
        let lines = |count| (1..=count).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(in_one(lines(2)), "1\n2");
        assert_eq!(in_one(lines(MAX_LINES)).lines().count(), MAX_LINES);
        let many = in_one(lines(MAX_LINES + 7));
        assert_eq!(many.lines().count(), MAX_LINES + 1);
        assert!(many.ends_with("\nand 7 more"), "{many}");
    }
}
