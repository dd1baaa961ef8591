//! Who writes meanwhile.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use testbed::agents::{Agent, Content};
use testbed::standin::Customer;

use super::Measure;
use crate::rig::PATIENCE;

/// Between two messages of one side, at the most.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Each customer says hello, so that there is a room for each; gives the rooms in the customers' order.
pub async fn open_conversations(agent: &Agent, customers: &[Customer]) -> Vec<String> {
    let mut rooms = vec![];
    for (n, customer) in customers.iter().enumerate() {
        customer.write(&format!("hello from {n}"));
    }
    for n in 0..customers.len() {
        rooms.push(
            agent
                .until_room(&format!("Customer {n}"), PATIENCE)
                .await
                .unwrap()
                .room_id,
        );
    }
    rooms
}

pub async fn customers_write(customers: &[Customer], measure: Measure, mut dice: StdRng) {
    for k in 0..measure.messages {
        let n = dice.random_range(0..customers.len());
        customers[n].write(&format!("in {k}"));
        pause(&mut dice).await;
    }
}

/// The agent writes until so many have been taken by the homeserver. One whose answer was lost may be in the room as
/// well: what the room holds in the end is what has to reach the phones.
pub async fn agent_writes(agent: &Agent, rooms: &[String], measure: Measure, mut dice: StdRng) {
    let mut taken = 0;
    let mut tried = 0;
    while taken < measure.messages {
        let n = dice.random_range(0..rooms.len());
        let sent = agent.send(&rooms[n], Content::text(&format!("out {tried}"))).await;
        tried += 1;
        taken += usize::from(sent.is_ok());
        assert!(
            tried < measure.messages * 10 + 100,
            "the homeserver takes nothing: {sent:?}"
        );
        pause(&mut dice).await;
    }
}

/// A little while.
pub async fn pause(dice: &mut StdRng) {
    let most = u64::try_from(LONGEST_PAUSE.as_millis()).unwrap();
    tokio::time::sleep(Duration::from_millis(dice.random_range(0..=most))).await;
}
