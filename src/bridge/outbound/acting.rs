//! Chat states ("typing…", "recording…") that a person's WhatsApp would show before a message is sent.

use std::time::Duration;

use crate::domain::ChatId;
use crate::domain::message::{Kind, Message};
use crate::domain::whatsapp::Unreachable;

use super::file;
use super::relay::WhatsAppRelay;

/// Approximate size of one second of a voice note.
const VOICE_BYTES_PER_SECOND: u64 = 2_500;
/// Bounds of the time for which "recording…" is shown, which is about the length of the note.
const SHORTEST_RECORDING: Duration = Duration::from_secs(1);
const LONGEST_RECORDING: Duration = Duration::from_secs(9);

impl WhatsAppRelay {
    /// Shows "typing…" or "recording…" in the chat for as long as a person would need for this message. Nothing for a
    /// location, a contact, a poll, or a file without a caption.
    pub(crate) async fn act(&self, chat: &ChatId, message: &Message) -> Result<(), Unreachable> {
        if message.kind == Kind::Text {
            return self.port.type_for(chat, &message.content).await;
        }
        let Some(media) = &message.media else {
            // A person does not type a location, a contact or a poll.
            return Ok(());
        };
        if message.kind == Kind::Voice {
            let seconds = media.size.unwrap_or_default() / VOICE_BYTES_PER_SECOND;
            let span = Duration::from_secs(seconds).clamp(SHORTEST_RECORDING, LONGEST_RECORDING);
            return self.port.record_for(chat, span).await;
        }
        match file::caption(message) {
            Some(caption) => self.port.type_for(chat, caption).await,
            None => Ok(()),
        }
    }
}
