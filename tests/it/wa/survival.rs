//! What the session lives through: its parts killed, its network gone or dead, its account opened elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use crm::domain::WaMessageId;
use crm::domain::session::SessionState;
use crm::domain::vitals::Deafness;
use crm::domain::whatsapp::WhatsApp as _;
use rustix::process::{Pid, Signal, kill_process};
use testbed::standin::{Network, Options};

use super::PATIENCE;
use super::deafness::LIBRARY;
use super::desk::{Desk, processes};

/// Behind the library: the page never gets as far as a code or the chats.
const NEVER_READY: &str = r"
;(() => {
  const whole = self.WPP;
  self.WPP = new Proxy(whole, { get: (of, name) => (name === 'isFullReady' ? false : of[name]) });
})();
";

/// The processes of this account that have a word among their arguments and lack another.
pub fn pids(desk: &Desk, has: &str, lacks: &str) -> Vec<Pid> {
    let wanted = |arguments: &&String| arguments.contains(has) && !arguments.contains(lacks);
    let found = processes(&desk.options.profile);
    let pids = found.iter().filter(wanted).map(|line| line.split(' ').next().unwrap());
    pids.map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()).collect()
}

fn kill(pids: &[Pid]) {
    assert!(!pids.is_empty(), "nothing to kill");
    for pid in pids {
        kill_process(*pid, Signal::KILL).unwrap();
    }
}

/// Ready again, and what is stored has to be compared once more.
pub async fn ready_after(desk: &Desk, resync: u64) {
    desk.until("ready and a resync", |session| {
        (session.state == SessionState::Ready && session.resync > resync).then_some(())
    })
    .await;
}

/// The page has, as the newest message of its one chat, this one.
pub async fn newest_is(desk: &Desk, wanted: &str) {
    let chats = desk.web.chats().await.unwrap();
    assert_eq!(chats[0].last_message.as_ref().map(WaMessageId::as_str), Some(wanted));
}

/// rule 14: the driver is only a way in; the browser goes on without it.
#[tokio::test(flavor = "multi_thread")]
async fn killed_driver_and_browser_are_replaced() {
    let mut desk = Desk::linked().await;
    let ada = desk.standin.customer("ada", "447700900123");
    let browser = pids(&desk, "chrom", "chromedriver");
    let before = desk.session().resync;
    kill(&pids(&desk, "chromedriver", "--type="));
    ready_after(&desk, before).await;
    assert!(
        pids(&desk, "chrom", "chromedriver").contains(&browser[0]),
        "the same browser"
    );
    ada.write("after the driver");
    desk.message("after the driver").await;

    let before = desk.session().resync;
    kill(&pids(&desk, "chrom", "chromedriver"));
    desk.until("the loss", |session| {
        (session.state != SessionState::Ready).then_some(())
    })
    .await;
    let missed = ada.write("nobody looks");
    ready_after(&desk, before).await;
    newest_is(&desk, &missed).await;
    desk.end().await;
}

