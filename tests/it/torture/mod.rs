//! Customers and an agent write at once while every part is killed at random moments. In the end nothing is lost, nothing
//! came twice, and the order is kept: in the database, in the rooms and on the phones.
//!
//! `CRM_TORTURE_SEED`, `CRM_TORTURE_MESSAGES` (in each direction) and `CRM_TORTURE_KILLS` (of each part) choose another run;
//! the short one is part of the test run. Its rooms are encrypted, as they are by default, unless `CRM_TORTURE_ENCRYPTION` is
//! `off`. With `CRM_TORTURE_MODE=service` it is an application service, whose rooms are plain.

mod killer;
mod mixed;
mod tally;
mod writers;

use tokio::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use testbed::agents::{Agent, Client};
use testbed::standin::{Customer, Script};

use self::killer::{Part, Victims};
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};

/// Customers who write, each in a conversation of their own.
const CUSTOMERS: usize = 8;
/// What is killed.
const PARTS: [Part; 5] = [Part::Server, Part::Browser, Part::Driver, Part::Homeserver, Part::Page];

/// How long and how hard.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    pub seed: u64,
    /// In each direction.
    pub messages: usize,
    /// Of each part.
    pub kills: usize,
}

impl Measure {
    /// As somebody chose, or the short one of these sizes.
    fn chosen(messages: u64, kills: u64) -> Self {
        let number = |name: &str, usual: u64| {
            std::env::var(name).map_or(usual, |text| {
                text.parse().unwrap_or_else(|_| panic!("{name} is a number"))
            })
        };
        Self {
            seed: number("CRM_TORTURE_SEED", 1),
            messages: usize::try_from(number("CRM_TORTURE_MESSAGES", messages)).unwrap(),
            kills: usize::try_from(number("CRM_TORTURE_KILLS", kills)).unwrap(),
        }
    }
}

/// Invariants 2 and 3, rule 3, 11, 17, 18, 26, 33.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_kills_lose_and_double_nothing() {
    if testbed::quick() {
        return;
    }
    let measure = Measure::chosen(64, 2);
    let began = Instant::now();
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|word| word == wanted);
    let plan = if is("CRM_TORTURE_MODE", "service") {
        Plan::as_service()
    } else {
        Plan {
            encryption: !is("CRM_TORTURE_ENCRYPTION", "off"),
            ..Plan::with_matrix()
        }
    };
    let mut desk = Desk::ready(plan).await;
    let agent = Agent::start(Client::Js, &desk.synapse.as_ref().unwrap().url(), AGENT, PASSWORD)
        .await
        .unwrap();
    let customers: Vec<Customer> = (0..CUSTOMERS)
        .map(|n| {
            let customer = desk
                .standin
                .customer(&format!("Customer {n}"), &format!("4477009002{n:02}"));
            customer.play(Script {
                read_after_ms: Some(100),
                ..Script::default()
            });
            customer
        })
        .collect();
    let rooms = writers::open_conversations(&agent, &customers).await;

    let dice = |salt: u64| StdRng::seed_from_u64(measure.seed ^ salt);
    let Desk { crm, synapse, standin } = &mut desk;
    let victims = Victims {
        crm,
        synapse: synapse.as_mut(),
        standin,
        customers: &customers,
    };
    let ((), (), kills) = tokio::join!(
        writers::customers_write(&customers, measure, dice(1)),
        writers::agent_writes(&agent, &rooms, measure, dice(2)),
        killer::kill(victims, &PARTS, measure, dice(3)),
    );

    let tally = tally::settle(&desk, &agent, &customers, &rooms).await;
    println!(
        "torture: {measure:?}, kills {kills:?}, {tally:?}, {:?}",
        began.elapsed()
    );
    tally.judge(measure);
}
