//! The port's other side: each call of [`WhatsApp`] becomes one of the page script's, under a deadline, and its failure is
//! told with the certainty that there is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::library::{self, Names, NoLibrary};
use super::options::WaOptions;
use super::page::{CallError, Page};
use super::profile::{Profile, ProfileError};
use super::shared::{Close, Request, Shared};
use super::supervision::Supervision;
use super::wire::{self, ListPage, Pull, WireLookUp, WireResolved};
use super::{history, login, outgoing, pacing};
use crate::domain::account::Binding;
use crate::domain::media::Sink;
use crate::domain::session::{Session, SessionState};
use crate::domain::vitals::Vitals;
use crate::domain::whatsapp::{
    Batch, ChatSummary, Earlier, FetchError, LoginMethod, LookUp, MAX_BATCH_EVENTS, MediaKey, MessageChange,
    OutgoingChange, OutgoingMessage, PageEvent, PageMark, Portrait, Recipient, Resolved, SendError, Unreachable,
    WaMessage, WhatsApp,
};
use crate::domain::{ChatId, Clock, HistoryMark, Timestamp, WaMessageId};
use crate::supervisor::Supervisor;

/// Parts of a long list that are asked for; far beyond any account's chats.
const MAX_PARTS: usize = 10_000;
/// Showing "typing…" may not hold up a message for longer.
const TYPING_LIMIT: Duration = Duration::from_secs(3);

/// Why an account's WhatsApp cannot be started at all. (What may heal by itself is a state of the session instead.)
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Library(#[from] NoLibrary),
}

/// One account's WhatsApp Web.
pub struct WhatsAppWeb {
    pub(super) options: WaOptions,
    pub(super) shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    random: Mutex<StdRng>,
    /// Tasks of its own: the browser has to outlive the program's other tasks, whose last words go through it.
    tasks: Supervisor,
}

impl WhatsAppWeb {
    /// Takes the profile, and begins to start the browser. Returns before it runs: see [`WhatsApp::session`]. The browser runs
    /// until [`WhatsApp::close`], or until this is dropped.
    pub fn start(
        options: WaOptions,
        clock: Arc<dyn Clock>,
        mut random: StdRng,
        supervisor: &Supervisor,
    ) -> Result<Self, StartError> {
        let names = Names::new(random.random());
        let script = library::script(options.library.as_deref(), &names)?;
        let profile = Profile::open(&options.profile, clock.now())?;
        let (shared, asked) = Shared::new(clock.clone());
        let channels = (Arc::clone(&shared), asked);
        let tasks = Supervisor::new();
        Supervision::run(options.clone(), names, script, profile, channels, &tasks);
        let (own, stopping) = (tasks.clone(), supervisor.stopping());
        supervisor.spawn("whatsapp", async move {
            tokio::select! {
                task = own.lost() => anyhow::bail!("its task `{task}` is lost"),
                () = stopping.cancelled() => Ok(()),
            }
        });
        Ok(Self {
            options,
            shared,
            clock,
            random: Mutex::new(random),
            tasks,
        })
    }

    pub(super) fn state(&self) -> SessionState {
        self.shared.session.borrow().state
    }

    pub(super) fn page(&self) -> Result<Arc<Page>, Unreachable> {
        self.shared
            .page()
            .ok_or_else(|| unreachable("the browser is being started"))
    }

    /// The page, while it may be written with.
    fn ready_page(&self) -> Result<Arc<Page>, Unreachable> {
        let (state, detail) = {
            let session = self.shared.session.borrow();
            (session.state, session.detail.clone())
        };
        if state.can_send() {
            self.shared.is_used();
            return self.page();
        }
        Err(Unreachable(match detail {
            Some(detail) => format!("the session is {state}: {detail}"),
            None => format!("the session is {state}"),
        }))
    }

    /// The page, while it shows the account's own chats (rule 7).
    pub(super) fn linked_page(&self) -> Result<Arc<Page>, Unreachable> {
        self.shared.is_used();
        self.watched_page()
    }

    /// The same, for what is asked all the time and is no use of it.
    pub(super) fn watched_page(&self) -> Result<Arc<Page>, Unreachable> {
        let state = self.state();
        if state.is_linked() {
            self.page()
        } else {
            Err(Unreachable(format!("the session is {state}")))
        }
    }

    fn bound_digits(&self) -> Option<String> {
        self.shared
            .bound
            .borrow()
            .as_ref()
            .and_then(Binding::own)
            .map(|phone| phone.digits().to_owned())
    }

