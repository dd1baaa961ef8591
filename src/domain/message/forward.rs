//! Forwarding: what of a message goes into another chat, and which messages cannot.
//!
//! It goes out as a message of ours, without WhatsApp's mark "Forwarded": the page's own forwarding chooses the stanza id by
//! itself (rule 2), and its calls that send take no such mark.

use super::details::{Location, Poll};
use super::special::Special;
use super::{Kind, Message, mentions};
use crate::domain::media::{FileKind, MediaState};
use crate::domain::{MediaId, MessageId};

/// Content of a message as it goes into another chat.
#[derive(Clone, Debug, PartialEq)]
pub enum Forwarded {
    Text(String),
    File {
        /// The stored file.
        id: MediaId,
        /// The kind as which it is sent.
        kind: FileKind,
        /// Text under the file; empty for none.
        caption: String,
    },
    Special(Special),
}

/// Error: a message that cannot be forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotForwarded {
    /// Its content is gone.
    #[error("message {0} was deleted or has disappeared; write what is to be said as a new message")]
    Deleted(MessageId),
    /// Its content never was here.
    #[error("message {0} can be viewed once, on the phone alone; ask its author to send it again as an ordinary one")]
    ViewOnce(MessageId),
    /// Nobody wrote it.
    #[error("message {0} is a notice of WhatsApp's own; write what it says as a new message")]
    Notice(MessageId),
    /// It is of a kind that crm does not send.
    #[error("message {0} is of a kind that cannot be sent from here; forward it on the phone")]
    Unsupported(MessageId),
    /// Its file is not stored.
    #[error(
        "medium {medium} of message {message} is not here ({state}); fetch it first, with `crm media fetch {medium}`"
    )]
    NotFetched {
        message: MessageId,
        medium: MediaId,
        state: MediaState,
    },
}

impl Message {
    /// Returns the content that goes into another chat: without votes, and with names in place of mentions, which only the
    /// group knows.
    pub fn forwarded(&self) -> Result<Forwarded, NotForwarded> {
        let details = self.details.clone().unwrap_or_default();
        if self.deleted_at.is_some() || details.disappeared {
            return Err(NotForwarded::Deleted(self.id));
        }
        if details.view_once {
            return Err(NotForwarded::ViewOnce(self.id));
        }
        let unsupported = NotForwarded::Unsupported(self.id);
        let special = match self.kind {
            Kind::Text if self.content.trim().is_empty() => return Err(unsupported),
            Kind::Text => return Ok(Forwarded::Text(self.with_names(&self.content))),
            Kind::Image | Kind::Video | Kind::Audio | Kind::Voice | Kind::Document | Kind::Sticker => {
                let media = self.media.as_ref().ok_or(unsupported)?;
                if media.state != MediaState::Stored {
                    return Err(NotForwarded::NotFetched {
                        message: self.id,
                        medium: media.id,
                        state: media.state,
                    });
                }
                return Ok(Forwarded::File {
                    id: media.id,
                    kind: FileKind::of_message(self.kind, details.animated),
                    caption: self.caption().map(|text| self.with_names(text)).unwrap_or_default(),
                });
            }
            Kind::Location => details.location.map(|place| {
                // A live location went on only in its own chat.
                Special::Location(Location {
                    live_until: None,
                    ..place
                })
            }),
            Kind::Contact if details.contacts.is_empty() => None,
            Kind::Contact => Some(Special::Contacts(details.contacts)),
            Kind::Poll => details.poll.map(|poll| Special::Poll(Poll { votes: vec![], ..poll })),
            Kind::System => return Err(NotForwarded::Notice(self.id)),
            Kind::Unknown => None,
        };
        special.map(Forwarded::Special).ok_or(unsupported)
    }

    fn with_names(&self, text: &str) -> String {
        let mentioned = self.details.iter().flat_map(|details| &details.mentions);
        let people = mentioned.map(|mention| (mention.user.as_str(), mention.name.as_deref()));
        mentions::with_names(text, &people).into_owned()
    }
}
