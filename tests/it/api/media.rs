//! Files by REST: handed in, served safely, sent.

use crm::contract::Scope;
use crm::domain::hex::hex;
use crm::domain::media::MediaState;
use crm::store::{NewMedia, StoreError};
use futures_util::FutureExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::app::{App, MAX_FILE_BYTES};

const TO: &str = "+447700900123";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot much of a picture";

async fn upload(app: &App, name: &str, kind: &str, bytes: impl Into<reqwest::Body>) -> Response {
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    app.request(Method::POST, &format!("/api/v1/media?filename={name}"))
        .header("Content-Type", kind)
        .body(bytes)
        .send()
        .await
        .unwrap()
}

async fn handed_in(app: &App, name: &str, kind: &str, bytes: &[u8]) -> Value {
    let answer = upload(app, name, kind, bytes.to_vec()).await;
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn told<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn uploaded_file_is_served_whole_and_in_ranges() {
    let app = App::start().await;
    let bytes: Vec<u8> = (0..700_000_u32).map(|at| u8::try_from(at % 249).unwrap()).collect();
    let media = handed_in(&app, "list.bin", "application/x-thing", &bytes).await;
    assert_eq!(media["sha256"], hash(&bytes));
    assert_eq!((&media["size"], &media["state"]), (&json!(700_000), &json!("stored")));
    assert_eq!(
        (&media["mimetype"], &media["filename"]),
        (&json!("application/x-thing"), &json!("list.bin"))
    );
    let url = media["url"].as_str().unwrap();

    let whole = app.get(url).await;
    assert_eq!(whole.status(), 200);
    assert_eq!(
        (told(&whole, "content-length"), told(&whole, "accept-ranges")),
        ("700000", "bytes")
    );
    let tag = told(&whole, "etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", hash(&bytes)));
    assert!(whole.bytes().await.unwrap() == bytes);

    let asked = async |name: &str, value: &str| {
        let request = app.request(Method::GET, url).header(name, value);
        request.send().await.unwrap()
    };
    let part = asked("Range", "bytes=100000-299999").await;
    assert_eq!(
        (part.status().as_u16(), told(&part, "content-range")),
        (206, "bytes 100000-299999/700000")
    );
    assert!(part.bytes().await.unwrap() == bytes[100_000..300_000]);
    let end = asked("Range", "bytes=-5").await;
    assert_eq!(end.bytes().await.unwrap(), bytes[699_995..]);
    for whole in ["bytes=-99999999", "bytes=0-99999999999999999999"] {
        let answer = asked("Range", whole).await;
        assert_eq!(
            (answer.status().as_u16(), told(&answer, "content-range")),
            (206, "bytes 0-699999/700000"),
            "{whole}"
        );
    }
    let beyond = asked("Range", "bytes=700000-").await;
    assert_eq!(
        (beyond.status().as_u16(), told(&beyond, "content-range")),
        (416, "bytes */700000")
    );
    assert_eq!(beyond.json::<Value>().await.unwrap()["code"], "range_not_satisfiable");
    assert_eq!(asked("If-None-Match", &tag).await.status(), 304);
    app.stop().await;
}

