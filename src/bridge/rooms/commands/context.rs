//! What handling events needs from the homeserver, fetched before the transaction begins (invariant 5).

use std::collections::HashMap;

use crate::bridge::core::Core;
use crate::bridge::rooms::management::overview::{Overview, overview};
use crate::domain::details::ContactCard;
use crate::domain::matrix::{Matrix, RoomEvent, RoomEventKind};
use crate::domain::question::{YES, folded};
use crate::domain::{MatrixEventId, MatrixUserId};
use crate::store::{NewMedia, Store, StoreError};

use super::{Command, Parsed, internal, parse};

/// Most events that are looked up for one batch. What is not looked up is not answered to a customer.
const MAX_LOOKED_UP: usize = 100;

/// Data for handling events, fetched before the transaction begins.
#[derive(Clone, Default)]
pub(crate) struct RoomContext {
    /// Events that agents confirm, by id.
    pub confirmed: HashMap<MatrixEventId, RoomEvent>,
    /// Events that agents answer or react to, and that are not stored, by id.
    pub looked_up: HashMap<MatrixEventId, RoomEvent>,
    /// Our own Matrix user.
    pub bot: Option<MatrixUserId>,
    /// Whether the event is the first of its room that has waited, and waits behind no other.
    pub is_first: bool,
    /// The event's file, fetched and stored.
    pub file: Option<NewMedia>,
    /// How the server stands, if that was asked for in the management room.
    pub overview: Option<Overview>,
    /// Contact cards that the file holds, if it is a file of such.
    pub cards: Vec<ContactCard>,
    /// For each read event that shows no message: the events before it, the newest first.
    pub before: HashMap<MatrixEventId, Vec<MatrixEventId>>,
}

impl RoomContext {
    /// Fetches what handling an event needs that has waited and waits behind no other.
    pub(crate) async fn of_waiting(core: &Core, port: &dyn Matrix, event: &RoomEvent) -> Result<Self, StoreError> {
        let (store, events) = (&core.store, std::slice::from_ref(event));
        Ok(Self {
            overview: overview(core, events).await?,
            confirmed: confirmed(store, port, events).await?,
            looked_up: look_up(store, port, events).await?,
            is_first: true,
            ..Self::default()
        })
    }
}

/// Fetches the events that agents confirm: by `!send`, or by a yes to a question about them.
pub(crate) async fn confirmed(
    store: &Store,
    port: &dyn Matrix,
    events: &[RoomEvent],
) -> Result<HashMap<MatrixEventId, RoomEvent>, StoreError> {
    let mut confirmed = HashMap::new();
    for event in events {
        let original = match &event.what {
            RoomEventKind::Text {
                body,
                reply_to: Some(original),
            } if matches!(parse(body), Some(Parsed::Command(_, Command::Send))) => original.clone(),
            RoomEventKind::Reaction { of, key } if folded(key) == YES => match store.questions().of_event(of).await? {
                Some(asked) => asked.question.about,
                None => continue,
            },
            _ => continue,
        };
        if let Ok(original) = port.event(&event.room, &original).await {
            confirmed.insert(original.id.clone(), original);
        }
    }
    Ok(confirmed)
}

/// Looks up the events that agents answer or react to, as far as the store does not know what they are. What somebody else
/// wrote than an agent or ourselves, such as the owner, was never sent: it stays unknown.
pub(crate) async fn look_up(
    store: &Store,
    port: &dyn Matrix,
    events: &[RoomEvent],
) -> Result<HashMap<MatrixEventId, RoomEvent>, StoreError> {
    let mut found = HashMap::new();
    let mut agents: Option<Vec<MatrixUserId>> = None;
    for event in events.iter().filter(|event| is_written(event)) {
        for id in internal::answered(event).chain(reacted_to(event)) {
            if found.len() >= MAX_LOOKED_UP || found.contains_key(id) {
                continue;
            }
            let agents = match &agents {
                Some(agents) => agents,
                None => agents.insert(store.agents().answering().await?),
            };
            let is_known = store.rooms().message_of_event(id).await?.is_some();
            if is_known || !agents.contains(&event.sender) || store.internal_events().get(id).await?.is_some() {
                continue;
            }
            match port.event(&event.room, id).await {
                Ok(answered) if port.is_ours(&answered.sender) || agents.contains(&answered.sender) => {
                    found.insert(id.clone(), answered);
                }
                Ok(_) => {}
                Err(error) => tracing::debug!("an event that is answered cannot be looked up: {error}"),
            }
        }
    }
    Ok(found)
}

/// Returns the event that an event reacts to.
fn reacted_to(event: &RoomEvent) -> Option<&MatrixEventId> {
    match &event.what {
        RoomEventKind::Reaction { of, .. } => Some(of),
        _ => None,
    }
}

/// Returns whether an event is something that a person wrote.
const fn is_written(event: &RoomEvent) -> bool {
    !matches!(
        event.what,
        RoomEventKind::Notice
            | RoomEventKind::Redaction { .. }
            | RoomEventKind::Replaced
            | RoomEventKind::Fence
            | RoomEventKind::Member { .. }
            | RoomEventKind::Other
    )
}
