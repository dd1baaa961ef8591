//! The import of history at the first login, killed twice, and comparisons that are asked for.

use std::time::Duration;

use serde_json::Value;
use testbed::standin::{Draft, NewCustomer, Options, StandIn};

use crate::rig::crm::{Crm, Settings};
use crate::rig::desk::{Desk, Plan};
use crate::rig::socket::Socket;
use crate::rig::until;

/// `CHATSxMESSAGES`, for a run of another size.
const SIZE: &str = "CRM_TEST_HISTORY";
/// Enough for an import to be killed in the midst of it.
const CHATS: usize = 30;
const MESSAGES: usize = 20;

/// The largest size that anybody chooses is imported by then.
const IMPORTED_WITHIN: Duration = Duration::from_mins(15);

fn size() -> (usize, usize) {
    let chosen = std::env::var(SIZE).ok();
    let chosen = chosen.as_deref().and_then(|size| size.split_once('x'));
    chosen
        .and_then(|(chats, messages)| Some((chats.parse().ok()?, messages.parse().ok()?)))
        .unwrap_or((CHATS, MESSAGES))
}

/// Customers who wrote in the last month, the first lately: several messages a second now and then. Gives all texts by
/// chat, in order.
fn fill(standin: &StandIn, chats: usize, messages: usize) -> Vec<Vec<String>> {
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let day = 86_400;
    (0..chats)
        .map(|chat| {
            let number = format!("44770{:07}", 1_000_000 + chat);
            let customer = match chat % 3 {
                0 => standin.add_customer(NewCustomer::by_lid(
                    &format!("Customer {chat}"),
                    &number,
                    &format!("7{number}"),
                )),
                _ => standin.customer(&format!("Customer {chat}"), &number),
            };
            let latest = now - day - i64::try_from(chat).unwrap() * 600;
            let texts: Vec<String> = (0..messages).map(|n| format!("chat {chat}, text {n}")).collect();
            for (n, text) in texts.iter().enumerate() {
                let before = i64::try_from((messages - n) / 3).unwrap();
                customer.send(Draft {
                    t: Some(latest - before * 20),
                    ..Draft::text(text)
                });
            }
            if chat % 2 == 0 {
                standin.phone().read(customer.id());
            }
            texts
        })
        .collect()
}

async fn history(crm: &Crm) -> Value {
    crm.json(&["status", "-o", "json"]).await["accounts"][0]["history"].clone()
}

/// Kills the server when the import has gone on from where it was.
async fn kill_in_the_midst(crm: &mut Crm, after: i64) -> i64 {
    let messages = until("the import to go on", async || {
        let history = history(crm).await;
        let messages = history["messages"].as_i64().unwrap_or(0);
        assert!(
            history["state"] != "done" || messages > after,
            "it was over before it could be killed"
        );
        (messages > after).then_some(messages)
    })
    .await;
    crm.kill_9();
    messages
}

/// Rule 9. The import reports its progress, and is complete once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_import_survives_two_kills() {
    let (chats, each) = size();
    let standin = StandIn::start(Options::default()).await.unwrap();
    let written = fill(&standin, chats, each);
    let settings = Settings {
        whatsapp_url: standin.url(),
        ..Settings::default()
    };
    let mut crm = Crm::new(&settings);
    crm.serve().await;
    let began = tokio::time::Instant::now();
    crm.login(&standin.phone()).await;
    // A small one is over soon after it has begun.
    let third = i64::try_from((chats * each / 3).saturating_sub(CHATS * MESSAGES)).unwrap();
    let first = kill_in_the_midst(&mut crm, third).await;
    crm.serve().await;
    let second = kill_in_the_midst(&mut crm, first + third).await;
    crm.serve().await;

    // A program that waits for the end of it is told how far it is.
    let import = ["login", "--history", "90d", "-o", "json", "--timeout", "15m"];
    let told = crm.lines_within(IMPORTED_WITHIN, &import).await;
    println!(
        "{chats} chats of {each}, killed at {first} and {second}: {:?}",
        began.elapsed()
    );
    let told: Vec<&Value> = told.iter().filter(|line| line["event"] == "history").collect();
    let last = told.last().expect("progress");
    assert_eq!(
        (&last["state"], last["chats_total"].as_u64()),
        (&Value::from("done"), Some(chats as u64)),
        "{last}"
    );
    let done: Vec<i64> = told.iter().filter_map(|line| line["messages"].as_i64()).collect();
    assert!(done.is_sorted(), "{done:?}");
    assert_eq!(
        last["messages"].as_u64(),
        Some((chats * each) as u64),
        "new messages, counted over two kills"
    );

    let rows = crm.lines(&["export", "messages", "--format", "ndjson"]).await;
    assert_eq!(rows.len(), chats * each, "each once");
    assert!(rows.iter().all(|row| row["backfilled"] == true));
    for (chat, texts) in written.iter().enumerate().step_by(1 + chats / 40) {
        let conversation =
            rows.iter().find(|row| row["content"] == texts[0].as_str()).unwrap()["conversation_id"].clone();
        let path = format!("{}/api/v1/conversations/{conversation}/messages?limit=1000", crm.url);
        let shown: Value = reqwest::Client::new()
            .get(path)
            .bearer_auth(crm.admin_key())
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let shown: Vec<&str> = shown["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["content"].as_str())
            .collect();
        let expected: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(shown, expected[..expected.len().min(1000)], "chat {chat} in its order");
    }
    let events = crm
        .lines(&["tail", "--since", "0", "--idle", "1s", "-o", "ndjson"])
        .await;
    assert!(
        !events.iter().any(|event| event["type"] == "message.received"),
        "nobody is called"
    );
    assert!(
        events
            .iter()
            .any(|event| event["type"] == "account.history" && event["data"]["state"] == "done")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missed_messages_are_recovered_and_counted() {
    let mut desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", "447700900141");
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    customer.write("heard");
    socket.event(|frame| frame["d"]["content"] == "heard").await;

    // The page goes deaf: it has the message, and tells of nothing.
    desk.standin.freeze_listener("add");
    let phone = desk.standin.phone();
    customer.write("not heard");
    desk.standin.settled(phone.devices()[0]).await;
    let answer = desk.crm.json(&["sync", "+447700900141", "-o", "json"]).await;
    assert_eq!(answer["recovered"], 1, "{answer}");
    let told = socket.event(|frame| frame["t"] == "account.synced").await;
    assert_eq!(told["d"]["recovered"], 1);
    assert_eq!(
        desk.crm.json(&["sync", "-o", "json"]).await["recovered"],
        0,
        "nothing twice"
    );

    desk.crm.kill_9();
    for n in 0..7 {
        customer.write(&format!("while nobody was there {n}"));
    }
    desk.crm.serve().await;
    desk.crm.until_ready().await;
    let total = until("what was missed to be counted", async || {
        let status = desk.crm.json(&["status", "-o", "json"]).await;
        let total = status["accounts"][0]["sync"]["recovered_total"].as_i64()?;
        (total > 1).then_some(total)
    })
    .await;
    assert_eq!(total, 8);
    let metrics = reqwest::Client::new().get(format!("{}/metrics", desk.crm.url));
    let metrics = metrics
        .bearer_auth(desk.crm.admin_key())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        metrics.contains("crm_recovered_messages_total{account=\"default\"} 8"),
        "{metrics}"
    );
    let unknown = desk.crm.run(&["sync", "+447700900199"]).await;
    assert_eq!(unknown.status.code(), Some(3));
}
