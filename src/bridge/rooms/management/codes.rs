//! The codes by which a device is linked, in the management room. A code is a secret for as long as it holds: it stands there
//! and nowhere else, in no log, and is redacted once it is used, replaced or expired, also after a crash.

use std::io::Write as _;

use futures_util::FutureExt;

use crate::domain::account::Account;
use crate::domain::matrix::{MatrixError, RoomContent, RoomFile, Speaker};
use crate::domain::media::FileKind;
use crate::domain::session::{Session, SessionState};
use crate::domain::{AccountId, MatrixRoomId, Timestamp, qr};
use crate::store::StoreError;

use super::NoRoom;
use super::wants::{self, ShownCode, WantedLogin};
use super::worker::ManagementRoom;
use crate::bridge::rooms::txn::txn;

/// Content of the room for one account's login.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// No code: none was asked for, or none is there yet.
    Nothing,
    /// This QR code.
    Qr(String),
    /// This pairing code.
    Pairing(String),
    /// No code any more: this is told.
    End(String),
}

/// Returns what the room shows of an account's login. `session`: as it is now, if this server runs the account; `failed`: why
/// the request to link it has failed.
pub(super) fn wanted(
    login: Option<WantedLogin>,
    name: &str,
    session: Option<&Session>,
    failed: Option<&str>,
    now: Timestamp,
) -> Wanted {
    let Some(login) = login else { return Wanted::Nothing };
    if let Some(why) = failed {
        return Wanted::End(format!("WhatsApp ({name}) was not linked: {why}"));
    }
    if session.is_some_and(|session| session.state.is_linked() && session.state != SessionState::Conflict) {
        return Wanted::End(format!("WhatsApp ({name}) is linked."));
    }
    if now > login.until {
        return Wanted::End(format!(
            "WhatsApp ({name}) was not linked: nobody used a code in time. !login {name} shows a new one."
        ));
    }
    match session {
        Some(Session {
            state: SessionState::Qr,
            qr: Some(code),
            ..
        }) if !login.by_number => Wanted::Qr(code.clone()),
        Some(Session {
            state: SessionState::Code,
            pairing_code: Some(code),
            ..
        }) if login.by_number => Wanted::Pairing(code.clone()),
        _ => Wanted::Nothing,
    }
}

impl ManagementRoom {
    /// Shows a code in the room. Stored before it is sent: what a crash leaves behind is found under its name.
    pub(super) async fn show_code(
        &self,
        room: &MatrixRoomId,
        account: &Account,
        wanted: &Wanted,
    ) -> Result<(), NoRoom> {
        // Deleted when it goes out of scope, as the code must not outlive its use.
        let picture;
        let content = match wanted {
            Wanted::Nothing | Wanted::End(_) => return Ok(()),
            Wanted::Pairing(code) => RoomContent::Notice {
                body: format!(
                    "Pairing code of {}: {code}\nType it on the phone: WhatsApp, Linked devices, Link with phone number.",
                    account.name
                ),
                reply_to: None,
            },
            Wanted::Qr(code) => {
                picture = picture_file(code).map_err(|error| MatrixError::Refused(error.to_string()))?;
                RoomContent::File {
                    file: file(&picture, account),
                    reply_to: None,
                }
            }
        };
        let mut code = ShownCode {
            name: format!("code.{}", self.core.random.word()),
            event: None,
        };
        self.store_code(account.id, Some(code.clone())).await?;
        let name = txn(&self.core.instance, &code.name);
        let event = self.port.send(room, &Speaker::Desk, &name, &content).await?;
        code.event = Some(event);
        Ok(self.store_code(account.id, Some(code)).await?)
    }

