//! Who kills meanwhile.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use testbed::servers::Synapse;
use testbed::standin::StandIn;

use super::Measure;
use crate::rig::crm::{Crm, kill_all};
use crate::rig::until;

/// Between two kills, at the most.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Server,
    Browser,
    Driver,
    Homeserver,
    Page,
}

/// How often each part was hit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kills {
    pub server: usize,
    pub browser: usize,
    pub driver: usize,
    pub homeserver: usize,
    pub page: usize,
}

pub async fn kill(
    crm: &mut Crm,
    synapse: &mut Synapse,
    standin: &StandIn,
    measure: Measure,
    mut dice: StdRng,
) -> Kills {
    let all = [Part::Server, Part::Browser, Part::Driver, Part::Homeserver, Part::Page];
    let mut order: Vec<Part> = all.iter().copied().cycle().take(all.len() * measure.kills).collect();
    order.shuffle(&mut dice);
    let mut kills = Kills::default();
    for part in order {
        let most = u64::try_from(LONGEST_PAUSE.as_millis()).unwrap();
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..=most))).await;
        match part {
            Part::Server => {
                crm.kill_9();
                crm.serve().await;
                kills.server += 1;
            }
            Part::Browser => kills.browser += kill_living(|| crm.browsers()).await,
            Part::Driver => kills.driver += kill_living(|| crm.drivers()).await,
            Part::Homeserver => {
                synapse.kill_9();
                synapse.restart().await.unwrap();
                kills.homeserver += 1;
            }
            Part::Page => {
                standin.reload_pages();
                kills.page += 1;
            }
        }
    }
    kills
}

/// Waits for one to kill: it may have been killed just now, and not be back yet.
async fn kill_living(find: impl Fn() -> Vec<u32>) -> usize {
    until("something to kill", async || {
        let killed = kill_all(&find());
        (killed > 0).then_some(killed)
    })
    .await
}
