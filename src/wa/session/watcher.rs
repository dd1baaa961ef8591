//! Watches one attached page: what it tells becomes the session's state, and what is wrong with it is remedied (`health`).

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::health::{Health, Remedy};
use super::illness::{Illness, Ladder, TakeOver};
use super::shared::{Request, Shared};
use super::upkeep::{Seen, Upkeep};
use crate::domain::customer::PhoneNumber;
use crate::domain::session::{SessionEvent, SessionState};
use crate::domain::vitals::Deafness;
use crate::wa::browser::{Browser, Driver};
use crate::wa::options::WaOptions;
use crate::wa::page::{CallError, News, Page};
use crate::wa::process;
use crate::wa::wire::Status;

/// Pairing codes asked for in one login; then it is back to the QR code.
const PAIRING_CODES: u32 = 5;

/// How the watch ended.
pub enum Fate {
    DriverGone(String),
    BrowserGone(String),
    /// The browser is better started again.
    Restart(Illness),
}

/// What is remembered over attaches and browsers.
#[derive(Debug, Default)]
pub struct Memory {
    /// Whether a phone was linked when the page last told.
    pub linked: bool,
    pub ladder: Ladder,
    pub take_over: TakeOver,
}

/// The pairing code that is being shown.
struct Pairing {
    phone: PhoneNumber,
    since: Instant,
    left: u32,
}

type Probe = Pin<Box<dyn Future<Output = bool> + Send>>;

pub struct Watcher<'a> {
    options: &'a WaOptions,
    shared: Arc<Shared>,
    page: Arc<Page>,
    news: mpsc::Receiver<News>,
    requests: &'a mut mpsc::Receiver<Request>,
    memory: &'a mut Memory,
    health: Health,
    pairing: Option<Pairing>,
    /// Epoch, and how many events were lost in it.
    lost: (String, u64),
    /// WhatsApp's server did not answer in this epoch.
    deaf: bool,
    upkeep: Upkeep,
}

impl<'a> Watcher<'a> {
    pub fn new(
        options: &'a WaOptions,
        shared: Arc<Shared>,
        page: Arc<Page>,
        news: mpsc::Receiver<News>,
        requests: &'a mut mpsc::Receiver<Request>,
        memory: &'a mut Memory,
    ) -> Self {
        Self {
            health: Health::new(options.limits.clone(), Instant::now()),
            options,
            shared,
            page,
            news,
            requests,
            memory,
            pairing: None,
            lost: (String::new(), 0),
            deaf: false,
            upkeep: Upkeep::new(Instant::now()),
        }
    }

