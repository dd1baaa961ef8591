//! Linking the device, and what the session says of it.

use crm::domain::session::SessionState;

use super::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_scans_the_code_makes_the_session_ready() {
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
