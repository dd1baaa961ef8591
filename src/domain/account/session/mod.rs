//! The session of one account with WhatsApp Web as a pure state machine: takes reports of the page and the supervisor,
//! and returns the new session. Waits for nothing; the adapter feeds it and follows it.

use super::Binding;
use crate::domain::customer::PhoneNumber;
use crate::domain::word::words;

words! {
    /// State of a session. Published as a `watch` and stored in the account's row.
    SessionState {
        /// The browser is not started yet, or its page is loading.
        Starting = "starting",
        /// Waits for a phone to scan the QR code.
        Qr = "qr",
        /// Waits for a phone to enter the pairing code.
        Code = "code",
        /// Linked; the page is fetching what it missed.
        Syncing = "syncing",
        Ready = "ready",
        /// Linked, but the page has no connection to WhatsApp.
        Offline = "offline",
        /// WhatsApp Web is used elsewhere with this session.
        Conflict = "conflict",
        /// WhatsApp asks for a passkey for linking, which needs a person at the browser.
        Passkey = "passkey",
        /// A phone with another number than the account's was linked.
        WrongNumber = "wrong_number",
        /// The phone has unlinked this device.
        LoggedOut = "logged_out",
        /// WhatsApp has blocked the account.
        Restricted = "restricted",
        /// The library and the page do not fit each other (any more).
        Mismatch = "mismatch",
        /// The browser or the page cannot be started; retried with a growing pause.
        Failed = "failed",
    }
}

impl SessionState {
    /// Returns whether a send may be tried now.
    pub const fn can_send(self) -> bool {
        matches!(self, Self::Ready)
    }

    /// Returns whether the page holds a linked device.
    pub const fn is_linked(self) -> bool {
        matches!(self, Self::Syncing | Self::Ready | Self::Offline | Self::Conflict)
    }

    /// Returns whether the page is linked and receives events from WhatsApp.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Syncing | Self::Ready)
    }

    /// Returns whether a phone has linked the page, even if there is a trouble.
    pub const fn has_device(self) -> bool {
        self.is_linked() || matches!(self, Self::WrongNumber | Self::Restricted | Self::Mismatch)
    }

    /// Returns whether a person must act before the session can continue.
    pub const fn needs_login(self) -> bool {
        matches!(
            self,
            Self::Qr | Self::Code | Self::Passkey | Self::WrongNumber | Self::LoggedOut
        )
    }
}

/// The linked phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// Number of the phone.
    pub phone: PhoneNumber,
    /// Digits of its LID, if WhatsApp reports it.
    pub lid: Option<String>,
    /// Name that the owner has chosen.
    pub name: Option<String>,
}

/// The session at one time. With `qr` or `pairing_code` anybody can link a device for a minute: they are never logged,
/// never stored, and shown only to keys with the `manage` scope.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// State of the session.
    pub state: SessionState,
    /// Problem and what to do, where there is something to say.
    pub detail: Option<String>,
    /// Content of the QR code, in the state `qr`.
    pub qr: Option<String>,
    /// Pairing code, in the state `code`.
    pub pairing_code: Option<String>,
    /// The linked phone.
    pub me: Option<Me>,
    /// Epoch of the page: new with each load.
    pub epoch: Option<String>,
    /// Grows each time when the conversations must be compared with the page (attached, new epoch, MAIN, offline and
    /// back online, overflow): rule 11. No event of the page is stored before that.
    pub resync: u64,
    /// How many of these comparisons were requested because the page shows something that it did not report.
    pub missed: u64,
    /// How often the session began to need a login. Also a login that nobody could store in time is seen by it (rule 3).
    pub logouts: u64,
}

impl Session {
    /// Returns the session before the browser is started.
    pub const fn starting() -> Self {
        Self {
            state: SessionState::Starting,
            detail: None,
            qr: None,
            pairing_code: None,
            me: None,
            epoch: None,
            resync: 0,
            missed: 0,
            logouts: 0,
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state)
            .field("detail", &self.detail)
            .field("resync", &self.resync)
            .finish_non_exhaustive()
    }
}

