//! The customer: name and merges.

use crm::domain::{CustomerId, Role};

use crate::bridge::Rig;

#[tokio::test]
async fn name_is_given_to_the_customer() {
    let mut rig = Rig::of_customer().await;
    assert_eq!(
        rig.answer_to("!name Ada  Lovelace").await,
        "The customer is called Ada Lovelace now."
    );
    assert_eq!(rig.conversation().await.name, "Ada Lovelace");
    let told = rig.answer_to("!name \u{200b}").await;
    assert!(told.starts_with("Not done: "), "{told}");
}

#[tokio::test]
async fn merge_takes_id_number_or_whole_name() {
    let mut rig = Rig::of_customer().await;
    for chat in [1, 2] {
        rig.run.whatsapp.customer_writes(chat);
    }
    rig.settle().await;
    let told = rig.answer_to("!merge Customer 01").await;
    assert!(told.contains("your role"), "{told}");
    rig.promote(Role::Manager).await;
    let told = rig.answer_to("!merge Customer").await;
    assert!(
        told.starts_with("Not done: say who is meant.") && told.contains("!merge #2 for Customer 01 (+447700900001)"),
        "{told}"
    );
    assert!(!told.contains("Customer 00"), "not this one: {told}");
    let told = rig.answer_to("!merge nobody at all").await;
    assert!(told.contains("no other customer"), "{told}");
    let told = rig.answer_to("!merge 1").await;
    assert!(told.contains("cannot be merged with itself"), "{told}");
    let told = rig.answer_to("!merge customer 01").await;
    assert!(told.contains("is merged into this customer"), "{told}");
    let told = rig.answer_to("!merge +447700900002").await;
    assert!(told.contains("is merged into this customer"), "{told}");
    let merged = rig
        .program
        .store
        .customers()
        .current(CustomerId(3))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(merged.id, CustomerId(1));
    let own = rig.run.whatsapp.world.lock().unwrap().chats[0].phone.clone();
    assert_eq!(
        merged.phone,
        Some(own),
        "not the number of one who was merged into them"
    );
}
