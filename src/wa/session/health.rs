//! Health of a page: pure decisions from its status and from the time without answers or events. Touches neither page
//! nor browser.

use tokio::time::Instant;

use super::reason::{Reason, Remedy};
use crate::domain::session::does_not_fit;
use crate::domain::vitals::Deafness;
use crate::wa::options::Limits;
use crate::wa::wire::Status;

/// Health of one browser's page across its reloads.
#[derive(Debug)]
pub struct Health {
    limits: Limits,
    /// Start of the wait for the page to get ready: its last load, or the last time it was ready.
    loaded: Instant,
    /// Reloads since the page was last usable.
    reloads: u32,
    /// Last answer to a status check, or last load.
    answered: Instant,
    /// Last event of the page, or last sign of life of the server.
    last_event: Instant,
    /// Last request for a sign of life.
    probed: Option<Instant>,
    /// Last request for a fresh QR code.
    qr_requested: Option<Instant>,
    /// Since when it has been logged in without having fetched all missed messages.
    syncing: Option<Instant>,
    /// Since when the library has not found all modules that it needs.
    unfit: Option<Instant>,
}

impl Health {
    /// Begins with a page that is being loaded now.
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            loaded: now,
            reloads: 0,
            answered: now,
            last_event: now,
            probed: None,
            qr_requested: None,
            syncing: None,
            unfit: None,
        }
    }

    /// Notes that the page was reloaded.
    pub fn on_reload(&mut self, now: Instant) {
        self.loaded = now;
        self.answered = now;
        self.last_event = now;
        self.syncing = None;
        self.unfit = None;
        self.reloads += 1;
    }

    /// Notes that the page reported an event.
    pub fn on_event(&mut self, now: Instant) {
        self.last_event = now;
    }

    /// Decides from a status of the page. The order matters: each check assumes that those before it passed.
    pub fn on_status(&mut self, status: &Status, url: &str, now: Instant) -> Option<Remedy> {
        self.answered = now;
        let page = status.page();
        if page.restricted {
            // WhatsApp has blocked the account: no reload helps.
            return None;
        }
        if page.outdated || page.authenticated && !page.missing.is_empty() {
            // Not at once: the page may still be loading some of its modules.
            let since = *self.unfit.get_or_insert(now);
            return (now - since >= self.limits.fit).then(|| self.reload(self.not_ready(status, url)));
        }
        self.unfit = None;
        let awaits_person = page.passkey || page.qr.is_some() || status.qr_idle;
        if !page.full_ready && !page.passkey || !page.authenticated && !awaits_person {
            return (now - self.loaded >= self.limits.ready).then(|| self.reload(self.not_ready(status, url)));
        }
        // Ready: the wait starts anew if the page stops being ready without a reload of ours.
        self.loaded = now;
        if !page.authenticated {
            self.reloads = 0;
            return self.fresh_code(status, now);
        }
        if page.online && !page.conflict && !(page.main && page.synced) {
            let since = *self.syncing.get_or_insert(now);
            return (now - since >= self.limits.sync).then(|| {
                self.syncing = None;
                let why = "WhatsApp Web did not finish fetching the messages that it missed".to_owned();
                self.reload(Reason::Failed(why))
            });
        }
        self.syncing = None;
        self.reloads = 0;
        if !page.online || page.conflict {
            // The page knows that it is disconnected: no probe needed.
            self.last_event = now;
            return None;
        }
        let due = now - self.last_event >= self.limits.idle
            && self.probed.is_none_or(|probed| now - probed >= self.limits.probe_gap);
        due.then(|| {
            self.probed = Some(now);
            Remedy::Probe
        })
    }

    /// Decides after a status check that was not answered.
    pub fn on_silence(&mut self, now: Instant) -> Option<Remedy> {
        (now - self.answered >= self.limits.silent).then(|| {
            let why = "the page does not answer; its browser may be stuck".to_owned();
            Remedy::Restart(Reason::Deaf(Deafness::Frozen, why))
        })
    }

    /// Decides from the result of a probe.
    pub fn on_probe(&mut self, alive: bool, now: Instant) -> Option<Remedy> {
        if alive {
            self.last_event = now;
            return None;
        }
        let why = "WhatsApp's server does not answer although the page says that it is connected".to_owned();
        Some(self.reload(Reason::Deaf(Deafness::Socket, why)))
    }

    /// The first remedy is a reload; if the page did not become usable after it, a restart.
    fn reload(&self, why: Reason) -> Remedy {
        if self.reloads == 0 {
            Remedy::Reload(why)
        } else {
            Remedy::Restart(why)
        }
    }

    fn fresh_code(&mut self, status: &Status, now: Instant) -> Option<Remedy> {
        let due = self
            .qr_requested
            .is_none_or(|requested| now - requested >= self.limits.qr_gap);
        (status.qr_idle && due).then(|| {
            self.qr_requested = Some(now);
            Remedy::RefreshQr
        })
    }

    fn not_ready(&self, status: &Status, url: &str) -> Reason {
        let waited = self.limits.ready;
        let page = status.page();
        match (&status.library, status.missing.is_empty()) {
            (None, _) => Reason::Failed("the WhatsApp library did not load; check CRM_WHATSAPP_LIBRARY".to_owned()),
            (Some(version), false) => Reason::Mismatch(format!(
                "the WhatsApp library {version} lacks {}; set CRM_WHATSAPP_LIBRARY to a newer or older one",
                status.missing.join(", ")
            )),
            _ if !status.whatsapp => Reason::Failed(format!(
                "{url} is not WhatsApp Web, or did not load; check CRM_WHATSAPP_URL and the network"
            )),
            _ if page.outdated => {
                Reason::Mismatch("WhatsApp no longer supports this version of its page; reloading it".to_owned())
            }
            _ if !page.missing.is_empty() => Reason::Mismatch(does_not_fit(&page.missing)),
            _ => Reason::unready(waited),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    const URL: &str = "http://127.0.0.1:1/";

    fn status(changes: &Value) -> Status {
        let mut status = json!({
            "epoch": "a", "library": "4.6.0", "missing": [], "whatsapp": true, "fullReady": true, "authenticated": true,
            "main": true, "synced": true, "online": true, "conflict": false, "passkey": false, "qr": null, "qrIdle": false,
            "me": null, "lost": 0,
        });
        for (key, value) in changes.as_object().unwrap() {
            status[key] = value.clone();
        }
        serde_json::from_value(status).unwrap()
    }

    fn health() -> (Health, Instant) {
        let now = Instant::now();
        (Health::new(Limits::default(), now), now)
    }

    fn loading() -> Status {
        status(&json!({"fullReady": false, "authenticated": false, "main": false, "online": false, "synced": false}))
    }

    #[test]
    fn unready_page_is_reloaded_then_restarted() {
        let (mut health, start) = health();
        assert_eq!(health.on_status(&loading(), URL, start + Duration::from_secs(44)), None);
        let late = start + Duration::from_secs(45);
        assert!(matches!(
            health.on_status(&loading(), URL, late),
            Some(Remedy::Reload(_))
        ));
        health.on_reload(late);
        assert_eq!(health.on_status(&loading(), URL, late + Duration::from_secs(44)), None);
        let again = health.on_status(&loading(), URL, late + Duration::from_secs(45));
        assert!(matches!(again, Some(Remedy::Restart(_))));
    }

    #[test]
    fn wrong_address_names_setting_to_check() {
        let (mut health, start) = health();
        let elsewhere = status(&json!({"whatsapp": false, "fullReady": false, "authenticated": false}));
        let Some(Remedy::Reload(Reason::Failed(why))) =
            health.on_status(&elsewhere, URL, start + Duration::from_mins(1))
        else {
            panic!("no remedy");
        };
        assert!(why.contains(URL) && why.contains("CRM_WHATSAPP_URL"), "{why}");
        let lacking = status(&json!({"missing": ["chat.list"], "fullReady": false, "authenticated": false}));
        let Some(Remedy::Reload(Reason::Mismatch(why))) =
            health.on_status(&lacking, URL, start + Duration::from_mins(1))
        else {
            panic!("no remedy");
        };
        assert!(
            why.contains("chat.list") && why.contains("CRM_WHATSAPP_LIBRARY"),
            "{why}"
        );
    }

    #[test]
    fn expired_qr_code_is_refreshed() {
        let (mut health, start) = health();
        let code = json!({"authenticated": false, "qr": "2@x"});
        assert_eq!(
            health.on_status(&status(&code), URL, start + Duration::from_hours(5)),
            None
        );
        let idle = status(&json!({"authenticated": false, "qrIdle": true}));
        let late = start + Duration::from_hours(6);
        assert_eq!(health.on_status(&idle, URL, late), Some(Remedy::RefreshQr));
        assert_eq!(health.on_status(&idle, URL, late + Duration::from_secs(19)), None);
        assert_eq!(
            health.on_status(&idle, URL, late + Duration::from_secs(20)),
            Some(Remedy::RefreshQr)
        );
    }

    /// Rule 16.
    #[test]
    fn idle_page_is_probed_and_reloaded_if_deaf() {
        let (mut health, start) = health();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(health.on_status(&status(&json!({})), URL, at(44)), None);
        assert_eq!(health.on_status(&status(&json!({})), URL, at(45)), Some(Remedy::Probe));
        assert_eq!(
            health.on_status(&status(&json!({})), URL, at(89)),
            None,
            "asked just now"
        );
        assert_eq!(health.on_probe(true, at(90)), None);
        assert_eq!(
            health.on_status(&status(&json!({})), URL, at(134)),
            None,
            "the server was last_event"
        );
        assert_eq!(health.on_status(&status(&json!({})), URL, at(135)), Some(Remedy::Probe));
        assert!(matches!(health.on_probe(false, at(145)), Some(Remedy::Reload(_))));
        health.on_reload(at(145));
        assert!(matches!(health.on_probe(false, at(300)), Some(Remedy::Restart(_))));
    }

    #[test]
    fn missing_module_reloads_page_after_wait() {
        let (mut health, start) = health();
        let at = |seconds| start + Duration::from_secs(seconds);
        let half = status(&json!({"absent": ["MsgStore"]}));
        assert_eq!(health.on_status(&half, URL, at(30)), None, "it may be on its way");
        assert_eq!(health.on_status(&status(&json!({})), URL, at(35)), None);
        assert_eq!(health.on_status(&half, URL, at(36)), None, "and was");
        let Some(Remedy::Reload(Reason::Mismatch(why))) = health.on_status(&half, URL, at(46)) else {
            panic!("no remedy");
        };
        assert!(
            why.contains("MsgStore") && why.contains("CRM_WHATSAPP_LIBRARY"),
            "{why}"
        );
        health.on_reload(at(46));
        assert_eq!(health.on_status(&half, URL, at(47)), None);
        assert!(matches!(health.on_status(&half, URL, at(57)), Some(Remedy::Restart(_))));
    }

    #[test]
    fn restricted_account_is_not_reloaded() {
        let (mut health, start) = health();
        let blocked = status(&json!({"restricted": true, "fullReady": false, "authenticated": false}));
        assert_eq!(health.on_status(&blocked, URL, start + Duration::from_hours(5)), None);
    }

    #[test]
    fn active_or_offline_page_is_not_probed() {
        let (mut health, start) = health();
        let at = |seconds| start + Duration::from_secs(seconds);
        health.on_event(at(40));
        assert_eq!(health.on_status(&status(&json!({})), URL, at(50)), None);
        assert_eq!(health.on_status(&status(&json!({"online": false})), URL, at(600)), None);
        assert_eq!(health.on_status(&status(&json!({})), URL, at(601)), None);
    }

    #[test]
    fn silent_page_restarts_browser() {
        let (mut health, start) = health();
        assert_eq!(health.on_silence(start + Duration::from_secs(14)), None);
        assert!(matches!(
            health.on_silence(start + Duration::from_secs(15)),
            Some(Remedy::Restart(_))
        ));
    }

    #[test]
    fn endless_sync_reloads_page() {
        let (mut health, start) = health();
        let syncing = status(&json!({"synced": false}));
        assert_eq!(health.on_status(&syncing, URL, start), None);
        assert_eq!(health.on_status(&syncing, URL, start + Duration::from_secs(299)), None);
        let late = start + Duration::from_mins(5);
        assert!(matches!(health.on_status(&syncing, URL, late), Some(Remedy::Reload(_))));
    }
}
