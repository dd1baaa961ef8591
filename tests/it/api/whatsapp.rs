//! A WhatsApp that never says anything by itself; tests set its session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crm::domain::account::Binding;
use crm::domain::media::Sink;
use crm::domain::session::{Session, SessionState};
use crm::domain::whatsapp::{
    AvatarLookup, Batch, ChatSummary, Earlier, FetchError, HandedOver, LoginMethod, LookUp, MessageRef, OutgoingChange,
    OutgoingMessage, PageEvent, PageMark, ReadError, Recipient, Resolved, SendError, Unreachable, WaMessage, WhatsApp,
};
use crm::domain::{ChatId, HistoryMark, Timestamp, WaMessageId};
use tokio::sync::watch;

#[derive(Clone)]
pub struct SilentWhatsApp {
    pub session: watch::Sender<Session>,
    /// The logins that were begun.
    pub logins: Arc<Mutex<Vec<LoginMethod>>>,
    /// How often a linked device was unlinked, and the browser closed.
    pub ended: Arc<Mutex<Vec<&'static str>>>,
    /// Whether the next worker that looks at the session panics.
    pub panics: Arc<AtomicBool>,
    /// Whether it never answers when its link is to change.
    pub stuck: Arc<AtomicBool>,
}

impl SilentWhatsApp {
    pub fn new() -> Self {
        Self {
            session: watch::Sender::new(Session::starting()),
            logins: Arc::default(),
            ended: Arc::default(),
            panics: Arc::default(),
            stuck: Arc::default(),
        }
    }
}

impl SilentWhatsApp {
    /// Answers after a while, or never.
    async fn answer(&self) {
        tokio::task::yield_now().await;
        if self.stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

fn away<T>() -> Result<T, Unreachable> {
    Err(Unreachable("nobody is there".to_owned()))
}

#[async_trait]
impl WhatsApp for SilentWhatsApp {
    fn session(&self) -> watch::Receiver<Session> {
        self.session.subscribe()
    }

    fn bind(&self, _to: Binding) {
        assert!(!self.panics.swap(false, Ordering::SeqCst), "on purpose");
    }

    async fn pull(&self, _acked: Option<&PageMark>) -> Result<Batch, Unreachable> {
        away()
    }

    async fn resolve(&self, _to: &Recipient) -> Result<Option<Resolved>, Unreachable> {
        away()
    }

    async fn choose_id(&self, _chat: &ChatId) -> Result<WaMessageId, Unreachable> {
        away()
    }

    async fn type_for(&self, _chat: &ChatId, _text: &str) -> Result<(), Unreachable> {
        away()
    }

    async fn change(&self, _change: &OutgoingChange) -> Result<(), SendError> {
        away().map_err(SendError::Unreachable)
    }

    async fn record_for(&self, _chat: &ChatId, _span: Duration) -> Result<(), Unreachable> {
        away()
    }

    async fn send(&self, _message: &OutgoingMessage) -> Result<HandedOver, SendError> {
        away().map_err(SendError::Unreachable)
    }

    async fn look_up(&self, _chat: &ChatId, _id: &WaMessageId) -> Result<LookUp, Unreachable> {
        away()
    }

    async fn mark_read(&self, _chat: &ChatId) -> Result<(), Unreachable> {
        away()
    }

    async fn chats(&self) -> Result<Vec<ChatSummary>, Unreachable> {
        away()
    }

    async fn messages(&self, _chat: &ChatId, _count: usize) -> Result<Vec<PageEvent>, ReadError> {
        Ok(away()?)
    }

    async fn revised(&self, _chat: &ChatId, _since: Timestamp, _count: usize) -> Result<Vec<PageEvent>, ReadError> {
        Ok(away()?)
    }

    async fn earlier(&self, _chat: &ChatId, _mark: Option<&HistoryMark>, _count: usize) -> Result<Earlier, ReadError> {
        Ok(away()?)
    }

    async fn message(&self, _of: &MessageRef) -> Result<Option<WaMessage>, ReadError> {
        Ok(away()?)
    }

    async fn fetch_media(&self, _of: &MessageRef, _max: u64, _sink: &mut dyn Sink) -> Result<(), FetchError> {
        Ok(away()?)
    }

    async fn avatar(
        &self,
        _chat: &ChatId,
        _known: Option<&str>,
        _max: u64,
        _sink: &mut dyn Sink,
    ) -> Result<AvatarLookup, FetchError> {
        Ok(AvatarLookup::None)
    }

    fn read_again(&self, bytes: &[u8]) -> PageEvent {
        PageEvent::Poison {
            bytes: bytes.to_vec(),
            error: "still not understood".to_owned(),
        }
    }

    async fn login(&self, method: LoginMethod) -> Result<(), Unreachable> {
        self.logins.lock().unwrap().push(method);
        self.answer().await;
        Ok(())
    }

    async fn logout(&self) -> Result<(), Unreachable> {
        self.answer().await;
        if !self.session.borrow().state.is_linked() {
            return away();
        }
        self.ended.lock().unwrap().push("unlinked");
        self.session
            .send_modify(|session| session.state = SessionState::LoggedOut);
        Ok(())
    }

    async fn take_over(&self) -> Result<(), Unreachable> {
        self.answer().await;
        away()
    }

    async fn close(&self, _limit: Duration) {
        tokio::task::yield_now().await;
        self.ended.lock().unwrap().push("closed");
    }
}
