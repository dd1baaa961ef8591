//! What a room shows of a message that it has no event of: the words before an answer.

use std::time::Duration;

use crm::domain::details::{Details, Mention};
use crm::domain::whatsapp::{PageEvent, WaMessage};
use crm::domain::{Clock as _, WaMessageId};

use crate::bridge::Rig;

const DAY: Duration = Duration::from_hours(24);

impl Rig {
    /// A message of yesterday, from before the account was linked, is stored; then the customer answers it with "yes".
    async fn answered_of_history(&mut self, change: impl FnOnce(&mut WaMessage)) {
        let now = self.run.clock.now();
        let mut old = self.run.whatsapp.message(0, "OLD", "the blue one?", now.minus(DAY));
        change(&mut old);
        self.run.whatsapp.event(PageEvent::Message(Box::new(old)));
        self.run.whatsapp.event(PageEvent::Message(Box::new(WaMessage {
            quoted: Some(WaMessageId::from("OLD")),
            ..self.run.whatsapp.message(0, "NEW", "yes", now)
        })));
        self.settle().await;
    }
}

#[tokio::test]
async fn reply_to_history_shows_quoted_words() {
    let mut rig = Rig::new().await;
    rig.answered_of_history(|old| {
        old.from_me = true;
        old.ack = 3;
    })
    .await;
    let old = rig.message("the blue one?").await;
    assert!(old.backfilled, "no room shows it");
    assert_eq!(rig.message("yes").await.reply_to, Some(old.id));
    assert_eq!(
        rig.run.matrix.texts(),
        ["Customer 00: > You (phone): the blue one?\nyes"]
    );
}

#[tokio::test]
async fn mention_in_quoted_words_is_name() {
    let mut rig = Rig::new().await;
    rig.answered_of_history(|old| {
        old.content = "@9001 and @90012 took it".into();
        old.details = Some(Details {
            mentions: vec![Mention {
                user: "9001".into(),
                name: Some("Bob".into()),
            }],
            ..Details::default()
        });
    })
    .await;
    assert_eq!(
        rig.run.matrix.texts(),
        ["Customer 00: > Customer 00: @Bob and @90012 took it\nyes"]
    );
}
