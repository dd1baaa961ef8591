//! Chats that the page cannot read while it reads others. They are stored with the time from which their messages may be
//! missing: neither a later message nor a crash makes such a gap look closed. The owner is told of chats that stay
//! unreadable.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bridge::core::policy::Policy;
use crate::bridge::core::trouble;
use crate::domain::account::Account;
use crate::domain::customer::Identity;
use crate::domain::whatsapp::WaContact;
use crate::domain::{AccountId, ChatId, ConversationId, Timestamp};
use crate::store::{Store, StoreError, Tx};

/// How long a chat is unreadable before the owner is told: until it was tried again at least once.
const TOLD_AFTER: Duration = Duration::from_mins(15);
/// Upper bound of the stored chats; beyond it the one that was tried first is dropped.
const MAX_CHATS: usize = 1000;
/// Upper bound of the conversations that the notice names.
const MAX_NAMED: usize = 10;

/// Purpose for which a chat is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Comparison with the page.
    Comparison,
    /// Import of history.
    Import,
}

impl Reading {
    /// Returns the key of the trouble that some chats cannot be read.
    fn key(self, account: AccountId) -> String {
        let key = trouble::key_of(account);
        match self {
            Self::Comparison => format!("{key}.unread"),
            Self::Import => format!("{key}.import"),
        }
    }
}

/// A chat that the page cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnreadableChat {
    /// WhatsApp's id of the chat.
    pub chat: ChatId,
    /// Identities of the chat's other side, because the chat's id may change.
    pub identities: Vec<Identity>,
    /// The chat's conversation, if there is one.
    pub conversation: Option<ConversationId>,
    /// Time from which messages may be missing.
    pub since: Timestamp,
    /// Time when the chat was first found to be unreadable.
    pub found_at: Timestamp,
}

impl UnreadableChat {
    /// Returns whether this is the chat with this id, or with this contact.
    pub fn is(&self, chat: &ChatId, contact: &WaContact) -> bool {
        self.chat == *chat || contact.identities.iter().any(|one| self.identities.contains(one))
    }
}

/// Returns the account's unreadable chats; the one whose last try is the oldest comes first.
pub(crate) async fn stored(
    store: &Store,
    account: AccountId,
    reading: Reading,
) -> Result<Vec<UnreadableChat>, StoreError> {
    let value = store.settings().get(&trouble::chats_of(&reading.key(account))).await?;
    Ok(parsed(value))
}

/// Stores that a chat could not be read, and opens the trouble. Of two times the earlier one stays.
pub(crate) async fn note(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    reading: Reading,
    mut chat: UnreadableChat,
) -> Result<(), StoreError> {
    let mut chats = read(tx, account.id, reading).await?;
    if let Some(at) = chats.iter().position(|known| known.chat == chat.chat) {
        let known = chats.remove(at);
        chat.since = chat.since.min(known.since);
        chat.found_at = chat.found_at.min(known.found_at);
        chat.conversation = chat.conversation.or(known.conversation);
    }
    chats.push(chat);
    if chats.len() > MAX_CHATS {
        chats.remove(0);
    }
    write(tx, policy, account, reading, &chats).await
}

/// Removes a chat that could be read, or that the page no longer has. Ends the trouble with the last one.
pub(crate) async fn forget(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    reading: Reading,
    chat: &ChatId,
) -> Result<(), StoreError> {
    let mut chats = read(tx, account.id, reading).await?;
    let before = chats.len();
    chats.retain(|known| known.chat != *chat);
    if chats.len() == before {
        return Ok(());
    }
    write(tx, policy, account, reading, &chats).await
}

async fn read(tx: &Tx, account: AccountId, reading: Reading) -> Result<Vec<UnreadableChat>, StoreError> {
    let value = tx.settings().get(&trouble::chats_of(&reading.key(account))).await?;
    Ok(parsed(value))
}

fn parsed(value: Option<String>) -> Vec<UnreadableChat> {
    value
        .and_then(|value| serde_json::from_str(&value).ok())
        .unwrap_or_default()
}

/// Stores the chats, and opens or ends the trouble in the same transaction.
async fn write(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    reading: Reading,
    chats: &[UnreadableChat],
) -> Result<(), StoreError> {
    let key = reading.key(account.id);
    let setting = trouble::chats_of(&key);
    if chats.is_empty() {
        tx.settings().set(&setting, None).await?;
        let text = match reading {
            Reading::Comparison => format!("WhatsApp ({}): all chats can be read again.", account.name),
            Reading::Import => format!("WhatsApp ({}): the history of all chats is imported.", account.name),
        };
        return trouble::end(tx, policy, account.id, &key, &text).await;
    }
    // Our own types have string keys, so they can always be written.
    let value = serde_json::to_string(chats).unwrap_or_default();
    tx.settings().set(&setting, Some(&value)).await?;
    let text = told(account, reading, chats);
    trouble::open(tx, policy, account.id, &key, &text, TOLD_AFTER).await
}

/// Returns the notice. It names conversations by their ids, and is the same in whatever order the chats were tried.
fn told(account: &Account, reading: Reading, chats: &[UnreadableChat]) -> String {
    let mut ids: Vec<ConversationId> = chats.iter().filter_map(|chat| chat.conversation).collect();
    ids.sort_unstable();
    ids.dedup();
    let named: Vec<String> = ids.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    let named = match named.as_slice() {
        [] => String::new(),
        [one] => format!(" (conversation {one})"),
        several => format!(" (conversations {})", several.join(", ")),
    };
    let (name, count) = (&account.name, chats.len());
    let chats = if count == 1 { "chat" } else { "chats" };
    match reading {
        Reading::Comparison => format!(
            "WhatsApp ({name}): WhatsApp Web cannot read {count} {chats}{named}. New messages arrive, but some that \
             were written while we were away may be missing: look at the phone. It is tried again every few minutes."
        ),
        Reading::Import => format!(
            "WhatsApp ({name}): the history of {count} {chats}{named} was not imported whole, because WhatsApp Web \
             cannot read it. Ask for the import again later: `crm login --history`."
        ),
    }
}
