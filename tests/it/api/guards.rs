//! Who is let in, and to what.

use crm::contract::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::app::App;

/// Every route, and the least scope that opens it.
const ROUTES: &[(&str, &str, Scope)] = &[
    ("GET", "/readyz", Scope::Read),
    ("GET", "/metrics", Scope::Read),
    ("GET", "/api/v1/status", Scope::Read),
    ("GET", "/api/v1/accounts", Scope::Read),
    ("GET", "/api/v1/outbox", Scope::Read),
    ("GET", "/api/v1/customers", Scope::Read),
    ("GET", "/api/v1/customers/1", Scope::Read),
    ("GET", "/api/v1/attributes", Scope::Read),
    ("GET", "/api/v1/conversations", Scope::Read),
    ("GET", "/api/v1/conversations/1", Scope::Read),
    ("GET", "/api/v1/conversations/1/messages", Scope::Read),
    ("GET", "/api/v1/messages/1", Scope::Read),
    ("GET", "/api/v1/export/messages", Scope::Read),
    ("GET", "/api/v1/exports", Scope::Read),
    ("GET", "/api/v1/export/customers", Scope::Read),
    ("GET", "/api/v1/templates", Scope::Read),
    ("GET", "/api/v1/me", Scope::Read),
    ("POST", "/api/v1/messages", Scope::Send),
    ("POST", "/api/v1/conversations/1/read", Scope::Send),
    ("POST", "/api/v1/templates", Scope::Manage),
    ("POST", "/api/v1/messages/1/retry", Scope::Manage),
    ("POST", "/api/v1/messages/1/cancel", Scope::Send),
    ("POST", "/api/v1/messages/1/resolve", Scope::Manage),
    ("GET", "/api/v1/accounts/default/session", Scope::Manage),
    ("POST", "/api/v1/accounts/default/login", Scope::Manage),
    ("POST", "/api/v1/accounts/default/logout", Scope::Manage),
    ("POST", "/api/v1/accounts/default/takeover", Scope::Manage),
    ("POST", "/api/v1/accounts/default/release", Scope::Manage),
    ("GET", "/api/v1/quarantine", Scope::Manage),
    ("POST", "/api/v1/quarantine/replay", Scope::Manage),
    ("POST", "/api/v1/outbox/resume", Scope::Manage),
    ("GET", "/api/v1/keys", Scope::Admin),
    ("GET", "/api/v1/keys/1", Scope::Admin),
    ("GET", "/api/v1/audit", Scope::Admin),
    ("POST", "/api/v1/keys", Scope::Admin),
    ("POST", "/api/v1/keys/1/revoke", Scope::Admin),
    ("POST", "/api/v1/accounts/default/rebind", Scope::Admin),
    ("POST", "/api/v1/clock/confirm", Scope::Admin),
    ("GET", "/api/v1/backup", Scope::Admin),
];

/// Only `/healthz` answers without a key.
#[tokio::test]
async fn every_route_needs_key_with_its_scope() {
    let app = App::start().await;
    assert_eq!(app.bare(Method::GET, "/healthz").send().await.unwrap().status(), 200);
    let ws = app.bare(Method::GET, "/api/v1/ws").send().await.unwrap();
    assert_eq!(ws.status(), 426, "the WebSocket asks for the key in its first frame");
    let unknown = app.bare(Method::GET, "/anything").send().await.unwrap();
    assert_eq!(unknown.status(), 401, "not even what there is");

    let mut keys = vec![];
    for scope in Scope::ALL {
        keys.push((*scope, app.key_of(*scope).await));
    }
    for (method, path, needed) in ROUTES {
        let method: Method = method.parse().unwrap();
        let bare = app.bare(method.clone(), path).send().await.unwrap();
        assert_eq!(bare.status(), 401, "{method} {path}");
        for (scope, key) in keys.iter().filter(|(scope, _)| scope < needed) {
            let answer = app.bare(method.clone(), path).bearer_auth(key).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{method} {path} with {scope}");
            assert_eq!(answer.json::<Value>().await.unwrap()["code"], "scope_missing");
        }
        // A backup is tried with its own tests: here its stream would have to be read to its end.
        if *path != "/api/v1/backup" {
            let (_, key) = keys.iter().find(|(scope, _)| scope == needed).unwrap();
            let answer = app.bare(method.clone(), path).bearer_auth(key).send().await.unwrap();
            assert!(
                ![401, 403, 404, 405].contains(&answer.status().as_u16()) || path.contains("/1"),
                "{method} {path}"
            );
        }
    }
    app.stop().await;
}