    /// Whether the account takes the phone of this number, in digits.
    fn takes(&self, me: &str) -> bool {
        self.shared.bound.borrow().as_ref().is_none_or(|bound| bound.takes(me))
    }

    async fn pull_once(&self, page: &Page, acked: Option<&PageMark>) -> Result<Batch, Unreachable> {
        let (epoch, seq) = acked.map_or((Value::Null, 0), |mark| (json!(mark.epoch), mark.seq));
        let method = format!("pull({epoch}, {seq}, {MAX_BATCH_EVENTS})");
        let text = page.run(&method, self.options.limits.call).await.map_err(lost)?;
        let pull: Pull<'_> = serde_json::from_str(&text).map_err(|error| unreachable(&error.to_string()))?;
        if pull.me.as_ref().is_some_and(|me| self.takes(me)) {
            Ok(pull.batch())
        } else {
            // rule 7: whoever else has scanned, nothing of theirs is taken in.
            Err(unreachable("the page is not this account's"))
        }
    }

    /// A list that may come in parts.
    async fn list(&self, page: &Page, name: &str, arguments: Value) -> Result<Vec<Box<RawValue>>, Unreachable> {
        self.try_list(page, name, arguments).await.map_err(lost)
    }

    /// The same, with what the page refuses told apart.
    pub(super) async fn try_list(
        &self,
        page: &Page,
        name: &str,
        arguments: Value,
    ) -> Result<Vec<Box<RawValue>>, CallError> {
        let limit = self.options.limits.call;
        let ListPage { mut items, mut token } = page.call(name, arguments, limit).await?;
        for _ in 0..MAX_PARTS {
            let Some(rest) = token else { return Ok(items) };
            let part: ListPage = page.call("more", json!({ "token": rest }), limit).await?;
            items.extend(part.items);
            token = part.token;
        }
        Err(CallError::Garbled("the page's list has no end".to_owned()))
    }

    /// Something that is done like a person would and that no message depends on.
    async fn courtesy(&self, page: &Page, name: &str, arguments: Value, limit: Duration) -> Result<(), Unreachable> {
        match page.call::<Value>(name, arguments, limit).await {
            Ok(_) => Ok(()),
            Err(error @ (CallError::Refused(_) | CallError::Late(_) | CallError::Garbled(_))) => {
                tracing::debug!("{name} was not done: {error}");
                Ok(())
            }
            Err(error) => Err(lost(error)),
        }
    }

    /// A stanza id in WhatsApp Web's own form, for when the page makes none.
    fn own_id(&self) -> WaMessageId {
        let random: u128 = self.random.lock().unwrap_or_else(PoisonError::into_inner).random();
        WaMessageId(format!("3EB0{:018X}", random >> 56))
    }

    pub(super) async fn call<T: DeserializeOwned>(&self, name: &str, arguments: Value) -> Result<T, Unreachable> {
        let page = self.page()?;
        page.call(name, arguments, self.options.limits.send).await.map_err(lost)
    }

    pub(super) async fn ask(&self, request: Request) {
        // Gone only when the program ends.
        let _ = self.shared.requests.send(request).await;
    }
}

