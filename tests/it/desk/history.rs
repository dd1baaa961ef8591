//! The messages around one.

use serde_json::{Value, json};

use super::refused;
use crate::api::app::App;

fn ids(page: &Value) -> Vec<i64> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn page_around_message_leads_both_ways() {
    let app = App::start().await;
    let mut all = vec![];
    let mut path = String::new();
    for number in 0..11 {
        let message = app.inbound("Ada", "+447700900123", &format!("text {number}")).await;
        path = format!("/api/v1/conversations/{}/messages", message.conversation_id);
        all.push(message.id.0);
    }
    let page = app.json(&format!("{path}?around={}&limit=4", all[5])).await;
    assert_eq!(ids(&page), all[3..7]);
    let next = app
        .json(&format!(
            "{path}?after={}&limit=100",
            page["next_cursor"].as_str().unwrap()
        ))
        .await;
    assert_eq!(ids(&next), all[7..]);
    let previous = page["previous_cursor"].as_str().unwrap();
    let before = app.json(&format!("{path}?before={previous}&limit=100")).await;
    assert_eq!(ids(&before), all[..3].iter().rev().copied().collect::<Vec<_>>());
    let alone = app.json(&format!("{path}?around={}&limit=1", all[5])).await;
    assert_eq!(ids(&alone), [all[5]]);
    for (side, cursor, expected) in [("after", "next_cursor", all[6]), ("before", "previous_cursor", all[4])] {
        let cursor = alone[cursor].as_str().unwrap();
        assert_eq!(
            ids(&app.json(&format!("{path}?{side}={cursor}&limit=1")).await),
            [expected]
        );
    }
    let alone = app.json(&format!("{path}?around={}&limit=1", all[0])).await;
    assert_eq!((ids(&alone), alone.get("previous_cursor")), (vec![all[0]], None));
    let first = app.json(&format!("{path}?around={}&limit=4", all[0])).await;
    assert_eq!((ids(&first), first.get("previous_cursor")), (all[..2].to_vec(), None));
    let elsewhere = app.inbound("Bob", "+447700900124", "hello").await;
    assert_eq!(app.get(&format!("{path}?around={}", elsewhere.id)).await.status(), 404);
    let (status, _, problem) = refused(app.get(&format!("{path}?around={}&order=desc", all[5])).await).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("/around")));
    app.stop().await;
}