/// Rule 31. No file becomes a page of ours.
#[tokio::test]
async fn only_image_audio_and_video_are_shown_inline() {
    let app = App::start().await;
    let opus = [&b"OggS\0\x02"[..], &[0; 22], b"OpusHead"].concat();
    for (name, claimed, bytes, served, way) in [
        ("a.png", "text/html", PNG, "image/png", "inline"),
        ("a.ogg", "audio/ogg", &opus[..], "audio/ogg", "inline"),
        (
            "a.pdf",
            "application/pdf",
            &b"%PDF-1.7"[..],
            "application/pdf",
            "attachment",
        ),
        (
            "a.png",
            "image/png",
            &b"<!DOCTYPE html><script>alert(1)</script>"[..],
            "application/octet-stream",
            "attachment",
        ),
        (
            "a.svg",
            "image/svg+xml",
            &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
            "application/octet-stream",
            "attachment",
        ),
        (
            "a.txt",
            "text/plain",
            &b"words"[..],
            "application/octet-stream",
            "attachment",
        ),
    ] {
        let media = handed_in(&app, name, claimed, bytes).await;
        let answer = app.get(media["url"].as_str().unwrap()).await;
        assert_eq!(told(&answer, "content-type"), served, "{name} {claimed}");
        assert!(
            told(&answer, "content-disposition").starts_with(way),
            "{name} {claimed}"
        );
        assert_eq!(told(&answer, "x-content-type-options"), "nosniff");
        assert!(told(&answer, "content-security-policy").starts_with("sandbox"));
    }
    let media = handed_in(
        &app,
        "../..\\etc/a\"\r\nX: y\u{202e}.pdf",
        "application/pdf",
        b"%PDF-1.7",
    )
    .await;
    assert_eq!(media["filename"], "a_X_ y.pdf");
    let answer = app.get(media["url"].as_str().unwrap()).await;
    assert_eq!(
        told(&answer, "content-disposition"),
        "attachment; filename=\"a_X_ y.pdf\"; filename*=UTF-8''a_X_%20y.pdf"
    );
    assert!(answer.headers().get("x").is_none());
    app.stop().await;
}

/// A key that may only read cannot upload.
#[tokio::test]
async fn empty_or_oversized_upload_is_refused() {
    let app = App::start().await;
    let empty = upload(&app, "a.txt", "text/plain", "").await;
    assert_eq!(empty.status(), 422);
    let large = vec![1; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
    let refused = upload(&app, "a.bin", "application/x-thing", large.clone()).await;
    assert_eq!(refused.status(), 413);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "too_large");
    assert!(problem["detail"].as_str().unwrap().contains("3.1 MB"), "{problem}");
    let most = upload(&app, "a.bin", "application/x-thing", large[1..].to_vec()).await;
    assert_eq!(most.status(), 201);
    let reader = app.key_of(Scope::Read).await;
    let refused = app
        .bare(Method::POST, "/api/v1/media")
        .bearer_auth(reader)
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(app.get("/api/v1/media/99").await.status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn only_readable_image_has_thumbnail() {
    let app = App::start().await;
    let picture = handed_in(&app, "a.png", "image/png", &crate::rig::files::png()).await;
    let small = app
        .get(&format!("{}/thumbnail", picture["url"].as_str().unwrap()))
        .await;
    assert_eq!(
        (small.status().as_u16(), told(&small, "content-type")),
        (200, "image/jpeg")
    );
    assert!(small.bytes().await.unwrap().starts_with(b"\xff\xd8"));
    for bytes in [PNG, &b"words"[..]] {
        let media = handed_in(&app, "b", "image/png", bytes).await;
        let none = app.get(&format!("{}/thumbnail", media["url"].as_str().unwrap())).await;
        assert_eq!(none.status(), 415);
    }
    app.stop().await;
}

/// rule 25.
#[tokio::test]
async fn upload_key_replays_same_file_refuses_other() {
    let app = App::start().await;
    let under = async |bytes: &'static str| {
        let request = app
            .request(Method::POST, "/api/v1/media")
            .header("Idempotency-Key", "f-1");
        request.body(bytes).send().await.unwrap()
    };
    let first: Value = under("one").await.json().await.unwrap();
    let again = under("one").await;
    assert_eq!(
        (again.status().as_u16(), told(&again, "idempotent-replayed")),
        (201, "true")
    );
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    assert_eq!(under("another").await.status(), 422);
    app.stop().await;
}

#[tokio::test]
async fn file_is_sent_by_its_kind_with_caption() {
    let app = App::start().await;
    let picture = handed_in(&app, "cake.png", "image/png", PNG).await;
    let text = handed_in(&app, "prices.csv", "text/csv", b"a;b").await;
    let send = async |body: Value| {
        let answer = app.post("/api/v1/messages", &body).await;
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, message) = send(json!({ "to": TO, "content": "look", "media": { "id": picture["id"] } })).await;
    assert_eq!(
        (status, &message["kind"], &message["content"]),
        (202, &json!("image"), &json!("look"))
    );
    assert_eq!(message["media"], picture);
    assert_eq!(message["state"], "queued");

    let (_, message) = send(json!({ "to": TO, "media": { "id": text["id"] } })).await;
    assert_eq!(
        (&message["kind"], &message["content"]),
        (&json!("document"), &json!("[document: prices.csv]"))
    );
    let (_, message) = send(json!({ "to": TO, "media": { "id": picture["id"], "kind": "sticker" } })).await;
    assert_eq!(message["kind"], "sticker");

    for (media, status, pointer) in [
        (json!({ "id": text["id"], "kind": "image" }), 422, "/media/kind"),
        (json!({ "id": text["id"], "kind": "voice" }), 422, "/media/kind"),
        (json!({ "id": text["id"], "kind": "film" }), 422, "/media/kind"),
        (json!({ "id": 99 }), 404, ""),
    ] {
        let (got, problem) = send(json!({ "to": TO, "media": media })).await;
        assert_eq!(got, status, "{problem}");
        assert_eq!(
            problem["errors"][0]["pointer"].as_str().unwrap_or_default(),
            pointer,
            "{problem}"
        );
    }
    let (status, problem) = send(json!({ "to": TO })).await;
    assert_eq!((status, &problem["code"]), (422, &json!("empty_text")));
    app.stop().await;
}

/// The caption of a file that waits is changed before it goes out; a voice note and a sticker have none.
#[tokio::test]
async fn caption_of_queued_file_is_edited() {
    let app = App::start().await;
    let picture = handed_in(&app, "cake.png", "image/png", PNG).await;
    let text = handed_in(&app, "prices.csv", "text/csv", b"a;b").await;
    for (media, caption) in [(&picture, json!("look")), (&text, Value::Null)] {
        let mut body = json!({ "to": TO, "media": { "id": media["id"] } });
        if !caption.is_null() {
            body["content"] = caption;
        }
        let sent: Value = app.post("/api/v1/messages", &body).await.json().await.unwrap();
        let path = format!("/api/v1/messages/{}", sent["id"]);
        let edited = app
            .request(Method::PATCH, &path)
            .json(&json!({ "content": "look here" }))
            .send()
            .await
            .unwrap();
        assert_eq!(edited.status(), 202);
        let edited: Value = edited.json().await.unwrap();
        assert_eq!(
            (&edited["content"], &edited["state"]),
            (&json!("look here"), &json!("queued"))
        );
        assert_eq!(edited["media"], sent["media"]);
    }
    let body = json!({ "to": TO, "media": { "id": picture["id"], "kind": "sticker" } });
    let sent: Value = app.post("/api/v1/messages", &body).await.json().await.unwrap();
    let path = format!("/api/v1/messages/{}", sent["id"]);
    let refused = app
        .request(Method::PATCH, &path)
        .json(&json!({ "content": "a caption" }))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 409);
    app.stop().await;
}

