//! Accounts and the linking of devices.

use std::time::Duration;

use crm::domain::session::{Session, SessionState};
use crm::domain::whatsapp::LoginMethod;
use reqwest::Method;
use serde_json::{Value, json};

use super::app::App;

fn qr(code: &str) -> Session {
    Session {
        state: SessionState::Qr,
        qr: Some(code.to_owned()),
        ..Session::starting()
    }
}

#[tokio::test]
async fn a_session_is_told_at_once_and_then_when_it_changes() {
    let app = App::start().await;
    let path = "/api/v1/accounts/default/session";
    app.whatsapp.session.send_replace(qr("one"));
    let first = app.get(path).await;
    let tag = first.headers()["etag"].clone();
    let first: Value = first.json().await.unwrap();
    assert_eq!((&first["state"], &first["qr"]), (&json!("qr"), &json!("one")));

    let unchanged = app.request(Method::GET, path).header("If-None-Match", &tag);
    assert_eq!(unchanged.send().await.unwrap().status(), 304);
    let waiting = app
        .request(Method::GET, path)
        .header("If-None-Match", &tag)
        .header("Prefer", "wait=20")
        .timeout(Duration::from_secs(10))
        .send();
    let change = async {
        tokio::task::yield_now().await;
        app.whatsapp.session.send_replace(qr("two"));
    };
    let (second, ()) = tokio::join!(waiting, change);
    assert_eq!(second.unwrap().json::<Value>().await.unwrap()["qr"], "two");
    assert_eq!(app.get("/api/v1/accounts/other/session").await.status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn a_login_is_handed_to_the_account_by_code_or_by_number() {
    let app = App::start().await;
    let path = "/api/v1/accounts/default/login";
    assert_eq!(app.post(path, &json!({})).await.status(), 202);
    assert_eq!(app.post(path, &json!({ "phone": "+447700900100" })).await.status(), 202);
    assert_eq!(app.post(path, &json!({ "phone": "seven" })).await.status(), 422);
    let logins = app.whatsapp.logins.lock().unwrap().clone();
    let number = "+447700900100".parse().unwrap();
    assert_eq!(logins, [LoginMethod::Qr, LoginMethod::PairingCode(number)]);
    let logout = app.post("/api/v1/accounts/default/logout", &json!({})).await;
    assert_eq!(logout.status(), 503, "a WhatsApp that is away");
    app.stop().await;
}
