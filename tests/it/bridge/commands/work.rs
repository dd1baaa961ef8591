//! Who has the conversation, how it stands, its labels, and what the room tells about it.

use crm::domain::Role;
use crm::domain::conversation::ConversationStatus;

use crate::bridge::Rig;

#[tokio::test]
async fn assign_gives_to_me_colleague_or_nobody() {
    let mut rig = Rig::of_customer().await;
    for name in ["Bob", "Bea Smith", "Bea Jones"] {
        rig.agent(name, Role::Agent).await;
    }
    let assignee = async |rig: &Rig| rig.conversation().await.assignee.map(|agent| agent.name);
    assert_eq!(rig.answer_to("!assign").await, "ada has this conversation now.");
    assert_eq!(assignee(&rig).await.as_deref(), Some("ada"));
    for (whom, name) in [
        ("bob", "Bob"),
        ("@bea.jones:test", "Bea Jones"),
        ("bea s", "Bea Smith"),
        ("me", "ada"),
    ] {
        rig.answer_to(&format!("!assign {whom}")).await;
        assert_eq!(assignee(&rig).await.as_deref(), Some(name), "{whom}");
    }
    let told = rig.answer_to("!assign bea").await;
    assert!(
        told.contains("several agents") && told.contains("Bea Smith (") && told.contains("Bea Jones ("),
        "{told}"
    );
    let told = rig.answer_to("!assign zoe").await;
    assert!(
        told.contains("no agent here is called zoe") && told.contains("Bob ("),
        "{told}"
    );
    assert_eq!(assignee(&rig).await.as_deref(), Some("ada"), "as before");
    rig.answer_to("!assign nobody").await;
    assert_eq!(assignee(&rig).await, None);
    assert!(rig.phone().is_empty());
}

#[tokio::test]
async fn status_commands_set_status() {
    let mut rig = Rig::of_customer().await;
    for (command, status) in [
        ("!close", ConversationStatus::Closed),
        ("!reopen", ConversationStatus::Open),
        ("!pending", ConversationStatus::Pending),
        ("!snooze", ConversationStatus::Snoozed),
    ] {
        rig.answer_to(command).await;
        assert_eq!(rig.conversation().await.status, status, "{command}");
    }
    let told = rig.answer_to("!snooze 2h").await;
    let until = rig.conversation().await.snoozed_until.expect("a time");
    let now = crm::domain::Clock::now(&rig.run.clock);
    assert!(
        until > now && told.starts_with("This conversation sleeps until 20"),
        "{told}"
    );
    let told = rig.answer_to("!snooze 2020-01-01").await;
    assert!(told.starts_with("Not done: ") && told.contains("past"), "{told}");
    assert_eq!(rig.conversation().await.snoozed_until, Some(until), "as before");
}

/// What the desk refuses is undone as a whole.
#[tokio::test]
async fn labels_change_together_or_not_at_all() {
    let mut rig = Rig::of_customer().await;
    let told = rig.answer_to("!label +vip").await;
    assert!(told.contains("there is no label vip"), "an agent makes none: {told}");
    let told = rig.answer_to("!label").await;
    assert!(told.contains("The desk has no labels."), "{told}");
    rig.promote(Role::Manager).await;
    assert_eq!(rig.answer_to("!label +vip +hot lead").await, "Labels: hot lead, vip.");
    assert_eq!(rig.answer_to("!label +new -hot lead").await, "Labels: new, vip.");
    let listed = "Labels: new, vip.\nLabels of the desk: hot lead, new, vip.";
    assert_eq!(rig.answer_to("!label").await, listed);
    let told = rig.answer_to("!label +other -absent").await;
    assert!(told.starts_with("Not done: there is no label absent"), "{told}");
    assert_eq!(rig.conversation().await.labels, ["new", "vip"]);
    let labels = rig.program.store.labels().list().await.unwrap();
    assert!(labels.iter().all(|label| label.name != "other"), "{labels:?}");
    rig.answer_to("!label -new -vip").await;
    assert!(rig.conversation().await.labels.is_empty());
}

#[tokio::test]
async fn card_history_and_status_are_told() {
    let mut rig = Rig::of_customer().await;
    rig.agent_says(super::ADA, "for the customer", None).await;
    rig.answer_to("!assign").await;
    let card = rig.answer_to("!customer").await;
    assert!(
        card.starts_with("Customer 00 (+447700900000) · customer 1\nConversation 1: open, with ada"),
        "{card}"
    );
    assert!(card.ends_with("ada (matrix): for the customer"), "{card}");
    let history = rig.answer_to("!history 1").await;
    assert!(
        history.ends_with(" UTC ada (matrix): for the customer") && !history.contains('\n'),
        "{history}"
    );
    assert_eq!(rig.answer_to("!history").await.lines().count(), 2);
    let status = rig.answer_to("!status").await;
    assert!(
        status.starts_with("Conversation 1: open, with ada\nAccount default: "),
        "{status}"
    );
    let help = rig.answer_to("!help").await;
    assert!(
        help.contains("\n!assign ") && !help.contains("!merge"),
        "what an agent may do: {help}"
    );
    rig.promote(Role::Manager).await;
    assert!(rig.answer_to("!help").await.contains("\n!merge "));
}

#[tokio::test]
async fn hidden_number_is_in_no_answer() {
    let mut rig = Rig::with(|run| run.policy.hide_numbers = true).await;
    rig.met().await;
    for command in ["!customer", "!history", "!status", "!help", "!new +447700900001 hello"] {
        let told = rig.answer_to(command).await;
        assert!(!told.contains("7700"), "{command}: {told}");
    }
}
