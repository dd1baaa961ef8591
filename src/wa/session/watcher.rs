//! Watches one attached page: publishes its status as the session's state, and applies the remedies that `health` and
//! `upkeep` choose.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::escalation::Escalation;
use super::health::Health;
use super::reason::{Reason, Remedy};
use super::shared::{Request, Shared};
use super::take_over::TakeOver;
use super::upkeep::{Upkeep, Usage};
use crate::domain::customer::PhoneNumber;
use crate::domain::session::{SessionEvent, SessionState};
use crate::domain::vitals::Deafness;
use crate::wa::browser::{Browser, Driver};
use crate::wa::options::WaOptions;
use crate::wa::page::{CallError, Page, PageSignal};
use crate::wa::process;
use crate::wa::wire::Status;

/// Maximum number of pairing codes in one login; then the page shows the QR code again.
const PAIRING_CODES: u32 = 5;

/// End of the watch.
pub enum WatchEnd {
    /// The driver ended, with this status.
    DriverEnded(String),
    /// The browser ended, with this status.
    BrowserEnded(String),
    /// The browser has to be restarted.
    Restart(Reason),
}

/// State that survives the page, the driver and the browser.
#[derive(Debug, Default)]
pub struct WatcherState {
    /// Whether a phone was linked at the last status.
    pub linked: bool,
    /// The remedies tried so far.
    pub escalation: Escalation,
    /// The time of the last take-over.
    pub take_over: TakeOver,
}

/// The pairing code that is being shown.
struct Pairing {
    phone: PhoneNumber,
    /// Time of the current code.
    since: Instant,
    /// Renewals left.
    left: u32,
}

type Probe = Pin<Box<dyn Future<Output = bool> + Send>>;

/// The watch over one attached page.
pub struct Watcher<'a> {
    options: &'a WaOptions,
    shared: Arc<Shared>,
    page: Arc<Page>,
    signals: mpsc::Receiver<PageSignal>,
    requests: &'a mut mpsc::Receiver<Request>,
    state: &'a mut WatcherState,
    health: Health,
    pairing: Option<Pairing>,
    /// Epoch of the page, and number of events lost in it.
    lost: (String, u64),
    /// Whether WhatsApp's server did not answer a probe in this epoch.
    deaf: bool,
    upkeep: Upkeep,
}

impl<'a> Watcher<'a> {
    /// Begins a watch.
    pub fn new(
        options: &'a WaOptions,
        shared: Arc<Shared>,
        page: Arc<Page>,
        signals: mpsc::Receiver<PageSignal>,
        requests: &'a mut mpsc::Receiver<Request>,
        state: &'a mut WatcherState,
    ) -> Self {
        Self {
            health: Health::new(options.limits.clone(), Instant::now()),
            options,
            shared,
            page,
            signals,
            requests,
            state,
            pairing: None,
            lost: (String::new(), 0),
            deaf: false,
            upkeep: Upkeep::new(Instant::now()),
        }
    }

