//! Keeps a browser with the page running, whatever dies: the driver, and it is attached again; the browser, and it is
//! started again, after a pause that grows; the page, and it is loaded again (`watcher`). Nothing of ours outlives it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::illness::Illness;
use super::shared::{Asked, Close, Request, Shared};
use super::watcher::{Fate, Memory, Watcher};
use crate::domain::session::{SessionEvent, SessionState};
use crate::supervisor::Supervisor;
use crate::wa::browser::{Browser, Driver, Profile};
use crate::wa::options::WaOptions;
use crate::wa::page::{CallError, Names, News, Page};

/// The pause before the first new start; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Attempts to attach a driver to a running browser before the browser is started again.
const ATTACH_ATTEMPTS: u32 = 3;
const ATTACH_PAUSE: Duration = Duration::from_millis(500);
/// How long the browser may take to close when nobody says how long.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// How long a browser that is not wanted any more may take to end by itself.
const END_GRACE: Duration = Duration::from_secs(1);

/// One account's browser and everything in it.
pub struct Supervision {
    options: WaOptions,
    names: Names,
    script: String,
    shared: Arc<Shared>,
    requests: mpsc::Receiver<Request>,
    supervisor: Supervisor,
    profile: Profile,
    browser: Option<Browser>,
    driver: Option<Driver>,
    memory: Memory,
}

/// Why a browser's life ended.
enum End {
    /// It went away by itself, or was killed.
    Died(String),
    /// It, or what it should run, does not work.
    Failed(Illness),
}

impl End {
    fn failed(why: impl std::fmt::Display) -> Self {
        Self::Failed(Illness::Failed(why.to_string()))
    }
}

impl Supervision {
    /// Starts it. It runs until it is closed or `supervisor` stops; the profile stays held until no process of it is left.
    pub fn run(
        options: WaOptions,
        names: Names,
        script: String,
        profile: Profile,
        (shared, asked): (Arc<Shared>, Asked),
        supervisor: &Supervisor,
    ) {
        let Asked { requests, closing } = asked;
        let supervision = Self {
            options,
            names,
            script,
            shared,
            requests,
            supervisor: supervisor.clone(),
            profile,
            browser: None,
            driver: None,
            memory: Memory::default(),
        };
        supervisor.spawn("whatsapp", supervision.live_until(closing, supervisor.stopping()));
    }

    async fn live_until(
        mut self,
        mut closing: mpsc::Receiver<Close>,
        stopping: CancellationToken,
    ) -> anyhow::Result<()> {
        let close = tokio::select! {
            never = self.live() => match never {},
            Some(close) = closing.recv() => Some(close),
            () = stopping.cancelled() => None,
        };
        let limit = close.as_ref().map_or(CLOSE_LIMIT, |close| close.limit);
        self.close(limit).await;
        self.shared.happened(SessionEvent::Starting);
        let Self { shared, profile, .. } = self;
        drop(profile);
        if let Some(Close { done, .. }) = close {
            let _: Result<(), ()> = done.send(());
        }
        // Whoever asks again hears at once that it is closed.
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

    async fn live(&mut self) -> Infallible {
        let mut pause = FIRST_PAUSE;
        loop {
            let state = self.shared.session.borrow().state;
            if !matches!(state, SessionState::Failed | SessionState::Mismatch) {
                self.shared.happened(SessionEvent::Starting);
            }
            let started = Instant::now();
            let end = self.browser_life().await;
            self.shared.page.send_replace(None);
            if started.elapsed() >= self.options.limits.back_off {
                pause = FIRST_PAUSE;
            }
            match end {
                End::Died(why) => {
                    tracing::warn!("the browser is gone ({why}); starting it again in {pause:?}");
                    self.shared.happened(SessionEvent::Starting);
                }
                End::Failed(why) => {
                    tracing::warn!("{}; starting the browser again in {pause:?}", why.why());
                    self.shared.happened(why.event());
                }
            }
            self.end_processes(END_GRACE).await;
            self.shared.vitals.send_modify(|vitals| vitals.restarts += 1);
            sleep(pause).await;
            pause = (pause * 2).min(self.options.limits.back_off);
        }
    }

    /// From the start of a browser to its end, or to when it is better started again.
    async fn browser_life(&mut self) -> End {
        let browser = match Browser::launch(&self.options, &self.profile).await {
            Ok(browser) => self.browser.insert(browser),
            Err(error) => return End::failed(error),
        };
        let address = browser.address.clone();
        let mut failures = 0;
        loop {
            let attaching = Driver::attach(&self.options, &self.profile, &address);
            let attached = tokio::select! {
                attached = attaching => attached,
                why = browser.ended() => return End::Died(why),
            };
            let (driver, cdp) = match attached {
                Ok((driver, cdp)) => (self.driver.insert(driver), cdp),
                Err(error) => {
                    failures += 1;
                    if failures >= ATTACH_ATTEMPTS {
                        return End::failed(error);
                    }
                    tracing::warn!("{error}; trying again");
                    sleep(ATTACH_PAUSE).await;
                    continue;
                }
            };
            let limit = self.options.limits.launch;
            let url = &self.options.url;
            let page = Page::attach(cdp, &self.names, &self.script, url, &self.supervisor, limit);
            let attached: Result<(Page, mpsc::Receiver<News>), CallError> = tokio::select! {
                attached = page => attached,
                why = browser.ended() => return End::Died(why),
            };
            let (page, news) = match attached {
                Ok((page, news)) => (Arc::new(page), news),
                Err(error) => return End::failed(error),
            };
            failures = 0;
            self.shared.page.send_replace(Some(Arc::clone(&page)));
            let shared = Arc::clone(&self.shared);
            let watcher = Watcher::new(&self.options, shared, page, news, &mut self.requests, &mut self.memory);
            match watcher.watch(browser, driver).await {
                Fate::DriverGone(why) => {
                    tracing::warn!("chromedriver is gone ({why}); attaching another to the same browser");
                    self.shared.page.send_replace(None);
                    self.shared.happened(SessionEvent::Starting);
                }
                Fate::BrowserGone(why) => return End::Died(why),
                Fate::Restart(why) => return End::Failed(why),
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
