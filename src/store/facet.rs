//! The facets of [`Store`] and [`Tx`]: one for each kind of row, so that a call says what it acts on
//! (`tx.messages().insert(..)`, `store.messages().page(..)`). A facet borrows the store or transaction. Methods that
//! only read are written once for both; methods that write exist for a [`Tx`] only.

use sea_orm::ConnectionTrait;

use super::database::readers::Readers;
use super::database::session::Session;
use super::{Store, Tx};

/// Source of reads for a facet: the pool of readers, or a transaction that sees its own writes.
pub trait Database: Sync {
    /// Type of the connection.
    type Connection: ConnectionTrait;

    /// Returns the connection that statements go through.
    fn connection(&self) -> &Self::Connection;
}

impl Database for Store {
    type Connection = Readers;

    fn connection(&self) -> &Readers {
        self.readers()
    }
}

impl Database for Tx {
    type Connection = Session;

    fn connection(&self) -> &Session {
        &self.session
    }
}

/// Declares the facets, and the method of [`Store`] and [`Tx`] that returns each.
macro_rules! facets {
    ($($(#[$doc:meta])* $facet:ident = $method:ident;)*) => {
        $(
            $(#[$doc])*
            pub struct $facet<'a, D>(pub(super) &'a D);
        )*

        impl Store {
            $(
                $(#[$doc])*
                pub const fn $method(&self) -> $facet<'_, Self> {
                    $facet(self)
                }
            )*
        }

        impl Tx {
            $(
                $(#[$doc])*
                pub const fn $method(&self) -> $facet<'_, Self> {
                    $facet(self)
                }
            )*
        }
    };
}

facets! {
    /// Accounts and their leases.
    Accounts = accounts;
    /// Agents.
    Agents = agents;
    /// Stored answers to idempotent requests.
    Answers = answers;
    /// Definitions of customers' attributes.
    Attributes = attributes;
    /// The audit log.
    Audit = audit;
    /// Profile pictures of customers and groups.
    Avatars = avatars;
    /// Cards of rooms.
    Cards = cards;
    /// Conversations.
    Conversations = conversations;
    /// Customers.
    Customers = customers;
    /// Acks that came before their messages.
    EarlyAcks = early_acks;
    /// Exports that are written to a file.
    Exports = exports;
    /// Groups and their members.
    Groups = groups;
    /// The import of history.
    HistoryImports = history;
    /// Dated identities of customers.
    Identities = identities;
    /// Room events that stay inside.
    InternalEvents = internal_events;
    /// The journal.
    Journal = journal;
    /// API keys.
    Keys = keys;
    /// Media of messages.
    MediaItems = media;
    /// Labels of conversations.
    Labels = labels;
    /// Merges of customers, and how they are undone.
    Merges = merges;
    /// Messages.
    Messages = messages;
    /// Notes of colleagues.
    Notes = notes;
    /// Opt-outs.
    OptOuts = opt_outs;
    /// Work to be done in WhatsApp or Matrix.
    Outbox = outbox;
    /// Facts that the pace of sending depends on.
    Pace = pace;
    /// Room events that could not be decrypted yet.
    PendingEvents = pending_events;
    /// Events that could not be stored.
    Quarantine = quarantine;
    /// Places of rooms in sub-spaces.
    Places = places;
    /// Questions of the bot's in rooms.
    Questions = questions;
    /// Rooms and the events that show messages.
    Rooms = rooms;
    /// Messages that wait for their time, or for a person.
    Scheduled = scheduled;
    /// Sights: what somebody gets to see.
    Sights = sights;
    /// Settings and cursors of crm.
    Settings = settings;
    /// Room events that were taken in.
    TakenEvents = taken_events;
    /// Templates of messages.
    Templates = templates;
}