/// Rule 30. A valid key changes nothing about it.
#[tokio::test]
async fn foreign_host_or_origin_is_refused() {
    let app = App::start().await;
    let rebound = app
        .request(Method::GET, "/api/v1/customers")
        .header("Host", "evil.example:8000");
    assert_eq!(rebound.send().await.unwrap().status(), 421);
    let configured = app
        .request(Method::GET, "/api/v1/customers")
        .header("Host", "crm.example.org");
    assert_eq!(configured.send().await.unwrap().status(), 200);

    let send = |origin: &str| {
        app.request(Method::POST, "/api/v1/messages")
            .header("Origin", origin)
            .json(&json!({ "to": "+447700900123", "content": "x" }))
    };
    assert_eq!(send("https://evil.example").send().await.unwrap().status(), 403);
    assert_eq!(send("https://crm.example.org").send().await.unwrap().status(), 202);
    app.stop().await;
}

/// A page of another server can send and read all that the description names.
#[tokio::test]
async fn page_elsewhere_uses_every_described_header() {
    const PAGE: &str = "https://shop.example";
    let app = App::open_to(&[PAGE]).await;
    let description = app.json("/api/v1/openapi.json").await;
    let preflight = app
        .bare(Method::OPTIONS, "/api/v1/messages")
        .header("Origin", PAGE)
        .header("Access-Control-Request-Method", "POST");
    let preflight = preflight.send().await.unwrap();
    let answer = app.request(Method::GET, "/api/v1/customers").header("Origin", PAGE);
    let answer = answer.send().await.unwrap();
    for (part, told, list) in [
        ("parameters", &preflight, "access-control-allow-headers"),
        ("headers", &answer, "access-control-expose-headers"),
    ] {
        let list = told.headers()[list].to_str().unwrap().to_lowercase();
        let open: Vec<_> = list.split(',').map(str::trim).collect();
        let described = description["components"][part].as_object().unwrap();
        assert!(!described.is_empty());
        for name in described.keys() {
            assert!(open.contains(&name.to_lowercase().as_str()), "{name} in {list}");
        }
    }
    app.stop().await;
}

/// The method of a request without a key is not kept anywhere.
#[tokio::test]
async fn foreign_method_makes_no_series() {
    let app = App::start().await;
    app.get("/metrics").await;
    for n in 0..20 {
        for host in ["evil.example", "localhost"] {
            for path in ["/x", "/healthz", "/api/v1/ws"] {
                let method = format!("M{n}{}", "A".repeat(1000));
                let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
                let answer = app.raw(request.as_bytes()).await;
                let status = match (host, path) {
                    ("evil.example", _) => "421",
                    (_, "/x") => "401",
                    _ => "405",
                };
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
            }
        }
        for method in ["GET", "POST", "DELETE", "TRACE"] {
            let method: Method = method.parse().unwrap();
            let answer = app
                .bare(method, &format!("/api/v1/customers/{n}"))
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 401);
        }
    }
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(!metrics.contains("M1A"));
    assert!(
        metrics.contains("crm_http_unauthenticated_requests_total 100\n"),
        "{metrics}"
    );
    let series = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("crm_http_requests_total"));
    let mut series: Vec<&str> = series.collect();
    series.sort_unstable();
    let expected = [
        r#"{method="GET",route="/metrics",status="200"} 1"#,
        r#"{method="other",route="/api/v1/ws",status="405"} 20"#,
        r#"{method="other",route="/healthz",status="405"} 20"#,
    ];
    assert_eq!(series, expected);
    app.stop().await;
}

/// A proxy before us may look at the other one.
#[tokio::test]
async fn second_host_line_is_refused() {
    let app = App::start().await;
    for hosts in [
        ["localhost", "localhost"],
        ["localhost", "evil.example"],
        ["evil.example", "localhost"],
    ] {
        let lines = hosts.map(|host| format!("Host: {host}\r\n")).concat();
        let answer = app
            .raw(format!("GET /healthz HTTP/1.1\r\n{lines}Connection: close\r\n\r\n").as_bytes())
            .await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{hosts:?}: {answer}");
        assert!(answer.contains("malformed_request"), "{answer}");
    }
    let absolute = "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = app.raw(absolute.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    app.stop().await;
}