pub(super) fn unreachable(why: &str) -> Unreachable {
    Unreachable(why.to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn lost(error: CallError) -> Unreachable {
    Unreachable(error.to_string())
}

/// What a failed hand-over means: nothing is called certain that is not.
fn send_error(error: CallError) -> SendError {
    match error {
        CallError::NotThere => SendError::Unreachable(lost(CallError::NotThere)),
        CallError::Refused(refusal) if refusal.certain => match refusal.code.as_str() {
            "not_ready" | "wrong_number" => SendError::Unreachable(Unreachable(refusal.message)),
            "file_too_large" => SendError::Refused {
                code: "too_large",
                detail: "WhatsApp takes no file of this size as this kind; send it as a document, or a smaller one"
                    .to_owned(),
            },
            code => SendError::NotSent {
                why: format!("{} ({code})", refusal.message),
            },
        },
        error => SendError::Unknown { why: error.to_string() },
    }
}

#[async_trait]
impl WhatsApp for WhatsAppWeb {
    fn session(&self) -> watch::Receiver<Session> {
        self.shared.session.subscribe()
    }

    fn bind(&self, to: Binding) {
        self.shared.bound.send_if_modified(|bound| {
            let changed = bound.as_ref() != Some(&to);
            *bound = Some(to);
            changed
        });
    }

    async fn pull(&self, acked: Option<&PageMark>) -> Result<Batch, Unreachable> {
        let page = self.watched_page()?;
        // Armed before the question, so that a ring in between is not missed.
        let mut bell = page.bell();
        let batch = self.pull_once(&page, acked).await?;
        if batch.mark.is_some() || timeout(self.options.limits.pull, bell.changed()).await.is_err() {
            return Ok(batch);
        }
        self.pull_once(&page, acked).await
    }

    async fn resolve(&self, to: &Recipient) -> Result<Option<Resolved>, Unreachable> {
        let page = self.ready_page()?;
        let id = match to {
            Recipient::Chat(chat) => chat.as_str().to_owned(),
            Recipient::Phone(phone) => format!("{}@c.us", phone.digits()),
        };
        let found: Result<Option<WireResolved>, CallError> = page
            .call("resolve", json!({ "id": id }), self.options.limits.call)
            .await;
        match found {
            Ok(found) => Ok(found.map(WireResolved::domain)),
            Err(CallError::Refused(refusal)) if refusal.code == "not_a_number" => Ok(None),
            // The trouble of this chat alone: the send will tell what is wrong, and no other chat has to wait.
            Err(CallError::Refused(_)) => Ok(Some(wire::by_id(&id))),
            Err(error) => Err(lost(error)),
        }
    }

    async fn choose_id(&self, chat: &ChatId) -> Result<WaMessageId, Unreachable> {
        let page = self.ready_page()?;
        let chosen = page
            .call("chooseId", json!({ "chat": chat }), self.options.limits.call)
            .await;
        match chosen {
            Ok(id) => Ok(WaMessageId(id)),
            Err(CallError::Refused(_)) => Ok(self.own_id()),
            Err(error) => Err(lost(error)),
        }
    }

    async fn type_for(&self, chat: &ChatId, text: &str) -> Result<(), Unreachable> {
        if !self.options.typing {
            return Ok(());
        }
        let page = self.ready_page()?;
        let time = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            pacing::typing_time(text, &mut *random)
        };
        let typing = |on| json!({ "chat": chat, "on": on });
        self.courtesy(&page, "typing", typing(true), TYPING_LIMIT).await?;
        self.clock.sleep(time).await;
        self.courtesy(&page, "typing", typing(false), TYPING_LIMIT).await
    }

    async fn record_for(&self, chat: &ChatId, span: Duration) -> Result<(), Unreachable> {
        if !self.options.typing {
            return Ok(());
        }
        let page = self.ready_page()?;
        let recording = |on| json!({ "chat": chat, "on": on });
        self.courtesy(&page, "recording", recording(true), TYPING_LIMIT).await?;
        self.clock.sleep(span).await;
        self.courtesy(&page, "recording", recording(false), TYPING_LIMIT).await
    }

    async fn send(&self, message: &OutgoingMessage) -> Result<i32, SendError> {
        let page = self.ready_page().map_err(SendError::Unreachable)?;
        let arguments = outgoing::arguments(message, self.bound_digits().as_deref());
        let limit = self.hand_in(&page, message).await?;
        page.call::<wire::Sent>("send", arguments, limit)
            .await
            .map(|sent| sent.ack)
            .map_err(send_error)
    }

    async fn change(&self, wanted: &OutgoingChange) -> Result<(), SendError> {
        let page = self.ready_page().map_err(SendError::Unreachable)?;
        let mut arguments = json!({
            "chat": wanted.chat, "id": wanted.id, "fromMe": wanted.from_me, "me": self.bound_digits(),
            "sender": outgoing::sender(wanted.sender.as_ref()),
        });
        let (key, value) = match &wanted.change {
            MessageChange::Edit(text) => ("text", json!(text)),
            MessageChange::Delete => ("remove", json!(true)),
            MessageChange::React(emoji) => ("emoji", json!(emoji)),
        };
        arguments[key] = value;
        match page.call::<Value>("change", arguments, self.options.limits.send).await {
            Ok(_) => Ok(()),
            Err(CallError::Refused(refusal)) if refusal.certain && refusal.code == "refused" => {
                Err(SendError::Refused {
                    code: "refused_by_whatsapp",
                    detail: refusal.message,
                })
            }
            Err(error) => Err(send_error(error)),
        }
    }

    async fn look_up(&self, chat: &ChatId, id: &WaMessageId) -> Result<LookUp, Unreachable> {
        let page = self.linked_page()?;
        let arguments = json!({ "chat": chat, "id": id });
        match page
            .call::<WireLookUp>("lookUp", arguments, self.options.limits.call)
            .await
        {
            Ok(told) => Ok(told.domain()),
            Err(CallError::Refused(refusal)) => Ok(LookUp::Unclear(refusal.message)),
            Err(error) => Err(lost(error)),
        }
    }

    async fn mark_read(&self, chat: &ChatId) -> Result<(), Unreachable> {
        let page = self.ready_page()?;
        self.courtesy(&page, "markRead", json!({ "chat": chat }), self.options.limits.call)
            .await
    }

    async fn chats(&self) -> Result<Vec<ChatSummary>, Unreachable> {
        let page = self.linked_page()?;
        Ok(wire::chats(&self.list(&page, "chats", Value::Null).await?))
    }

    async fn newest(&self, count: usize) -> Result<Vec<ChatSummary>, Unreachable> {
        let page = self.watched_page()?;
        let asked = page.call("newest", json!({ "count": count }), self.options.limits.call);
        let items: Vec<Box<RawValue>> = asked.await.map_err(lost)?;
        Ok(wire::chats(&items))
    }

    async fn heal(&self) {
        self.ask(Request::Heal).await;
    }

    fn vitals(&self) -> Vitals {
        self.shared.vitals.borrow().clone()
    }

    async fn messages(&self, chat: &ChatId, count: usize) -> Result<Vec<PageEvent>, Unreachable> {
        let page = self.linked_page()?;
        let items = self
            .list(&page, "messages", json!({ "chat": chat, "count": count }))
            .await?;
        Ok(items.iter().map(|item| wire::event(item.get())).collect())
    }

    async fn revised(&self, chat: &ChatId, since: Timestamp, count: usize) -> Result<Vec<PageEvent>, Unreachable> {
        let page = self.linked_page()?;
        let arguments = json!({ "chat": chat, "since": since.0.div_euclid(1000), "count": count });
        let items = self.list(&page, "revised", arguments).await?;
        Ok(items.iter().map(|item| wire::event(item.get())).collect())
    }

    async fn earlier(&self, chat: &ChatId, mark: Option<&HistoryMark>, count: usize) -> Result<Earlier, Unreachable> {
        history::earlier(self, chat, mark, count).await
    }

    async fn message(&self, chat: &ChatId, id: &WaMessageId, from_me: bool) -> Result<Option<WaMessage>, Unreachable> {
        let page = self.linked_page()?;
        let arguments = json!({ "chat": chat, "id": id, "fromMe": from_me });
        let found: Result<Option<Box<RawValue>>, CallError> =
            page.call("message", arguments, self.options.limits.call).await;
        match found {
            Ok(None) => Ok(None),
            Ok(Some(raw)) => Ok(wire::message(raw.get())
                .inspect_err(|error| tracing::warn!("a message that was asked for cannot be read: {error}"))
                .ok()),
            Err(CallError::Refused(refusal)) => {
                tracing::warn!("the page could not look for a message: {}", refusal.message);
                Ok(None)
            }
            Err(error) => Err(lost(error)),
        }
    }

    async fn fetch_media(&self, of: &MediaKey, max: u64, sink: &mut dyn Sink) -> Result<(), FetchError> {
        self.fetch(of, max, sink).await
    }

    async fn portrait(
        &self,
        chat: &ChatId,
        known: Option<&str>,
        max: u64,
        sink: &mut dyn Sink,
    ) -> Result<Portrait, FetchError> {
        self.look_at(chat, known, max, sink).await
    }

    fn read_again(&self, bytes: &[u8]) -> PageEvent {
        wire::event(&String::from_utf8_lossy(bytes))
    }

    async fn login(&self, method: LoginMethod) -> Result<(), Unreachable> {
        login::login(self, method).await
    }

    async fn logout(&self) -> Result<(), Unreachable> {
        login::logout(self).await
    }

    async fn take_over(&self) -> Result<(), Unreachable> {
        self.call::<Value>("takeOver", Value::Null).await?;
        self.ask(Request::Look).await;
        Ok(())
    }

    async fn close(&self, limit: Duration) {
        let (done, closed) = oneshot::channel();
        if self.shared.closing.send(Close { limit, done }).await.is_ok() {
            // Ends of itself: the browser is killed when the limit is over.
            let _ = closed.await;
        }
        self.tasks.shutdown(limit).await;
    }
}

impl Drop for WhatsAppWeb {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}
