//! Phone numbers as people write them.

use serde_json::{Value, json};

use super::rig::Shell;
use super::serving::Served;
use crate::api::app::App;

const SPOKEN: &str = "07700 900123";

/// Answer of the server's API, asked with the administrator's key.
async fn asked(served: &Served, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
    let key = std::fs::read_to_string(served.shell.data_dir().join("admin.key")).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.request(method, format!("{}{path}", served.url)).json(body);
    let answer = request.bearer_auth(key.trim()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn local_number_is_read_with_phone_region() {
    let served = Served::start(Shell::bare().with("CRM_PHONE_REGION", "GB")).await;
    let shell = &served.shell;
    shell.ok(&["send", SPOKEN, "hello", "--wait", "queued"]).await;
    let customer = shell.ok(&["customer", "view", "1", "-o", "json"]).await.json();
    assert_eq!(customer["phone"], "+447700900123");
    shell.ok(&["send", "+447700900123", "again", "--wait", "queued"]).await;
    shell
        .ok(&["send", SPOKEN, "--contact", "Bob:07700 900124", "--wait", "queued"])
        .await;
    let cards = shell.ok(&["message", "list", "1", "-o", "json"]).await.json();
    let cards = cards.as_array().unwrap();
    assert_eq!(cards.len(), 3, "one conversation: {cards:?}");
    assert!(
        cards.iter().any(|card| card.to_string().contains("+447700900124")),
        "{cards:?}"
    );

    let post = reqwest::Method::POST;
    let body = json!({ "to": "(07700) 900-125", "content": "hi" });
    assert_eq!(asked(&served, post.clone(), "/api/v1/messages", &body).await.0, 202);
    let patch = json!({ "phone": "07700 900126" });
    let (status, customer) = asked(&served, reqwest::Method::PATCH, "/api/v1/customers/1", &patch).await;
    assert_eq!((status, &customer["phone"]), (200, &json!("+447700900126")));
    let (status, problem) = asked(
        &served,
        post.clone(),
        "/api/v1/messages",
        &json!({ "to": "0770", "content": "hi" }),
    )
    .await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("/to")),
        "{problem}"
    );
    assert!(
        problem["detail"].as_str().unwrap().contains("as it is written in GB"),
        "{problem}"
    );
    let rebind = json!({ "phone": "0770" });
    let (status, problem) = asked(&served, post, "/api/v1/accounts/default/rebind", &rebind).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("/phone")),
        "{problem}"
    );

    let rebound = shell
        .ok(&["account", "rebind", "default", "--phone", "07700 900999", "-o", "json"])
        .await;
    assert_eq!(rebound.json()["phone"], "+447700900999");
    let login = shell.run(&["login", "--phone", "0770", "--timeout", "5s"]).await;
    assert_eq!(login.code, Some(2), "{login:?}");
    let (_, code) = served.end().await;
    assert_eq!(code, Some(0));
}

/// The country of a number is not guessed, unless the configuration says so.
#[tokio::test]
async fn number_without_plus_is_refused_with_suggestion() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let meant = shell.run(&["send", "5511987654321", "oi"]).await;
    assert_eq!(meant.code, Some(2), "{meant:?}");
    assert!(meant.err.contains("did you mean +5511987654321?"), "{meant:?}");
    let local = shell.run(&["send", SPOKEN, "hello"]).await;
    assert_eq!(local.code, Some(2), "{local:?}");
    assert!(local.err.contains("such as +447700900123"), "{local:?}");
    let body = json!({ "to": "5511987654321", "content": "oi" });
    let problem: Value = app.post("/api/v1/messages", &body).await.json().await.unwrap();
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean +5511987654321?"),
        "{problem}"
    );
    assert_eq!(
        app.json("/api/v1/customers").await["data"],
        json!([]),
        "nobody was written to"
    );
    app.stop().await;
}

#[tokio::test]
async fn bad_phone_region_refuses_start() {
    for wrong in ["UK", "gb", "+44", "Brazil"] {
        let ended = Shell::bare().with("CRM_PHONE_REGION", wrong).run(&["serve"]).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let told =
            format!("`phone_region` is `{wrong}` in the environment; write the two letters of a country, such as GB");
        assert!(ended.err.contains(&told), "{ended:?}");
    }
}

/// Without a server the shell reads the number itself.
#[tokio::test]
async fn rebind_without_server_reads_local_number() {
    let shell = Shell::bare().with("CRM_PHONE_REGION", "GB");
    shell.ok(&["account", "add", "sales"]).await;
    let rebound = shell
        .ok(&["account", "rebind", "sales", "--phone", SPOKEN, "-o", "json"])
        .await;
    assert_eq!(rebound.json()["phone"], "+447700900123");
}
