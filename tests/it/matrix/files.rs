//! Files in rooms: as they are, and encrypted where the room is; read by another client.

use crm::domain::matrix::{Matrix, RoomContent, RoomFile, TxnId};
use crm::domain::media::FileKind;
use testbed::agents::Client;
use testbed::quick;
use testbed::servers::Synapse;

use crate::rig::room_files::RoomFiles;

use super::desk::{Desk, SOON, ada, options, person, spec};

const BYTES: &[u8] = b"\x89PNG and what else is in it";

#[tokio::test]
async fn file_is_read_in_plain_and_encrypted_rooms() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cat");
    std::fs::write(&path, BYTES).unwrap();
    for (name, encryption) in [("plain", false), ("secret", true)] {
        let nils = person(synapse, Client::Nio, &format!("file-{name}-nils")).await;
        let files = RoomFiles::of(synapse, &nils).await;
        let (mut settings, kept) = options(synapse, &format!("file-{name}")).await;
        settings.encryption = encryption;
        let desk = Desk::connect((settings, kept)).await;
        desk.follow(None);
        let room = desk
            .bot
            .ensure_room(&spec(&format!("file-{name}"), &[&nils]))
            .await
            .unwrap();
        desk.say(&room, "i.1.0", "hello").await;
        nils.until_text(room.as_str(), "Ada: hello", SOON).await.unwrap();
        let content = RoomContent::File {
            file: RoomFile {
                path: path.clone(),
                name: "cat.png".to_owned(),
                mimetype: "image/png".to_owned(),
                size: BYTES.len() as u64,
                caption: Some("look".to_owned()),
                kind: FileKind::Image,
                pixels: None,
                duration_s: None,
                waveform: vec![],
                thumbnail: None,
            },
            reply_to: None,
        };
        let txn = TxnId("i.2.0".to_owned());
        let event = desk.bot.send(&room, &ada(), &txn, &content).await.unwrap();
        let again = desk.bot.send(&room, &ada(), &txn, &content).await.unwrap();
        assert_eq!(again, event, "the same transaction id is the same event");
        let seen = nils
            .until("the file", SOON, |mirror| {
                let seen = mirror.message(room.as_str(), event.as_str())?;
                seen.readable.then(|| seen.clone())
            })
            .await
            .unwrap();
        assert_eq!(
            (seen.encrypted, seen.msgtype(), seen.body()),
            (encryption, "m.image", "Ada: look")
        );
        assert_eq!(seen.content["filename"], "cat.png");
        assert_eq!(seen.content.get("file").is_some(), encryption);
        assert_eq!(files.bytes_in(&seen.content).await, BYTES, "{name}");

        std::fs::remove_file(&path).unwrap();
        let txn = TxnId("i.3.0".to_owned());
        let missing = desk.bot.send(&room, &ada(), &txn, &content).await.unwrap_err();
        assert!(missing.to_string().contains("cat.png cannot be read"), "{missing}");
        std::fs::write(&path, BYTES).unwrap();
    }
}
