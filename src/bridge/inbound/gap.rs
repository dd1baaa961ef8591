//! "Connected but deaf": compares what the page shows with what the store has, all the time and cheaply, so that a page that
//! tells nothing is found out in seconds and not by a customer who calls. What was missed is then fetched by a whole
//! comparison (`resync`), and the page is healed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::{Core, trouble};
use crate::domain::account::Account;
use crate::domain::session::Session;
use crate::domain::whatsapp::WhatsApp;
use crate::domain::{AccountId, Timestamp, WaMessageId};
use crate::store::StoreError;

/// Between two comparisons of a page that has nothing to tell.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long a message that the page shows may be on its way to us.
const PATIENCE: Duration = Duration::from_secs(4);
/// Chats that are looked at, the most recent.
const CHATS: usize = 10;
/// Messages that are remembered as nothing that can be stored; all of them are forgotten when they are more.
const MAX_HOPELESS: usize = 1000;
/// Deaf once more within this is the same trouble.
const CALM: Duration = Duration::from_mins(10);

/// What a look has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Everything,
    /// The page shows something that it did not tell: compare everything.
    NotAll,
}

/// One account's ear.
#[derive(Default)]
pub(crate) struct Hearing {
    looked: Timestamp,
    /// What the page shows and we do not have, since when.
    suspects: HashMap<WaMessageId, Timestamp>,
    /// What the page shows and a whole comparison did not bring: nothing that can be stored.
    hopeless: HashMap<WaMessageId, Timestamp>,
    /// [`Session::missed`] as it was when everything was last compared.
    missed: u64,
    /// When the page was last found deaf.
    deaf: Option<Timestamp>,
    /// Whether the end of the trouble has been told.
    ended: bool,
}

impl Hearing {
    /// Looks, if it is time to, at a page that has nothing to tell.
    pub(crate) async fn look(
        &mut self,
        core: &Core,
        account: &Account,
        port: &dyn WhatsApp,
    ) -> Result<Heard, StoreError> {
        let now = core.clock.now();
        let pause = if self.suspects.is_empty() { LOOK_EVERY } else { PATIENCE };
        // A clock that was set back begins anew.
        if now >= self.looked && now.since(self.looked) < pause {
            return Ok(Heard::Everything);
        }
        self.looked = now;
        self.end_trouble(core, account).await?;
        let Ok(shown) = port.newest(CHATS).await else {
            return Ok(Heard::Everything);
        };
        let shown: Vec<WaMessageId> = shown.into_iter().filter_map(|chat| chat.last_message).collect();
        let mut unknown = core.store.messages().unknown_of(account.id, &shown).await?;
        unknown.retain(|id| !self.hopeless.contains_key(id));
        self.suspects.retain(|id, _| unknown.contains(id));
        for id in unknown {
            self.suspects.entry(id).or_insert(now);
        }
        let is_late = |since: &Timestamp| now.since(*since) >= PATIENCE;
        if self.suspects.values().any(is_late) {
            return Ok(Heard::NotAll);
        }
        Ok(Heard::Everything)
    }

    /// Everything has been compared, and so many messages were new: when the page had been under suspicion, it was deaf.
    pub(crate) async fn compared(
        &mut self,
        core: &Core,
        account: &Account,
        port: &dyn WhatsApp,
        session: &Session,
        found: usize,
    ) -> Result<(), StoreError> {
        let was_suspected = !self.suspects.is_empty() || session.missed > self.missed;
        self.missed = session.missed;
        if self.hopeless.len() >= MAX_HOPELESS {
            self.hopeless.clear();
        }
        self.hopeless.extend(self.suspects.drain());
        if !was_suspected || found == 0 {
            return Ok(());
        }
        tracing::warn!(account = %account.id, found, "the page was connected, and did not tell of messages; healing it");
        self.deaf = Some(core.clock.now());
        self.ended = false;
        tell(core, account).await?;
        port.heal().await;
        Ok(())
    }

    async fn end_trouble(&mut self, core: &Core, account: &Account) -> Result<(), StoreError> {
        let now = core.clock.now();
        if self.ended || self.deaf.is_some_and(|deaf| now.since(deaf) < CALM) {
            return Ok(());
        }
        self.ended = true;
        let text = format!("WhatsApp ({}) tells of every message again.", account.name);
        let input = (Arc::clone(&core.policy), account.id, text);
        core.write(input, |tx, (policy, account, text)| {
            async move { trouble::end(tx, policy, *account, &key(*account), text).await }.boxed()
        })
        .await
    }
}

fn key(account: AccountId) -> String {
    format!("account.{account}.deaf")
}

async fn tell(core: &Core, account: &Account) -> Result<(), StoreError> {
    let text = format!(
        "WhatsApp ({}) was connected and did not tell of messages that had come. They were found and taken in; the page is \
         made to listen again.",
        account.name
    );
    let input = (Arc::clone(&core.policy), account.id, text);
    core.write(input, |tx, (policy, account, text)| {
        async move { trouble::open(tx, policy, *account, &key(*account), text, Duration::ZERO).await }.boxed()
    })
    .await
}
