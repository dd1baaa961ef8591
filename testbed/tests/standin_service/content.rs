//! What messages carry besides a text: files, where they lie and how they are lost, votes, timers, and things that move.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testbed::standin::{Attachment, AttachmentKind, Corruption, Draft, StandIn};

use crate::page::Page;
use crate::standin;

const FILE: &[u8] = b"one loaf, sliced";
const KEY: &str = "a2V5";
/// How many bytes seal a file.
const SEAL: usize = 10;

fn hash(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

fn sealed(file: &[u8]) -> Vec<u8> {
    let seal = Sha256::new_with_prefix(KEY)
        .chain_update(Sha256::digest(file))
        .finalize();
    [file, &seal[..SEAL]].concat()
}

fn order() -> Attachment {
    Attachment {
        filename: Some("order.txt".to_owned()),
        caption: Some("my order".to_owned()),
        ..Attachment::new(AttachmentKind::Document, "text/plain", FILE)
    }
}

/// What is under a path: the file and its seal, or the status that says why not.
async fn fetched(standin: &StandIn, path: &Value) -> Result<Vec<u8>, u16> {
    let url = standin.url() + path.as_str().expect("a path").trim_start_matches('/');
    let response = reqwest::get(url).await.expect("the service answers");
    if response.status() != 200 {
        return Err(response.status().as_u16());
    }
    Ok(response.bytes().await.expect("a body").to_vec())
}

async fn uploaded(standin: &StandIn, credential: &Value, body: Vec<u8>) -> Result<Value, u16> {
    let secret = credential["secret"].as_str().expect("text");
    let url = format!(
        "{}mms/document?device={}&secret={secret}",
        standin.url(),
        credential["device"]
    );
    let response = reqwest::Client::new().post(url).body(body).send().await;
    let response = response.expect("the service answers");
    if response.status() != 200 {
        return Err(response.status().as_u16());
    }
    Ok(response.json().await.expect("JSON"))
}

#[tokio::test]
async fn customer_file_has_hash_and_sealed_bytes() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    ann.send(Draft::attachment(order()));
    let stanza = page.message("document").await;
    let fields = &stanza["body"]["fields"];
    assert_eq!(stanza["text"], "my order");
    assert_eq!(fields["filename"], "order.txt");
    assert_eq!(fields["size"], FILE.len());
    assert_eq!(fields["filehash"], hash(FILE));
    let stored = fetched(&standin, &fields["directPath"]).await.expect("it is there");
    assert_eq!(&stored[..FILE.len()], FILE);
    assert_eq!(stored.len(), FILE.len() + SEAL);
    assert_eq!(fields["encFilehash"], hash(&stored));
}

#[tokio::test]
async fn upload_needs_linked_page_and_seal() {
    let standin = standin().await;
    let credential = Page::link(&standin).await;
    let stranger = json!({ "device": credential["device"], "secret": "guess" });
    assert_eq!(uploaded(&standin, &stranger, sealed(FILE)).await, Err(403));
    assert_eq!(uploaded(&standin, &credential, b"short".to_vec()).await, Err(400));
    let answer = uploaded(&standin, &credential, sealed(FILE)).await.expect("it is kept");
    assert_eq!(answer["enc_filehash"], hash(&sealed(FILE)));
    standin.page_online(false);
    assert_eq!(uploaded(&standin, &credential, sealed(FILE)).await, Err(503));
    assert_eq!(fetched(&standin, &answer["direct_path"]).await, Err(503));
}

#[tokio::test]
async fn phone_shows_only_file_that_fits_message() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, credential) = Page::ready(&standin).await;
    let answer = uploaded(&standin, &credential, sealed(FILE)).await.expect("it is kept");
    let say = |id: &'static str, filehash: String, key: &'static str| {
        let fields = json!({ "mimetype": "text/plain", "filename": "list.txt", "directPath": answer["direct_path"],
            "mediaKey": key, "filehash": filehash, "size": FILE.len() });
        json!({ "op": "message", "kind": "text", "to": ann.chat(), "id": id, "text": "the list",
            "body": { "type": "document", "fields": fields } })
    };
    page.say(say("3EB01", hash(FILE), KEY)).await;
    page.say(say("3EB02", hash(b"another"), KEY)).await;
    page.say(say("3EB03", hash(FILE), "b3RoZXI=")).await;
    while page.until("sent").await["id"] != "3EB03" {}
    let inbox = ann.inbox();
    let shown: Vec<_> = inbox.iter().map(|received| received.attachment.as_ref()).collect();
    let first = shown[0].expect("the file is shown");
    assert_eq!(first.bytes, FILE);
    assert_eq!(first.kind, AttachmentKind::Document);
    assert_eq!(
        [first.filename.as_deref(), first.caption.as_deref()],
        [Some("list.txt"), Some("the list")]
    );
    assert_eq!([shown[1], shown[2]], [None, None]);
    assert_eq!(inbox[1].kind, "document");
    assert_eq!(standin.accepted()[0].kind, "document");
}

