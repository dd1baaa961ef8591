//! Handles one event of a room: a text for the customer, a command, an unsupported kind, or nothing (rules 1 and 5).

use crate::bridge::core::policy::Policy;
use crate::bridge::core::{Core, accounts, agents, people, state};
use crate::domain::conversation::Conversation;
use crate::domain::matrix::{Membership, ReadUpTo, RoomEvent, RoomEventKind};
use crate::domain::outbox::MatrixWork;
use crate::domain::special::Special;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, MessageId};
use crate::store::{NewWork, StoreError, Tx};

use super::asking::{self, Held};
use super::commands::Given;
use super::commands::context::RoomContext;
use super::commands::internal::{self, Place};
use super::effects::{Taken, answer, refuse};
use super::kinds::polls;
use super::management::wants;
use super::{changes, commands, effects, files, gone, management, redaction};

/// Handles one event. Ignores events that were handled before, and those of other people than agents, except that the
/// bot was removed from the room.
pub(crate) async fn take_in(
    tx: &mut Tx,
    core: &Core,
    event: &RoomEvent,
    around: &RoomContext,
) -> Result<Taken, StoreError> {
    let policy = &*core.policy;
    let is_work = asks(event) && tx.agents().is_answering(&event.sender).await?;
    if let RoomEventKind::Redaction { of } = &event.what {
        if tx.cards().lose(of).await? {
            // Another takes its place.
            if let Some(conversation) = conversation_of(tx, event).await? {
                tx.cards().ask(conversation.account_id, conversation.id).await?;
            }
            return Ok(Taken::Done);
        }
        // It waits behind nothing: what it takes back may be the next to go out.
        return if is_work {
            redaction::take_back(tx, policy, event, of).await
        } else {
            Ok(Taken::Nothing)
        };
    }
    let found = conversation_of(tx, event).await?;
    let management = match found {
        None => wants::place(tx).await?,
        Some(_) => wants::Place::None,
    };
    if management.is(&event.room) {
        return management::take_in(tx, core, event, around).await;
    }
    let is_made = management == wants::Place::Making;
    let waits = is_work && !around.is_first && tx.pending_events().wait_in(&event.room).await?;
    let conversation = match found {
        Some(conversation) if !waits => conversation,
        None if !is_work || !(is_made || tx.rooms().is_making_one().await?) => return Ok(Taken::Nothing),
        // An agent may write in a room after it was created and before we have stored it; later events wait behind.
        _ => {
            tx.pending_events()
                .add(&event.room, &event.id, &event.sender, event.at)
                .await?;
            return Ok(Taken::Nothing);
        }
    };
    if let RoomEventKind::Member { user, membership } = &event.what {
        return member(tx, around, (&event.room, &conversation), user, *membership).await;
    }
    if event.what == RoomEventKind::Replaced {
        return replaced(tx, policy, &conversation, event).await;
    }
    if !is_work || is_done(tx, &event.id).await? {
        return Ok(Taken::Nothing);
    }
    let account = conversation.account_id;
    // Who is an agent of other accounts alone is a stranger here.
    let Some(agent) = tx
        .agents()
        .of_user(&event.sender)
        .await?
        .filter(|agent| agent.works_for(account))
    else {
        return Ok(Taken::Nothing);
    };
    let conversation = locked(tx, event, conversation).await?;
    if conversation.merged_into.is_some() {
        let text = format!("Not sent. {}", people::goes_on(tx, conversation.id).await?);
        return refuse(tx, &conversation, event, text).await;
    }
    let given = Given {
        core,
        conversation: &conversation,
        event,
        agent: &agent,
        around,
    };
    Box::pin(written(tx, &given)).await
}

