//! Login and logout: linking and unlinking the device, from any state of the session.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::client::{WhatsAppWeb, call_failed, unreachable};
use crate::domain::session::{Session, SessionState};
use crate::domain::whatsapp::{LoginMethod, Unreachable, WhatsApp as _};
use crate::wa::page::CallError;
use crate::wa::session::Request;

/// Deadline of a logout, until the page shows a QR code again.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(20);

/// Brings the session to a QR code or pairing code, or ends a conflict. Returns at once if the device is linked.
pub(super) async fn login(web: &WhatsAppWeb, method: LoginMethod) -> Result<(), Unreachable> {
    let limits = &web.options.limits;
    let mut session = until(web, limits.launch + limits.ready, |session| {
        !matches!(session.state, SessionState::Starting | SessionState::LoggedOut)
    })
    .await?;
    if session.state == SessionState::WrongNumber {
        // Another phone is linked: it has to be unlinked before the right one can be linked.
        logout(web).await?;
        session = until(web, limits.ready, |session| {
            matches!(session.state, SessionState::Qr | SessionState::Failed)
        })
        .await?;
    }
    match session.state {
        SessionState::Conflict => web.take_over().await,
        SessionState::Failed | SessionState::Mismatch | SessionState::Restricted => Err(Unreachable(
            session
                .detail
                .unwrap_or_else(|| "the page failed; see `crm status`".to_owned()),
        )),
        SessionState::Qr | SessionState::Code => show_code(web, &session, method).await,
        _ => Ok(()),
    }
}

async fn show_code(web: &WhatsAppWeb, session: &Session, method: LoginMethod) -> Result<(), Unreachable> {
    match method {
        LoginMethod::Qr if session.state == SessionState::Code => {
            // Only a reload takes the page from the pairing code back to the QR code.
            web.request(Request::Reload).await;
            Ok(())
        }
        LoginMethod::Qr if session.qr.is_none() => web.call("refreshQr", Value::Null).await,
        LoginMethod::Qr => Ok(()),
        LoginMethod::PairingCode(phone) => {
            let code = web.call("pairingCode", json!({ "digits": phone.digits() })).await?;
            web.request(Request::ShowPairingCode { phone, code }).await;
            until(web, web.options.limits.call, |session| {
                session.pairing_code.is_some() || session.state.is_linked()
            })
            .await?;
            Ok(())
        }
    }
}

/// Unlinks the device. Returns when the page has logged out.
pub(super) async fn logout(web: &WhatsAppWeb) -> Result<(), Unreachable> {
    let page = web.page()?;
    match page.call::<Value>("logout", Value::Null, LOGOUT_TIMEOUT).await {
        // The page reloads itself during the logout, often before it can answer.
        Ok(_) | Err(CallError::Lost(_) | CallError::NotLoaded) => {}
        Err(error) => return Err(call_failed(error)),
    }
    web.request(Request::CheckStatus).await;
    until(web, LOGOUT_TIMEOUT, |session| {
        matches!(
            session.state,
            SessionState::LoggedOut | SessionState::Qr | SessionState::Starting
        )
    })
    .await?;
    Ok(())
}

/// Waits for a state of the session.
async fn until(
    web: &WhatsAppWeb,
    limit: Duration,
    holds: impl FnMut(&Session) -> bool + Send,
) -> Result<Session, Unreachable> {
    let mut session = web.session();
    match timeout(limit, session.wait_for(holds)).await {
        Ok(Ok(session)) => Ok(session.clone()),
        _ => Err(unreachable(
            "WhatsApp Web took too long; see `crm status`, then try again",
        )),
    }
}