/// rule 16: a socket that is gone says so; one that is dead has to be asked.
#[tokio::test(flavor = "multi_thread")]
async fn network_loss_is_noticed_and_recovered() {
    let desk = Desk::with(Options::default(), |options| {
        options.limits.idle = Duration::from_millis(500);
        options.limits.probe = Duration::from_secs(1);
        options.limits.probe_gap = Duration::from_secs(1);
    })
    .await;
    desk.link().await;
    let ada = desk.standin.customer("ada", "447700900123");
    for network in [Network::Down, Network::Dead] {
        let before = desk.session().resync;
        desk.standin.set_network(network);
        let lost = desk
            .until("the loss", |session| {
                (session.state != SessionState::Ready).then(|| session.clone())
            })
            .await;
        assert!(!lost.state.can_send(), "{lost:?}");
        let missed = ada.write("while it was away");
        desk.standin.set_network(Network::Up);
        ready_after(&desk, before).await;
        newest_is(&desk, &missed).await;
    }
    let deaf = desk.web.vitals().deaf;
    assert!(deaf.get(&Deafness::Socket).is_some_and(|times| *times >= 1), "{deaf:?}");
    assert_eq!(deaf.len(), 1, "one that says that it is gone is not deaf: {deaf:?}");
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_opened_elsewhere_can_be_taken_over() {
    let mut desk = Desk::linked().await;
    desk.standin.open_elsewhere();
    let session = desk.state(SessionState::Conflict).await;
    assert!(!session.state.can_send());
    desk.web.take_over().await.unwrap();
    desk.state(SessionState::Ready).await;
    desk.standin.customer("ada", "447700900123").write("here again");
    desk.message("here again").await;
    desk.end().await;
}

/// Where the configuration asks for it; not in a loop: see `TakeOver`.
#[tokio::test(flavor = "multi_thread")]
async fn configured_take_over_resolves_conflict() {
    let desk = Desk::with(Options::default(), |options| {
        options.take_over = Some(Duration::from_millis(300));
        options.limits.status = Duration::from_millis(100);
    })
    .await;
    desk.link().await;
    desk.standin.open_elsewhere();
    desk.state(SessionState::Conflict).await;
    desk.state(SessionState::Ready).await;
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_start_failure_names_setting() {
    let quick = |options: &mut crm::wa::WaOptions| {
        options.limits.launch = Duration::from_secs(10);
        options.limits.ready = Duration::from_secs(2);
    };
    let nobody_there = |options: &mut crm::wa::WaOptions| {
        quick(options);
        options.url = "http://127.0.0.1:9/".to_owned();
    };
    let another_page = |options: &mut crm::wa::WaOptions| {
        quick(options);
        options.url.push_str("no/such/page");
    };
    let no_browser = |options: &mut crm::wa::WaOptions| options.browser = Some("/nowhere/chromium".into());
    let no_driver = |options: &mut crm::wa::WaOptions| options.driver = Some("/nowhere/chromedriver".into());
    for (desk, words) in [
        (
            Desk::with(Options::default(), nobody_there).await,
            ["127.0.0.1:9", "CRM_WHATSAPP_URL"],
        ),
        (
            Desk::with(Options::default(), another_page).await,
            ["no/such/page", "CRM_WHATSAPP_URL"],
        ),
        (
            Desk::with(Options::default(), no_browser).await,
            ["/nowhere/chromium", "CRM_WHATSAPP_BROWSER"],
        ),
        (
            Desk::with(Options::default(), no_driver).await,
            ["/nowhere/chromedriver", "CRM_WHATSAPP_DRIVER"],
        ),
    ] {
        let session = desk.state(SessionState::Failed).await;
        let detail = session.detail.unwrap_or_default();
        assert!(
            words.iter().all(|word| detail.contains(word)),
            "{words:?} in {detail:?}"
        );
        desk.end().await;
    }
}

/// As of a damaged profile. The same words are told once, and nothing of the profile is thrown away unasked.
#[tokio::test(flavor = "multi_thread")]
async fn never_ready_page_says_same_each_start() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("never.js");
    std::fs::write(&library, std::fs::read_to_string(LIBRARY).unwrap() + NEVER_READY).unwrap();
    let desk = Desk::with(Options::default(), |options| {
        options.library = Some(library);
        options.limits.ready = Duration::from_secs(2);
        options.limits.status = Duration::from_millis(100);
        options.limits.back_off = Duration::from_millis(100);
    })
    .await;
    desk.state(SessionState::Failed).await;
    let kept = desk.options.profile.join("kept");
    std::fs::write(&kept, "the link to the phone").unwrap();
    let mut told = BTreeSet::new();
    let starts = async {
        while desk.web.vitals().restarts < 3 {
            let session = desk.session();
            assert!(!session.state.can_send(), "{session:?}");
            // A busy machine may load the page too late, which is told in other words.
            told.extend(
                session
                    .detail
                    .filter(|why| why.contains("neither a QR code nor the chats")),
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, starts)
        .await
        .expect("it is started anew");
    assert_eq!(told.len(), 1, "{told:?}");
    let why = told.first().unwrap();
    assert!(why.contains("crm account remove"), "what to do: {why}");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "the link to the phone");
    desk.end().await;
}
