//! Linking the device, and what the session says of it.

use crm::domain::session::SessionState;
use crm::domain::whatsapp::{LoginMethod, WhatsApp as _};

use super::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn scanned_qr_code_makes_session_ready() {
    let desk = Desk::start().await;
    desk.link().await;
    let session = desk.session();
    let me = session.me.unwrap();
    assert_eq!(me.phone.as_str(), "+447700900001");
    assert_eq!(me.name.as_deref(), Some("Bridge Street Bakery"));
    assert!(me.lid.is_some());
    assert_eq!((session.state, session.qr), (SessionState::Ready, None));
    desk.end().await;
}

/// A logout on the phone says why, and the phone may link again.
#[tokio::test(flavor = "multi_thread")]
async fn typed_pairing_code_makes_session_ready() {
    let desk = Desk::start().await;
    desk.until("a code", |session| session.qr.clone()).await;
    let phone = desk.standin.phone();
    let number = format!("+{}", phone.number()).parse().unwrap();
    desk.web.login(LoginMethod::PairingCode(number)).await.unwrap();
    let code = desk
        .until("a pairing code", |session| session.pairing_code.clone())
        .await;
    assert_eq!(desk.session().state, SessionState::Code);
    phone.type_pairing_code(&code).await.unwrap();
    desk.state(SessionState::Ready).await;

    phone.log_out_devices();
    let session = desk.state(SessionState::LoggedOut).await;
    assert!(session.detail.is_some_and(|why| !why.is_empty()), "why is told");
    // A login asked for again brings a code, and the same phone may scan it.
    desk.web.login(LoginMethod::Qr).await.unwrap();
    desk.link().await;
    desk.end().await;
}

/// The page is loaded anew for it, which is no trouble of WhatsApp's.
#[tokio::test(flavor = "multi_thread")]
async fn qr_code_replaces_pairing_code_without_failure() {
    let desk = Desk::start().await;
    desk.until("a code", |session| session.qr.clone()).await;
    let number = format!("+{}", desk.standin.phone().number()).parse().unwrap();
    desk.web.login(LoginMethod::PairingCode(number)).await.unwrap();
    desk.state(SessionState::Code).await;
    desk.web.login(LoginMethod::Qr).await.unwrap();
    let mut states = vec![];
    desk.until("a QR code again", |session| {
        states.push(session.state);
        session.qr.clone().filter(|_| session.state == SessionState::Qr)
    })
    .await;
    assert!(!states.contains(&SessionState::Failed), "{states:?}");
    desk.link().await;
    desk.end().await;
}
