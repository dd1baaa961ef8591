//! Files between the phone and Element, both ways and byte for byte.

use serde_json::{Value, json};
use testbed::agents::{Agent, Content, Message};
use testbed::standin::{Attachment, AttachmentKind, Customer, Draft};

use super::{Mode, Scene};
use crate::rig::files::{large_png, mp4, noise, opus, png, sha256, wav, webp};
use crate::rig::media::attachment;
use crate::rig::room_files::RoomFiles;
use crate::rig::{PATIENCE, until};

/// Side of the large picture, in pixels.
const SIDE: u32 = 400;
/// Largest side of a thumbnail, in pixels.
const SMALL: u32 = 320;
/// Side of the still picture that a phone sends with a video, in pixels.
const PREVIEW: u32 = 1;

/// The customer's files are in the room, byte for byte, each with what a client needs to draw it. Returns the room.
pub async fn customers_files_are_shown(customer: &Customer, agent: &Agent, files: &RoomFiles, mode: &Mode) -> String {
    let encryption = mode.encryption;
    let sent = [
        (
            Attachment {
                caption: Some("my cake".into()),
                width: Some(SIDE),
                height: Some(SIDE),
                ..attachment(AttachmentKind::Image, "image/png", large_png())
            },
            "m.image",
            "my cake",
        ),
        (
            Attachment {
                seconds: Some(75),
                ..attachment(AttachmentKind::Video, "video/mp4", mp4(40_000, 2))
            },
            "m.video",
            "video-",
        ),
        (
            Attachment {
                seconds: Some(12),
                waveform: (0..64).collect(),
                ..attachment(AttachmentKind::Voice, "audio/ogg; codecs=opus", opus(8_000, 4))
            },
            "m.audio",
            "voice-",
        ),
        (
            Attachment {
                filename: Some("prices é.pdf".into()),
                ..attachment(AttachmentKind::Document, "application/pdf", noise(1_500_000, 5))
            },
            "m.file",
            "prices é.pdf",
        ),
        (
            attachment(AttachmentKind::Sticker, "image/webp", webp()),
            "m.image",
            "sticker-",
        ),
    ];
    for (file, _, _) in &sent {
        customer.send(Draft::attachment(file.clone()));
    }
    customer.write("that was all");
    let room = agent.until_room("Ada Lovelace", PATIENCE).await.unwrap().room_id;
    agent
        .until_text(&room, &mode.said("that was all"), PATIENCE)
        .await
        .unwrap();
    let shown: Vec<Message> = agent.look(|mirror| {
        let messages = mirror.messages(&room).iter();
        messages
            .filter(|message| message.kind == "m.room.message" && message.msgtype() != "m.notice")
            .cloned()
            .collect()
    });
    assert_eq!(shown.len(), sent.len() + 1, "{shown:?}");
    for ((file, msgtype, body), shown) in sent.iter().zip(&shown) {
        assert_eq!(shown.msgtype(), *msgtype, "{shown:?}");
        assert!(shown.body().starts_with(&mode.said(body)), "{shown:?}");
        assert_eq!(shown.sender, mode.speaker, "{shown:?}");
        assert_eq!(shown.content.get("file").is_some(), encryption, "{shown:?}");
        assert_eq!(shown.content["info"]["size"], file.bytes.len(), "{shown:?}");
        assert_eq!(
            sha256(&files.bytes_in(&shown.content).await),
            sha256(&file.bytes),
            "{body}"
        );
    }
    let [photo, video, voice] = [0, 1, 2].map(|number: usize| &shown[number].content);
    assert_eq!((&photo["info"]["w"], &photo["info"]["h"]), (&json!(SIDE), &json!(SIDE)));
    thumbnail_is_small_picture((photo, SMALL), files, encryption).await;
    thumbnail_is_small_picture((video, PREVIEW), files, encryption).await;
    assert_eq!(voice["org.matrix.msc1767.audio"]["duration"], 12_000);
    assert_eq!(
        voice["org.matrix.msc1767.audio"]["waveform"].as_array().unwrap().len(),
        64
    );
    room
}

