//! Reads what the rooms show.

use crm::domain::MatrixEventId;
use crm::domain::matrix::{RoomContent, RoomFile, Speaker};

use super::{FakeMatrix, What, name};

impl FakeMatrix {
    /// Returns what the bot has said in notices, in order.
    pub fn notices(&self) -> Vec<String> {
        let rooms = self.rooms.lock().unwrap();
        let notices = rooms.log.iter().filter_map(|shown| match &shown.what {
            What::Bot {
                content: RoomContent::Notice { body, .. },
                ..
            } => Some(body.clone()),
            _ => None,
        });
        notices.collect()
    }

    /// Returns what the bot has said in texts, in order.
    pub fn texts(&self) -> Vec<String> {
        let rooms = self.rooms.lock().unwrap();
        let texts = rooms.log.iter().filter_map(|shown| match &shown.what {
            What::Bot {
                speaker,
                content: RoomContent::Text { body, .. },
                ..
            } => Some(format!("{}: {body}", name(speaker))),
            _ => None,
        });
        texts.collect()
    }

    /// The event in which the bot has said this.
    pub fn event_of_text(&self, said: &str) -> MatrixEventId {
        self.newest(|content| matches!(content, RoomContent::Text { body, .. } if body == said))
    }

    /// The files that the bot has sent, in order, and what each replies to.
    pub fn files(&self) -> Vec<(RoomFile, Option<MatrixEventId>)> {
        let rooms = self.rooms.lock().unwrap();
        let files = rooms.log.iter().filter_map(|shown| match &shown.what {
            What::Bot {
                content: RoomContent::File { file, reply_to },
                ..
            } => Some((file.clone(), reply_to.clone())),
            _ => None,
        });
        files.collect()
    }

    /// Returns what the bot has sent that this picks, in order, with who spoke.
    pub fn sent<T>(&self, pick: impl Fn(&Speaker, &RoomContent) -> Option<T>) -> Vec<T> {
        let rooms = self.rooms.lock().unwrap();
        let sent = rooms.log.iter().filter_map(|shown| match &shown.what {
            What::Bot { speaker, content, .. } => pick(speaker, content),
            _ => None,
        });
        sent.collect()
    }

    /// The reactions on an event that still stand.
    pub fn ticks(&self, event: &MatrixEventId) -> Vec<String> {
        let rooms = self.rooms.lock().unwrap();
        let standing = rooms.log.iter().filter(|shown| !shown.redacted);
        let ticks = standing.filter_map(|shown| match &shown.what {
            What::Bot {
                content: RoomContent::Reaction { to, key },
                ..
            } if to == event => Some(key.clone()),
            _ => None,
        });
        ticks.collect()
    }
}
