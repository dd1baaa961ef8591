//! The one table of what can be done, and the right that each needs. Every face asks it: the routes of the API, the commands
//! of the WebSocket (the shell uses both), and the commands in rooms.

use super::Scope;

/// Declares the operations, each with its word, its least right, and perhaps `all` (it concerns all accounts at once) or
/// `audited` (a decision that colleagues ask about, though it needs no more than `send`).
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $scope:ident $(, $flag:ident)*;)+) => {
        /// Something that can be done through a face.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation { $($(#[$doc])* $name),+ }

        impl Operation {
            /// All operations, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the operation's name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// Returns the least right that it needs.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope),+ }
            }

            /// Returns whether it concerns all accounts at once, so that nobody who is limited to some may do it.
            pub const fn is_of_all_accounts(self) -> bool {
                match self { $(Self::$name => operations!(@all $($flag)*)),+ }
            }

            /// Returns whether each use is in the audit log: all that need `manage` or `admin`, and decisions on customers
            /// and conversations. Who sent a message stands in the message.
            pub fn is_audited(self) -> bool {
                self.scope() >= Scope::Manage || match self { $(Self::$name => operations!(@audited $($flag)*)),+ }
            }
        }
    };
    (@all all $($other:ident)*) => { true };
    (@all $($other:ident)*) => { false };
    (@audited $(all)? audited) => { true };
    (@audited $($other:ident)*) => { false };
}

operations! {
    /// See how the server does: ready, status, work that waits.
    WatchServer = "server.watch", Read;
    /// See the server's metrics.
    ReadMetrics = "metrics.read", Read, all;
    /// See what the API can do.
    ReadDescription = "api.read", Read;
    /// Let a restored outbox go on.
    ResumeOutbox = "outbox.resume", Manage, all;
    /// Say that the clock is right.
    ConfirmClock = "clock.confirm", Admin, all;
    /// Take a backup.
    TakeBackup = "backup.take", Admin, all;
    /// See who did what.
    ReadAudit = "audit.read", Admin, all;
    /// See events that could not be stored.
    ReadQuarantine = "quarantine.read", Manage, all;
    /// Try to store them again.
    ReplayQuarantine = "quarantine.replay", Manage, all;
    /// Look at the superseded system's tables.
    ReadTables = "tables.read", Manage, all;
    /// See keys, without their secrets.
    ReadKeys = "key.read", Admin, all;
    /// Make a key.
    CreateKey = "key.create", Admin, all;
    /// Make the successor of a key.
    RotateKey = "key.rotate", Admin, all;
    /// Revoke a key.
    RevokeKey = "key.revoke", Admin, all;
    /// See who one is: key, agent, rights, time zone.
    ReadSelf = "self.read", Read;
    /// See agents.
    ReadAgents = "agent.read", Read;
    /// Add an agent.
    CreateAgent = "agent.create", Admin, all;
    /// Change, deactivate or activate an agent.
    EditAgent = "agent.edit", Admin, all;
    /// See accounts, and how far their history is.
    ReadAccounts = "account.read", Read;
    /// Add an account.
    AddAccount = "account.add", Admin, all;
    /// Remove an account.
    RemoveAccount = "account.remove", Admin;
    /// Bind an account to another number.
    RebindAccount = "account.rebind", Admin;
    /// Link and unlink an account's device, and see the codes for it.
    LinkAccount = "account.link", Manage;
    /// Release an account whose holder died.
    ReleaseAccount = "account.release", Manage;
    /// Import an account's history.
    ImportHistory = "account.import", Manage;
    /// Compare an account with WhatsApp.
    SyncAccount = "account.sync", Manage;
    /// See customers, their identities and merges.
    ReadCustomers = "customer.read", Read;
    /// Create a customer before they write. They have no conversation yet, and so are of no account.
    CreateCustomer = "customer.create", Send, all, audited;
    /// Change a customer.
    EditCustomer = "customer.edit", Send, audited;
    /// Put labels on a customer, and take them off.
    LabelCustomer = "customer.label", Send, audited;
    /// Note that a customer wants no messages.
    OptOutCustomer = "customer.opt_out", Send, audited;
    /// Allow messages to a customer again.
    OptInCustomer = "customer.opt_in", Manage;
    /// Merge two customers.
    MergeCustomers = "customer.merge", Manage;
    /// Undo a merge.
    UndoMerge = "customer.unmerge", Manage;
    /// See conversations.
    ReadConversations = "conversation.read", Read;
    /// Mark a conversation as read.
    MarkRead = "conversation.mark_read", Send;
    /// Give a conversation to an agent, or to nobody.
    AssignConversation = "conversation.assign", Send, audited;
    /// Set how a conversation stands.
    SetStatus = "conversation.status", Send, audited;
    /// Put labels on a conversation, and take them off.
    LabelConversation = "conversation.label", Send, audited;
    /// See labels.
    ReadLabels = "label.read", Read;
    /// Create, change and delete labels.
    EditLabels = "label.edit", Manage, all;
    /// See definitions of customers' attributes.
    ReadAttributes = "attribute.read", Read;
    /// Create, change and delete definitions of customers' attributes.
    EditAttributes = "attribute.edit", Manage, all;
    /// See templates, and what they would become.
    ReadTemplates = "template.read", Read;
    /// Create, change and delete templates.
    EditTemplates = "template.edit", Manage, all;
    /// See notes.
    ReadNotes = "note.read", Read;
    /// Write and delete notes.
    WriteNote = "note.write", Send, audited;
    /// See messages.
    ReadMessages = "message.read", Read;
    /// Send a message.
    SendMessage = "message.send", Send;
    /// Edit or delete a message, or react to it.
    ReviseMessage = "message.revise", Send;
    /// Send a message for later now, or cancel one that has not gone out.
    ReleaseMessage = "message.release", Send, audited;
    /// Retry or resolve a message that went wrong.
    SettleMessage = "message.settle", Manage;
    /// Download files.
    ReadMedia = "media.read", Read;
    /// Upload a file.
    UploadMedia = "media.upload", Send;
    /// Ask for a file that is not here.
    FetchMedia = "media.fetch", Send;
    /// Take out customers or messages as files.
    Export = "export", Read;
    /// Follow events as they happen.
    FollowEvents = "event.follow", Read;
    /// Tell what an outside gateway received.
    FeedGateway = "gateway.feed", Send;
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
