//! One account's WhatsApp Web: its start, its state, and the basic calls of the page.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::account::Binding;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{Batch, MAX_BATCH_EVENTS, PageMark, ReadError, Unreachable};
use crate::domain::{Clock, WaMessageId};
use crate::supervisor::Supervisor;
use crate::wa::browser::{Profile, ProfileError};
use crate::wa::options::WaOptions;
use crate::wa::page::{CallError, Library, Names, NoLibrary, Page};
use crate::wa::session::{Request, Shared, Supervision};
use crate::wa::wire::{ListPage, Pull, Status};

/// Maximum number of parts of one list; far more than any account has.
const MAX_PARTS: usize = 10_000;

/// Says why an account cannot be started at all. (A failure that may pass is a state of the session instead.)
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The account's folder cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The configured library cannot be read.
    #[error(transparent)]
    Library(#[from] NoLibrary),
}

/// One account's WhatsApp Web.
pub struct WhatsAppWeb {
    /// Settings and time limits.
    pub(super) options: WaOptions,
    /// State and channels shared with the supervision.
    pub(super) shared: Arc<Shared>,
    /// Injected clock.
    pub(super) clock: Arc<dyn Clock>,
    /// Source of typing times and stanza ids.
    pub(super) random: Mutex<StdRng>,
    /// Its own tasks: the browser has to outlive the program's other tasks, whose last calls go through it.
    pub(super) tasks: Supervisor,
}

