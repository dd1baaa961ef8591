//! What watches a server.

use serde_json::{Value, json};

use super::app::App;

#[tokio::test]
async fn readiness_status_and_metrics_show_state() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    app.post("/api/v1/messages", &json!({ "to": "+447700900124", "content": "x" }))
        .await;
    let ready = app.json("/readyz").await;
    assert_eq!(ready["ready"], true);
    assert_eq!(
        ready["whatsapp"],
        json!([{ "name": "default", "state": "starting", "detail": null }])
    );
    assert_eq!(ready["matrix"]["state"], "off");

    let mut status = app.json("/api/v1/status").await;
    let api = status.as_object_mut().unwrap().remove("api").unwrap();
    assert!(api["connections"].as_u64().unwrap() > 0, "{api}");
    let media = status.as_object_mut().unwrap().remove("media").unwrap();
    assert!(media["short"] == false && media["free_bytes"].is_u64(), "{media}");
    insta::assert_json_snapshot!("status", status);

    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(metrics.ends_with("# EOF\n"));
    for line in [
        "crm_http_requests_total{method=\"GET\",route=\"/readyz\",status=\"200\"} 1",
        "crm_outbox_waiting{target=\"whatsapp\",account=\"default\"} 1",
        "crm_account_state{account=\"default\",state=\"starting\"} 1",
        "crm_quarantined 0",
        "crm_deaf_total{account=\"default\",how=\"frozen\"} 0",
        "crm_page_reloads_total{account=\"default\"} 0",
        "\nprocess_resident_memory_bytes ",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    app.stop().await;
}

/// rule 13.
#[tokio::test]
async fn quarantine_is_listed_and_replayed() {
    use futures_util::FutureExt as _;
    let app = App::start().await;
    app.store
        .write((), |tx, ()| {
            async move { tx.quarantine().add("whatsapp", None, b"\xffnonsense", "not JSON").await }.boxed()
        })
        .await
        .unwrap();
    let listed = app.json("/api/v1/quarantine").await;
    assert_eq!(listed["data"][0]["error"], "not JSON");
    assert_eq!(listed["data"][0]["content"], "\u{fffd}nonsense");
    let replayed: Value = app
        .post("/api/v1/quarantine/replay", &json!({}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(replayed, json!({ "taken_in": 0, "still_refused": 1 }));
    assert_eq!(app.json("/api/v1/status").await["quarantined"], 1);
    app.stop().await;
}

/// Media and messages of unknown kinds are counted row by row.
#[tokio::test]
async fn second_scrape_counts_no_rows_again() {
    let app = App::start().await;
    let scrape = async || assert_eq!(app.get("/metrics").await.status(), 200);
    let first = app.statements_of(scrape()).await;
    let second = app.statements_of(scrape()).await;
    assert!(first >= second + 2, "{first}, then {second}");
    app.stop().await;
}
