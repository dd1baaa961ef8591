//! Exports that are written to a file: by REST and by the shell, over crashes, by two processes, and on a full disk.

mod lives;

use std::time::Duration;

use crm::api::AccessRules;
use crm::bridge::{Core, ExportWorker, Progress, Random, Worker, sweep};
use crm::contract::{CreateKey, Scope};
use crm::domain::Timestamp;
use crm::domain::export::ExportRules;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{posted, refused, told};
use crate::api::app::{App, NOW, policy};
use crate::cli::rig::Shell;
use lives::Hands;

const PATH: &str = "/api/v1/exports";

/// What a process of its own would have, at this time.
async fn core_at(app: &App, now: Timestamp) -> Core {
    let clock = Hands::at(now);
    let core = Core::new(app.store.clone(), app.vault.clone(), clock, Random::seeded(2), policy());
    core.await.unwrap()
}

/// Writes the exports that wait.
pub async fn work(app: &App) {
    work_with(core_at(app, NOW).await).await;
}

async fn work_with(core: Core) {
    let mut worker = ExportWorker::new(core);
    while worker.step().await.unwrap() == Progress::Worked {}
}

async fn asked(app: &App, body: &Value) -> String {
    let job = posted(app, PATH, body).await;
    format!("{PATH}/{}", job["id"])
}

async fn bytes(app: &App, path: &str, key: &str) -> Vec<u8> {
    let answer = app.bare(Method::GET, path).bearer_auth(key).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.bytes().await.unwrap().to_vec()
}

async fn status(app: &App, method: Method, path: &str, key: &str) -> u16 {
    let request = app.bare(method, path).bearer_auth(key);
    request.send().await.unwrap().status().as_u16()
}

fn objects(app: &App) -> usize {
    let folders = std::fs::read_dir(app.folder.path().join("media")).unwrap().flatten();
    let of_objects = folders.filter(|folder| folder.file_name().len() == 2);
    of_objects
        .map(|folder| std::fs::read_dir(folder.path()).unwrap().count())
        .sum()
}

async fn bound_key(app: &App, scope: Scope, account: &str) -> String {
    let wanted = CreateKey {
        name: "bound".to_owned(),
        scope,
        expires_at: None,
        accounts: Some(vec![crm::contract::AccountRef::Name(account.to_owned())]),
        agent_id: None,
    };
    let made = app.post("/api/v1/keys", &serde_json::to_value(&wanted).unwrap()).await;
    made.json::<Value>().await.unwrap()["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn export_job_has_bytes_of_stream() {
    let app = App::start().await;
    for n in 0..230 {
        let (name, phone) = [("=Ada", "+447700900123"), ("Jos\u{e9}", "+447700900124")][n % 2];
        app.inbound(name, phone, &format!("message {n}, \"quoted\"\nline"))
            .await;
    }
    for (body, stream, rows) in [
        (json!({ "what": "messages" }), "messages", 230),
        (
            json!({ "what": "messages", "format": "csv" }),
            "messages?format=csv",
            230,
        ),
        (
            json!({ "what": "messages", "customer_id": 2, "account": "default" }),
            "messages?customer_id=2",
            115,
        ),
        (json!({ "what": "customers", "format": "ndjson" }), "customers", 2),
        (
            json!({ "what": "customers", "format": "csv", "account": "default" }),
            "customers?format=csv",
            2,
        ),
        (
            json!({ "what": "messages", "until": "2020-01-01T00:00:00Z" }),
            "messages?until=2020-01-01T00:00:00Z",
            0,
        ),
    ] {
        let answer = app.post(PATH, &body).await;
        assert_eq!(answer.status(), 202, "{body}");
        let place = answer.headers()["location"].to_str().unwrap().to_owned();
        let job: Value = answer.json().await.unwrap();
        assert_eq!(
            (&job["state"], &job["rows"], &job["sha256"]),
            (&json!("queued"), &json!(0), &Value::Null)
        );
        let early = refused(app.get(&format!("{place}/content")).await).await;
        assert_eq!((early.0, early.1.as_str()), (409, "conflict"));
        work(&app).await;
        let expected = bytes(&app, &format!("/api/v1/export/{stream}"), &app.key).await;
        let done = app.json(&place).await;
        assert_eq!(
            (&done["state"], &done["rows"]),
            (&json!("done"), &json!(rows)),
            "{body}"
        );
        assert_eq!(done["bytes"], json!(expected.len()));
        assert_eq!(done["expires_at"], json!(NOW.plus(Duration::from_hours(24))));
        let file = app.get(done["url"].as_str().unwrap()).await;
        assert_eq!(
            file.headers()["etag"],
            format!("\"{}\"", done["sha256"].as_str().unwrap())
        );
        assert!(file.bytes().await.unwrap() == expected, "{body}");
    }
    let states = told(&app, "export.").await;
    assert_eq!(states.len(), 18, "queued, running and done of each: {states:?}");
    let listed = app.json(PATH).await;
    let ids: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["id"])
        .collect();
    assert_eq!(ids, [6, 5, 4, 3, 2, 1]);
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("crm_exports{state=\"done\"} 6"), "{metrics}");
    app.stop().await;
}

