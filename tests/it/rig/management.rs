//! The management room, as a manager works there.

use std::collections::HashSet;

use testbed::agents::{Agent, Content};

use super::desk::{AGENT, Desk};
use super::room_files::RoomFiles;
use super::{PATIENCE, until};

/// A manager at the management room.
pub struct Management<'a> {
    pub desk: &'a Desk,
    pub manager: &'a Agent,
    pub room: String,
}

impl<'a> Management<'a> {
    /// Makes the first agent a manager, who is asked into the room then.
    pub async fn of(desk: &'a Desk, manager: &'a Agent) -> Self {
        desk.crm
            .json(&["agent", "edit", AGENT, "--role", "manager", "-o", "json"])
            .await;
        let room = manager.until_room("crm management", PATIENCE).await.unwrap().room_id;
        Self { desk, manager, room }
    }

    /// Writes a command, and waits for an answer to it that begins like this.
    pub async fn says(&self, command: &str, answer: &str) -> String {
        let asked = self.manager.send(&self.room, Content::text(command)).await.unwrap();
        let answered = self.manager.until_message(
            &self.room,
            |message| message.in_reply_to() == Some(&asked) && message.body().contains(answer),
            PATIENCE,
        );
        match answered.await {
            Ok(message) => message.body().to_owned(),
            Err(error) => panic!("no {answer:?}: {error:?}; the server says:\n{}", self.desk.crm.log()),
        }
    }

    /// Links the account from the room alone: the phone scans what the picture there decodes to. The picture is gone then.
    pub async fn link(&self) {
        self.says("!login", "Linking default").await;
        let files = RoomFiles::of(self.desk.synapse.as_ref().unwrap(), self.manager).await;
        let phone = self.desk.standin.phone();
        let mut tried = HashSet::new();
        let used = loop {
            let picture = self.manager.until_message(
                &self.room,
                |message| message.msgtype() == "m.image" && !message.redacted && !tried.contains(&message.event_id),
                PATIENCE,
            );
            let picture = picture.await.unwrap();
            let code = decoded(&files.bytes_in(&picture.content).await);
            // One that has been replaced meanwhile is refused; the next one comes.
            if phone.scan(&code).await.is_ok() {
                break picture.event_id;
            }
            tried.insert(picture.event_id);
        };
        let text = "WhatsApp (default) is linked.";
        self.manager.until_text(&self.room, text, PATIENCE).await.unwrap();
        self.manager
            .until("no code to stand in the room", PATIENCE, |mirror| {
                let stands = |id: &str| mirror.message(&self.room, id).is_some_and(|message| !message.redacted);
                let stand = tried.iter().any(|id| stands(id)) || stands(&used);
                (!stand).then_some(())
            })
            .await
            .unwrap();
    }

    /// Unlinks it from there.
    pub async fn unlink(&self) {
        self.says("!logout", "Unlinking default").await;
        until("the phone to have no device", async || {
            self.desk.standin.phone().devices().is_empty().then_some(())
        })
        .await;
    }
}

/// Returns what a scanner reads in a picture.
fn decoded(bytes: &[u8]) -> String {
    let picture = image::load_from_memory(bytes).unwrap().to_luma8();
    let mut prepared = rqrr::PreparedImage::prepare(picture);
    let grids = prepared.detect_grids();
    assert_eq!(grids.len(), 1, "one code");
    grids[0].decode().unwrap().1
}
