//! Messages of every kind in both directions, with replies, edits, deletions, emojis and votes, while the page is loaded anew,
//! browser, driver and server are killed, and the network and the phones go off and come back. In the end nothing is lost,
//! nothing came twice, the order is kept, and every medium has its hash: on the phones, in the vault and by REST.
//!
//! `CRM_TORTURE_SEED`, `_MESSAGES` and `_KILLS` as in the other torture.

mod agents;
mod customers;
mod matter;
mod tally;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use testbed::standin::{Customer, NewCustomer, Script};
use tokio::time::Instant;

use super::killer::{self, Part, Victims};
use super::{CUSTOMERS, Measure};
use crate::rig::desk::{Desk, Plan};
use crate::rig::until;

/// How many messages are followed by a change of some message.
const CHANGES: f64 = 0.3;
/// How many messages reply to one of the other side.
const REPLIES: f64 = 0.15;
const EMOJIS: [&str; 3] = ["👍", "🎉", "🙏"];
const PARTS: [Part; 6] = [
    Part::Server,
    Part::Browser,
    Part::Driver,
    Part::Page,
    Part::Network,
    Part::Phones,
];

/// Invariants 2 and 3, rule 3, 11, 26, 33.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_survives_kills_and_outages() {
    let measure = Measure::chosen(30, 1);
    let began = Instant::now();
    let mut desk = Desk::ready(Plan::plain()).await;
    let customers = meet(&desk);
    let conversations = converse(&desk, &customers).await;
    let api = agents::Api::of(&desk.crm);

    let dice = |salt: u64| StdRng::seed_from_u64(measure.seed ^ salt);
    let victims = Victims {
        crm: &mut desk.crm,
        synapse: None,
        standin: &desk.standin,
        customers: &customers,
    };
    let ((written, changes), done, kills) = tokio::join!(
        customers::write(&customers, measure, dice(4)),
        agents::write(&api, &conversations, measure, dice(5)),
        killer::kill(victims, &PARTS, measure, dice(6)),
    );

    let story = tally::Story {
        desk: &desk,
        api: &api,
        customers: &customers,
        conversations: &conversations,
        written: &written,
        done: &done,
    };
    let tally = tally::settle(&story).await;
    println!(
        "mixed torture: {measure:?}, kills {kills:?}, changes {changes} and {}, {tally:?}, {:?}",
        done.changes,
        began.elapsed()
    );
    tally.judge(measure);
}

/// Half of them by number, half by LID.
fn meet(desk: &Desk) -> Vec<Customer> {
    let meet = |n: usize| {
        let (name, number) = (format!("Customer {n}"), format!("4477009003{n:02}"));
        let customer = desk.standin.add_customer(if n.is_multiple_of(2) {
            NewCustomer::by_phone(&name, &number)
        } else {
            NewCustomer::by_lid(&name, &number, &format!("8800009003{n:02}"))
        });
        customer.play(Script {
            read_after_ms: Some(100),
            ..Script::default()
        });
        customer
    };
    (0..CUSTOMERS).map(meet).collect()
}

/// Each says hello; gives their conversations in the customers' order.
async fn converse(desk: &Desk, customers: &[Customer]) -> Vec<Value> {
    for (n, customer) in customers.iter().enumerate() {
        customer.write(&format!("hello from {n}"));
    }
    until("a conversation with each", async || {
        let rows = desk.crm.lines(&["export", "messages", "--format", "ndjson"]).await;
        let of = |n: usize| {
            let hello = rows.iter().find(|row| row["content"] == format!("hello from {n}"));
            Some(hello?["conversation_id"].clone())
        };
        (0..customers.len()).map(of).collect()
    })
    .await
}
