//! Outgoing files: provides the bytes that a message's row names as a file that the browser can read.

use crate::domain::details::Details;
use crate::domain::media;
use crate::domain::media::{FileKind, Media, MediaState};
use crate::domain::message::Message;
use crate::domain::whatsapp::{OutgoingContent, OutgoingFile, SendError};
use crate::vault::{Vault, VaultError};

use super::outgoing;

/// Type of a voice note, as browsers record it; phones show no other type as a voice note.
const VOICE_TYPE: &str = "audio/ogg; codecs=opus";

/// Returns the content to send, built from the message's row and the vault only, so that it is the same at each
/// hand-over. Fails with `file_missing` if the vault does not have the bytes.
pub(crate) async fn content(vault: &Vault, message: &Message) -> Result<OutgoingContent, SendError> {
    let Some(Media {
        state: MediaState::Stored,
        sha256: Some(sha256),
        size,
        mimetype,
        filename,
        ..
    }) = &message.media
    else {
        return Ok(outgoing::content(message));
    };
    let path = vault.file(sha256).await.map_err(|error| match error {
        VaultError::Missing => SendError::Refused {
            code: "file_missing",
            detail: error.to_string(),
        },
        error => SendError::NotSent { why: error.to_string() },
    })?;
    let kind = kind_of(message);
    let mimetype = match kind {
        FileKind::Voice if mimetype.starts_with("audio/ogg") => VOICE_TYPE.to_owned(),
        _ => mimetype.clone(),
    };
    let mentioned = message.details.as_ref().map(|details| details.mentions.as_slice());
    let (caption, mentions) = match caption(message) {
        Some(caption) => {
            let (caption, mentions) = outgoing::mentioning(caption, mentioned.unwrap_or_default());
            (Some(caption), mentions)
        }
        None => (None, vec![]),
    };
    Ok(OutgoingContent::File(OutgoingFile {
        path,
        size: size.unwrap_or_default(),
        kind,
        mimetype,
        filename: filename.clone(),
        caption,
        mentions,
    }))
}

/// Returns the kind as which a message's file is sent.
pub(crate) fn kind_of(message: &Message) -> FileKind {
    let animated = message.details.as_ref().is_some_and(|details| details.animated);
    FileKind::of_message(message.kind, animated)
}

/// Returns the caption of a message's file. `None` if its content is only the line of [`stands_for`].
pub(crate) fn caption(message: &Message) -> Option<&str> {
    let line = stands_for(kind_of(message), message.media.as_ref());
    Some(message.content.as_str()).filter(|content| *content != line)
}

/// Returns the content of a message whose file has no caption, such as `[image]`.
pub(crate) fn stands_for(kind: FileKind, media: Option<&Media>) -> String {
    let filename = media.and_then(|media| media.filename.as_deref());
    format!("[{}]", media::line(kind.kind(), &details(kind), filename))
}

/// Returns the details to store with an outgoing file.
pub(crate) fn details(kind: FileKind) -> Details {
    Details {
        animated: kind == FileKind::Gif,
        ..Details::default()
    }
}