    pub async fn watch(mut self, browser: &mut Browser, driver: &mut Driver) -> Fate {
        let mut tick = interval(self.options.limits.status);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut bell = self.page.bell();
        let mut bound = self.shared.bound.subscribe();
        let mut probe: Option<Probe> = None;
        let mut weigh = interval(self.options.limits.weigh);
        weigh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let remedy = tokio::select! {
                why = browser.ended() => return Fate::BrowserGone(why),
                why = driver.ended() => return Fate::DriverGone(why),
                Some(news) = self.news.recv() => self.on_news(news).await,
                Some(request) = self.requests.recv() => self.on_request(request).await,
                alive = answer(&mut probe) => {
                    probe = None;
                    self.on_probe(alive)
                }
                Ok(()) = bell.changed() => {
                    self.health.heard(Instant::now());
                    self.shared.is_used();
                    None
                }
                _ = weigh.tick() => {
                    self.weigh(browser.group()).await;
                    None
                }
                Ok(()) = bound.changed() => self.look().await,
                _ = tick.tick() => {
                    browser.trim_log();
                    self.look().await
                }
            };
            match remedy {
                None => {}
                Some(Remedy::Relisten) => {
                    let _: Result<(), CallError> =
                        self.page.call("relisten", json!(null), self.options.limits.look).await;
                }
                Some(Remedy::RefreshQr) => {
                    let _: Result<(), CallError> =
                        self.page.call("refreshQr", json!(null), self.options.limits.look).await;
                }
                Some(Remedy::Probe) => probe = Some(ask_server(Arc::clone(&self.page), self.options.limits.probe)),
                Some(Remedy::Reload(why)) => {
                    probe = None;
                    if let Some(fate) = self.reload(why).await {
                        return fate;
                    }
                }
                Some(Remedy::Restart(why)) => {
                    self.count(&why);
                    return Fate::Restart(why);
                }
            }
        }
    }

    async fn on_news(&mut self, news: News) -> Option<Remedy> {
        match news {
            News::Status => self.look().await,
            News::LoggedOut(reason) => {
                self.memory.linked = false;
                self.shared.happened(SessionEvent::LoggedOut(reason));
                None
            }
            News::Crashed => Some(Remedy::Restart(Illness::Failed("the page has crashed".to_owned()))),
        }
    }

    async fn on_request(&mut self, request: Request) -> Option<Remedy> {
        match request {
            Request::Look => self.look().await,
            Request::Reload => Some(Remedy::Reload(Illness::Failed("asked for".to_owned()))),
            Request::Heal => {
                let remedy = self.memory.ladder.climb(Instant::now());
                if remedy == Remedy::Relisten {
                    self.shared
                        .vitals
                        .send_modify(|vitals| vitals.was_deaf(Deafness::Listener));
                }
                Some(remedy)
            }
            Request::ShowPairingCode { phone, code } => {
                self.pairing = Some(Pairing {
                    phone,
                    since: Instant::now(),
                    left: PAIRING_CODES - 1,
                });
                self.shared.happened(SessionEvent::PairingCode(code));
                None
            }
        }
    }

    fn on_probe(&mut self, alive: bool) -> Option<Remedy> {
        self.deaf = !alive;
        self.health.probed(alive, Instant::now())
    }

    /// Asks the page for its status, and lets the session take it in.
    async fn look(&mut self) -> Option<Remedy> {
        let told: Result<Status, CallError> = self.page.call("status", json!(null), self.options.limits.look).await;
        let now = Instant::now();
        let status = match told {
            Ok(status) => status,
            Err(error) => {
                tracing::debug!("the page did not tell its status: {error}");
                return self.health.silent(now);
            }
        };
        let mut page = status.page();
        let (epoch, lost) = std::mem::replace(&mut self.lost, (page.epoch.clone(), status.lost));
        let same_page = epoch == page.epoch;
        self.deaf = self.deaf && same_page;
        page.online = page.online && !self.deaf;
        if self.memory.linked && page.full_ready && !page.authenticated {
            // The page was loaded anew before it could say so.
            self.shared.happened(SessionEvent::LoggedOut(None));
        }
        let full_ready = page.full_ready;
        self.shared.happened(SessionEvent::Page(page));
        if same_page && status.lost > lost {
            let count = status.lost - lost;
            tracing::warn!(
                count,
                "the page could not tell of every event; comparing the chats with it"
            );
            self.shared.happened(SessionEvent::Missed);
        }
        let state = self.shared.session.borrow().state;
        if full_ready {
            self.memory.linked = state.has_device();
        }
        self.take_over(state, now).await;
        if let Some(remedy) = self.renew_pairing_code(state, now).await {
            return Some(remedy);
        }
        let remedy = self.health.look(&status, &self.options.url, now);
        if remedy.is_none() && state == SessionState::Ready {
            let seen = Seen {
                heap: self.shared.vitals.borrow().heap_bytes,
                stale: status.stale,
                unused: now - *self.shared.used.borrow(),
            };
            let wall = self.shared.clock.now();
            return self.upkeep.look(&seen, self.options, wall, now);
        }
        remedy
    }

    /// What browser and page take of the memory.
    async fn weigh(&self, group: u32) {
        let heap = self.page.heap(self.options.limits.look).await;
        let browser = tokio::task::spawn_blocking(move || process::memory_of_group(group));
        let browser = browser.await.ok().flatten();
        self.shared.vitals.send_modify(|vitals| {
            vitals.heap_bytes = heap;
            vitals.browser_bytes = browser;
        });
    }

    /// Ends a conflict that has lasted for as long as the configuration says.
    async fn take_over(&mut self, state: SessionState, now: Instant) {
        let conflict = state == SessionState::Conflict;
        if self.memory.take_over.is_due(conflict, self.options.take_over, now) {
            tracing::info!("taking the session over from where it was opened");
            let _: Result<(), CallError> = self.page.call("takeOver", json!(null), self.options.limits.look).await;
        }
    }

    async fn renew_pairing_code(&mut self, state: SessionState, now: Instant) -> Option<Remedy> {
        if state != SessionState::Code {
            self.pairing = None;
        }
        let pairing = self.pairing.as_mut()?;
        if now - pairing.since < self.options.limits.pairing_code {
            return None;
        }
        if pairing.left == 0 {
            self.pairing = None;
            let why = "nobody has typed the pairing code".to_owned();
            return Some(Remedy::Reload(Illness::Failed(why)));
        }
        pairing.since = now;
        pairing.left -= 1;
        let digits = json!({ "digits": pairing.phone.digits() });
        match self.page.call("pairingCode", digits, self.options.limits.send).await {
            Ok(code) => {
                self.shared.happened(SessionEvent::PairingCode(code));
                None
            }
            Err(error) => Some(Remedy::Reload(Illness::Failed(format!(
                "no new pairing code came ({error})"
            )))),
        }
    }

    async fn reload(&mut self, why: Illness) -> Option<Fate> {
        match &why {
            Illness::Stale(why) => tracing::info!("{why}; loading the page again"),
            why => tracing::warn!("{}; loading the page again", why.why()),
        }
        self.count(&why);
        if self.deaf {
            let _ = self.look().await;
        } else {
            self.shared.happened(why.event());
        }
        let opened = self.page.open(&self.options.url, self.options.limits.launch).await;
        let now = Instant::now();
        self.health.reloaded(now);
        self.upkeep.reloaded();
        self.shared.vitals.send_modify(|vitals| {
            vitals.reloads += 1;
            vitals.heap_bytes = None;
        });
        opened
            .err()
            .map(|error| Fate::Restart(Illness::Failed(error.to_string())))
    }

    fn count(&self, why: &Illness) {
        if let Some(how) = why.deafness() {
            self.shared.vitals.send_modify(|vitals| vitals.was_deaf(how));
        }
    }
}

/// The answer to a question that was asked, or never.
async fn answer(probe: &mut Option<Probe>) -> bool {
    match probe {
        Some(probe) => probe.await,
        None => pending().await,
    }
}

/// Whether WhatsApp's server answers. Where the page cannot ask, nothing is known against it.
fn ask_server(page: Arc<Page>, limit: Duration) -> Probe {
    Box::pin(async move {
        match page.call::<bool>("alive", json!(null), limit).await {
            Ok(_) => true,
            Err(CallError::Refused(refusal)) => refusal.code == "no_probe",
            Err(error) => {
                tracing::debug!("the server gave no sign of life: {error}");
                false
            }
        }
    })
}