/// Status that the page reports about itself.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent thing that the page says"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageStatus {
    /// Epoch of the page: new with each load.
    pub epoch: String,
    /// The library has everything that it needs.
    pub full_ready: bool,
    /// A device is linked.
    pub authenticated: bool,
    /// The stream's mode is MAIN. (The library's `conn.main_ready` is true at the QR screen too.)
    pub main: bool,
    /// The page has fetched what it missed.
    pub synced: bool,
    /// The page is connected to WhatsApp.
    pub online: bool,
    /// WhatsApp Web is used elsewhere with this session.
    pub conflict: bool,
    /// WhatsApp asks for a passkey.
    pub passkey: bool,
    /// WhatsApp has blocked the account.
    pub restricted: bool,
    /// WhatsApp does not serve this version of the page any more.
    pub outdated: bool,
    /// Parts of WhatsApp Web that the library needs and does not find; without them no event is received and nothing is
    /// sent.
    pub missing: Vec<String>,
    /// Content of the QR code that the page shows.
    pub qr: Option<String>,
    /// The linked phone, if the page knows it.
    pub me: Option<Me>,
}

/// Event of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// A browser is being started, or the driver has attached again.
    Starting,
    /// The page has reported its status.
    Page(PageStatus),
    /// The page shows a pairing code, requested by `login --phone`.
    PairingCode(String),
    /// The page may not have reported everything: its queue was full, or a listener failed.
    Missed,
    /// The phone has unlinked this device; with WhatsApp's reason, if it states one.
    LoggedOut(Option<String>),
    /// The browser or page could not be started.
    Failed(String),
    /// Library and page do not fit each other.
    Mismatch(String),
}

impl Session {
    /// Returns the session after `event`. `bound` says which phones may link the account, if that is known.
    #[must_use]
    pub fn handle(&self, event: SessionEvent, bound: Option<&Binding>) -> Self {
        let next = self.after(event, bound);
        let needs_login_now = next.state.needs_login() && !self.state.needs_login();
        Self {
            logouts: self.logouts + u64::from(needs_login_now),
            ..next
        }
    }

    fn after(&self, event: SessionEvent, bound: Option<&Binding>) -> Self {
        match event {
            SessionEvent::Starting => Self {
                state: SessionState::Starting,
                detail: None,
                qr: None,
                pairing_code: None,
                ..self.clone()
            },
            SessionEvent::Failed(why) => self.down(SessionState::Failed, why),
            SessionEvent::Mismatch(why) => self.down(SessionState::Mismatch, why),
            SessionEvent::PairingCode(code) => Self {
                state: SessionState::Code,
                pairing_code: Some(code),
                ..self.clone()
            },
            SessionEvent::LoggedOut(why) => Self {
                state: SessionState::LoggedOut,
                detail: Some(format!(
                    "the phone unlinked this device{}; run `crm login`",
                    why.map(|why| format!(" ({why})")).unwrap_or_default()
                )),
                qr: None,
                pairing_code: None,
                me: None,
                ..self.clone()
            },
            SessionEvent::Missed => {
                let more = u64::from(self.state.is_live());
                Self {
                    resync: self.resync + more,
                    missed: self.missed + more,
                    ..self.clone()
                }
            }
            SessionEvent::Page(page) => self.after_page(page, bound),
        }
    }

    fn down(&self, state: SessionState, why: String) -> Self {
        Self {
            state,
            detail: Some(why),
            qr: None,
            pairing_code: None,
            ..self.clone()
        }
    }

    fn after_page(&self, page: PageStatus, bound: Option<&Binding>) -> Self {
        let (state, detail) = self.judge(&page, bound);
        // A page that was offline must be compared when it is back, and so must a page that was never compared, even if
        // it is offline when first seen: what it reports before that may have overtaken something that it did not
        // report.
        let fresh = self.epoch.as_deref() != Some(page.epoch.as_str()) || !self.state.is_linked();
        let comes_or_goes = self.state.is_live() != state.is_live();
        let settled = self.state == SessionState::Syncing && state == SessionState::Ready;
        let resync = self.resync + u64::from(state.is_linked() && (fresh || comes_or_goes || settled));
        Self {
            pairing_code: if state == SessionState::Code {
                self.pairing_code.clone()
            } else {
                None
            },
            qr: if state == SessionState::Qr { page.qr } else { None },
            me: if state.has_device() {
                page.me.or_else(|| self.me.clone())
            } else {
                None
            },
            epoch: Some(page.epoch),
            state,
            detail,
            resync,
            missed: self.missed,
            logouts: self.logouts,
        }
    }

