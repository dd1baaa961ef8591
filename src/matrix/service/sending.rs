//! Sends events as the customer's user or as our own, and finds them again.

use std::borrow::Cow;

use matrix_sdk::ruma::api::client::media::create_content;
use matrix_sdk::ruma::api::client::membership::join_room_by_id;
use matrix_sdk::ruma::api::client::message::{get_message_events, send_message_event};
use matrix_sdk::ruma::api::client::room::get_room_event;
use matrix_sdk::ruma::events::MessageLikeEventType;
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{EventId, MilliSecondsSinceUnixEpoch, OwnedTransactionId, RoomId, UInt};
use serde_json::json;
use serde_json::value::to_raw_value;

use super::ghosts::Ghosts;
use super::session::Session;
use crate::domain::matrix::{RoomContent, RoomEvent, RoomFile, Speaker, TxnId};
use crate::domain::moving::Logins;
use crate::domain::shown::LinkTo;
use crate::domain::{MatrixEventId, MatrixRoomId, Timestamp};
use crate::matrix::homeserver::Acting;
use crate::matrix::rooms::{self, MAX_PAGES, PAGE, read_file, upload_request};
use crate::matrix::wire::{Fault, Outgoing, deliver, id_if_sent_as, outgoing, read_event};

/// References to an uploaded file and to its thumbnail.
pub(super) struct Uploaded {
    whole: create_content::v3::Response,
    small: Option<create_content::v3::Response>,
}

/// Uploads a file, with its thumbnail.
pub(super) async fn upload(session: &Session, file: &RoomFile) -> Result<Uploaded, Fault> {
    let bytes = read_file(&file.path, &file.name).await?;
    let whole = upload_request(bytes, &file.mimetype, Some(&file.name));
    let whole = session.acting().send(whole).await?;
    let small = match &file.thumbnail {
        Some(small) => {
            let request = upload_request(small.bytes.clone(), "image/jpeg", None);
            Some(session.acting().send(request).await?)
        }
        None => None,
    };
    Ok(Uploaded { whole, small })
}

/// An event to be sent.
pub(super) struct Sending<'a> {
    pub(super) room: &'a RoomId,
    pub(super) speaker: &'a Speaker,
    pub(super) txn: &'a TxnId,
    pub(super) content: &'a RoomContent,
    pub(super) uploaded: Option<Uploaded>,
    /// Time of the past at which it stands; none for now.
    pub(super) at: Option<Timestamp>,
}