/// Handles what an agent has written in the room of a live conversation: a command, a note, something for the customer, or
/// something that is answered.
async fn written(tx: &mut Tx, given: &Given<'_>) -> Result<Taken, StoreError> {
    let Given {
        core,
        conversation,
        event,
        agent,
        around,
    } = *given;
    let place = match &event.what {
        RoomEventKind::Undecryptable => Place::Talk { reply_to: None },
        RoomEventKind::Text { body, .. } => match commands::parse(body) {
            Some(parsed) => return commands::run(tx, given, parsed).await,
            None => internal::place(tx, event, &around.looked_up).await?,
        },
        _ => internal::place(tx, event, &around.looked_up).await?,
    };
    if let (Place::Notes, RoomEventKind::Text { body, .. }) = (&place, &event.what) {
        return commands::run(tx, given, commands::note(body)).await;
    }
    let reply_to = match place.refusal() {
        // Whatever kind it is, also one that is added later.
        Some(text) => {
            internal::keep(tx, event).await?;
            return refuse(tx, conversation, event, text).await;
        }
        None => place.reply_to(),
    };
    let is_confirmed = match asking::hold_back(tx, given, reply_to).await? {
        Held::Back(taken) => return Ok(taken),
        Held::Free => false,
        Held::Confirmed => true,
    };
    let policy = &*accounts::policy(tx, core, conversation.account_id).await?;
    match &event.what {
        RoomEventKind::Text { body, .. } if is_confirmed => {
            effects::queue(tx, policy, conversation, (event, agent.id), body, reply_to).await
        }
        RoomEventKind::Text { body, .. } => {
            effects::text(tx, policy, conversation, (event, agent.id), body, reply_to).await
        }
        RoomEventKind::Place { place, .. } => {
            let said = effects::Said {
                words: None,
                content: "",
                special: Some(Special::Location(place.clone())),
                file: None,
                reply_to,
            };
            if is_confirmed {
                return effects::put_out(tx, policy, conversation, (event, agent.id), said).await;
            }
            effects::current(tx, policy, conversation, (event, agent.id), said).await
        }
        RoomEventKind::Poll { poll, .. } => {
            polls::send(tx, policy, conversation, (event, agent.id), (poll, reply_to)).await
        }
        RoomEventKind::Vote { of } | RoomEventKind::PollEnd { of } => {
            polls::answer_vote(tx, conversation, event, of).await
        }
        RoomEventKind::Edit { of, body } => changes::edit(tx, policy, conversation, event, (of, body)).await,
        RoomEventKind::Reaction { of, key } => match commands::reacted(tx, given, (of, key)).await? {
            Some(taken) => Ok(taken),
            None => changes::react(tx, policy, (conversation, around), event, (of, key)).await,
        },
        RoomEventKind::File { file, .. } => {
            if let Some(media) = &around.file {
                let cards = &around.cards;
                let sent = files::Fetched {
                    file,
                    media,
                    cards,
                    reply_to,
                    is_confirmed,
                };
                return files::send(tx, policy, conversation, (event, agent.id), sent).await;
            }
            tx.pending_events().add_with_file(event).await?;
            Ok(Taken::Nothing)
        }
        RoomEventKind::Unsupported(what) => {
            refuse(
                tx,
                conversation,
                event,
                format!("Not sent: {what} is not supported yet. Write it as a new message."),
            )
            .await
        }
        RoomEventKind::Undecryptable => wait_for_key(tx, conversation, event).await,
        RoomEventKind::Notice
        | RoomEventKind::Other
        | RoomEventKind::Redaction { .. }
        | RoomEventKind::Replaced
        | RoomEventKind::Fence
        | RoomEventKind::Member { .. } => Ok(Taken::Nothing),
    }
}

/// Keeps an event that cannot be decrypted until its key comes, and says so once.
async fn wait_for_key(tx: &mut Tx, conversation: &Conversation, event: &RoomEvent) -> Result<Taken, StoreError> {
    let pending = tx.pending_events();
    if !pending.add(&event.room, &event.id, &event.sender, event.at).await? {
        return Ok(Taken::Nothing);
    }
    tx.pending_events().mark_told(&event.id).await?;
    let text = "Not sent: I cannot decrypt this yet. It is sent when its key arrives; or write it again.";
    answer(tx, conversation, event, text.to_owned()).await
}

/// Returns whether an event was handled before: it is a message, or stays inside.
async fn is_done(tx: &mut Tx, event: &MatrixEventId) -> Result<bool, StoreError> {
    Ok(tx.rooms().is_known_event(event).await? || tx.internal_events().get(event).await?.is_some())
}

/// Answers in the room that messages before this event could not be read back.
pub(crate) async fn tell_cut(tx: &mut Tx, first: &RoomEvent) -> Result<(), StoreError> {
    if let Some(conversation) = conversation_of(tx, first).await? {
        let text = "Not sent: messages before this one, written while I was away; there were too many to read back. \
                    Send them again if still relevant.";
        answer(tx, &conversation, first, text.to_owned()).await?;
    }
    Ok(())
}

/// Returns whether an event needs an action if an agent wrote it.
const fn asks(event: &RoomEvent) -> bool {
    use RoomEventKind::{
        Edit, File, Place, Poll, PollEnd, Reaction, Redaction, Text, Undecryptable, Unsupported, Vote,
    };
    matches!(
        event.what,
        Text { .. }
            | File { .. }
            | Place { .. }
            | Poll { .. }
            | Vote { .. }
            | PollEnd { .. }
            | Edit { .. }
            | Reaction { .. }
            | Unsupported(_)
            | Undecryptable
            | Redaction { .. }
    )
}

