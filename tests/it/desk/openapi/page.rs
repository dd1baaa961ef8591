//! The description as a page.

use crate::api::app::App;

#[tokio::test]
async fn page_of_description_asks_nothing_of_anybody() {
    let app = App::start().await;
    let answer = app.get("/api/v1/docs").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let page = answer.text().await.unwrap();
    let tags = page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap());
    for tag in tags.filter(|tag| !tag.starts_with('/') && !tag.starts_with('!')) {
        let name = tag.split_whitespace().next().unwrap();
        let known = [
            "a", "b", "body", "br", "code", "details", "h1", "h2", "h4", "head", "html", "li", "meta", "nav", "p",
            "pre", "style", "summary", "table", "td", "title", "tr", "ul",
        ];
        assert!(known.contains(&name), "<{tag}>");
        for attribute in tag.split_whitespace().skip(1) {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let harmless = ["id", "class", "charset", "lang", "name", "content"].contains(&name);
            assert!(harmless || (name == "href" && value.starts_with("\"#")), "<{tag}>");
        }
    }
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
    for part in [
        "/api/v1/messages",
        "messages_create",
        "Idempotency-Key",
        "schema-MessageView",
        "+447700900123",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // What a link names is there.
    for target in page
        .split("href=\"#")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
    {
        assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
    }
    app.stop().await;
}
