//! One account's WhatsApp Web: its state, and the calls of the page that the others are made of.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::account::Binding;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{Batch, MAX_BATCH_EVENTS, PageMark, Unreachable};
use crate::domain::{Clock, WaMessageId};
use crate::supervisor::Supervisor;
use crate::wa::browser::{Profile, ProfileError};
use crate::wa::options::WaOptions;
use crate::wa::page::{self, CallError, Names, NoLibrary, Page};
use crate::wa::session::{Request, Shared, Supervision};
use crate::wa::wire::{ListPage, Pull};

/// Parts of a long list that are asked for; far beyond any account's chats.
const MAX_PARTS: usize = 10_000;

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
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Mutex<StdRng>,
    /// Tasks of its own: the browser has to outlive the program's other tasks, whose last words go through it.
    pub(super) tasks: Supervisor,
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
        let script = page::script(options.library.as_deref(), &names)?;
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
    pub(super) fn ready_page(&self) -> Result<Arc<Page>, Unreachable> {
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

    /// The page, while it shows the account's own chats (`RULES` 7).
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

    pub(super) fn bound_digits(&self) -> Option<String> {
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

    pub(super) async fn pull_once(&self, page: &Page, acked: Option<&PageMark>) -> Result<Batch, Unreachable> {
        let (epoch, seq) = acked.map_or((Value::Null, 0), |mark| (json!(mark.epoch), mark.seq));
        let method = format!("pull({epoch}, {seq}, {MAX_BATCH_EVENTS})");
        let text = page.run(&method, self.options.limits.call).await.map_err(lost)?;
        let pull: Pull<'_> = serde_json::from_str(&text).map_err(|error| unreachable(&error.to_string()))?;
        if pull.me.as_ref().is_some_and(|me| self.takes(me)) {
            Ok(pull.batch())
        } else {
            // `RULES` 7: whoever else has scanned, nothing of theirs is taken in.
            Err(unreachable("the page is not this account's"))
        }
    }

    /// A list that may come in parts.
    pub(super) async fn list(
        &self,
        page: &Page,
        name: &str,
        arguments: Value,
    ) -> Result<Vec<Box<RawValue>>, Unreachable> {
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
    pub(super) async fn courtesy(
        &self,
        page: &Page,
        name: &str,
        arguments: Value,
        limit: Duration,
    ) -> Result<(), Unreachable> {
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
    pub(super) fn own_id(&self) -> WaMessageId {
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

impl Drop for WhatsAppWeb {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}
