//! Groups through the whole program: mirrored with their members, written to, and shown in rooms.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::agents::{Agent, Client, Content};
use testbed::standin::{Customer, Group};

use crate::rig::PATIENCE;
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};
use crate::rig::files::{self, png};
use crate::rig::socket::Socket;
use crate::rig::told::{rest, told};

#[expect(clippy::too_many_lines, reason = "one browser for the whole life of a group")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn group_is_mirrored_and_can_be_written_to() {
    let desk = Desk::ready(Plan::plain()).await;
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let [ada, bob, eve] = [
        ("Ada", "447700900131"),
        ("Bob", "447700900132"),
        ("Eve", "447700900133"),
    ]
    .map(|(name, number)| desk.standin.customer(name, number));
    let group = desk.standin.group("Bakers", &[&ada, &bob]);

    let stanza = group.write(&ada, "who bakes?");
    let asked = told(&mut socket, "message.received", |data| data["content"] == "who bakes?").await;
    assert_eq!(
        (&asked["author"]["name"], &asked["customer_id"]),
        (&json!("Ada"), &Value::Null)
    );
    assert_eq!(asked["whatsapp_id"], stanza.as_str());
    let theirs = group.write(&bob, "I do");
    let answered = told(&mut socket, "message.received", |data| data["content"] == "I do").await;
    assert_eq!(
        (&answered["author"]["name"], &answered["conversation_id"]),
        (&json!("Bob"), &asked["conversation_id"])
    );

    // Listed, with who is in it.
    let id = asked["conversation_id"].as_i64().unwrap();
    let path = format!("/api/v1/conversations/{id}");
    let is_known = |view: &Value| view["participants"].as_array().is_some_and(|all| all.len() == 3);
    let view = view_until(&desk, &path, is_known).await;
    assert_eq!((&view["kind"], &view["name"]), (&json!("group"), &json!("Bakers")));
    let names: Vec<&str> = view["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(["Ada", "Bob", "You"].iter().all(|name| names.contains(name)), "{view}");
    let listed = desk.crm.lines(&["conversation", "list", "-o", "ndjson"]).await;
    assert!(
        listed.iter().any(|row| row["id"] == id && row["kind"] == "group"),
        "{listed:?}"
    );

    // Written to, with a quote and a name that is called.
    let user = view["participants"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "Bob")
        .unwrap()["user"]
        .clone();
    let text = format!("thank you @{}", user.as_str().unwrap());
    let body = json!({"conversation_id": id, "content": text, "reply_to": asked["id"]});
    let (status, sent) = rest(&desk, Method::POST, "/api/v1/messages", body).await;
    assert_eq!(
        (status, &sent["details"]["mentions"][0]["name"]),
        (202, &json!("Bob")),
        "{sent}"
    );
    for member in [&ada, &bob] {
        let shown = group.received(member, |received| received.text == text);
        let shown = tokio::time::timeout(PATIENCE, shown)
            .await
            .expect("each member's phone shows it");
        assert_eq!(shown.quote.map(|quote| quote.id).as_deref(), Some(stanza.as_str()));
        assert!(
            shown.details["mentionedJidList"]
                .to_string()
                .contains(user.as_str().unwrap()),
            "{}",
            shown.details
        );
    }
    // By name: WhatsApp gets the user in its place, and the desk keeps what was written.
    let body = json!({"conversation_id": id, "content": "and @Bob, too"});
    let (_, by_name) = rest(&desk, Method::POST, "/api/v1/messages", body).await;
    assert_eq!(by_name["content"], "and @Bob, too");
    let out = format!("and @{}, too", user.as_str().unwrap());
    let shown = group.received(&bob, |received| received.text == out);
    let shown = tokio::time::timeout(PATIENCE, shown)
        .await
        .expect("Bob's phone shows it");
    assert!(
        shown.details["mentionedJidList"]
            .to_string()
            .contains(user.as_str().unwrap())
    );
    mentions_cross_in_edits_and_captions(&desk, &mut socket, (&group, &bob, &theirs), (&by_name, &view)).await;
    // Read when all have read it, not before.
    ada.read_all();
    bob.read_all();
    told(&mut socket, "message.state", |data| {
        data["id"] == sent["id"] && data["state"] == "read"
    })
    .await;

    // Who comes, who goes, what it is called.
    group.add(&eve);
    told(&mut socket, "message.received", |data| {
        data["kind"] == "system" && data["details"]["notice"] == "member_added"
    })
    .await;
    view_until(&desk, &path, |view| {
        view["participants"].as_array().is_some_and(|all| all.len() == 4)
    })
    .await;
    group.remove(&bob);
    told(&mut socket, "message.received", |data| {
        data["details"]["notice"] == "member_removed"
    })
    .await;
    group.rename("Night bakers");
    told(&mut socket, "conversation.updated", |data| {
        data["name"] == "Night bakers"
    })
    .await;
    view_until(&desk, &path, |view| {
        view["participants"].as_array().is_some_and(|all| all.len() == 3)
    })
    .await;
}

