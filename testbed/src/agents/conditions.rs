//! Waits for what an agent's client shows.

use std::time::Duration;

use anyhow::{Result, bail};

use super::agent::Agent;
use super::mirror::Mirror;
use super::wire::{Message, Room};

/// Number of a room's latest messages in the error of a failed wait.
const TOLD: usize = 15;

impl Agent {
    /// Waits until `see` returns something, and returns it.
    ///
    /// # Errors The deadline passed, or the client ended; `what` is named in the message.
    pub async fn until<T>(&self, what: &str, deadline: Duration, see: impl Fn(&Mirror) -> Option<T>) -> Result<T> {
        let mut mirror = self.mirror.clone();
        let mut seen = None;
        let shown = mirror.wait_for(|mirror| {
            seen = see(mirror);
            seen.is_some() || mirror.ended().is_some()
        });
        let in_time = tokio::time::timeout(deadline, shown).await.is_ok();
        match seen {
            Some(seen) => Ok(seen),
            None if in_time => bail!(
                "{}: {what}: {}",
                self.user_id(),
                self.look(|mirror| format!("{:?}", mirror.ended()))
            ),
            None => bail!(
                "{}: {what}: not within {deadline:?}; {}",
                self.user_id(),
                self.look(tell)
            ),
        }
    }

    /// Waits until the agent is in a room of this name.
    pub async fn until_room(&self, name: &str, deadline: Duration) -> Result<Room> {
        self.until_room_where(&format!("a room named {name}"), |room| room.name == name, deadline)
            .await
    }

    /// Waits until the agent is in a room that matches.
    pub async fn until_room_where(
        &self,
        what: &str,
        matches: impl Fn(&Room) -> bool,
        deadline: Duration,
    ) -> Result<Room> {
        let matching = |mirror: &Mirror| {
            let joined = mirror.rooms().find(|room| room.membership == "join" && matches(room));
            joined.cloned()
        };
        self.until(what, deadline, matching).await
    }

    /// Waits until the room shows a message that matches.
    pub async fn until_message(
        &self,
        room_id: &str,
        matches: impl Fn(&Message) -> bool,
        deadline: Duration,
    ) -> Result<Message> {
        let matching = |mirror: &Mirror| {
            mirror
                .messages(room_id)
                .iter()
                .rev()
                .find(|seen| matches(seen))
                .cloned()
        };
        self.until("a message", deadline, matching).await
    }

    /// Waits until the room shows a message with just this text.
    pub async fn until_text(&self, room_id: &str, body: &str, deadline: Duration) -> Result<Message> {
        let matching = |mirror: &Mirror| {
            mirror
                .messages(room_id)
                .iter()
                .rev()
                .find(|seen| seen.body() == body)
                .cloned()
        };
        self.until(&format!("the text {body:?}"), deadline, matching).await
    }

    /// Waits until another user's reaction to the event matches, and returns it.
    pub async fn until_reaction(
        &self,
        room_id: &str,
        event_id: &str,
        matches: impl Fn(&str) -> bool,
        deadline: Duration,
    ) -> Result<String> {
        let matching = |mirror: &Mirror| {
            let mut reactions = mirror.reactions(room_id, event_id);
            let found = reactions.find(|(sender, key)| *sender != self.user_id() && matches(key));
            found.map(|(_, key)| key.to_owned())
        };
        self.until(&format!("a reaction to {event_id}"), deadline, matching)
            .await
    }

    /// Waits until the user has read the event, or a later one.
    pub async fn until_read(&self, room_id: &str, user_id: &str, event_id: &str, deadline: Duration) -> Result<()> {
        let what = format!("{user_id} to read {event_id}");
        self.until(&what, deadline, |mirror| {
            mirror.has_read(room_id, user_id, event_id).then_some(())
        })
        .await
    }
}

/// Describes what the client shows, for the error of a failed wait.
fn tell(mirror: &Mirror) -> String {
    let mut told = vec!["it shows".to_owned()];
    for room in mirror.rooms() {
        told.push(format!(
            "{} {:?} ({}) of {:?}",
            room.room_id, room.name, room.membership, room.members
        ));
        let messages = mirror.messages(&room.room_id);
        for message in &messages[messages.len().saturating_sub(TOLD)..] {
            let Message {
                event_id,
                sender,
                kind,
                readable,
                ..
            } = message;
            told.push(format!(
                "  {event_id} {sender} {kind} {:?} readable={readable}",
                message.body()
            ));
        }
    }
    told.extend(mirror.trouble().iter().map(|trouble| format!("trouble: {trouble}")));
    told.join("\n  ")
}