    /// Redacts a code. One of a send of uncertain outcome is looked for first.
    pub(super) async fn redact_code(
        &self,
        room: &MatrixRoomId,
        account: AccountId,
        code: &ShownCode,
    ) -> Result<(), NoRoom> {
        let event = match &code.event {
            Some(event) => Some(event.clone()),
            None => self.port.find_sent(room, &txn(&self.core.instance, &code.name)).await?,
        };
        if let Some(event) = event {
            let name = txn(&self.core.instance, &format!("{}.gone", code.name));
            match self.port.redact(room, &event, &name).await {
                // It is no more: somebody has purged it, or the room is another one.
                Ok(()) | Err(MatrixError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.store_code(account, None).await?)
    }

    async fn store_code(&self, account: AccountId, code: Option<ShownCode>) -> Result<(), StoreError> {
        self.core
            .write((account, code), |tx, (account, code)| {
                async move { wants::set_code(tx, *account, code.as_ref()).await }.boxed()
            })
            .await
    }
}

/// The picture of a code, in a file that only we can read.
struct Picture {
    file: tempfile::NamedTempFile,
    size: u64,
    side: u32,
}

fn picture_file(code: &str) -> anyhow::Result<Picture> {
    let drawn = qr::picture(code)?;
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(&drawn.bytes)?;
    file.flush()?;
    Ok(Picture {
        file,
        size: drawn.bytes.len() as u64,
        side: drawn.side,
    })
}

fn file(picture: &Picture, account: &Account) -> RoomFile {
    RoomFile {
        path: picture.file.path().to_owned(),
        name: format!("{}.png", account.name),
        mimetype: qr::MIMETYPE.to_owned(),
        size: picture.size,
        caption: Some(format!(
            "Scan this for {}: WhatsApp on the phone, Linked devices, Link a device. It is replaced as WhatsApp renews it.",
            account.name
        )),
        kind: FileKind::Image,
        pixels: Some((picture.side, picture.side)),
        duration_s: None,
        waveform: vec![],
        thumbnail: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(state: SessionState, qr: Option<&str>, code: Option<&str>) -> Session {
        Session {
            state,
            qr: qr.map(str::to_owned),
            pairing_code: code.map(str::to_owned),
            ..Session::starting()
        }
    }

    fn told(wanted: Wanted) -> String {
        match wanted {
            Wanted::Nothing => "nothing".to_owned(),
            Wanted::Qr(code) => format!("qr {code}"),
            Wanted::Pairing(code) => format!("pairing {code}"),
            Wanted::End(text) => text,
        }
    }

    /// Checks each state by the kind of code that was asked for.
    #[test]
    fn code_is_shown_while_it_was_asked_for() {
        let (now, until) = (Timestamp(1_000), Timestamp(2_000));
        let by = |by_number| Some(WantedLogin { until, by_number });
        let qr = session(SessionState::Qr, Some("2@a"), None);
        let code = session(SessionState::Code, None, Some("ABCD-EFGH"));
        let ready = session(SessionState::Ready, None, None);
        let lost = session(SessionState::LoggedOut, None, None);
        let elsewhere = session(SessionState::Conflict, None, None);
        for (login, session, failed, at, expected) in [
            (None, Some(&qr), None, now, "nothing"),
            (by(false), Some(&qr), None, now, "qr 2@a"),
            (by(true), Some(&qr), None, now, "nothing"),
            (by(true), Some(&code), None, now, "pairing ABCD-EFGH"),
            (by(false), Some(&code), None, now, "nothing"),
            (by(false), Some(&lost), None, now, "nothing"),
            (by(false), Some(&elsewhere), None, now, "nothing"),
            (by(false), None, None, now, "nothing"),
            (by(false), Some(&ready), None, now, "WhatsApp (a) is linked."),
            (
                by(false),
                Some(&qr),
                Some("no page"),
                now,
                "WhatsApp (a) was not linked: no page",
            ),
            (
                by(false),
                Some(&qr),
                None,
                Timestamp(2_001),
                "WhatsApp (a) was not linked: nobody used a code in time. !login a shows a new one.",
            ),
        ] {
            assert_eq!(told(wanted(login, "a", session, failed, at)), expected);
        }
    }
}
