//! The way in: what the page tells is committed, and only then acknowledged (invariant 4). One actor an account, which
//! also follows the session and compares with the page whenever something may have been missed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::domain::account::Account;
use crate::domain::event::{Event, EventType};
use crate::domain::history::Synced;
use crate::domain::session::{Session, SessionState};
use crate::domain::whatsapp::{Batch, PageEvent, PageMark, Unreachable, WhatsApp};
use crate::domain::{AccountId, ChatId, ConversationId, WaMessageId};
use crate::store::{StoreError, Tx};

use super::core::{Core, Policy, Progress};
use super::hearing::{Heard, Hearing};
use super::intake::{self, Taken};
use super::reading::Reader;
use super::resync::{self, Scope};
use super::syncing::{Asked, MAX_ASKED, Syncs};
use super::{changes, groups, outbound, sessions};

/// The pause after trouble, before the page or the store is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// The source of quarantined bytes that only the adapter can read again; any other source is an event of ours, as JSON.
pub(super) const AS_THE_PAGE_TOLD: &str = "whatsapp.page";

/// Takes in what one account's WhatsApp tells.
pub struct Inbound {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
    reader: Reader,
    session: watch::Receiver<Session>,
    /// What is committed and not yet told to the page.
    acked: Option<PageMark>,
    /// [`crate::domain::session::Session::resync`] of the last completed comparison; relays look nothing up before it.
    resynced: watch::Sender<u64>,
    /// The load of the page, and how often it had missed something, in which changes of what we have were last looked for.
    looked_through: Option<(Option<String>, u64)>,
    /// Whether the last step has heard the page out: a pull waits for the doorbell by itself.
    listening: bool,
    hearing: Hearing,
    /// Whether nothing that is live waits: the import of history goes on then.
    quiet: watch::Sender<bool>,
    /// Comparisons that people want now, and the one that is under way.
    syncs: Syncs,
    asked: mpsc::Receiver<Asked>,
    in_hand: Option<Asked>,
}

/// Something about a message that we do not know.
struct Stray {
    chat: ChatId,
    id: WaMessageId,
    from_me: bool,
    /// To be taken in again once its message is there; an ack comes with the message.
    event: Option<PageEvent>,
}

impl Inbound {
    pub fn new(core: Core, account: AccountId, port: Arc<dyn WhatsApp>, reader: Reader) -> Self {
        let session = port.session();
        let (ask, asked) = mpsc::channel(MAX_ASKED);
        Self {
            core,
            account,
            port,
            reader,
            session,
            acked: None,
            resynced: watch::Sender::new(0),
            looked_through: None,
            listening: false,
            hearing: Hearing::default(),
            quiet: watch::Sender::new(false),
            syncs: Syncs::new(ask),
            asked,
            in_hand: None,
        }
    }

    /// Where a comparison can be asked for.
    pub fn syncs(&self) -> Syncs {
        self.syncs.clone()
    }

    /// Whether nothing that is live waits.
    pub fn quiet(&self) -> watch::Receiver<bool> {
        self.quiet.subscribe()
    }

    /// How far the comparison with the page has come.
    pub fn resynced(&self) -> watch::Receiver<u64> {
        self.resynced.subscribe()
    }

