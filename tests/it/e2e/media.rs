//! Media, both ways and byte for byte: on the phone, in the vault, by REST, in the shell and in the export.

use std::path::Path;

use bytes::Bytes;
use serde_json::json;
use testbed::standin::{Attachment, AttachmentKind, Draft, Received};

use crate::rig::PATIENCE;
use crate::rig::desk::{Desk, Plan};
use crate::rig::files::{self, mp4, noise, opus, png, sha256, wav, webp};
use crate::rig::media::{assert_held, attachment, exported, post, shown, stored, times, upload};
use crate::rig::socket::Socket;

const NUMBER: &str = "447700900130";
const TO: &str = "+447700900130";
/// What the server's memory may rise by while a large file passes through it.
const MAX_RISE: u64 = 32 << 20;

/// As the program's JSON has it: kind, animated.
fn kind_of(kind: AttachmentKind) -> (&'static str, bool) {
    match kind {
        AttachmentKind::Image => ("image", false),
        AttachmentKind::Video => ("video", false),
        AttachmentKind::Gif => ("video", true),
        AttachmentKind::Audio => ("audio", false),
        AttachmentKind::Voice => ("voice", false),
        AttachmentKind::Document => ("document", false),
        AttachmentKind::Sticker => ("sticker", false),
    }
}

/// WhatsApp sends a photo in HD as a second, hidden message, which the page shows in place of the first: one message, with the
/// better bytes, also after the page was loaded anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn photo_and_its_hd_upload_are_one_message() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let photo = |bytes: Vec<u8>, hd_of: Option<&str>| {
        Draft::attachment(Attachment {
            caption: hd_of.is_none().then(|| "our garden".to_owned()),
            hd_of: hd_of.map(str::to_owned),
            ..attachment(AttachmentKind::Image, "image/png", bytes)
        })
    };
    let (small, large) = (png(), [png(), noise(40_000, 6)].concat());
    let first = customer.send(photo(small.clone(), None));
    let message = stored(&mut socket, &first).await;
    assert_eq!(message["media"]["sha256"], sha256(&small), "{message}");
    customer.send(photo(large.clone(), Some(&first)));
    let better = stored(&mut socket, &first).await;
    assert_eq!(better["media"]["sha256"], sha256(&large), "{better}");
    assert_eq!(
        (&better["id"], &better["content"]),
        (&message["id"], &json!("our garden"))
    );
    assert_held(&desk, &better, &large).await;
    desk.standin.reload_pages();
    let last = customer.send(Draft::text("did you see it?"));
    socket
        .event(|event| event["t"] == "message.received" && event["d"]["whatsapp_id"] == last.as_str())
        .await;
    let rows = exported(&desk).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(rows[0]["media"]["sha256"], sha256(&large));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn received_file_is_stored_byte_for_byte() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let waveform: Vec<u8> = (0..64).collect();
    let sent = [
        Attachment {
            caption: Some("my *cake* 👍".into()),
            width: Some(40),
            height: Some(30),
            ..attachment(AttachmentKind::Image, "image/png", png())
        },
        Attachment {
            seconds: Some(75),
            ..attachment(AttachmentKind::Video, "video/mp4", mp4(40_000, 2))
        },
        attachment(AttachmentKind::Gif, "video/mp4", mp4(9_000, 3)),
        Attachment {
            seconds: Some(1),
            ..attachment(AttachmentKind::Audio, "audio/wav", wav())
        },
        Attachment {
            seconds: Some(12),
            waveform: waveform.clone(),
            ..attachment(AttachmentKind::Voice, "audio/ogg; codecs=opus", opus(8_000, 4))
        },
        Attachment {
            filename: Some("../../price\u{202e}list.pdf".into()),
            ..attachment(AttachmentKind::Document, "application/pdf", noise(2_500_000, 5))
        },
        attachment(AttachmentKind::Sticker, "image/webp", webp()),
    ];
    let contents = [
        "my *cake* 👍",
        "[video, 1:15]",
        "[GIF]",
        "[audio, 0:01]",
        "[voice note, 0:12]",
        "[document: pricelist.pdf]",
        "[sticker]",
    ];
    for (attachment, content) in sent.iter().zip(contents) {
        let stanza = customer.send(Draft::attachment(attachment.clone()));
        let message = stored(&mut socket, &stanza).await;
        let (kind, animated) = kind_of(attachment.kind);
        assert_eq!((&message["kind"], &message["content"]), (&json!(kind), &json!(content)));
        assert_eq!(
            message["details"]["animated"].as_bool().unwrap_or(false),
            animated,
            "{message}"
        );
        assert_eq!(message["media"]["sha256"], sha256(&attachment.bytes), "{message}");
        assert_eq!(message["media"]["size"], attachment.bytes.len());
        assert_eq!(message["media"]["mimetype"], attachment.mimetype.as_str());
        assert_held(&desk, &message, &attachment.bytes).await;
    }
    let rows = exported(&desk).await;
    assert_eq!(rows.len(), sent.len());
    assert_eq!(rows[0]["details"]["width"], 40);
    assert_eq!(rows[4]["details"]["waveform"], json!(waveform));
    assert_eq!(rows[5]["media"]["filename"], "pricelist.pdf");

    // Told once more after a reload, and fetched no second time.
    desk.standin.reload_pages();
    let last = customer.write("that was all");
    socket.event(|event| event["d"]["whatsapp_id"] == last.as_str()).await;
    let again = desk
        .crm
        .lines(&["tail", "--since", "0", "--idle", "1s", "-o", "ndjson"])
        .await;
    let told = again.iter().filter(|event| event["type"] == "message.media").count();
    assert_eq!(told, sent.len(), "each medium was told once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_file_reaches_phone_byte_for_byte_once() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let folder = desk.crm.folder().to_owned();
    let files = [
        ("cake.png", png(), None, Some("the cake"), AttachmentKind::Image),
        ("film.mp4", mp4(30_000, 12), None, None, AttachmentKind::Video),
        ("loop.mp4", mp4(9_000, 13), Some("gif"), None, AttachmentKind::Gif),
        ("tone.wav", wav(), Some("audio"), None, AttachmentKind::Audio),
        (
            "note.wav",
            [wav(), vec![0]].concat(),
            Some("voice"),
            None,
            AttachmentKind::Voice,
        ),
        (
            "price list é.csv",
            noise(1_500_000, 14),
            None,
            Some("prices"),
            AttachmentKind::Document,
        ),
        (
            "as a file.png",
            [png(), vec![0]].concat(),
            Some("document"),
            None,
            AttachmentKind::Document,
        ),
        ("smile.webp", webp(), Some("sticker"), None, AttachmentKind::Sticker),
    ];
    for (name, bytes, kind, caption, expected) in files {
        let path = files::write(&folder, name, &bytes).display().to_string();
        let mut arguments = vec!["send", TO];
        arguments.extend(caption);
        arguments.extend(["--file", &path, "--wait", "delivered", "-o", "json"]);
        arguments.extend(kind.into_iter().flat_map(|kind| ["--as", kind]));
        let sent = desk.crm.json(&arguments).await;
        let shown = shown(&customer, &sent).await;
        let attachment = shown.attachment.expect("the phone could fetch it");
        assert_eq!(attachment.kind, expected, "{name}");
        assert_eq!(sha256(&attachment.bytes), sha256(&bytes), "{name}");
        assert_eq!(attachment.caption.as_deref(), caption, "{name}");
        if expected == AttachmentKind::Document {
            assert_eq!(attachment.filename.as_deref(), Some(name));
        }
        assert_eq!(times(&desk, &sent), 1, "{name}");
        let message = desk
            .crm
            .json(&["message", "view", &sent["id"].to_string(), "-o", "json"])
            .await;
        assert_held(&desk, &message, &bytes).await;
    }

    // By REST and by WebSocket, one upload sent twice.
    let bytes = noise(40_000, 15);
    let media = upload(&desk, "order.bin", &bytes).await;
    let rest = post(
        &desk,
        "/api/v1/messages",
        &json!({ "to": TO, "media": { "id": media["id"] } }),
    )
    .await;
    assert_eq!(rest.0, 202, "{}", rest.1);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let reply = socket
        .send(json!({ "to": TO, "content": "again", "media": { "id": media["id"] } }))
        .await;
    assert_eq!(reply["status"], 202, "{reply}");
    for caption in [None, Some("again")] {
        let wanted = |received: &Received| {
            received
                .attachment
                .as_ref()
                .is_some_and(|it| it.bytes == bytes && it.caption.as_deref() == caption)
        };
        assert!(tokio::time::timeout(PATIENCE, customer.received(wanted)).await.is_ok());
    }

    what_cannot_be_sent_is_refused(&desk, &folder).await;
}

