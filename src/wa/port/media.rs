//! Media over the debugging protocol: downloaded from the page in slices, uploaded through its file input. No protocol
//! message ever carries a whole file (rule 10).

use std::io::{Error, ErrorKind};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{WhatsAppWeb, call_failed};
use super::outgoing;
use crate::domain::ChatId;
use crate::domain::media::Sink;
use crate::domain::whatsapp::{
    AvatarLookup, FetchError, MessageRef, OutgoingContent, OutgoingMessage, SendError, Unreachable,
};
use crate::wa::page::{CallError, Page};

/// Minimum rate at which the page encrypts and uploads a file, in bytes per second.
const MIN_BYTES_PER_SECOND: u64 = 2 << 20;
/// Size of one slice, in bytes.
const SLICE_BYTES: u64 = 1 << 20;

#[derive(Debug, Deserialize)]
struct Opened {
    token: u64,
    size: u64,
}

/// Answer about an avatar: its tag, and the opened file if it differs from the known one.
#[derive(Debug, Deserialize)]
struct WireAvatar {
    tag: Option<String>,
    opened: Option<Opened>,
}

impl WhatsAppWeb {
    /// Downloads the medium of a message into `sink`, at most `max` bytes.
    pub(super) async fn download(&self, of: &MessageRef, max: u64, sink: &mut dyn Sink) -> Result<(), FetchError> {
        let page = self.linked_page()?;
        let mut query = outgoing::reference(of);
        query["max"] = max.into();
        let opened: Opened = page
            .call("openMedia", query, self.options.limits.download)
            .await
            .map_err(fetch_error)?;
        self.copy(&page, &opened, sink).await
    }

    /// Downloads the avatar of a person or group, unless its tag is `known`.
    pub(super) async fn fetch_avatar(
        &self,
        chat: &ChatId,
        known: Option<&str>,
        max: u64,
        sink: &mut dyn Sink,
    ) -> Result<AvatarLookup, FetchError> {
        // Does not count as use: a background download must not delay upkeep.
        let page = self.polled_page()?;
        let query = json!({ "chat": chat, "known": known, "max": max });
        let avatar: WireAvatar = page
            .call("avatar", query, self.options.limits.download)
            .await
            .map_err(fetch_error)?;
        match avatar {
            WireAvatar { tag: None, .. } => Ok(AvatarLookup::None),
            WireAvatar { opened: None, .. } => Ok(AvatarLookup::Same),
            WireAvatar {
                tag: Some(tag),
                opened: Some(opened),
            } => {
                self.copy(&page, &opened, sink).await?;
                Ok(AvatarLookup::New { tag })
            }
        }
    }

    /// Attaches a message's file to the page, if it has one. Returns the deadline of the send.
    pub(super) async fn attach_file(&self, page: &Page, message: &OutgoingMessage) -> Result<Duration, SendError> {
        let limits = &self.options.limits;
        let OutgoingContent::File(file) = &message.content else {
            return Ok(limits.send);
        };
        // Nothing is sent before the page is asked to, so each of these failures is certain.
        page.give_file(message.id.as_str(), &file.path, limits.call)
            .await
            .map_err(|error| match error {
                CallError::NotLoaded | CallError::Lost(_) => SendError::Unreachable(call_failed(error)),
                error => SendError::NotSent { why: error.to_string() },
            })?;
        Ok(limits.send + Duration::from_secs(file.size / MIN_BYTES_PER_SECOND))
    }

    /// Copies an opened file into `sink`, then closes it in the page.
    async fn copy(&self, page: &Page, opened: &Opened, sink: &mut dyn Sink) -> Result<(), FetchError> {
        let copied = self.copy_slices(page, opened, sink).await;
        let done = json!({ "token": opened.token });
        // A failure is harmless: the page closes it at its next load, or after a few other files.
        let _ = page.call::<Value>("closeMedia", done, self.options.limits.call).await;
        copied
    }

    async fn copy_slices(&self, page: &Page, opened: &Opened, sink: &mut dyn Sink) -> Result<(), FetchError> {
        let mut from = 0;
        while from < opened.size {
            let to = opened.size.min(from + SLICE_BYTES);
            let query = json!({ "token": opened.token, "from": from, "to": to });
            let slice: String = page
                .call("sliceMedia", query, self.options.limits.call)
                .await
                .map_err(fetch_error)?;
            let slice = STANDARD
                .decode(slice)
                .map_err(|error| FetchError::Failed(format!("a part of the file is not base64: {error}")))?;
            if slice.len() as u64 != to - from {
                return Err(FetchError::Failed(
                    "the page sent a part of the file with a wrong length".to_owned(),
                ));
            }
            sink.write(&slice).await?;
            from = to;
        }
        Ok(())
    }
}

fn fetch_error(error: CallError) -> FetchError {
    match error {
        CallError::Refused(refusal) => match refusal.code.as_str() {
            // Only the page's own word that the file is gone: a message that it does not find may be there all the same.
            "media_expired" => FetchError::Expired(refusal.message),
            "media_too_large" => FetchError::Sink(Error::new(ErrorKind::FileTooLarge, refusal.message)),
            // The page was reloaded meanwhile.
            "no_token" => FetchError::Unreachable(Unreachable(refusal.message)),
            _ => FetchError::Failed(refusal.message),
        },
        CallError::Timeout(_) | CallError::Invalid(_) => FetchError::Failed(error.to_string()),
        error @ (CallError::NotLoaded | CallError::Lost(_)) => FetchError::Unreachable(call_failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wa::wire::Refusal;

    fn refused(code: &str) -> FetchError {
        fetch_error(CallError::Refused(Refusal {
            code: code.to_owned(),
            message: "the page said so".to_owned(),
            certain: true,
        }))
    }

    /// An expired file is given up after a few tries, and people are told that WhatsApp does not have it.
    #[test]
    fn only_word_of_page_makes_file_expired() {
        assert!(matches!(refused("media_expired"), FetchError::Expired(_)));
        for code in ["no_message", "no_chat", "no_media", "failed", ""] {
            assert!(matches!(refused(code), FetchError::Failed(_)), "{code}");
        }
        let slow = CallError::Timeout(Duration::from_secs(1));
        assert!(matches!(fetch_error(slow), FetchError::Failed(_)));
    }

    #[test]
    fn reloaded_page_costs_file_no_try() {
        assert!(matches!(refused("no_token"), FetchError::Unreachable(_)));
        assert!(matches!(fetch_error(CallError::NotLoaded), FetchError::Unreachable(_)));
    }

    #[test]
    fn file_over_limit_is_refused_by_sink() {
        let FetchError::Sink(error) = refused("media_too_large") else {
            panic!("no error of the sink");
        };
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    }
}
