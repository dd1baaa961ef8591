//! The session of one account with WhatsApp Web as a pure state machine: what the page and the supervisor report, and
//! what the session then is. Waits for nothing; the adapter feeds it and obeys.

use super::Binding;
use crate::domain::customer::PhoneNumber;
use crate::domain::word::words;

words! {
    /// Where the session stands. Published as a `watch` and in the account's row.
    SessionState {
        /// No browser yet, or its page is loading.
        Starting = "starting",
        /// Waiting for a phone to scan the code.
        Qr = "qr",
        /// Waiting for a phone to type the pairing code.
        Code = "code",
        /// Linked; the page is fetching what it missed.
        Syncing = "syncing",
        Ready = "ready",
        /// Linked, but the page has no connection to WhatsApp.
        Offline = "offline",
        /// WhatsApp Web is used elsewhere with this session.
        Conflict = "conflict",
        /// WhatsApp asks for a passkey at linking, which needs a person at the browser.
        Passkey = "passkey",
        /// Another number than the account's has scanned.
        WrongNumber = "wrong_number",
        /// The phone has unlinked us.
        LoggedOut = "logged_out",
        /// WhatsApp has blocked the account.
        Restricted = "restricted",
        /// The library and the page do not fit each other (any more).
        Mismatch = "mismatch",
        /// The browser or the page cannot be brought up; tried again with a growing pause.
        Failed = "failed",
    }
}

impl SessionState {
    /// Whether a send may be tried now.
    pub const fn can_send(self) -> bool {
        matches!(self, Self::Ready)
    }

    /// Whether the page holds a linked device.
    pub const fn is_linked(self) -> bool {
        matches!(self, Self::Syncing | Self::Ready | Self::Offline | Self::Conflict)
    }

    /// Whether the page is linked and hears WhatsApp.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Syncing | Self::Ready)
    }

    /// Whether a phone has linked the page, in whatever trouble it is.
    pub const fn has_device(self) -> bool {
        self.is_linked() || matches!(self, Self::WrongNumber | Self::Restricted | Self::Mismatch)
    }

    /// Whether a person has to act before anything moves again.
    pub const fn needs_login(self) -> bool {
        matches!(
            self,
            Self::Qr | Self::Code | Self::Passkey | Self::WrongNumber | Self::LoggedOut
        )
    }
}

/// Who the linked phone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    pub phone: PhoneNumber,
    /// The LID's digits, where WhatsApp tells it.
    pub lid: Option<String>,
    pub name: Option<String>,
}

/// The session as it is now. `qr` and `pairing_code` let anybody link a device for a minute: never logged, never
/// stored, shown only to keys with the `manage` scope.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    pub state: SessionState,
    /// What is wrong and what to do, where there is something to say.
    pub detail: Option<String>,
    pub qr: Option<String>,
    pub pairing_code: Option<String>,
    pub me: Option<Me>,
    /// The page's epoch: new with each load of the page.
    pub epoch: Option<String>,
    /// Grows each time when the conversations have to be compared with the page again (attached, new epoch, MAIN,
    /// offline and back online, overflow): rule 11. Nothing that the page tells is taken in before that.
    pub resync: u64,
    /// How many of these were asked for because the page did not tell something that it shows.
    pub missed: u64,
}

impl Session {
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

/// What the page says of itself when it is asked.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent thing that the page says"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageStatus {
    /// New with each load of the page.
    pub epoch: String,
    /// The library has everything it needs.
    pub full_ready: bool,
    pub authenticated: bool,
    /// The stream's mode is MAIN. Not the library's `conn.main_ready`, which is true at the QR screen as well.
    pub main: bool,
    /// What the page missed has been fetched.
    pub synced: bool,
    /// The page's own connection to WhatsApp.
    pub online: bool,
    pub conflict: bool,
    pub passkey: bool,
    /// WhatsApp has blocked the account.
    pub restricted: bool,
    /// WhatsApp serves this version of the page no longer.
    pub outdated: bool,
    /// Parts of WhatsApp Web that the library does not find, and without which nothing is heard or sent.
    pub missing: Vec<String>,
    pub qr: Option<String>,
    pub me: Option<Me>,
}

/// What happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// A browser is being started, or the driver attached again.
    Starting,
    Page(PageStatus),
    /// The page showed a pairing code, asked for by `login --phone`.
    PairingCode(String),
    /// The page may not have told everything: its queue was full, or a listener was deaf.
    Missed,
    /// The phone unlinked us, and why if WhatsApp said.
    LoggedOut(Option<String>),
    /// The browser or page could not be brought up.
    Failed(String),
    /// Library and page do not fit each other.
    Mismatch(String),
}

impl Session {
    /// The session after `event`. `bound` says whose phone the account takes, where that is known.
    #[must_use]
    pub fn handle(&self, event: SessionEvent, bound: Option<&Binding>) -> Self {
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
        // A page that is away has to be compared once it is back, and so has one that nobody has compared yet, also where it is
        // away when it is first seen: what it tells until then may have overtaken what it did not tell.
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
            // What went wrong stays to be read until the page has something newer to say.
            return match self.state {
                state @ (SessionState::LoggedOut | SessionState::Failed | SessionState::Mismatch) => {
                    (state, self.detail.clone())
                }
                _ => (SessionState::Starting, None),
            };
        }
        if !page.authenticated {
            // A code dies with the page that showed it.
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

/// rule 7.
const fn wrong_number(bound: &Binding) -> &'static str {
    match bound {
        Binding::To(_) => {
            "another number than this account's has scanned; nothing is sent or stored: unlink it on that phone, then run `crm login` with the right one"
        }
        Binding::FirstBut(_) => {
            "a number has scanned that another account on this server has; nothing is sent or stored here: unlink it on that phone, then run `crm login` with another one"
        }
    }
}

/// What WhatsApp says of account and page, whatever else the page shows.
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
            "WhatsApp serves this version of its page no longer; the page is loaded anew by itself",
        )
    } else {
        return None;
    };
    Some((state, Some(text.to_owned())))
}

/// What to say of a page in which the library does not find these.
pub fn does_not_fit(missing: &[String]) -> String {
    format!(
        "the WhatsApp library does not find {} in the page; nothing is sent or heard: the page is loaded anew, and if that \
         does not help, name a newer library with CRM_WHATSAPP_LIBRARY",
        missing.join(", ")
    )
}

#[cfg(test)]
mod tests;
