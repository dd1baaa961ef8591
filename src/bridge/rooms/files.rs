//! Sends the file of an agent's event to the customer, once it is in the vault.

use crate::bridge::core::command::SendFile;
use crate::bridge::core::policy::Policy;
use crate::bridge::desk::sendable;
use crate::bridge::outbound::file;
use crate::domain::conversation::Conversation;
use crate::domain::details::ContactCard;
use crate::domain::matrix::{RoomEvent, SentFile};
use crate::domain::media::FileKind;
use crate::domain::special::Special;
use crate::domain::{AgentId, MatrixEventId};
use crate::store::{NewMedia, StoreError, Tx};

use super::commands::{self, internal};
use super::effects::{Said, Taken, answer, late, put_out, refuse};

/// A file of a room that is in the vault.
pub(super) struct Fetched<'a> {
    /// The file as the event describes it.
    pub file: &'a SentFile,
    /// Its row, which is not stored yet.
    pub media: &'a NewMedia,
    /// Contact cards in it.
    pub cards: &'a [ContactCard],
    /// Event that it replies to.
    pub reply_to: Option<&'a MatrixEventId>,
    /// Whether its author has let it go, so that it may be late.
    pub is_confirmed: bool,
}

/// Queues a file for the customer, or answers in the room why not.
pub(super) async fn send(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    (event, agent): (&RoomEvent, AgentId),
    fetched: Fetched<'_>,
) -> Result<Taken, StoreError> {
    if !fetched.is_confirmed
        && let Some(late) = late(tx, event)
    {
        return refuse(tx, conversation, event, late).await;
    }
    let caption = fetched.file.caption.as_deref().unwrap_or_default();
    if commands::is_command(caption) {
        internal::keep(tx, event).await?;
        let text = "Not sent: a file carries no command. Send it without the text, or with one that begins otherwise.";
        return refuse(tx, conversation, event, text.to_owned()).await;
    }
    if !fetched.cards.is_empty() {
        // The row of the file is not stored, so its bytes are swept.
        let said = Said {
            words: None,
            content: "",
            special: Some(Special::Contacts(fetched.cards.to_vec())),
            file: None,
            reply_to: fetched.reply_to,
        };
        let taken = put_out(tx, policy, conversation, (event, agent), said).await?;
        return without_caption(tx, conversation, event, (taken, caption)).await;
    }
    let wanted = SendFile {
        id: tx.media().insert(fetched.media).await?.id,
        kind: Some(fitting(fetched.file.kind, fetched.media.sniffed.as_deref())),
    };
    let sent = match sendable(tx, &policy.media, &wanted).await {
        Ok(sent) => sent,
        // If the database failed, the whole transaction does, and this answer with it.
        Err(refusal) => return refuse(tx, conversation, event, format!("Not sent: {refusal}.")).await,
    };
    let takes_caption = sent.kind.kind().takes_caption();
    let shown = Some(caption).filter(|caption| takes_caption && !caption.is_empty());
    let stand_in = file::stands_for(sent.kind, Some(&sent.media));
    let said = Said {
        words: shown,
        content: shown.unwrap_or(&stand_in),
        special: None,
        file: Some(sent),
        reply_to: fetched.reply_to,
    };
    let taken = put_out(tx, policy, conversation, (event, agent), said).await?;
    let lost = if takes_caption { "" } else { caption };
    without_caption(tx, conversation, event, (taken, lost)).await
}

/// Tells the agent that a caption did not go out with what was queued.
async fn without_caption(
    tx: &mut Tx,
    conversation: &Conversation,
    event: &RoomEvent,
    (taken, lost): (Taken, &str),
) -> Result<Taken, StoreError> {
    if taken == Taken::Queued && !lost.is_empty() {
        let text = "Sent without its caption, which WhatsApp shows only under pictures, videos and documents. Write it as a \
                    message of its own.";
        answer(tx, conversation, event, text.to_owned()).await?;
    }
    Ok(taken)
}

/// Returns the kind as which a file goes out: that of its event if its bytes are such a file, else the one that its bytes
/// are.
fn fitting(kind: FileKind, sniffed: Option<&str>) -> FileKind {
    let shown_as = FileKind::of_type(sniffed);
    match kind {
        FileKind::Document => FileKind::Document,
        FileKind::Voice if sniffed == Some("audio/ogg") => FileKind::Voice,
        FileKind::Sticker if kind.takes(sniffed) => FileKind::Sticker,
        _ => shown_as,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_goes_out_as_what_its_bytes_are() {
        for (kind, sniffed, expected) in [
            (FileKind::Image, Some("image/png"), FileKind::Image),
            (FileKind::Image, Some("image/gif"), FileKind::Document),
            (FileKind::Image, Some("application/pdf"), FileKind::Document),
            (FileKind::Image, None, FileKind::Document),
            (FileKind::Video, Some("video/mp4"), FileKind::Video),
            (FileKind::Video, Some("video/webm"), FileKind::Document),
            (FileKind::Voice, Some("audio/ogg"), FileKind::Voice),
            (FileKind::Voice, Some("audio/mpeg"), FileKind::Audio),
            (FileKind::Audio, Some("audio/ogg"), FileKind::Audio),
            (FileKind::Document, Some("image/png"), FileKind::Document),
            (FileKind::Sticker, Some("image/webp"), FileKind::Sticker),
            (FileKind::Sticker, Some("video/mp4"), FileKind::Video),
        ] {
            assert_eq!(fitting(kind, sniffed), expected, "{kind} {sniffed:?}");
        }
    }
}