/// An agent's files are on the phone, byte for byte, once, as what their bytes are.
pub async fn agents_files_reach_phone(scene: &Scene<'_>, files: &RoomFiles) {
    let Scene {
        desk,
        agent,
        customer,
        room,
        mode,
    } = *scene;
    let event = |msgtype: &str, name: &str, mimetype: &str| json!({"msgtype": msgtype, "body": name, "info": {"mimetype": mimetype}});
    let captioned = json!({
        "msgtype": "m.image", "body": "the **cake**", "filename": "cake.png", "info": {"mimetype": "image/png"},
        "format": "org.matrix.custom.html", "formatted_body": "the <strong>cake</strong>",
    });
    let mut voice = event("m.audio", "Voice message.ogg", "audio/ogg");
    voice["org.matrix.msc3245.voice"] = json!({});
    let cases: [(Value, Vec<u8>, AttachmentKind, Option<&str>); 6] = [
        (captioned, png(), AttachmentKind::Image, Some("the *cake*")),
        (
            event("m.video", "film.mp4", "video/mp4"),
            mp4(30_000, 12),
            AttachmentKind::Video,
            None,
        ),
        (voice, opus(9_000, 13), AttachmentKind::Voice, None),
        (
            event("m.audio", "tone.wav", "audio/wav"),
            wav(),
            AttachmentKind::Document,
            None,
        ),
        (
            event("m.file", "price list é.csv", "text/csv"),
            noise(1_200_000, 14),
            AttachmentKind::Document,
            None,
        ),
        (
            event("m.image", "odd.bin", "image/png"),
            noise(900, 15),
            AttachmentKind::Document,
            None,
        ),
    ];
    for (content, bytes, kind, caption) in cases {
        let name = content["filename"]
            .as_str()
            .or(content["body"].as_str())
            .unwrap()
            .to_owned();
        let content = files.upload(&bytes, mode.encryption, content).await;
        let sent = agent.send(room, Content::message(content)).await.unwrap();
        let wanted = bytes.clone();
        let shown =
            customer.received(move |received| received.attachment.as_ref().is_some_and(|file| file.bytes == wanted));
        let shown = tokio::time::timeout(PATIENCE, shown).await;
        let shown = shown.unwrap_or_else(|_| {
            let said = agent.look(|mirror| {
                mirror
                    .messages(room)
                    .iter()
                    .map(|one| one.body().to_owned())
                    .collect::<Vec<_>>()
            });
            panic!("no {name} on the phone; the room: {said:?}\n{}", desk.crm.log())
        });
        let file = shown.attachment.unwrap();
        assert_eq!((file.kind, file.caption.as_deref()), (kind, caption), "{name}");
        if kind == AttachmentKind::Document {
            assert_eq!(file.filename.as_deref(), Some(name.as_str()));
        }
        let times = desk.standin.accepted().into_iter();
        let times = times.filter(|accepted| accepted.stanza_id == shown.stanza_id).count();
        assert_eq!(times, 1, "{name}");
        agent
            .until_reaction(room, &sent, |key| key.starts_with('✓'), PATIENCE)
            .await
            .unwrap();
    }

    // A file that is not there, and a text behind it: the one is answered, the other goes out.
    let gone = json!({"msgtype": "m.image", "body": "gone.png", "url": "mxc://localhost/nothing"});
    let event = agent.send(room, Content::message(gone)).await.unwrap();
    agent.send(room, Content::text("do you see it?")).await.unwrap();
    let after = customer.received(|received| received.text == "do you see it?");
    tokio::time::timeout(PATIENCE, after).await.expect("the text goes out");
    until("the answer", async || {
        agent.look(|mirror| {
            let answers = mirror.messages(room).iter();
            let mut answers = answers.filter(|message| message.in_reply_to() == Some(event.as_str()));
            answers
                .any(|message| message.body().starts_with("Not sent: the file could not be fetched"))
                .then_some(())
        })
    })
    .await;
}

/// A list of pictures and videos need not fetch them whole. `side`: the thumbnail's, in pixels.
async fn thumbnail_is_small_picture((content, side): (&Value, u32), files: &RoomFiles, encryption: bool) {
    let info = &content["info"];
    let of_thumbnail = if encryption {
        json!({"file": info["thumbnail_file"]})
    } else {
        json!({"url": info["thumbnail_url"]})
    };
    let small = files.bytes_in(&of_thumbnail).await;
    assert_eq!(info["thumbnail_info"]["size"], small.len());
    let picture = image::load_from_memory(&small).unwrap();
    assert_eq!((picture.width(), picture.height()), (side, side));
    assert_eq!(
        (&info["thumbnail_info"]["w"], &info["thumbnail_info"]["mimetype"]),
        (&json!(side), &json!("image/jpeg"))
    );
}
