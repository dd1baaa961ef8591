//! Commands that agents write in a room, which are not sent to the customer: texts that begin with `!`. `parse` reads them,
//! `run` checks the right, writes the audit line and carries one out by the desk's own functions, in the transaction of its
//! event. Here is also what stays inside: notes, notices, and what answers them.

pub(crate) mod accounts;
pub(super) mod context;
mod given;
pub(super) mod internal;
mod notes;
mod notices;
mod parse;
mod people;
mod reactions;
mod rights;
mod run;
mod sends;
#[cfg(test)]
mod tests;
pub(super) mod told;
mod work;

use std::collections::BTreeMap;

use crate::domain::label::LabelName;
use crate::domain::{CustomerId, MessageId, Operation};

pub(crate) use accounts::Asked;
pub(crate) use given::{Done, Given};
pub(crate) use parse::{is_command, note, parse};
pub(crate) use reactions::{RETRY, reacted};
pub(crate) use rights::{audit, audit_of, not_allowed};
pub(crate) use run::{not_done, run};
pub(super) use told::described;

/// A command of an agent, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Lists the commands.
    Help,
    /// Shows who the customer is and how the conversation stands.
    Customer,
    /// Shows the newest messages, at most so many.
    History(u64),
    /// Tells how conversation and account stand.
    Status,
    /// Gives the conversation to somebody.
    Assign(Whom),
    /// Closes the conversation.
    Close,
    /// Opens it.
    Reopen,
    /// Sets that it waits for something.
    Pending,
    /// Lets it sleep until a time, as a person types one; `None`: until the customer writes.
    Snooze(Option<String>),
    /// Writes a note.
    Note(String),
    /// Lists the labels.
    Labels,
    /// Puts labels on the conversation, and takes labels off.
    Label(Vec<Labelling>),
    /// Gives the customer a name.
    Name(String),
    /// Merges another customer into this one.
    Merge(Other),
    /// Lists the templates.
    Templates,
    /// Sends a template, filled with values.
    Template {
        /// Its name.
        name: String,
        /// Values of its fields.
        fields: BTreeMap<String, String>,
    },
    /// Sends a text at a time, as a person types one.
    SendAt {
        /// The time.
        when: String,
        /// The text.
        text: String,
    },
    /// Sends a message for later now; `None`: the one that there is.
    Release(Option<MessageId>),
    /// Cancels a message that has not gone out; `None`: the one for later that there is.
    Cancel(Option<MessageId>),
    /// Writes to a number.
    New {
        /// The number, as it was typed.
        number: String,
        /// The text.
        text: String,
    },
    /// Sends after all what the command replies to: a text that was too old.
    Send,
    /// Tries a failed message again, to which the command replies.
    Retry,
    /// Links an account's device: by a QR code, or with a number by a pairing code.
    Login {
        /// Name of the account; `None`: that of the room, or the only one.
        account: Option<String>,
        /// Number of the phone, as it was typed.
        number: Option<String>,
    },
    /// Unlinks an account's device.
    Logout(Option<String>),
    /// Compares an account with WhatsApp.
    Sync(Option<String>),
}

/// The one who gets a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The author of the command.
    Me,
    /// Nobody.
    Nobody,
    /// An agent, by name, Matrix user or id.
    Agent(String),
}

/// A change of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Labelling {
    /// Puts one on.
    Put(LabelName),
    /// Takes one off.
    Take(LabelName),
}

/// Another customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// By id.
    Id(CustomerId),
    /// By name or number.
    Called(String),
}

/// Description of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The word behind `!`.
    pub word: &'static str,
    /// Arguments behind the word.
    pub takes: &'static str,
    /// Its purpose, for people.
    pub does: &'static str,
    /// The operation that it is; `None` for what needs no right.
    pub operation: Option<Operation>,
    /// Whether it is carried out however late it reaches us: it changes nothing that may have changed since.
    pub may_be_late: bool,
}

/// A text of an agent that is a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// One that can be carried out.
    Command(&'static Entry, Command),
    /// One that cannot be read; the text says what is wrong and what to do.
    Misuse(String),
}

const fn entry(
    word: &'static str,
    takes: &'static str,
    does: &'static str,
    operation: Option<Operation>,
    may_be_late: bool,
) -> Entry {
    Entry {
        word,
        takes,
        does,
        operation,
        may_be_late,
    }
}

