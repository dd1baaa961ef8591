//! Files of templates, repeats, scopes, backups, and the shell.

use std::time::Duration;

use crm::contract::Scope;
use crm::domain::MediaId;
use crm::domain::media::MediaState;
use crm::store::{MediaChange, OpenOptions, StoreError};
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::json;

use super::templates::{TEMPLATES, TO, patch, pointer, post, told, welcome};
use crate::api::app::App;
use crate::cli::rig::Shell;
use crate::rig::files::png;
use crate::ws::client::Client;

/// Uploads a picture, and returns its id.
pub async fn upload(app: &App) -> i64 {
    let request = app.request(Method::POST, "/api/v1/media?filename=menu.png");
    let answer = request
        .header("Content-Type", "image/png")
        .body(png())
        .send()
        .await
        .unwrap();
    told(answer).await.1["id"].as_i64().unwrap()
}

#[tokio::test]
async fn template_with_file_sends_caption_and_keeps_file() {
    let app = App::start().await;
    let media = upload(&app).await;
    let menu = json!({ "name": "menu", "body": "For {{ customer.name }}", "media": { "id": media } });
    let (status, template) = post(&app, TEMPLATES, &menu).await;
    assert_eq!((status, &template["media"]), (201, &json!({ "id": media })));
    let as_video = json!({ "media": { "id": media, "kind": "video" } });
    let (status, problem) = patch(&app, "menu", None, &as_video).await;
    assert_eq!((status, pointer(&problem)), (422, "/media/kind"));
    // No message carries the file, and housekeeping leaves it.
    let later = App::now().plus(Duration::from_hours(48));
    assert_eq!(app.store.media().unsent(later, None, 10).await.unwrap(), []);

    let inbound = app.inbound("Ada", TO, "hello").await;
    let whom = json!({ "conversation_id": inbound.conversation_id });
    let (_, rendered) = post(&app, "/api/v1/templates/menu/render", &whom).await;
    assert_eq!(
        (&rendered["content"], &rendered["media"]["id"]),
        (&json!("For Ada"), &json!(media))
    );
    let send = json!({ "conversation_id": inbound.conversation_id, "template": { "name": "menu" } });
    let (status, message) = post(&app, "/api/v1/messages", &send).await;
    assert_eq!(
        (status, &message["kind"], &message["content"]),
        (202, &json!("image"), &json!("For Ada"))
    );
    assert_eq!(message["media"]["id"], media);
    // Without a text the file goes out alone.
    assert_eq!(patch(&app, "menu", None, &json!({ "body": "" })).await.0, 200);
    let (_, alone) = post(&app, "/api/v1/messages", &send).await;
    assert_eq!(alone["content"], "[image]");

    let lost = MediaChange::Lost {
        state: MediaState::Broken,
        detail: "gone".to_owned(),
    };
    app.store
        .write::<_, _, StoreError, _>((lost, MediaId(media)), |tx, (lost, id)| {
            async move { tx.media().change(*id, lost).await }.boxed()
        })
        .await
        .unwrap();
    for (path, body) in [("/api/v1/messages", &send), ("/api/v1/templates/menu/render", &whom)] {
        let (status, problem) = post(&app, path, body).await;
        assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{path}");
        assert!(
            problem["detail"].as_str().unwrap().contains("upload it again"),
            "{problem}"
        );
    }
    // Its other parts can still be changed, and the file can be left out.
    assert_eq!(patch(&app, "menu", None, &json!({ "description": "x" })).await.0, 200);
    assert_eq!(
        patch(&app, "menu", None, &json!({ "media": null, "body": "no file" }))
            .await
            .0,
        200
    );
    assert_eq!(post(&app, "/api/v1/messages", &send).await.1["content"], "no file");
    app.stop().await;
}

/// rule 25.
#[tokio::test]
async fn idempotency_key_covers_template() {
    let app = App::start().await;
    welcome(&app).await;
    let send = |order: &str| {
        let body = json!({ "to": TO, "template": { "name": "welcome", "fields": { "order": order } } });
        let request = app
            .request(Method::POST, "/api/v1/messages")
            .header("Idempotency-Key", "k");
        async move { request.json(&body).send().await.unwrap() }
    };
    let (status, first) = told(send("17").await).await;
    assert_eq!(status, 202);
    // The template changes in between: the repeat is what was sent.
    assert_eq!(patch(&app, "welcome", None, &json!({ "body": "another" })).await.0, 200);
    let again = send("17").await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(told(again).await, (202, first));
    let (status, problem) = told(send("18").await).await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_mismatch")));

    let (mut socket, _) = Client::identified(&app, json!({})).await;
    let d = json!({ "to": TO, "template": { "name": "welcome", "fields": { "order": "17" } }, "idempotency_key": "k" });
    let replayed = socket.command("send", &json!(1), d).await;
    assert_eq!(replayed["idempotent_replayed"], true, "{replayed}");
    let d = json!({ "to": TO, "template": { "name": "welcome" } });
    let refused = socket.command("send", &json!(2), d).await;
    assert_eq!(
        (&refused["status"], pointer(&refused["d"])),
        (&json!(422), "/template/fields/order")
    );
    app.stop().await;
}

