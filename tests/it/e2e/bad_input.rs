//! What customers send that is odd, broken or too much: kept or refused with a reason, and never in the way of what comes after.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::standin::{AttachmentKind, Draft, NewCustomer, Received};

use crate::rig::PATIENCE;
use crate::rig::desk::{Desk, Plan};
use crate::rig::files::noise;
use crate::rig::media::{attachment, exported, stored};
use crate::rig::socket::Socket;
use crate::rig::told::{rest, told};
use crate::rig::until;

const NUMBER: &str = "447700900170";
const TO: &str = "+447700900170";
/// Written at once while nobody listens.
const MANY: usize = 500;

async fn heard(socket: &mut Socket, stanza: &str) -> Value {
    told(socket, "message.received", |data| data["whatsapp_id"] == stanza).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_input_is_kept_and_delays_nothing() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;

    // 4,000 emoji, each of several characters, both ways.
    let emoji = "\u{1f469}\u{200d}\u{1f680}".repeat(4_000);
    let said = heard(&mut socket, &customer.write(&emoji)).await;
    assert_eq!(said["content"], emoji.as_str());
    let (status, sent) = rest(
        &desk,
        Method::POST,
        "/api/v1/messages",
        json!({ "to": TO, "content": emoji }),
    )
    .await;
    assert_eq!(status, 202, "{sent}");
    let shown = customer.received(|received: &Received| received.text == emoji);
    tokio::time::timeout(PATIENCE, shown)
        .await
        .expect("the phone shows them all");

    // A reply to what nobody knows.
    let reply = heard(&mut socket, &customer.reply("3EB0DOESNOTEXIST", "as I said")).await;
    assert_eq!(
        (&reply["reply_to"], &reply["details"]["quote"]["whatsapp_id"]),
        (&Value::Null, &json!("3EB0DOESNOTEXIST"))
    );
    // A reaction to nothing, and a vote in no poll.
    customer.react("3EB0DOESNOTEXIST", "👍");
    customer.vote("3EB0DOESNOTEXIST", &["yes"]);
    // An edit of a deleted message.
    let gone = customer.write("gone");
    let row = heard(&mut socket, &gone).await;
    customer.delete(&gone);
    told(&mut socket, "message.deleted", |data| data["id"] == row["id"]).await;
    customer.edit(&gone, "and back");

    // Times at zero, before there was WhatsApp, and in ten years.
    for t in [0, 1, 4_102_444_800] {
        let stanza = customer.send(Draft {
            t: Some(t),
            ..Draft::text(&format!("written at {t}"))
        });
        let at = heard(&mut socket, &stanza).await["timestamp"]
            .as_str()
            .unwrap()
            .to_owned();
        let at: jiff::Timestamp = at.parse().unwrap();
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        assert!((at.as_second() - now).abs() < 300, "{t} counts as now, and not as {at}");
    }

    // A picture that is none, of sizes that no picture has.
    let fields = json!({ "width": 4_000_000_000_u32, "height": -1 });
    let stanza = customer.send(Draft {
        fields: fields.as_object().unwrap().clone(),
        ..Draft::attachment(attachment(AttachmentKind::Image, "image/png", noise(3_000, 71)))
    });
    let medium = stored(&mut socket, &stanza).await;
    assert!(
        medium["details"]["width"].is_null() && medium["details"]["height"].is_null(),
        "{medium}"
    );
    let url = format!("{}{}", desk.crm.url, medium["media"]["url"].as_str().unwrap());
    let request = reqwest::Client::new().get(url).bearer_auth(desk.crm.admin_key());
    let answer = request.send().await.unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "application/octet-stream",
        "what it says is not believed"
    );
    assert!(
        answer.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );

    // Still there, and in order.
    let last = heard(&mut socket, &customer.write("and on we go")).await;
    assert_eq!(last["content"], "and on we go");
    let row = exported(&desk)
        .await
        .into_iter()
        .find(|row| row["whatsapp_id"] == gone.as_str())
        .unwrap();
    assert_eq!(row["content"], "gone", "what is deleted is not edited any more");
    assert!(!desk.crm.log().contains("panicked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_name_is_cleaned_flood_is_kept_whole() {
    let desk = Desk::ready(Plan::plain()).await;
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let mallory = NewCustomer {
        username: Some("mal\u{202e}lory".into()),
        ..NewCustomer::by_lid("Mal\u{202e}lory\u{1b}[31m\u{0}\n\u{7}", NUMBER, "88000170")
    };
    let mallory = desk.standin.add_customer(mallory);
    let hello = heard(&mut socket, &mallory.write("hello")).await;
    let marks = |text: &str| {
        text.chars()
            .any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c))
    };
    assert!(!marks(hello["author"]["name"].as_str().unwrap()), "{hello}");
    for row in desk.crm.lines(&["export", "customers", "--format", "ndjson"]).await {
        let name = row["name"].as_str().unwrap();
        assert!(name.starts_with("Mal") && !marks(name), "{row}");
    }
    let listed = desk.crm.run(&["customer", "list"]).await;
    assert!(!listed.stdout.contains(&0x1b), "the terminal obeys nobody's name");
    // Nor does one without anything to be seen.
    mallory.rename("\u{200b}\u{202e}\u{7}", None);
    let nameless = heard(&mut socket, &mallory.write("who am I?")).await;
    assert!(
        !nameless["author"]["name"].as_str().unwrap().trim().is_empty(),
        "{nameless}"
    );

    // All at once, in one go after an absence.
    desk.standin.page_online(false);
    let texts: Vec<String> = (0..MANY).map(|n| format!("flood {n}")).collect();
    mallory.write_many(&texts);
    desk.standin.page_online(true);
    let flood = until("the whole flood", async || {
        let rows = exported(&desk).await.into_iter();
        let flood: Vec<String> = rows
            .filter_map(|row| Some(row["content"].as_str()?.to_owned()))
            .filter(|text| text.starts_with("flood"))
            .collect();
        (flood.len() >= MANY).then_some(flood)
    })
    .await;
    assert_eq!(flood, texts, "each once, in their order");
}
