//! Taking a text for a customer: from a face or from a room, one way for both. Message, outbox row, room work and journal
//! event commit together; the relay does the rest.

use crate::domain::conversation::{ChatKind, Conversation};
use crate::domain::details::{Details, Mention};
use crate::domain::event::{Event, EventType};
use crate::domain::media::{FileKind, Media};
use crate::domain::message::{Author, Direction, Failure, Kind, MAX_TEXT_CHARS, Message, MessageState};
use crate::domain::outbox::{Target, Work};
use crate::domain::special::Special;
use crate::domain::{MatrixEventId, MessageId};
use crate::store::{Inserted, NewMessage, NewWork, StoreError, Tx};

use super::core::Policy;
use super::desk::Refusal;
use super::{groups, outgoing_file};

/// How long an agent's message may wait before its room is told why (`RULES` 20).
pub const LATE_AFTER: std::time::Duration = std::time::Duration::from_secs(30);

/// A text that somebody wants sent.
#[derive(Clone, Debug)]
pub(super) struct NewText {
    pub conversation: Conversation,
    /// Empty where `special` says it all; of a file without a caption: what stands for it.
    pub content: String,
    /// What is sent that is neither text nor file.
    pub special: Option<Special>,
    pub file: Option<NewFile>,
    pub author: Author,
    pub reply_to: Option<MessageId>,
    /// Makes a repeat one: the same key again gives the message that there is.
    pub client_key: Option<String>,
    /// The room's event that it came as; none when it was written elsewhere and has yet to be shown.
    pub event: Option<MatrixEventId>,
}

/// The file that a message carries.
#[derive(Clone, Debug)]
pub(super) struct NewFile {
    pub media: Media,
    pub kind: FileKind,
}

/// Refuses what WhatsApp would not take.
pub(super) fn check_text(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::EmptyText);
    }
    let chars = text.chars().count();
    if chars > MAX_TEXT_CHARS {
        return Err(Refusal::TextTooLong { chars });
    }
    if text.contains('\0') {
        return Err(Refusal::NulInText);
    }
    Ok(())
}

/// Puts a text into the outbox, once.
pub(super) async fn queue(tx: &mut Tx, policy: &Policy, new: &NewText) -> Result<Message, StoreError> {
    let now = tx.now();
    let conversation = &new.conversation;
    let (kind, content, details) = match (&new.special, &new.file) {
        (Some(special), _) => (special.kind(), special.line(), special.details()),
        (None, Some(file)) => (file.kind.kind(), new.content.clone(), outgoing_file::details(file.kind)),
        (None, None) => {
            let details = calling(tx, conversation, &new.content).await?;
            (Kind::Text, new.content.clone(), details)
        }
    };
    let inserted = tx
        .insert_message(NewMessage {
            details: details.into_option(),
            author: Some(new.author.clone()),
            client_key: new.client_key.clone(),
            reply_to: new.reply_to,
            expires_at: policy.send_expires.map(|span| now.plus(span)),
            ..NewMessage::of(
                conversation,
                Direction::Outbound,
                kind,
                &content,
                now,
                MessageState::Queued,
            )
        })
        .await?;
    let message = match inserted {
        Inserted::Existing(message) => return Ok(message),
        Inserted::New(message) => message,
    };
    let message = match &new.file {
        Some(file) => tx.attach_media(message.id, &file.media).await?,
        None => message,
    };
    let work = |target, work| NewWork::for_message(target, &message, work);
    tx.enqueue(work(Target::WhatsApp, Work::SendMessage { message: message.id }))
        .await?;
    if let Some(event) = &new.event {
        tx.add_room_event(message.id, 0, event, conversation.id).await?;
        tx.enqueue(
            work(Target::Matrix, Work::Tick { message: message.id })
                .free()
                .at(now.plus(LATE_AFTER)),
        )
        .await?;
    } else if policy.matrix {
        tx.enqueue(work(Target::Matrix, Work::ShowMessage { message: message.id }))
            .await?;
    }
    tx.touch(conversation.id, message.id, message.timestamp).await?;
    tx.emit(Event::message(EventType::MessageQueued, &message));
    mark_answered(tx, conversation).await?;
    Ok(message)
}

/// Whom a text calls by name: in a group those of its members whose number or LID it has after `@`.
async fn calling(tx: &mut Tx, conversation: &Conversation, text: &str) -> Result<Details, StoreError> {
    let mut details = Details::default();
    if conversation.kind == ChatKind::Group
        && text.contains('@')
        && let Some(group) = tx.group(conversation.id).await?
    {
        let called = groups::mentioned(text, &group).into_iter();
        details.mentions = called
            .map(|member| Mention {
                user: member.user,
                name: Some(member.name),
            })
            .collect();
    }
    Ok(details)
}

/// Who writes to a customer has seen what they wrote (`RULES` 15).
pub(super) async fn mark_answered(tx: &mut Tx, conversation: &Conversation) -> Result<bool, StoreError> {
    if !tx.clear_unread(conversation.id).await? {
        return Ok(false);
    }
    if let Some(conversation) = tx.conversation(conversation.id).await? {
        tx.emit(Event::conversation(EventType::ConversationRead, &conversation));
    }
    Ok(true)
}

/// Moves a message to a new state: row, journal, tick, and for a message given up the room's answer. Says nothing and
/// does nothing when the state is the one that it has.
pub(super) async fn set_state(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    state: MessageState,
    failure: Option<Failure>,
) -> Result<Message, StoreError> {
    if message.state == state && message.failure == failure {
        return Ok(message.clone());
    }
    let changed = tx.set_message_state(message.id, state, failure.clone()).await?;
    tx.emit(Event::message(EventType::MessageState, &changed));
    let settled = !matches!(state, MessageState::Queued | MessageState::Sending);
    if settled {
        // Whatever the outcome: its lane goes on.
        tx.remove_work(message.id, Target::WhatsApp).await?;
    }
    if policy.matrix && settled {
        tx.enqueue(NewWork::for_message(Target::Matrix, &changed, Work::Tick { message: message.id }).free())
            .await?;
        if let Some(failure) = failure {
            let text = match state {
                MessageState::Unknown => format!("This may not have been sent: {}", failure.detail),
                _ => format!("This was not sent: {}", failure.detail),
            };
            tx.enqueue(NewWork::for_message(
                Target::Matrix,
                &changed,
                Work::Answer {
                    about: message.id,
                    text,
                },
            ))
            .await?;
        }
    }
    Ok(changed)
}

/// Applies WhatsApp's ack number to one of our messages; tells whether it was news.
pub(super) async fn apply_ack(tx: &mut Tx, policy: &Policy, message: &Message, ack: i32) -> Result<bool, StoreError> {
    let Some(state) = message.state.after_ack(ack) else {
        return Ok(false);
    };
    let failure = (state == MessageState::Failed).then(|| Failure {
        code: "refused_by_whatsapp".to_owned(),
        detail: format!(
            "WhatsApp refused it (ack {ack}); look at the chat on the phone and send it anew if it still holds"
        ),
    });
    set_state(tx, policy, message, state, failure).await?;
    Ok(true)
}
