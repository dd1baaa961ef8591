//! Gap detection: regularly compares the newest messages that the page shows with the store, at little cost, to find a
//! page that is connected but does not report messages within seconds. Missed messages are then fetched by a full
//! comparison (`resync`), and the page is healed.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::{Core, trouble};
use crate::domain::account::Account;
use crate::domain::session::Session;
use crate::domain::whatsapp::WhatsApp;
use crate::domain::{AccountId, Timestamp, WaMessageId};
use crate::store::StoreError;

/// Pause between two checks of a page without events.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long a message that the page shows may be missing here before it counts as missed.
const PATIENCE: Duration = Duration::from_secs(4);
/// Number of chats that a check covers, the most recent first.
const CHATS: usize = 10;
/// Upper bound of the remembered messages that cannot be stored; at this number all are forgotten.
const MAX_HOPELESS: usize = 1000;
/// How long a message that cannot be stored is ignored. Later it may be of another kind: it was decrypted.
const IGNORED_FOR: Duration = Duration::from_hours(1);
/// Time without a new gap after which the trouble has ended.
const CALM: Duration = Duration::from_mins(10);

/// Result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// No gap was found, or no check was due.
    Everything,
    /// The page shows a message that it did not report: a full comparison is needed.
    NotAll,
}

/// Gap detection of one account.
#[derive(Default)]
pub(crate) struct GapDetector {
    /// Time of the last check.
    looked: Timestamp,
    /// Messages that the page shows and the store does not have, with the time at which each was first seen.
    suspects: HashMap<WaMessageId, Timestamp>,
    /// Suspects that a full comparison did not yield, so they cannot be stored and are ignored; with the time of that
    /// comparison.
    unstorable: HashMap<WaMessageId, Timestamp>,
    /// [`Session::missed`] at the last full comparison.
    missed: u64,
    /// When the page was last found not to report messages.
    deaf: Option<Timestamp>,
    /// Whether the end of the trouble was told.
    ended: bool,
}

impl GapDetector {
    /// Checks a page without events for a gap, if a check is due.
    pub(crate) async fn look(
        &mut self,
        core: &Core,
        account: &Account,
        port: &dyn WhatsApp,
    ) -> Result<Heard, StoreError> {
        let now = core.clock.now();
        let pause = if self.suspects.is_empty() { LOOK_EVERY } else { PATIENCE };
        // After the clock was set back a check is due at once.
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
        self.unstorable
            .retain(|_, compared| now >= *compared && now.since(*compared) < IGNORED_FOR);
        unknown.retain(|id| !self.unstorable.contains_key(id));
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

    /// Takes the result of a full comparison that found `found` new messages. If a gap was suspected and messages were
    /// found, tells the owner and heals the page.
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
        if self.unstorable.len() >= MAX_HOPELESS {
            self.unstorable.clear();
        }
        let now = core.clock.now();
        self.unstorable.extend(self.suspects.drain().map(|(id, _)| (id, now)));
        if !was_suspected || found == 0 {
            return Ok(());
        }
        tracing::warn!(account = %account.id, found, "the page was connected but did not report messages; healing it");
        self.deaf = Some(now);
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
        let text = format!("WhatsApp ({}) reports new messages again.", account.name);
        let input = (account.id, text);
        core.write_with(input, |tx, core, (account, text)| {
            async move { trouble::end(tx, &core.policy, *account, &key(*account), text).await }.boxed()
        })
        .await
    }
}

fn key(account: AccountId) -> String {
    format!("account.{account}.deaf")
}

async fn tell(core: &Core, account: &Account) -> Result<(), StoreError> {
    let text = format!(
        "WhatsApp ({}) was connected but did not report new messages. They were recovered, and the page is being \
         repaired; you need not do anything.",
        account.name
    );
    let input = (account.id, text);
    core.write_with(input, |tx, core, (account, text)| {
        async move { trouble::open(tx, &core.policy, *account, &key(*account), text, Duration::ZERO).await }.boxed()
    })
    .await
}