    /// Works until `stopping`, or until another process drives the account.
    pub async fn run(mut self, stopping: CancellationToken) -> anyhow::Result<()> {
        while !stopping.is_cancelled() {
            let step = tokio::select! {
                step = self.step() => step,
                () = stopping.cancelled() => return Ok(()),
            };
            match step {
                Ok(Progress::Worked) => continue,
                // The page has been asked and had nothing, which took its time: ask again at once.
                Ok(Progress::Idle) if self.listening => continue,
                Ok(Progress::Idle) => {}
                Err(error @ StoreError::LeaseLost(_)) => return Err(error.into()),
                Err(error) => tracing::error!(account = %self.account, "taking in failed, trying again: {error}"),
            }
            let clock = self.core.clock.clone();
            tokio::select! {
                _ = self.session.changed() => {}
                () = clock.sleep(PAUSE) => {}
                () = stopping.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Follows the session, compares with the page if that is due, or takes in one batch.
    pub async fn step(&mut self) -> Result<Progress, StoreError> {
        self.listening = false;
        let session = self.session.borrow_and_update().clone();
        let account = sessions::follow(&self.core, self.account, &session, self.port.as_ref()).await?;
        // Who is linked, and is not bound, has a number that another account has.
        let is_strange = session.me.is_some() && account.phone.is_none();
        if !session.state.is_linked() || is_strange {
            return Ok(Progress::Idle);
        }
        if session.resync > *self.resynced.borrow() && session.state == SessionState::Ready {
            return self.catch_up(&account, &session).await;
        }
        if session.resync > *self.resynced.borrow() {
            // Live events wait for the comparison (`RULES` 11), or a gap would look closed.
            return Ok(Progress::Idle);
        }
        if let Some(asked) = self.in_hand.take().or_else(|| self.asked.try_recv().ok()) {
            return self.answer(&account, asked).await;
        }
        // A session that changes is looked at at once; what was pulled and not acked is pulled again.
        let pulled = tokio::select! {
            pulled = self.port.pull(self.acked.as_ref()) => pulled,
            Some(asked) = self.asked.recv() => return self.answer(&account, asked).await,
            _ = self.session.changed() => { self.session.mark_changed(); return Ok(Progress::Worked); }
        };
        match pulled {
            Ok(Batch { mark: None, .. }) => self.nothing_told(&account, &session).await,
            // A page that was loaded anew, of which the session does not know yet: the comparison comes first (`RULES` 11).
            Ok(Batch { mark: Some(mark), .. }) if session.epoch.as_ref().is_some_and(|known| *known != mark.epoch) => {
                Ok(Progress::Idle)
            }
            Ok(batch) => {
                self.listening = true;
                self.quiet.send_replace(false);
                self.commit(&account, batch).await
            }
            Err(Unreachable(_)) => Ok(Progress::Idle),
        }
    }

    /// Compares with the page what may have changed, and lets everybody know that it is done.
    async fn catch_up(&mut self, account: &Account, session: &Session) -> Result<Progress, StoreError> {
        self.quiet.send_replace(false);
        let page = (session.epoch.clone(), session.missed);
        let scope = if self.looked_through.as_ref() == Some(&page) {
            Scope::Changed
        } else {
            Scope::Anew
        };
        let Some(synced) = self.compare(account, scope, None).await? else {
            return Ok(Progress::Idle);
        };
        self.looked_through = Some(page);
        let port = self.port.clone();
        let found = usize::try_from(synced.recovered).unwrap_or(usize::MAX);
        self.hearing
            .compared(&self.core, account, port.as_ref(), session, found)
            .await?;
        self.resynced.send_replace(session.resync);
        self.core.bell.ring();
        Ok(Progress::Worked)
    }

    /// The page had nothing to tell: perhaps because there is nothing, perhaps because it is deaf.
    async fn nothing_told(&mut self, account: &Account, session: &Session) -> Result<Progress, StoreError> {
        let port = self.port.clone();
        if session.state == SessionState::Ready
            && self.hearing.look(&self.core, account, port.as_ref()).await? == Heard::NotAll
        {
            return self.catch_up(account, session).await;
        }
        self.listening = true;
        self.quiet.send_replace(true);
        Ok(Progress::Idle)
    }

    /// Compares with the page, and writes down what that found; `None` when the page went away meanwhile.
    async fn compare(
        &self,
        account: &Account,
        scope: Scope,
        asked: Option<&Asked>,
    ) -> Result<Option<Synced>, StoreError> {
        let found = match resync::run(&self.core, account, self.port.as_ref(), &self.reader, scope).await? {
            resync::Outcome::Complete { found } => found as u64,
            resync::Outcome::Interrupted(error) => {
                tracing::debug!(account = %account.id, "the comparison with the page was interrupted: {error}");
                return Ok(None);
            }
        };
        if found > 0 {
            tracing::info!(account = %account.id, found, "recovered messages that were missed");
        }
        let (id, tell) = (account.id, found > 0 || asked.is_some());
        let written = self.core.write(move |tx| {
            async move {
                tx.hasten(id).await?;
                let synced = tx.note_sync(id, found).await?;
                if tell {
                    tx.emit(Event::of_account(EventType::AccountSynced, id, &synced));
                }
                Ok::<_, StoreError>(synced)
            }
            .boxed()
        });
        written.await.map(Some)
    }

    /// Does a comparison that somebody asked for; when the page goes away meanwhile, once it is back.
    async fn answer(&mut self, account: &Account, asked: Asked) -> Result<Progress, StoreError> {
        let Some(synced) = self.compare(account, asked.scope, Some(&asked)).await? else {
            self.in_hand = Some(asked);
            return Ok(Progress::Idle);
        };
        asked.answer(synced);
        Ok(Progress::Worked)
    }

    async fn commit(&mut self, account: &Account, batch: Batch) -> Result<Progress, StoreError> {
        let Some(mark) = batch.mark else {
            return Ok(Progress::Idle);
        };
        let told = take_batch(&self.core, account, &batch.events, &self.reader).await?;
        for stray in told.strays {
            // `RULES` 11: what is about an id that we do not know fetches its message.
            match self.port.message(&stray.chat, &stray.id, stray.from_me).await {
                Ok(Some(message)) => {
                    let events: Vec<PageEvent> = std::iter::once(PageEvent::Message(Box::new(message)))
                        .chain(stray.event)
                        .collect();
                    let again = take_batch(&self.core, account, &events, &self.reader).await?;
                    self.give_up(account, again.strays).await?;
                }
                Ok(None) => self.give_up(account, vec![stray]).await?,
                // Not acked, so it comes again.
                Err(_) => {
                    self.listening = false;
                    return Ok(Progress::Idle);
                }
            }
        }
        self.acked = Some(mark);
        Ok(Progress::Worked)
    }

    /// What is about a message that neither we nor the page have is kept with that reason (`RULES` 13). An ack alone says
    /// nothing worth keeping.
    async fn give_up(&self, account: &Account, strays: Vec<Stray>) -> Result<(), StoreError> {
        for event in strays.into_iter().filter_map(|stray| stray.event) {
            let error = "it is about a message that neither the page nor the store has";
            quarantine(&self.core, account, &event, error).await?;
        }
        Ok(())
    }
}

/// Commits events together; when the store refuses one of them for good, each on its own, with the refused in quarantine.
pub(super) async fn take_batch(
    core: &Core,
    account: &Account,
    events: &[PageEvent],
    reader: &Reader,
) -> Result<Told, StoreError> {
    let told = match take_together(core, account, events).await {
        Err(error) if error.is_permanent() => {
            let mut told = Told::default();
            for event in events {
                match take_together(core, account, std::slice::from_ref(event)).await {
                    Ok(one) => told.add(one),
                    Err(error) if error.is_permanent() => quarantine(core, account, event, &error.to_string()).await?,
                    Err(error) => return Err(error),
                }
            }
            told
        }
        other => other?,
    };
    for conversation in &told.fresh {
        reader.message_came(core, *conversation);
    }
    Ok(told)
}

/// What a batch has brought.
#[derive(Default)]
pub(super) struct Told {
    /// Messages that were new.
    pub new: usize,
    /// Conversations with something to be marked as read.
    fresh: Vec<ConversationId>,
    /// What is about messages that we do not know.
    strays: Vec<Stray>,
}

impl Told {
    fn add(&mut self, other: Self) {
        self.new += other.new;
        self.fresh.extend(other.fresh);
        self.strays.extend(other.strays);
    }
}

pub(super) async fn take_together(core: &Core, account: &Account, events: &[PageEvent]) -> Result<Told, StoreError> {
    let (policy, account, events) = (core.policy.clone(), account.clone(), events.to_vec());
    core.write(move |tx| {
        let (policy, account, events) = (policy.clone(), account.clone(), events.clone());
        async move {
            let mut told = Told::default();
            for event in &events {
                take_event(tx, &policy, &account, event, &mut told).await?;
            }
            Ok(told)
        }
        .boxed()
    })
    .await
}

async fn take_event(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    event: &PageEvent,
    told: &mut Told,
) -> Result<(), StoreError> {
    match event {
        PageEvent::Message(message) => {
            let taken = intake::take_in(tx, policy, account, message).await?;
            told.new += usize::from(taken != Taken::Known);
            if let Taken::New(conversation) = taken {
                told.fresh.push(conversation);
            }
        }
        PageEvent::Ack { chat, ids, ack } => {
            for id in ids {
                match tx.our_message(account.id, id, Some(chat)).await? {
                    Some(message) => {
                        outbound::apply_ack(tx, policy, &message, *ack).await?;
                    }
                    None => told.strays.push(Stray {
                        chat: chat.clone(),
                        id: id.clone(),
                        from_me: true,
                        event: None,
                    }),
                }
            }
        }
        PageEvent::Edited { target, .. }
        | PageEvent::Deleted { target, .. }
        | PageEvent::Reacted { target, .. }
        | PageEvent::Voted { target, .. }
        | PageEvent::Moved { target, .. } => {
            if !changes::apply(tx, policy, account, event).await? {
                told.strays.push(Stray {
                    chat: target.chat.clone(),
                    id: target.id.clone(),
                    from_me: target.from_me,
                    event: Some(event.clone()),
                });
            }
        }
        PageEvent::Group(group) => groups::take_in(tx, policy, account, group).await?,
        PageEvent::Poison { bytes, error } => {
            tx.add_quarantine(AS_THE_PAGE_TOLD, Some(account.id), bytes, error)
                .await?;
        }
    }
    Ok(())
}

/// Keeps what the store refuses for good, with the reason (`RULES` 13).
pub(super) async fn quarantine(
    core: &Core,
    account: &Account,
    event: &PageEvent,
    error: &str,
) -> Result<(), StoreError> {
    let (source, bytes) = match event {
        PageEvent::Poison { bytes, .. } => (AS_THE_PAGE_TOLD, bytes.clone()),
        // Our own types have string keys, so they can always be written.
        event => ("whatsapp.event", serde_json::to_vec(event).unwrap_or_default()),
    };
    tracing::warn!(account = %account.id, "an event could not be stored; it is in quarantine: see `crm doctor`");
    let (account, error) = (account.id, error.to_owned());
    core.write(move |tx| {
        let (bytes, error) = (bytes.clone(), error.clone());
        async move { tx.add_quarantine(source, Some(account), &bytes, &error).await }.boxed()
    })
    .await
}
