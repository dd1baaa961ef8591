//! Pictures of customers and groups, over the stand-in: found, followed, and gone when they are taken away.

use reqwest::Method;
use serde_json::Value;
use testbed::agents::{Agent, Client};

use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};
use crate::rig::files::{png, webp};
use crate::rig::socket::Socket;
use crate::rig::told::{rest, told};
use crate::rig::{PATIENCE, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customer_avatar_follows_whatsapp() {
    let mut plan = Plan::plain();
    // AvatarTimes up all the time, so that a change is found at once.
    plan.settings.top = "[media]\navatars = \"1s\"\n".to_owned();
    let desk = Desk::ready(plan).await;
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let ada = desk.standin.customer("Ada", "447700900145");
    ada.set_picture("image/png", png());
    ada.write("hello");
    let shown = looks(&mut socket, Value::is_string).await;
    assert_eq!(
        served(&desk, &shown["photo_url"]).await,
        ("image/png".to_owned(), png())
    );

    ada.remove_picture();
    let gone = looks(&mut socket, Value::is_null).await;
    assert_eq!(gone["id"], shown["id"]);
}

/// The customer, once they are told with such a picture.
async fn looks(socket: &mut Socket, wanted: impl Fn(&Value) -> bool) -> Value {
    let told = socket.event(|event| event["t"] == "customer.updated" && wanted(&event["d"]["photo_url"]));
    told.await["d"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn group_avatar_follows_whatsapp() {
    let desk = Desk::ready(Plan::plain()).await;
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let ada = desk.standin.customer("Ada", "447700900146");
    let group = desk.standin.group("Bakers", &[&ada]);
    group.set_picture("image/png", png());
    group.write(&ada, "who bakes?");
    let asked = told(&mut socket, "message.received", |data| data["content"] == "who bakes?").await;
    let path = format!("/api/v1/conversations/{}", asked["conversation_id"]);
    let first = looks_like(&desk, &path, &png()).await;

    // What is told of the group has it looked at again, long before its turn.
    group.set_picture("image/webp", webp());
    let second = looks_like(&desk, &path, &webp()).await;
    assert_ne!(first, second);
}

/// The address of the group's picture, once it is this one.
async fn looks_like(desk: &Desk, path: &str, picture: &[u8]) -> Value {
    until("the group's picture", async || {
        let (_, view) = rest(desk, Method::GET, path, Value::Null).await;
        let url = view["photo_url"].clone();
        let is_it = url.is_string() && served(desk, &url).await.1 == picture;
        is_it.then_some(url)
    })
    .await
}

/// The type and the bytes of a picture of ours.
async fn served(desk: &Desk, url: &Value) -> (String, Vec<u8>) {
    let answer = reqwest::Client::new()
        .get(format!("{}{}", desk.crm.url, url.as_str().unwrap()))
        .bearer_auth(desk.crm.admin_key())
        .send()
        .await
        .unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (kind, answer.bytes().await.unwrap().to_vec())
}

/// With an application service the customer's room has their picture, too, for as long as they have one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_shows_customers_picture_and_loses_it() {
    if testbed::quick() {
        return;
    }
    let mut plan = Plan::as_service();
    plan.settings.top = "[media]\navatars = \"1s\"\n".to_owned();
    let desk = Desk::ready(plan).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let agent = Agent::start(Client::Nio, &url, AGENT, PASSWORD).await.unwrap();
    let ada = desk.standin.customer("Ada", "447700900147");
    ada.set_picture("image/png", png());
    ada.write("hello");
    let room = agent.until_room("Ada", PATIENCE).await.unwrap().room_id;
    let avatar = async || agent.state(&room, "m.room.avatar", "").await.unwrap()["url"].clone();
    until("the room's picture", async || {
        let shown = avatar().await;
        shown
            .as_str()
            .is_some_and(|url| url.starts_with("mxc://localhost/"))
            .then_some(())
    })
    .await;
    ada.remove_picture();
    until("no picture", async || avatar().await.is_null().then_some(())).await;
}
