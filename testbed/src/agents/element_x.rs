//! A person's Matrix client on matrix-sdk-ui, the core of Element X: sliding sync, and timelines as its screens show them. It
//! runs in a thread of its own and speaks the lines that the processes speak (`wire`).
//!
//! Its timelines put edits and reactions together with their message: an edit is no line of its own.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{StreamExt as _, pin_mut};
use matrix_sdk::encryption::EncryptionSettings;
use matrix_sdk::ruma::{OwnedRoomId, OwnedTransactionId, RoomId};
use matrix_sdk::{Client, Room, RoomMemberships, RoomState};
use matrix_sdk_ui::room_list_service::State;
use matrix_sdk_ui::room_list_service::filters::new_filter_non_left;
use matrix_sdk_ui::sync_service::SyncService;
use matrix_sdk_ui::timeline::{EventTimelineItem, RoomExt as _, Timeline, TimelineEventShieldState, TimelineItem};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Maximum time until the first sync is done.
const FIRST_SYNC: Duration = Duration::from_mins(1);
/// Most rooms that its list shows.
const LISTED: usize = 1_000;
/// Older events that are loaded when a room is opened.
const OLDER: u16 = 50;
/// Requests that wait.
const WAITING: usize = 64;

/// A command.
#[derive(Debug, Deserialize)]
struct Asked {
    id: u64,
    command: String,
    arguments: Value,
}

/// Starts the client's thread. It ends when nobody can write to `requests` any more.
pub(super) fn start(requests: PipeReader, lines: PipeWriter) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let serve = move || {
        let _ = runtime.block_on(serve(requests, lines));
        runtime.shutdown_background();
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the pipe from which it reads its requests"
    )]
    std::thread::spawn(serve);
    Ok(())
}

async fn serve(requests: PipeReader, lines: PipeWriter) -> Result<()> {
    let (read, mut asked) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        for line in BufReader::new(requests).lines().map_while(Result::ok) {
            if read.blocking_send(line).is_err() {
                break;
            }
        }
    });
    let says = Says(Arc::new(Mutex::new(lines)));
    let mut person = None;
    while let Some(line) = asked.recv().await {
        let Asked { id, command, arguments } = serde_json::from_str(&line)?;
        let done = match (command.as_str(), &person) {
            ("start", _) => match Person::start(&arguments, says.clone()).await {
                Ok((started, login)) => {
                    person = Some(started);
                    Ok(login)
                }
                Err(error) => Err(error),
            },
            ("send", Some(person)) => person.send(&arguments).await,
            ("timeline", Some(person)) => person.timeline(&arguments).await,
            _ => Err(anyhow::anyhow!("Element X's core is not asked to {command}")),
        };
        says.line(&match done {
            Ok(ok) => json!({"reply": {"id": id, "ok": ok}}),
            Err(error) => json!({"reply": {"id": id, "error": format!("{error:#}")}}),
        });
    }
    if let Some(person) = person {
        person.service.stop().await;
    }
    Ok(())
}

/// Where the lines go.
#[derive(Clone)]
struct Says(Arc<Mutex<PipeWriter>>);

impl Says {
    fn line(&self, line: &Value) {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listens any more when the agent is gone.
        let _ = writeln!(pipe, "{line}");
    }
}

struct Person {
    client: Client,
    service: SyncService,
    opened: Opened,
    watching: JoinHandle<()>,
}

impl Drop for Person {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// The timelines that are open.
type Opened = Arc<tokio::sync::Mutex<HashMap<OwnedRoomId, Arc<Timeline>>>>;

impl Person {
    async fn start(arguments: &Value, says: Says) -> Result<(Self, Value)> {
        let text = |name: &str| arguments[name].as_str().context("an argument of start is missing");
        let settings = EncryptionSettings {
            auto_enable_cross_signing: true,
            ..EncryptionSettings::default()
        };
        let client = Client::builder()
            .homeserver_url(text("homeserver")?)
            .with_encryption_settings(settings)
            .build()
            .await?;
        let login = client
            .matrix_auth()
            .login_username(text("user")?, text("password")?)
            .initial_device_display_name("matrix-sdk-ui")
            .send()
            .await?;
        let service = SyncService::builder(client.clone()).build().await?;
        service.start().await;
        let rooms = service.room_list_service();
        let mut state = rooms.state();
        let synced = async {
            while !matches!(state.get(), State::Running) {
                state.next().await.context("the list of rooms ended")?;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(FIRST_SYNC, synced)
            .await
            .context("no first sync")??;
        let opened = Opened::default();
        let watch = Watch {
            client: client.clone(),
            says,
            opened: opened.clone(),
            told: HashMap::new(),
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the runtime is the client's own and ends with it"
        )]
        let watching = tokio::spawn(async move {
            let says = watch.says.clone();
            let Err(error) = watch.rooms(&rooms).await else { return };
            says.line(&json!({"trouble": format!("{error:#}")}));
        });
        let answer = json!({
            "user_id": login.user_id, "device_id": login.device_id, "access_token": login.access_token,
        });
        let person = Self {
            client,
            service,
            opened,
            watching,
        };
        Ok((person, answer))
    }

    async fn send(&self, arguments: &Value) -> Result<Value> {
        let text = |name: &str| arguments[name].as_str().context("an argument of send is missing");
        let room: &RoomId = text("room_id")?.try_into()?;
        let room = self
            .client
            .get_room(room)
            .context("the client does not know this room")?;
        let transaction = OwnedTransactionId::from(text("transaction_id")?);
        let sent = room
            .send_raw(text("kind")?, arguments["content"].clone())
            .with_transaction_id(&transaction)
            .await?;
        Ok(json!({"event_id": sent.response.event_id}))
    }

    async fn timeline(&self, arguments: &Value) -> Result<Value> {
        let room: OwnedRoomId = arguments["room_id"].as_str().context("no room")?.try_into()?;
        let Some(timeline) = self.opened.lock().await.get(&room).cloned() else {
            bail!("this room is not open");
        };
        let items = timeline.items().await;
        Ok(items.iter().filter_map(|item| described(&room, item)).collect())
    }
}

/// Tells what the client shows.
struct Watch {
    client: Client,
    says: Says,
    opened: Opened,
    /// What was told of each room last.
    told: HashMap<OwnedRoomId, Value>,
}

impl Watch {
    async fn rooms(mut self, service: &matrix_sdk_ui::RoomListService) -> Result<()> {
        let list = service.all_rooms().await?;
        let (changes, controller) = list.entries_with_dynamic_adapters(LISTED);
        controller.set_filter(Box::new(new_filter_non_left()));
        pin_mut!(changes);
        while changes.next().await.is_some() {
            for room in self.client.rooms() {
                self.see(service, room).await?;
            }
        }
        Ok(())
    }

