//! Reactions that are commands: to a failure, and to a question of the bot's.

use std::time::Duration;

use crm::contract::EventType;
use crm::domain::matrix::RoomEventKind;
use crm::domain::message::MessageState;
use crm::domain::{Clock as _, MatrixEventId, Role};

use super::ADA;
use crate::bridge::Rig;

const BEA: &str = "@bea:test";

impl Rig {
    /// An agent reacts `ago`, and everything that follows is done. Gives what the bot says then.
    pub async fn taps_ago(&mut self, sender: &str, of: &MatrixEventId, key: &str, ago: Duration) -> String {
        let before = self.run.matrix.notices().len();
        let what = RoomEventKind::Reaction {
            of: of.clone(),
            key: key.to_owned(),
        };
        self.run.matrix.happens(sender, what, self.run.clock.now().minus(ago));
        self.settle().await;
        self.run.matrix.notices().split_off(before).join("\n--\n")
    }

    pub async fn taps(&mut self, sender: &str, of: &MatrixEventId, key: &str) -> String {
        self.taps_ago(sender, of, key, Duration::ZERO).await
    }

    /// A desk with two managers and a text that did not go out. Gives its event, and the notice about it.
    async fn of_failure() -> (Self, MatrixEventId, MatrixEventId) {
        let mut rig = Box::pin(Self::of_customer()).await;
        rig.promote(Role::Manager).await;
        rig.agent("Bea", Role::Manager).await;
        rig.run.whatsapp.set_online(false);
        let event = rig.agent_says(ADA, "try me", None).await;
        rig.run.clock.advance(Duration::from_hours(25));
        rig.settle().await;
        rig.run.whatsapp.set_online(true);
        // That it works again is told apart.
        rig.settle().await;
        let notice = rig.run.matrix.newest_notice("This was not sent");
        (rig, event, notice)
    }

    /// No reaction was asked of WhatsApp, and none is stored.
    async fn assert_no_reaction_crossed(&self) {
        assert!(self.run.whatsapp.world.lock().unwrap().changes.is_empty());
        let messages = self.messages().await;
        assert!(messages.iter().all(|message| message.reactions.is_empty()));
    }
}

#[tokio::test]
async fn failure_is_retried_by_reaction_to_its_notice() {
    let (mut rig, _, notice) = Rig::of_failure().await;
    assert_eq!(rig.run.matrix.ticks(&notice), ["🔁"], "one tap gives it");
    assert_eq!(rig.taps(ADA, &notice, "👍").await, "", "it means nothing");
    rig.promote(Role::Agent).await;
    let told = rig.taps(ADA, &notice, "🔁").await;
    assert!(told.contains("your role"), "the table of rights decides: {told}");
    assert_eq!(rig.message("try me").await.state, MessageState::Failed);
    let id = rig.message("try me").await.id;
    let told = rig.taps(BEA, &notice, "🔁\u{fe0f}").await;
    assert!(told.starts_with(&format!("Message {id} is tried again.")), "{told}");
    assert_eq!(rig.phone(), ["try me"]);
    let told = rig.taps(BEA, &notice, "🔁").await;
    assert!(told.contains("only failed and unknown messages"), "{told}");
    assert_eq!(rig.phone(), ["try me"]);
    rig.assert_no_reaction_crossed().await;
}

#[tokio::test]
async fn failed_message_is_retried_by_reaction_to_itself() {
    let (mut rig, event, _) = Rig::of_failure().await;
    let told = rig.taps(ADA, &event, "🔁").await;
    assert!(told.ends_with("is tried again."), "{told}");
    assert_eq!(rig.phone(), ["try me"]);
    rig.assert_no_reaction_crossed().await;
    // The customer has it now, and sees what is set on it.
    assert_eq!(rig.taps(ADA, &event, "🔁").await, "");
    assert_eq!(rig.run.whatsapp.world.lock().unwrap().changes.len(), 1);
}

/// One that is answered by somebody else, or twice, is no answer.
#[tokio::test]
async fn late_reaction_is_asked_about_and_done_on_yes() {
    let (mut rig, _, notice) = Rig::of_failure().await;
    let told = rig.taps_ago(ADA, &notice, "🔁", Duration::from_hours(2)).await;
    assert!(
        told.contains("arrived long after") && told.contains("React ✅"),
        "{told}"
    );
    let question = rig.run.matrix.newest_notice("🔁 arrived");
    assert_eq!(rig.run.matrix.ticks(&question), ["✅"], "one tap gives it");
    assert!(rig.taps(BEA, &question, "✅").await.contains("only the one whom I ask"));
    assert_eq!(rig.taps(ADA, &question, "👎").await, "");
    assert!(
        rig.answer_in_reply("yes", Some(&question))
            .await
            .contains("a question of mine")
    );
    rig.restart().await;
    assert!(rig.phone().is_empty(), "nothing is done yet");
    let told = rig.taps(ADA, &question, "✅\u{fe0f}").await;
    assert!(told.ends_with("is tried again."), "{told}");
    assert_eq!(rig.phone(), ["try me"]);
    assert!(
        rig.taps(ADA, &question, "✅")
            .await
            .contains("is answered, or was given up")
    );
    rig.assert_no_reaction_crossed().await;
}

#[tokio::test]
async fn unanswered_question_is_given_up_with_notice() {
    let (mut rig, _, notice) = Rig::of_failure().await;
    rig.taps_ago(ADA, &notice, "🔁", Duration::from_hours(2)).await;
    let question = rig.run.matrix.newest_notice("🔁 arrived");
    let before = rig.run.matrix.notices().len();
    rig.patience().await;
    let told = rig.run.matrix.notices().split_off(before);
    assert!(
        told.len() == 1 && told[0].starts_with("Not done: nobody has answered"),
        "{told:?}"
    );
    assert!(
        rig.taps(ADA, &question, "✅")
            .await
            .contains("is answered, or was given up")
    );
    assert!(rig.phone().is_empty());
}

/// The mark of the sync is lost and repeats them, over a restart.
#[tokio::test]
async fn repeated_reaction_acts_once() {
    let (mut rig, _, notice) = Rig::of_failure().await;
    let mark = rig.mark().await;
    rig.taps_ago(ADA, &notice, "🔁", Duration::from_hours(2)).await;
    let question = rig.run.matrix.newest_notice("🔁 arrived");
    rig.taps(ADA, &question, "✅").await;
    let seen = async |rig: &Rig| {
        (
            rig.run.matrix.notices(),
            rig.events(EventType::MessageState).await.len(),
        )
    };
    let before = seen(&rig).await;
    rig.restart_at(mark).await;
    rig.settle().await;
    assert_eq!(seen(&rig).await, before);
    assert_eq!(rig.phone(), ["try me"]);
}
