//! Commands about messages to customers: templates, messages for later, texts to numbers, and what went wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::bridge::core::command::{SendCommand, SendTo, TemplateFill};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::desk::{self, Decision};
use crate::bridge::rooms::effects;
use crate::domain::MessageId;
use crate::domain::customer::PhoneNumber;
use crate::domain::matrix::RoomEventKind;
use crate::domain::message::{Direction, Message};
use crate::store::Tx;

use super::given::{Done, Given};
use super::internal;
use super::parse::is_command;
use super::told::cut;

/// Most messages for later that an answer lists.
const MAX_LISTED: usize = 20;
/// Characters of a message in such a list.
const LISTED_CHARS: usize = 80;

/// Returns a request to send something in the conversation.
fn send(given: &Given<'_>, content: &str) -> SendCommand {
    let to = SendTo::Conversation(given.conversation.id);
    SendCommand {
        agent: Some(given.agent.id),
        ..SendCommand::of(to, content, given.author())
    }
}

/// Sends a template.
pub(super) async fn template(
    tx: &mut Tx,
    given: &Given<'_>,
    name: &str,
    fields: &BTreeMap<String, String>,
) -> Result<Done, Refusal> {
    let fill = TemplateFill {
        name: name.to_owned(),
        fields: fields.clone(),
    };
    let command = SendCommand {
        template: Some(fill),
        sight: given.sight_of_numbers(tx).await?,
        ..send(given, "")
    };
    let message = desk::put_in(tx, given.core, &command).await?.id;
    Ok(Done::Made { message, told: None })
}

/// Sends a text at a time.
pub(super) async fn send_at(tx: &mut Tx, given: &Given<'_>, when: &str, text: &str) -> Result<Done, Refusal> {
    let at = given.time(tx, when).await?;
    let command = SendCommand {
        send_at: Some(at),
        ..send(given, text)
    };
    let message = desk::put_in(tx, given.core, &command).await?;
    let told = format!(
        "Message {id} goes out at {}, unless the customer writes before. !cancel {id} takes it back, !release {id} sends it \
         now.",
        given.told(tx, at).await?,
        id = message.id,
    );
    Ok(Done::Made {
        message: message.id,
        told: Some(told),
    })
}

/// Writes to a number, from the account of this room.
pub(super) async fn new(tx: &mut Tx, given: &Given<'_>, number: &str, text: &str) -> Result<Done, Refusal> {
    let policy = given.policy(tx).await?;
    let phone = PhoneNumber::read(number, policy.phone_region).map_err(|error| Refusal::Conflict(error.to_string()))?;
    let account = tx.accounts().locked(given.conversation.account_id).await?;
    let command = SendCommand {
        account: Some(account.name),
        ..SendCommand {
            to: SendTo::Phone(phone),
            ..send(given, text)
        }
    };
    let message = desk::put_in(tx, given.core, &command).await?;
    let conversation = tx.conversations().get(message.conversation_id).await?;
    let name = conversation.map_or_else(String::new, |conversation| {
        policy.shown_name(&conversation.name, conversation.customer_id)
    });
    Ok(Done::Made {
        message: message.id,
        told: Some(format!("It goes to {name}, who has a room of their own.")),
    })
}

/// Sends a message for later now.
pub(super) async fn release(tx: &mut Tx, given: &Given<'_>, id: Option<MessageId>) -> Result<Done, Refusal> {
    let id = match meant(tx, given, id, "release").await? {
        Ok(id) => id,
        Err(told) => return Ok(Done::Told(told)),
    };
    desk::release(tx, given.core, id).await?;
    Ok(Done::Told(format!("Message {id} goes out now.")))
}

/// Cancels a message that has not gone out.
pub(super) async fn cancel(tx: &mut Tx, given: &Given<'_>, id: Option<MessageId>) -> Result<Done, Refusal> {
    let id = match meant(tx, given, id, "cancel").await? {
        Ok(id) => id,
        Err(told) => return Ok(Done::Told(told)),
    };
    desk::decide(tx, given.core, id, Decision::Cancel).await?;
    Ok(Done::Told(format!("Message {id} is cancelled.")))
}