    /// Watches until driver or browser ends, or the browser has to be restarted.
    pub async fn watch(mut self, browser: &mut Browser, driver: &mut Driver) -> WatchEnd {
        let mut next_check = Instant::now();
        let mut bell = self.page.bell();
        let mut bound = self.shared.bound.subscribe();
        let mut probe: Option<Probe> = None;
        let mut measure = interval(self.options.limits.weigh);
        measure.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let remedy = tokio::select! {
                why = browser.ended() => return WatchEnd::BrowserEnded(why),
                why = driver.ended() => return WatchEnd::DriverEnded(why),
                Some(signal) = self.signals.recv() => self.on_signal(signal).await,
                Some(request) = self.requests.recv() => self.on_request(request).await,
                alive = probe_result(&mut probe) => {
                    probe = None;
                    self.on_probe(alive)
                }
                Ok(()) = bell.changed() => {
                    self.health.on_event(Instant::now());
                    self.shared.touch();
                    None
                }
                _ = measure.tick() => {
                    self.measure_memory(browser.group()).await;
                    None
                }
                Ok(()) = bound.changed() => self.check_status().await,
                () = sleep_until(next_check) => {
                    browser.trim_log();
                    let remedy = self.check_status().await;
                    next_check = Instant::now() + self.until_check();
                    remedy
                }
            };
            if let Some(remedy) = remedy
                && let Some(end) = self.apply(remedy, &mut probe).await
            {
                return end;
            }
        }
    }

    /// Returns how long it waits after a status check before the next.
    fn until_check(&self) -> Duration {
        let limits = &self.options.limits;
        match self.shared.session.borrow().state {
            SessionState::Ready => limits.ready_status,
            _ => limits.status,
        }
    }

    /// Applies a remedy. Returns the end of the watch if it failed or needs a restart.
    async fn apply(&mut self, remedy: Remedy, probe: &mut Option<Probe>) -> Option<WatchEnd> {
        let limits = &self.options.limits;
        match remedy {
            Remedy::Relisten => {
                let _: Result<(), CallError> = self.page.call("relisten", json!(null), limits.look).await;
                None
            }
            Remedy::RefreshQr => {
                let _: Result<(), CallError> = self.page.call("refreshQr", json!(null), limits.look).await;
                None
            }
            Remedy::Probe => {
                *probe = Some(probe_server(Arc::clone(&self.page), limits.probe));
                None
            }
            Remedy::Reload(why) => {
                // The answer would be about the page before the load.
                *probe = None;
                self.reload(why).await
            }
            Remedy::Restart(why) => {
                self.count_deafness(&why);
                Some(WatchEnd::Restart(why))
            }
        }
    }

    async fn on_signal(&mut self, signal: PageSignal) -> Option<Remedy> {
        match signal {
            PageSignal::Status => self.check_status().await,
            PageSignal::LoggedOut(reason) => {
                self.state.linked = false;
                self.shared.apply(SessionEvent::LoggedOut(reason));
                None
            }
            PageSignal::Crashed => Some(Remedy::Restart(Reason::Failed("the page crashed".to_owned()))),
        }
    }

    async fn on_request(&mut self, request: Request) -> Option<Remedy> {
        match request {
            Request::CheckStatus => self.check_status().await,
            // The page works: a failure would end the login that asks for it, and would be told to the owner.
            Request::Reload => Some(Remedy::Reload(Reason::Upkeep("a reload was requested".to_owned()))),
            Request::Heal => {
                let remedy = self.state.escalation.next(Instant::now());
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
                self.shared.apply(SessionEvent::PairingCode(code));
                None
            }
        }
    }

    fn on_probe(&mut self, alive: bool) -> Option<Remedy> {
        self.deaf = !alive;
        self.health.on_probe(alive, Instant::now())
    }

    /// Requests the page's status and publishes it. Returns a remedy if one is due.
    async fn check_status(&mut self) -> Option<Remedy> {
        let answer: Result<Status, CallError> = self.page.call("status", json!(null), self.options.limits.look).await;
        let now = Instant::now();
        let status = match answer {
            Ok(status) => status,
            Err(error) => {
                tracing::debug!("the page did not report its status: {error}");
                return self.health.on_silence(now);
            }
        };
        let mut page = status.page();
        let (epoch, lost) = std::mem::replace(&mut self.lost, (page.epoch.clone(), status.lost));
        let same_page = epoch == page.epoch;
        self.deaf = self.deaf && same_page;
        page.online = page.online && !self.deaf;
        if self.state.linked && page.full_ready && !page.authenticated {
            // The page was reloaded before it could report the log-out.
            self.shared.apply(SessionEvent::LoggedOut(None));
        }
        let full_ready = page.full_ready;
        self.shared.apply(SessionEvent::Page(page));
        if same_page && status.lost > lost {
            let count = status.lost - lost;
            tracing::warn!(count, "the page lost events; comparing the chats to find the messages");
            self.shared.apply(SessionEvent::Missed);
        }
        let state = self.shared.session.borrow().state;
        if full_ready {
            self.state.linked = state.has_device();
        }
        self.take_over(state, now).await;
        if let Some(remedy) = self.renew_pairing_code(state, now).await {
            return Some(remedy);
        }
        let remedy = self.health.on_status(&status, &self.options.url, now);
        if remedy.is_none() && state == SessionState::Ready {
            let usage = Usage {
                heap: self.shared.vitals.borrow().heap_bytes,
                stale: status.stale,
                unused: now - *self.shared.used.borrow(),
            };
            let wall = self.shared.clock.now();
            return self.upkeep.check(&usage, self.options, wall, now);
        }
        remedy
    }

    /// Publishes the memory use of browser and page.
    async fn measure_memory(&self, group: u32) {
        let heap = self.page.heap(self.options.limits.look).await;
        let browser = tokio::task::spawn_blocking(move || process::memory_of_group(group));
        let browser = browser.await.ok().flatten();
        self.shared.vitals.send_modify(|vitals| {
            vitals.heap_bytes = heap;
            vitals.browser_bytes = browser;
        });
    }

    /// Takes the session over if a conflict has lasted for the configured time.
    async fn take_over(&mut self, state: SessionState, now: Instant) {
        let conflict = state == SessionState::Conflict;
        if self.state.take_over.is_due(conflict, self.options.take_over, now) {
            tracing::info!("taking the session over from the other browser");
            let _: Result<(), CallError> = self.page.call("takeOver", json!(null), self.options.limits.look).await;
        }
    }

    /// Requests a new pairing code when the current one expires.
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
            let why = "nobody typed the pairing code; showing the QR code again".to_owned();
            return Some(Remedy::Reload(Reason::Upkeep(why)));
        }
        pairing.since = now;
        pairing.left -= 1;
        let digits = json!({ "digits": pairing.phone.digits() });
        match self.page.call("pairingCode", digits, self.options.limits.send).await {
            Ok(code) => {
                self.shared.apply(SessionEvent::PairingCode(code));
                None
            }
            Err(error) => Some(Remedy::Reload(Reason::Failed(format!(
                "WhatsApp gave no new pairing code ({error}); showing the QR code again"
            )))),
        }
    }

    /// Reloads the page. Returns the end of the watch if that fails.
    async fn reload(&mut self, why: Reason) -> Option<WatchEnd> {
        match &why {
            Reason::Upkeep(why) => tracing::info!("{why}; reloading the page"),
            why => tracing::warn!("{}; reloading the page", why.why()),
        }
        self.count_deafness(&why);
        if self.deaf {
            // Publishes the session as offline, which the page itself does not know.
            let _ = self.check_status().await;
        } else {
            self.shared.apply(why.event());
        }
        let opened = self.page.open(&self.options.url, self.options.limits.launch).await;
        let now = Instant::now();
        self.health.on_reload(now);
        self.upkeep.on_reload();
        self.shared.vitals.send_modify(|vitals| {
            vitals.reloads += 1;
            vitals.heap_bytes = None;
        });
        opened
            .err()
            .map(|error| WatchEnd::Restart(Reason::Failed(error.to_string())))
    }

    fn count_deafness(&self, why: &Reason) {
        if let Some(how) = why.deafness() {
            self.shared.vitals.send_modify(|vitals| vitals.was_deaf(how));
        }
    }
}

/// Waits for the probe's result; for ever if there is no probe.
async fn probe_result(probe: &mut Option<Probe>) -> bool {
    match probe {
        Some(probe) => probe.await,
        None => pending().await,
    }
}

/// Asks WhatsApp's server for a sign of life. A page that cannot ask counts as connected.
fn probe_server(page: Arc<Page>, limit: Duration) -> Probe {
    Box::pin(async move {
        match page.call::<bool>("alive", json!(null), limit).await {
            Ok(_) => true,
            Err(CallError::Refused(refusal)) => refusal.code == "no_probe",
            Err(error) => {
                tracing::debug!("WhatsApp's server gave no sign of life: {error}");
                false
            }
        }
    })
}
