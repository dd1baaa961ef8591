//! A linked device: its credential, what waits for it, and its own message store.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::net::stanza::Stanza;
use super::net::wire::HistoryChunk;
use super::people::PhoneId;

/// A linked device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub(crate) u64);

/// What the service keeps of a linked device.
#[derive(Debug)]
pub(crate) struct Device {
    pub phone: PhoneId,
    pub secret: String,
    /// The page has its credential in its profile.
    pub registered: bool,
    /// Kept until the page has said that it has them; they come again on every connection until then.
    pub queue: VecDeque<(u64, Stanza)>,
    pub next_seq: u64,
    /// Chunks of history that the page has not said it has.
    pub history: VecDeque<HistoryChunk>,
    /// The device's own store (see `disk_socket`): rows by table and key. Never looked into.
    pub disk: BTreeMap<(String, String), Box<RawValue>>,
    /// Which opening of the store counts: a page that is gone must not write behind the back of the one that came after.
    pub disk_opened: u64,
}

impl Device {
    pub fn new(phone: PhoneId, secret: String) -> Self {
        Self {
            phone,
            secret,
            registered: false,
            queue: VecDeque::new(),
            next_seq: 1,
            history: VecDeque::new(),
            disk: BTreeMap::new(),
            disk_opened: 0,
        }
    }

    /// Puts a stanza into the queue and gives its number.
    pub fn enqueue(&mut self, stanza: Stanza) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.queue.push_back((seq, stanza));
        seq
    }

    /// The page has everything up to `seq`: gives what that is.
    pub fn acknowledged(&mut self, seq: u64) -> Vec<Stanza> {
        let count = self.queue.partition_point(|(at, _)| *at <= seq);
        self.queue.drain(..count).map(|(_, stanza)| stanza).collect()
    }
}