impl Sending<'_> {
    /// Sends the event: as the customer's user, who enters the room first if need be, else as our own.
    pub(super) async fn send(&self, session: &Session, ghosts: &Ghosts) -> Result<MatrixEventId, Fault> {
        if let Speaker::Customer { id, name, .. } = self.speaker {
            let ghost = ghosts.named(session, *id, name).await?;
            let ghost = session.acting_as(&ghost);
            match self.put(session, ghost, None).await {
                Err(Fault::Forbidden(_)) => match self.enter(session, ghost).await? {
                    Entered::Inside => {
                        return self.put(session, ghost, None).await.inspect_err(|_| ghosts.forget(*id));
                    }
                    Entered::Refused(fault) => {
                        ghosts.forget(*id);
                        tracing::warn!(room = %self.room, user = %ghost.user(), "a customer's user cannot enter their room: {fault}; speaking for them");
                    }
                },
                Err(fault) => {
                    ghosts.forget(*id);
                    return Err(fault);
                }
                Ok(event) => return Ok(event),
            }
        }
        let sent = self
            .put(session, session.acting(), self.speaker.label().as_deref())
            .await;
        match sent {
            Ok(event) => Ok(event),
            Err(fault) => Err(rooms::or_gone(session.caller(), self.room, fault).await),
        }
    }

    async fn put(&self, session: &Session, acting: Acting<'_>, author: Option<&str>) -> Result<MatrixEventId, Fault> {
        let content = with_users(session, self.content)?;
        let mut outgoing = outgoing(&content, author, self.txn);
        if let RoomContent::Status(status) = self.content {
            let reader = match status.reader {
                Some(reader) => session.ghost(reader)?,
                None => session.us().to_owned(),
            };
            deliver(&mut outgoing, status, reader.as_str());
        }
        let Outgoing { kind, mut content } = outgoing;
        if let Some(uploaded) = &self.uploaded {
            content["url"] = json!(uploaded.whole.content_uri);
            if let Some(small) = &uploaded.small {
                content["info"]["thumbnail_url"] = json!(small.content_uri);
            }
        }
        let mut request = send_message_event::v3::Request::new_raw(
            self.room.to_owned(),
            OwnedTransactionId::from(self.txn.0.as_str()),
            MessageLikeEventType::from(kind),
            Raw::from_json(to_raw_value(&content)?),
        );
        let at = self.at.and_then(|at| UInt::try_from(at.0).ok());
        request.timestamp = at.map(MilliSecondsSinceUnixEpoch);
        Ok(MatrixEventId(acting.send(request).await?.event_id.to_string()))
    }

    /// Brings a customer's user into the room.
    async fn enter(&self, session: &Session, ghost: Acting<'_>) -> Result<Entered, Fault> {
        match rooms::invite(session.caller(), self.room, ghost.user()).await {
            // They may be inside already, or banned; the join tells.
            Ok(()) | Err(Fault::Refused(_)) => {}
            Err(fault) => match rooms::or_gone(session.caller(), self.room, fault).await {
                Fault::Forbidden(_) => {}
                fault => return Err(fault),
            },
        }
        match ghost
            .send(join_room_by_id::v3::Request::new(self.room.to_owned()))
            .await
        {
            Ok(_) => Ok(Entered::Inside),
            Err(fault @ Fault::Forbidden(_)) => Ok(Entered::Refused(fault)),
            Err(fault) => Err(fault),
        }
    }
}

/// Returns content with the users of mentioned customers.
fn with_users<'a>(session: &Session, content: &'a RoomContent) -> Result<Cow<'a, RoomContent>, Fault> {
    let mut content = Cow::Borrowed(content);
    if matches!(&*content, RoomContent::Text { links, .. } if !links.is_empty())
        && let RoomContent::Text { links, .. } = content.to_mut()
    {
        for link in links {
            if let LinkTo::Customer(customer) = link.to {
                link.to = LinkTo::User(session.ghost(customer)?.as_str().into());
            }
        }
    }
    Ok(content)
}

/// Whether a customer's user is in the room.
enum Entered {
    Inside,
    Refused(Fault),
}

/// Searches the latest events in the room for one of ours with the transaction id.
pub(super) async fn find_sent(
    session: &Session,
    logins: &Logins,
    room: &RoomId,
    txn: &TxnId,
) -> Result<Option<MatrixEventId>, Fault> {
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let mut request = get_message_events::v3::Request::backward(room.to_owned()).from(from);
        request.limit = UInt::from(PAGE);
        let page = match session.acting().send(request).await {
            Ok(page) => page,
            Err(fault) => return Err(rooms::or_gone(session.caller(), room, fault).await),
        };
        for event in &page.chunk {
            let sender = event.get_field::<String>("sender").ok().flatten();
            if sender.is_some_and(|sender| session.is_ours(&sender) || logins.has(&sender))
                && let Some(found) = id_if_sent_as(event.json().get(), txn)
            {
                return Ok(Some(found));
            }
        }
        from = match page.end {
            Some(end) => Some(end),
            None => break,
        };
    }
    Ok(None)
}

/// Fetches one event.
pub(super) async fn event(session: &Session, room: &RoomId, id: &EventId) -> Result<RoomEvent, Fault> {
    let request = get_room_event::v3::Request::new(room.to_owned(), id.to_owned());
    let found = match session.acting().send(request).await {
        Ok(found) => found.event,
        Err(fault) => return Err(rooms::or_gone(session.caller(), room, fault).await),
    };
    let read = read_event(&MatrixRoomId(room.to_string()), &found);
    read.ok_or_else(|| Fault::Refused(format!("{id} is not a valid event")))
}
