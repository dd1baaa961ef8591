//! Photos that WhatsApp sends again in HD: the second message is hidden, and its file takes the place of the first one's.

use crm::domain::hex::hex;
use crm::domain::media::MediaState;
use crm::domain::whatsapp::{PageEvent, WaMedia};
use crm::domain::{Clock as _, WaMessageId};
use sha2::{Digest as _, Sha256};

use crate::bridge::Rig;
use crate::simulation::media::{medium_of, promised};

const FIRST: &str = "IN9000";
const SECOND: &str = "IN9003";

fn bytes_of(id: &str) -> Vec<u8> {
    medium_of(&WaMessageId(id.to_owned())).unwrap()
}

fn hash_of(id: &str) -> String {
    hex(&Sha256::digest(bytes_of(id)))
}

impl Rig {
    async fn with_photos() -> Self {
        let mut rig = Box::pin(Self::with(|run| run.whatsapp.world.lock().unwrap().with_media = true)).await;
        rig.met().await;
        rig
    }

    /// The page tells of a photo under the first upload's id.
    fn tells_photo(&self, text: &str, media: WaMedia) {
        let mut message = self.run.whatsapp.message(0, FIRST, text, self.run.clock.now());
        message.media = Some(media);
        self.run.whatsapp.event(PageEvent::Message(Box::new(message)));
    }

    fn first_comes(&self) {
        self.tells_photo("look", promised(&bytes_of(FIRST)));
    }

    fn second_comes(&self, is_better: bool) {
        let media = WaMedia {
            source: Some(WaMessageId(SECOND.to_owned())),
            is_better,
            ..promised(&bytes_of(SECOND))
        };
        self.tells_photo("[image]", media);
    }

    /// The photo's caption, and the hash of the stored bytes.
    async fn photo(&self) -> (String, MediaState, Option<String>) {
        let mut messages = self.messages().await;
        messages.retain(|message| message.media.is_some());
        assert_eq!(messages.len(), 1, "one photo: {messages:?}");
        let photo = messages.remove(0);
        let media = photo.media.unwrap();
        (photo.content, media.state, media.sha256)
    }
}

#[tokio::test]
async fn second_upload_replaces_medium_of_message() {
    let mut rig = Rig::with_photos().await;
    let unread = rig.unread().await;
    rig.first_comes();
    rig.settle().await;
    assert_eq!(
        rig.photo().await,
        ("look".to_owned(), MediaState::Stored, Some(hash_of(FIRST)))
    );
    for _ in 0..2 {
        rig.second_comes(true);
        rig.first_comes();
        rig.settle().await;
        let better = ("look".to_owned(), MediaState::Stored, Some(hash_of(SECOND)));
        assert_eq!(rig.photo().await, better);
    }
    assert_eq!(rig.unread().await, unread + 1);
    let shown = rig.run.matrix.files();
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!(shown[0].0.caption.as_deref(), Some("look"));
    let store = &rig.program.store;
    assert_eq!(store.quarantine().count().await.unwrap(), 0);
}

#[tokio::test]
async fn second_upload_before_first_is_one_message() {
    let mut rig = Rig::with_photos().await;
    rig.second_comes(true);
    rig.settle().await;
    let alone = ("[image]".to_owned(), MediaState::Stored, Some(hash_of(SECOND)));
    assert_eq!(rig.photo().await, alone, "an ordinary photo, if the first never comes");
    rig.first_comes();
    rig.settle().await;
    let both = ("look".to_owned(), MediaState::Stored, Some(hash_of(SECOND)));
    assert_eq!(rig.photo().await, both);
}

/// Another encoding is no better photo, and a better one that cannot be had costs nothing.
#[tokio::test]
async fn lost_second_upload_leaves_first() {
    let mut rig = Rig::with_photos().await;
    rig.first_comes();
    rig.settle().await;
    rig.second_comes(false);
    rig.settle().await;
    let first = ("look".to_owned(), MediaState::Stored, Some(hash_of(FIRST)));
    assert_eq!(rig.photo().await, first);
    rig.run.whatsapp.world.lock().unwrap().with_media = false;
    rig.second_comes(true);
    rig.patience().await;
    assert_eq!(rig.photo().await, first);
    rig.run.whatsapp.world.lock().unwrap().with_media = true;
    rig.second_comes(true);
    rig.patience().await;
    assert_eq!(rig.photo().await, first, "it is not tried for ever");
}

#[tokio::test]
async fn second_upload_is_kept_over_restart() {
    let mut rig = Rig::with_photos().await;
    rig.first_comes();
    rig.settle().await;
    rig.run.whatsapp.world.lock().unwrap().with_media = false;
    rig.second_comes(true);
    rig.work().await;
    let first = ("look".to_owned(), MediaState::Stored, Some(hash_of(FIRST)));
    assert_eq!(rig.photo().await, first);
    rig.restart().await;
    rig.run.whatsapp.world.lock().unwrap().with_media = true;
    rig.patience().await;
    assert_eq!(
        rig.photo().await,
        ("look".to_owned(), MediaState::Stored, Some(hash_of(SECOND)))
    );
}