#[tokio::test]
async fn missing_medium_says_why_and_can_be_fetched() {
    let app = App::start().await;
    let message = app.inbound("Ada", TO, "[image]").await;
    let account = app.account;
    let media = app
        .store
        .write((account, message.id), |tx, &(account, id)| {
            async move {
                let new = NewMedia {
                    account: Some(account),
                    state: MediaState::Expired,
                    wanted: false,
                    mimetype: "image/jpeg".into(),
                    sniffed: None,
                    size: Some(10),
                    sha256: None,
                    promised_sha256: None,
                    filename: None,
                    detail: Some("WhatsApp does not have it any more".into()),
                };
                let media = tx.media().insert(&new).await?;
                tx.media().attach(id, &media).await?;
                Ok::<_, StoreError>(media)
            }
            .boxed()
        })
        .await
        .unwrap();
    let answer = app.get(&media.url).await;
    assert_eq!(answer.status(), 409);
    assert!(
        answer.json::<Value>().await.unwrap()["detail"]
            .as_str()
            .unwrap()
            .contains("any more")
    );
    assert_eq!(app.json(&format!("{}/info", media.url)).await["state"], "expired");
    let asked = app.post(&format!("{}/fetch", media.url), &json!({})).await;
    assert_eq!(asked.status(), 202);
    assert_eq!(asked.json::<Value>().await.unwrap()["state"], "pending");
    let listed = app.json("/api/v1/conversations/1/messages").await;
    assert_eq!(listed["data"][0]["media"]["state"], "pending");
    app.stop().await;
}
