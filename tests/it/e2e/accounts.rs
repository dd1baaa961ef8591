//! Several accounts on one server, each with a browser of its own.

use serde_json::{Value, json};
use testbed::standin::{Customer, Phone};

use crate::rig::crm::kill_all;
use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::desk::{Desk, Plan};
use crate::rig::socket::Socket;
use crate::rig::until;

const ADA: &str = "447700900141";
const BEN: &str = "447700900142";
const SECOND: &str = "447700900002";

/// A server with two accounts, each linked with a phone of its own.
async fn two(plan: Plan) -> (Desk, Phone) {
    let desk = Desk::ready(plan).await;
    desk.crm.json(&["account", "add", "second", "-o", "json"]).await;
    let phone = desk.standin.add_phone("Market Stall", SECOND);
    desk.crm.login_with(&phone, &["--account", "second"]).await;
    (desk, phone)
}

async fn texts(desk: &Desk, account: &str, direction: &str) -> Vec<String> {
    let exported = desk.crm.lines(&["export", "messages", "--account", account]).await;
    let wanted = exported.into_iter().filter(|message| message["direction"] == direction);
    wanted
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect()
}

async fn send(desk: &Desk, account: &str, to: &str, text: &str, wait: &str) -> Value {
    let to = format!("+{to}");
    let arguments = ["send", &to, text, "--account", account, "--wait", wait, "-o", "json"];
    desk.crm.json(&arguments).await
}

/// One customer writes, and is answered.
async fn round_trip(desk: &Desk, account: &str, customer: &Customer, number: &str, turn: &str) {
    let (question, answer) = (format!("{turn} question"), format!("{turn} answer"));
    customer.write(&question);
    until("the question", async || {
        texts(desk, account, "inbound").await.contains(&question).then_some(())
    })
    .await;
    send(desk, account, number, &answer, "sent").await;
    phone_shows(customer, &answer).await;
}

/// The death of one's browser delays nothing of the other: by the order of events, not by time. The dead one is kept down
/// until the other has made its round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_browser_delays_no_other_account() {
    let (desk, phone) = two(Plan::plain()).await;
    let ada = desk.standin.customer("Ada", ADA);
    let ben = desk.standin.customer("Ben", BEN).to(phone.id());
    tokio::join!(
        round_trip(&desk, "default", &ada, ADA, "first"),
        round_trip(&desk, "second", &ben, BEN, "second"),
    );
    let listed = desk
        .crm
        .json(&["conversation", "list", "--account", "second", "-o", "json"])
        .await;
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["Ben"]);
    let unnamed = desk.crm.run(&["send", &format!("+{ADA}"), "from whom?"]).await;
    assert_eq!(unnamed.status.code(), Some(2), "two can send it");

    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    assert!(kill_all(&desk.crm.browser_of("second")) > 0);
    let of_second = |state: &'static str| {
        move |event: &Value| {
            event["t"] == "account.state" && event["d"]["name"] == "second" && event["d"]["state"] == state
        }
    };
    let died = socket.event(of_second("starting")).await["s"].as_i64().unwrap();
    let id = send(&desk, "second", BEN, "while it is dead", "queued").await["id"].to_string();
    let waiting = desk.crm.json(&["message", "view", &id, "-o", "json"]).await;
    ben.write("while it was dead");
    let keep_down = async {
        loop {
            kill_all(&desk.crm.browser_of("second"));
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = round_trip(&desk, "default", &ada, ADA, "undisturbed") => {}
        () = keep_down => {}
    }
    let ready = socket.event(of_second("ready")).await["s"].as_i64().unwrap();
    phone_shows(&ben, "while it is dead").await;
    until("what came while it was dead", async || {
        let inbound = texts(&desk, "second", "inbound").await;
        inbound.contains(&"while it was dead".to_owned()).then_some(())
    })
    .await;

    let events = events(&desk, &[]).await;
    let between = |event: &&Value| (died..ready).contains(&event["seq"].as_i64().unwrap());
    let told: Vec<_> = events.iter().filter(between).map(told).collect();
    for expected in [
        ("message.received", "undisturbed question", "received"),
        ("message.state", "undisturbed answer", "sent"),
    ] {
        assert!(told.contains(&expected), "{told:?}");
    }
    let is_of_the_dead = |event: &(&str, &str, &str)| event.0 == "message.state" && event.1 == "while it is dead";
    assert!(!told.iter().any(is_of_the_dead), "{told:?}");

    assert_eq!(
        texts(&desk, "default", "inbound").await,
        ["first question", "undisturbed question"]
    );
    assert_eq!(
        texts(&desk, "second", "inbound").await,
        ["second question", "while it was dead"]
    );
    for text in [
        "first answer",
        "second answer",
        "undisturbed answer",
        "while it is dead",
    ] {
        assert_eq!(times_accepted(&desk.standin, text), 1, "{text}");
    }
    let second = &waiting["account_id"];
    let is_its = |event: &Value| event["account_id"].is_null() || event["account_id"] == *second;
    let only = self::events(&desk, &["--account", "second"]).await;
    assert!(only.iter().all(is_its) && events.iter().any(|event| !is_its(event)));
}

/// All events, or those that these arguments leave.
async fn events(desk: &Desk, arguments: &[&str]) -> Vec<Value> {
    let tail = ["tail", "--since", "0", "--idle", "1s", "-o", "ndjson"];
    desk.crm.lines(&[&tail, arguments].concat()).await
}