/// All commands, in the order in which `!help` lists them.
pub(crate) const ENTRIES: &[Entry] = &[
    entry("help", "", "lists the commands", None, true),
    entry(
        "customer",
        "",
        "shows who the customer is",
        Some(Operation::ReadCustomers),
        true,
    ),
    entry(
        "history",
        "[NUMBER]",
        "shows the newest messages",
        Some(Operation::ReadMessages),
        true,
    ),
    entry(
        "status",
        "",
        "tells how conversation and account stand",
        Some(Operation::ReadConversations),
        true,
    ),
    entry(
        "assign",
        "[me|NAME|nobody]",
        "gives the conversation to you, a colleague or nobody",
        Some(Operation::AssignConversation),
        false,
    ),
    entry(
        "close",
        "",
        "closes the conversation",
        Some(Operation::SetStatus),
        false,
    ),
    entry("reopen", "", "opens it again", Some(Operation::SetStatus), false),
    entry(
        "pending",
        "",
        "sets that it waits for something",
        Some(Operation::SetStatus),
        false,
    ),
    entry(
        "snooze",
        "[TIME]",
        "lets it sleep until a time, or until the customer writes: !snooze 2h, !snooze tomorrow 9:00",
        Some(Operation::SetStatus),
        false,
    ),
    entry(
        "note",
        "TEXT",
        "writes a note for colleagues; so does every text in a thread or reply to one",
        Some(Operation::WriteNote),
        true,
    ),
    entry(
        "label",
        "[+NAME -NAME]",
        "puts labels on the conversation and takes them off, or lists them",
        Some(Operation::LabelConversation),
        true,
    ),
    entry(
        "name",
        "NEW NAME",
        "gives the customer another name",
        Some(Operation::EditCustomer),
        false,
    ),
    entry(
        "template",
        "[NAME FIELD=VALUE …]",
        "sends a template, or lists them; a value with spaces stands in quotes",
        Some(Operation::SendMessage),
        false,
    ),
    entry(
        "send-at",
        "TIME TEXT",
        "sends a text later: !send-at tomorrow 9:00 Good morning!",
        Some(Operation::SendMessage),
        false,
    ),
    entry(
        "release",
        "[NUMBER]",
        "sends a message for later now",
        Some(Operation::ReleaseMessage),
        false,
    ),
    entry(
        "cancel",
        "[NUMBER]",
        "cancels a message that has not gone out",
        Some(Operation::ReleaseMessage),
        false,
    ),
    entry(
        "new",
        "+NUMBER TEXT",
        "writes to a number, which gets a room of its own",
        Some(Operation::SendMessage),
        false,
    ),
    entry(
        "merge",
        "CUSTOMER",
        "merges another customer (number in the list, name or phone number) into this one",
        Some(Operation::MergeCustomers),
        false,
    ),
    entry(
        "send",
        "",
        "as a reply to an old text of yours: sends it after all",
        Some(Operation::SendMessage),
        false,
    ),
    entry(
        "retry",
        "",
        "as a reply to a message that failed: tries it again",
        Some(Operation::SettleMessage),
        false,
    ),
    entry(
        "login",
        "[ACCOUNT] [+NUMBER]",
        "links a device: the management room shows the QR code, or with a number a pairing code",
        Some(Operation::LinkAccount),
        false,
    ),
    entry(
        "logout",
        "[ACCOUNT]",
        "unlinks the device of an account",
        Some(Operation::LinkAccount),
        false,
    ),
    entry(
        "sync",
        "[ACCOUNT]",
        "compares an account with WhatsApp, and recovers what was missed",
        Some(Operation::SyncAccount),
        false,
    ),
];

/// The words of the commands, and the operation that each is; `None` for what needs no right.
pub const COMMANDS: [(&str, Option<Operation>); ENTRIES.len()] = {
    let mut commands = [("", None); ENTRIES.len()];
    let mut n = 0;
    while n < ENTRIES.len() {
        commands[n] = (ENTRIES[n].word, ENTRIES[n].operation);
        n += 1;
    }
    commands
};

impl Entry {
    /// Returns whether the command is about no conversation, so that it may be given in the management room as well.
    pub(crate) fn is_anywhere(&self) -> bool {
        matches!(self.word, "help" | "status" | "login" | "logout" | "sync")
    }

    /// Returns how the command is written.
    pub(crate) fn usage(&self) -> String {
        if self.takes.is_empty() {
            format!("!{}", self.word)
        } else {
            format!("!{} {}", self.word, self.takes)
        }
    }
}
