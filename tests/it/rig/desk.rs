//! A whole desk: stand-in, homeserver, server, linked and ready.

use testbed::servers::{Synapse, SynapseOptions};
use testbed::standin::{Options, StandIn};

use super::crm::{Crm, Settings};

pub const AGENT: &str = "ada";
pub const SECOND_AGENT: &str = "bob";
pub const PASSWORD: &str = "correct horse";
const BOT: &str = "desk";

pub struct Desk {
    // Dropped in this order: the server first.
    pub crm: Crm,
    pub synapse: Option<Synapse>,
    pub standin: StandIn,
}

/// What kind of desk.
#[derive(Clone, Debug)]
pub struct Plan {
    pub matrix: bool,
    pub encryption: bool,
    pub standin: Options,
    pub settings: Settings,
}

impl Plan {
    /// Without Matrix.
    pub fn plain() -> Self {
        Self {
            matrix: false,
            encryption: false,
            standin: Options::default(),
            settings: Settings::default(),
        }
    }

    /// With a homeserver and two agents.
    pub fn with_matrix() -> Self {
        Self {
            matrix: true,
            encryption: true,
            ..Self::plain()
        }
    }
}

impl Desk {
    /// Everything started, nothing linked.
    pub async fn start(plan: Plan) -> Self {
        let standin = StandIn::start(plan.standin).await.unwrap();
        let synapse = if plan.matrix { Some(homeserver().await) } else { None };
        let mut settings = plan.settings;
        settings.whatsapp_url = standin.url();
        if let Some(synapse) = &synapse {
            settings.matrix = format!(
                "homeserver = {url:?}\nuser = {BOT:?}\npassword = {PASSWORD:?}\nagents = [{ada:?}, {bob:?}]\nencryption = {encryption}\n",
                url = synapse.url(),
                ada = synapse.user_id(AGENT),
                bob = synapse.user_id(SECOND_AGENT),
                encryption = plan.encryption,
            );
        }
        let mut crm = Crm::new(&settings);
        crm.serve().await;
        Self { crm, synapse, standin }
    }

    /// Everything started, and the phone has scanned.
    pub async fn ready(plan: Plan) -> Self {
        let desk = Self::start(plan).await;
        desk.crm.login(&desk.standin.phone()).await;
        desk.crm.until_ready().await;
        desk
    }
}

async fn homeserver() -> Synapse {
    let synapse = Synapse::start(SynapseOptions::default()).await.unwrap();
    for user in [BOT, AGENT, SECOND_AGENT] {
        synapse.register(user, PASSWORD).await.unwrap();
    }
    synapse
}
