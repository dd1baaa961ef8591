//! Assigns conversations, and sets their status.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{agent, conversation, posted, refused, told, with_tag};
use crate::api::app::App;

#[tokio::test]
async fn conversation_goes_to_agent_and_back() {
    let app = App::start().await;
    let (ada, bob) = (agent(&app, "ada").await, agent(&app, "bob").await);
    let path = conversation(&app).await;
    let assign = format!("{path}/assign");
    let has = posted(&app, &assign, &json!({ "agent_id": ada })).await;
    assert_eq!((&has["assignee_id"], &has["assignee"]), (&json!(ada), &json!("ada")));
    // A repeat changes nothing; then a colleague takes over.
    posted(&app, &assign, &json!({ "agent_id": ada })).await;
    posted(&app, &assign, &json!({ "agent_id": bob })).await;
    let list = app.json(&format!("/api/v1/conversations?assignee={bob}")).await;
    assert_eq!(list["data"][0]["assignee"], "bob");
    let none = app.json("/api/v1/conversations?assignee=none").await;
    assert_eq!(none["data"], json!([]));
    let renamed = app.request(Method::PATCH, &format!("/api/v1/agents/{bob}"));
    let renamed = renamed.json(&json!({ "name": "Robert" })).send().await.unwrap();
    assert_eq!(renamed.status(), 200);
    assert_eq!(app.json(&path).await["assignee"], "Robert");
    let free = posted(&app, &assign, &json!({ "agent_id": null })).await;
    assert_eq!(free["assignee_id"], Value::Null);
    assert_eq!(told(&app, "conversation.assigned").await.len(), 3);

    for (body, status) in [
        (json!({ "agent_id": 999 }), 404),
        (json!({}), 422),
        (json!({ "agent_id": "ada" }), 422),
        (json!({ "agent_id": ada, "note": 1 }), 422),
    ] {
        assert_eq!(app.post(&assign, &body).await.status(), status, "{body}");
    }
    let nowhere = "/api/v1/conversations/999/assign";
    assert_eq!(app.post(nowhere, &json!({ "agent_id": ada })).await.status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn of_two_assignments_at_once_one_wins() {
    let app = App::start().await;
    let path = format!("{}/assign", conversation(&app).await);
    let mut agents = vec![];
    for number in 0..8 {
        agents.push(agent(&app, &format!("agent{number}")).await);
    }
    // Whoever asks before the first is stored has seen that nobody has it.
    let answers = join_all(agents.iter().map(|agent| {
        let body = json!({ "agent_id": agent });
        let (app, path) = (&app, &path);
        async move { app.post(path, &body).await }
    }))
    .await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert!(
        statuses.contains(&200) && statuses.iter().all(|status| [200, 409].contains(status)),
        "{statuses:?}"
    );
    let wins = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(
        told(&app, "conversation.assigned").await.len(),
        wins,
        "who is told 409 changed nothing"
    );
    app.stop().await;
}

#[tokio::test]
async fn if_match_stops_change_of_older_state() {
    let app = App::start().await;
    let (ada, bob) = (agent(&app, "ada").await, agent(&app, "bob").await);
    let path = conversation(&app).await;
    let first = app.get(&path).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let assign = format!("{path}/assign");
    let ours = with_tag(&app, &assign, &json!({ "agent_id": ada }), &tag).await;
    assert_eq!(ours.status(), 200);
    let newer = ours.headers()["etag"].to_str().unwrap().to_owned();
    let theirs = with_tag(&app, &assign, &json!({ "agent_id": bob }), &tag).await;
    let (status, code, _) = refused(theirs).await;
    assert_eq!((status, code.as_str()), (412, "precondition_failed"));
    let closes = json!({ "status": "closed" });
    let status = format!("{path}/status");
    assert_eq!(with_tag(&app, &status, &closes, &tag).await.status(), 412);
    assert_eq!(with_tag(&app, &status, &closes, &newer).await.status(), 200);
    app.stop().await;
}

#[tokio::test]
async fn status_and_snooze_are_set_and_checked() {
    let app = App::start().await;
    let path = conversation(&app).await;
    let status = format!("{path}/status");
    let until = App::now().plus(Duration::from_hours(2)).to_string();
    let asleep = posted(&app, &status, &json!({ "status": "snoozed", "until": until })).await;
    assert_eq!(
        (&asleep["status"], &asleep["snoozed_until"]),
        (&json!("snoozed"), &json!(until))
    );
    let list = app.json("/api/v1/conversations?status=snoozed").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let open = posted(&app, &status, &json!({ "status": "open" })).await;
    assert_eq!(open["snoozed_until"], Value::Null);
    // A repeat tells nothing.
    posted(&app, &status, &json!({ "status": "open" })).await;
    assert_eq!(told(&app, "conversation.updated").await.len(), 2);
    let past = App::now().minus(Duration::from_secs(1)).to_string();
    let far = App::now().plus(Duration::from_hours(24 * 400)).to_string();
    for body in [
        json!({ "status": "snoozed", "until": past }),
        json!({ "status": "snoozed", "until": far }),
        json!({ "status": "closed", "until": until }),
    ] {
        let (code, _, problem) = refused(app.post(&status, &body).await).await;
        assert_eq!(
            (code, &problem["errors"][0]["pointer"]),
            (422, &json!("/until")),
            "{body}"
        );
    }
    assert_eq!(app.post(&status, &json!({ "status": "asleep" })).await.status(), 422);
    app.stop().await;
}

#[tokio::test]
async fn counts_are_by_account_status_and_agent() {
    let app = App::start().await;
    let ada = agent(&app, "ada").await;
    let mut paths = vec![];
    for number in 0..4 {
        let message = app.inbound("Ada", &format!("+44770090020{number}"), "hello").await;
        paths.push(format!("/api/v1/conversations/{}", message.conversation_id));
    }
    posted(&app, &format!("{}/assign", paths[0]), &json!({ "agent_id": ada })).await;
    posted(&app, &format!("{}/status", paths[1]), &json!({ "status": "closed" })).await;
    posted(&app, &format!("{}/status", paths[2]), &json!({ "status": "pending" })).await;
    let counts = app.json("/api/v1/conversations/counts").await;
    assert_eq!(
        (&counts["conversations"], &counts["unassigned"]),
        (&json!(3), &json!(2))
    );
    let of = |status: &str, agent: Value| {
        let data = counts["data"].as_array().unwrap().iter();
        data.filter(|one| one["status"] == status && one["assignee_id"] == agent)
            .map(|one| one["conversations"].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!(
        (
            of("open", json!(ada)),
            of("open", Value::Null),
            of("pending", Value::Null)
        ),
        (1, 1, 1)
    );
    assert_eq!(of("closed", Value::Null), 0);
    app.stop().await;
}

#[tokio::test]
async fn scope_read_changes_nothing_at_the_desk() {
    let app = App::start().await;
    let path = conversation(&app).await;
    let key = app.key_of(crm::contract::Scope::Read).await;
    for (method, place, body) in [
        (Method::POST, "assign", json!({ "agent_id": null })),
        (Method::POST, "status", json!({ "status": "closed" })),
        (Method::POST, "notes", json!({ "content": "hm" })),
        (Method::PUT, "labels/vip", json!({})),
        (Method::DELETE, "labels/vip", json!({})),
    ] {
        let request = app.bare(method, &format!("{path}/{place}")).bearer_auth(&key);
        assert_eq!(request.json(&body).send().await.unwrap().status(), 403, "{place}");
    }
    app.stop().await;
}
