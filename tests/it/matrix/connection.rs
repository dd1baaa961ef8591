//! The connection: refused, lost, found again; the rest of the program runs on meanwhile.

use std::time::Duration;

use crm::domain::matrix::{Matrix, MatrixError, MatrixState};
use crm::matrix::Password;
use reqwest::Method;
use testbed::agents::{Agent, Client};
use testbed::quick;
use testbed::servers::{Synapse, SynapseOptions};

use super::desk::{Desk, PASSWORD, SOON, options, person, spec};

/// A call that cannot be answered says so at once.
async fn assert_prompt(desk: &Desk) -> String {
    let begun = tokio::time::Instant::now();
    let answer = desk.bot.ensure_room(&spec("nowhere", &[])).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    match answer {
        Err(MatrixError::Unreachable { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn desk_connects_when_homeserver_comes_up() {
    if quick() {
        return;
    }
    let mut synapse = Synapse::start(SynapseOptions::default()).await.unwrap();
    let (options, folder) = options(&synapse, "down").await;
    synapse.kill_9();
    let desk = Desk::start(options, folder);
    let status = desk.until_state(MatrixState::Unreachable).await;
    assert!(status.detail.unwrap().contains("no connection"));
    assert_prompt(&desk).await;

    synapse.restart().await.unwrap();
    let status = desk.until_state(MatrixState::Ready).await;
    assert_eq!(
        (status.detail, status.user.unwrap().as_str()),
        (None, "@desk-down:localhost")
    );
    desk.follow(None);
    let room = desk.bot.ensure_room(&spec("down-ada", &[])).await.unwrap();
    desk.say(&room, "t1", "one").await;

    synapse.kill_9();
    desk.until_state(MatrixState::Unreachable).await;
    assert_prompt(&desk).await;
    // Even a restart of our own comes back with what is on disk, and waits for the homeserver.
    let (options, folder) = desk.stop().await;
    let desk = Desk::start(options, folder);
    desk.until_state(MatrixState::Unreachable).await;
    synapse.restart().await.unwrap();
    desk.until_state(MatrixState::Ready).await;
    desk.follow(None);
    desk.say(&room, "t2", "two").await;
}

#[tokio::test]
async fn wrong_password_is_refused_with_advice() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let (mut options, folder) = options(synapse, "wrong").await;
    options.password = Password::new("guess");
    let desk = Desk::start(options, folder);
    let detail = desk.until_state(MatrixState::Refused).await.detail.unwrap();
    assert!(
        detail.contains("M_FORBIDDEN") && detail.contains("check CRM_MATRIX_"),
        "{detail}"
    );
    // It costs no message its life.
    assert_eq!(assert_prompt(&desk).await, detail);
    let (mut options, folder) = desk.stop().await;
    options.password = Password::new(PASSWORD);
    Desk::connect((options, folder)).await;
}

/// Session and store belong together: matrix-sdk refuses a session whose account is not the one in the store.
#[tokio::test]
async fn foreign_or_ended_session_needs_reset() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let anna = person(synapse, Client::Js, "reset-anna").await;
    let desk = Desk::open(synapse, "reset").await;
    let room = desk.bot.ensure_room(&spec("reset-ada", &[&anna])).await.unwrap();
    desk.say(&room, "t1", "one").await;
    anna.until_text(room.as_str(), "Ada: one", SOON).await.unwrap();

    let (mut options, folder) = desk.stop().await;
    let user = std::mem::replace(&mut options.user, "somebody-else".to_owned());
    let desk = Desk::start(options, folder);
    let detail = desk.until_state(MatrixState::Refused).await.detail.unwrap();
    assert!(
        detail.contains("somebody-else") && detail.contains("delete that folder"),
        "{detail}"
    );

    let (mut options, folder) = desk.stop().await;
    options.user = user;
    let same = Agent::start(Client::Nio, &synapse.url(), &options.user, PASSWORD)
        .await
        .unwrap();
    same.request(Method::POST, &["logout", "all"], Some(serde_json::json!({})))
        .await
        .unwrap();
    let desk = Desk::start(options, folder);
    let detail = desk.until_state(MatrixState::Refused).await.detail.unwrap();
    assert!(
        detail.contains("no longer knows") && detail.contains("delete that folder"),
        "{detail}"
    );

    let (options, folder) = desk.stop().await;
    crm::matrix::reset(&options.folder).unwrap();
    let desk = Desk::connect((options, folder)).await;
    desk.follow(None);
    desk.say(&room, "t2", "two").await;
    let two = anna.until_text(room.as_str(), "Ada: two", SOON).await.unwrap();
    assert!(two.readable);
    // The new device is signed by a new identity, with the password.
    let trust = anna.trust(&format!("@{}:localhost", desk.options.user)).await.unwrap();
    assert!(trust.devices.iter().all(|device| device.signed_by_owner), "{trust:?}");
}
