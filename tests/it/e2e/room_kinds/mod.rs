//! Every kind of message between the phone and a room, both ways, in each mode, against a real homeserver.
//!
//! | | bot, encrypted | bot, plain | application service |
//! |---|---|---|---|
//! | client of the agent | matrix-js-sdk | matrix-nio | matrix-js-sdk |
//! | client of a colleague | matrix-sdk-ui | matrix-sdk-ui | matrix-sdk-ui |
//! | customer is | the bot, with the name before the words | the same | a user of their own |

mod changes;
mod files;
mod specials;

use std::collections::HashMap;

use testbed::agents::{Agent, Client, Content, Message};
use testbed::standin::Customer;

use crate::rig::PATIENCE;
use crate::rig::crm::Settings;
use crate::rig::customers::phone_shows;
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan, SECOND_AGENT};
use crate::rig::room_files::RoomFiles;

const NUMBER: &str = "447700900140";
const NAME: &str = "Ada Lovelace";

/// How a customer is shown.
pub struct Mode {
    encryption: bool,
    service: bool,
    client: Client,
    /// User who sends what the customer says.
    speaker: &'static str,
}

const MODES: [Mode; 3] = [
    Mode {
        encryption: true,
        service: false,
        client: Client::Js,
        speaker: "@desk:localhost",
    },
    Mode {
        encryption: false,
        service: false,
        client: Client::Nio,
        speaker: "@desk:localhost",
    },
    Mode {
        encryption: false,
        service: true,
        client: Client::Js,
        speaker: "@wa_1:localhost",
    },
];

impl Mode {
    /// Returns what a room shows of a customer's words.
    fn said(&self, words: &str) -> String {
        if self.service {
            words.to_owned()
        } else {
            format!("{NAME}: {words}")
        }
    }

    fn plan(&self) -> Plan {
        let Self {
            encryption, service, ..
        } = *self;
        Plan {
            encryption,
            service,
            settings: Settings {
                // In one mode, for agents who type: before each text it takes its time.
                typing: service,
                ..Settings::default()
            },
            ..Plan::with_matrix()
        }
    }
}

/// A customer, an agent, and what is between them.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    desk: &'a Desk,
    agent: &'a Agent,
    customer: &'a Customer,
    room: &'a str,
    mode: &'a Mode,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_crosses_both_ways_in_each_mode() {
    if testbed::quick() {
        return;
    }
    for mode in &MODES {
        let desk = Desk::ready(mode.plan()).await;
        let synapse = desk.synapse.as_ref().unwrap();
        let agent = Agent::start(mode.client, &synapse.url(), AGENT, PASSWORD)
            .await
            .unwrap();
        let url = synapse.url();
        let colleague = Agent::start(Client::ElementX, &url, SECOND_AGENT, PASSWORD)
            .await
            .unwrap();
        let files = RoomFiles::of(synapse, &agent).await;
        let customer = desk.standin.customer(NAME, NUMBER);
        let room = files::customers_files_are_shown(&customer, &agent, &files, mode).await;
        let scene = Scene {
            desk: &desk,
            agent: &agent,
            customer: &customer,
            room: &room,
            mode,
        };
        files::agents_files_reach_phone(&scene, &files).await;
        changes::changes_cross(&scene).await;
        specials::typing_is_shown(&scene).await;
        specials::contacts_cross(&scene, &files).await;
        specials::polls_cross(&scene).await;
        specials::client_knows_how_far_messages_are(&scene).await;
        colleague_shows_the_same(&scene, &colleague).await;
        no_shield_is_red(&agent, &room);
        no_shield_is_red(&colleague, &room);
    }
}

/// Element X's core shows each message with its latest words, and what is written there reaches the phone.
async fn colleague_shows_the_same(scene: &Scene<'_>, colleague: &Agent) {
    let Scene {
        agent, customer, room, ..
    } = *scene;
    let words: HashMap<String, String> = agent.look(|mirror| {
        let mut words = HashMap::new();
        for message in mirror.messages(room) {
            let edited = message.related("m.replace").map(str::to_owned);
            let body = match &edited {
                Some(_) => message.content["m.new_content"]["body"].as_str().unwrap_or_default(),
                None => message.body(),
            };
            if message.kind == "m.room.message" && !message.redacted {
                words.insert(edited.unwrap_or_else(|| message.event_id.clone()), body.to_owned());
            }
        }
        words
    });
    assert!(words.len() > 10, "{words:?}");
    for (event, body) in &words {
        let is_shown = |message: &Message| message.event_id == *event && message.readable && message.body() == body;
        colleague.until_message(room, is_shown, PATIENCE).await.unwrap();
    }
    colleague.send(room, Content::text("from Element X")).await.unwrap();
    phone_shows(customer, "from Element X").await;
}

/// Warnings that clients would show.
fn no_shield_is_red(agent: &Agent, room: &str) {
    agent.look(|mirror| {
        for message in mirror.messages(room) {
            let colour = message.shield.as_ref().map(|shield| shield.colour.as_str());
            assert_ne!(colour, Some("red"), "{message:?}");
        }
    });
}
