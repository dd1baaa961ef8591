//! Ticks: one reaction of the bot to each message in its room, which shows the message's state (rule 20).

use futures_util::FutureExt;

use crate::bridge::outbound::queue::LATE_AFTER;
use crate::domain::matrix::{MatrixError, RoomContent, Speaker};
use crate::domain::message::{Direction, Message, MessageState, Origin};
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::shown::{FailedBy, SendOutcome, SendStatus};
use crate::domain::{ConversationId, CustomerId, MatrixEventId, MatrixRoomId, MessageId};
use crate::store::{NewWork, StoreError, Tick, Tx};

use super::relay::{RoomRelay, Undone};
use super::txn::{of_message, of_part, txn};

/// Tick of a message that should have been sent by now.
const LATE: &str = "⏳";
/// Ticks of what the customer's phone has, and of what they have read.
const DELIVERED: &str = "✓✓";
const READ: &str = "✓✓ read";
/// Most ticks of one message that are looked for under the ids of the instance before a restore; few have as many.
const MAX_TURNS: i64 = 8;

/// Returns the tick for a state, if there is one yet. `late`: the message should have been sent by now.
fn key(state: MessageState, late: bool) -> Option<&'static str> {
    match state {
        MessageState::Received | MessageState::Scheduled | MessageState::Held => None,
        MessageState::Queued | MessageState::Sending => late.then_some(LATE),
        MessageState::Sent => Some("✓"),
        MessageState::Delivered => Some(DELIVERED),
        MessageState::Read | MessageState::Played => Some(READ),
        MessageState::Failed => Some("✗"),
        MessageState::Unknown => Some("?"),
    }
}

/// Queues an update of the tick of an outbound message. It is free of the conversation's lane, so that texts go first.
pub(crate) async fn ask(tx: &mut Tx, message: &Message) -> Result<(), StoreError> {
    if message.direction == Direction::Outbound {
        tx.outbox()
            .enqueue(NewWork::for_message(message, MatrixWork::Tick { message: message.id }).free())
            .await?;
    }
    Ok(())
}

/// Updates the tick to the message's current state. If several updates are queued, the first does the work and the
/// others find it done.
///
/// The new tick is stored before it is sent. Otherwise a crash between sending and storing, with a change of state in
/// between, would leave two reactions.
pub(crate) async fn bring_up_to_date(
    relay: &RoomRelay,
    item: &OutboxItem<MatrixWork>,
    id: MessageId,
) -> Result<(), Undone> {
    let core = &relay.core;
    let Some(message) = core.store.messages().get(id).await? else {
        return Ok(relay.finish(item).await?);
    };
    let Some((room, event)) = relay.shown(id).await? else {
        // Not shown yet; showing it queues the tick again.
        return Ok(relay.finish(item).await?);
    };
    if message.state == MessageState::Failed && message.deleted_at.is_some() {
        // Its author took it back: nothing went wrong.
        return Ok(relay.finish(item).await?);
    }
    let is_read = message.state.reached(MessageState::Read);
    let conversation = message.conversation_id;
    let late = core.clock.now().since(message.timestamp) >= LATE_AFTER;
    let mut tick = core.store.rooms().tick(id).await?;
    if let Some(begun) = tick.take_if(|tick| tick.event.is_none()) {
        tell_client(relay, item, (&room, &event), &message, begun.turn).await?;
        tick = Some(say(relay, item, &room, id, &event, begun).await?);
    }
    if let Some(wanted) = key(message.state, late)
        && tick.as_ref().is_none_or(|tick| tick.key != wanted)
    {
        // That it is read changes nothing for a client that was told of the delivery; the receipt says it.
        let is_told = wanted == READ && tick.as_ref().is_some_and(|tick| tick.key == DELIVERED);
        let next = Tick {
            turn: tick.as_ref().map_or(0, |tick| tick.turn + 1),
            key: wanted.to_owned(),
            event: None,
            previous: tick.and_then(|tick| tick.event),
        };
        write_down(relay, id, &next).await?;
        if !is_told {
            tell_client(relay, item, (&room, &event), &message, next.turn).await?;
        }
        say(relay, item, &room, id, &event, next).await?;
        if wanted == LATE {
            tell_why(relay, message).await?;
        }
    }
    if is_read {
        let reader = reader(relay, conversation).await?;
        let marked = relay.port.mark_read(&room, reader, &event).await;
        marked.map_err(Undone::in_room(&room))?;
    }
    Ok(relay.finish(item).await?)
}

/// Returns the customer who has read a conversation's messages; none in a group, where several read them.
async fn reader(relay: &RoomRelay, conversation: ConversationId) -> Result<Option<CustomerId>, StoreError> {
    let conversation = relay.core.store.conversations().get(conversation).await?;
    Ok(conversation.and_then(|conversation| conversation.customer_id))
}