#[tokio::test]
async fn online_phone_uploads_expired_file_again() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    let id = ann.send(Draft::attachment(order()));
    let path = page.message("document").await["body"]["fields"]["directPath"].clone();
    standin.expire_media(&id);
    assert_eq!(fetched(&standin, &path).await, Err(404));
    page.say(json!({ "op": "media_retry", "n": 1, "path": path })).await;
    assert_eq!(page.until("answer").await["error"], "no phone has it any more");
    standin.restore_media(&id);
    assert!(fetched(&standin, &path).await.is_ok());
    standin.expire_media_until_asked(&id);
    standin.phone().set_online(false);
    page.say(json!({ "op": "media_retry", "n": 2, "path": path })).await;
    page.say(json!({ "op": "exists", "n": 3, "jid": ann.chat() })).await;
    assert_eq!(page.until("answer").await["n"], 3, "a phone that is off says nothing");
    standin.phone().set_online(true);
    page.say(json!({ "op": "media_retry", "n": 4, "path": path })).await;
    let answer = page.until("answer").await;
    assert!(fetched(&standin, &answer["result"]).await.is_ok());
    assert_eq!(fetched(&standin, &path).await, Err(404));
    standin.expire_media(&id);
    assert_eq!(fetched(&standin, &answer["result"]).await, Err(404));
}

/// The seal fits what the sender uploaded wrongly, and not what was altered afterwards.
#[tokio::test]
async fn corrupt_file_keeps_or_breaks_its_seal() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    for (how, length, seal_fits) in [
        (Corruption::WrongHash, FILE.len(), true),
        (Corruption::Truncated, FILE.len() / 2, true),
        (Corruption::Empty, 0, true),
        (Corruption::Damaged, FILE.len(), false),
    ] {
        let id = ann.send(Draft::attachment(order()));
        let fields = page.message("document").await["body"]["fields"].clone();
        standin.corrupt_media(&id, how);
        let stored = fetched(&standin, &fields["directPath"]).await.expect("it is there");
        let (file, seal) = stored.split_at(stored.len() - SEAL);
        assert_eq!(file.len(), length, "{how:?}");
        assert_ne!(fields["filehash"], hash(file));
        let key = fields["mediaKey"].as_str().expect("text");
        let right = Sha256::new_with_prefix(key)
            .chain_update(Sha256::digest(file))
            .finalize();
        assert_eq!(right[..SEAL] == *seal, seal_fits, "{how:?}");
    }
}

#[tokio::test]
async fn last_vote_counts_unknown_poll_gets_votes() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    let id = ann.send(Draft::poll("Which?", &["Apple", "Plum"], 1));
    page.message("poll_creation").await;
    ann.vote(&id, &["Apple"]);
    ann.vote(&id, &["Plum"]);
    ann.vote("NO-SUCH-POLL", &["Plum"]);
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let stanza = page.until("stanza").await["stanza"].clone();
        heard.push((stanza["target"].clone(), stanza["options"].clone()));
    }
    assert_eq!(
        heard,
        [
            (json!(id), json!([0])),
            (json!(id), json!([1])),
            (json!("NO-SUCH-POLL"), json!([0])),
        ]
    );
    page.say(
        json!({ "op": "message", "kind": "vote", "to": ann.chat(), "id": "3EB01", "target": id,
        "target_from_me": false, "options": [0, 1], "text": "Apple, Plum" }),
    )
    .await;
    page.until("sent").await;
    let poll = &standin.phone().chat(ann.id())[0];
    let names: Vec<_> = poll.votes.values().map(|vote| vote.names.join(" and ")).collect();
    assert_eq!(names, ["Apple and Plum", "Plum"]);
}

#[tokio::test]
async fn live_location_moves_also_in_history() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    let id = ann.send(Draft::live_location(51.5, -0.12, 900));
    assert_eq!(page.message("location").await["body"]["fields"]["sequence"], 1);
    ann.move_to(&id, 51.6, -0.13);
    let update = page.until("stanza").await["stanza"].clone();
    assert_eq!([&update["kind"], &update["target"]], [&json!("update"), &json!(id)]);
    assert_eq!(update["fields"], json!({ "lat": 51.6, "lng": -0.13, "sequence": 2 }));
    let credential = Page::link(&standin).await;
    let mut later = Page::log_in(&standin, &credential).await;
    let chunk = later.until("history").await["chunk"].clone();
    let fields = &chunk["chats"][0]["messages"][0]["body"]["fields"];
    assert_eq!([&fields["lat"], &fields["isLive"]], [&json!(51.6), &json!(true)]);
}

#[tokio::test]
async fn timer_is_announced_and_applies_afterwards() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    ann.set_disappearing(86_400);
    let notice = page.message("protocol").await["body"]["fields"].clone();
    assert_eq!(
        [&notice["subtype"], &notice["ephemeralDuration"]],
        [&json!("ephemeral_setting"), &json!(86_400)]
    );
    ann.write("gone tomorrow");
    let of_text = |stanza: Value| stanza["body"]["fields"]["ephemeralDuration"].clone();
    assert_eq!(of_text(page.message("chat").await), 86_400);
    ann.send(Draft {
        expires_after_s: Some(5),
        ..Draft::text("gone soon")
    });
    assert_eq!(of_text(page.message("chat").await), 5);
    ann.set_disappearing(0);
    ann.write("stays");
    assert!(of_text(page.message("chat").await).is_null());
    let thread = |world: &testbed::standin::World| world.thread(standin.phone().id(), ann.id()).map(|t| t.unread);
    assert_eq!(standin.look(thread), Some(3), "a notice is not unread");
}
