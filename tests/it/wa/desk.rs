//! One account's WhatsApp Web for a test: the adapter, the stand-in that it drives, and the words for what happens there.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crm::clock::SystemClock;
use crm::domain::session::{Session, SessionState};
use crm::domain::whatsapp::{Batch, PageEvent, PageMark, Unreachable, WaMessage, WhatsApp};
use crm::supervisor::Supervisor;
use crm::wa::{Limits, WaOptions, WhatsAppWeb};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use testbed::standin::{Options, StandIn};
use tokio::time::timeout;

use super::PATIENCE;

/// The adapter and everything that it needs. Ended by [`Desk::end`], which looks for orphans.
pub struct Desk {
    pub standin: StandIn,
    pub web: Arc<WhatsAppWeb>,
    pub options: WaOptions,
    supervisor: Supervisor,
    folder: tempfile::TempDir,
    acked: Option<PageMark>,
    /// Pulled, and not looked at yet.
    events: VecDeque<PageEvent>,
}

impl Desk {
    pub async fn start() -> Self {
        Self::with(Options::default(), |_| {}).await
    }

    pub async fn with(standin: Options, change: impl FnOnce(&mut WaOptions)) -> Self {
        let standin = StandIn::start(standin).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(&standin.url(), folder.path());
        change(&mut options);
        let (web, supervisor) = open(&options);
        Self {
            standin,
            web,
            options,
            supervisor,
            folder,
            acked: None,
            events: VecDeque::new(),
        }
    }

    /// As [`Desk::start`], with the stand-in's phone linked.
    pub async fn linked() -> Self {
        let desk = Self::start().await;
        desk.link().await;
        desk
    }

    /// Scans the code with the stand-in's own phone, and waits until the session is ready.
    pub async fn link(&self) {
        let code = self.until("a code", |session| session.qr.clone()).await;
        self.standin.phone().scan(&code).await.unwrap();
        self.state(SessionState::Ready).await;
    }

    pub fn session(&self) -> Session {
        self.web.session().borrow().clone()
    }

    /// The first answer of `view` on the session as it changes.
    pub async fn until<T>(&self, what: &str, mut view: impl FnMut(&Session) -> Option<T>) -> T {
        let mut session = self.web.session();
        let mut answer = None;
        let waited = timeout(
            PATIENCE,
            session.wait_for(|session| {
                answer = view(session);
                answer.is_some()
            }),
        );
        let outcome = waited.await.map(|_| ());
        assert!(
            outcome.is_ok(),
            "waited in vain for {what}; the session is {:?}",
            self.session()
        );
        answer.unwrap()
    }

    pub async fn state(&self, state: SessionState) -> Session {
        self.until(state.as_str(), |session| {
            (session.state == state).then(|| session.clone())
        })
        .await
    }

    /// Pulls, with an ack for what was pulled before.
    pub async fn pull(&mut self) -> Result<Batch, Unreachable> {
        let batch = self.web.pull(self.acked.as_ref()).await?;
        if let Some(mark) = &batch.mark {
            self.acked = Some(mark.clone());
        }
        Ok(batch)
    }

    /// The next event that `wanted` takes, past all others.
    pub async fn event<T>(&mut self, what: &str, mut wanted: impl FnMut(&PageEvent) -> Option<T>) -> T {
        let search = async {
            loop {
                while let Some(event) = self.events.pop_front() {
                    if let Some(found) = wanted(&event) {
                        return found;
                    }
                }
                match self.pull().await {
                    Ok(batch) => self.events.extend(batch.events),
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let found = timeout(PATIENCE, search).await.ok();
        found.unwrap_or_else(|| panic!("no event came: {what}"))
    }

    /// The next message with this text.
    pub async fn message(&mut self, text: &str) -> WaMessage {
        self.event(text, |event| match event {
            PageEvent::Message(message) if message.content == text => Some((**message).clone()),
            _ => None,
        })
        .await
    }

    /// Ends everything in order; nothing of it may be left.
    pub async fn end(self) {
        self.web.close(Duration::from_secs(10)).await;
        assert!(
            self.supervisor.shutdown(Duration::from_secs(20)).await,
            "a task did not end"
        );
        // One that was just being started is killed, and takes a moment to die.
        let gone = async {
            while !processes(&self.options.profile).is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let gone = timeout(Duration::from_secs(2), gone).await.is_ok();
        assert!(gone, "orphans: {:?}", processes(&self.options.profile));
        self.folder.close().unwrap();
    }
}

/// The adapter's options for tests: quick where a person would take time.
pub fn options(url: &str, folder: &Path) -> WaOptions {
    WaOptions {
        url: url.to_owned(),
        browser: None,
        driver: None,
        args: vec![],
        headless: true,
        library: None,
        profile: folder.join("whatsapp/default"),
        typing: false,
        take_over: None,
        nightly_reload: None,
        limits: Limits::default(),
    }
}

/// An adapter with tasks of its own.
pub fn open(options: &WaOptions) -> (Arc<WhatsAppWeb>, Supervisor) {
    let supervisor = Supervisor::new();
    let random = StdRng::seed_from_u64(7);
    let web = WhatsAppWeb::start(options.clone(), Arc::new(SystemClock), random, &supervisor).unwrap();
    (Arc::new(web), supervisor)
}

/// The living processes that have this folder among their arguments, each with its id and program.
pub fn processes(folder: &Path) -> Vec<String> {
    let shorten = |(pid, command): (u32, String)| {
        let command: String = command.replace('\0', " ").chars().take(60).collect();
        format!("{pid} {command}")
    };
    commands(folder).into_iter().map(shorten).collect()
}

/// The same with all their arguments, which zero bytes part.
pub fn commands(folder: &Path) -> Vec<(u32, String)> {
    let marks = folder.to_string_lossy().into_owned();
    let mut found = vec![];
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        if arguments.contains(&marks) {
            found.push((pid, arguments));
        }
    }
    found
}
