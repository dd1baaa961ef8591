//! The counts: what customers wrote against the database and the rooms, what the rooms hold of the agent's against the
//! database and the phones.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use testbed::agents::Agent;
use testbed::standin::Customer;

use super::{CUSTOMERS, Measure};
use crate::rig::LOOK;
use crate::rig::customers::ids_accepted;
use crate::rig::desk::Desk;

/// Of all messages, at most this share may end with an unknown outcome (rule 33).
pub const UNKNOWN_PER_MESSAGES: usize = 100;
/// What was piled up while parts were down has gone out by then.
const SETTLES_WITHIN: Duration = Duration::from_mins(3);

#[derive(Debug, Default)]
pub struct Tally {
    pub written_by_customers: usize,
    pub written_by_agent: usize,
    pub unknown: usize,
    /// Stanzas that the service took once more under their own id: a page that is killed before it hears the answer gives
    /// them again when it comes back, and every phone shows them once.
    pub again: usize,
    /// What is wrong, each in a line.
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub disordered: Vec<String>,
    pub states: Vec<String>,
}

impl Tally {
    pub fn judge(&self, measure: Measure) {
        assert!(self.written_by_customers >= measure.messages && self.written_by_agent >= measure.messages);
        assert!(self.lost.is_empty(), "lost: {:#?}", self.lost);
        assert!(self.doubled.is_empty(), "doubled: {:#?}", self.doubled);
        assert!(self.disordered.is_empty(), "order: {:#?}", self.disordered);
        assert!(self.states.is_empty(), "states: {:#?}", self.states);
        assert!(
            self.unknown * UNKNOWN_PER_MESSAGES <= self.written_by_agent,
            "{} unknown",
            self.unknown
        );
    }
}

/// Waits until all that is under way has come to its end, then counts.
pub async fn settle(desk: &Desk, agent: &Agent, customers: &[Customer], rooms: &[String]) -> Tally {
    desk.crm.until_ready().await;
    // The last word is the count itself: what is still under way counts as lost until it has arrived.
    let deadline = tokio::time::Instant::now() + SETTLES_WITHIN;
    loop {
        let tally = count(desk, agent, customers, rooms).await;
        let quiet = tally.lost.is_empty() && tally.states.is_empty();
        if quiet || tokio::time::Instant::now() > deadline {
            return tally;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn count(desk: &Desk, agent: &Agent, customers: &[Customer], rooms: &[String]) -> Tally {
    let rows = desk.crm.lines(&["export", "messages", "--format", "ndjson"]).await;
    let mut tally = Tally::default();
    for n in 0..CUSTOMERS {
        let conversation = rows.iter().find(|row| row["content"] == format!("hello from {n}"));
        let Some(conversation) = conversation.map(|row| row["conversation_id"].clone()) else {
            tally.lost.push(format!("the hello of {n}"));
            continue;
        };
        let rows: Vec<&Value> = rows
            .iter()
            .filter(|row| row["conversation_id"] == conversation)
            .collect();
        let timeline = agent.timeline(&rooms[n]).await.unwrap_or_default();

        let written = written_by(desk, &customers[n]);
        let stored = texts(&rows, "inbound");
        let shown: Vec<String> = timeline
            .iter()
            .filter(|message| message.sender != agent.user_id() && message.msgtype() == "m.text")
            // A customer with a user of their own has no name before the text.
            .map(|message| message.body().split_once(": ").map_or(message.body(), |(_, text)| text))
            .map(str::to_owned)
            .collect();
        tally.written_by_customers += written.len();
        compare(&mut tally, &format!("database, customer {n}"), &written, &stored);
        compare(&mut tally, &format!("room, customer {n}"), &written, &shown);

        let said: Vec<String> = timeline
            .iter()
            .filter(|message| message.sender == agent.user_id() && message.msgtype() == "m.text")
            .map(|message| message.body().to_owned())
            .collect();
        let unknown: Vec<_> = rows
            .iter()
            .filter(|row| row["state"] == "unknown")
            .map(|row| &row["content"])
            .collect();
        let certain: Vec<String> = said
            .iter()
            .filter(|text| !unknown.contains(&&Value::from(text.as_str())))
            .cloned()
            .collect();
        let on_phone: Vec<String> = customers[n].inbox().into_iter().map(|received| received.text).collect();
        tally.written_by_agent += said.len();
        tally.unknown += unknown.len();
        compare(
            &mut tally,
            &format!("database, answers to {n}"),
            &said,
            &texts(&rows, "outbound"),
        );
        compare(&mut tally, &format!("phone of {n}"), &certain, &on_phone);
        for text in &certain {
            let mut ids = ids_accepted(&desk.standin, text);
            let times = ids.len();
            ids.dedup();
            if ids.len() > 1 {
                tally
                    .doubled
                    .push(format!("{text} was taken by the service under {ids:?}"));
            }
            tally.again += times - ids.len();
        }
        for row in rows
            .iter()
            .filter(|row| row["direction"] == "outbound" && row["state"] != "unknown")
        {
            let read = customers[n].ack_of(true, row["whatsapp_id"].as_str().unwrap_or_default()) == Some(3);
            if row["state"] != "read" || row["ack"] != 3 || !read {
                tally.states.push(format!(
                    "{} is {} with ack {}",
                    row["content"], row["state"], row["ack"]
                ));
            }
        }
    }
    tally
}

/// What a customer wrote, as their own phone has it.
fn written_by(desk: &Desk, customer: &Customer) -> Vec<String> {
    let phone = desk.standin.phone().id();
    desk.standin.look(|world| {
        let messages = world
            .thread(phone, customer.id())
            .map(|thread| thread.messages.as_slice())
            .unwrap_or_default();
        messages
            .iter()
            .filter(|message| !message.from_me)
            .map(|message| message.text.clone())
            .collect()
    })
}

fn texts(rows: &[&Value], direction: &str) -> Vec<String> {
    let rows = rows.iter().filter(|row| row["direction"] == direction);
    rows.filter_map(|row| row["content"].as_str().map(ToOwned::to_owned))
        .collect()
}

/// Holds what arrived against what was meant to.
fn compare(tally: &mut Tally, place: &str, meant: &[String], arrived: &[String]) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for text in arrived {
        *times.entry(text).or_default() += 1;
    }
    for text in meant {
        match times.get(text.as_str()).copied().unwrap_or(0) {
            0 => tally.lost.push(format!("{place}: {text}")),
            1 => {}
            more => tally.doubled.push(format!("{place}: {text}, {more} times")),
        }
    }
    let in_order: Vec<&String> = meant.iter().filter(|text| arrived.contains(text)).collect();
    let mut seen = std::collections::BTreeSet::new();
    let came: Vec<&String> = arrived
        .iter()
        .filter(|text| meant.contains(text) && seen.insert(*text))
        .collect();
    if in_order != came {
        tally.disordered.push(format!("{place}: {in_order:?} came as {came:?}"));
    }
    for text in arrived.iter().filter(|text| !meant.contains(text)) {
        tally.doubled.push(format!("{place}: {text} came from nowhere"));
    }
}