/// Said before anything goes out.
async fn what_cannot_be_sent_is_refused(desk: &Desk, folder: &Path) {
    let before = desk.standin.accepted().len();
    files::write(folder, "empty.txt", b"");
    for arguments in [
        vec!["send", TO, "--file", "empty.txt"],
        vec!["send", TO, "--file", "not there.txt"],
        vec!["send", TO, "--file", "price list é.csv", "--as", "image"],
        vec!["send", TO],
    ] {
        let refused = desk.crm.run(&arguments).await;
        assert_eq!(
            refused.status.code(),
            Some(2),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&refused.stderr)
        );
    }
    // WhatsApp itself takes no sticker of this size.
    let large = [webp(), noise(1_200_000, 16)].concat();
    files::write(folder, "large.webp", &large);
    let refused = desk
        .crm
        .run(&["send", TO, "--file", "large.webp", "--as", "sticker"])
        .await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no file of this size"));
    assert_eq!(desk.standin.accepted().len(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn document_of_100_mb_hardly_raises_memory() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    customer.write("hello");
    socket.event(|event| event["t"] == "message.received").await;
    let bytes = Bytes::from(noise(100 << 20, 21));
    let hash = sha256(&bytes);
    let pid = desk.crm.pid();
    files::forget_peak(pid);
    let (before, _) = files::memory(pid);

    let sent = Attachment {
        filename: Some("plans.bin".into()),
        ..Attachment::new(AttachmentKind::Document, "application/octet-stream", bytes.clone())
    };
    let stanza = customer.send(Draft::attachment(sent));
    let message = stored(&mut socket, &stanza).await;
    assert_eq!(message["media"]["sha256"], hash.as_str());
    let id = message["media"]["id"].to_string();
    desk.crm.json(&["media", "view", &id, "-o", "json"]).await;
    let got = desk.crm.run(&["media", "get", &id, "--out", "back.bin"]).await;
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));

    let sent = desk
        .crm
        .json(&[
            "send",
            TO,
            "--file",
            "back.bin",
            "--wait",
            "delivered",
            "--timeout",
            "60s",
            "-o",
            "json",
        ])
        .await;
    let shown = shown(&customer, &sent)
        .await
        .attachment
        .expect("the phone could fetch it");
    assert_eq!(sha256(&shown.bytes), hash);
    let (_, peak) = files::memory(pid);
    let rise = peak.saturating_sub(before);
    assert!(rise < MAX_RISE, "it rose by {} MiB", rise >> 20);
}