impl WhatsAppWeb {
    /// Locks the profile and begins to start the browser. Returns before it runs: see
    /// [`session`](crate::domain::whatsapp::WhatsApp::session). The browser runs until
    /// [`close`](crate::domain::whatsapp::WhatsApp::close), or until this is dropped.
    pub fn start(
        options: WaOptions,
        clock: Arc<dyn Clock>,
        mut random: StdRng,
        supervisor: &Supervisor,
    ) -> Result<Self, StartError> {
        let names = Names::new(random.random());
        let library = Library::read(options.library.as_deref())?;
        let profile = Profile::open(&options.profile, clock.now())?;
        let (shared, receivers) = Shared::new(clock.clone());
        let channels = (Arc::clone(&shared), receivers);
        let tasks = Supervisor::new();
        Supervision::run(options.clone(), names, library, profile, channels, &tasks);
        let (own, stopping) = (tasks.clone(), supervisor.stopping());
        supervisor.spawn("whatsapp", async move {
            tokio::select! {
                task = own.lost() => anyhow::bail!("the browser's task `{task}` ended unexpectedly"),
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

    /// Returns the session's state.
    pub(super) fn state(&self) -> SessionState {
        self.shared.session.borrow().state
    }

    /// Returns the attached page.
    pub(super) fn page(&self) -> Result<Arc<Page>, Unreachable> {
        self.shared
            .page()
            .ok_or_else(|| unreachable("the browser is still starting"))
    }

    /// Returns the page if messages can be sent with it.
    pub(super) fn ready_page(&self) -> Result<Arc<Page>, Unreachable> {
        let (state, detail) = {
            let session = self.shared.session.borrow();
            (session.state, session.detail.clone())
        };
        if state.can_send() {
            self.shared.touch();
            return self.page();
        }
        Err(Unreachable(match detail {
            Some(detail) => format!("the session is {state}: {detail}"),
            None => format!("the session is {state}"),
        }))
    }

    /// Returns the page if it shows the account's own chats (rule 7).
    pub(super) fn linked_page(&self) -> Result<Arc<Page>, Unreachable> {
        self.shared.touch();
        self.polled_page()
    }

    /// Like [`Self::linked_page`], for calls that are made all the time and do not count as use of the page.
    pub(super) fn polled_page(&self) -> Result<Arc<Page>, Unreachable> {
        let state = self.state();
        if state.is_linked() {
            self.page()
        } else {
            Err(Unreachable(format!("the session is {state}")))
        }
    }

    /// Returns the digits of the number that the account is bound to.
    pub(super) fn bound_digits(&self) -> Option<String> {
        self.shared
            .bound
            .borrow()
            .as_ref()
            .and_then(Binding::own)
            .map(|phone| phone.digits().to_owned())
    }

    /// Returns whether the account accepts the phone with these digits.
    fn accepts_phone(&self, me: &str) -> bool {
        self.shared.bound.borrow().as_ref().is_none_or(|bound| bound.takes(me))
    }

    /// Acknowledges `acked` and returns the next events, without waiting for any.
    pub(super) async fn pull_once(&self, page: &Page, acked: Option<&PageMark>) -> Result<Batch, Unreachable> {
        let (epoch, seq) = acked.map_or((Value::Null, 0), |mark| (json!(mark.epoch), mark.seq));
        let method = format!("pull({epoch}, {seq}, {MAX_BATCH_EVENTS})");
        let text = page.run(&method, self.options.limits.call).await.map_err(call_failed)?;
        let pull: Pull<'_> = serde_json::from_str(&text).map_err(|error| unreachable(&error.to_string()))?;
        if pull.me.as_ref().is_some_and(|me| self.accepts_phone(me)) {
            Ok(pull.batch())
        } else {
            // Rule 7: if another phone scanned the code, none of its events are stored.
            Err(unreachable("another phone is linked than this account's"))
        }
    }

    /// Requests a list, in parts if it is long.
    pub(super) async fn list(
        &self,
        page: &Page,
        name: &str,
        arguments: Value,
    ) -> Result<Vec<Box<RawValue>>, Unreachable> {
        self.try_list(page, name, arguments).await.map_err(call_failed)
    }

    /// Like [`Self::list`], with the page's own error.
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
        Err(CallError::Invalid(format!("the list has more than {MAX_PARTS} parts")))
    }

    /// Like [`Self::list`], for the messages of one chat.
    pub(super) async fn chat_list(
        &self,
        page: &Page,
        name: &str,
        arguments: Value,
    ) -> Result<Vec<Box<RawValue>>, ReadError> {
        match self.try_list(page, name, arguments).await {
            Ok(items) => Ok(items),
            Err(error) => Err(self.read_failed(page, error).await),
        }
    }

    /// Converts a failed read of one chat: only if the page is well otherwise, it is that chat that cannot be read.
    pub(super) async fn read_failed(&self, page: &Page, error: CallError) -> ReadError {
        let is_of_chat = match &error {
            // The page was loaded anew between two parts of a list.
            CallError::Refused(refusal) if refusal.code == "no_token" => false,
            CallError::Refused(_) | CallError::Timeout(_) | CallError::Invalid(_) => self.is_well(page).await,
            CallError::NotLoaded | CallError::Lost(_) => false,
        };
        if is_of_chat {
            ReadError::Unreadable(error.to_string())
        } else {
            call_failed(error).into()
        }
    }

    /// Returns whether the page answers, and is the one that the session shows, ready and online.
    async fn is_well(&self, page: &Page) -> bool {
        let status = page
            .call::<Status>("status", Value::Null, self.options.limits.call)
            .await;
        status.is_ok_and(|status| {
            let status = status.page();
            let session = self.shared.session.borrow();
            let is_current = session.epoch.as_ref() == Some(&status.epoch);
            is_current && status.full_ready && status.authenticated && status.main && status.synced && status.online
        })
    }

    /// Makes a call that imitates a person and that no message depends on; only a lost page is an error.
    pub(super) async fn best_effort(
        &self,
        page: &Page,
        name: &str,
        arguments: Value,
        limit: Duration,
    ) -> Result<(), Unreachable> {
        match page.call::<Value>(name, arguments, limit).await {
            Ok(_) => Ok(()),
            Err(error @ (CallError::Refused(_) | CallError::Timeout(_) | CallError::Invalid(_))) => {
                tracing::debug!("{name} was not done: {error}");
                Ok(())
            }
            Err(error) => Err(call_failed(error)),
        }
    }

    /// Returns a new stanza id in WhatsApp Web's own format, for when the page gives none.
    pub(super) fn new_stanza_id(&self) -> WaMessageId {
        let random: u128 = self.random.lock().unwrap_or_else(PoisonError::into_inner).random();
        WaMessageId(format!("3EB0{:018X}", random >> 56))
    }

    /// Calls the page, whatever the session's state.
    pub(super) async fn call<T: DeserializeOwned>(&self, name: &str, arguments: Value) -> Result<T, Unreachable> {
        let page = self.page()?;
        page.call(name, arguments, self.options.limits.send)
            .await
            .map_err(call_failed)
    }

    /// Sends a request to the supervision.
    pub(super) async fn request(&self, request: Request) {
        // Fails only when the program ends.
        let _ = self.shared.requests.send(request).await;
    }
}

/// Returns the error for an account that cannot be reached now.
pub(super) fn unreachable(why: &str) -> Unreachable {
    Unreachable(why.to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
/// Converts a failed call to the port's error.
pub(super) fn call_failed(error: CallError) -> Unreachable {
    Unreachable(error.to_string())
}

impl Drop for WhatsAppWeb {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}