/// Returns the message that a command means: the one that it names or answers, else the only one that waits for its time or
/// for a person. The answer with a list of them, if there is not exactly one.
async fn meant(
    tx: &mut Tx,
    given: &Given<'_>,
    id: Option<MessageId>,
    word: &str,
) -> Result<Result<MessageId, String>, Refusal> {
    if let Some(id) = id {
        let message = tx.messages().get(id).await?;
        let message = message.filter(|message| message.conversation_id == given.conversation.id);
        return match message {
            Some(message) => Ok(Ok(message.id)),
            None => Err(not_found("message in this conversation:", id)),
        };
    }
    if let Some(answered) = given.answered(tx).await?.filter(is_ours) {
        return Ok(Ok(answered.id));
    }
    let waiting = tx.scheduled().waiting_in(given.conversation.id).await?;
    match &waiting[..] {
        [] => Ok(Err("No message waits for its time in this conversation.".to_owned())),
        [only] => Ok(Ok(only.message)),
        several => {
            let mut told = format!("Not done: say which one, such as !{word} {}.", several[0].message);
            for planned in several.iter().take(MAX_LISTED) {
                let Some(message) = tx.messages().get(planned.message).await? else {
                    continue;
                };
                let at = given.told(tx, planned.send_at).await?;
                let text = cut(&message.content, LISTED_CHARS);
                let _ = write!(told, "\n{} {} {at}: {text}", message.id, message.state);
            }
            Ok(Err(told))
        }
    }
}

fn is_ours(message: &Message) -> bool {
    message.direction == Direction::Outbound
}

/// Sends a text after all that was too old, because its author has confirmed it by `!send`. Refuses texts of other people,
/// what stays inside, and one that was sent before.
pub(super) async fn confirm(tx: &mut Tx, given: &Given<'_>) -> Result<Done, Refusal> {
    let told = |text: &str| Ok(Done::Told(text.to_owned()));
    let event = given.event;
    let original = event.what.reply_to().and_then(|id| given.around.confirmed.get(id));
    let Some(original) = original else {
        return told("Not sent: reply with !send to the message that you want to send.");
    };
    let RoomEventKind::Text { body, .. } = &original.what else {
        return told("Not sent: you can confirm only your own text messages with !send.");
    };
    if original.sender != event.sender || original.room != event.room || is_command(body) {
        return told("Not sent: you can confirm only your own text messages with !send.");
    }
    if tx.rooms().is_known_event(&original.id).await? {
        return told("That message was sent before.");
    }
    if tx.internal_events().get(&original.id).await?.is_some() {
        return told("Not sent: that message stays inside. Write it as a message of its own.");
    }
    let place = internal::place(tx, original, &given.around.looked_up).await?;
    if let Some(text) = place.refusal() {
        return Ok(Done::Told(text));
    }
    let said = (original, given.agent.id);
    let policy = given.policy(tx).await?;
    // It does not wait any more: neither for a yes to a question, nor for its key.
    effects::withdraw(tx, &original.id, None).await?;
    // If it cannot be sent, the answer is queued.
    effects::queue(tx, &policy, given.conversation, said, body, place.reply_to()).await?;
    Ok(Done::Sent)
}

/// Tries a failed message again.
pub(super) async fn retry(tx: &mut Tx, given: &Given<'_>) -> Result<Done, Refusal> {
    let Some(message) = given.answered(tx).await? else {
        return Ok(Done::Told(
            "Not done: reply with !retry to the message that failed, or to my notice about it.".to_owned(),
        ));
    };
    desk::decide(tx, given.core, message.id, Decision::Retry).await?;
    Ok(Done::Told(format!("Message {} is tried again.", message.id)))
}