async fn view_until(desk: &Desk, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let found = async {
        loop {
            let (status, view) = rest(desk, Method::GET, path, Value::Null).await;
            assert_eq!(status, 200, "{view}");
            if wanted(&view) {
                return view;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found)
        .await
        .expect("the group becomes known")
}

/// rule 14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn group_room_names_members_and_takes_answers() {
    if testbed::quick() {
        return;
    }
    let desk = Desk::ready(Plan::with_matrix()).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let agent = Agent::start(Client::Js, &url, AGENT, PASSWORD).await.unwrap();
    let [ada, bob] =
        [("Ada", "447700900131"), ("Bob", "447700900132")].map(|(name, number)| desk.standin.customer(name, number));
    let group = desk.standin.group("Bakers", &[&ada, &bob]);
    group.write(&ada, "who bakes?");
    group.write(&bob, "I do");
    let room = agent.until_room("Bakers", PATIENCE).await.unwrap();
    for (name, text) in [("Ada", "who bakes?"), ("Bob", "I do")] {
        agent
            .until_message(
                &room.room_id,
                |message| message.body().contains(text) && message.body().contains(name),
                PATIENCE,
            )
            .await
            .unwrap();
    }
    agent.send(&room.room_id, Content::text("good luck")).await.unwrap();
    for member in [&ada, &bob] {
        let shown = group.received(member, |received| received.text == "good luck");
        tokio::time::timeout(PATIENCE, shown)
            .await
            .expect("each member's phone shows it");
    }
}

/// Edits a message of ours and one of theirs so that they mention Ada, and sends a file whose caption does.
async fn mentions_cross_in_edits_and_captions(
    desk: &Desk,
    socket: &mut Socket,
    (group, bob, theirs): (&Group, &Customer, &str),
    (ours, view): (&Value, &Value),
) {
    let members = view["participants"].as_array().unwrap();
    let ada = members.iter().find(|one| one["name"] == "Ada").unwrap()["user"]
        .as_str()
        .unwrap();
    let path = format!("/api/v1/messages/{}", ours["id"]);
    rest(desk, Method::PATCH, &path, json!({"content": "or @Ada, rather"})).await;
    let out = format!("or @{ada}, rather");
    let shown = group.received(bob, |received| received.text == out && received.edited);
    tokio::time::timeout(PATIENCE, shown)
        .await
        .expect("Bob's phone shows the edit");
    let edited = told(socket, "message.edited", |_| true).await;
    assert_eq!(
        (
            &edited["id"],
            &edited["content"],
            &edited["details"]["mentions"][0]["name"]
        ),
        (&ours["id"], &json!("or @Ada, rather"), &json!("Ada"))
    );
    // Theirs is the next that is told: the page's word of ours, which has digits in place of the name, is no second edit.
    group.edit(bob, theirs, &format!("I do, @{ada}"));
    let edited = told(socket, "message.edited", |_| true).await;
    assert_eq!(
        (&edited["whatsapp_id"], &edited["details"]["mentions"][0]["name"]),
        (&json!(theirs), &json!("Ada"))
    );
    let folder = desk.crm.folder();
    let path = files::write(folder, "list.png", &png()).display().to_string();
    let to = format!("conversation:{}", ours["conversation_id"]);
    let sent = desk
        .crm
        .lines(&["send", &to, "for @Ada", "--file", &path, "-o", "ndjson"])
        .await;
    let out = format!("for @{ada}");
    let shown = group.received(bob, |received| received.text == out);
    let shown = tokio::time::timeout(PATIENCE, shown)
        .await
        .expect("Bob's phone shows the file");
    assert!(
        shown.details["mentionedJidList"].to_string().contains(ada),
        "{}",
        shown.details
    );
    let path = format!("/api/v1/messages/{}", sent[0]["id"]);
    let (_, stored) = rest(desk, Method::GET, &path, Value::Null).await;
    assert_eq!(stored["content"], "for @Ada");
}
