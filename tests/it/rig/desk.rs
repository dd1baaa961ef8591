//! A whole desk: stand-in, homeserver, server, linked and ready.

use std::fmt::Write as _;

use crm::matrix::Registration;
use testbed::servers::{Synapse, SynapseOptions, free_port};
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
#[expect(clippy::struct_excessive_bools, reason = "each turns something on by itself")]
pub struct Plan {
    pub matrix: bool,
    pub encryption: bool,
    /// Whether it is an application service, and no bot.
    pub service: bool,
    /// Whether the homeserver knows both, so that it can become the other.
    pub movable: bool,
    pub standin: Options,
    pub settings: Settings,
}

impl Plan {
    /// Without Matrix.
    pub fn plain() -> Self {
        Self {
            matrix: false,
            encryption: false,
            service: false,
            movable: false,
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

    /// With a homeserver and two agents, as a bot that can become an application service.
    pub fn movable() -> Self {
        Self {
            matrix: true,
            movable: true,
            ..Self::plain()
        }
    }

    /// With a homeserver, two agents, and customers who are users of their own.
    pub fn as_service() -> Self {
        Self {
            matrix: true,
            service: true,
            ..Self::plain()
        }
    }
}

impl Desk {
    /// Everything started, nothing linked.
    pub async fn start(plan: Plan) -> Self {
        let standin = StandIn::start(plan.standin).await.unwrap();
        let mut settings = plan.settings;
        settings.whatsapp_url = standin.url();
        let registration = (plan.service || plan.movable).then(|| {
            let port = free_port().unwrap();
            settings.port = Some(port);
            registration(port)
        });
        let synapse = if plan.matrix {
            Some(homeserver(registration.as_ref()).await)
        } else {
            None
        };
        if let Some(synapse) = &synapse {
            let service = registration.map(|registration| {
                // Beside the homeserver's own copy; it goes with the homeserver.
                let file = synapse.folder().join("registration-of-crm.yaml");
                std::fs::write(&file, registration.to_yaml().unwrap()).unwrap();
                file.display().to_string()
            });
            settings.matrix = logged_in(synapse, service.as_deref(), plan.service, plan.encryption);
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

impl Desk {
    /// Lets the next start be as a bot that encrypts, without the settings of the application service.
    pub fn lose_service(&self) {
        let synapse = self.synapse.as_ref().expect("a homeserver");
        self.crm.set_matrix(&logged_in(synapse, None, false, true));
    }

    /// Lets the next start be as an application service or as a bot, with the other's settings beside.
    pub fn log_in_as(&self, service: bool, encryption: bool) {
        let synapse = self.synapse.as_ref().expect("a homeserver");
        let file = synapse.folder().join("registration-of-crm.yaml").display().to_string();
        self.crm
            .set_matrix(&logged_in(synapse, Some(&file), service, encryption));
    }
}

/// The settings of Matrix: as an application service or as a bot, with the other's beside if there is a registration.
fn logged_in(synapse: &Synapse, registration: Option<&str>, service: bool, encryption: bool) -> String {
    let mut settings = format!(
        "mode = \"{mode}\"\nhomeserver = {url:?}\nagents = [{ada:?}, {bob:?}]\n",
        mode = if service { "service" } else { "bot" },
        url = synapse.url(),
        ada = synapse.user_id(AGENT),
        bob = synapse.user_id(SECOND_AGENT),
    );
    if let Some(registration) = registration {
        let _ = writeln!(settings, "registration = {registration:?}");
    }
    if !service || registration.is_some() {
        let _ = writeln!(settings, "user = {BOT:?}\npassword = {PASSWORD:?}");
    }
    if !service {
        let _ = writeln!(settings, "encryption = {encryption}");
    }
    settings
}

fn registration(port: u16) -> Registration {
    let tokens = ["token-of-the-service".to_owned(), "token-of-the-homeserver".to_owned()];
    Registration::new(format!("http://127.0.0.1:{port}"), Some("localhost"), tokens)
}

async fn homeserver(registration: Option<&Registration>) -> Synapse {
    let options = SynapseOptions {
        registrations: registration
            .map(|it| serde_json::to_value(it).unwrap())
            .into_iter()
            .collect(),
        ..SynapseOptions::default()
    };
    let synapse = Synapse::start(options).await.unwrap();
    for user in [BOT, AGENT, SECOND_AGENT] {
        synapse.register(user, PASSWORD).await.unwrap();
    }
    synapse
}