    fn judge(&self, page: &PageStatus, bound: Option<&Binding>) -> (SessionState, Option<String>) {
        let say = |text: &str| Some(text.to_owned());
        if page.passkey {
            return (
                SessionState::Passkey,
                say("WhatsApp asks for a passkey; open the browser with CRM_WHATSAPP_HEADLESS=off and answer it"),
            );
        }
        if let Some(standing) = standing(page) {
            return standing;
        }
        if !page.full_ready {
            // The last problem stays readable until the page reports something newer.
            return match self.state {
                state @ (SessionState::LoggedOut | SessionState::Failed | SessionState::Mismatch) => {
                    (state, self.detail.clone())
                }
                _ => (SessionState::Starting, None),
            };
        }
        if !page.authenticated {
            // A pairing code is valid only in the page that shows it.
            let same_page = self.epoch.as_deref() == Some(page.epoch.as_str());
            return match (&page.qr, self.state) {
                (_, SessionState::Code) if self.pairing_code.is_some() && same_page => (SessionState::Code, None),
                (None, state @ (SessionState::LoggedOut | SessionState::Qr)) => (state, self.detail.clone()),
                (Some(_), _) => (SessionState::Qr, say("scan the code: run `crm login`")),
                (None, _) => (SessionState::Starting, None),
            };
        }
        if let (Some(me), Some(bound)) = (&page.me, bound)
            && !bound.takes(me.phone.digits())
        {
            return (SessionState::WrongNumber, say(wrong_number(bound)));
        }
        if !page.missing.is_empty() {
            return (SessionState::Mismatch, Some(does_not_fit(&page.missing)));
        }
        if page.conflict {
            return (
                SessionState::Conflict,
                say("WhatsApp Web is open elsewhere with this session; close it there, or take over with `crm login`"),
            );
        }
        if !page.main || page.me.is_none() {
            return (SessionState::Syncing, None);
        }
        if !page.online {
            return (
                SessionState::Offline,
                say("the page has no connection to WhatsApp; sends wait and go out when it is back"),
            );
        }
        if page.synced {
            (SessionState::Ready, None)
        } else {
            (SessionState::Syncing, None)
        }
    }
}

/// Returns what to say about a wrong number (rule 7).
const fn wrong_number(bound: &Binding) -> &'static str {
    match bound {
        Binding::To(_) => {
            "a phone with another number than this account's has scanned the code; nothing is sent or stored: unlink this device on that phone, then run `crm login` with the right phone; if the account's number has changed, run `crm account rebind`"
        }
        Binding::FirstBut(_) => {
            "the phone that has scanned the code belongs to another account on this server; nothing is sent or stored here: unlink this device on that phone, then run `crm login` with another phone"
        }
    }
}

/// Returns the state that WhatsApp dictates for account and page, whatever else the page shows.
fn standing(page: &PageStatus) -> Option<(SessionState, Option<String>)> {
    let (state, text) = if page.restricted {
        (
            SessionState::Restricted,
            "WhatsApp has blocked this account; nothing is sent: open WhatsApp on the phone, which says why and for how \
             long, and ask for a review there",
        )
    } else if page.outdated {
        (
            SessionState::Mismatch,
            "WhatsApp does not serve this version of its page any more; the page is reloaded automatically",
        )
    } else {
        return None;
    };
    Some((state, Some(text.to_owned())))
}

/// Returns what to say about a page in which the library does not find these parts.
pub fn does_not_fit(missing: &[String]) -> String {
    format!(
        "the WhatsApp library does not find {} in the page; nothing is sent or received: the page is reloaded, and if that \
         does not help, name a newer library with CRM_WHATSAPP_LIBRARY",
        missing.join(", ")
    )
}

#[cfg(test)]
mod tests;
