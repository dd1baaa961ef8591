//! Connected but deaf, in a real browser: each way is found out, counted and healed, and what was missed is there.

use std::time::Duration;

use crm::domain::session::SessionState;
use crm::domain::vitals::Deafness;
use crm::domain::whatsapp::WhatsApp as _;
use rustix::process::{Signal, kill_process};
use testbed::standin::Options;

use super::desk::Desk;
use super::survival::{newest_is, pids, ready_after};

pub const LIBRARY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/web/node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js"
);

/// Behind the library: until the page has been loaded once by a linked device, the library does not find the page's messages.
const HALF: &str = r"
;(() => {
  const whole = self.WPP;
  const half = !localStorage.getItem('linked once');
  setInterval(() => whole.isFullReady && whole.conn.isAuthenticated() && localStorage.setItem('linked once', '1'), 50);
  const whatsapp = new Proxy(whole.whatsapp, {
    get: (of, name) => (half && name === 'MsgStore' ? undefined : of[name]),
  });
  self.WPP = new Proxy(whole, { get: (of, name) => (name === 'whatsapp' ? whatsapp : of[name]) });
})();
";

fn count(desk: &Desk, how: Deafness) -> u64 {
    desk.web.vitals().deaf.get(&how).copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_page_restarts_browser() {
    let desk = Desk::with(Options::default(), |options| {
        options.limits.look = Duration::from_secs(1);
        options.limits.silent = Duration::from_secs(2);
    })
    .await;
    desk.link().await;
    let before = desk.session().resync;
    let renderers = pids(&desk, "--type=renderer", "chromedriver");
    assert!(!renderers.is_empty());
    for pid in renderers {
        kill_process(pid, Signal::STOP).unwrap();
    }
    let missed = desk.standin.customer("ada", "447700900123").write("is anybody there?");
    let session = desk.state(SessionState::Failed).await;
    assert!(session.detail.is_some_and(|why| why.contains("does not answer")));
    ready_after(&desk, before).await;
    newest_is(&desk, &missed).await;
    assert_eq!(count(&desk, Deafness::Frozen), 1);
    assert!(desk.web.vitals().restarts >= 1);
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_module_is_named_and_page_reloaded() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("half.js");
    std::fs::write(&library, std::fs::read_to_string(LIBRARY).unwrap() + HALF).unwrap();
    let mut desk = Desk::with(Options::default(), |options| {
        options.library = Some(library);
        options.limits.fit = Duration::from_secs(1);
        options.limits.status = Duration::from_millis(200);
    })
    .await;
    let code = desk.until("a code", |session| session.qr.clone()).await;
    desk.standin.phone().scan(&code).await.unwrap();
    let session = desk.state(SessionState::Mismatch).await;
    let detail = session.detail.unwrap_or_default();
    assert!(
        detail.contains("MsgStore") && detail.contains("CRM_WHATSAPP_LIBRARY"),
        "{detail}"
    );
    assert!(!session.state.can_send());
    let ada = desk.standin.customer("ada", "447700900123");
    let missed = ada.write("while nobody could hear");
    desk.state(SessionState::Ready).await;
    newest_is(&desk, &missed).await;
    assert_eq!(count(&desk, Deafness::Library), 1);
    ada.write("heard");
    desk.message("heard").await;
    desk.end().await;
}

/// A listener that is gone is noticed by the page itself; who compares page and store then asks for it to be healed.
#[tokio::test(flavor = "multi_thread")]
async fn lost_listener_gets_harder_remedy_each_time() {
    let mut desk = Desk::linked().await;
    let ada = desk.standin.customer("ada", "447700900123");
    ada.write("heard");
    desk.message("heard").await;
    desk.standin.freeze_listener("add");
    for (step, (missed, reloads)) in [(1, 0), (2, 1)].into_iter().enumerate() {
        let unheard = ada.write(&format!("unheard {step}"));
        desk.until("the suspicion", |session| (session.missed == missed).then_some(()))
            .await;
        newest_is(&desk, &unheard).await;
        let before = desk.session().resync;
        desk.web.heal().await;
        if reloads > 0 {
            ready_after(&desk, before).await;
        }
        assert_eq!(
            desk.web.vitals().reloads,
            reloads,
            "first it listens again, then it is loaded anew"
        );
    }
    assert_eq!(count(&desk, Deafness::Listener), 2);
    ada.write("heard again");
    desk.message("heard again").await;
    desk.end().await;
}

/// The memory of browser and page is measured.
#[tokio::test(flavor = "multi_thread")]
async fn large_unused_page_is_reloaded() {
    let desk = Desk::with(Options::default(), |options| {
        options.limits.weigh = Duration::from_millis(200);
        options.limits.status = Duration::from_millis(100);
        options.limits.unused = Duration::from_secs(1);
        options.limits.reload_gap = Duration::from_secs(1);
        options.limits.heap = 1;
    })
    .await;
    desk.link().await;
    let before = desk.session();
    ready_after(&desk, before.resync).await;
    assert_ne!(desk.session().epoch, before.epoch, "it was loaded anew");
    let weighed = async {
        loop {
            let vitals = desk.web.vitals();
            if let (Some(browser), Some(heap)) = (vitals.browser_bytes, vitals.heap_bytes) {
                return (browser, heap, vitals.reloads);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (browser, heap, reloads) = tokio::time::timeout(Duration::from_secs(20), weighed).await.unwrap();
    assert!(browser > 20 << 20, "a browser takes more than {browser} bytes");
    assert!(heap > 1 << 20 && heap < browser, "{heap} of {browser}");
    assert!(reloads >= 1);
    desk.end().await;
}
