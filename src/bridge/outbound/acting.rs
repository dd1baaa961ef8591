//! What a person would be seen doing before a message goes out: typing it, or speaking it.

use std::time::Duration;

use crate::domain::ChatId;
use crate::domain::message::{Kind, Message};
use crate::domain::whatsapp::Unreachable;

use super::file;
use super::relay::WhatsAppRelay;

/// About what a voice note has.
const VOICE_BYTES_PER_SECOND: u64 = 2_500;
/// "recording…" is shown for about as long as the note was spoken, within these bounds.
const SHORTEST_RECORDING: Duration = Duration::from_secs(1);
const LONGEST_RECORDING: Duration = Duration::from_secs(9);

impl WhatsAppRelay {
    /// Does what a person would be seen doing before this message.
    pub(crate) async fn act(&self, chat: &ChatId, message: &Message) -> Result<(), Unreachable> {
        if message.kind == Kind::Text {
            return self.port.type_for(chat, &message.content).await;
        }
        let Some(media) = &message.media else {
            // Nobody types a place, a card or a poll.
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