#[tokio::test]
async fn file_of_export_is_served_in_parts() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let place = asked(&app, &json!({ "what": "customers", "format": "csv" })).await;
    work(&app).await;
    let path = format!("{place}/content");
    let whole = app.get(&path).await;
    let (tag, kind) = (whole.headers()["etag"].clone(), whole.headers()["content-type"].clone());
    assert_eq!(kind, "text/csv; charset=utf-8");
    assert_eq!(
        whole.headers()["content-disposition"],
        "attachment; filename=\"crm-customers-1.csv\""
    );
    let whole = whole.bytes().await.unwrap();
    let part = app
        .request(Method::GET, &path)
        .header("Range", "bytes=3-6")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (part.status(), part.bytes().await.unwrap()),
        (StatusCode::PARTIAL_CONTENT, whole.slice(3..7))
    );
    let beyond = app
        .request(Method::GET, &path)
        .header("Range", "bytes=9999-")
        .send()
        .await
        .unwrap();
    assert_eq!(beyond.status(), 416);
    let known = app
        .request(Method::GET, &path)
        .header("If-None-Match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(known.status(), 304);
    app.stop().await;
}

#[tokio::test]
async fn export_job_is_its_owners_and_managers() {
    let app = App::start().await;
    app.post("/api/v1/accounts", &json!({ "name": "other" })).await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let [mine, another, manager] = [Scope::Read, Scope::Read, Scope::Manage].map(|scope| app.key_of(scope));
    let (mine, another, manager) = (mine.await, another.await, manager.await);
    let bound = bound_key(&app, Scope::Manage, "other").await;
    let request = app
        .bare(Method::POST, PATH)
        .bearer_auth(&mine)
        .json(&json!({ "what": "messages" }));
    let job: Value = request.send().await.unwrap().json().await.unwrap();
    work(&app).await;
    let place = format!("{PATH}/{}", job["id"]);
    for (key, seen) in [
        (&mine, true),
        (&manager, true),
        (&app.key, true),
        (&another, false),
        (&bound, false),
    ] {
        let expected = if seen { 200 } else { 404 };
        for path in [place.clone(), format!("{place}/content")] {
            assert_eq!(status(&app, Method::GET, &path, key).await, expected, "{path}");
        }
        let list = app.bare(Method::GET, PATH).bearer_auth(key).send().await.unwrap();
        let list: Value = list.json().await.unwrap();
        assert_eq!(list["data"].as_array().unwrap().len(), usize::from(seen));
    }
    for key in [&another, &bound] {
        assert_eq!(status(&app, Method::DELETE, &place, key).await, 404);
    }
    // A bound key gets the rows of its accounts alone.
    let request = app
        .bare(Method::POST, PATH)
        .bearer_auth(&bound)
        .json(&json!({ "what": "messages" }));
    let job: Value = request.send().await.unwrap().json().await.unwrap();
    work(&app).await;
    let of_bound = bytes(&app, job["url"].as_str().unwrap(), &bound).await;
    assert!(of_bound.is_empty(), "{}", String::from_utf8_lossy(&of_bound));
    app.stop().await;
}

#[tokio::test]
async fn export_job_of_agent_has_no_number() {
    let rules = AccessRules {
        hide_numbers: true,
        ..AccessRules::default()
    };
    let app = App::ruled(rules).await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let agent = app.key_of(Scope::Send).await;
    for what in ["messages", "customers"] {
        for format in ["ndjson", "csv"] {
            let body = json!({ "what": what, "format": format });
            let request = app.bare(Method::POST, PATH).bearer_auth(&agent).json(&body);
            let job: Value = request.send().await.unwrap().json().await.unwrap();
            work(&app).await;
            let file = bytes(&app, job["url"].as_str().unwrap(), &agent).await;
            let stream = bytes(&app, &format!("/api/v1/export/{what}?format={format}"), &agent).await;
            assert!(file == stream, "{body}");
            assert!(!String::from_utf8(file).unwrap().contains("7700900123"), "{body}");
        }
    }
    // Nor does an agent get the file of an admin who shares their owner's id.
    let place = asked(&app, &json!({ "what": "customers" })).await;
    work(&app).await;
    assert_eq!(
        status(&app, Method::GET, &format!("{place}/content"), &agent).await,
        404
    );
    app.stop().await;
}