#[tokio::test]
async fn templates_need_their_scopes() {
    let app = App::start().await;
    welcome(&app).await;
    app.inbound("Ada", TO, "hello").await;
    let body = json!({ "name": "b", "body": "x", "customer_id": 1 });
    for (method, path, needed) in [
        (Method::GET, TEMPLATES.to_owned(), Scope::Read),
        (Method::GET, format!("{TEMPLATES}/welcome"), Scope::Read),
        (Method::POST, format!("{TEMPLATES}/welcome/render"), Scope::Read),
        (Method::POST, TEMPLATES.to_owned(), Scope::Manage),
        (Method::PATCH, format!("{TEMPLATES}/welcome"), Scope::Manage),
        (Method::DELETE, format!("{TEMPLATES}/welcome"), Scope::Manage),
    ] {
        for scope in Scope::ALL {
            let key = app.key_of(*scope).await;
            let request = app.bare(method.clone(), &path).bearer_auth(key).json(&body);
            let status = request.send().await.unwrap().status();
            assert_eq!(status == 403, *scope < needed, "{method} {path} with {scope}: {status}");
        }
        assert_eq!(
            app.bare(method.clone(), &path).send().await.unwrap().status(),
            401,
            "{method} {path}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn backup_carries_templates() {
    let app = App::start().await;
    let media = upload(&app).await;
    let menu = json!({ "name": "menu", "body": "é {{ fields.a }}", "fields": [{ "name": "a" }], "media": { "id": media, "kind": "document" } });
    post(&app, TEMPLATES, &menu).await;
    let mut backup = vec![];
    app.store.dump(&mut backup).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("crm.db").display());
    let other = OpenOptions::new(&url)
        .open(std::sync::Arc::new(crm::clock::SystemClock))
        .await
        .unwrap();
    other.load(backup.as_slice()).await.unwrap();
    let kept = other.templates().named("menu").await.unwrap();
    assert_eq!(kept, app.store.templates().named("menu").await.unwrap());
    assert!(kept.is_some());
    assert_eq!(
        other
            .media()
            .unsent(App::now().plus(Duration::from_hours(48)), None, 9)
            .await
            .unwrap(),
        []
    );
    other.close().await;
    app.stop().await;
}

#[tokio::test]
async fn shell_keeps_and_sends_templates() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let shell = Shell::of(&app);
    let created = shell
        .told(
            &[
                "template",
                "create",
                "welcome",
                "-",
                "--field",
                "order=Order number",
                "--optional",
                "note=soon",
                "-o",
                "json",
            ],
            "Hi {{ customer.first_name }}: {{ fields.order }} {{ fields.note }}\n",
        )
        .await;
    assert_eq!(created.code, Some(0), "{created:?}");
    assert_eq!(created.json()["fields"][0]["label"], "Order number");
    let list = shell.ok(&["template", "list"]).await;
    assert!(list.out.contains("welcome"), "{list:?}");
    assert_eq!(shell.ok(&["template", "list", "-q"]).await.out, "1\n");
    let shown = shell
        .ok(&["template", "render", "welcome", "Ada", "--field", "order=17"])
        .await;
    assert_eq!(shown.out, "Hi Ada: 17 soon\n");

    let arguments = [
        "send",
        "Ada",
        "--template",
        "welcome",
        "--wait",
        "queued",
        "--field",
        "order=17",
        "-o",
        "json",
    ];
    let sent = shell.ok(&arguments).await.json();
    let message = app.json(&format!("/api/v1/messages/{}", sent["id"])).await;
    assert_eq!(
        (&message["content"], &message["author"]["origin"]),
        (&json!("Hi Ada: 17 soon"), &json!("shell"))
    );
    for (arguments, code, why) in [
        (
            &["send", "Ada", "--template", "welcome"][..],
            2,
            "fill the field `order` (Order number)",
        ),
        (&["send", "Ada", "--template", "none"], 3, "there is no template none"),
        (
            &["send", "Ada", "text", "--template", "welcome"],
            2,
            "cannot be used with",
        ),
        (&["send", "Ada", "text", "--field", "a=b"], 2, "cannot be used with"),
        (&["send", "Ada", "--field", "a=b"], 2, "required"),
        (&["template", "create", "welcome", "again"], 7, "already"),
        (
            &["template", "create", "bad", "{{ nothing }}"],
            2,
            "line 1: there is no `nothing`",
        ),
        (
            &["template", "render", "welcome", "Ada", "--field", "order"],
            2,
            "NAME=VALUE",
        ),
        (&["template", "view", "none"], 3, "there is no template none"),
    ] {
        let ended = shell.run(arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(why), "{arguments:?}: {ended:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn shell_changes_and_deletes_template() {
    let app = App::start().await;
    welcome(&app).await;
    let shell = Shell::of(&app);
    std::fs::write(shell.folder.path().join("body.txt"), "Bye {{ agent.name }}\n").unwrap();
    std::fs::write(shell.folder.path().join("menu.png"), png()).unwrap();
    let edit = [
        "template",
        "edit",
        "welcome",
        "--file",
        "body.txt",
        "--no-fields",
        "--media",
        "menu.png",
        "-o",
        "json",
    ];
    let edited = shell.ok(&edit).await.json();
    assert_eq!(
        (&edited["body"], &edited["fields"], &edited["revision"]),
        (&json!("Bye {{ agent.name }}"), &json!([]), &json!(2))
    );
    assert_eq!(edited["media"]["id"], 1);
    let stale = shell
        .run(&["template", "edit", "welcome", "mine", "--revision", "1"])
        .await;
    assert_eq!(stale.code, Some(7), "{stale:?}");
    shell.ok(&["template", "delete", "welcome"]).await;
    assert_eq!(shell.ok(&["template", "list", "-o", "ndjson"]).await.out, "");
    app.stop().await;
}
