//! Who kills meanwhile, and what goes off and comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use testbed::servers::Synapse;
use testbed::standin::{Customer, StandIn};

use super::Measure;
use crate::rig::crm::{Crm, kill_all};
use crate::rig::until;

/// Between two kills, at the most.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// How long what is off stays off, at the most.
const LONGEST_ABSENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Server,
    Browser,
    Driver,
    Homeserver,
    Page,
    /// The page's network goes, and comes back.
    Network,
    /// Everybody's phone goes off, ours as well, and comes back.
    Phones,
}

/// How often each part was hit.
pub type Kills = BTreeMap<Part, usize>;

/// What can be hit.
pub struct Victims<'a> {
    pub crm: &'a mut Crm,
    pub synapse: Option<&'a mut Synapse>,
    pub standin: &'a StandIn,
    pub customers: &'a [Customer],
}

pub async fn kill(mut victims: Victims<'_>, parts: &[Part], measure: Measure, mut dice: StdRng) -> Kills {
    let mut order: Vec<Part> = parts
        .iter()
        .copied()
        .cycle()
        .take(parts.len() * measure.kills)
        .collect();
    order.shuffle(&mut dice);
    let mut kills = Kills::new();
    for part in order {
        pause(&mut dice, LONGEST_PAUSE).await;
        victims.hit(part, &mut dice).await;
        *kills.entry(part).or_default() += 1;
    }
    kills
}

impl Victims<'_> {
    async fn hit(&mut self, part: Part, dice: &mut StdRng) {
        match part {
            Part::Server => {
                self.crm.kill_9();
                self.crm.serve().await;
            }
            Part::Browser => kill_living(|| self.crm.browsers()).await,
            Part::Driver => kill_living(|| self.crm.drivers()).await,
            Part::Homeserver => {
                let synapse = self.synapse.as_mut().expect("a homeserver");
                synapse.kill_9();
                synapse.restart().await.unwrap();
            }
            Part::Page => self.standin.reload_pages(),
            Part::Network => {
                self.standin.page_online(false);
                pause(dice, LONGEST_ABSENCE).await;
                self.standin.page_online(true);
            }
            Part::Phones => {
                self.switch_phones(false);
                pause(dice, LONGEST_ABSENCE).await;
                self.switch_phones(true);
            }
        }
    }

    fn switch_phones(&self, on: bool) {
        self.standin.phone().set_online(on);
        for customer in self.customers {
            customer.set_online(on);
        }
    }
}

/// Waits for one to kill: it may have been killed just now, and not be back yet.
async fn kill_living(find: impl Fn() -> Vec<u32>) {
    until("something to kill", async || (kill_all(&find()) > 0).then_some(())).await;
}

async fn pause(dice: &mut StdRng, longest: Duration) {
    let most = u64::try_from(longest.as_millis()).unwrap();
    tokio::time::sleep(Duration::from_millis(dice.random_range(0..=most))).await;
}