#[tokio::test]
async fn cancelled_export_is_not_written_deleted_one_is_gone() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let body = json!({ "what": "messages" });
    let cancelled = asked(&app, &body).await;
    assert_eq!(status(&app, Method::DELETE, &cancelled, &app.key).await, 204);
    work(&app).await;
    assert_eq!(app.json(&cancelled).await["state"], "cancelled");
    assert_eq!(app.get(&format!("{cancelled}/content")).await.status(), 409);
    assert_eq!(objects(&app), 0);
    assert_eq!(status(&app, Method::DELETE, &cancelled, &app.key).await, 204);
    assert_eq!(app.get(&cancelled).await.status(), 404);

    // Two with the same bytes are one object, which goes with the last of them.
    let (one, other) = (asked(&app, &body).await, asked(&app, &body).await);
    work(&app).await;
    assert_eq!(objects(&app), 1);
    assert_eq!(status(&app, Method::DELETE, &one, &app.key).await, 204);
    assert_eq!((app.get(&one).await.status().as_u16(), objects(&app)), (404, 1));
    assert_eq!(app.get(&format!("{other}/content")).await.status(), 200);
    assert_eq!(status(&app, Method::DELETE, &other, &app.key).await, 204);
    assert_eq!((app.get(&other).await.status().as_u16(), objects(&app)), (404, 0));
    app.stop().await;
}

#[tokio::test]
async fn expired_export_is_gone() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let place = asked(&app, &json!({ "what": "messages" })).await;
    let kept = asked(&app, &json!({ "what": "customers" })).await;
    // The first ends a day and an hour ago.
    let past = core_at(&app, NOW.minus(Duration::from_hours(25))).await;
    assert_eq!(ExportWorker::new(past).step().await.unwrap(), Progress::Worked);
    assert_eq!(objects(&app), 1);
    for _ in 0..2 {
        let (status, code, problem) = refused(app.get(&format!("{place}/content")).await).await;
        assert_eq!((status, code.as_str()), (410, "gone"), "{problem}");
        work(&app).await;
    }
    assert_eq!(app.json(&place).await["state"], "done");
    // No sweep of media takes the file that has not expired.
    assert_eq!(objects(&app), 1);
    let far = Timestamp(NOW.0 * 2);
    assert_eq!(sweep(&app.store, &app.vault, far).await.unwrap(), 0);
    assert_eq!(app.get(&format!("{kept}/content")).await.status(), 200);
    assert_eq!(
        app.store.exports().prune(far).await.unwrap(),
        1,
        "its row goes with time"
    );
    assert_eq!(app.get(&place).await.status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn full_disk_fails_export_and_says_what_to_do() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let small = core_at(&app, NOW).await.exporting(ExportRules {
        max_total: 10,
        ..ExportRules::default()
    });
    let mut full = core_at(&app, NOW).await;
    full.vault = full.vault.clone().with_free_bytes(|_| Ok(0));
    let mut bounded = policy();
    bounded.media.free_space_floor = 1 << 30;
    full.policy = std::sync::Arc::new(bounded);
    for (core, says) in [(small, "all exports together"), (full, "CRM_MEDIA_FREE_SPACE_FLOOR")] {
        let place = asked(&app, &json!({ "what": "messages" })).await;
        work_with(core).await;
        let job = app.json(&place).await;
        assert_eq!(job["state"], "failed");
        assert!(job["failure"].as_str().unwrap().contains(says), "{job}");
        let (status, _, problem) = refused(app.get(&format!("{place}/content")).await).await;
        assert_eq!(status, 409);
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
        assert_eq!(objects(&app), 0);
        let spooled = std::fs::read_dir(app.folder.path().join("media/incoming"))
            .unwrap()
            .count();
        assert_eq!(spooled, 0, "nothing is left halfway");
    }
    let again = asked(&app, &json!({ "what": "messages" })).await;
    work(&app).await;
    assert_eq!(app.json(&again).await["state"], "done");
    app.stop().await;
}