/// Sends the stored tick to the room and redacts the one before.
async fn say(
    relay: &RoomRelay,
    item: &OutboxItem<MatrixWork>,
    room: &MatrixRoomId,
    id: MessageId,
    event: &MatrixEventId,
    tick: Tick,
) -> Result<Tick, Undone> {
    let part = format!("tick{}", tick.turn);
    let reaction = RoomContent::Reaction {
        to: event.clone(),
        key: tick.key.clone(),
    };
    // Not `send`: after a restore, the old instance's reaction of this turn may show another state.
    let name = of_message(id, &part);
    let said = match relay.send_new(item, room, &Speaker::Desk, &name, &reaction).await {
        Err(refused @ Undone::Port(MatrixError::Refused(_))) => {
            // The homeserver refuses the same reaction twice, and has forgotten the transaction id of the first.
            let known = relay.find(room, &txn(&relay.core.instance, &name)).await?;
            match (known, &relay.core.restored) {
                (Some(known), _) => Some(known),
                (None, Some(restored)) => {
                    take_old_back(relay, room, id, &restored.instance).await?;
                    match relay.send_new(item, room, &Speaker::Desk, &name, &reaction).await {
                        // It stands, by whichever event: the ticks after it must not wait for that to be known.
                        Err(Undone::Port(MatrixError::Refused(_))) => None,
                        said => Some(said?),
                    }
                }
                (None, None) => return Err(refused),
            }
        }
        said => Some(said?),
    };
    if let Some(previous) = &tick.previous {
        let gone = txn(&relay.core.instance, &format!("{name}.gone"));
        let redacted = relay.port.redact(room, previous, &gone).await;
        redacted.map_err(Undone::in_room(room))?;
    }
    let tick = Tick {
        event: said,
        previous: None,
        ..tick
    };
    write_down(relay, id, &tick).await?;
    Ok(tick)
}

/// Removes the ticks of a message that the instance `before` a restore has set since the backup: nobody else would.
async fn take_old_back(relay: &RoomRelay, room: &MatrixRoomId, id: MessageId, before: &str) -> Result<(), Undone> {
    for turn in 0..MAX_TURNS {
        let name = of_message(id, &format!("tick{turn}"));
        if let Some(old) = relay.find(room, &txn(before, &name)).await? {
            let gone = txn(&relay.core.instance, &format!("{name}.old"));
            let redacted = relay.port.redact(room, &old, &gone).await;
            redacted.map_err(Undone::in_room(room))?;
        }
    }
    Ok(())
}

/// Tells the client of the agent who wrote a message in its room how far that is. What others wrote is the bot's own event
/// there, of which no client shows a state.
async fn tell_client(
    relay: &RoomRelay,
    item: &OutboxItem<MatrixWork>,
    (room, event): (&MatrixRoomId, &MatrixEventId),
    message: &Message,
    turn: i64,
) -> Result<(), Undone> {
    let origin = message.author.as_ref().and_then(|author| author.origin);
    let is_late = relay.core.clock.now().since(message.timestamp) >= LATE_AFTER;
    let outcome = SendOutcome::of(message.state, message.failure.as_ref(), is_late);
    let (Some(outcome), Some(Origin::Matrix)) = (outcome, origin) else {
        return Ok(());
    };
    let status = SendStatus {
        of: event.clone(),
        outcome,
        why: match outcome {
            SendOutcome::Pending => Some(late_reason(message)),
            _ => message.failure.as_ref().map(|failure| failure.told(message.state)),
        },
        reader: reader(relay, message.conversation_id).await?,
    };
    // The turn of the tick, which is stored before: after a crash it is the same event.
    let name = of_message(message.id, &format!("status{turn}"));
    let content = RoomContent::Status(status);
    relay.send_new(item, room, &Speaker::Desk, &name, &content).await?;
    Ok(())
}

impl RoomRelay {
    /// Answers what an agent wrote for the customer and is not sent, and tells their client.
    pub(super) async fn refuse(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        event: &MatrixEventId,
        text: &str,
    ) -> Result<(), Undone> {
        let status = RoomContent::Status(SendStatus {
            of: event.clone(),
            outcome: SendOutcome::Final(FailedBy::Refused),
            why: Some(text.to_owned()),
            reader: None,
        });
        self.send(item, room, &Speaker::Desk, &of_part(item, 1), &status)
            .await?;
        let notice = RoomContent::Notice {
            body: text.to_owned(),
            reply_to: Some(event.clone()),
        };
        self.notify(item, room, &notice, None).await
    }
}

async fn write_down(relay: &RoomRelay, id: MessageId, tick: &Tick) -> Result<(), StoreError> {
    relay
        .core
        .write((id, tick.clone()), |tx, (id, tick)| {
            async move { tx.rooms().set_tick(*id, Some(tick)).await }.boxed()
        })
        .await
}

async fn tell_why(relay: &RoomRelay, message: Message) -> Result<(), StoreError> {
    relay
        .core
        .write(message, |tx, message| {
            let work = MatrixWork::Answer {
                about: message.id,
                text: late_reason(message),
            };
            let work = NewWork::for_message(message, work);
            async move { tx.outbox().enqueue(work).await.map(|_| ()) }.boxed()
        })
        .await
}

fn late_reason(message: &Message) -> String {
    if let Some(waiting) = message.waiting.filter(|_| message.state == MessageState::Queued) {
        let (why, until) = (waiting.reason.explained(), waiting.until);
        return format!("Not sent yet: {why}. It is sent automatically at {until}.");
    }
    match message.state {
        MessageState::Sending => "Not confirmed yet: WhatsApp has not accepted it. It is sent automatically, once.".to_owned(),
        _ => "Not sent yet: WhatsApp cannot be reached, or earlier messages go first. It is sent automatically, once; !status says more.".to_owned(),
    }
}
