//! Media through the debugging protocol: out of the page in slices, into it by its own file input. No message of the protocol
//! ever carries a whole file (`RULES` 10).

use std::io::{Error, ErrorKind};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{WhatsAppWeb, lost};
use crate::domain::ChatId;
use crate::domain::media::Sink;
use crate::domain::whatsapp::{
    FetchError, MediaKey, OutgoingContent, OutgoingMessage, Portrait, SendError, Unreachable,
};
use crate::wa::page::{CallError, Page};

/// What the page gets ready of a file in a second, at the least.
const BYTES_PER_SECOND: u64 = 2 << 20;
/// Bytes of one slice.
const SLICE_BYTES: u64 = 1 << 20;

#[derive(Debug, Deserialize)]
struct Opened {
    token: u64,
    size: u64,
}

/// Which picture somebody shows; opened where it is another than was known.
#[derive(Debug, Deserialize)]
struct Seen {
    tag: Option<String>,
    opened: Option<Opened>,
}

impl WhatsAppWeb {
    pub(super) async fn fetch(&self, of: &MediaKey, max: u64, sink: &mut dyn Sink) -> Result<(), FetchError> {
        let page = self.linked_page()?;
        let asked = json!({ "chat": of.chat, "id": of.id, "fromMe": of.from_me, "max": max });
        let opened: Opened = page
            .call("openMedia", asked, self.options.limits.download)
            .await
            .map_err(fetch_error)?;
        self.copy(&page, &opened, sink).await
    }

    pub(super) async fn look_at(
        &self,
        chat: &ChatId,
        known: Option<&str>,
        max: u64,
        sink: &mut dyn Sink,
    ) -> Result<Portrait, FetchError> {
        // Nobody waits for it: it does not keep a page from being loaded anew.
        let page = self.watched_page()?;
        let asked = json!({ "chat": chat, "known": known, "max": max });
        let seen: Seen = page
            .call("portrait", asked, self.options.limits.download)
            .await
            .map_err(fetch_error)?;
        match seen {
            Seen { tag: None, .. } => Ok(Portrait::None),
            Seen { opened: None, .. } => Ok(Portrait::Same),
            Seen {
                tag: Some(tag),
                opened: Some(opened),
            } => {
                self.copy(&page, &opened, sink).await?;
                Ok(Portrait::New { tag })
            }
        }
    }

    /// Gives the page a message's file, if it has one; tells how long handing the message over may take.
    pub(super) async fn hand_in(&self, page: &Page, message: &OutgoingMessage) -> Result<Duration, SendError> {
        let limits = &self.options.limits;
        let OutgoingContent::File(file) = &message.content else {
            return Ok(limits.send);
        };
        // Nothing is handed over before the page is asked to send, so each of these is certain.
        page.give_file(message.id.as_str(), &file.path, limits.call)
            .await
            .map_err(|error| match error {
                CallError::NotThere | CallError::Gone(_) => SendError::Unreachable(lost(error)),
                error => SendError::NotSent { why: error.to_string() },
            })?;
        Ok(limits.send + Duration::from_secs(file.size / BYTES_PER_SECOND))
    }

    /// Copies what the page has opened, and lets the page forget it.
    async fn copy(&self, page: &Page, opened: &Opened, sink: &mut dyn Sink) -> Result<(), FetchError> {
        let copied = self.copy_slices(page, opened, sink).await;
        let done = json!({ "token": opened.token });
        // Forgotten by itself when the page is loaded anew, or after a few others.
        let _ = page.call::<Value>("closeMedia", done, self.options.limits.call).await;
        copied
    }

    async fn copy_slices(&self, page: &Page, opened: &Opened, sink: &mut dyn Sink) -> Result<(), FetchError> {
        let mut from = 0;
        while from < opened.size {
            let to = opened.size.min(from + SLICE_BYTES);
            let asked = json!({ "token": opened.token, "from": from, "to": to });
            let slice: String = page
                .call("sliceMedia", asked, self.options.limits.call)
                .await
                .map_err(fetch_error)?;
            let slice = STANDARD
                .decode(slice)
                .map_err(|error| FetchError::Failed(format!("a slice is not base64: {error}")))?;
            if slice.len() as u64 != to - from {
                return Err(FetchError::Failed(
                    "a slice has another length than was asked for".to_owned(),
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
            "media_expired" | "no_message" => FetchError::Expired(refusal.message),
            "media_too_large" => FetchError::Sink(Error::new(ErrorKind::FileTooLarge, refusal.message)),
            // The page was loaded anew meanwhile.
            "no_token" => FetchError::Unreachable(Unreachable(refusal.message)),
            _ => FetchError::Failed(refusal.message),
        },
        CallError::Late(_) | CallError::Garbled(_) => FetchError::Failed(error.to_string()),
        error @ (CallError::NotThere | CallError::Gone(_)) => FetchError::Unreachable(lost(error)),
    }
}
