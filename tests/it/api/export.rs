//! Exports and backups as streams.

use serde_json::Value;

use super::app::App;

#[tokio::test]
async fn export_has_every_message_and_total_count() {
    let app = App::start().await;
    for n in 0..250 {
        app.inbound("Ada", "+447700900123", &format!("message {n:0n$}", n = n % 9 + 3))
            .await;
    }
    let answer = app.get("/api/v1/export/messages").await;
    let total: usize = answer.headers()["x-total-count"].to_str().unwrap().parse().unwrap();
    let text = answer.text().await.unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), total);
    assert!(
        rows.windows(2)
            .all(|pair| pair[0]["id"].as_i64() < pair[1]["id"].as_i64())
    );
    app.stop().await;
}

/// rule 31.
#[tokio::test]
async fn exported_formula_is_defused_phone_is_not() {
    let app = App::start().await;
    app.inbound(
        "=HYPERLINK(\"http://evil.example\")",
        "+447700900123",
        "@SUM(A1), \"quoted\"\nline",
    )
    .await;
    let messages = app
        .get("/api/v1/export/messages?format=csv")
        .await
        .text()
        .await
        .unwrap();
    assert!(messages.contains("\"'@SUM(A1), \"\"quoted\"\"\nline\""), "{messages}");
    let customers = app.get("/api/v1/export/customers?format=csv").await;
    assert_eq!(customers.headers()["content-type"], "text/csv; charset=utf-8");
    let customers = customers.bytes().await.unwrap();
    let customers = std::str::from_utf8(&customers).unwrap();
    assert!(
        customers.contains("\"'=HYPERLINK(\"\"http://evil.example\"\")\",+447700900123,"),
        "{customers}"
    );
    app.stop().await;
}

/// The mark is there once, and a table says who and which file.
#[tokio::test]
async fn csv_begins_with_mark_and_names_customer() {
    let app = App::start().await;
    for n in 0..150 {
        app.inbound("Jos\u{e9}", "+447700900123", &format!("message {n}")).await;
    }
    for what in ["messages", "customers"] {
        let csv = app
            .get(&format!("/api/v1/export/{what}?format=csv"))
            .await
            .bytes()
            .await
            .unwrap();
        assert!(csv.starts_with(b"\xef\xbb\xbfid,"), "{what}");
        let text = std::str::from_utf8(&csv).unwrap();
        assert_eq!(text.matches('\u{feff}').count(), 1, "{what}");
        assert!(text.contains("Jos\u{e9}"), "{what}: {text}");
    }
    let messages = app
        .get("/api/v1/export/messages?format=csv")
        .await
        .text()
        .await
        .unwrap();
    let mut lines = messages.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .ends_with(",customer_name,customer_phone,filename")
    );
    assert_eq!(lines.clone().count(), 150);
    assert!(lines.all(|line| line.ends_with(",Jos\u{e9},+447700900123,")));
    let ndjson = app.get("/api/v1/export/messages").await.bytes().await.unwrap();
    assert!(ndjson.starts_with(b"{"));
    app.stop().await;
}
