//! Room for media: the floor of free space, and what one conversation may take in a day.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crm::bridge::{Refusal, check_room};
use crm::domain::Clock as _;
use crm::domain::media::MediaState;
use crm::domain::whatsapp::PageEvent;

use crate::bridge::Rig;
use crate::simulation::media::{medium_of, promised};

const FLOOR: u64 = 1 << 20;

impl Rig {
    /// The first customer sends a file, whose size the page states as it is or otherwise.
    pub(super) fn sends_file(&self, id: &str, size: Option<u64>) {
        let mut message = self.run.whatsapp.message(0, id, "file", self.run.clock.now());
        let mut media = promised(&medium_of(&message.id).unwrap());
        media.size = size.or(media.size);
        message.media = Some(media);
        self.run.whatsapp.event(PageEvent::Message(Box::new(message)));
    }

    async fn media(&self) -> Vec<(MediaState, Option<String>)> {
        let messages = self.messages().await;
        let media = messages.into_iter().filter_map(|message| message.media);
        media.map(|medium| (medium.state, medium.detail)).collect()
    }

    fn room_notices(&self) -> Vec<String> {
        let notices = self.run.matrix.notices();
        notices.into_iter().filter(|notice| notice.contains("media")).collect()
    }
}

/// Strangers cannot fill the disk: under the floor nothing is fetched or taken, which is told once, and its end once.
#[tokio::test]
async fn media_wait_while_space_is_short() {
    let mut rig = Rig::with(|run| {
        run.policy.media.free_space_floor = FLOOR;
        run.whatsapp.world.lock().unwrap().with_media = true;
    })
    .await;
    rig.met().await;
    rig.run.free.store(FLOOR - 1, Ordering::SeqCst);
    rig.sends_file("IN9000", None);
    rig.work().await;
    assert_eq!(rig.media().await.last().unwrap().0, MediaState::Pending);
    assert!(matches!(
        rig.program.desk.incoming(),
        Err(Refusal::NoSpace { floor: FLOOR })
    ));
    for _ in 0..3 {
        check_room(&rig.program.core).await.unwrap();
        rig.work().await;
    }
    let told = rig.room_notices();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("CRM_MEDIA_FREE_SPACE_FLOOR"), "{told:?}");

    // A little above the floor: media are fetched, and a trouble that would begin again at once does not end.
    rig.run.free.store(FLOOR, Ordering::SeqCst);
    check_room(&rig.program.core).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.media().await.last().unwrap().0, MediaState::Stored);
    assert_eq!(rig.room_notices().len(), 1);
    rig.run.free.store(FLOOR * 2, Ordering::SeqCst);
    for _ in 0..2 {
        check_room(&rig.program.core).await.unwrap();
        rig.work().await;
    }
    assert_eq!(rig.room_notices().len(), 2, "its end, once: {:?}", rig.room_notices());
    assert!(rig.program.desk.incoming().is_ok());
}

/// A store that fails all night: what waits is not downloaded every five seconds, and the owner is told once.
#[tokio::test]
async fn failing_media_store_is_told_and_asked_seldom() {
    let mut rig = Rig::with(|run| run.whatsapp.world.lock().unwrap().with_media = true).await;
    rig.met().await;
    let ids = ["IN9000", "IN9003"];
    let folder = rig.folder.path().join("1.db-media");
    // There is a file where the folder of each would be made.
    let in_the_way = ids.map(|id| {
        let hash = promised(&medium_of(&id.into()).unwrap()).sha256.unwrap();
        folder.join(&hash[..2])
    });
    for (id, path) in ids.iter().zip(&in_the_way) {
        std::fs::write(path, "").unwrap();
        rig.sends_file(id, None);
    }
    for _ in 0..60 {
        rig.work().await;
        rig.run.clock.advance(Duration::from_mins(1));
    }
    let calls = rig.run.whatsapp.calls();
    let fetched = calls.iter().filter(|call| call.starts_with("fetch ")).count();
    assert!((5..25).contains(&fetched), "{fetched} in an hour");
    let told = rig.room_notices();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("check the disk"), "{told:?}");

    for path in &in_the_way {
        let _ = std::fs::remove_file(path);
    }
    for _ in 0..15 {
        rig.work().await;
        rig.run.clock.advance(Duration::from_mins(1));
    }
    let states: Vec<_> = rig.media().await.into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, [MediaState::Stored; 2]);
    assert_eq!(rig.room_notices().len(), 2, "its end, once: {:?}", rig.room_notices());
}

/// A medium over the quota waits until a person asks for it.
#[tokio::test]
async fn media_over_daily_quota_wait_for_request() {
    let mut rig = Rig::with(|run| {
        run.policy.media.daily_quota = Some(100);
        run.whatsapp.world.lock().unwrap().with_media = true;
    })
    .await;
    rig.met().await;
    // Each has 20 bytes; the page states another size of the second.
    rig.sends_file("IN9000", None);
    rig.sends_file("IN9003", Some(90));
    rig.sends_file("IN9006", None);
    rig.settle().await;
    let states: Vec<_> = rig.media().await.into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, [MediaState::Stored, MediaState::Pending, MediaState::Stored]);
    let over = rig.media().await[1].1.clone().unwrap();
    assert!(
        over.contains("CRM_MEDIA_DAILY_QUOTA") && over.contains("request it"),
        "{over}"
    );
    let over = rig.messages().await.into_iter().find_map(|message| {
        let medium = message.media?;
        (medium.state == MediaState::Pending).then_some(medium.id)
    });
    rig.program.desk.fetch_medium(over.unwrap()).await.unwrap();
    rig.settle().await;
    let states: Vec<_> = rig.media().await.into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, [MediaState::Stored; 3]);
    // The next day has a quota of its own.
    rig.run.clock.advance(Duration::from_hours(25));
    rig.sends_file("IN9009", Some(99));
    rig.work().await;
    assert!(rig.media().await[3].1.is_none(), "{:?}", rig.media().await[3]);
}
