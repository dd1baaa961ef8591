//! A command as it was given, and what came of it.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::refusal::Refusal;
use crate::bridge::core::{Core, accounts};
use crate::domain::agent::Agent;
use crate::domain::conversation::Conversation;
use crate::domain::matrix::{RoomEvent, RoomEventKind};
use crate::domain::message::{Author, Message, Origin};
use crate::domain::rights::{Scope, Sight};
use crate::domain::{MatrixEventId, MatrixRoomId, MessageId, OwnerId, Timestamp, when};
use crate::store::{StoreError, Tx};

use super::accounts::Asked;
use super::context::RoomContext;

/// A command as it was given.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    /// Shared context of the bridge.
    pub core: &'a Core,
    /// Conversation of the room.
    pub conversation: &'a Conversation,
    /// The event that says it.
    pub event: &'a RoomEvent,
    /// Its author.
    pub agent: &'a Agent,
    /// Data that was fetched before the transaction began.
    pub around: &'a RoomContext,
}

/// Outcome of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// This is answered in the room.
    Told(String),
    /// A message was queued, which the room shows: that of an event before.
    Sent,
    /// It made a message for a customer. The text is answered, if there is one.
    Made { message: MessageId, told: Option<String> },
    /// It is a note, and marked as one.
    Noted,
}

impl<'a> Given<'a> {
    /// Returns it as a command about an account: that of the room, if no other is named.
    pub(super) const fn asked(&self) -> Asked<'a> {
        Asked {
            core: self.core,
            event: self.event,
            agent: self.agent,
            home: Some(self.conversation.account_id),
        }
    }
}

impl Given<'_> {
    /// Returns the author of what the command writes.
    pub(super) fn author(&self) -> Author {
        Author {
            origin: Some(Origin::Matrix),
            name: self.agent.name.clone(),
        }
    }

    /// Returns the policy of the conversation's account.
    pub(super) async fn policy(&self, tx: &mut Tx) -> Result<Arc<Policy>, StoreError> {
        accounts::policy(tx, self.core, self.conversation.account_id).await
    }

    /// Returns what the author gets to see.
    pub(super) fn sight(&self) -> Sight {
        Sight::of(self.agent.accounts.clone(), OwnerId::of_agent(self.agent.id))
    }

    /// Returns whether the author sees numbers, as the sight of everything else: what they may write to was decided before.
    pub(super) async fn sight_of_numbers(&self, tx: &mut Tx) -> Result<Sight, StoreError> {
        let hides = self.policy(tx).await?.hide_numbers && self.agent.role.scope() < Scope::Manage;
        Ok(Sight::default().hiding_numbers(hides))
    }

    /// Returns the zone in which the author gives and reads times: their own, else that of the account.
    pub(super) async fn zone(&self, tx: &mut Tx) -> Result<TimeZone, StoreError> {
        let own = self.agent.time_zone.as_deref();
        match own.and_then(|name| when::zone(name).ok()) {
            Some(zone) => Ok(zone),
            None => Ok(self.policy(tx).await?.time_zone.clone()),
        }
    }

    /// Reads a time that the author typed.
    pub(super) async fn time(&self, tx: &mut Tx, text: &str) -> Result<Timestamp, Refusal> {
        let zone = self.zone(tx).await?;
        when::read(text, tx.now(), &zone).map_err(|error| Refusal::Conflict(error.to_string()))
    }

    /// Returns a time as the author reads it.
    pub(super) async fn told(&self, tx: &mut Tx, at: Timestamp) -> Result<String, StoreError> {
        let zone = self.zone(tx).await?;
        Ok(when::told(at, &zone).unwrap_or_else(|| at.to_string()))
    }

    /// Returns the event that the command answers: it replies or reacts to it, or stands in its thread.
    fn means(&self) -> Option<&MatrixEventId> {
        match &self.event.what {
            RoomEventKind::Reaction { of, .. } => Some(of),
            what => what.reply_to().or(self.event.thread.as_ref()),
        }
    }

    /// Returns the event to which what came of the command is a reply: the command, or what it reacts to, because clients show
    /// no reply to a reaction.
    pub(super) const fn place(&self) -> (&MatrixRoomId, &MatrixEventId) {
        let event = match &self.event.what {
            RoomEventKind::Reaction { of, .. } => of,
            _ => &self.event.id,
        };
        (&self.event.room, event)
    }

    /// Returns the message that the command answers: it is shown by the event, or the notice is about it. `None` if there
    /// is none in this conversation.
    pub(super) async fn answered(&self, tx: &mut Tx) -> Result<Option<Message>, StoreError> {
        let Some(event) = self.means() else {
            return Ok(None);
        };
        let shown = match tx.rooms().message_of_event(event).await? {
            Some(shown) => Some(shown.message),
            None => tx.internal_events().get(event).await?.and_then(|inside| inside.message),
        };
        let message = match shown {
            Some(id) => tx.messages().get(id).await?,
            None => None,
        };
        Ok(message.filter(|message| message.conversation_id == self.conversation.id))
    }
}
