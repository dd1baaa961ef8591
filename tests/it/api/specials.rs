//! Places, cards and polls, by request: what is taken, and what is wrong with what is not.

use serde_json::{Value, json};

use super::app::App;

#[tokio::test]
async fn invalid_special_message_names_its_field() {
    let app = App::start().await;
    let poll = |question: &str, options: Vec<String>, selectable: u32| json!({"poll": {"question": question, "options": options, "selectable": selectable}});
    let two = || vec!["yes".to_owned(), "no".to_owned()];
    let cases = [
        (
            json!({"location": {"latitude": 90.5, "longitude": 0}}),
            "/location/latitude",
        ),
        (
            json!({"location": {"latitude": 0, "longitude": -180.5}}),
            "/location/longitude",
        ),
        (
            json!({"location": {"latitude": 0, "longitude": 0, "name": "two\nlines"}}),
            "/location/name",
        ),
        (
            json!({"location": {"latitude": 0, "longitude": 0, "altitude": 1}}),
            "/location/altitude",
        ),
        (
            json!({"contact": {"name": " ", "phone": "+447700900999"}}),
            "/contact/name",
        ),
        (json!({"contact": {"name": "Bob", "phone": "12"}}), "/contact/phone"),
        (json!({"contact": {"name": "Bob"}}), "/contact"),
        (json!({"contact": {"name": "Bob", "vcard": "hello"}}), "/contact/vcard"),
        (poll(" ", two(), 0), "/poll/question"),
        (poll(&"x".repeat(256), two(), 0), "/poll/question"),
        (poll("?", vec!["one".to_owned()], 0), "/poll/options"),
        (poll("?", (0..13).map(|n| n.to_string()).collect(), 0), "/poll/options"),
        (
            poll("?", vec!["yes".to_owned(), " yes ".to_owned()], 0),
            "/poll/options/1",
        ),
        (poll("?", vec!["x".repeat(101), "no".to_owned()], 0), "/poll/options/0"),
        (poll("?", two(), 3), "/poll/selectable"),
        (
            json!({"content": "text", "location": {"latitude": 0, "longitude": 0}}),
            "/content",
        ),
        (json!({}), "/content"),
    ];
    for (mut body, pointer) in cases {
        body["to"] = "+447700900123".into();
        let answer = app.post("/api/v1/messages", &body).await;
        assert_eq!(answer.status(), 422, "{body}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let customers = app.json("/api/v1/customers").await;
    assert_eq!(customers["data"], json!([]), "and nobody is made for it");
    app.stop().await;
}

#[tokio::test]
async fn location_contact_and_poll_are_accepted() {
    let app = App::start().await;
    for (body, kind, content) in [
        (
            json!({"location": {"latitude": 51.5, "longitude": -0.25, "name": "Hall"}}),
            "location",
            "[location: Hall; 51.50000, -0.25000]",
        ),
        (
            json!({"contact": {"name": "Bob", "phone": "+44 7700 900999"}}),
            "contact",
            "[contact: Bob, +447700900999]",
        ),
        (
            json!({"poll": {"question": "When?", "options": ["nine", "ten"]}}),
            "poll",
            "[poll: When?] nine · ten",
        ),
    ] {
        let mut body = body;
        body["to"] = "+447700900123".into();
        let answer = app.post("/api/v1/messages", &body).await;
        assert_eq!(answer.status(), 202, "{body}");
        let message: Value = answer.json().await.unwrap();
        assert_eq!((&message["kind"], &message["content"]), (&json!(kind), &json!(content)));
        assert_eq!(message["state"], "queued");
    }
    app.stop().await;
}