#[tokio::test]
async fn exports_of_owner_are_bounded_and_asked_once() {
    let app = App::start().await;
    let body = json!({ "what": "messages" });
    let keyed = async || {
        let request = app.request(Method::POST, PATH).header("Idempotency-Key", "E1");
        request.json(&body).send().await.unwrap()
    };
    let (first, second) = (keyed().await, keyed().await);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (202, 202));
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(first.headers()["location"], second.headers()["location"]);
    for _ in 1..10 {
        asked(&app, &body).await;
    }
    let (status, _, problem) = refused(app.post(PATH, &body).await).await;
    assert_eq!(status, 409, "{problem}");
    let other = app.key_of(Scope::Read).await;
    let request = app.bare(Method::POST, PATH).bearer_auth(other).json(&body);
    assert_eq!(
        request.send().await.unwrap().status(),
        202,
        "another owner's are not counted"
    );
    let unknown = json!({ "what": "messages", "account": "none" });
    let (status, _, problem) = refused(app.post(PATH, &unknown).await).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (404, &json!("/account")));
    for (body, pointer) in [
        (
            json!({ "what": "customers", "from": "2026-01-01T00:00:00Z" }),
            Some("/from"),
        ),
        (json!({ "what": "keys" }), None),
        (json!({ "what": "messages", "format": "xml" }), None),
        (json!({ "what": "messages", "search": "x" }), None),
        (json!({}), None),
    ] {
        let (status, _, problem) = refused(app.post(PATH, &body).await).await;
        assert_eq!(status, 422, "{body}: {problem}");
        if let Some(pointer) = pointer {
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
    }
    app.stop().await;
}

/// Programs know a customer by the id that they were told, also after it was merged.
#[tokio::test]
async fn export_by_merged_id_has_all_messages() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "from one number").await;
    app.inbound("Ada", "+447700900124", "from another").await;
    app.inbound("Bob", "+447700900125", "from somebody else").await;
    posted(&app, "/api/v1/customers/1/merge", &json!({ "with": 2 })).await;
    for id in [1, 2] {
        let place = asked(&app, &json!({ "what": "messages", "customer_id": id })).await;
        work(&app).await;
        assert_eq!(app.json(&place).await["rows"], 2, "customer {id}");
        let written = bytes(&app, &format!("{place}/content"), &app.key).await;
        let streamed = bytes(&app, "/api/v1/export/messages?customer_id=1", &app.key).await;
        assert_eq!(written, streamed, "customer {id}");
    }
    app.stop().await;
}

#[tokio::test]
async fn shell_asks_waits_downloads_and_cancels() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    let expected = shell.ok(&["export", "messages"]).await.out;
    let asked = shell.ok(&["export", "messages", "--job", "-o", "json"]).await.json();
    assert_eq!((&asked["id"], &asked["state"]), (&json!(1), &json!("queued")));
    let out = shell.folder.path().join("all.csv");
    let waits = [
        "export",
        "customers",
        "--job",
        "--format",
        "csv",
        "--out",
        out.to_str().unwrap(),
    ];
    let (waited, ()) = tokio::join!(shell.ok(&waits), async {
        while app.json(&format!("{PATH}?limit=1")).await["data"][0]["id"] != 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        work(&app).await;
    });
    assert_eq!(waited.out, "");
    assert!(std::fs::read_to_string(&out).unwrap().contains("+447700900123"));
    let download = ["export", "job", "download", "1"];
    assert_eq!(shell.ok(&download).await.out, expected);
    let dash = shell.ok(&[&download[..], &["--out", "-"]].concat()).await;
    assert_eq!(dash.out, expected, "and no file of this name");
    shell
        .ok(&[&download[..], &["--out", "all.csv", "--force"]].concat())
        .await;
    assert_eq!(std::fs::read_to_string(&out).unwrap(), expected);
    assert_eq!(
        shell.ok(&["export", "job", "view", "1", "-o", "json"]).await.json()["rows"],
        1
    );
    assert_eq!(shell.ok(&["export", "job", "list", "-q"]).await.out, "2\n1\n");
    shell.ok(&["export", "messages", "--job"]).await;
    shell.ok(&["export", "job", "cancel", "3"]).await;
    let refused = shell.run(&["export", "job", "download", "3"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("cancelled"), "{}", refused.err);
    for (arguments, code) in [
        (&["export", "job", "view", "9"][..], 3),
        (&["export"], 2),
        (&["export", "job"], 2),
        (&["export", "keys"], 2),
    ] {
        assert_eq!(shell.run(arguments).await.code, Some(code), "{arguments:?}");
    }
    app.stop().await;
}
