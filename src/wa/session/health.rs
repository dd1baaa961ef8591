//! What to do about a page that is not well: pure decisions on what it tells and for how long it has told nothing. Touches
//! neither page nor browser.

use tokio::time::Instant;

use super::illness::Illness;
use crate::domain::session::does_not_fit;
use crate::domain::vitals::Deafness;
use crate::wa::options::Limits;
use crate::wa::wire::Status;

/// What the supervision is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Ask for a fresh QR code.
    RefreshQr,
    /// Ask WhatsApp's server for a sign of life (`RULES` 16).
    Probe,
    /// Listen to the page by another way.
    Relisten,
    /// Load the page anew, for this reason.
    Reload(Illness),
    /// Start the browser anew, for this reason.
    Restart(Illness),
}

/// One browser's page over its loads.
#[derive(Debug)]
pub struct Health {
    limits: Limits,
    /// When the page was last loaded, by us.
    loaded: Instant,
    /// Loads by us since the page was last usable.
    reloads: u32,
    /// When it last answered, or was loaded.
    answered: Instant,
    /// When it last had something to tell, or the server answered.
    heard: Instant,
    probed: Option<Instant>,
    qr_asked: Option<Instant>,
    /// Since when it has been logged in without having fetched all that it missed.
    syncing: Option<Instant>,
    /// Since when the library has not found in it all that it needs.
    unfit: Option<Instant>,
}

