//! Polls in rooms: shown with their votes, and sent to the customer.

use crate::bridge::core::policy::Policy;
use crate::bridge::rooms::commands::{self, internal};
use crate::bridge::rooms::effects::{Said, Taken, answer, current, refuse};
use crate::bridge::rooms::relay::{RoomRelay, Undone};
use crate::bridge::rooms::txn::of_item;
use crate::domain::conversation::Conversation;
use crate::domain::details::Poll;
use crate::domain::matrix::{MatrixError, RoomContent, RoomEvent, RoomEventKind, Speaker};
use crate::domain::message::Message;
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::shown::RoomPoll;
use crate::domain::special::{self, Special};
use crate::domain::{AgentId, MatrixEventId, MatrixRoomId, MessageId};
use crate::store::{StoreError, Tx};

/// Returns a poll as a room shows it. `line` is for clients without polls.
pub(in crate::bridge::rooms) fn shown(poll: &Poll, line: String) -> RoomPoll {
    RoomPoll {
        question: poll.question.clone(),
        options: poll.options.clone(),
        selectable: poll.selectable,
        line,
    }
}

/// Queues an agent's poll for the customer, or answers in the room why not.
pub(in crate::bridge::rooms) async fn send(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    by: (&RoomEvent, AgentId),
    (poll, reply_to): (&Poll, Option<&MatrixEventId>),
) -> Result<Taken, StoreError> {
    if commands::is_command(&poll.question) {
        internal::keep(tx, by.0).await?;
        let text = "Not sent: a poll carries no command. Write the command as a message.";
        return refuse(tx, conversation, by.0, text.to_owned()).await;
    }
    let poll = match special::poll(poll) {
        Ok(poll) => poll,
        Err(why) => return refuse(tx, conversation, by.0, format!("Not sent: {why}.")).await,
    };
    let said = Said {
        words: None,
        content: "",
        special: Some(Special::Poll(poll)),
        file: None,
        reply_to,
    };
    current(tx, policy, conversation, by, said).await
}

/// Answers an agent's vote in a poll of the talk, or the end of one: WhatsApp Web's library knows neither. A poll that the
/// customer does not have is the room's own.
pub(in crate::bridge::rooms) async fn answer_vote(
    tx: &mut Tx,
    conversation: &Conversation,
    event: &RoomEvent,
    of: &MatrixEventId,
) -> Result<Taken, StoreError> {
    if tx.rooms().message_of_event(of).await?.is_none() {
        return Ok(Taken::Nothing);
    }
    let text = match event.what {
        RoomEventKind::PollEnd { .. } => {
            "Not closed for the customer: a poll on WhatsApp has no end. They can go on voting, and their votes are told here."
        }
        _ => "Not sent: crm cannot vote in a poll on WhatsApp. Write your answer as a message, or vote on the phone.",
    };
    answer(tx, conversation, event, text.to_owned()).await
}

impl RoomRelay {
    /// Shows a vote: as one of the customer's own user, with their present choice, if they have a user and the room shows
    /// the poll as one; else as the line `text`.
    pub(in crate::bridge::rooms) async fn show_vote(
        &self,
        item: &OutboxItem<MatrixWork>,
        id: MessageId,
        from_me: bool,
        text: &str,
    ) -> Result<(), Undone> {
        if !from_me
            && self.port.has_ghosts()
            && let Some(message) = self.core.store.messages().get(id).await?
            && let Some((room, event)) = self.shown(id).await?
            && let Some(voter) = self.customer_of(&message).await?
            && let Some(options) = chosen(&message)
            && self.is_poll(&room, &event).await?
        {
            let content = RoomContent::Vote { of: event, options };
            self.send(item, &room, &voter, &of_item(item), &content).await?;
            return Ok(self.finish(item).await?);
        }
        self.answer(item, id, text).await
    }

    /// Returns the customer of a message's conversation as the speaker; none in a group.
    pub(in crate::bridge::rooms) async fn customer_of(&self, message: &Message) -> Result<Option<Speaker>, StoreError> {
        let store = &self.core.store;
        let conversation = store.conversations().get(message.conversation_id).await?;
        let Some(id) = conversation.and_then(|conversation| conversation.customer_id) else {
            return Ok(None);
        };
        let customer = store.customers().get(id).await?;
        Ok(customer.map(|customer| Speaker::Customer {
            id,
            name: self.core.policy.shown_name(&customer.name, Some(id)),
            avatar: customer.photo_url,
        }))
    }

    /// Returns whether the room shows a message as a poll: earlier versions showed a line.
    async fn is_poll(&self, room: &MatrixRoomId, event: &MatrixEventId) -> Result<bool, Undone> {
        match self.port.event(room, event).await {
            Ok(event) => Ok(matches!(event.what, RoomEventKind::Poll { .. })),
            Err(MatrixError::Refused(_)) => Ok(false),
            Err(error) => Err(Undone::in_room(room)(error)),
        }
    }
}

/// Returns the ids of the options that the customer has chosen.
fn chosen(message: &Message) -> Option<Vec<String>> {
    let poll = message.details.as_ref()?.poll.as_ref()?;
    let vote = poll.votes.iter().find(|vote| !vote.from_me)?;
    let number = |option: &String| poll.options.iter().position(|known| known == option);
    let id = |number: usize| poll.ids.get(number).cloned().unwrap_or_else(|| number.to_string());
    Some(vote.options.iter().filter_map(number).map(id).collect())
}