    async fn see(&mut self, service: &matrix_sdk_ui::RoomListService, room: Room) -> Result<()> {
        let id = room.room_id().to_owned();
        let members = room.members_no_sync(RoomMemberships::JOIN).await?;
        let mut members: Vec<&str> = members.iter().map(|member| member.user_id().as_str()).collect();
        members.sort_unstable();
        let shown = json!({
            "room_id": id, "name": room.display_name().await?.to_string(), "topic": room.topic(), "space": room.is_space(),
            "encrypted": room.encryption_state().is_encrypted(), "membership": membership(room.state()), "members": members,
        });
        if self.told.get(&id) != Some(&shown) {
            self.says.line(&json!({"room": shown}));
            self.told.insert(id.clone(), shown);
        }
        match room.state() {
            RoomState::Invited => room.join().await?,
            RoomState::Joined if !room.is_space() && !self.opened.lock().await.contains_key(&id) => {
                service.subscribe_to_rooms(&[&id]).await;
                self.open(room).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Opens a room's timeline, and tells of each event in it whenever it looks different.
    async fn open(&self, room: Room) -> Result<()> {
        let id = room.room_id().to_owned();
        let timeline = Arc::new(room.timeline().await?);
        self.opened.lock().await.insert(id.clone(), Arc::clone(&timeline));
        let says = self.says.clone();
        let follow = async move {
            let (_, mut changes) = timeline.subscribe().await;
            let mut told: HashMap<String, Value> = HashMap::new();
            if let Err(error) = timeline.paginate_backwards(OLDER).await {
                says.line(&json!({"trouble": format!("older events of {id}: {error}")}));
            }
            loop {
                for item in timeline.items().await {
                    let Some(message) = described(&id, &item) else { continue };
                    let event = message["event_id"].to_string();
                    if told.get(&event) != Some(&message) {
                        says.line(&json!({"message": message}));
                        told.insert(event, message);
                    }
                }
                if changes.next().await.is_none() {
                    break;
                }
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the runtime is the client's own and ends with it"
        )]
        tokio::spawn(follow);
        Ok(())
    }
}

const fn membership(state: RoomState) -> &'static str {
    match state {
        RoomState::Joined => "join",
        RoomState::Invited => "invite",
        RoomState::Knocked => "knock",
        RoomState::Banned => "ban",
        RoomState::Left => "leave",
    }
}

/// Returns an event as the timeline shows it, with its latest edit; `None` for what is no event of the homeserver.
fn described(room: &RoomId, item: &TimelineItem) -> Option<Value> {
    let event = item.as_event()?;
    let id = event.event_id()?;
    let original: Value = event.original_json()?.deserialize_as_unchecked().ok()?;
    let mut content = original["content"].clone();
    if let Some(edit) = event.latest_edit_json() {
        let edit: Value = edit.deserialize_as_unchecked().ok()?;
        content = edit["content"]["m.new_content"].clone();
    }
    Some(json!({
        "room_id": room, "event_id": id, "sender": event.sender(), "kind": original["type"], "content": content,
        "relates_to": original["content"].get("m.relates_to"),
        "transaction_id": original["unsigned"]["transaction_id"], "timestamp": event.timestamp(),
        "encrypted": event.encryption_info().is_some() || event.content().is_unable_to_decrypt(),
        "readable": !event.content().is_unable_to_decrypt(), "redacted": event.content().is_redacted(),
        // No bubble shows a state event, which is never encrypted.
        "shield": original.get("state_key").is_none().then(|| shield(event)),
    }))
}

fn shield(event: &EventTimelineItem) -> Value {
    let colour = match event.get_shield(false) {
        TimelineEventShieldState::Red { .. } => "red",
        TimelineEventShieldState::Grey { .. } => "grey",
        TimelineEventShieldState::None => "none",
    };
    json!({"colour": colour, "reason": null})
}