impl Health {
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            loaded: now,
            reloads: 0,
            answered: now,
            heard: now,
            probed: None,
            qr_asked: None,
            syncing: None,
            unfit: None,
        }
    }

    /// The page was loaded anew.
    pub fn reloaded(&mut self, now: Instant) {
        self.loaded = now;
        self.answered = now;
        self.heard = now;
        self.syncing = None;
        self.unfit = None;
        self.reloads += 1;
    }

    /// The page had something to tell.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The page told its status.
    pub fn look(&mut self, status: &Status, url: &str, now: Instant) -> Option<Remedy> {
        self.answered = now;
        let page = status.page();
        if page.restricted {
            // Nothing that a browser could do.
            return None;
        }
        if page.outdated || page.authenticated && !page.missing.is_empty() {
            // The page may still be fetching some of its parts.
            let since = *self.unfit.get_or_insert(now);
            return (now - since >= self.limits.fit).then(|| self.reload(self.not_ready(status, url)));
        }
        self.unfit = None;
        let waits_for_a_person = page.passkey || page.qr.is_some() || status.qr_idle;
        if !page.full_ready && !page.passkey || !page.authenticated && !waits_for_a_person {
            return (now - self.loaded >= self.limits.ready).then(|| self.reload(self.not_ready(status, url)));
        }
        self.loaded = now;
        if !page.authenticated {
            self.reloads = 0;
            return self.fresh_code(status, now);
        }
        if page.online && !page.conflict && !(page.main && page.synced) {
            let since = *self.syncing.get_or_insert(now);
            return (now - since >= self.limits.sync).then(|| {
                self.syncing = None;
                let why = "WhatsApp Web did not finish fetching what it missed".to_owned();
                self.reload(Illness::Failed(why))
            });
        }
        self.syncing = None;
        self.reloads = 0;
        if !page.online || page.conflict {
            // It knows that it hears nothing: no need to ask.
            self.heard = now;
            return None;
        }
        let due = now - self.heard >= self.limits.idle
            && self.probed.is_none_or(|probed| now - probed >= self.limits.probe_gap);
        due.then(|| {
            self.probed = Some(now);
            Remedy::Probe
        })
    }

    /// The page left a question for its status unanswered.
    pub fn silent(&mut self, now: Instant) -> Option<Remedy> {
        (now - self.answered >= self.limits.silent).then(|| {
            let why = "the page does not answer; the browser may be stuck".to_owned();
            Remedy::Restart(Illness::Deaf(Deafness::Frozen, why))
        })
    }

    /// The server gave a sign of life, or did not.
    pub fn probed(&mut self, alive: bool, now: Instant) -> Option<Remedy> {
        if alive {
            self.heard = now;
            return None;
        }
        let why = "WhatsApp's server does not answer though the page says that it is connected".to_owned();
        Some(self.reload(Illness::Deaf(Deafness::Socket, why)))
    }

    fn reload(&self, why: Illness) -> Remedy {
        if self.reloads == 0 {
            Remedy::Reload(why)
        } else {
            Remedy::Restart(why)
        }
    }

    fn fresh_code(&mut self, status: &Status, now: Instant) -> Option<Remedy> {
        let due = self.qr_asked.is_none_or(|asked| now - asked >= self.limits.qr_gap);
        (status.qr_idle && due).then(|| {
            self.qr_asked = Some(now);
            Remedy::RefreshQr
        })
    }

    fn not_ready(&self, status: &Status, url: &str) -> Illness {
        let waited = self.limits.ready;
        let page = status.page();
        match (&status.library, status.missing.is_empty()) {
            (None, _) => Illness::Failed("the WhatsApp library did not load; check CRM_WHATSAPP_LIBRARY".to_owned()),
            (Some(version), false) => Illness::Mismatch(format!(
                "the WhatsApp library {version} lacks {}; name a newer or older one with CRM_WHATSAPP_LIBRARY",
                status.missing.join(", ")
            )),
            _ if !status.whatsapp => Illness::Failed(format!(
                "{url} is not WhatsApp Web, or did not load; check CRM_WHATSAPP_URL and the network"
            )),
            _ if page.outdated => Illness::Mismatch("WhatsApp serves this version of its page no longer".to_owned()),
            _ if !page.missing.is_empty() => Illness::Mismatch(does_not_fit(&page.missing)),
            _ => Illness::Failed(format!(
                "WhatsApp Web showed neither a code nor the chats within {waited:?}"
            )),
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
    fn a_page_that_never_gets_ready_is_loaded_again_and_then_the_browser_is_started_again() {
        let (mut health, start) = health();
        assert_eq!(health.look(&loading(), URL, start + Duration::from_secs(44)), None);
        let late = start + Duration::from_secs(45);
        assert!(matches!(health.look(&loading(), URL, late), Some(Remedy::Reload(_))));
        health.reloaded(late);
        assert_eq!(health.look(&loading(), URL, late + Duration::from_secs(44)), None);
        let again = health.look(&loading(), URL, late + Duration::from_secs(45));
        assert!(matches!(again, Some(Remedy::Restart(_))));
    }

    #[test]
    fn an_address_that_is_not_whatsapp_web_says_which_key_to_check() {
        let (mut health, start) = health();
        let elsewhere = status(&json!({"whatsapp": false, "fullReady": false, "authenticated": false}));
        let Some(Remedy::Reload(Illness::Failed(why))) = health.look(&elsewhere, URL, start + Duration::from_mins(1))
        else {
            panic!("no remedy");
        };
        assert!(why.contains(URL) && why.contains("CRM_WHATSAPP_URL"), "{why}");
        let lacking = status(&json!({"missing": ["chat.list"], "fullReady": false, "authenticated": false}));
        let Some(Remedy::Reload(Illness::Mismatch(why))) = health.look(&lacking, URL, start + Duration::from_mins(1))
        else {
            panic!("no remedy");
        };
        assert!(
            why.contains("chat.list") && why.contains("CRM_WHATSAPP_LIBRARY"),
            "{why}"
        );
    }

    #[test]
    fn a_code_may_be_looked_at_for_as_long_as_people_like_and_is_refreshed_when_it_idles() {
        let (mut health, start) = health();
        let code = json!({"authenticated": false, "qr": "2@x"});
        assert_eq!(health.look(&status(&code), URL, start + Duration::from_hours(5)), None);
        let idle = status(&json!({"authenticated": false, "qrIdle": true}));
        let late = start + Duration::from_hours(6);
        assert_eq!(health.look(&idle, URL, late), Some(Remedy::RefreshQr));
        assert_eq!(health.look(&idle, URL, late + Duration::from_secs(19)), None);
        assert_eq!(
            health.look(&idle, URL, late + Duration::from_secs(20)),
            Some(Remedy::RefreshQr)
        );
    }

    /// `RULES` 16.
    #[test]
    fn an_idle_page_is_probed_within_a_minute_and_loaded_anew_when_the_server_is_deaf() {
        let (mut health, start) = health();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(health.look(&status(&json!({})), URL, at(44)), None);
        assert_eq!(health.look(&status(&json!({})), URL, at(45)), Some(Remedy::Probe));
        assert_eq!(health.look(&status(&json!({})), URL, at(89)), None, "asked just now");
        assert_eq!(health.probed(true, at(90)), None);
        assert_eq!(
            health.look(&status(&json!({})), URL, at(134)),
            None,
            "the server was heard"
        );
        assert_eq!(health.look(&status(&json!({})), URL, at(135)), Some(Remedy::Probe));
        assert!(matches!(health.probed(false, at(145)), Some(Remedy::Reload(_))));
        health.reloaded(at(145));
        assert!(matches!(health.probed(false, at(300)), Some(Remedy::Restart(_))));
    }

    #[test]
    fn a_page_in_which_the_library_does_not_find_what_it_needs_is_loaded_anew_after_a_moment() {
        let (mut health, start) = health();
        let at = |seconds| start + Duration::from_secs(seconds);
        let half = status(&json!({"absent": ["MsgStore"]}));
        assert_eq!(health.look(&half, URL, at(30)), None, "it may be on its way");
        assert_eq!(health.look(&status(&json!({})), URL, at(35)), None);
        assert_eq!(health.look(&half, URL, at(36)), None, "and was");
        let Some(Remedy::Reload(Illness::Mismatch(why))) = health.look(&half, URL, at(46)) else {
            panic!("no remedy");
        };
        assert!(
            why.contains("MsgStore") && why.contains("CRM_WHATSAPP_LIBRARY"),
            "{why}"
        );
        health.reloaded(at(46));
        assert_eq!(health.look(&half, URL, at(47)), None);
        assert!(matches!(health.look(&half, URL, at(57)), Some(Remedy::Restart(_))));
    }

    #[test]
    fn a_blocked_account_is_not_helped_by_loading_its_page_again() {
        let (mut health, start) = health();
        let blocked = status(&json!({"restricted": true, "fullReady": false, "authenticated": false}));
        assert_eq!(health.look(&blocked, URL, start + Duration::from_hours(5)), None);
    }

    #[test]
    fn a_page_that_has_something_to_tell_or_knows_that_it_is_offline_is_not_probed() {
        let (mut health, start) = health();
        let at = |seconds| start + Duration::from_secs(seconds);
        health.heard(at(40));
        assert_eq!(health.look(&status(&json!({})), URL, at(50)), None);
        assert_eq!(health.look(&status(&json!({"online": false})), URL, at(600)), None);
        assert_eq!(health.look(&status(&json!({})), URL, at(601)), None);
    }

    #[test]
    fn a_page_that_does_not_answer_costs_a_new_browser() {
        let (mut health, start) = health();
        assert_eq!(health.silent(start + Duration::from_secs(14)), None);
        assert!(matches!(
            health.silent(start + Duration::from_secs(15)),
            Some(Remedy::Restart(_))
        ));
    }

    #[test]
    fn a_sync_that_never_ends_is_begun_again() {
        let (mut health, start) = health();
        let syncing = status(&json!({"synced": false}));
        assert_eq!(health.look(&syncing, URL, start), None);
        assert_eq!(health.look(&syncing, URL, start + Duration::from_secs(299)), None);
        let late = start + Duration::from_mins(5);
        assert!(matches!(health.look(&syncing, URL, late), Some(Remedy::Reload(_))));
    }
}