/// Its type, and what of a message it tells.
fn told(event: &Value) -> (&str, &str, &str) {
    let data = &event["data"];
    let [kind, content, state] =
        [&event["type"], &data["content"], &data["state"]].map(|value| value.as_str().unwrap_or_default());
    (kind, content, state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn account_is_added_used_and_removed_at_runtime() {
    let mut plan = Plan::plain();
    // The last table of the file.
    plan.settings.matrix = "[account.second]\nfirst_contacts = [\"1/d\"]".to_owned();
    let mut desk = Desk::ready(plan).await;
    let phone = desk.standin.add_phone("Market Stall", SECOND);
    let (ada, ben) = (desk.standin.customer("Ada", ADA), desk.standin.customer("Ben", BEN));
    let second = desk.crm.json(&["account", "add", "second", "-o", "json"]).await;
    assert_eq!(second["state"], "starting");
    // The phone of the first account is no phone for the second, which is free of it with the next login.
    let first = desk.standin.phone();
    let login = desk.crm.command(&["login", "--account", "second", "-o", "json"]);
    assert_eq!(scanned_by(login, &first).await, "wrong_number");
    let number = format!("+{SECOND}");
    desk.crm
        .login_with(&phone, &["--account", "second", "--phone", &number])
        .await;
    assert_eq!((first.devices().len(), phone.devices().len()), (1, 1));

    send(&desk, "second", ADA, "the one first contact", "sent").await;
    phone_shows(&ada, "the one first contact").await;
    let waits = send(&desk, "second", BEN, "over its own cap", "queued").await;
    send(&desk, "default", BEN, "the first has no cap", "sent").await;
    phone_shows(&ben, "the first has no cap").await;

    let gone = desk
        .crm
        .json(&["account", "remove", "second", "--yes", "-o", "json"])
        .await;
    assert!(gone["removed_at"].is_string() && gone["detail"].is_null(), "{gone}");
    assert!(phone.devices().is_empty(), "it was unlinked");
    assert_eq!(desk.crm.browser_of("second"), Vec::<u32>::new());
    assert!(!desk.crm.data_dir().join("whatsapp/second").exists());
    let message = desk
        .crm
        .json(&["message", "view", &waits["id"].to_string(), "-o", "json"])
        .await;
    assert_eq!(
        (&message["state"], &message["failure"]["code"]),
        (&json!("failed"), &json!("account_removed"))
    );
    assert_eq!(times_accepted(&desk.standin, "over its own cap"), 0);
    assert_eq!(texts(&desk, "second", "outbound").await.len(), 2, "what was said stays");
    let refused = desk
        .crm
        .run(&["send", &format!("+{ADA}"), "no more", "--account", "second"])
        .await;
    assert_eq!(refused.status.code(), Some(7));
    desk.crm
        .json(&["send", &format!("+{ADA}"), "from the only one", "-o", "json"])
        .await;
    phone_shows(&ada, "from the only one").await;

    // Back under its name, with its conversations.
    desk.crm.json(&["account", "add", "second", "-o", "json"]).await;
    desk.crm.login_with(&phone, &["--account", "second"]).await;
    send(&desk, "second", ADA, "here again", "sent").await;
    assert_eq!(desk.crm.state_of("default").await.as_deref(), Some("ready"));

    // Without a server the shell does it itself, and leaves the other account as it is.
    desk.crm.interrupt().await;
    assert_eq!((first.devices().len(), phone.devices().len()), (1, 1));
    let gone = desk
        .crm
        .json(&["account", "remove", "second", "--yes", "-o", "json"])
        .await;
    assert!(gone["removed_at"].is_string() && gone["detail"].is_null(), "{gone}");
    assert_eq!((first.devices().len(), phone.devices().len()), (1, 0));
    assert_eq!(desk.crm.browser_processes(), Vec::<u32>::new());
    assert!(!desk.crm.data_dir().join("whatsapp/second").exists());
}

/// The other account goes on, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_killed_in_removal_finishes_it() {
    let (mut desk, phone) = two(Plan::plain()).await;
    let removal = reqwest::Client::new()
        .delete(format!("{}/api/v1/accounts/second", desk.crm.url))
        .bearer_auth(desk.crm.admin_key());
    assert_eq!(removal.send().await.unwrap().status(), 202);
    desk.crm.kill_9();
    desk.crm.serve().await;
    until("the removal to be done", async || {
        let all = desk.crm.json(&["account", "list", "--removed", "-o", "json"]).await;
        all[1]["removed_at"].is_string().then_some(())
    })
    .await;
    assert!(phone.devices().is_empty(), "it was unlinked");
    assert!(!desk.crm.data_dir().join("whatsapp/second").exists());
    assert_eq!(desk.crm.browser_of("second"), Vec::<u32>::new());
    desk.crm.until_ready().await;
    let events = events(&desk, &[]).await;
    let times = events.iter().filter(|event| event["type"] == "account.removed").count();
    assert_eq!(times, 1);
}

/// Lets a phone scan, and gives the state that this leads to.
async fn scanned_by(mut login: tokio::process::Command, phone: &Phone) -> String {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let mut child = login.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let follow = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let event: Value = serde_json::from_str(&line).unwrap();
            match (event["event"].as_str(), event["state"].as_str()) {
                (Some("qr"), _) => drop(phone.scan(event["code"].as_str().unwrap()).await),
                (_, Some(state @ ("wrong_number" | "ready"))) => return state.to_owned(),
                _ => {}
            }
        }
        "nothing".to_owned()
    };
    let state = tokio::time::timeout(crate::rig::PATIENCE, follow)
        .await
        .expect("the phone scans");
    let _ = child.start_kill();
    state
}
