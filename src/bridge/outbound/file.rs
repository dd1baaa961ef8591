//! A file on its way out: the bytes that its message's row names, as a file that the browser can read.

use crate::domain::details::Details;
use crate::domain::media;
use crate::domain::media::{FileKind, Media, MediaState};
use crate::domain::message::Message;
use crate::domain::whatsapp::{OutgoingContent, OutgoingFile, SendError};
use crate::vault::{Vault, VaultError};

use super::outgoing;

/// What browsers record, and the only type that phones show as a voice note.
const VOICE_TYPE: &str = "audio/ogg; codecs=opus";

/// What a message carries, from its row and the vault alone: so it is the same each time that it is handed over.
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
    Ok(OutgoingContent::File(OutgoingFile {
        path,
        size: size.unwrap_or_default(),
        kind,
        mimetype,
        filename: filename.clone(),
        caption: caption(message).map(str::to_owned),
    }))
}

/// As what a message's file goes out.
pub(crate) fn kind_of(message: &Message) -> FileKind {
    let animated = message.details.as_ref().is_some_and(|details| details.animated);
    FileKind::of_message(message.kind, animated)
}

/// What was written under the file; a message without says what stands for it.
pub(crate) fn caption(message: &Message) -> Option<&str> {
    let line = stands_for(kind_of(message), message.media.as_ref());
    Some(message.content.as_str()).filter(|content| *content != line)
}

/// The content of a message whose file has no caption.
pub(crate) fn stands_for(kind: FileKind, media: Option<&Media>) -> String {
    let filename = media.and_then(|media| media.filename.as_deref());
    format!("[{}]", media::line(kind.kind(), &details(kind), filename))
}

/// What is known of a file that goes out.
pub(crate) fn details(kind: FileKind) -> Details {
    Details {
        animated: kind == FileKind::Gif,
        ..Details::default()
    }
}