/// Forgets a room from which the bot was removed: the next message creates a new one. Stores that an agent has left. Ignores
/// other membership changes.
async fn member(
    tx: &mut Tx,
    around: &RoomContext,
    (room, conversation): (&MatrixRoomId, &Conversation),
    user: &MatrixUserId,
    membership: Membership,
) -> Result<Taken, StoreError> {
    if !matches!(membership, Membership::Leave | Membership::Ban) {
        return Ok(Taken::Nothing);
    }
    if around.bot.as_ref() == Some(user) {
        // Not one of a login from which the room has moved.
        let keeper = tx.rooms().by_id(room).await?.and_then(|row| row.keeper);
        if keeper.is_none_or(|keeper| keeper == *user) {
            gone::forget(tx, room).await?;
        }
    } else if tx.agents().is_answering(user).await? {
        agents::note_left(tx, conversation.id).await?;
    }
    Ok(Taken::Nothing)
}

/// Forgets a room that somebody has upgraded: nobody can write in it any more, and the bot is not in the new one. The
/// conversation continues in a room of our own, to which the agents are invited at once.
async fn replaced(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    event: &RoomEvent,
) -> Result<Taken, StoreError> {
    gone::forget(tx, &event.room).await?;
    let Some(about) = conversation.last_message_id.filter(|_| policy.matrix) else {
        return Ok(Taken::Nothing);
    };
    let text = "This conversation continues here: its earlier room was upgraded. What you write in the upgraded room does \
                not reach the customer.";
    let work = MatrixWork::Answer {
        about,
        text: text.to_owned(),
    };
    let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
    tx.outbox().enqueue(work).await?;
    Ok(Taken::Answered)
}

/// Stores how far an agent has read, which the guard against answers that cross goes by.
pub(crate) async fn note_read(tx: &mut Tx, receipt: &ReadUpTo, around: &RoomContext) -> Result<(), StoreError> {
    if !tx.agents().is_answering(&receipt.user).await? || tx.rooms().conversation(&receipt.room).await?.is_none() {
        return Ok(());
    }
    tx.rooms().note_receipt(&receipt.user).await?;
    if let Some(read) = read_message(tx, receipt, around).await?
        && tx.rooms().note_read(&receipt.room, &receipt.user, read).await?
    {
        tx.pending_events().hasten(&receipt.room, &receipt.user).await?;
    }
    Ok(())
}

/// Handles an agent's read receipt (rule 15): marks the conversation as read if its last message is covered. Returns
/// the conversation if it had unread messages.
pub(crate) async fn read_up_to(
    tx: &mut Tx,
    receipt: &ReadUpTo,
    around: &RoomContext,
) -> Result<Option<Conversation>, StoreError> {
    if !tx.agents().is_answering(&receipt.user).await? {
        return Ok(None);
    }
    let Some(id) = tx.rooms().conversation(&receipt.room).await? else {
        return Ok(None);
    };
    let Some(conversation) = tx.conversations().get(id).await? else {
        return Ok(None);
    };
    let Some(read) = read_message(tx, receipt, around).await? else {
        return Ok(None);
    };
    if conversation.last_message_id.is_some_and(|last| read < last) {
        // The agent has not seen the newest messages yet.
        return Ok(None);
    }
    let newly = state::mark_answered(tx, &conversation).await?;
    Ok(newly.then_some(conversation))
}

/// Returns the newest message that is shown at or before the read event, since a receipt may be for a tick or a notice.
async fn read_message(tx: &mut Tx, receipt: &ReadUpTo, around: &RoomContext) -> Result<Option<MessageId>, StoreError> {
    let before = around.before.get(&receipt.event).into_iter().flatten();
    for event in std::iter::once(&receipt.event).chain(before) {
        if let Some(shown) = tx.rooms().message_of_event(event).await? {
            return Ok(Some(shown.message));
        }
    }
    Ok(None)
}

/// Returns the conversation of an event's room, locked: since it was found another process may have merged it, or given the
/// room to another conversation.
async fn locked(tx: &mut Tx, event: &RoomEvent, found: Conversation) -> Result<Conversation, StoreError> {
    let mut found = found;
    for _ in 0..MAX_LOCKED {
        if tx.conversations().relock(&found).await?.as_ref() == Some(&found) {
            return Ok(found);
        }
        let now = conversation_of(tx, event).await?;
        found = now.ok_or(StoreError::Missing { what: "conversation" })?;
    }
    Err(StoreError::Busy(format!(
        "conversation {} is changed again and again by others",
        found.id
    )))
}

pub(super) async fn conversation_of(tx: &mut Tx, event: &RoomEvent) -> Result<Option<Conversation>, StoreError> {
    match tx.rooms().conversation(&event.room).await? {
        Some(id) => tx.conversations().get(id).await,
        None => Ok(None),
    }
}

/// Most times that the conversation of a room is looked up, because it was changed while its lock was waited for.
const MAX_LOCKED: u32 = 10;
