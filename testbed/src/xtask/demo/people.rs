//! People of the demo: customers who write by themselves, and a colleague who greets them.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Result;
use testbed::agents::{Agent, Content, Message, Mirror};
use testbed::standin::{Customer, NewCustomer, Script, StandIn};

/// Number that the printed instructions suggest to write to.
pub const FIRST_NUMBER: &str = "+447700900123";

/// Pause between two customers' messages: short until everyone has written, then long.
const BRISK: Duration = Duration::from_secs(4);
const QUIET: Duration = Duration::from_secs(25);
const READS_AFTER_MS: u64 = 1_500;
const ANSWERS_AFTER_MS: u64 = 6_000;
/// Deadline of the colleague's waits: longer than any demo.
const EVER: Duration = Duration::from_hours(24 * 365);

const MARIA: [&str; 4] = [
    "Hello! Do you have sourdough tomorrow morning?",
    "Two large ones please, for Maria",
    "Can I pick them up at 8?",
    "Thank you, see you then",
];
const TOM: [&str; 4] = [
    "Hi, the birthday cake for Saturday: can it say “Happy 40th, Jo”?",
    "And is it nut-free?",
    "Great. I'll pay when I collect it",
    "What time do you close on Saturday?",
];
const AMINA: [&str; 3] = [
    "Good morning, we need 60 rolls for the school fair on Friday",
    "Could you deliver to the gate?",
    "Our order number from last year was 2217, if that helps",
];
const LEO: [&str; 3] = ["are you open on sundays", "ok", "then i'll come on monday 🙂"];

/// Adds the customers, who then write without end.
pub async fn customers(standin: &StandIn) -> Result<()> {
    let number = FIRST_NUMBER.trim_start_matches('+');
    let cast: [(Customer, &[&str]); 4] = [
        (standin.customer("Maria Lopes", number), &MARIA),
        (standin.customer("Tom Baker", "447700900124"), &TOM),
        (
            standin.add_customer(NewCustomer::by_lid("Amina Yusuf", "447700900125", "210000000000125")),
            &AMINA,
        ),
        (
            standin.add_customer(NewCustomer::hidden("leo", "210000000000126")),
            &LEO,
        ),
    ];
    for (customer, _) in &cast {
        customer.play(Script {
            read_after_ms: Some(READS_AFTER_MS),
            ..Script::default()
        });
    }
    // One of them answers, so that the user can have a conversation.
    cast[1].0.play(Script {
        read_after_ms: Some(READS_AFTER_MS),
        answer_after_ms: Some(ANSWERS_AFTER_MS),
        answer: "Thanks for telling me: “{}”".to_owned(),
        ..Script::default()
    });
    for round in 0.. {
        for (customer, words) in &cast {
            customer.write(words[round % words.len()]);
            tokio::time::sleep(if round == 0 { BRISK } else { QUIET }).await;
        }
    }
    Ok(())
}

/// Greets once in every room in which a customer has written and nobody has answered.
pub async fn colleague(ben: &Agent, other: &str) -> Result<()> {
    let mut greeted = HashSet::new();
    loop {
        let agents = [ben.user_id(), other];
        let written = |message: &Message| message.msgtype() == "m.text";
        let unanswered = |mirror: &Mirror| {
            let rooms = mirror.rooms().filter(|room| room.membership == "join" && !room.space);
            let mut waiting = rooms.filter(|room| {
                let mut messages = mirror.messages(&room.room_id).iter().filter(|message| written(message));
                let first = messages.next();
                first.is_some_and(|first| !agents.contains(&first.sender.as_str())) && !greeted.contains(&room.room_id)
            });
            waiting.next().map(|room| room.room_id.clone())
        };
        let room_id = ben.until("a customer to greet", EVER, unanswered).await?;
        ben.send(
            &room_id,
            Content::text("Hello, Ben from the bakery here. How can I help?"),
        )
        .await?;
        greeted.insert(room_id);
    }
}
