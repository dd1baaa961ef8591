//! How many statements a message costs the database. Each is a journey to another thread or another machine, so this is what
//! bounds the messages a second.

use serde_json::json;

use crate::api::app::App;

/// Statements of one more message of a customer whom we know, with those that begin and end the transaction.
const MOST: u32 = 14;
/// Messages of each kind, of which the cheapest counts: with the others the use of the key is noted.
const TRIES: usize = 4;

#[tokio::test]
async fn message_costs_few_statements() {
    let app = App::start().await;
    let inbox = async |number: usize| {
        let id = format!("A{number}");
        let told = json!({"phone": "447700900101", "name": "Ada", "content": "hello", "whatsapp_id": id});
        assert_eq!(app.post("/messages/inbox", &told).await.status(), 200);
    };
    let send = async |_| {
        let body = json!({"to": "+447700900102", "account": "default", "content": "hello"});
        assert_eq!(app.post("/api/v1/messages", &body).await.status(), 202);
    };
    let (mut of_inbox, mut of_send) = (u32::MAX, u32::MAX);
    for number in 0..TRIES {
        of_inbox = of_inbox.min(app.statements_of(inbox(number)).await);
        of_send = of_send.min(app.statements_of(send(number)).await);
    }
    assert!(
        of_inbox <= MOST && of_send <= MOST,
        "a message of the inbox costs {of_inbox} statements, a send {of_send}"
    );
    app.stop().await;
}
