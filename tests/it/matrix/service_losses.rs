//! What the homeserver never pushes, or says that it has pushed: it is asked for, and comes before what is newer.

use crm::domain::matrix::Matrix as _;
use testbed::agents::{Client, Content};
use testbed::quick;

use super::desk::{SOON, ada, person, spec, text};
use super::service_desk::{ServiceDesk, homeserver};

/// More than one answer of a sync holds of a room.
const MANY: usize = 60;

/// Rule 17. A homeserver that is killed may forget what it had in memory. Here it is told that each push arrived.
#[tokio::test]
async fn lost_pushes_come_in_order_after_absence() {
    if quick() {
        return;
    }
    let (mut synapse, options, port) = homeserver().await;
    let nils = person(&synapse, Client::Nio, "nils").await;
    let desk = ServiceDesk::follow(options, port, None).await;
    let room = desk.service.ensure_room(&spec("crm_ada", &[&nils])).await.unwrap();
    nils.until_room("Ada", SOON).await.unwrap();
    desk.say(&room, &ada(), "q1", &text("how much?")).await;
    let write = async |body: &str| drop(nils.send(room.as_str(), Content::text(body)).await.unwrap());
    write("before").await;
    desk.until_text("before").await;
    // While the homeserver is killed, and it alone.
    desk.swallow(true);
    for number in 0..MANY {
        write(&format!("lost {number}")).await;
    }
    desk.until_swallowed(&format!("lost {}", MANY - 1)).await;
    synapse.kill_9();
    desk.swallow(false);
    synapse.restart().await.unwrap();
    write("after").await;
    desk.until_text("after").await;
    let lost = |what: &'static str| (0..MANY).map(move |number| format!("{what} {number}"));
    let expected: Vec<String> = ["before".to_owned()]
        .into_iter()
        .chain(lost("lost"))
        .chain(["after".to_owned()])
        .collect();
    assert_eq!(desk.texts(), expected);
    // While we are away.
    desk.swallow(true);
    write("lost again").await;
    desk.until_swallowed("lost again").await;
    let (options, port, kept) = desk.stop().await;
    write("while we are away").await;
    let desk = ServiceDesk::follow(options, port, kept).await;
    write("at last").await;
    desk.until_text("at last").await;
    assert_eq!(desk.texts(), ["lost again", "while we are away", "at last"]);
}
