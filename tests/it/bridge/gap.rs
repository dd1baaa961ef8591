//! Connected but deaf: the page shows what it does not tell.

use std::time::Duration;

use crm::domain::Clock;
use crm::domain::session::{SessionEvent, SessionState};
use crm::domain::whatsapp::WhatsApp as _;

use super::Rig;

impl Rig {
    /// Time passes as it does for a page that has nothing to tell: it is looked at every few seconds.
    async fn passes(&mut self, span: Duration) {
        let end = self.run.clock.now().plus(span);
        while self.run.clock.now() < end {
            self.run.clock.advance(Duration::from_secs(2));
            self.settle().await;
        }
    }

    fn healed(&self) -> usize {
        self.run.whatsapp.calls().iter().filter(|call| *call == "heal").count()
    }

    async fn times_stored(&self, id: &crm::domain::WaMessageId) -> usize {
        let stored = self.messages().await.into_iter();
        stored
            .filter(|message| message.whatsapp_id.as_ref() == Some(id))
            .count()
    }
}

/// rule 16: by comparing page and store. A page that tells nothing of what it shows is found within a minute.
#[tokio::test]
async fn deaf_page_is_healed_and_reported_once() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let unheard = rig.run.whatsapp.customer_writes_unheard(0);
    rig.passes(Duration::from_secs(40)).await;
    assert_eq!(rig.times_stored(&unheard).await, 1, "found, and once");
    assert_eq!(rig.healed(), 1);

    let again = rig.run.whatsapp.customer_writes_unheard(1);
    rig.passes(Duration::from_secs(40)).await;
    assert_eq!((rig.times_stored(&again).await, rig.healed()), (1, 2));
    let notices = rig.run.matrix.notices();
    let told = notices
        .iter()
        .filter(|notice| notice.contains("did not report new messages"));
    assert_eq!(told.count(), 1, "told once while it lasts: {notices:?}");

    rig.run.clock.advance(Duration::from_mins(11));
    rig.passes(Duration::from_secs(40)).await;
    let notices = rig.run.matrix.notices();
    let ended = notices
        .iter()
        .filter(|notice| notice.contains("reports new messages again"));
    assert_eq!(ended.count(), 1, "and so is its end: {notices:?}");
    assert_eq!(rig.healed(), 2, "nothing is healed that is well");
}

/// What the page itself finds out comes in by the same way.
#[tokio::test]
async fn missed_event_triggers_comparison_at_once() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.session_happens(&SessionEvent::Missed);
    rig.settle().await;
    assert_eq!(rig.healed(), 0, "nothing was missing");
    let unheard = rig.run.whatsapp.customer_writes_unheard(0);
    rig.run.whatsapp.session_happens(&SessionEvent::Missed);
    rig.settle().await;
    assert_eq!((rig.times_stored(&unheard).await, rig.healed()), (1, 1));
}

/// A stranger floods a chat while we are away: it is read in parts, and stored in order.
#[tokio::test]
async fn flood_during_absence_is_read_in_parts() {
    const FLOOD: usize = 1_230;
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    let mut missed = Vec::new();
    for _ in 0..FLOOD {
        missed.push(rig.run.whatsapp.customer_writes(0));
        rig.run.clock.advance(Duration::from_secs(1));
    }
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    let mut stored = rig.messages().await;
    stored.sort_by_key(|message| message.id);
    let ids: Vec<_> = stored.into_iter().filter_map(|message| message.whatsapp_id).collect();
    let of_flood: Vec<_> = ids.iter().filter(|id| missed.contains(id)).cloned().collect();
    assert_eq!(of_flood, missed, "each once, in the order of writing");
    let most = rig.run.whatsapp.world.lock().unwrap().most_read;
    assert!(most <= 100, "{most} messages were read at once");
}

/// What came while the page was away makes no event, and is nobody's deafness.
#[tokio::test]
async fn message_during_absence_is_no_deafness() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    let missed = rig.run.whatsapp.customer_writes(0);
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    rig.run.whatsapp.customer_writes_unheard(0);
    rig.run.whatsapp.reload();
    rig.settle().await;
    assert_eq!((rig.times_stored(&missed).await, rig.healed()), (1, 0));
}

/// A device whose phone nobody uses is unlinked after 14 days.
#[tokio::test]
async fn unseen_phone_and_its_return_are_reported() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let account = async |rig: &Rig| rig.program.store.accounts().present().await.unwrap().remove(0);
    assert_eq!(account(&rig).await.detail, None);
    rig.run.clock.advance(Duration::from_hours(10 * 24 + 1));
    rig.settle().await;
    let told = account(&rig).await;
    assert_eq!(told.state, SessionState::Ready, "it works still");
    assert!(told.detail.unwrap().contains("10 days"));
    rig.run.clock.advance(Duration::from_hours(24));
    rig.settle().await;
    assert!(account(&rig).await.detail.unwrap().contains("11 days"));
    rig.run.whatsapp.phone_writes(0, "from the phone");
    rig.settle().await;
    assert_eq!(account(&rig).await.detail, None);
    let notices = rig.run.matrix.notices();
    let about = notices.iter().filter(|notice| notice.contains("phone"));
    assert_eq!(about.count(), 2, "that, and that it is over: {notices:?}");
    assert!(rig.run.whatsapp.session().borrow().detail.is_none());
}
