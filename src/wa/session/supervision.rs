//! Keeps a browser with the page running. A dead driver is attached again, a dead browser is started again after a
//! growing pause, and a broken page is reloaded (`watcher`). No process outlives the supervision.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::reason::Reason;
use super::shared::{Close, Receivers, Request, Shared};
use super::watcher::{WatchEnd, Watcher, WatcherState};
use crate::domain::session::{SessionEvent, SessionState};
use crate::supervisor::Supervisor;
use crate::wa::browser::{Browser, Driver, Profile};
use crate::wa::options::WaOptions;
use crate::wa::page::{CallError, Library, Names, Page, PageSignal};

/// Pause before the first restart; doubled with each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Attempts to attach a driver to a running browser before the browser is restarted.
const ATTACH_ATTEMPTS: u32 = 3;
/// Pause between them.
const ATTACH_PAUSE: Duration = Duration::from_millis(500);
/// Time for the browser to close when the program stops.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// Time for a browser to end by itself before a restart.
const END_GRACE: Duration = Duration::from_secs(1);

/// One account's browser and everything in it.
pub struct Supervision {
    options: WaOptions,
    names: Names,
    library: Library,
    shared: Arc<Shared>,
    requests: mpsc::Receiver<Request>,
    supervisor: Supervisor,
    profile: Profile,
    browser: Option<Browser>,
    driver: Option<Driver>,
    watcher: WatcherState,
}

/// How one browser ended.
enum BrowserEnd {
    /// The browser ended by itself or was killed.
    Died(String),
    /// The browser, the driver or the page does not work.
    Failed(Reason),
}

impl BrowserEnd {
    fn failed(why: impl std::fmt::Display) -> Self {
        Self::Failed(Reason::Failed(why.to_string()))
    }
}

impl Supervision {
    /// Starts the supervision. It runs until it is closed or `supervisor` stops. The profile stays locked until no
    /// process of it is left.
    pub fn run(
        options: WaOptions,
        names: Names,
        library: Library,
        profile: Profile,
        (shared, receivers): (Arc<Shared>, Receivers),
        supervisor: &Supervisor,
    ) {
        let Receivers { requests, closing } = receivers;
        let supervision = Self {
            options,
            names,
            library,
            shared,
            requests,
            supervisor: supervisor.clone(),
            profile,
            browser: None,
            driver: None,
            watcher: WatcherState::default(),
        };
        supervisor.spawn("whatsapp", supervision.run_until(closing, supervisor.stopping()));
    }

    async fn run_until(
        mut self,
        mut closing: mpsc::Receiver<Close>,
        stopping: CancellationToken,
    ) -> anyhow::Result<()> {
        let close = tokio::select! {
            never = self.keep_running() => match never {},
            Some(close) = closing.recv() => Some(close),
            () = stopping.cancelled() => None,
        };
        let limit = close.as_ref().map_or(CLOSE_LIMIT, |close| close.limit);
        self.close(limit).await;
        self.shared.apply(SessionEvent::Starting);
        let Self { shared, profile, .. } = self;
        // Unlocked before the answer: the caller may open the profile again at once.
        drop(profile);
        if let Some(Close { done, .. }) = close {
            let _: Result<(), ()> = done.send(());
        }
        // Later requests to close are answered at once.
        let late = async {
            while let Some(Close { done, .. }) = closing.recv().await {
                let _: Result<(), ()> = done.send(());
            }
        };
        tokio::select! {
            () = late => {}
            () = stopping.cancelled() => {}
        }
        drop(shared);
        Ok(())
    }

    /// Starts browsers, one after another.
    async fn keep_running(&mut self) -> Infallible {
        let mut pause = FIRST_PAUSE;
        loop {
            let state = self.shared.session.borrow().state;
            if !matches!(state, SessionState::Failed | SessionState::Mismatch) {
                self.shared.apply(SessionEvent::Starting);
            }
            let started = Instant::now();
            let end = self.run_browser().await;
            self.shared.page.send_replace(None);
            if started.elapsed() >= self.options.limits.back_off {
                pause = FIRST_PAUSE;
            }
            match end {
                BrowserEnd::Died(why) => {
                    tracing::warn!("the browser ended ({why}); starting it again in {pause:?}");
                    self.shared.apply(SessionEvent::Starting);
                }
                BrowserEnd::Failed(why) => {
                    tracing::warn!("{}; restarting the browser in {pause:?}", why.why());
                    self.shared.apply(why.event());
                }
            }
            self.end_processes(END_GRACE).await;
            self.shared.vitals.send_modify(|vitals| vitals.restarts += 1);
            sleep(pause).await;
            pause = (pause * 2).min(self.options.limits.back_off);
        }
    }

    /// Runs one browser until it ends or has to be restarted.
    async fn run_browser(&mut self) -> BrowserEnd {
        let browser = match Browser::launch(&self.options, &self.profile).await {
            Ok(browser) => self.browser.insert(browser),
            Err(error) => return BrowserEnd::failed(error),
        };
        let address = browser.address.clone();
        let mut failures = 0;
        loop {
            let attaching = Driver::attach(&self.options, &self.profile, &address);
            let attached = tokio::select! {
                attached = attaching => attached,
                why = browser.ended() => return BrowserEnd::Died(why),
            };
            let (driver, cdp) = match attached {
                Ok((driver, cdp)) => (self.driver.insert(driver), cdp),
                Err(error) => {
                    failures += 1;
                    if failures >= ATTACH_ATTEMPTS {
                        return BrowserEnd::failed(error);
                    }
                    tracing::warn!("{error}; trying again in {ATTACH_PAUSE:?}");
                    sleep(ATTACH_PAUSE).await;
                    continue;
                }
            };
            let limit = self.options.limits.launch;
            let url = &self.options.url;
            let page = Page::attach(
                cdp,
                &self.names,
                self.library.script(&self.names),
                url,
                &self.supervisor,
                limit,
            );
            let attached: Result<(Page, mpsc::Receiver<PageSignal>), CallError> = tokio::select! {
                attached = page => attached,
                why = browser.ended() => return BrowserEnd::Died(why),
            };
            let (page, signals) = match attached {
                Ok((page, signals)) => (Arc::new(page), signals),
                Err(error) => return BrowserEnd::failed(error),
            };
            failures = 0;
            self.shared.page.send_replace(Some(Arc::clone(&page)));
            let shared = Arc::clone(&self.shared);
            let watcher = Watcher::new(
                &self.options,
                shared,
                page,
                signals,
                &mut self.requests,
                &mut self.watcher,
            );
            match watcher.watch(browser, driver).await {
                WatchEnd::DriverEnded(why) => {
                    tracing::warn!("chromedriver ended ({why}); attaching another one to the same browser");
                    self.shared.page.send_replace(None);
                    self.shared.apply(SessionEvent::Starting);
                }
                WatchEnd::BrowserEnded(why) => return BrowserEnd::Died(why),
                WatchEnd::Restart(why) => return BrowserEnd::Failed(why),
            }
        }
    }

    async fn close(&mut self, limit: Duration) {
        let page = self.shared.page.send_replace(None);
        if let Some(page) = page {
            page.close_browser(limit).await;
        }
        self.end_processes(limit).await;
    }

    async fn end_processes(&mut self, grace: Duration) {
        if let Some(driver) = self.driver.take() {
            driver.end().await;
        }
        if let Some(browser) = self.browser.take() {
            browser.end(grace).await;
        }
    }
}
