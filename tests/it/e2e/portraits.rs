//! Profile pictures, over the stand-in: found, followed, and gone when they are taken away.

use serde_json::Value;

use crate::rig::desk::{Desk, Plan};
use crate::rig::files::png;
use crate::rig::socket::Socket;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_picture_is_there_byte_for_byte_and_follows_what_they_show() {
    let mut plan = Plan::plain();
    // Looked up all the time, so that a change is found at once.
    plan.settings.top = "[media]\nportraits = \"1s\"\n".to_owned();
    let desk = Desk::ready(plan).await;
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let ada = desk.standin.customer("Ada", "447700900145");
    ada.set_picture("image/png", png());
    ada.write("hello");
    let shown = looks(&mut socket, Value::is_string).await;
    let answer = reqwest::Client::new()
        .get(format!("{}{}", desk.crm.url, shown["photo_url"].as_str().unwrap()))
        .bearer_auth(desk.crm.admin_key())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert!(answer.bytes().await.unwrap() == png());

    ada.remove_picture();
    let gone = looks(&mut socket, Value::is_null).await;
    assert_eq!(gone["id"], shown["id"]);
}

/// The customer, once they are told with such a picture.
async fn looks(socket: &mut Socket, wanted: impl Fn(&Value) -> bool) -> Value {
    let told = socket.event(|event| event["t"] == "customer.updated" && wanted(&event["d"]["photo_url"]));
    told.await["d"].clone()
}
