//! Another process changes a message or an account that we are about to change: one of the two decides, and the other sees
//! it. SQLite has one writer, so there it cannot happen.

use crm::bridge::{Refusal, Revision};
use crm::domain::message::{Message, MessageState};

use crate::bridge::{Rig, owner};
use crate::store::database::crossing::Other;
use crate::store::database::databases::{Database, Kind, on_each_database};
use crate::store::database::raw;

on_each_database! {
    /// rule 2.
    cancelled_message_is_not_handed_over,
    handed_over_message_is_not_cancelled,
    handed_over_message_is_deleted_at_whatsapp,
    handed_over_message_is_edited_at_whatsapp,
    failed_message_is_retried_by_one,
    removed_account_takes_no_change,
}

impl Rig {
    /// A desk on another database, with a text in its outbox; `None` on SQLite.
    async fn on_server(database: &Database) -> Option<(Self, Message)> {
        if database.kind == Kind::Sqlite {
            return None;
        }
        let mut rig = Self::begin(|run| run.url.clone_from(&database.url)).await;
        rig.work().await;
        let message = rig.send(0, "hello").await;
        assert_eq!(message.state, MessageState::Queued);
        Some((rig, message))
    }

    /// The texts that WhatsApp has from us.
    fn with_whatsapp(&self) -> Vec<String> {
        let world = self.run.whatsapp.world.lock().unwrap();
        let ours = world.chats[0].on_page.iter().filter(|told| told.from_me);
        ours.map(|told| told.text.clone()).collect()
    }

    async fn close(self) {
        self.program.store.clone().close().await;
    }
}

/// The other process hands the only message over.
const HANDED_OVER: &str = "UPDATE messages SET state = 'sent', whatsapp_id = 'THEIRS'";
/// What is asked of WhatsApp.
const ASKED: &str = "SELECT work FROM outbox WHERE target = 'whatsapp' ORDER BY id";

async fn cancelled_message_is_not_handed_over(database: Database) {
    let Some((mut rig, _)) = Rig::on_server(&database).await else {
        return;
    };
    let other = Other::begin(&database).await;
    other
        .run("UPDATE messages SET state = 'failed', failure_code = 'cancelled'")
        .await;
    tokio::join!(
        async { rig.run.step(&mut rig.program, 1).await.expect("no crash is planned") },
        other.commit_once_waited_for(&database)
    );
    rig.settle().await;
    assert_eq!(rig.with_whatsapp(), Vec::<String>::new());
    assert_eq!(rig.message("hello").await.state, MessageState::Failed);
    rig.close().await;
}

async fn handed_over_message_is_not_cancelled(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let other = Other::begin(&database).await;
    other.run(HANDED_OVER).await;
    let (cancelled, ()) = tokio::join!(
        rig.program.desk.cancel(message.id),
        other.commit_once_waited_for(&database)
    );
    assert!(matches!(cancelled, Err(Refusal::Conflict(_))), "{cancelled:?}");
    assert_eq!(rig.message("hello").await.state, MessageState::Sent);
    rig.close().await;
}

/// A text is revised while the other process hands it over. Returns the answer, and the work that WhatsApp is asked for last.
async fn revised_meanwhile(rig: &Rig, message: &Message, revision: Revision, database: &Database) -> (Message, String) {
    let other = Other::begin(database).await;
    other.run(HANDED_OVER).await;
    let (revised, ()) = tokio::join!(
        rig.program.desk.revise(message.id, revision, owner()),
        other.commit_once_waited_for(database)
    );
    let asked = raw::texts(database, ASKED).await.pop();
    (revised.unwrap(), asked.expect("something is asked"))
}

async fn handed_over_message_is_deleted_at_whatsapp(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let (revised, asked) = revised_meanwhile(&rig, &message, Revision::Delete, &database).await;
    assert_eq!(revised.state, MessageState::Sent);
    assert_eq!(rig.message("hello").await.state, MessageState::Sent);
    assert!(asked.contains("delete_message"), "{asked}");
    rig.close().await;
}

async fn handed_over_message_is_edited_at_whatsapp(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let edit = Revision::Edit("goodbye".to_owned());
    let (revised, asked) = revised_meanwhile(&rig, &message, edit, &database).await;
    assert_eq!(revised.content, "hello", "until WhatsApp has the other text");
    assert!(asked.contains("edit_message"), "{asked}");
    rig.close().await;
}

async fn failed_message_is_retried_by_one(database: Database) {
    let Some((mut rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    rig.program.desk.cancel(message.id).await.unwrap();
    let two = rig.run.start().await;
    let other = Other::begin(&database).await;
    other.run("SELECT id FROM messages FOR UPDATE").await;
    let (here, there, ()) = tokio::join!(
        rig.program.desk.retry(message.id),
        two.desk.retry(message.id),
        other.commit_once_waited_for_by(2, &database)
    );
    let (mut queued, mut refused) = (vec![], vec![]);
    for retried in [here, there] {
        match retried {
            Ok(message) => queued.push(message.state),
            Err(refusal) => refused.push(refusal),
        }
    }
    assert_eq!(queued, [MessageState::Queued]);
    assert!(matches!(&refused[..], [Refusal::Conflict(_)]), "{refused:?}");
    two.store.close().await;
    rig.settle().await;
    assert_eq!(rig.with_whatsapp(), ["hello"], "once");
    rig.close().await;
}

async fn removed_account_takes_no_change(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let asked = raw::texts(&database, ASKED).await;
    raw::execute(&database, HANDED_OVER).await;
    let other = Other::begin(&database).await;
    other.run("UPDATE accounts SET removing_at = 7").await;
    let (revised, ()) = tokio::join!(
        rig.program
            .desk
            .revise(message.id, Revision::React("👍".to_owned()), owner()),
        other.commit_once_waited_for(&database)
    );
    assert!(
        matches!(&revised, Err(Refusal::Conflict(why)) if why.contains("was removed")),
        "{revised:?}"
    );
    assert_eq!(raw::texts(&database, ASKED).await, asked);
    rig.close().await;
}
