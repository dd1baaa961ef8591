//! Accounts and the linking of devices.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crm::contract::Scope;
use crm::domain::linking::LinkChange;
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
async fn session_long_poll_returns_on_change() {
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

/// Invariant 5: the port that would never answer is not asked.
#[tokio::test]
async fn link_request_is_stored_without_waiting() {
    let app = App::start().await;
    app.whatsapp.stuck.store(true, Ordering::SeqCst);
    let wanted = async || {
        app.store
            .accounts()
            .wanted_link(app.account)
            .await
            .unwrap()
            .map(|wanted| wanted.change)
    };
    let account = "/api/v1/accounts/default";
    let number = "+447700900100";
    for (path, body, change) in [
        ("login", json!({}), LinkChange::Login(LoginMethod::Qr)),
        (
            "login",
            json!({ "phone": number }),
            LinkChange::Login(LoginMethod::PairingCode(number.parse().unwrap())),
        ),
        ("logout", json!({}), LinkChange::Logout),
        ("takeover", json!({}), LinkChange::TakeOver),
    ] {
        let answer = app.post(&format!("{account}/{path}"), &body).await;
        assert_eq!(answer.status(), 202, "{path}");
        assert_eq!(wanted().await, Some(change), "the last word counts");
    }
    let bad = app
        .post(&format!("{account}/login"), &json!({ "phone": "seven" }))
        .await;
    assert_eq!(bad.status(), 422);
    app.whatsapp.session.send_modify(|session| {
        session.state = SessionState::Failed;
        session.detail = Some("no browser".to_owned());
    });
    for path in ["login", "logout", "takeover"] {
        let answer = app.post(&format!("{account}/{path}"), &json!({})).await;
        assert_eq!(answer.status(), 409, "{path} through a browser that does not work");
        assert_eq!(answer.json::<Value>().await.unwrap()["detail"], "no browser");
    }
    // A later try helps only where nobody has to do anything.
    for (state, status) in [
        (SessionState::LoggedOut, 409),
        (SessionState::Conflict, 409),
        (SessionState::Failed, 409),
        (SessionState::Offline, 503),
    ] {
        app.whatsapp.session.send_modify(|session| session.state = state);
        let answer = app.post(&format!("{account}/sync"), &json!({})).await;
        assert_eq!(answer.status(), status, "a comparison of one that is {state}");
        let told: Value = answer.json().await.unwrap();
        assert!(told["detail"].as_str().unwrap().contains(state.as_str()), "{told}");
    }
    app.stop().await;
}

#[tokio::test]
async fn account_is_added_once_found_and_removed() {
    let app = App::start().await;
    let made = app.post("/api/v1/accounts", &json!({ "name": "sales" })).await;
    assert_eq!(made.status(), 201);
    assert_eq!(made.headers()["location"], "/api/v1/accounts/sales");
    let made: Value = made.json().await.unwrap();
    assert_eq!((&made["name"], &made["state"]), (&json!("sales"), &json!("starting")));
    let again = app.post("/api/v1/accounts", &json!({ "name": "sales" })).await;
    assert_eq!(again.status(), 409);
    for bad in ["", "Sales", "../etc", "2"] {
        let refused = app.post("/api/v1/accounts", &json!({ "name": bad })).await;
        assert_eq!(refused.status(), 422, "{bad}");
        assert_eq!(refused.json::<Value>().await.unwrap()["errors"][0]["pointer"], "/name");
    }
    let by_name = app.json("/api/v1/accounts/sales").await;
    assert_eq!(app.json(&format!("/api/v1/accounts/{}", made["id"])).await, by_name);
    let listed = app.json("/api/v1/accounts").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);

    let path = "/api/v1/accounts/sales";
    let removed = app.request(Method::DELETE, path).send().await.unwrap();
    assert_eq!(removed.status(), 202);
    assert!(removed.json::<Value>().await.unwrap()["removing_at"].is_string());
    let login = app.post("/api/v1/accounts/sales/login", &json!({})).await;
    assert_eq!(login.status(), 409, "nothing is done through it any more");
    let sent = json!({ "to": "+447700900123", "content": "hello", "account": "sales" });
    assert_eq!(app.post("/api/v1/messages", &sent).await.status(), 409);
    let only = json!({ "to": "+447700900123", "content": "hello" });
    assert_eq!(
        app.post("/api/v1/messages", &only).await.status(),
        202,
        "the only one in use"
    );
    let unknown = app
        .request(Method::DELETE, "/api/v1/accounts/other")
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), 404);
    let sending = app.key_of(Scope::Manage).await;
    let refused = app
        .bare(Method::DELETE, path)
        .bearer_auth(sending)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 403);
    app.stop().await;
}

#[tokio::test]
async fn account_filter_narrows_lists_and_exports() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    app.post("/api/v1/accounts", &json!({ "name": "sales" })).await;
    let body = json!({ "to": "+447700900124", "content": "from sales", "account": "sales" });
    let sent: Value = app.post("/api/v1/messages", &body).await.json().await.unwrap();
    for (account, customers) in [("default", vec!["Ada"]), ("sales", vec!["+447700900124"])] {
        for path in ["customers", "conversations"] {
            let listed = app.json(&format!("/api/v1/{path}?account={account}")).await;
            let rows = listed["data"].as_array().unwrap();
            let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
            assert_eq!(names, customers, "{path} of {account}");
        }
        let lines = async |what: &str| {
            let path = format!("/api/v1/export/{what}?account={account}");
            app.get(&path).await.text().await.unwrap().lines().count()
        };
        assert_eq!((lines("messages").await, lines("customers").await), (1, 1));
    }
    let by_id = app
        .json(&format!("/api/v1/conversations?account={}", sent["account_id"]))
        .await;
    assert_eq!(by_id["data"][0]["id"], sent["conversation_id"]);
    for path in [
        "customers",
        "conversations",
        "quarantine",
        "export/messages",
        "export/customers",
    ] {
        let unknown = app.get(&format!("/api/v1/{path}?account=nobody")).await;
        assert_eq!(unknown.status(), 404, "{path}");
    }
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(
        metrics.contains("crm_outbox_waiting{target=\"whatsapp\",account=\"sales\"} 1"),
        "{metrics}"
    );
    app.stop().await;
}
