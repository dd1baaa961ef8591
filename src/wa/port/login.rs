//! Linking and unlinking the device, from wherever the session stands.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::client::{WhatsAppWeb, lost, unreachable};
use crate::domain::session::{Session, SessionState};
use crate::domain::whatsapp::{LoginMethod, Unreachable, WhatsApp as _};
use crate::wa::page::CallError;
use crate::wa::session::Request;

/// How long a page may take from being logged out to showing a code.
const LOGGED_OUT: Duration = Duration::from_secs(20);

pub(super) async fn login(web: &WhatsAppWeb, method: LoginMethod) -> Result<(), Unreachable> {
    let limits = &web.options.limits;
    let mut session = until(web, limits.launch + limits.ready, |session| {
        !matches!(session.state, SessionState::Starting | SessionState::LoggedOut)
    })
    .await?;
    if session.state == SessionState::WrongNumber {
        // Somebody else's phone: it has to go before the right one can come.
        logout(web).await?;
        session = until(web, limits.ready, |session| {
            matches!(session.state, SessionState::Qr | SessionState::Failed)
        })
        .await?;
    }
    match session.state {
        SessionState::Conflict => web.take_over().await,
        SessionState::Failed | SessionState::Mismatch | SessionState::Restricted => Err(Unreachable(
            session.detail.unwrap_or_else(|| "the page failed".to_owned()),
        )),
        SessionState::Qr | SessionState::Code => show_code(web, &session, method).await,
        _ => Ok(()),
    }
}

async fn show_code(web: &WhatsAppWeb, session: &Session, method: LoginMethod) -> Result<(), Unreachable> {
    match method {
        LoginMethod::Qr if session.state == SessionState::Code => {
            // Only a fresh page forgets the pairing code.
            web.ask(Request::Reload).await;
            Ok(())
        }
        LoginMethod::Qr if session.qr.is_none() => web.call("refreshQr", Value::Null).await,
        LoginMethod::Qr => Ok(()),
        LoginMethod::PairingCode(phone) => {
            let code = web.call("pairingCode", json!({ "digits": phone.digits() })).await?;
            web.ask(Request::ShowPairingCode { phone, code }).await;
            until(web, web.options.limits.call, |session| {
                session.pairing_code.is_some() || session.state.is_linked()
            })
            .await?;
            Ok(())
        }
    }
}

pub(super) async fn logout(web: &WhatsAppWeb) -> Result<(), Unreachable> {
    let page = web.page()?;
    match page.call::<Value>("logout", Value::Null, LOGGED_OUT).await {
        // The page loads itself anew as it logs out, often before it can answer.
        Ok(_) | Err(CallError::Gone(_) | CallError::NotThere) => {}
        Err(error) => return Err(lost(error)),
    }
    web.ask(Request::Look).await;
    until(web, LOGGED_OUT, |session| {
        matches!(
            session.state,
            SessionState::LoggedOut | SessionState::Qr | SessionState::Starting
        )
    })
    .await?;
    Ok(())
}

async fn until(
    web: &WhatsAppWeb,
    limit: Duration,
    holds: impl FnMut(&Session) -> bool + Send,
) -> Result<Session, Unreachable> {
    let mut session = web.session();
    match timeout(limit, session.wait_for(holds)).await {
        Ok(Ok(session)) => Ok(session.clone()),
        _ => Err(unreachable("the page did not get that far in time; see `crm status`")),
    }
}
